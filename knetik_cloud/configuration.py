"""The settings of a client: host, credentials, TLS, proxy, limits, retries and hooks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, dataclass_transform, overload
from urllib.parse import urlsplit

from knetik_cloud.core import options
from knetik_cloud.core.auth import AsyncTokenProvider, TokenProvider, TokenStore
from knetik_cloud.core.options import Settings as CallSettings
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.hooks import Hook
from knetik_cloud.lazy import LazyDoc, LazyModule, LazySignature
from knetik_cloud.secret import MASK, Secret, is_password
from knetik_cloud.version import __version__

if TYPE_CHECKING:
    import inspect
    import ssl
else:
    ssl = LazyModule("ssl")

G = TypeVar("G")
S = TypeVar("S")
Check = Callable[[str, Any], Any]

DEFAULT_HOST = "https://sandbox.knetikcloud.com"
USER_AGENT = f"knetik_cloud/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]}"
HOST_NAME = re.compile(r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?\])(:[0-9]*)?")
USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)


def _must_be(expected: str, holds: Callable[[Any], object], is_credential: bool = False) -> Check:
    """Build a check that rejects a value for which `holds` is false. Of a credential, it names the type."""

    def check(name: str, value: Any) -> Any:
        if not holds(value):
            shown = type(value).__name__ if is_credential else types.short_repr(value)
            raise ApiValueError(f"{name} must be {expected}, not {shown}")
        return value

    return check


def _secret(expected: str, holds: Callable[[Secret], bool]) -> Check:
    """Build a check for a secret, whose value must not appear in the error."""

    def check(name: str, value: Any) -> Secret:
        secret: Secret = Secret.wrap(value)
        value = None  # the frame of the error must not hold the secret
        if not holds(secret):
            raise ApiValueError(f"{name} must be {expected}; this one isn't")
        return secret

    return check


def check_host(name: str, value: Any) -> str:
    """Return the base URL of a service in its normal form.

    Raises:
        ApiValueError: If it isn't one. The message masks a user and a password in it.
    """
    try:
        url: Any = urlsplit(value if types.is_text(value) else "")
        valid = url.scheme in ("http", "https") and HOST_NAME.fullmatch(url.netloc) and url.port != 0
        valid = valid and not (url.query or url.fragment) and re.fullmatch(r"[!-~]+", value)
    except ValueError:
        valid = False
    if not valid:
        expected = "a URL such as https://example.com/base, without user, query or fragment"
        raise types.invalid_value_error(name, expected, without_userinfo(value))
    address, percent, zone = url.netloc.partition("%")  # the zone is a name of this machine's
    return f"{url.scheme}://{address.lower()}{percent}{zone}{url.path.rstrip('/')}"


def _proxy(name: str, value: Any) -> str:
    try:
        url = urlsplit(value if types.is_text(value) else "")
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not (valid or (types.is_text(value) and not value)):
        expected = "the URL of an HTTP proxy, such as http://proxy:3128"
        raise types.invalid_value_error(name, expected, without_userinfo(value))
    return str.__str__(value)


def without_userinfo(value: Any) -> Any:
    """Mask the user and the password in a URL, also in a malformed one or in one within another value."""
    text = value if isinstance(value, str) else types.short_repr(value, sys.maxsize)
    return USER_INFO.sub(rf"\1{MASK}@", text) if "@" in text else value


def _path(name: str, value: Any) -> str:
    return os.fsdecode(_must_be("a path", lambda path: isinstance(path, (str, os.PathLike)))(name, value))


def _timeout(name: str, value: Any) -> float | tuple[float, float]:
    pair = options.timeouts(name, value)
    return value if isinstance(value, (int, float)) else pair


def _hooks(name: str, value: Any) -> tuple[Hook, ...]:
    hooks = tuple(value) if isinstance(value, Iterable) else (value,)
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise types.invalid_value_error(name, "a list of knetik_cloud.Hook objects", hook)
    return hooks


_flag = _must_be("True or False", lambda value: isinstance(value, bool))
_text = _must_be("a non-empty str", lambda value: types.is_text(value) and value, is_credential=True)
_header_text = _must_be("a Latin-1 str without line breaks", options.is_header_text)
_provider = _must_be(
    "an object with a method get_token()", lambda value: callable(getattr(value, "get_token", None)), True
)
_token = _secret("a Latin-1 str without line breaks", lambda value: options.is_header_text(value.reveal()))
_password = _secret("a str that UTF-8 can encode, without a line break at its end", is_password)
TLS_CONTEXT = "<class 'ssl.SSLContext'>"  # by name, since truststore replaces the class
_tls = _must_be("an ssl.SSLContext", lambda value: TLS_CONTEXT in map(repr, type(value).__mro__))
_positive = partial(options.integer, least=1)


class Setting(Generic[G, S]):
    """The declaration of a setting, in the class that has it. The string below it documents it.

    Args:
        default: The value of a setting that is neither passed nor in the environment.
        check: Checks a value, and returns the value to store. Not called for None if that is the default.
        env: True if the setting has an environment variable.
        kw_only: Whether it is passed by name only, for type checkers.
    """

    __doc__ = LazyDoc(__doc__ or "", of_instance=lambda setting: setting.describe())
    owner: type | None = None

    def __init__(self, *, default: Any, check: Check, env: bool = False, kw_only: bool = True) -> None:
        self.default, self.check, self.has_env = default, check, env

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name
        self.env = f"KNETIK_CLOUD_{name.upper()}" if self.has_env else None

    def __dir__(self) -> list[str]:  # a sealed mock of the class would visit the class again, from here
        return dir(object)

    def is_missing(self, value: Any) -> bool:
        """Return whether a value stands for one that is not passed."""
        # Not compared with "": pandas' missing value and arrays can't be.
        return value is None or (type(value) is str and not value and self.has_env and self.name != "host")

    def initial(self, settings: dict[str, Any]) -> Any:
        """Return the value of the constructor's argument, the environment, or the default."""
        if self.env is not None and self.is_missing(settings.get(self.name)):
            return os.environ.get(self.env) or self.default
        return settings.get(self.name, self.default)

    def describe(self) -> str:
        """Return the documentation, with the environment variable and the default."""
        from knetik_cloud.data import description

        text = " ".join((description.attribute_docstring(self) or "").split())
        notes = [f"`{self.env}`"] if self.env else []
        notes += [] if self.default in (None, ()) else [f"default: {self.default}"]
        return f"{text} ({'; '.join(notes)})" if notes else text

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Setting[G, S]: ...
        @overload
        def __get__(self, instance: object, owner: type) -> G: ...
        def __get__(self, instance: object, owner: type) -> Any: ...
        def __set__(self, instance: object, value: S) -> None: ...


@dataclass_transform(kw_only_default=True, field_specifiers=(Setting,))
class Settings:
    """The base of a class of settings, whose constructor and attributes follow from the declarations."""

    _settings: ClassVar[Mapping[str, Setting[Any, Any]]] = {}
    _revision: ClassVar[object]

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Setting)}
        cls._settings = {**cls._settings, **own}

    if not TYPE_CHECKING:

        def __init__(self, host: str | None = None, **settings: Any) -> None:
            error = self._initialize({"host": host, **settings})
            host = settings = None  # they may hold secrets, which no frame of the error may show
            if error is not None:
                raise error

        __init__.__signature__ = LazySignature(lambda: _signature(Configuration))

        def __setattr__(self, name: str, value: Any) -> None:
            error = self._set(name, value)
            value = None  # it may be a secret, which no frame of the error may show
            if error is not None:
                raise error

    def _initialize(self, settings: dict[str, Any]) -> Exception | None:
        """Set all settings. Return the error, to be raised by a frame that does not hold the values."""
        if unknown := settings.keys() - self._settings.keys():
            return TypeError(self._unknown(min(unknown)))
        errors = (self._set(name, each.initial(settings)) for name, each in self._settings.items())
        return next(filter(None, errors), None)

    def _set(self, name: str, value: Any) -> Exception | None:
        """Check and set a setting. Return the error, to be raised by a frame that does not hold the value."""
        if (declared := self._settings.get(name)) is None:
            return AttributeError(self._unknown(name))
        if value is None and declared.env and declared.default is not None:
            value = declared.initial({})
        try:
            is_none = declared.default is None and declared.is_missing(value)
            checked = None if is_none else declared.check(name, value)
        except ApiValueError as error:
            error._setting = name
            return error.with_traceback(None)
        object.__setattr__(self, name, checked)
        # Set the revision last, so that a reader of the new revision sees the new value. An object is unique.
        object.__setattr__(self, "_revision", object())
        return None

    @classmethod
    def _unknown(cls, name: str) -> str:
        return f"{cls.__name__} has no setting {name!r}{types.did_you_mean(name, cls._settings)}"


def _signature(cls: type[Settings]) -> inspect.Signature:
    """Build the signature of the constructor of a class of settings."""
    import inspect
    import typing

    hints, kinds = typing.get_type_hints(cls), inspect.Parameter
    parameters = [kinds("self", kinds.POSITIONAL_OR_KEYWORD)]
    for name, declared in cls._settings.items():
        kind = kinds.POSITIONAL_OR_KEYWORD if name == "host" else kinds.KEYWORD_ONLY
        default = None if declared.env else declared.default
        parameters.append(kinds(name, kind, default=default, annotation=typing.get_args(hints[name])[1]))
    return inspect.Signature(parameters, return_annotation=None)


def _attributes(doc: str, cls: type[Settings]) -> str:
    """Append the documentation of all settings to a docstring."""
    lines = (f"        {name}: {declared.describe()}" for name, declared in cls._settings.items())
    return "\n".join([doc.rstrip(), "", "    Attributes:", *lines, "    "])


Text = Setting[str | None, str | None]
Credential = Setting[Secret | None, str | Secret | None]
Path = Setting[str | None, str | os.PathLike[str] | None]
Number = Setting[int, int]
Timeout = float | tuple[float, float]
Provider = TokenProvider | AsyncTokenProvider | None


class Configuration(Settings):
    """The settings of a client. Pass them to the constructor, or assign them later. Each value is checked.

    A setting that you don't pass comes from its environment variable if it has one, otherwise its default
    applies. None counts as not passed where the type of a setting allows it. Secrets are stored as `Secret`
    and don't appear in reprs, logs, tracebacks or pickles; `.reveal()` returns the text.

    Raises:
        ApiValueError: If a value is invalid.
        TypeError: If a setting is unknown.
    """

    __doc__ = LazyDoc(__doc__ or "", _attributes)

    host: Setting[str, str | None] = Setting(default=DEFAULT_HOST, check=check_host, env=True, kw_only=False)
    """The base URL of the service."""
    access_token: Credential = Setting(default=None, check=_token, env=True)
    """A fixed access token."""
    client_id: Setting[str, str | None] = Setting(default="knetik", check=_text, env=True)
    """The client key for the token operation."""
    client_secret: Credential = Setting(default=None, check=_password, env=True)
    """The client secret for the client credentials grant."""
    username: Text = Setting(default=None, check=_text, env=True)
    """The user name for the password grant."""
    password: Credential = Setting(default=None, check=_password, env=True)
    """The password for the password grant."""
    token_provider: Setting[Provider, Provider] = Setting(default=None, check=_provider)
    """An object whose `get_token()` returns an `AccessToken`, in place of the other credentials.

    With `knetik_cloud.aio`, it may be an `async def`.
    """
    verify_ssl: Setting[bool, bool] = Setting(default=True, check=_flag)
    """False accepts any certificate, and warns."""
    ssl_ca_cert: Path = Setting(default=None, check=_path)
    """The path of a PEM file of trusted CAs. None means those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, then
    those of `REQUESTS_CA_BUNDLE`, then those of certifi.
    """
    cert_file: Path = Setting(default=None, check=_path)
    """The path of a client certificate (PEM)."""
    key_file: Path = Setting(default=None, check=_path)
    """The path of the key of the client certificate. None means that it is in `cert_file`."""
    ssl_context: Setting[ssl.SSLContext | None, ssl.SSLContext | None] = Setting(default=None, check=_tls)
    """An `ssl.SSLContext` to use unchanged. The other TLS settings are then ignored."""
    proxy: Text = Setting(default=None, check=_proxy)
    """The URL of an HTTP proxy. An empty string disables proxies. None uses that of the environment."""
    no_proxy: Text = Setting(default=None, check=_must_be("a str", lambda value: types.is_text(value)))
    """The hosts to reach directly, separated by commas: names, suffixes, addresses and CIDR blocks.

    None means the `NO_PROXY` of the environment.
    """
    timeout: Setting[Timeout, Timeout] = Setting(default=(5.0, 10.0), check=_timeout)
    """Seconds to wait for a connection and for each receive, or a (connect, read) pair."""
    deadline: Setting[float, float] = Setting(default=30.0, check=options.time_limit)
    """Seconds for a whole call, including attempts and waits. `math.inf` means no limit."""
    retries: Number = Setting(default=2, check=partial(options.integer, least=0))
    """The maximum number of retries of a call. Only safe calls are retried."""
    max_response_size: Number = Setting(default=16 << 20, check=_positive)
    """The maximum number of bytes in a decoded response."""
    max_json_values: Number = Setting(default=2_000_000, check=_positive)
    """The maximum number of JSON values in a response."""
    pool_size: Number = Setting(default=32, check=_positive)
    """The maximum number of idle connections."""
    user_agent: Setting[str, str] = Setting(default=USER_AGENT, check=_header_text)
    """The `User-Agent` header."""
    hooks: Setting[tuple[Hook, ...], Iterable[Hook]] = Setting(default=(), check=_hooks)
    """The hooks that observe calls, attempts and tokens, as `knetik_cloud.Hook` objects."""
    debug: Setting[bool, bool] = Setting(default=False, check=_flag)
    """True adds query values and bodies to DEBUG records of the logger `knetik_cloud`. Secrets are masked."""

    @property
    def origin(self) -> str:
        """The scheme, host and port."""
        url = urlsplit(self.host)
        return f"{url.scheme}://{url.netloc}"

    @property
    def base_path(self) -> str:
        """The path between the origin and the paths of the operations, without a slash at its end."""
        return urlsplit(self.host).path

    def settings(self) -> CallSettings:
        """Return the settings of a call without options."""
        connect, read = options.timeouts("timeout", self.timeout)
        agent = str.__str__(self.user_agent)  # a member of an enum may be formatted as another text
        return CallSettings(connect, read, self.deadline, self.retries, {"User-Agent": agent})

    def tokens(self) -> TokenStore | None:
        """Create the store of this configuration's tokens, or return None without credentials.

        Raises:
            ApiValueError: If there is a user name without a password.
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
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: object) -> Configuration:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        held = [name for name, value in vars(self).items() if isinstance(value, Secret)]
        held += ["a proxy password"] if "@" in (self.proxy or "") else []
        if held:
            raise TypeError(f"a Configuration with {held[0]} can't be pickled: the pickle would contain it")
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # An older version pickles fewer settings.
        self.__dict__.update({name: each.default for name, each in self._settings.items()} | state)

    def __repr__(self) -> str:
        values = vars(self)  # some are missing while a constructor fails
        shown = {name: values[name] for name in self._settings if name in values}
        if shown.get("proxy"):
            shown["proxy"] = without_userinfo(shown["proxy"])
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
