"""The settings of a sandbox, fixed when it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

from knetik_cloud.data.types import short_repr

IN_MEMORY = "sqlite://"

DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver to use for a URL that names none."""


Audience = Literal["loopback", "anywhere", "off"]
"""The audience of the control API: this machine, anyone, or no one."""


_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


def host_name(text: str) -> str:
    """Return a host name, or an IP address, in the form in which they are compared.

    Raises:
        ValueError: If the text isn't a host alone, such as one with a scheme or a port.
    """
    name = text.strip().lower().removesuffix(".")
    if _HOST_NAME.fullmatch(name):
        return name
    with suppress(ValueError):
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    raise ValueError(
        f"allow_host must be host names without scheme and port, such as sandbox.local, not {text!r}"
    )


MAX_GENERATED = 10_000_000
"""The maximum number of users, or of entries, to generate in one call."""


class Options(TypedDict, total=False):
    """The settings by keyword, each as in `Settings`."""

    host: str
    port: int
    database: str | None
    seed: str | Path | Mapping[str, Any] | None
    generate: Mapping[str, int] | None
    empty: bool
    require_auth: bool
    allow_host: Sequence[str]
    control: Audience
    workers: int
    token_lifetime: int
    fulfillment_delay: int
    journal_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a sandbox.

    Attributes:
        host: The address to listen on.
        port: The TCP port, or 0 for a free one.
        database: The path of an SQLite file, or an SQLAlchemy URL. None keeps the data in memory.
        seed: A file (YAML, JSON or JSON Lines), or a map of that shape, that fills an empty database instead
            of the demo data.
        generate: The numbers of `users` and `entries` to add to an empty database, as `generate()` does.
        empty: Leave an empty database empty.
        require_auth: Enforce tokens and permissions.
        allow_host: The names by which clients reach the sandbox, in addition to IP addresses, `localhost` and
            `host`. Pages of these hosts may call it.
        control: Who may use `/_sandbox/`: this machine, anyone, or no one.
        workers: The number of server processes. More than one needs PostgreSQL.
        token_lifetime: The lifetime of tokens in seconds of the sandbox's clock.
        fulfillment_delay: The seconds of the sandbox's clock until an invoice is fulfilled.
        journal_size: The maximum number of exchanges in the journal.
    """

    host: str = "127.0.0.1"
    port: int = 0
    database: str | None = None
    seed: str | Path | Mapping[str, Any] | None = None
    generate: Mapping[str, int] | None = None
    empty: bool = False
    require_auth: bool = False
    allow_host: Sequence[str] = ()
    control: Audience = "loopback"
    workers: int = 1
    token_lifetime: int = 43_200
    fulfillment_delay: int = 1
    journal_size: int = 1000

    def __post_init__(self) -> None:
        if isinstance(self.allow_host, str):
            raise TypeError(f"allow_host must be a list of host names, such as [{self.allow_host!r}]")
        for name in self.allow_host:
            host_name(name)
        if self.generate is not None:
            unknown = sorted(self.generate.keys() - {"users", "entries"})
            if unknown:
                raise ValueError(f"generate has no {unknown[0]!r}: use users and entries")
            amounts(**self.generate)
        if self.control not in get_args(Audience):
            choices = "'loopback', 'anywhere' or 'off'"
            raise ValueError(f"control must be {choices}, not {short_repr(self.control)}")
        if self.workers < 1:
            raise ValueError(f"workers must be 1 or more, not {self.workers}")
        if self.workers > 1 and not self.database_url.startswith("postgresql"):
            raise ValueError(
                f"{self.workers} workers need a database that they can share: pass a PostgreSQL URL, such as "
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


def amounts(users: object = 0, entries: object = 0) -> dict[str, int]:
    """Return the amounts to generate.

    Raises:
        TypeError: If one is not an integer.
        ValueError: If one is negative or exceeds `MAX_GENERATED`.
    """
    checked: dict[str, int] = {}
    for name, number in (("users", users), ("entries", entries)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name} must be an integer, not {number!r}")
        if not 0 <= number <= MAX_GENERATED:
            raise ValueError(f"{name} must be from 0 to {MAX_GENERATED}, not {number}")
        checked[name] = number
    return checked
