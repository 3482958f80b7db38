"""Missing libraries of the optional parts, with the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

EXTRAS = {
    "jmespath": "cli",
    "jinja2": "sandbox",
    "jsonschema": "sandbox",
    "opentelemetry": "otel",
    "psycopg": "sandbox,postgresql",
    "pyarrow": "arrow",
    "rich": "cli",
    "sqlalchemy": "sandbox",
    "starlette": "sandbox",
    "tomlkit": "cli",
    "uvicorn": "sandbox",
}
"""The extra that each library comes with."""

SHARED = ("click", "platformdirs", "yaml")
"""The libraries that come with both `cli` and `sandbox`."""


class MissingExtra(ImportError):
    """A missing library of an optional part of the SDK. The message contains the command to install it."""


@contextmanager
def explain_missing(part: Literal["cli", "sandbox", "otel"]) -> Iterator[None]:
    """Raise a `MissingExtra` with the extra to install if an optional library is missing.

    Args:
        part: The part that needs it, whose extra is the one to install for a shared library.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        extra = part if library in SHARED else EXTRAS.get(library)
        if extra is None:
            raise
        command = f'pip install "knetik_cloud[{extra}]"'
        raise MissingExtra(
            f"{library} is not installed. It comes with an extra: {command}",
            name=error.name,
        ) from error
