"""An error that a signal handler raises, Ctrl-C and cancellation: at every point of an exchange."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
import socket
import threading
import traceback
import warnings
from collections.abc import Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest

from knetik_cloud import (
    AccessToken,
    ApiClient,
    ApiConnectionException,
    ApiException,
    Configuration,
    Hook,
    UsersInventoryApi,
    aio,
    writes,
)
from test.faults.server import FaultServer, http_response, keeps, says
from test.interruptions import Interruption

UNHURRIED: dict[str, Any] = {"timeout": 20.0, "deadline": 20.0, "retries": 0}


class SoftTimeLimit(Exception):
    """The error of a task queue."""


def get(api: UsersInventoryApi) -> Any:
    return api.get_user_inventory(56, 56)


def test_error_of_a_name_lookup_is_translated_though_a_library_raised_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        ApiClient(Configuration("http://nowhere.invalid", **UNHURRIED)) as client,
        pytest.raises(ApiConnectionException, match="could not be found"),
    ):
        get(UsersInventoryApi(client))


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_error_of_a_resolver_of_the_program_s_own_is_translated(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "the name server is down")

    async def ping() -> Any:
        async with aio.ApiClient(Configuration("http://example.invalid", **UNHURRIED)) as client:
            return await client.ping()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    if kind == "asyncio":
        health = asyncio.run(ping())
    else:
        with ApiClient(Configuration("http://example.invalid", **UNHURRIED)) as client:
            health = client.ping()
    assert isinstance(health.error, ApiConnectionException)
    assert "could not be found" in str(health.error.reason)


def raise_limit(job: str, *_: object) -> None:
    raise SoftTimeLimit(job)


class Limit:
    """A signal handler that is an object."""

    def __call__(self, *_: object) -> None:
        raise_limit("job")


@pytest.fixture(
    params=[partial(raise_limit, "job"), Limit(), Limit().__call__], ids=["partial", "object", "method"]
)
def handler(request: pytest.FixtureRequest) -> Iterator[None]:
    """A handler of SIGALRM whose error is that of a time limit."""
    before = signal.signal(signal.SIGALRM, request.param)
    yield
    signal.signal(signal.SIGALRM, before)


class Slow(Hook):
    """A hook and a token provider that a signal interrupts."""

    def on_attempt_start(self, attempt: object) -> None:
        signal.raise_signal(signal.SIGALRM)

    def get_token(self) -> AccessToken:
        signal.raise_signal(signal.SIGALRM)
        return AccessToken("token")


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize("settings", [{"hooks": [Slow()]}, {"token_provider": Slow()}])
@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_error_of_any_signal_handler_ends_a_call_before_it_is_sent(
    kind: str, settings: dict[str, Any]
) -> None:
    async def use() -> None:
        async with aio.ApiClient(configuration) as client:
            await aio.UsersInventoryApi(client).use_user_entitlement_item(56, 56)

    with FaultServer() as server:
        configuration = Configuration(server.url, **UNHURRIED, **settings)
        call = UsersInventoryApi(ApiClient(configuration)).use_user_entitlement_item
        with pytest.raises(SoftTimeLimit, match="job"):
            asyncio.run(use()) if kind == "asyncio" else call(56, 56)
    assert server.requests == []


def test_cancellation_of_a_task_that_a_blocking_provider_runs_is_a_failure_of_the_provider() -> None:
    class Provider:
        def get_token(self) -> str:
            async def refresh() -> str:
                task = asyncio.create_task(asyncio.sleep(60, "token"))
                asyncio.get_running_loop().call_soon(task.cancel)
                return await task

            return asyncio.run(refresh())

    class Interrupted:
        def get_token(self) -> str:
            raise KeyboardInterrupt

    with FaultServer() as server:
        settings = dict(UNHURRIED, host=server.url)
        first = ApiClient(Configuration(token_provider=Provider(), **settings))
        second = ApiClient(Configuration(token_provider=Interrupted(), **settings))
        with first, pytest.raises(ApiException, match="the token provider failed with CancelledError"):
            get(UsersInventoryApi(first))
        with second, pytest.raises(KeyboardInterrupt):
            get(UsersInventoryApi(second))
    assert server.requests == []


def test_lock_is_released_though_an_error_came_as_soon_as_it_was_acquired() -> None:
    class Provider:
        def get_token(self) -> AccessToken:
            return AccessToken("token")

    class Interrupted:
        """A lock after whose acquisition a signal handler raises."""

        def __init__(self) -> None:
            self._lock = threading.RLock()
            self.release = self._lock.release

        def acquire(self, timeout: float) -> bool:
            self._lock.acquire(timeout=timeout)
            raise SoftTimeLimit

    with FaultServer() as server:
        configuration = Configuration(server.url, token_provider=Provider(), **UNHURRIED)
        with ApiClient(configuration) as client:
            api = UsersInventoryApi(client)
            state, lock = client._shared.current(), Interrupted()
            client._shared._states[None] = state._replace(token_lock=lock)
            with pytest.raises(SoftTimeLimit):
                get(api)
            client._shared._states[None] = state._replace(token_lock=lock._lock)
            assert client.submit(get, api).result(20).id == 56


def is_of_the_exchange(frame: FrameType) -> bool:
    """Return whether a frame runs the package's exchange. Python itself ignores errors in finalizers."""
    caller = frame.f_back.f_code.co_name if frame.f_back is not None else ""
    name = frame.f_code.co_name
    is_finalizer = (
        "__del__" in (name, caller) or name == "close" or (name == "abort" and caller != "exchange")
    )
    return frame.f_globals.get("__name__", "").startswith("knetik_cloud.wire") and not is_finalizer


@pytest.mark.parametrize(
    "kind", [SoftTimeLimit, TimeoutError, KeyboardInterrupt, BlockingIOError, ConnectionResetError]
)
def test_error_at_every_line_of_an_exchange_reaches_the_caller_and_leaves_the_client_usable(
    kind: type[BaseException],
) -> None:
    with warnings.catch_warnings(), FaultServer() as server:
        warnings.simplefilter("ignore", ResourceWarning)  # the collector closes a socket just made
        warnings.simplefilter("ignore", RuntimeWarning)  # a coroutine was made and not begun
        number, step = 1, 1 if kind in (SoftTimeLimit, BlockingIOError) else 3
        while True:
            configuration = Configuration(server.url, access_token="a", **UNHURRIED)
            error = kind("mine")
            with ApiClient(configuration) as client:
                api = UsersInventoryApi(client)
                if number % 2:
                    get(api)  # so that the connection is there already
                with Interruption(number, error, is_of_the_exchange) as interruption:
                    try:
                        get(api)
                        raised: BaseException | None = None
                    except BaseException as arrived:
                        raised = arrived
                if interruption.left > 0:
                    break
                assert raised is error, f"line {number}: {raised!r}"
                # What was left is dropped here: the collector may run where Python can't import `warnings`.
                error.__traceback__ = None
                assert get(api).id == 56
            number += step
        gc.collect()
        assert not [
            each for each in gc.get_objects() if inspect.iscoroutine(each) and each.__name__ == "_run"
        ]
        assert number > 50


@pytest.mark.parametrize("status", ["200 OK", "500 X"])
def test_interruption_while_a_broken_body_is_dropped_shows_no_token(
    status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(self: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    broken = says(f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n".encode())
    with (
        FaultServer([broken]) as server,
        ApiClient(Configuration(server.url, access_token="canary-token", **UNHURRIED)) as client,
    ):
        gc.collect()  # pipes that other tests dropped
        monkeypatch.setattr("knetik_cloud.wire.blocking.BlockingPipe.close", close)
        with pytest.raises(KeyboardInterrupt) as caught:
            get(UsersInventoryApi(client))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "canary" not in "".join(shown.format()).replace('access_token="canary-token"', "")


def test_write_that_is_interrupted_is_unknown_and_no_longer_running(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive(self: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(writes, "LOG", writes.WriteLog())
    monkeypatch.setattr("knetik_cloud.wire.blocking.BlockingPipe.receive", receive)
    with (
        FaultServer() as server,
        ApiClient(Configuration(server.url, **UNHURRIED)) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        UsersInventoryApi(client).grant_user_entitlement(56, {"entitlement_id": 5})
    (write,) = writes.LOG._writes
    assert (write.state, write.arguments["user_id"]) == ("unknown", 56)
    assert write.ended is not None


def test_cancellation_at_every_step_of_an_exchange_leaves_the_client_usable() -> None:
    async def main() -> None:
        with FaultServer([keeps(http_response(b'{"id": 56}'))] * 0) as server:
            steps = 0
            while True:
                async with aio.ApiClient(Configuration(server.url, **UNHURRIED)) as client:
                    api = aio.UsersInventoryApi(client)
                    task = asyncio.ensure_future(api.get_user_inventory(56, 56))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    if task.done():
                        return
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                    assert (await api.get_user_inventory(56, 56)).id == 56
                    steps += 1

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_error_of_a_signal_handler_in_an_asyncio_callback_reaches_the_caller() -> None:
    error = TimeoutError("mine")

    def raise_it(self: Any, data: bytes) -> None:
        raise error

    async def main() -> None:
        with FaultServer() as server:
            async with aio.ApiClient(Configuration(server.url, **UNHURRIED)) as client:
                loop = asyncio.get_running_loop()
                loop.set_exception_handler(lambda loop, context: None)
                await aio.UsersInventoryApi(client).get_user_inventory(56, 56)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knetik_cloud.wire.asynchronous.AsyncioPipe.data_received", raise_it)
        with pytest.raises(TimeoutError) as caught:
            asyncio.run(main())
    assert caught.value is error
