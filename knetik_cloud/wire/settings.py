"""The settings of a client that concern its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import ssl


class TransportSettings(Protocol):
    """The settings of a transport, read from a configuration."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the service."""

    pool_size: int
    max_response_size: int
    proxy: str | None
    no_proxy: str | None
    verify_ssl: bool
    ssl_ca_cert: str | None
    cert_file: str | None
    key_file: str | None
    ssl_context: ssl.SSLContext | None


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
    def of(cls, settings: TransportSettings) -> ConnectionSettings:
        """Return those of a configuration."""
        return cls(*(getattr(settings, name) for name in cls._fields))
