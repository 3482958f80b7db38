"""The settings of a stand-in server, fixed when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

IN_MEMORY = "sqlite://"

DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver that a URL without one means."""


Audience = Literal["loopback", "anywhere", "off"]
"""Whom the control API serves: this machine, anybody, nobody."""


class Options(TypedDict, total=False):
    """The settings by keyword, each as in `Settings`."""

    host: str
    port: int
    database: str | None
    seed: Path | None
    empty: bool
    require_auth: bool
    control: Audience
    workers: int
    token_lifetime: int
    fulfillment_delay: int
    journal_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a stand-in is started with.

    `host` is an address to listen on and `port` a TCP port, 0 picking a free one. `database` is None (in
    memory), the path of an SQLite file, or an SQLAlchemy URL. `seed` names a YAML file to fill an empty
    database with instead of the demo data, `empty` leaves it empty. `require_auth` enforces tokens and
    permissions. `control` says whom `/_sandbox/` serves: this machine, anybody, nobody. `workers` counts
    server processes (PostgreSQL only). `token_lifetime` and `fulfillment_delay` are in seconds of the
    stand-in's clock. `journal_size` is the number of exchanges kept.
    """

    host: str = "127.0.0.1"
    port: int = 0
    database: str | None = None
    seed: Path | None = None
    empty: bool = False
    require_auth: bool = False
    control: Audience = "loopback"
    workers: int = 1
    token_lifetime: int = 43_200
    fulfillment_delay: int = 1
    journal_size: int = 1000

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be 1 or more, not {self.workers}")
        if self.workers > 1 and not self.database_url.startswith("postgresql"):
            raise ValueError(
                f"{self.workers} workers need a database that they can share: give a PostgreSQL URL, such as "
                "postgresql://user@host/name, or run one worker"
            )
        for name in ("token_lifetime", "journal_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.fulfillment_delay < 0:
            raise ValueError(f"fulfillment_delay must not be negative, as {self.fulfillment_delay} is")

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the database."""
        if self.database is None:
            return IN_MEMORY
        scheme, separator, rest = self.database.partition("://")
        if not separator:
            return f"sqlite:///{self.database}"
        return f"{DRIVERS.get(scheme, scheme)}://{rest}"
