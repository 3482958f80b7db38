"""`ApiClient` runs calls over the urllib3 transport; `Api` is the base of the generated classes."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Self, TypeVar, Unpack

from knetik_cloud import upward
from knetik_cloud.base_client import (
    BaseClient,
    Shared,
    configured,
    no_client,
    not_picklable,
    unlisted,
    what_is_wanted,
    with_http_info,
)
from knetik_cloud.configuration import Configuration
from knetik_cloud.core import auth
from knetik_cloud.core.call import Engine
from knetik_cloud.core.operation import ApiResponse, Operation
from knetik_cloud.core.options import CallOptions, Settings
from knetik_cloud.core.outcome import CallProvider, Command, ObtainToken, Outcome, Send
from knetik_cloud.core.writes import Outcome as WriteOutcome
from knetik_cloud.exceptions import ApiException
from knetik_cloud.rest import RESTClientObject, RESTResponse
from knetik_cloud.secret import Secret

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from knetik_cloud.paging import Pager

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class ApiClient(BaseClient["_State"]):
    """Runs calls: holds the connections, the tokens and the retry budget that its API objects share.

    Any number of threads may share one client. It starts no thread by itself; `submit` and `async_req` make
    a pool at their first use. Close it, or use it in a `with`, when you are done.

    Args:
        configuration: its settings; None makes a default `Configuration`. They may be changed later.
    """

    _shared: _Shared

    def __init__(self, configuration: Configuration | None = None) -> None:
        self._shared = _Shared(configured(self, configuration))
        self._options: Mapping[str, Any] = {}
        self._settled: tuple[_State, Settings] | None = None

    def call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        options: Mapping[str, Any],
        http_info: bool = False,
    ) -> Any:
        """Run one call of an operation: what all generated methods do.

        Raises:
            ApiException: whatever went wrong.
        """
        stream = False
        if options:
            options = dict(options)
            if options.pop("async_req", None):
                return AsyncResult(self._shared.submit(self.call, operation, arguments, options, http_info))
            options, http_info, stream = what_is_wanted(options, http_info)
        state, settings = self._current()
        if options:
            settings = settings.with_options(options, operation.id, arguments)
        answer = _drive(self._shared, state, state.engine.call(operation, arguments, settings, stream))
        return with_http_info(answer) if http_info else answer.data

    def call_api(
        self,
        resource_path: str,
        method: str,
        path_params: Mapping[str, Any] | None = None,
        query_params: Mapping[str, Any] | None = None,
        header_params: Mapping[str, str] | None = None,
        body: Any = None,
        response_type: str | None = None,
        **options: Any,
    ) -> Any:
        """Call a path of the service that this SDK has no method for.

        Args:
            resource_path: the path below the host, with `{name}` where a path parameter goes.
            method: the HTTP method. GET may be repeated, PUT and DELETE too; POST and PATCH are sent once.
            path_params: what goes into the path, each percent-encoded as one segment.
            query_params: the query; None is left out.
            header_params: headers beside the SDK's own.
            body: any JSON value or model; None sends none.
            response_type: what to read the answer as: a model's name, `list[T]`, `object`; None ignores it.
            options: as every method takes them.

        Returns:
            What `response_type` says.

        Raises:
            ApiException: whatever went wrong.
        """
        return self.call(
            *unlisted(
                resource_path, method, path_params, query_params, header_params, body, response_type, options
            )
        )

    def submit(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a method in this client's thread pool, and give the `Future` of what it returns.

        Raises:
            ApiValueError: the client is closed.
        """
        return self._shared.submit(method, *args, **kwargs)

    def raw(self, method: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> RESTResponse:
        """Run a method and give the raw answer, which streams: read it, or close it.

        Raises:
            ApiException: the call failed.
        """
        kwargs["_preload_content"] = False
        response: RESTResponse = method(*args, **kwargs)
        return response

    def find_out(self, error: ApiException, *, settle: float = 2.0) -> WriteOutcome[Any]:
        """Find out whether the call that raised an error was applied, from what the service stores.

        The client reads back, waits until `settle` seconds have passed since the failure, and reads again. It
        compares the new entries with the other writes of this process. It can't know about those of other
        processes: if one grants the same item to the same user in that time, the result may be wrong.

        Args:
            error: The error of a write.
            settle: Seconds to wait for a late write.

        Returns:
            The outcome. Its state is `"unknown"` if the operation can't be read back, or if several items may
            show the write, which are its candidates then.
        """
        found: WriteOutcome[Any] = upward.load("recovery").find_out(self, error, settle)
        return found

    def close(self) -> None:
        """Close the connections and the thread pool. Calls that are under way come to their end."""
        self._shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncResult:
    """What `async_req=True` gives, as SDKs of this family do: `get` waits for the method's result."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def __repr__(self) -> str:
        if not self._future.done():
            return "<AsyncResult: pending>"
        return f"<AsyncResult: {'succeeded' if self.successful() else 'failed'}>"

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the result, at most `timeout` seconds.

        Raises:
            TimeoutError: it isn't there in time.
            ApiException: the call failed.
        """
        return self._future.result(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the call is done, at most `timeout` seconds."""
        from concurrent.futures import wait

        wait([self._future], timeout)

    def ready(self) -> bool:
        """Tell whether the call is done."""
        return self._future.done()

    def successful(self) -> bool:
        """Tell whether a call that is done succeeded.

        Raises:
            ValueError: it isn't done.
        """
        if not self._future.done():
            raise ValueError("the call isn't done yet: wait() for it first")
        return self._future.exception() is None


class Api:
    """The base of the generated classes: one tag's operations, called through an `ApiClient`.

    Args:
        api_client: the client to call through. None makes one of its own, from a default `Configuration`,
            which is closed with this object, or when it is collected.
    """

    def __init__(self, api_client: ApiClient | None = None) -> None:
        if api_client is not None and not isinstance(api_client, ApiClient):
            raise no_client(self, api_client, ApiClient)
        self._owns_client = api_client is None
        self.api_client = ApiClient() if api_client is None else api_client

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Give a view of this object whose calls take these options, unless a call says otherwise.

        Raises:
            ApiValueError: an option's value is out of range.
        """
        return type(self)(self.api_client.with_options(**options))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.api_client.configuration.host}>"

    def __copy__(self) -> Self:
        return self.with_options()

    def __reduce__(self) -> NoReturn:
        raise not_picklable(self)

    def close(self) -> None:
        """Close the client, if it is this object's own."""
        if self._owns_client:
            self.api_client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _call(self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]) -> T:
        return self.api_client.call(operation, arguments, options)  # type: ignore[no-any-return]

    def _call_with_http_info(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> ApiResponse[T]:
        return self.api_client.call(operation, arguments, options, http_info=True)  # type: ignore[no-any-return]

    def _pager(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Pager[Any, T]:
        from knetik_cloud.paging import Pager

        return Pager(self.api_client, self.api_client._plan(operation, arguments, options, **how))


class _State:
    """What the calls of a client run on while its configuration stays as it is."""

    def __init__(
        self, revision: object, engine: Engine, transport: RESTClientObject, settings: Settings
    ) -> None:
        self.revision = revision
        self.engine = engine
        self.transport = transport
        self.settings = settings


class _Shared(Shared[_State]):
    """What a client and its views have in common."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._state: _State | None = None
        self._executor: ThreadPoolExecutor | None = None
        self.renew_locks()
        _all.add(self)

    def renew_locks(self) -> None:
        """Make the locks, also in a forked child, whose parent may have held the old ones."""
        self._settle_lock = threading.Lock()
        self.token_lock = threading.Lock()
        self._executor = None

    def current(self) -> _State:
        state = self._state
        if state is None or state.revision is not self.configuration._revision or self.is_closed:
            return self._renew()
        return state

    def _renew(self) -> _State:
        with self._settle_lock:
            state, configuration = self._state, self.configuration
            revision = configuration._revision  # read before the values, so that a later change is seen
            if state is not None and not self.is_closed:
                if state.revision is revision:
                    return state
                state.transport.close()
            engine, settings = self.settle()
            self._state = _State(revision, engine, RESTClientObject(configuration), settings)
            return self._state

    def set_default_header(self, name: str, value: str) -> None:
        with self._settle_lock:
            super().set_default_header(name, value)
            self._state = None

    def submit(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a method in the thread pool, which is made at the first use.

        Raises:
            ApiValueError: the client is closed.
        """
        self.current()
        with self._settle_lock:  # held, so that no close comes between
            self.check_open()
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor

                workers = self.configuration.pool_size
                self._executor = ThreadPoolExecutor(workers, thread_name_prefix="knetik_cloud")
            return self._executor.submit(method, *args, **kwargs)

    def close(self) -> None:
        with self._settle_lock:
            self.is_closed = True
            executor, self._executor = self._executor, None
            if self._state is not None:
                self._state.transport.close()
        if executor is not None:
            executor.shutdown(wait=False)


def _drive(shared: _Shared, state: _State, steps: Generator[Command, Any, R]) -> R:
    """Do what the engine asks for, until it has come to its end."""
    outcome: Outcome = None
    try:
        while True:
            command = steps.send(outcome)
            if isinstance(command, Send):
                outcome = state.transport.send(command)
            elif isinstance(command, ObtainToken):
                try:
                    outcome = _token(shared, state, command)
                except ApiException as error:
                    steps.throw(error)  # the engine adds what it knows, and raises it
                    raise
            elif isinstance(command, CallProvider):
                outcome = _ask(command.provider)
            else:
                time.sleep(command.seconds)
                outcome = None
    except StopIteration as done:
        result: R = done.value
        return result


def _token(shared: _Shared, state: _State, command: ObtainToken) -> Secret:
    """Get a token: one thread fetches it, the others wait, or go on with the one that is still good."""
    clock, lock = state.engine.clock, shared.token_lock
    usable = command.tokens.valid(clock(), command.rejected)
    if usable is not None:
        if not lock.acquire(blocking=False):
            return usable
    elif not lock.acquire(timeout=min(max(0.0, command.deadline - clock()), threading.TIMEOUT_MAX)):
        raise auth.token_wait_error()
    try:
        from knetik_cloud.operations import GET_O_AUTH_TOKEN

        return _drive(shared, state, state.engine.renew(command, state.settings, GET_O_AUTH_TOKEN))
    finally:
        lock.release()


def _ask(provider: auth.TokenProvider | auth.AsyncTokenProvider) -> Any:
    try:
        return provider.get_token()
    except Exception as error:
        return error


_all: weakref.WeakSet[_Shared] = weakref.WeakSet()


def _renew_locks_in_child() -> None:
    """A thread of the parent may have held a lock when it forked."""
    for shared in list(_all):
        shared.renew_locks()


os.register_at_fork(after_in_child=_renew_locks_in_child)
