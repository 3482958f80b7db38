"""`ApiClient` runs calls over the asyncio transport; `Api` is the base class of the generated classes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Literal, ParamSpec, TypeVar, cast

from knetik_cloud import upward
from knetik_cloud.aio.paging import Pager
from knetik_cloud.aio.rest import Closing, RESTClientObject, RESTResponse
from knetik_cloud.base_client import CHECK, BaseApi, BaseClient, Shared, State, check_method
from knetik_cloud.core import auth
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation
from knetik_cloud.exceptions import ApiException
from knetik_cloud.observation import is_interruption
from knetik_cloud.path_call import prepare_path_call
from knetik_cloud.secret import Secret
from knetik_cloud.wire import asynchronous
from knetik_cloud.writes import Outcome as WriteOutcome

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
T = TypeVar("T")


_inherited: list[Mapping[Any, State]] = []
"""What a forked child keeps untouched."""


class _TokenLock(asyncio.Lock):
    """A lock that, as an `RLock` of threads, its holder may acquire again, and only its holder releases."""

    _holds: tuple[asyncio.Task[Any] | None, ...] = ()
    """The task that holds the lock, as often as it has acquired it."""

    async def acquire(self) -> Literal[True]:
        if asyncio.current_task() not in self._holds:
            await super().acquire()
        self._holds += (asyncio.current_task(),)
        return True

    def release(self) -> None:
        if asyncio.current_task() not in self._holds:
            raise RuntimeError("this task does not hold the lock")
        self._holds = self._holds[1:]
        if not self._holds:
            super().release()


class _Shared(Shared):
    transport_type = RESTClientObject
    token_lock_type = _TokenLock
    _find_loop = staticmethod(asynchronous.running_loop)
    sleep = staticmethod(asynchronous.sleep)

    def reset_after_fork(self) -> None:
        """Leave the parent's connections alone: closing a transport would send bytes on them."""
        _inherited.append(self._states)
        self._states = {}
        super().reset_after_fork()

    async def acquire_token_lock(self, state: State, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asynchronous.timeout(seconds):  # an unlocked one may have waiters already
                return bool(await state.token_lock.acquire())
        return False

    async def await_token(self, result: Any, deadline: float) -> Any:
        """Await the result of a token provider, for as long as the call's deadline allows."""
        try:
            async with asynchronous.timeout(deadline - monotonic()) as timeout:
                return await result if inspect.isawaitable(result) else result
        except BaseException as error:
            if is_interruption(error) or not timeout.expired():
                raise
            return auth.token_wait_error()

    async def await_hook(self, awaitable: Awaitable[object]) -> None:
        await awaitable


class ApiClient(Closing, BaseClient):
    """Runs calls. Its API objects share its connections, tokens and retry budget.

    Any number of tasks may share one client. A client is not tied to an event loop: it opens separate
    connections for each loop that uses it. Close it, or use it in an `async with`, when you are done.

    Args:
        configuration: The settings, which may be changed later. None makes a default `Configuration`. The
            `get_token` of its token provider may be an `async def`.
    """

    _shared_type = _Shared

    async def call_api(
        self,
        resource_path: str,
        method: str,
        path_params: Mapping[str, Any] | None = None,
        query_params: Mapping[str, Any] | None = None,
        header_params: Mapping[str, str | Secret] | None = None,
        body: Any = None,
        response_type: str | None = None,
        **options: Any,
    ) -> Any:
        """Call a path of the service that this SDK has no method for.

        Args:
            resource_path: The path below the host, with `{name}` in place of each path parameter. Logs and
                spans show it as it is written.
            method: The HTTP method. GET, PUT and DELETE may be retried. POST and PATCH are not idempotent.
            path_params: The path parameters, each percent-encoded as one segment.
            query_params: The query. None values are omitted.
            header_params: Headers in addition to the SDK's own.
            body: Any JSON value or model. None sends no body.
            response_type: The type to read the response as: a model's name, `list[T]` or `object`. None
                ignores the body.
            options: The options that every method accepts.

        Returns:
            A value of `response_type`.

        Raises:
            ApiException: If the call fails for any reason.
        """
        prepared = prepare_path_call(
            resource_path, method, path_params, query_params, header_params, body, response_type, options
        )
        return await self.call(*prepared)

    def submit(
        self, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[T]:
        """Run a method in a task and return the task, whose result is the method's.

        Raises:
            ApiValueError: If the client is closed.
            TypeError: If `method` can't be called.
        """
        check_method("submit", method)
        self._shared.current()
        return asyncio.get_running_loop().create_task(method(*args, **kwargs))

    async def raw(
        self, method: Callable[P, Awaitable[Any]], /, *args: P.args, **kwargs: P.kwargs
    ) -> RESTResponse:
        """Run a method and return the raw response, whose body streams. Read it to its end, or close it.

        Raises:
            ApiException: If the call fails.
            TypeError: If `method` can't be called.
        """
        check_method("raw", method)
        kwargs["_preload_content"] = False
        return cast("RESTResponse", await method(*args, **kwargs))

    async def find_out(self, error: ApiException, *, settle: float = 2.0) -> WriteOutcome[Any]:
        """Find out whether the call that raised an error was applied, from what the service stores.

        The client reads back, waits until `settle` seconds have passed since the failure, and reads again. It
        compares the new entries with the other writes of this process, but not with those of other processes.
        If another process grants the same item to the same user in that time, the result may be wrong. For an
        add, the result may be wrong if another process grants, adds or sells any item to the user, because an
        entry shows no SKU, only whether it has an invoice.

        Args:
            error: The error of a write.
            settle: Seconds to wait for a late write.

        Returns:
            The outcome. Its state is `"unknown"` if the operation can't be read back, or if several items may
            show the write. These are then its candidates.

        Raises:
            ApiValueError: If the call went to a different service than that of this client.
            TypeError: If `error` is not the error of a call.
        """
        return cast("WriteOutcome[Any]", await upward.load("aio.recovery").find_out(self, error, settle))

    async def warm_up(self) -> None:
        """Import modules, connect and obtain a token, so that the first call doesn't wait for these.

        Call it when a worker starts, after a fork. It makes one small read, and keeps the connection.

        Raises:
            ApiException: If the service can't be used. `ping` explains why.
        """
        await self.call(*CHECK)

    async def close(self) -> None:
        """Close the connections. Calls in progress finish."""
        shared = self._shared
        shared.is_closed = True
        with shared._lock:
            states, shared._states = shared._states, {}
        for loop, state in states.items():
            if loop is asynchronous.running_loop():
                await cast("RESTClientObject", state.transport).close()
                continue
            state.transport.start_closing()
            with suppress(RuntimeError):  # an open loop keeps the transport, which closes the rest in the end
                loop.call_soon_threadsafe(state.transport.start_closing)


class Api(Closing, BaseApi[ApiClient]):
    """The base class of the generated classes.

    Args:
        api_client: The client to call through. None makes one from a default `Configuration`, which is
            closed with this object, or when this object is collected.
    """

    _client_type = ApiClient
    _waiting = "aio.waiting"

    async def close(self) -> None:
        """Close the client, if it is this object's own."""
        if self._owns_client:
            await self.api_client.close()

    def _call(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Coroutine[Any, Any, T]:
        return self.api_client.call(operation, arguments, options)

    def _pager(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Pager[Any, T]:
        return Pager(self.api_client, self.api_client._plan(operation, arguments, options, **how))
