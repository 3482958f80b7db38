"""The settings of a client that concern its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl


class ConnectionSettings(NamedTuple):
    """The settings that a connection depends on. If one changes, the connections are replaced."""

    origin: str
    proxy: str | None
    no_proxy: str | None
    verify_ssl: bool
    ssl_ca_cert: str | None
    cert_file: str | None
    key_file: str | None
    ssl_context: ssl.SSLContext | None

    @classmethod
    def of(cls, configuration: object) -> ConnectionSettings:
        """Return those of a configuration."""
        return cls(*(getattr(configuration, name) for name in cls._fields))
