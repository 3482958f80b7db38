"""Checks for missing libraries, with the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {
    "click": "sandbox",
    "jmespath": "cli",
    "jinja2": "sandbox",
    "jsonschema": "sandbox",
    "platformdirs": "cli",
    "psycopg": "sandbox,postgresql",
    "pyarrow": "arrow",
    "rich": "cli",
    "sqlalchemy": "sandbox",
    "starlette": "sandbox",
    "tomlkit": "cli",
    "uvicorn": "sandbox",
    "yaml": "sandbox",
}
"""The extras that each library comes with. Click is in `sandbox`, with all that `knetik sandbox` needs."""


class MissingExtra(ImportError):
    """A missing library of an optional part of the SDK. The message contains the command to install it."""


@contextmanager
def explain_missing() -> Iterator[None]:
    """Raise a `MissingExtra` with the extras to install if an optional library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        command = f'pip install "knetik_cloud[{EXTRAS[library]}]"'
        raise MissingExtra(
            f"{library} is not installed. It comes with an extra: {command}",
            name=error.name,
        ) from error
