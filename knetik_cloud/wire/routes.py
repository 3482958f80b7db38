"""The route to the service: directly, through a forwarding proxy, or through a tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from knetik_cloud.wire import proxies

if TYPE_CHECKING:
    import ssl


class Route:
    """The steps from a client to an origin.

    Attributes:
        address: The host and port to connect to: the proxy's, or the origin's.
        tls_to_proxy: Whether the first hop is a proxy with TLS.
        tunnel: The `host:port` to reach through a CONNECT request, or None.
        tls_to: The host whose certificate is checked at the end, or None without TLS.
        needs_tls: Whether any hop uses TLS.
        prefix: The start of each target: the origin for a proxy that forwards requests, otherwise "".
        proxy: The proxy as error messages name it, without credentials, or None.
        proxy_header: The header with the credentials of the proxy, empty without any.
        secrets: The credentials of the proxy, in the forms in which it may echo them.
        tls: The TLS context of all hops, or None.
        trust: The certificate authorities that `tls` trusts, for error messages.
    """

    def __init__(
        self, origin: str, proxy: str | None, no_proxy: str | None, environ: Mapping[str, str]
    ) -> None:
        url = urlsplit(origin)
        self.address = host, port = _address(url)
        self.tls_to = host if url.scheme == "https" else None
        self.tls: ssl.SSLContext | None = None
        self.trust = ""
        self.proxy: str | None = None
        self.tunnel: str | None = None
        self.prefix = ""
        chosen = proxies.choose(url.scheme, host, port, proxy, no_proxy, environ)
        address, self.proxy_header, self.secrets = proxies.split(chosen or "")
        via = urlsplit(address)
        self.tls_to_proxy = via.scheme == "https"
        self.needs_tls = self.tls_to_proxy or self.tls_to is not None
        if chosen is not None:
            self.address = _address(via)
            self.proxy = f"the proxy {via.netloc}"
            if self.tls_to is None:
                self.prefix = without_zone(origin)
            else:
                self.tunnel = without_zone(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def without_zone(origin: str) -> str:
    """Remove the zone of an IPv6 address, which means something on this machine only."""
    address, percent, rest = origin.partition("%")
    return address + rest[rest.index("]") :] if percent else origin


def _address(url: SplitResult) -> tuple[str, int]:
    return (url.hostname or "").replace("%25", "%"), url.port or (443 if url.scheme == "https" else 80)
