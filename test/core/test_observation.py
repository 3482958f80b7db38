"""Hooks see how long calls and attempts took, by a clock that tests move, and what may have been applied."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud.exceptions import ApiException
from knetik_cloud.hooks import Attempt, Call, Hook
from test.core.lists import ONCE, READ, RESET, WRITE, Reply, World, make_settings


class Ends(Hook):
    """Notes the seconds of each attempt and call at its end, and whether it may have been applied."""

    def __init__(self) -> None:
        self.attempts: list[tuple[float, bool]] = []
        self.calls: list[tuple[float, bool]] = []

    def on_attempt_end(self, attempt: Attempt) -> None:
        self.attempts.append((attempt.seconds, attempt.may_have_applied))

    def on_call_end(self, call: Call) -> None:
        self.calls.append((call.seconds, call.may_have_applied))


def test_call_that_succeeds_after_an_unknown_attempt_is_certain() -> None:
    ends = Ends()
    world = World(hooks=[ends], tries=0.5)
    world.call(WRITE, [RESET, Reply(204, b"")])
    assert ends.attempts == [(0.5, True), (0.5, False)]
    assert ends.calls == [(pytest.approx(1.0 + sum(world.waits)), False)]


def test_call_that_fails_after_an_unknown_attempt_is_unknown() -> None:
    ends = Ends()
    world = World(hooks=[ends], tries=0.5)
    world.error(WRITE, [RESET, Reply(400)])
    assert ends.attempts == [(0.5, True), (0.5, False)]
    assert ends.calls == [(pytest.approx(1.0 + sum(world.waits)), True)]


@pytest.mark.parametrize(("operation", "is_write"), [(ONCE, True), (WRITE, True), (READ, False)])
def test_attempt_that_is_interrupted_ends_with_its_call(operation: Any, is_write: bool) -> None:
    ends = Ends()
    world = World(hooks=[ends])
    steps = world.engine.call(operation, {"id": 5}, make_settings())
    next(steps)
    world.now += 0.75
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)
    assert ends.attempts == ends.calls == [(0.75, is_write)]


@pytest.mark.parametrize("status", [399, 400, 503])
def test_id_of_an_error_is_that_of_its_body(status: int) -> None:
    seen: list[str | None] = []

    class Ids(Hook):
        """Notes the ids of attempts."""

        def on_attempt_end(self, attempt: Attempt) -> None:
            seen.append(attempt.request_id)

    reply = Reply(status, b'{"request_id": "of the body"}', X_Request_Id="of the header")
    with pytest.raises(ApiException):
        World(hooks=[Ids()]).call(READ, [reply], settings=make_settings(retries=0))
    assert seen == ["of the header" if status < 400 else "of the body"]
