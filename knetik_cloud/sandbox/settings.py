"""The settings of a sandbox, fixed when it starts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

from knetik_cloud.data.types import did_you_mean, short_repr
from knetik_cloud.sandbox.arguments import check_integer, check_path, check_seed, check_text, wrong_type_error

IN_MEMORY = "sqlite://"

DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver to use for a URL that names none."""


Audience = Literal["loopback", "anywhere", "off"]
"""The audience of the control API: this machine, anyone, or no one."""

MAX_PORT = 65_535
MAX_SECONDS = 2**31 - 1
"""The largest lifetime and delay: 68 years."""


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


def check_names(names: Collection[str]) -> None:
    """Check the names of settings.

    Raises:
        TypeError: If there is no setting of a name.
    """
    known = Options.__annotations__
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; it has {', '.join(known)}"
            raise TypeError(f"Sandbox has no setting {name!r}{hint}")


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
        control: The machines that may use `/_sandbox/`: this one, all, or none.
        workers: The number of server processes that share the database. More than one needs PostgreSQL. The
            command starts them. A `Sandbox` in a program is one of them.
        token_lifetime: The lifetime of tokens in seconds of the sandbox's clock.
        fulfillment_delay: The seconds of the sandbox's clock until an invoice is fulfilled.
        journal_size: The maximum number of exchanges in the journal.

    Raises:
        TypeError: If a value is of the wrong type.
        ValueError: If a value is out of range, or the values don't fit each other.
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
        check_text("host", self.host, "the address to listen on")
        if not self.host:
            raise ValueError(
                "host must be an address to listen on, not '': 0.0.0.0 means all of this machine"
            )
        check_integer("port", self.port, f"from 0 to {MAX_PORT}, where 0 means a free one", 0, MAX_PORT)
        if self.database is not None:
            check_text("database", self.database, "the path of an SQLite file or a URL")
            if not self.database:
                raise ValueError("database must be the path of a file or a URL, not '': None means in memory")
            check_path("database", self.database)
        if self.seed is not None:
            check_seed("seed", self.seed)
        _check_amounts(self.generate)
        for name in ("empty", "require_auth"):
            if not isinstance(getattr(self, name), bool):
                raise wrong_type_error(name, "True or False", getattr(self, name))
        _check_hosts(self.allow_host)
        if self.control not in get_args(Audience):
            choices = "'loopback', 'anywhere' or 'off'"
            raise ValueError(f"control must be {choices}, not {short_repr(self.control)}")
        for name in ("workers", "journal_size"):
            check_integer(name, getattr(self, name), "1 or more", 1)
        for name, low in (("token_lifetime", 1), ("fulfillment_delay", 0)):
            check_integer(name, getattr(self, name), f"from {low} to {MAX_SECONDS} seconds", low, MAX_SECONDS)
        if self.workers > 1 and not self.database_url.startswith("postgresql"):
            raise ValueError(
                f"{self.workers} workers need a database that they can share: pass a PostgreSQL URL, such as "
                "postgresql://user@host/name, or run one worker"
            )

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
    checked: dict[str, Any] = {"users": users, "entries": entries}
    for name, number in checked.items():
        check_integer(name, number, f"from 0 to {MAX_GENERATED}", 0, MAX_GENERATED)
    return checked


def _check_amounts(generate: Any) -> None:
    if generate is None:
        return
    if not isinstance(generate, Mapping):
        raise wrong_type_error("generate", "a map such as {'users': 10, 'entries': 100}", generate)
    for name in generate:
        if name not in ("users", "entries"):
            raise ValueError(f"generate has no {short_repr(name)}: use users and entries")
    amounts(**generate)


def _check_hosts(names: Any) -> None:
    if isinstance(names, str):
        raise TypeError(f"allow_host must be a list of host names, such as [{names!r}]")
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise wrong_type_error("allow_host", "a list of host names, such as ['sandbox.local']", names)
    for name in names:
        host_name(name)
