"""The route to the service: directly, through a forwarding proxy, or through a tunnel."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret

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


class Route:
    """The steps from a client to an origin.

    Args:
        settings: The settings of the connections.
        environ: The environment, which may name a proxy.

    Attributes:
        address: The host and port to connect to: the proxy's, or the origin's.
        tls_to_proxy: Whether the first hop is a proxy with TLS.
        tunnel: The `host:port` to reach through a CONNECT request, or None.
        tls_to: The host whose certificate is checked at the end, or None without TLS.
        prefix: The start of each target: the origin for a proxy that forwards requests, otherwise "".
        proxy: The proxy as error messages name it, without credentials, or None.
        proxy_header: The header with the credentials of the proxy, empty without any.
        secrets: The credentials of the proxy, in the forms in which it may echo them.
        tls: The TLS context of all hops, or None.
        trust: The certificate authorities that `tls` trusts, for error messages.

    Raises:
        ApiValueError: If the proxy of the environment is not an HTTP proxy.
    """

    proxy: str | None = None
    tunnel: str | None = None
    tls: ssl.SSLContext | None = None
    prefix = trust = ""

    def __init__(self, settings: ConnectionSettings, environ: Mapping[str, str]) -> None:
        url = urlsplit(settings.origin)
        self.address = host, port = _address(url)
        self.tls_to = host if url.scheme == "https" else None
        chosen = choose_proxy(settings, environ)
        via = urlsplit(chosen or "")
        userinfo, at, netloc = via.netloc.rpartition("@")
        self.proxy_header, self.secrets = credentials(userinfo) if at else (Secret(""), ())
        self.tls_to_proxy = via.scheme == "https"
        if chosen is not None:
            self.address = _address(via)
            self.proxy = f"the proxy {netloc}"
            if self.tls_to is None:
                self.prefix = without_zone(settings.origin)
            else:
                self.tunnel = without_zone(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def without_zone(origin: str) -> str:
    """Remove the zone of an IPv6 address, which means something on this machine only."""
    address, percent, rest = origin.partition("%")
    return address + rest[rest.index("]") :] if percent else origin


def _address(url: SplitResult) -> tuple[str, int]:
    return (url.hostname or "").replace("%25", "%"), url.port or (443 if url.scheme == "https" else 80)


def choose_proxy(settings: ConnectionSettings, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for a host, or None to connect directly.

    The setting `proxy` comes before `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` (in either letter case). An
    empty one turns proxies off. In a CGI program, `HTTP_PROXY` in capitals is ignored. `no_proxy`, or
    `NO_PROXY` if it is None, lists the hosts that are reached directly.
    """
    url = urlsplit(settings.origin)
    excepted = settings.no_proxy if settings.no_proxy is not None else _variable(environ, "no_proxy")
    if excepted and is_excepted(*_address(url), excepted):
        return None
    if settings.proxy is not None:
        return settings.proxy or None
    if url.scheme == "http" and "REQUEST_METHOD" in environ:
        # Under CGI, HTTP_PROXY is a header of the visitor's, which Windows finds in any letter case.
        found = environ["http_proxy"] if "http_proxy" in list(environ) else None
    else:
        found = _variable(environ, f"{url.scheme}_proxy")
    found = found or _variable(environ, "all_proxy")
    return None if found is None else _with_scheme(found)


def _with_scheme(proxy: str) -> str:
    """Read a proxy of the environment, whose scheme may be left out.

    Raises:
        ApiValueError: If it is not an HTTP proxy. A direct connection could leak what only the proxy may see.
    """
    url = proxy if "://" in proxy else f"http://{proxy}"
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url
    raise ApiValueError(
        "the proxy that the environment names is not an http:// or https:// URL: "
        "set Configuration.proxy, or list the host in NO_PROXY"
    )


def credentials(userinfo: str) -> tuple[Secret, tuple[Secret, ...]]:
    """Read the credentials of a proxy's URL.

    Returns:
        The header that they make, and the credentials in the forms in which the proxy may echo them.
    """
    text = unquote(userinfo)
    text += "" if ":" in text else ":"  # which separates an empty password
    authorization = f"Basic {base64.b64encode(text.encode('utf-8')).decode()}"
    password = userinfo.partition(":")[2]
    forms = dict.fromkeys((authorization, userinfo, unquote(userinfo), password, unquote(password)))
    return Secret(f"Proxy-Authorization: {authorization}\r\n"), tuple(map(Secret, forms))


def is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a `NO_PROXY` list matches a host: name, suffix, `host:port`, address, CIDR or `*`."""
    host = host.lower().rstrip(".")
    return any(_matches(host, port, entry) for entry in no_proxy.lower().replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    if _network(entry) is None:
        entry = entry.removesuffix(f":{port}").strip("[]")
    address, network = _network(host), _network(entry)
    if network is not None:
        return address is not None and address.network_address in network
    suffix = entry.removeprefix("*").strip(".")
    return host == suffix or (address is None and host.endswith(f".{suffix}"))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Read a block of addresses, or a single one. Returns None for a name."""
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper()) or None
