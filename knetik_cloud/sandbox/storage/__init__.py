"""Where the stand-in keeps its data: SQLAlchemy Core over SQLite or PostgreSQL."""

from __future__ import annotations

from knetik_cloud.sandbox.storage.database import Database, DatabaseVersionError

__all__ = ["Database", "DatabaseVersionError"]
