"""Hooks see calls of both clients, add headers, and can neither fail a call nor see a secret."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import signal
import sys
import time
from typing import Any
from unittest.mock import Mock

import pytest

from knetik_cloud import (
    AccessToken,
    ApiClient,
    ApiException,
    ApiResponseError,
    ApiValueError,
    Configuration,
    Hook,
    Secret,
    UsersInventoryApi,
    aio,
)
from knetik_cloud.hooks import Attempt, Call, TokenEvent, default_hooks
from test.conftest import RecordingServer
from test.conftest import http_response as response
from test.faults.connection import closes
from test.faults.server import FaultServer, healthy, http_response, keeps
from test.observability.scenarios import (
    CoroutineRecorder,
    Interrupted,
    Recorder,
    Scenario,
    interrupting,
    run,
)

BUSY = keeps(http_response(b"", status="503 X"))
READ = Scenario("get_user_inventory", (56, 57), (), [], [], [])
KINDS = ["blocking", "asyncio"]


def call(kind: str, configuration: Configuration, method: str = "get_user_inventory") -> Any:
    """Call a method with a client of a kind."""
    if kind == "blocking":
        with ApiClient(configuration) as client:
            return getattr(UsersInventoryApi(client), method)(56, 57)

    async def main() -> Any:
        async with aio.ApiClient(configuration) as client:
            return await getattr(aio.UsersInventoryApi(client), method)(56, 57)

    return asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_attempt_has_the_facts_of_its_outcome(kind: str) -> None:
    busy = keeps(http_response({"request_id": "from-body"}, "Retry-After: 0", status="503 X"))
    seen = run(
        READ._replace(scripts=(busy, keeps(http_response({"id": 1}, "X-Request-Id: from-header")))), kind
    )
    first, second = dict.fromkeys(argument for argument in seen.arguments if isinstance(argument, Attempt))
    assert (first.status, first.request_id, first.retry_in, first.number) == (503, "from-body", 0.0, 1)
    assert (second.status, second.request_id, second.retry_in, second.number) == (200, "from-header", None, 2)
    for attempt in (first, second):
        assert (attempt.operation, attempt.method) == ("get_user_inventory", "GET")
        assert attempt.url_template == "/users/{user_id}/inventory/{id}"
        assert attempt.call.origin == seen.server.url
    assert 0 < first.seconds + second.seconds <= first.call.seconds


@pytest.mark.parametrize("kind", KINDS)
def test_attempt_without_a_response_has_the_error_of_its_failure(kind: str) -> None:
    seen = run(Scenario("use_user_entitlement_item", (56, 57), (closes,), [], [], []), kind)
    attempt = next(argument for argument in seen.arguments if isinstance(argument, Attempt))
    assert isinstance(attempt.error, ApiException)
    assert attempt.error.operation == "use_user_entitlement_item"
    assert attempt.error.may_have_applied
    assert attempt.may_have_applied
    assert isinstance(seen.error, ApiException)
    assert attempt.call.error is seen.error
    assert seen.error.attempts[0].seconds > 0
    assert len(seen.error.attempts[0]) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_attempt_that_a_hook_keeps_can_be_copied_and_pickled(kind: str) -> None:
    kept: list[Attempt] = []

    class Keeps(Hook):
        def on_attempt_end(self, attempt: Attempt) -> None:
            kept.append(attempt)

    busy = keeps(http_response({"request_id": "from-body"}, "Retry-After: 0", status="503 X"))
    fine = keeps(http_response({"id": 56}, "X-Request-Id: from-header"))
    with FaultServer([busy, fine]) as server:
        call(kind, Configuration(server.url, hooks=[Keeps()]))
    for copied in (pickle.loads(pickle.dumps(kept)), copy.deepcopy(kept)):
        assert [attempt.request_id for attempt in copied] == ["from-body", "from-header"]
        assert copied[1].call.operation == "get_user_inventory"


@pytest.mark.parametrize("kind", KINDS)
def test_unreadable_response_is_the_error_of_the_call_not_of_the_attempt(kind: str) -> None:
    seen = run(READ._replace(scripts=(keeps(http_response(b"{")),)), kind)
    assert seen.hooks[-2:] == ["attempt 1: 200", "end of get_user_inventory after 1: ApiResponseError"]
    assert isinstance(seen.error, ApiResponseError)


class Adds(Hook):
    """Adds headers."""

    def __init__(self, headers: dict[str, Any]) -> None:
        self._headers = headers

    def on_attempt_start(self, attempt: Attempt) -> None:
        attempt.headers.update(self._headers)
        attempt.headers["X-Attempt"] = str(attempt.number)
        attempt.headers[f"X-Only-{attempt.number}"] = "1"


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_a_hook_are_sent_with_that_attempt_only(kind: str) -> None:
    with FaultServer([BUSY, healthy]) as server:
        hook = Adds({"X-Trace": "1", "user-agent": "mine", "X-Api-Key": "canary"})
        call(kind, Configuration(server.url, hooks=[hook]))
    for number, request in enumerate(server.requests, 1):
        assert request.headers["x-attempt"] == str(number)
        assert [name for name in request.headers if name.startswith("x-only")] == [f"x-only-{number}"]
        assert request.headers["x-trace"] == "1"
        assert request.headers["user-agent"] == "mine"
        assert request.headers["x-api-key"] == "canary"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("headers", [{"X-Bad": "a\r\nb"}, {"Host": "x"}, {"a b": "c"}, {"X-Bad": 5}])
def test_header_that_cannot_be_sent_is_logged_and_left_out(
    headers: dict[str, Any], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer() as server:
        assert call(kind, Configuration(server.url, hooks=[Adds({**headers, "X-Good": "1"})])).id == 56
    (request,) = server.requests
    assert request.headers["x-good"] == "1"
    assert "x-bad" not in request.headers
    assert "a header of a hook was not sent: " in caplog.text
    assert "attempt.headers" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_a_hook_that_are_no_dict_are_logged_and_left_out(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Assigns(Hook):
        def on_attempt_start(self, attempt: Attempt) -> None:
            attempt.headers = [("X-Api-Key", "canary")]  # type: ignore[assignment]

    with FaultServer() as server:
        assert call(kind, Configuration(server.url, hooks=[Assigns()])).id == 56
    assert "attempt.headers must be a dict of header names to strings, not list" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_result_of_a_hook_that_cannot_be_awaited_is_ignored(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    hook = Mock(spec=Hook)
    with FaultServer() as server:
        assert call(kind, Configuration(server.url, hooks=[hook])).id == 56
    hook.on_call_end.assert_called_once()
    assert not caplog.records


@pytest.mark.parametrize("kind", KINDS)
def test_header_that_two_hooks_add_is_sent_once(kind: str, server: RecordingServer) -> None:
    server.responses = [response(200, b'{"id": 56}')]
    hooks = [Adds({"traceparent": "1", "user-agent": "1"}), Adds({"Traceparent": "2", "USER-AGENT": "2"})]
    call(kind, Configuration(server.url, hooks=hooks))
    lines = server.requests[0].split(b"\r\n")
    found = [line for line in lines if line.lower().startswith((b"traceparent", b"user-agent"))]
    assert sorted(found) == [b"Traceparent: 2", b"USER-AGENT: 2"]


@pytest.mark.parametrize("kind", KINDS)
def test_secret_header_of_a_hook_is_masked_where_the_service_echoes_it(kind: str) -> None:
    echo = keeps(http_response(b"canary-of-a-hook", status="400 canary-of-a-hook"))
    with FaultServer([echo]) as server:
        hook = Adds({"X-Api-Key": Secret("canary-of-a-hook")})
        with pytest.raises(ApiException) as caught:
            call(kind, Configuration(server.url, hooks=[hook]))
    assert "canary" not in f"{caught.value} {caught.value.as_curl()}"


class Fails(Hook):
    """Raises everywhere."""

    def _fail(self, _: object) -> None:
        raise RuntimeError("mine")

    on_call_start = on_attempt_start = on_attempt_end = on_call_end = on_token = _fail  # type: ignore[assignment]


class FailsLater(Hook):
    """Raises everywhere, when it is awaited."""

    async def _fail(self, _: object) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("mine")

    on_call_start = on_attempt_start = on_attempt_end = on_call_end = on_token = _fail  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "hook"),
    [("blocking", Fails), ("asyncio", Fails), ("asyncio", FailsLater), ("blocking", FailsLater)],
)
def test_exception_in_a_hook_is_logged_and_never_raised(
    kind: str, hook: type[Hook], caplog: pytest.LogCaptureFixture
) -> None:
    after = Recorder()
    with FaultServer([keeps(http_response({"access_token": "x", "expires_in": 60})), BUSY]) as server:
        assert call(kind, Configuration(server.url, client_secret="s", hooks=[hook(), after])).id == 56
    assert len(after.seen) == 11
    failed = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failed) == 11
    message = "a coroutine hook must be awaited" if (kind, hook) == ("blocking", FailsLater) else "mine"
    for record in failed:
        assert record.exc_info is not None
        assert message in str(record.exc_info[1])
        assert "_fail failed" in record.getMessage()


@pytest.mark.parametrize("kind", KINDS)
def test_default_hooks_apply_to_every_client_and_come_first(kind: str) -> None:
    order: list[str] = []

    class Notes(Hook):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_call_start(self, call: Call) -> None:
            order.append(self.name)

    default = Notes("default")
    with FaultServer() as server:
        configuration = Configuration(server.url, hooks=[Notes("own"), Notes("second")])
        default_hooks.append(default)
        try:
            call(kind, configuration)
        finally:
            default_hooks.remove(default)
        call(kind, configuration)
    assert order == ["default", "own", "second", "own", "second"]


@pytest.mark.parametrize("kind", KINDS)
def test_default_hook_of_another_class_needs_no_other_methods(kind: str) -> None:
    ended: list[str] = []

    class Ends:
        def on_call_end(self, call: Call) -> None:
            ended.append(call.operation)

    default: Any = Ends()
    default_hooks.append(default)
    try:
        with FaultServer() as server:
            assert call(kind, Configuration(server.url)).id == 56
    finally:
        default_hooks.remove(default)
    assert ended == ["get_user_inventory"]


def test_default_hook_that_is_replaced_by_an_equal_one_is_called_no_more() -> None:
    class Equal(Recorder):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

    first, second = Equal(), Equal()
    with FaultServer() as server, ApiClient(Configuration(server.url)) as client:
        for hook in (first, second):
            default_hooks.append(hook)
            try:
                UsersInventoryApi(client).get_user_inventory(56, 57)
            finally:
                default_hooks.remove(hook)
    assert len(first.seen) == len(second.seen) == 4


def test_changed_hooks_keep_the_token_and_the_connection() -> None:
    first, second = Recorder(), Recorder()
    with FaultServer() as server:
        configuration = Configuration(server.url, client_secret="secret", hooks=[first])
        with ApiClient(configuration) as client:
            api = UsersInventoryApi(client)
            api.get_user_inventory(56, 57)
            configuration.hooks = [second]
            api.get_user_inventory(56, 57)
        assert server.connections == 1
        assert server.seen("POST") == 1
    assert first.seen
    assert second.seen[0] == "call get_user_inventory GET /users/{user_id}/inventory/{id}"


@pytest.mark.parametrize("wrong", [5, "hook", [Recorder], [print]])
def test_hook_must_be_a_hook(wrong: Any) -> None:
    with pytest.raises(ApiValueError, match=r"hooks must be a list of knetik_cloud\.Hook objects, not"):
        Configuration(hooks=wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_token_provider_is_reported(kind: str) -> None:
    events: list[TokenEvent] = []

    class Provider:
        def get_token(self) -> AccessToken:
            return AccessToken("made-up", 60)

    class Notes(Hook):
        def on_token(self, event: TokenEvent) -> None:
            events.append(event)

    with FaultServer([keeps(http_response(b"", status="401 X"))]) as server:
        call(kind, Configuration(server.url, token_provider=Provider(), hooks=[Notes()]))
    assert [(event.error, event.renewed) for event in events] == [(None, False), (None, True)]
    assert 59 < (events[0].expires_in or 0) <= 60


@pytest.mark.parametrize("kind", KINDS)
def test_streamed_and_untyped_calls_are_seen_too(kind: str) -> None:
    recorder = Recorder()
    with FaultServer() as server:
        configuration = Configuration(server.url, hooks=[recorder])
        if kind == "blocking":
            with ApiClient(configuration) as client:
                client.raw(UsersInventoryApi(client).get_user_inventory, 56, 57).read()
                client.call_api("/x/{y}", "GET", {"y": 1})
        else:

            async def main() -> None:
                async with aio.ApiClient(configuration) as client:
                    await (await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 57)).read()
                    await client.call_api("/x/{y}", "GET", {"y": 1})

            asyncio.run(main())
    assert [line for line in recorder.seen if line.startswith("call ")] == [
        "call get_user_inventory GET /users/{user_id}/inventory/{id}",
        "call GET /x/{y} GET /x/{y}",
    ]
    assert len(recorder.seen) == 8


@pytest.mark.parametrize("settings", [{}, {"client_secret": "secret"}])
def test_call_without_hooks_makes_no_objects_for_them(settings: dict[str, str]) -> None:
    made: list[str] = []

    def trace(frame: Any, event: str, argument: object) -> None:
        if event == "call" and frame.f_globals.get("__name__") == "knetik_cloud.hooks":
            made.append(frame.f_code.co_qualname)

    with FaultServer() as server, ApiClient(Configuration(server.url, **settings)) as client:
        api = UsersInventoryApi(client)
        api.get_user_inventory(56, 57)
        sys.setprofile(trace)
        try:
            api.get_user_inventory(56, 57)
        finally:
            sys.setprofile(None)
    assert made == []


class Slow(Hook):
    """Takes its time."""

    def on_attempt_start(self, attempt: Attempt) -> None:
        time.sleep(5)


@pytest.mark.parametrize("kind", KINDS)
def test_time_limit_that_ends_within_a_hook_reaches_the_caller(kind: str) -> None:
    recorder = Recorder()
    with FaultServer() as server, pytest.raises(Interrupted), interrupting(0.2):
        call(kind, Configuration(server.url, hooks=[recorder, Slow()]))
    assert recorder.seen[-1] == "end of get_user_inventory after 1: Interrupted"


class Interrupts(Hook):
    """Is interrupted in a callback, in the way that is set."""

    def __init__(self, event: str, way: Any) -> None:
        setattr(self, event, way)


def raise_in_signal(_: object) -> None:
    """Raise an exception in a signal handler, as a task queue does at its time limit."""
    signal.raise_signal(signal.SIGALRM)


def raise_exit(_: object) -> None:
    raise SystemExit


async def cancel_task(_: object) -> None:
    """Cancel the task that runs the hook."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize("event", ["on_call_start", "on_attempt_start", "on_attempt_end", "on_call_end"])
@pytest.mark.parametrize(
    ("kind", "recorder", "way", "error"),
    [
        ("blocking", Recorder, raise_in_signal, Interrupted),
        ("blocking", Recorder, raise_exit, SystemExit),
        ("asyncio", Recorder, raise_exit, SystemExit),
        ("asyncio", Recorder, cancel_task, asyncio.CancelledError),
        ("asyncio", CoroutineRecorder, raise_exit, SystemExit),
        ("asyncio", CoroutineRecorder, cancel_task, asyncio.CancelledError),
    ],
)
@pytest.mark.parametrize("status", [200, 404])
def test_interruption_in_a_hook_leaves_no_start_without_its_end(
    status: int, kind: str, recorder: type[Recorder], way: Any, error: type[BaseException], event: str
) -> None:
    before, after = recorder(), recorder()
    hooks = [before, Interrupts(event, way), after]
    script = keeps(http_response({}, status=f"{status} X"))
    with FaultServer([script]) as server, pytest.raises(error), interrupting(60):
        call(kind, Configuration(server.url, hooks=hooks))
    ends = ["end of get_user_inventory after 0"]
    if event != "on_call_start":
        ends = ["attempt 1", "attempt 1", "end of get_user_inventory after 1"]
    assert [line.partition(":")[0] for line in before.seen[1:]] == ends
    first_end = ends[1:] if event == "on_attempt_start" else ends  # its own start was not reported
    assert [line.partition(":")[0] for line in after.seen if not line.startswith("call ")] == first_end


async def await_cancelled_task(_: object) -> None:
    """Await a task of the program that something else has cancelled."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


def raise_cancelled(_: object) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("event", ["on_call_start", "on_attempt_start", "on_attempt_end", "on_call_end"])
@pytest.mark.parametrize(
    ("kind", "way"),
    [("blocking", raise_cancelled), ("asyncio", raise_cancelled), ("asyncio", await_cancelled_task)],
)
def test_cancelled_task_that_a_hook_awaits_does_not_cancel_the_call(
    kind: str, way: Any, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    with FaultServer() as server:
        configuration = Configuration(server.url, hooks=[Interrupts(event, way), recorder])
        assert call(kind, configuration).id == 56
    assert len(recorder.seen) == 4
    assert "failed: CancelledError" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_second_interruption_leaves_no_start_without_its_end_either(kind: str) -> None:
    recorder = Recorder()
    hooks = [Interrupts("on_attempt_end", raise_exit), Interrupts("on_call_end", raise_exit), recorder]
    with FaultServer() as server, pytest.raises(SystemExit):
        call(kind, Configuration(server.url, hooks=hooks))
    assert [line.partition(":")[0] for line in recorder.seen[-2:]] == [
        "attempt 1",
        "end of get_user_inventory after 1",
    ]
