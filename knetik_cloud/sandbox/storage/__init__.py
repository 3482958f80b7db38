"""The storage of the sandbox: SQLAlchemy Core over SQLite or PostgreSQL."""

from __future__ import annotations

from knetik_cloud.sandbox.storage.database import Database
from knetik_cloud.sandbox.storage.unusable import UnusableDatabase

__all__ = ["Database", "UnusableDatabase"]
