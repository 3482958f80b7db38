"""What the synchronous and the asyncio client have in common: configuration, options, views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NoReturn, Protocol, Self, TypeVar, Unpack

from knetik_cloud.configuration import Configuration
from knetik_cloud.core import options
from knetik_cloud.core.call import CallResult, Engine
from knetik_cloud.core.operation import ApiResponse, Operation
from knetik_cloud.core.options import CallOptions, Settings, unknown_parameter_error
from knetik_cloud.core.paging import Plan
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret


class State(Protocol):
    """What the calls of a client run on while its configuration stays as it is."""

    @property
    def engine(self) -> Engine:
        """The engine."""

    @property
    def settings(self) -> Settings:
        """What calls run by when nothing else is said."""


S = TypeVar("S", bound=State)
T = TypeVar("T")


class Shared(Generic[S]):
    """What a client and its views have in common."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.is_closed = False
        self._default_headers: dict[str, str | Secret] = {}
        self._engine: Engine | None = None

    def current(self) -> S:
        """Give the state; it is settled anew when the configuration was changed.

        Raises:
            ApiValueError: the client is closed.
        """
        raise NotImplementedError

    def set_default_header(self, name: str, value: str) -> None:
        """Check a header and send it with every call from now on."""
        checked = options.headers("the default headers", {name: value})
        self._default_headers = {**self._default_headers, **checked}

    def check_open(self) -> None:
        """Refuse to go on once the client is closed.

        Raises:
            ApiValueError: it is.
        """
        if self.is_closed:
            raise ApiValueError("this client is closed: make a new ApiClient")

    def settle(self) -> tuple[Engine, Settings]:
        """Make the engine and the settings of the configuration as it is now; the budget lives on."""
        self.check_open()
        configuration = self.configuration
        settings = configuration.settings()
        settings.headers = {**settings.headers, **self._default_headers}
        log = _logger() if configuration.debug else None
        engine = Engine(configuration.origin, configuration.base_path, configuration.tokens(), log=log)
        if self._engine is not None:
            engine.budget = self._engine.budget
        self._engine = engine
        return engine, settings


class BaseClient(Generic[S]):
    """A client, or a view of one that has options of its own."""

    _shared: Shared[S]
    _options: Mapping[str, Any]
    _settled: tuple[S, Settings] | None

    @property
    def configuration(self) -> Configuration:
        """The settings."""
        return self._shared.configuration

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Give a view of this client whose calls take these options, unless a call says otherwise.

        The view shares connections, tokens and budget with this client.

        Raises:
            ApiValueError: an option's value is out of range.
        """
        view = object.__new__(type(self))
        view._shared = self._shared
        view._options = {**self._options, **options}
        view._settled = None
        self._shared.configuration.settings().with_options(view._options)
        return view

    def set_default_header(self, name: str, value: str) -> None:
        """Send a header with every call.

        Raises:
            ApiValueError: it can't be sent.
        """
        self._shared.set_default_header(name, value)
        self._settled = None

    def _current(self) -> tuple[S, Settings]:
        """Give what calls run on now; a configuration that was changed is settled anew."""
        state = self._shared.current()
        settled = self._settled
        if settled is None or settled[0] is not state:
            settled = self._settled = (state, state.settings.with_options(self._options))
        return settled

    def _plan(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Plan[T]:
        """Plan the reading of a list, whose calls take these options.

        Raises:
            TypeError: an option that no method has.
            ApiValueError: a value out of range.
        """
        settings = self._shared.configuration.settings().with_options(self._options)
        reader = f"iter_{operation.id.removeprefix('get_').removeprefix('list_')}"
        taken = (*arguments, *how)
        for parameter in operation.parameters if options else ():
            if parameter.name in options:  # of the list's own: the reader sees to them
                advice = (
                    f"it reads page after page, of page_size items each; {operation.id}() gives one page."
                )
                raise unknown_parameter_error(parameter.name, reader, taken, advice)
        settings = settings.with_options(options, reader, taken)
        return Plan(operation, arguments, options, **how, call_deadline=settings.deadline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.configuration.host}>"

    def __copy__(self) -> Self:
        return self.with_options()

    def __reduce__(self) -> NoReturn:
        raise not_picklable(self)


def configured(client: object, configuration: object) -> Configuration:
    """Give a client's configuration: the one that it was given, or a default one for None.

    Raises:
        TypeError: it was given something else.
    """
    if configuration is None:
        return Configuration()
    if isinstance(configuration, Configuration):
        return configuration
    name, kind = type(client).__name__, type(configuration).__name__
    raise TypeError(f"{name} takes a Configuration, not {kind!r}: write {name}(Configuration(host=...))")


def no_client(api: object, given: object, needed: type) -> TypeError:
    """Build the error for what an API object was given in place of a client of its own kind."""
    name = type(api).__name__
    message = f"{name} takes an ApiClient of {_package(needed)}, not "
    if isinstance(given, BaseClient):
        return TypeError(f"{message}one of {_package(type(given))}: blocking and asyncio classes don't mix")
    hint = f": write {name}(ApiClient(configuration))" if isinstance(given, Configuration) else ""
    return TypeError(f"{message}{type(given).__name__!r}{hint}")


def _package(client: type) -> str:
    return client.__module__.removesuffix(".api_client")


def not_picklable(held: object) -> TypeError:
    """Build the error for a client, or an API object, that is to be pickled."""
    name = types.with_article(type(held).__name__)
    return TypeError(f"{name} can't be pickled: pass its Configuration's settings and make a new one there")


def unlisted(
    resource_path: str,
    method: str,
    path_params: Mapping[str, Any] | None,
    query_params: Mapping[str, Any] | None,
    header_params: Mapping[str, str] | None,
    body: Any,
    response_type: str | None,
    options: dict[str, Any],
) -> tuple[Operation[Any], dict[str, Any], dict[str, Any]]:
    """Give the row, the arguments and the options of a call that the contract doesn't list.

    Raises:
        ApiValueError: the method or the path can't be sent.
    """
    operation, arguments = Operation.for_path(
        resource_path, method, path_params or {}, query_params or {}, body, response_type
    )
    if header_params:
        options = {**options, "_headers": {**header_params, **(options.get("_headers") or {})}}
    return operation, arguments, options


def what_is_wanted(options: Mapping[str, Any], http_info: bool) -> tuple[dict[str, Any], bool, bool]:
    """Take out of a call's options what it is to give: with the HTTP status or without, read or streaming.

    Returns:
        The other options, whether the HTTP status is wanted, whether the answer is to stream.
    """
    options = dict(options)
    only_data = options.pop("_return_http_data_only", None)
    http_info = http_info if only_data is None else not only_data
    return options, http_info, options.pop("_preload_content", None) is False


def with_http_info(answer: CallResult) -> ApiResponse[Any]:
    """Give an answer's data together with what HTTP said of it."""
    response = ApiResponse(answer.data, answer.response.status, answer.response.headers)
    response.attempts = answer.attempts
    return response


def _logger() -> Callable[[str], None]:
    import logging

    return logging.getLogger("knetik_cloud").debug
