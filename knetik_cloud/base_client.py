"""The common part of the blocking and the asyncio client: configuration, options, views and calls."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, NoReturn, Self, TypeVar, Unpack

from knetik_cloud import deadlines, upward, writes
from knetik_cloud.configuration import Configuration
from knetik_cloud.core import auth, options
from knetik_cloud.core.call import Engine
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import ApiResponse, Operation
from knetik_cloud.core.options import CallOptions, Settings, override_options, unknown_parameter_error
from knetik_cloud.core.outcome import CallProvider, Command, ObtainToken, Outcome, Send, Sleep
from knetik_cloud.core.paging import Plan
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiException, ApiValueError
from knetik_cloud.health import Health
from knetik_cloud.methods import name_options, with_remedy
from knetik_cloud.observation import WARNING, Observer, is_interruption, log
from knetik_cloud.operations import GET_ENTITLEMENT_ITEMS, GET_O_AUTH_TOKEN
from knetik_cloud.rest import RESTClientObject
from knetik_cloud.secret import Secret
from knetik_cloud.wire.exchange import Transport
from knetik_cloud.wire.routes import ConnectionSettings

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

R = TypeVar("R")
T = TypeVar("T")
CHECK = GET_ENTITLEMENT_ITEMS, {"size": 1}, {"_retries": 0}
"""A small read that every caller may make: its operation, arguments and options."""


class State(NamedTuple):
    """A client's state in one event loop, which is rebuilt when the configuration changes."""

    engine: Engine
    settings: Settings
    revision: object
    transport: Transport[Any]
    token_lock: Any


class Shared:
    """The state shared by a client and its views, which drives their calls.

    There is one `State` for each event loop. The blocking client has one, for None. The asyncio client
    overrides the methods that wait.
    """

    transport_type: Callable[[Configuration], Transport[Any]] = RESTClientObject
    token_lock_type: Callable[[], Any] = threading.RLock  # a signal handler that calls may acquire it again
    executor: ThreadPoolExecutor | None = None
    _process = os.getpid()

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.is_closed = False
        self._default_headers: dict[str, str | Secret] = {}
        self._built: tuple[Engine, Settings, object] | None = None
        self._states: dict[Any, State] = {}
        self._lock = threading.RLock()  # a signal handler that calls may acquire it again
        _all.add(self)

    def current(self) -> State:
        """Return the state, rebuilt if the configuration has changed.

        Raises:
            ApiValueError: If the client is closed.
        """
        if self._process != os.getpid():  # after a fork that ran no hooks of Python, such as that of uWSGI
            _reset_in_child()
        loop = self._find_loop()
        state = self._states.get(loop)
        if state is None or state.revision is not self.configuration._revision or self.is_closed:
            return self._rebuild(loop)
        return state

    def _rebuild(self, loop: Any) -> State:
        with self._lock:
            if self.is_closed:
                raise ApiValueError("this client is closed: make a new ApiClient")
            states, configuration = self._states, self.configuration
            self._states = {key: kept for key, kept in states.items() if key is None or not key.is_closed()}
            state = states.get(loop)
            if (built := self._built) is None or built[2] is not configuration._revision:
                built = self._build_engine()
            lock = state.token_lock if state else type(self).token_lock_type()
            transport = state.transport if state else type(self).transport_type(configuration)
            if transport.connection_settings != ConnectionSettings.of(configuration):
                transport.start_closing()
                transport = type(self).transport_type(configuration)
            self._states[loop] = state = State(*built, transport, lock)
            return state

    def _find_loop(self) -> Any:
        """Return the running event loop, or None for the blocking client, which needs none."""

    def reset_after_fork(self) -> None:
        """Replace what a forked child must not share with its parent."""
        for state in self._states.values():
            state.transport.start_closing()  # a view holds the state until its next call
        self._states, self._lock, self.executor = {}, threading.RLock(), None

    def _build_engine(self) -> tuple[Engine, Settings, object]:
        """Build the engine and the settings of the current configuration, and return its revision, too.

        The retry budget is kept, and so are the tokens unless the host or the credentials have changed.
        """
        configuration, earlier = self.configuration, None if self._built is None else self._built[0]
        revision = configuration._revision  # read before the values, so that a later change is noticed
        settings = configuration.settings().with_options({"_headers": self._default_headers})
        origin = configuration.origin
        service = origin, configuration.base_path, configuration.tokens()
        engine = Engine(
            *service,
            observer=Observer(origin, configuration.hooks, configuration.debug),
            max_json_values=configuration.max_json_values,
            record_write=writes.LOG.add,
            limit=deadlines.limit,
        )
        if not configuration.verify_ssl and configuration.ssl_context is None:
            log(WARNING, {}, "verify_ssl is False: connections to %s can be intercepted", origin)
        if earlier is not None:
            engine.budget = earlier.budget
            if (earlier.origin, earlier.base_path, earlier.tokens) == service:
                engine.tokens = earlier.tokens
        self._built = built = engine, settings, revision
        return built

    async def drive(self, state: State, steps: Generator[Command, Any, R]) -> R:
        """Run the engine's commands until it returns."""
        outcome: Outcome = None
        raised: BaseException | None = None
        try:
            while True:
                command = steps.send(outcome) if raised is None else steps.throw(raised)
                outcome = raised = None
                try:
                    if isinstance(command, Send):
                        send = state.transport.exchange
                        if "vcr" in sys.modules:  # the program may use cassettes
                            send = partial(upward.load("recorders").exchange, send, state.engine.origin)
                        outcome = await send(command)
                    elif isinstance(command, ObtainToken):
                        outcome = await self._obtain_token(state, command)
                    elif isinstance(command, CallProvider):
                        # Called here, since a coroutine would turn a StopIteration into another error.
                        outcome = command.provider.get_token()  # type: ignore[assignment]
                        if not isinstance(outcome, (str, Secret, tuple)):
                            outcome = await self.await_token(outcome, command.deadline)
                    elif isinstance(command, Sleep):
                        await self.sleep(command.seconds)
                    else:
                        await self.await_hook(command.awaitable)
                except BaseException as error:
                    raised = error  # the engine adds what it knows, and raises it
                    if isinstance(command, CallProvider) and not is_interruption(error):
                        outcome, raised = error, None
        except StopIteration as result:
            return result.value  # type: ignore[no-any-return]
        finally:
            # The frame of an error must not hold a provider's token. `raised` would refer to this frame.
            outcome = raised = None

    async def _obtain_token(self, state: State, command: ObtainToken) -> Secret:
        """Return a token: one caller fetches it, the others wait or continue to use one that is valid."""
        valid = command.tokens.valid(state.engine.clock(), command.rejected)
        seconds = 0.0 if valid is not None else max(0.0, command.deadline - state.engine.clock())
        try:
            if not await self.acquire_token_lock(state, seconds):
                if valid is not None:
                    return valid
                raise auth.token_wait_error()
            return await self.drive(state, state.engine.renew(command, state.settings, GET_O_AUTH_TOKEN))
        finally:
            # Even if an error of a signal handler came as soon as the lock was acquired. `suppress` would run
            # Python code before, in which another one may come.
            try:  # noqa: SIM105
                state.token_lock.release()
            except RuntimeError:  # it was not acquired
                pass

    async def acquire_token_lock(self, state: State, seconds: float) -> bool:
        """Wait for the token lock, and return whether it was acquired in time."""
        return bool(state.token_lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)))

    async def await_token(self, result: Any, deadline: float) -> Any:
        """Return the result of a token provider, which the asyncio client awaits if it can be."""
        return result

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    async def await_hook(self, awaitable: Awaitable[object]) -> None:
        """Await the result of a coroutine hook, which only the asyncio client can."""
        if isinstance(awaitable, Coroutine):
            awaitable.close()  # otherwise Python warns that it was never awaited
        raise TypeError("a coroutine hook must be awaited: use knetik_cloud.aio, or a plain method")


class _Unpicklable:
    def __reduce__(self) -> NoReturn:
        name = types.with_article(type(self).__name__)
        raise TypeError(
            f"{name} can't be pickled: pass its Configuration's settings and make a new one there"
        )


class BaseClient(_Unpicklable):
    """A client, or a view of one with options of its own."""

    _shared_type = Shared
    _resolved: tuple[State, Settings] | None = None

    @with_remedy
    def __init__(self, configuration: Configuration | None = None) -> None:
        self._shared = self._shared_type(argument_or_default(self, configuration, Configuration))
        self._options: Mapping[str, Any] = {}

    @property
    def configuration(self) -> Configuration:
        """The settings."""
        return self._shared.configuration

    @name_options
    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a view of this client whose calls use these options, which options of a call override.

        The view shares connections, tokens and retry budget with this client.

        Raises:
            ApiValueError: If the value of an option is out of range.
        """
        self._shared.configuration.settings().with_options(options)
        view = object.__new__(type(self))
        view._shared = self._shared
        view._options = override_options(self._options, options)
        return view

    def set_default_header(self, name: str, value: str | Secret) -> None:
        """Send a header with every call.

        Raises:
            ApiValueError: If the header can't be sent.
        """
        shared, checked = self._shared, options.headers("the default headers", {name: value})
        with shared._lock:
            shared._default_headers = options.override_headers(dict(shared._default_headers), checked)
            object.__setattr__(self.configuration, "_revision", object())  # the next call rebuilds the state

    async def call(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        options: Mapping[str, Any],
        http_info: bool = False,
    ) -> Any:
        """Run one call of an operation, as all generated methods do.

        Raises:
            ApiException: If the call fails for any reason.
        """
        stream = False
        if options:
            options = dict(options)
            if not options.get("async_req"):
                options.pop("async_req", None)
            stream = options.pop("_preload_content", None) is False
            only_data = options.pop("_return_http_data_only", None)
            http_info = http_info if only_data is None else not only_data
        state, settings = self._current()
        if options:
            settings = settings.with_options(options, operation.id, arguments)
        result = await self._shared.drive(state, state.engine.call(operation, arguments, settings, stream))
        if not http_info:
            return result.data
        response = ApiResponse(result.data, result.response.status, result.response.headers)
        response.attempts = result.attempts
        return response

    async def ping(self) -> Health:
        """Check that the service can be used, and explain what is wrong if it can't.

        The check obtains a token if there are credentials, and makes one small read, without retries. It
        never raises an exception.
        """
        started, error = monotonic(), None
        try:
            await BaseClient.call(self, *CHECK)  # the coroutine: `self.call` may be the blocking method
        except ApiException as raised:
            if is_interruption(raised):
                raise
            error = raised
        return Health(error, monotonic() - started, self.configuration.host)

    def _current(self) -> tuple[State, Settings]:
        """Return what calls run on now."""
        state = self._shared.current()
        resolved = self._resolved
        if resolved is None or resolved[0] is not state:
            resolved = self._resolved = (state, state.settings.with_options(self._options))
        return resolved

    def _plan(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Plan[T]:
        """Plan the reading of a list, whose calls use these options.

        Raises:
            TypeError: If no method has one of the options.
            ApiValueError: If a value is out of range.
        """
        settings = self._shared.configuration.settings().with_options(self._options)
        reader = f"iter_{operation.id.removeprefix('get_').removeprefix('list_')}"
        taken = (*arguments, *how)
        advice = f"it reads page after page, of page_size items each; {operation.id}() returns one page."
        for parameter in operation.parameters:
            if parameter.name in options:  # of the list itself: the reader sets them
                raise unknown_parameter_error(parameter.name, reader, taken, advice)
        settings = settings.with_options(options, reader, taken)
        return Plan(operation, arguments, options, **how, call_deadline=settings.deadline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.configuration.host}>"

    def __copy__(self) -> Self:
        return self.with_options()


C = TypeVar("C", bound=BaseClient)


class BaseApi(_Unpicklable, Generic[C]):
    """One tag's operations, called through a client.

    Args:
        api_client: The client to call through. None makes one from a default `Configuration`, which is
            closed with this object, or when this object is collected.
    """

    _client_type: ClassVar[type[Any]]
    _waiting: ClassVar[str]
    """The module of `upward` that waits for items."""
    api_client: C

    def __init_subclass__(cls) -> None:
        for member in vars(cls).values():
            name_options(member)

    @with_remedy
    def __init__(self, api_client: C | None = None) -> None:
        self._owns_client = api_client is None
        self.api_client = argument_or_default(self, api_client, self._client_type)

    @name_options
    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a view of this object whose calls use these options, which options of a call override.

        Raises:
            ApiValueError: If the value of an option is out of range.
        """
        return type(self)(self.api_client.with_options(**options))

    def _wait(self, *what: Any, **how: Any) -> Any:
        return upward.load(self._waiting).wait(self.api_client, *what, **how)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.api_client.configuration.host}>"

    def __copy__(self) -> Self:
        return self.with_options()


def argument_or_default(instance: object, given: object, needed: type) -> Any:
    """Return what a constructor was given, a configuration or a client, or a default one for None.

    Raises:
        TypeError: If it was given something else.
    """
    given = needed() if given is None else given
    if isinstance(given, needed):
        return given
    name, kind = type(instance).__name__, type(given).__name__
    if needed is Configuration:
        raise TypeError(f"{name} takes a Configuration, not {kind!r}: write {name}(Configuration(host=...))")
    package, other = (each.__module__.removesuffix(".api_client") for each in (needed, type(given)))
    message = f"{name} takes an ApiClient of {package}, not "
    if isinstance(given, BaseClient):
        raise TypeError(f"{message}one of {other}: blocking and asyncio classes don't mix")
    hint = f": write {name}(ApiClient(configuration))" if isinstance(given, Configuration) else ""
    raise TypeError(f"{message}{kind!r}{hint}")


def check_method(caller: str, method: object) -> None:
    """Check that a method that is to be run can be called.

    Raises:
        TypeError: If it can't.
    """
    if not callable(method):
        raise TypeError(
            f"{caller}() takes the method of a call and its arguments, not {types.short_repr(method)}: "
            f"write client.{caller}(api.get_entitlement_item, 56)"
        )


_all: weakref.WeakSet[Shared] = weakref.WeakSet()


def _reset_in_child() -> None:
    writes.LOG.reset_after_fork()
    for shared in list(_all):
        shared.reset_after_fork()
    Shared._process = os.getpid()  # last, so that no other thread of the child finds what is its parent's


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_in_child)
