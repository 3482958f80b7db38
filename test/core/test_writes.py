"""Writes end in the log of this process, however their calls end."""

from __future__ import annotations

import asyncio
import itertools
import math
import pickle
import time
from collections.abc import Generator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from knetik_cloud import writes
from knetik_cloud.core.auth import TokenStore
from knetik_cloud.core.call import Engine
from knetik_cloud.core.operation import Parameter
from knetik_cloud.core.outcome import ObtainToken, Send, Sleep
from knetik_cloud.exceptions import ApiException
from knetik_cloud.hooks import Attempt, Hook
from knetik_cloud.observation import Observer
from knetik_cloud.operations import GRANT_USER_ENTITLEMENT
from knetik_cloud.secret import Secret
from test.core.lists import REFUSED, RESET, Reply, make_settings

ARGUMENTS = {"user_id": 56, "grant_request": {"entitlement_id": 5}}
ERRORS = [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, LookupError]


class Interrupts(Hook):
    """Interrupts a call when an attempt starts or ends."""

    def __init__(self, event: str) -> None:
        setattr(self, event, self.interrupt)

    def interrupt(self, attempt: Attempt) -> None:
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _empty_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "LOG", writes.WriteLog())


def begin(tokens: TokenStore | None = None, hooks: Sequence[Hook] = ()) -> Generator[Any, Any, Any]:
    """Begin the call of a write, and check that it is running."""
    observer = Observer("http://service", hooks)
    engine = Engine("http://service", tokens=tokens, record_write=writes.LOG.add, observer=observer)
    return engine.call(GRANT_USER_ENTITLEMENT, ARGUMENTS, make_settings())


def only_write() -> writes.Write:
    """Return the one write of the log."""
    (write,) = writes.LOG._writes
    return write


def interrupt(steps: Generator[Any, Any, Any], error: BaseException) -> None:
    """Have the driver of a call raise an error."""
    assert only_write().state == "open"
    with pytest.raises(type(error)):
        steps.throw(error)
    assert only_write().ended is not None


@pytest.mark.parametrize("error", [*ERRORS, ApiException])
def test_write_that_gets_no_token_is_absent(error: type[BaseException]) -> None:
    steps = begin(TokenStore(grant={"client_secret": Secret("secret")}))
    assert isinstance(next(steps), ObtainToken)
    interrupt(steps, error())
    assert only_write().state == "absent"


@pytest.mark.parametrize("error", ERRORS)
def test_write_that_is_interrupted_while_it_is_sent_is_unknown(error: type[BaseException]) -> None:
    steps = begin()
    assert isinstance(next(steps), Send)
    interrupt(steps, error())
    assert (only_write().state, only_write().arguments) == ("unknown", ARGUMENTS)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("outcome", [Reply(429), REFUSED])
def test_write_that_is_interrupted_before_its_retry_is_absent(
    outcome: Any, error: type[BaseException]
) -> None:
    steps = begin()
    next(steps)
    assert isinstance(steps.send(outcome), Sleep)
    interrupt(steps, error())
    assert only_write().state == "absent"


def test_write_whose_call_is_dropped_is_unknown() -> None:
    steps = begin()
    next(steps)
    del steps
    assert only_write().state == "unknown"


@pytest.mark.parametrize("number", [0, 1])
def test_interruption_while_an_observer_reads_the_clock_reaches_the_caller(number: int) -> None:
    moments = itertools.count()

    def clock() -> float:
        if next(moments) == number:
            raise KeyboardInterrupt  # a signal arrived
        return 1.0

    observer = Observer("http://service", [Interrupts("on_attempt_end")], clock=clock)
    engine = Engine("http://service", record_write=writes.LOG.add, observer=observer)
    with pytest.raises(KeyboardInterrupt):
        next(engine.call(GRANT_USER_ENTITLEMENT, ARGUMENTS, make_settings()))


def test_write_whose_hook_interrupts_its_start_is_absent() -> None:
    with pytest.raises(KeyboardInterrupt):
        next(begin(hooks=[Interrupts("on_attempt_start")]))
    assert only_write().state == "absent"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Reply(201), "applied"),
        (Reply(400), "absent"),
        (REFUSED, "absent"),
        (Reply(503), "unknown"),
        (RESET, "unknown"),
    ],
)
def test_write_whose_hook_interrupts_its_end_has_the_state_of_its_attempt(outcome: Any, state: str) -> None:
    steps = begin(hooks=[Interrupts("on_attempt_end")])
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.send(outcome)
    assert only_write().state == state


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Reply(400), "absent"), (Reply(503), "unknown"), (Reply(201, b"<html>"), "unknown")],
)
def test_write_that_fails_has_the_state_of_its_error(outcome: Any, state: str) -> None:
    steps = begin()
    next(steps)
    with pytest.raises(ApiException) as caught:
        steps.send(outcome)
    assert caught.value._write is only_write()
    assert only_write().state == state


def test_write_that_succeeds_is_applied() -> None:
    steps = begin()
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(Reply(201))
    assert only_write().state == "applied"


def test_engine_without_a_log_records_no_write() -> None:
    engine = Engine("http://service", observer=Observer("http://service"))
    steps = engine.call(GRANT_USER_ENTITLEMENT, ARGUMENTS, make_settings())
    next(steps)
    with pytest.raises(ApiException) as caught:
        steps.send(Reply(503))
    assert caught.value._write is None
    assert list(writes.LOG._writes) == []


def test_copy_of_a_write_in_another_process_began_and_ended_when_the_write_did() -> None:
    write = writes.LOG.add(GRANT_USER_ENTITLEMENT, ARGUMENTS, "http://service")
    write.started = writes.Moment(*(time - 100 for time in write.started))
    copied = pickle.loads(pickle.dumps(write))
    assert copied.started == pytest.approx(write.started, abs=1)
    assert copied.ends_at == math.inf
    write.end("applied")
    write.ended = writes.Moment(*(time - 50 for time in write.ended or ()))
    copied = pickle.loads(pickle.dumps(write))
    assert copied.started == pytest.approx(write.started, abs=1)
    assert copied.ends_at == pytest.approx(write.ends_at, abs=1)


def test_copy_of_a_write_began_when_it_did_by_the_clock_that_moved_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = writes.LOG.add(GRANT_USER_ENTITLEMENT, ARGUMENTS, "http://service")
    monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() + 3600))  # it was set
    copied = pickle.loads(pickle.dumps(write))
    assert copied.started.wall == pytest.approx(write.started.wall, abs=60)
    assert copied.started.monotonic == pytest.approx(write.started.monotonic - 3600, abs=60)


@pytest.mark.parametrize(
    ("value", "text"),
    [("007", "7"), (7, "7"), ("me", "me"), ("\xb2", "\xb2"), ("00", "0"), ("9" * 5000, "9" * 5000)],
)
def test_equal_ids_of_a_user_have_one_text(value: Any, text: str) -> None:
    assert writes.canonical(Parameter("user_id", "path", "int | str"), value) == text
