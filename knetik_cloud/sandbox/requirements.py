"""Say which extra to install when one of its libraries is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {
    "click": "sandbox",
    "jsonschema": "sandbox",
    "psycopg": "postgresql",
    "sqlalchemy": "sandbox",
    "starlette": "sandbox",
    "swagger_ui_bundle": "sandbox",
    "uvicorn": "sandbox",
    "yaml": "sandbox",
}
"""The extra that each library comes with. Whoever lacks click for the command is told of the extra that holds
all that the command needs, and not of `cli`, which is click alone."""


class MissingExtra(ImportError):
    """A library of an optional part of the SDK is missing; the message holds the command that installs it."""


@contextmanager
def explain_missing() -> Iterator[None]:
    """Turn the absence of an optional library into a `MissingExtra` that names the extras to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        wanted = EXTRAS[library]
        named = wanted if wanted == "sandbox" else f"sandbox,{wanted}"
        raise MissingExtra(
            f'{library} is not installed. It comes with an extra: pip install "knetik_cloud[{named}]"',
            name=error.name,
        ) from error
