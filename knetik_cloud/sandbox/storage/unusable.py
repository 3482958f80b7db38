"""The error for a database that can't be used."""

from __future__ import annotations


class UnusableDatabase(Exception):
    """The database can't be opened or used. The message names it, and the reason."""
