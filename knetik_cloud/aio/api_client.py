"""`ApiClient` runs calls over the aiohttp transport; `Api` is the base of the generated classes."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, NoReturn, ParamSpec, Self, TypeVar, Unpack

from knetik_cloud import upward
from knetik_cloud.aio.paging import Pager
from knetik_cloud.aio.rest import RESTClientObject, RESTResponse
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
from knetik_cloud.secret import Secret

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class ApiClient(BaseClient["_Lane"]):
    """Runs calls: holds the connections, the tokens and the retry budget that its API objects share.

    Any number of tasks may share one client, in one event loop after the other or in several at once: each
    loop gets connections of its own. Close it, or use it in an `async with`, when you are done.

    Args:
        configuration: its settings; None makes a default `Configuration`. They may be changed later. The
            `get_token` of its token provider may be an `async def`.
    """

    _shared: _Shared

    def __init__(self, configuration: Configuration | None = None) -> None:
        self._shared = _Shared(configured(self, configuration))
        self._options: Mapping[str, Any] = {}
        self._settled: tuple[_Lane, Settings] | None = None

    async def call(
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
            options, http_info, stream = what_is_wanted(options, http_info)
        lane, settings = self._current()
        if options:
            settings = settings.with_options(options, operation.id, arguments)
        answer = await lane.drive(lane.engine.call(operation, arguments, settings, stream))
        return with_http_info(answer) if http_info else answer.data

    async def call_api(
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
        return await self.call(
            *unlisted(
                resource_path, method, path_params, query_params, header_params, body, response_type, options
            )
        )

    def submit(
        self, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Task[T]:
        """Run a method in a task of its own, and give the task: await it for what the method returns.

        Raises:
            ApiValueError: the client is closed.
        """
        self._shared.current()
        return asyncio.get_running_loop().create_task(method(*args, **kwargs))

    async def raw(
        self, method: Callable[P, Awaitable[Any]], /, *args: P.args, **kwargs: P.kwargs
    ) -> RESTResponse:
        """Run a method and give the raw answer, which streams: read it, or close it.

        Raises:
            ApiException: the call failed.
        """
        kwargs["_preload_content"] = False
        response: RESTResponse = await method(*args, **kwargs)
        return response

    async def find_out(self, error: ApiException, *, settle: float = 2.0) -> WriteOutcome[Any]:
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
        found: WriteOutcome[Any] = await upward.load("aio.recovery").find_out(self, error, settle)
        return found

    async def close(self) -> None:
        """Close the connections. Calls that are under way come to their end."""
        await self._shared.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


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

    async def close(self) -> None:
        """Close the client, if it is this object's own."""
        if self._owns_client:
            await self.api_client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _call(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> T:
        return await self.api_client.call(operation, arguments, options)  # type: ignore[no-any-return]

    async def _call_with_http_info(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> ApiResponse[T]:
        return await self.api_client.call(  # type: ignore[no-any-return]
            operation, arguments, options, http_info=True
        )

    def _pager(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Pager[Any, T]:
        return Pager(self.api_client, self.api_client._plan(operation, arguments, options, **how))


class _Lane:
    """What a client's calls in one event loop run on while the configuration stays as it is."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        revision: object,
        settled: tuple[Engine, Settings],
        transport: RESTClientObject,
    ) -> None:
        self.loop = loop
        self.revision = revision
        self.engine, self.settings = settled
        self.transport = transport
        self._token_lock = asyncio.Lock()

    async def drive(self, steps: Generator[Command, Any, R]) -> R:
        """Do what the engine asks for, until it has come to its end."""
        outcome: Outcome = None
        try:
            while True:
                command = steps.send(outcome)
                if isinstance(command, Send):
                    outcome = await self.transport.send(command)
                elif isinstance(command, ObtainToken):
                    try:
                        outcome = await self._token(command)
                    except ApiException as error:
                        steps.throw(error)  # the engine adds what it knows, and raises it
                        raise
                elif isinstance(command, CallProvider):
                    outcome = await _ask(command, command.deadline - self.engine.clock())
                else:
                    await asyncio.sleep(command.seconds)
                    outcome = None
        except StopIteration as done:
            result: R = done.value
            return result

    async def _token(self, command: ObtainToken) -> Secret:
        """Get a token: one task fetches it, the others wait, or go on with the one that is still good."""
        clock, lock = self.engine.clock, self._token_lock
        usable = command.tokens.valid(clock(), command.rejected)
        if usable is not None and lock.locked():
            return usable
        try:
            async with asyncio.timeout(_or_none(command.deadline - clock())):
                await lock.acquire()
        except TimeoutError:
            raise auth.token_wait_error() from None
        try:
            from knetik_cloud.operations import GET_O_AUTH_TOKEN

            return await self.drive(self.engine.renew(command, self.settings, GET_O_AUTH_TOKEN))
        finally:
            lock.release()


class _Shared(Shared[_Lane]):
    """What a client and its views have in common."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._lane: _Lane | None = None
        self._lanes: dict[asyncio.AbstractEventLoop, _Lane] = {}
        self._made: tuple[object, tuple[Engine, Settings]] | None = None
        self._lock = threading.Lock()
        _all.add(self)

    def current(self) -> _Lane:
        lane, loop = self._lane, asyncio.get_running_loop()
        if (
            lane is None
            or lane.loop is not loop
            or lane.revision is not self.configuration._revision
            or self.is_closed
        ):
            return self._switch(loop)
        return lane

    def _switch(self, loop: asyncio.AbstractEventLoop) -> _Lane:
        """Give the lane of a loop, made anew when the configuration was changed."""
        with self._lock:
            revision = self.configuration._revision  # read before the values, so that a later change is seen
            made = self._made
            if made is None or made[0] is not revision or self.is_closed:
                made = self._made = (revision, self.settle())
            lane = self._lanes.get(loop)
            if lane is None or lane.revision is not revision:
                if lane is not None:
                    lane.transport.retire()
                self._lanes = {other: kept for other, kept in self._lanes.items() if not other.is_closed()}
                lane = self._lanes[loop] = _Lane(
                    loop, revision, made[1], RESTClientObject(self.configuration)
                )
            self._lane = lane
            return lane

    def set_default_header(self, name: str, value: str) -> None:
        with self._lock:
            super().set_default_header(name, value)
            self._made = self._lane = None
            self._lanes = {}

    async def close(self) -> None:
        self.is_closed = True
        here = asyncio.get_running_loop()
        with self._lock:
            lanes, self._lanes, self._lane = self._lanes, {}, None
        for loop, lane in lanes.items():
            if loop is here:
                await lane.transport.close()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(lane.transport.retire)

    def start_over(self) -> None:
        """Leave all lanes alone, in a forked child: their sockets are its parent's."""
        _inherited.extend(self._lanes.values())
        self._lane, self._lanes = None, {}
        self._lock = threading.Lock()


async def _ask(command: CallProvider, left: float) -> auth.AccessToken | str | Secret | Exception:
    """Ask the caller's provider, for as long as the call's deadline allows."""
    try:
        async with asyncio.timeout(_or_none(left)) as timeout:
            answer = command.provider.get_token()
            return await answer if inspect.isawaitable(answer) else answer
    except Exception as error:
        return auth.token_wait_error() if timeout.expired() else error


def _or_none(seconds: float) -> float | None:
    return None if seconds == math.inf else seconds


_all: weakref.WeakSet[_Shared] = weakref.WeakSet()
_inherited: list[_Lane] = []
"""What a forked child keeps untouched, since closing it would speak on its parent's connections."""


def _start_over_in_child() -> None:
    for shared in list(_all):
        shared.start_over()


os.register_at_fork(after_in_child=_start_over_in_child)
