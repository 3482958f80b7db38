"""The settings of a client: host, credentials, TLS, proxy, timeouts, retries."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from knetik_cloud.core import options
from knetik_cloud.core.auth import AsyncTokenProvider, TokenProvider, TokenStore
from knetik_cloud.core.options import Settings
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import MASK, Secret
from knetik_cloud.version import __version__

if TYPE_CHECKING:
    import ssl

DEFAULT_HOST = "https://sandbox.knetikcloud.com"
USER_AGENT = f"knetik_cloud/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]}"
MIB = 1 << 20
HOST_NAME = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?\])(:[0-9]*)?")
USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)


class Configuration:
    """The settings of a client. Each can be given to the constructor or assigned later, and is checked then.

    A setting that isn't given is taken from its environment variable, where it has one, else the default.

    Attributes:
        host: base URL of the service (`KNETIK_CLOUD_HOST`; https://sandbox.knetikcloud.com).
        access_token: a fixed token (`KNETIK_CLOUD_ACCESS_TOKEN`).
        client_id: client key of the token operation (`KNETIK_CLOUD_CLIENT_ID`; `knetik`).
        client_secret: for the client credentials grant (`KNETIK_CLOUD_CLIENT_SECRET`).
        username: for the password grant (`KNETIK_CLOUD_USERNAME`).
        password: for the password grant (`KNETIK_CLOUD_PASSWORD`).
        token_provider: an object whose `get_token()` gives `AccessToken`s, in place of all of these; for
            `knetik_cloud.aio` it may be an `async def`.
        verify_ssl: False accepts any certificate, and warns.
        ssl_ca_cert: path of a PEM file of trusted CAs, in place of certifi's.
        cert_file: path of a client certificate (PEM).
        key_file: path of its key, if that isn't in `cert_file`.
        ssl_context: an `ssl.SSLContext` to use as it is; the four settings above are then ignored.
        proxy: URL of an HTTP proxy; empty for none, None for the environment's.
        no_proxy: hosts to reach directly, comma separated: names, suffixes, addresses, CIDR blocks;
            None for the environment's `NO_PROXY`.
        timeout: seconds to wait for a connection and for each receive, or a (connect, read) pair (5, 10).
        deadline: seconds for a whole call, waits and tries included (30).
        retries: how often a call may be repeated where that is safe (2).
        max_response_size: bytes of a decoded answer that are taken at most (16 MiB).
        pool_size: idle connections that are kept at most (32).
        user_agent: the `User-Agent` header.
        debug: log each request and answer on the logger `knetik_cloud`, at level DEBUG, without secrets.

    Secrets are held as `Secret`: they show in no repr, log, traceback or pickle; `.reveal()` gives the text.

    Raises:
        ApiValueError: a value that a setting can't have.
        TypeError: a setting that there isn't.
    """

    if TYPE_CHECKING:
        host: str
        client_id: str
        username: str | None
        token_provider: TokenProvider | AsyncTokenProvider | None
        verify_ssl: bool
        ssl_ca_cert: str | None
        cert_file: str | None
        key_file: str | None
        ssl_context: ssl.SSLContext | None
        proxy: str | None
        no_proxy: str | None
        timeout: float | tuple[float, float]
        deadline: float
        retries: int
        max_response_size: int
        pool_size: int
        user_agent: str
        debug: bool
        _revision: object

        @property
        def access_token(self) -> Secret | None: ...
        @access_token.setter
        def access_token(self, value: str | Secret | None) -> None: ...
        @property
        def client_secret(self) -> Secret | None: ...
        @client_secret.setter
        def client_secret(self, value: str | Secret | None) -> None: ...
        @property
        def password(self) -> Secret | None: ...
        @password.setter
        def password(self, value: str | Secret | None) -> None: ...

    def __init__(
        self,
        host: str | None = None,
        *,
        access_token: str | Secret | None = None,
        client_id: str | None = None,
        client_secret: str | Secret | None = None,
        username: str | None = None,
        password: str | Secret | None = None,
        token_provider: TokenProvider | AsyncTokenProvider | None = None,
        verify_ssl: bool = True,
        ssl_ca_cert: str | None = None,
        cert_file: str | None = None,
        key_file: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        no_proxy: str | None = None,
        timeout: float | tuple[float, float] = (5.0, 10.0),
        deadline: float = 30.0,
        retries: int = 2,
        max_response_size: int = 16 * MIB,
        pool_size: int = 32,
        user_agent: str = USER_AGENT,
        debug: bool = False,
    ) -> None:
        refused = (
            self._set("host", host or os.environ.get("KNETIK_CLOUD_HOST") or DEFAULT_HOST)
            or self._set("proxy", proxy)
            or self._set("access_token", access_token or os.environ.get("KNETIK_CLOUD_ACCESS_TOKEN"))
            or self._set("client_secret", client_secret or os.environ.get("KNETIK_CLOUD_CLIENT_SECRET"))
            or self._set("password", password or os.environ.get("KNETIK_CLOUD_PASSWORD"))
        )
        # Set first, and forgotten: a traceback with locals mustn't show them, nor a URL's password.
        host = proxy = access_token = client_secret = password = None
        if refused is not None:
            raise refused
        self.client_id = client_id or os.environ.get("KNETIK_CLOUD_CLIENT_ID") or "knetik"
        self.username = username or os.environ.get("KNETIK_CLOUD_USERNAME") or None
        self.token_provider = token_provider
        self.verify_ssl = verify_ssl
        self.ssl_ca_cert = ssl_ca_cert
        self.cert_file = cert_file
        self.key_file = key_file
        self.ssl_context = ssl_context
        self.no_proxy = no_proxy
        self.timeout = timeout
        self.deadline = deadline
        self.retries = retries
        self.max_response_size = max_response_size
        self.pool_size = pool_size
        self.user_agent = user_agent
        self.debug = debug

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            refused = self._set(name, value)
            value = None  # it may be a secret, or a URL with one: no frame of the error holds it
            if refused is not None:
                raise refused

    def _set(self, name: str, value: Any) -> Exception | None:
        """Check a setting and set it; give the error when it is refused, for a frame that doesn't hold it."""
        check = CHECKS.get(name)
        if check is None:
            return AttributeError(unknown(name))
        try:
            checked = check(name, Secret.wrap(value or None) if name in SECRETS else value)
        except ApiValueError as error:
            return error.with_traceback(None)
        object.__setattr__(self, name, checked)
        # Last: whoever sees the new revision sees the new value. An object, so that none comes twice.
        object.__setattr__(self, "_revision", object())
        return None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        url = urlsplit(self.host)
        return f"{url.scheme}://{url.netloc}"

    @property
    def base_path(self) -> str:
        """What stands between the origin and the operations' paths, without a slash at its end."""
        return urlsplit(self.host).path

    def settings(self) -> Settings:
        """Give what a call runs by when nothing else is said."""
        connect, read = options.timeouts("timeout", self.timeout)
        return Settings(connect, read, self.deadline, self.retries, {"User-Agent": self.user_agent})

    def tokens(self) -> TokenStore | None:
        """Make the store of this configuration's tokens; None when there are no credentials.

        Raises:
            ApiValueError: a username without a password.
        """
        if self.token_provider is not None:
            return TokenStore(provider=self.token_provider)
        if self.access_token is not None:
            return TokenStore(self.access_token)
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.username is not None:
            if self.password is None:
                raise ApiValueError(f"username {self.username!r} has no password: set Configuration.password")
            grant = {"grant_type": "password", **client, "username": self.username, "password": self.password}
            return TokenStore(grant=grant)
        if self.client_secret is not None:
            return TokenStore(grant={"grant_type": "client_credentials", **client})
        return None

    def __copy__(self) -> Configuration:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: object) -> Configuration:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        secret = next((name for name in SECRETS if getattr(self, name) is not None), None)
        if secret is not None or "@" in (self.proxy or ""):
            held = secret or "a proxy password"
            raise TypeError(f"a Configuration with {held} can't be pickled: the pickle would carry it")
        return dict(self.__dict__)

    def __repr__(self) -> str:
        settings = vars(self)  # some are missing while a constructor fails
        shown = {name: settings[name] for name in CHECKS if name in settings}
        if shown.get("proxy"):
            shown["proxy"] = _without_userinfo(shown["proxy"])
        return f"Configuration({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _host(name: str, value: Any) -> str:
    expected = "a URL such as https://example.com/base, without user, query or fragment"
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and HOST_NAME.fullmatch(url.netloc) and url.port != 0
        valid = valid and not (url.query or url.fragment)
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", value):
        raise types.invalid_value_error(name, expected, _without_userinfo(value))
    return f"{url.scheme}://{url.netloc.lower()}{url.path.rstrip('/')}"


def _without_userinfo(value: Any) -> Any:
    """Mask all that may be a user and a password, however wrong the URL is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return USER_INFO.sub(rf"\1{MASK}@", value) if isinstance(value, str) else value


def _proxy(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None if value is None else ""
    text = value if isinstance(value, str) else ""
    try:
        url = urlsplit(text)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise types.invalid_value_error(
            name, "the URL of an HTTP proxy, such as http://proxy:3128", _without_userinfo(value)
        )
    return text


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise types.invalid_value_error(name, "a text", value)
    return value


def _header_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not options.is_header_text(value):
        raise types.invalid_value_error(name, "a text of Latin-1 without line breaks", value)
    return value


def _path(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise types.invalid_value_error(name, "a path", value)
    return os.fsdecode(value)


def _token(name: str, value: Secret) -> Secret:
    if not options.is_header_text(value.reveal()):
        raise ApiValueError(f"{name} must be a text of Latin-1 without line breaks; this one isn't")
    return value


def _secret(name: str, value: Secret) -> Secret:
    if not value.is_encodable():
        raise ApiValueError(f"{name} must be a text that UTF-8 can encode (no lone surrogates)")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise types.invalid_value_error(name, "True or False", value)
    return value


def _provider(name: str, value: Any) -> Any:
    if not callable(getattr(value, "get_token", None)):
        raise types.invalid_value_error(name, "an object with a method get_token()", value)
    return value


def _timeout(name: str, value: Any) -> float | tuple[float, float]:
    connect, read = options.timeouts(name, value)
    return value if isinstance(value, (int, float)) else (connect, read)


def _positive(name: str, value: Any) -> int:
    return options.integer(name, value, 1)


def _any(name: str, value: Any) -> Any:
    return value


Check = Callable[[str, Any], Any]


def _optional(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


CHECKS: Mapping[str, Check] = {
    "host": _host,
    "access_token": _optional(_token),
    "client_id": _text,
    "client_secret": _optional(_secret),
    "username": _optional(_text),
    "password": _optional(_secret),
    "token_provider": _optional(_provider),
    "verify_ssl": _flag,
    "ssl_ca_cert": _optional(_path),
    "cert_file": _optional(_path),
    "key_file": _optional(_path),
    "ssl_context": _any,
    "proxy": _proxy,
    "no_proxy": _optional(lambda name, value: value if value == "" else _text(name, value)),
    "timeout": _timeout,
    "deadline": options.time_limit,
    "retries": options.count,
    "max_response_size": _positive,
    "pool_size": _positive,
    "user_agent": _header_text,
    "debug": _flag,
}


SECRETS = frozenset(("access_token", "client_secret", "password"))


def unknown(name: str) -> str:
    """Say that there is no such setting, and which one may be meant."""
    import difflib

    near = difflib.get_close_matches(name, CHECKS, 1)
    return f"Configuration has no setting {name!r}" + (f": did you mean {near[0]!r}?" if near else "")
