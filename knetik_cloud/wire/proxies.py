"""The proxy of a host: the configuration's or the environment's, unless `NO_PROXY` lists the host."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import unquote, urlsplit, urlunsplit

from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret


def choose(
    scheme: str, host: str, port: int, proxy: str | None, no_proxy: str | None, environ: Mapping[str, str]
) -> str | None:
    """Return the URL of the proxy for a host, or None to connect directly.

    An explicit `proxy` comes before `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` (in either letter case). An
    empty one turns proxies off. In a CGI program, `HTTP_PROXY` in capitals is ignored. `no_proxy`, or
    `NO_PROXY` if it is None, lists the hosts that are reached directly.
    """
    excepted = no_proxy if no_proxy is not None else _variable(environ, "no_proxy")
    if excepted and is_excepted(host, port, excepted):
        return None
    if proxy is not None:
        return proxy or None
    if scheme == "http" and "REQUEST_METHOD" in environ:
        # Under CGI, HTTP_PROXY is a header of the visitor's, which Windows finds in any letter case.
        found = environ["http_proxy"] if "http_proxy" in list(environ) else None
    else:
        found = _variable(environ, f"{scheme}_proxy")
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


def split(proxy: str) -> tuple[str, Secret, tuple[Secret, ...]]:
    """Split a proxy's URL.

    Returns:
        The URL without credentials, the header that they make, which is empty without any, and the
        credentials in the forms in which the proxy may echo them.
    """
    url = urlsplit(proxy)
    userinfo, at, address = url.netloc.rpartition("@")
    if not at:
        return proxy, Secret(""), ()
    credentials = unquote(userinfo)
    credentials += "" if ":" in credentials else ":"  # which separates an empty password
    authorization = f"Basic {base64.b64encode(credentials.encode('utf-8')).decode()}"
    password = userinfo.partition(":")[2]
    forms = dict.fromkeys((authorization, userinfo, unquote(userinfo), password, unquote(password)))
    header = Secret(f"Proxy-Authorization: {authorization}\r\n")
    return urlunsplit(url._replace(netloc=address)), header, tuple(map(Secret, forms))


def is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a `NO_PROXY` list matches a host: name, suffix, `host:port`, address, CIDR or `*`."""
    host = host.lower().rstrip(".")
    return any(_matches(host, port, entry) for entry in no_proxy.lower().replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    name, colon, digits = entry.rpartition(":")
    if colon and _network(entry) is None:
        if digits != str(port):
            return False
        entry = name.strip("[]")
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
