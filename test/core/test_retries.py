"""Which tries are repeated, after what wait, how often, and what the error says in the end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from knetik_cloud.core import retry
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.outcome import Failure
from knetik_cloud.exceptions import (
    ApiException,
    ApiTimeoutException,
    DeadlineExceeded,
    NotFoundException,
    ServiceException,
    TooManyRequestsException,
)
from test.core.lists import (
    BAD_CERTIFICATE,
    CONNECT_TIMEOUT,
    ONCE,
    READ,
    READ_TIMEOUT,
    REFUSED,
    REMOVE,
    RESET,
    WRITE,
    Reply,
    World,
    make_settings,
)

OK = Reply(200, b'{"id": 5}')
DONE = Reply(204, b"")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(("operation", "success"), [(READ, OK), (WRITE, DONE), (REMOVE, DONE)])
def test_a_retryable_status_is_retried(status: int, operation: Operation[Any], success: Reply) -> None:
    world = World()
    response = world.call(operation, [Reply(status), success])
    assert [attempt.status for attempt in response.attempts] == [status, success.status]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422, 501, 505, 599])
@pytest.mark.parametrize("operation", [READ, WRITE, ONCE])
def test_other_statuses_are_not_retried(status: int, operation: Operation[Any]) -> None:
    error = World().error(operation, [Reply(status)])
    assert error.status == status
    assert len(error.attempts) == 1


@pytest.mark.parametrize("failure", [REFUSED, RESET, READ_TIMEOUT, CONNECT_TIMEOUT])
@pytest.mark.parametrize("operation", [READ, WRITE])
def test_a_lost_connection_is_retried(failure: Failure, operation: Operation[Any]) -> None:
    assert len(World().call(operation, [failure, failure, DONE]).attempts) == 3


@pytest.mark.parametrize("operation", [READ, WRITE, ONCE])
def test_a_failure_that_no_retry_can_help_is_not_retried(operation: Operation[Any]) -> None:
    assert len(World().error(operation, [BAD_CERTIFICATE]).attempts) == 1


@pytest.mark.parametrize("failure", [REFUSED, CONNECT_TIMEOUT])
def test_a_once_operation_is_retried_if_nothing_was_written(failure: Failure) -> None:
    world = World()
    world.call(ONCE, [failure, OK])
    assert len(world.sent) == 2


def test_a_once_operation_is_retried_after_429() -> None:
    assert len(World().call(ONCE, [Reply(429), OK]).attempts) == 2


@pytest.mark.parametrize(
    "outcome", [RESET, READ_TIMEOUT, Reply(500), Reply(502), Reply(503), Reply(504), Reply(408)]
)
def test_a_once_operation_that_may_have_been_applied_is_not_retried(outcome: Reply | Failure) -> None:
    error = World().error(ONCE, [outcome])
    assert error.may_have_applied
    assert len(error.attempts) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 499, 307, 308])
def test_a_rejected_write_was_not_applied(status: int) -> None:
    assert not World().error(ONCE, [Reply(status)]).may_have_applied


@pytest.mark.parametrize("status", [300, 302, 303, 399, 999, 101])
def test_a_write_with_an_ambiguous_response_may_have_been_applied(status: int) -> None:
    assert World().error(ONCE, [Reply(status)]).may_have_applied


@pytest.mark.parametrize("outcome", [RESET, READ_TIMEOUT, Reply(500)])
def test_a_read_never_may_have_been_applied(outcome: Reply | Failure) -> None:
    assert not World().error(READ, [outcome] * 3).may_have_applied


def test_ambiguity_is_kept_over_later_attempts() -> None:
    error = World().error(WRITE, [RESET, Reply(400)])
    assert error.status == 400
    assert error.may_have_applied


def test_a_write_that_was_never_written_is_not_ambiguous() -> None:
    assert not World().error(WRITE, [REFUSED] * 3).may_have_applied


def test_an_unreadable_success_of_a_once_operation_may_have_been_applied() -> None:
    reply = Reply(200, b"<html>")
    error = World().error(ONCE, [reply])
    assert error.may_have_applied
    assert error.status == 200
    assert isinstance(error.__cause__, ValueError)
    assert reply.is_discarded


@pytest.mark.parametrize("first", [RESET, READ_TIMEOUT, Reply(500), Reply(503)])
def test_a_404_to_a_retried_delete_means_that_it_succeeded(first: Reply | Failure) -> None:
    response = World().call(REMOVE, [first, Reply(404)])
    assert response.data is None
    assert "earlier attempt" in response.attempts[-1].outcome


def test_a_404_to_a_retried_delete_is_returned_raw() -> None:
    missing = Reply(404)
    assert World().call(REMOVE, [RESET, missing], stream=True).data is missing


@pytest.mark.parametrize("first", [REFUSED, Reply(429)])
def test_a_404_to_a_delete_that_was_certainly_not_applied_is_an_error(first: Reply | Failure) -> None:
    assert isinstance(World().error(REMOVE, [first, Reply(404)]), NotFoundException)


def test_a_404_to_a_retried_put_is_an_error() -> None:
    assert World().error(WRITE, [RESET, Reply(404)]).status == 404


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_a_call_is_retried_up_to_its_limit(retries: int) -> None:
    error = World().error(READ, [Reply(503)] * (retries + 1), settings=make_settings(retries=retries))
    assert isinstance(error, ServiceException)
    assert len(error.attempts) == retries + 1
    assert [attempt.waited > 0 for attempt in error.attempts] == [True] * retries + [False]


def test_waits_grow_and_stay_below_eight_seconds() -> None:
    world = World(random=1.0)
    world.error(READ, [Reply(503)] * 13, settings=make_settings(retries=12, deadline=1000))
    assert world.waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8, 8, 8, 8, 8])


def test_backoff_is_bounded_after_any_number_of_retries() -> None:
    assert retry.backoff(10_000, False, lambda: 1.0) == retry.MAX_WAIT_SECONDS


@pytest.mark.parametrize("random", [0.0, 0.25, 0.5])
def test_waits_have_full_jitter(random: float) -> None:
    world = World(random=random)
    world.error(READ, [Reply(503)] * 3)
    assert world.waits == pytest.approx([random * 0.1, random * 0.2])


def test_waits_after_throttling_start_at_a_second() -> None:
    world = World(random=1.0)
    world.error(READ, [Reply(429)] * 3)
    assert world.waits == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2 ", 2.0),
        ("Fri, 14 Jul 2017 02:40:07 GMT", 7.0),
        ("Fri, 14 Jul 2017 02:40:07 -0000", 7.0),
        ("Fri, 14 Jul 2017 04:40:07 +0200", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_is_honored(value: str, waited: float) -> None:
    world = World()
    world.call(READ, [Reply(503, Retry_After=value), OK])
    assert world.waits == [waited]


def test_a_date_without_a_time_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        moment = retry.epoch_seconds("Fri, 14 Jul 2017 02:40:07 -0000")
    time.tzset()
    assert moment == 1_500_000_007


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "",
        "-1",
        "nan",
        "inf",
        "1e1",
        "1_0",
        " ",
        "5 s",
        "\xb2",
        "Fri, 99 Foo",
        f"6 Nov {'9' * 20} 1:1",
    ],
)
def test_malformed_retry_after_is_ignored(value: str) -> None:
    world = World(random=1.0)
    world.call(READ, [Reply(503, Retry_After=value), OK])
    assert world.waits == [0.1]


@pytest.mark.parametrize("value", ["60.1", "86400", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400])
def test_a_retry_after_of_more_than_a_minute_is_raised_immediately(value: str) -> None:
    world = World()
    error = world.error(READ, [Reply(429, Retry_After=value)], settings=make_settings(deadline=1e9))
    assert isinstance(error, TooManyRequestsException)
    assert world.waits == []
    assert error.retry_after is not None
    assert error.retry_after > 60


def test_a_retry_after_of_a_minute_is_waited_for() -> None:
    world = World()
    world.call(READ, [Reply(429, Retry_After="60"), OK], settings=make_settings(deadline=1e9))
    assert world.waits == [60.0]


@pytest.mark.parametrize("deadline", [9, 10])
def test_a_retry_after_that_reaches_the_deadline_is_raised_immediately(deadline: float) -> None:
    world = World()
    error = world.error(READ, [Reply(503, Retry_After="10")], settings=make_settings(deadline=deadline))
    assert error.retry_after == 10
    assert world.waits == []


def test_the_error_of_a_once_operation_contains_retry_after() -> None:
    assert World().error(ONCE, [Reply(503, Retry_After="7")]).retry_after == 7


def test_the_deadline_ends_the_attempts() -> None:
    world = World(tries=4.0)
    error = world.error(READ, [Reply(503)] * 3, settings=make_settings(deadline=10, retries=9))
    assert error.status == 503
    assert len(world.sent) == 3


def test_all_attempts_have_one_deadline() -> None:
    world = World(tries=1.0)
    world.error(READ, [Reply(503)] * 3)
    assert {command.deadline for command in world.sent} == {1030.0}


def test_a_timeout_at_the_deadline_is_deadline_exceeded() -> None:
    error = World(tries=30.0).error(READ, [READ_TIMEOUT])
    assert type(error) is DeadlineExceeded
    assert "_deadline" in str(error)


def test_a_lost_connection_after_the_deadline_is_no_timeout() -> None:
    assert type(World(tries=5.0).error(READ, [RESET], settings=make_settings(deadline=4.0))) is RESET.error


def test_attempt_is_not_sent_if_the_wait_before_it_lasts_until_the_deadline() -> None:
    world = World(late=30.0)
    error = world.error(ONCE, [Reply(429)])
    assert type(error) is DeadlineExceeded
    assert error.attempts[1].outcome == error.reason
    assert error.reason == (
        "the call exceeded its deadline of 30 s (increase _deadline): this attempt was not sent"
    )
    assert not error.may_have_applied
    assert World(late=30.0).error(WRITE, [Reply(503)]).may_have_applied  # the first attempt


def test_a_timeout_before_the_deadline_is_a_timeout() -> None:
    error = World(tries=11.0).error(READ, [READ_TIMEOUT] * 3)
    assert type(error) in (ApiTimeoutException, DeadlineExceeded)
    assert type(World(tries=1.0).error(READ, [READ_TIMEOUT] * 3)) is ApiTimeoutException


@pytest.mark.parametrize(
    ("outcome", "cost"), [(Reply(503), 14), (RESET, 14), (READ_TIMEOUT, 10), (Reply(429), 5)]
)
def test_a_retry_spends_the_budget(outcome: Reply | Failure, cost: int) -> None:
    world = World()
    world.engine.budget = retry.Budget(cost)
    world.call(READ, [outcome, OK])
    assert not world.engine.budget.spend(2)
    assert world.engine.budget.spend(1)


def test_without_budget_the_last_error_is_raised_immediately() -> None:
    world = World()
    world.engine.budget = retry.Budget(14 + 13)
    error = world.error(READ, [Reply(503), Reply(500)])
    assert error.status == 500
    assert len(world.waits) == 1


def test_a_success_never_refills_the_budget_beyond_its_size() -> None:
    budget = retry.Budget()
    for _ in range(10):
        budget.earn()
    assert budget.spend(retry.BUDGET)
    assert not budget.spend(1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_read_is_followed_at_its_origin(status: int) -> None:
    world = World()
    world.call(READ, [Reply(status, Location="/elsewhere?a=b#c"), OK])
    assert world.targets == ["GET /base/things/5", "GET /elsewhere?a=b"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("http://service/x", "/x"),
        ("http://SERVICE/x", "/x"),
        ("//service/x", "/x"),
        ("x", "/base/things/x"),
        ("../x", "/base/x"),
        ("http://service", "/"),
        ("/a b", "/a%20b"),
    ],
)
def test_redirects_to_the_same_origin_are_followed(location: str, target: str) -> None:
    world = World()
    world.call(READ, [Reply(307, Location=location), OK])
    assert world.targets[1] == f"GET {target}"


@pytest.mark.parametrize(
    ("origin", "location"),
    [
        ("https://service", "https://service:443/x"),
        ("https://service:443", "https://service/x"),
        ("https://service:", "https://service/x"),
        ("http://service", "http://service:80/x"),
        ("http://service:80", "http://service/x"),
        ("http://[fe80::1%25enP4p1s0]", "http://[fe80::1%25enP4p1s0]:80/x"),
        ("http://[fe80::1%25enP4p1s0]", "/x"),
    ],
)
def test_a_default_port_is_part_of_the_same_origin(origin: str, location: str) -> None:
    world = World()
    world.engine.origin = origin
    world.call(READ, [Reply(302, Location=location), OK])
    assert world.targets[1] == "GET /x"


@pytest.mark.parametrize(
    ("origin", "location"),
    [
        ("https://service", "https://service:80/x"),
        ("https://service", "http://service:443/x"),
        ("http://service:443", "http://service/x"),
        ("https://service", "https://robin@service:443/x"),
        ("https://service:443", "https://service:443@service/x"),
        ("https://service", "https://service@:443/x"),
        ("https://service", "https://service:0/x"),
    ],
)
def test_another_port_or_a_user_makes_another_origin(origin: str, location: str) -> None:
    world = World()
    world.engine.origin = origin
    assert world.error(READ, [Reply(302, Location=location)]).status == 302


@pytest.mark.parametrize(
    "location",
    [
        "https://service/x",
        "http://service:81/x",
        "http://other/x",
        "//other/x",
        "http://service@other/x",
        "",
        "http://[",
        "ftp://service/x",
        "/a\x01b",
        "http://service.other/x",
        "\xff",
        "mailto:a@b",
    ],
)
def test_redirects_elsewhere_are_not_followed(location: str) -> None:
    assert World().error(READ, [Reply(302, Location=location)]).status == 302


@pytest.mark.parametrize("operation", [WRITE, REMOVE, ONCE])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirected_writes_are_not_followed(operation: Operation[Any], status: int) -> None:
    assert World().error(operation, [Reply(status, Location="/x")]).status == status


@pytest.mark.parametrize("status", [300, 304, 305, 399])
def test_other_3xx_are_not_followed(status: int) -> None:
    assert World().error(READ, [Reply(status, Location="/x")]).status == status


def test_up_to_three_redirects_are_followed() -> None:
    world = World()
    error = world.error(READ, [Reply(302, Location=f"/{number}") for number in range(4)])
    assert error.status == 302
    assert len(world.sent) == 4


def test_the_log_has_a_line_for_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "knetik_cloud")
    World(tries=0.25).call(READ, [RESET, Reply(503), OK])
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "GET /things/{id}: reset in 0.250 s"),
        ("WARNING", "read: attempt 1 failed (reset), retrying in 0.10 s"),
        ("DEBUG", "GET /things/{id}: 503 Reason in 0.250 s"),
        ("WARNING", "read: attempt 2 failed (503 Reason), retrying in 0.20 s"),
        ("DEBUG", "GET /things/{id}: 200 Reason in 0.250 s"),
    ]


def test_an_attempt_shows_a_status_without_a_reason() -> None:
    error = World().error(READ, [Reply(404, reason="")])
    assert [attempt.outcome for attempt in error.attempts] == ["404"]


def test_the_error_lists_all_attempts() -> None:
    error = World().error(READ, [RESET, READ_TIMEOUT, Reply(503, b'{"code": 9, "request_id": "r-1"}')])
    assert [attempt.outcome for attempt in error.attempts] == ["reset", "slow", "503 Reason"]
    assert (error.operation, error.code, error.request_id) == ("read", 9, "r-1")
    assert "Attempts: 3 (reset; slow; 503 Reason), waited " in str(error)


def test_repeated_outcomes_are_listed_once() -> None:
    error = World().error(READ, [RESET, RESET, READ_TIMEOUT])
    assert str(error).startswith("slow\n")
    assert "\nAttempts: 3 (reset, twice; same as above), waited " in str(error)


def test_the_cause_is_kept_without_its_traceback() -> None:
    try:
        raise ConnectionResetError("by peer")
    except ConnectionResetError as raised:
        cause = raised
    failure = Failure(ApiTimeoutException, "lost", True, cause)
    error = World().error(ONCE, [failure])
    assert error.__cause__ is cause
    assert cause.__traceback__ is None
    assert isinstance(error, ApiException)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("10", 10.0), ("1090", 1090.0), ("0.05", 0.05), (".05", 0.05), ("3.", 3.0)],
)
def test_retry_after_accepts_every_digit_at_every_place(header: str, seconds: float) -> None:
    assert retry.retry_after(header, lambda: 0.0) == seconds


@pytest.mark.parametrize("header", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_never_more_than_a_clock_can_count(header: str) -> None:
    assert retry.retry_after(header, lambda: 0.0) == retry.FAR_AWAY


def test_full_budget_pays_for_35_retries_in_a_row() -> None:
    budget = retry.Budget()
    paid = 0
    while budget.spend(retry.COST):
        paid += 1
    assert paid == 35
