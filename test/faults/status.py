"""Faults of status: what is repeated, how often, after what wait, and what is never sent twice."""

from __future__ import annotations

import time

from knetik_cloud import (
    ApiException,
    ConflictException,
    NotFoundException,
    ServiceException,
    TooManyRequestsException,
    UnauthorizedException,
)
from test.faults.server import ENTRY, TOKEN_RESPONSE, Script, http_response, keeps, says
from test.faults.table import Outcome, Play, Row, attempt, fails, result, right, right_or_fails

RESULT = {"code": 1404, "request_id": "r-1", "result": [{"message": "gone", "field": "id"}]}
PATIENT = {"deadline": 6.0}


def status(line: str, *headers: str, body: bytes | object = b"") -> Script:
    """Return a script that responds with a status."""
    return keeps(http_response(body, *headers, status=line))


UNAVAILABLE = status("503 Service Unavailable")


def waits(seconds: float, then=right):
    """Expect a result that took a while."""

    def expect(outcome: Outcome) -> None:
        then(outcome)
        assert outcome.seconds >= seconds, f"it waited only {outcome.seconds:.2f} s"

    return expect


def asked_to_wait(seconds: float):
    """Expect an error with the time that the service asked to wait."""

    def expect(outcome: Outcome) -> None:
        fails(status=429)(outcome)
        assert isinstance(outcome.error, ApiException)
        assert outcome.error.retry_after is not None
        assert abs(outcome.error.retry_after - seconds) < 5
        assert outcome.seconds < seconds, "it waited as long as it was asked to"

    return expect


def gives_up(play: Play) -> None:
    """Fail every time: the attempts end, and the error lists them."""
    outcome = attempt(play.driver(), "get", 3)
    fails(ServiceException, 503)(outcome)
    assert isinstance(outcome.error, ApiException)
    assert len(outcome.error.attempts) == 3
    assert len(play.server.requests) == 3


def explains(outcome: Outcome) -> None:
    """Expect what the service said."""
    fails(NotFoundException, 404, "gone")(outcome)
    assert isinstance(outcome.error, ApiException)
    assert (outcome.error.code, outcome.error.request_id) == (1404, "r-1")
    assert outcome.error.errors[0].field == "id"


def spent_budget(play: Play) -> None:
    """Fail so often that the budget is spent: calls are no longer repeated."""
    driver = play.driver(deadline=5.0)
    for _ in range(60):
        outcome = attempt(driver, "get", 3, _retries=1)
        assert isinstance(outcome.error, ApiException)
    assert len(outcome.error.attempts) == 1
    assert play.server.seen("GET") < 60 + 500 / 14 + 2


def token_clients(play: Play):
    """Return a client with credentials in place of a fixed token."""
    return play.driver(access_token=None, client_secret="secret-canary-0815")


def replays_once(play: Play) -> None:
    """Have the token rejected: one refresh, one replay, the correct response."""
    right(attempt(token_clients(play), "get", 3))
    paths = [request.target for request in play.server.requests]
    assert [path for path in paths if path == "/oauth/token"] == ["/oauth/token"] * 2
    assert play.server.seen("GET") == 2


def replays_no_more_than_once(play: Play) -> None:
    """Have each token refused: the error comes after one replay."""
    fails(UnauthorizedException, 401)(attempt(token_clients(play), "use", 3))
    assert sum(request.target == "/users/56/entitlements/56/use" for request in play.server.requests) <= 2


def token_that_is_none(body: bytes | object, line: str = "200 OK"):
    """Return the play of a token operation that responds strangely."""

    def play(play: Play) -> None:
        fails()(attempt(token_clients(play), "get", 3))
        assert play.server.seen("GET") == 0

    return [status(line, body=body)] * 3, play


def strange_token(fault: str, body: bytes | object, line: str = "200 OK") -> Row:
    """Return the row of a token operation that responds strangely."""
    scripts, play = token_that_is_none(body, line)
    return Row(fault, scripts, play=play)


def expiry(fault: str, expires_in: object, fetched: int) -> Row:
    """Return the row of a token that expires in a strange way; how often it is fetched for two calls."""

    def play(play: Play) -> None:
        driver = token_clients(play)
        right(attempt(driver, "get", 3))
        right(attempt(driver, "get", 3))
        assert play.server.seen("POST") == fetched

    return Row(fault, [status("200 OK", body={**TOKEN_RESPONSE, "expires_in": expires_in})], play=play)


def rejected_while_valid(play: Play) -> None:
    """Fail to refresh while the old token is valid: the old one is used, and the service isn't flooded."""
    driver = token_clients(play)
    right(attempt(driver, "get", 3))
    # A token of 600 s is renewed 60 s ahead. Waiting would race with its expiry on a busy machine.
    driver.client._shared._built[0].clock = lambda: time.monotonic() + 570
    right(attempt(driver, "get", 3))
    right(attempt(driver, "get", 3))
    assert play.server.seen("POST") == 2


def no_storm(play: Play) -> None:
    """Refuse the credentials: many calls make few requests."""
    driver = token_clients(play)
    for _ in range(10):
        fails(UnauthorizedException, 401)(attempt(driver, "get", 3))
    assert play.server.seen("POST") == 1


ROWS = [
    Row("503 then 200: GET retried", [UNAVAILABLE], again=True),
    Row("503 twice then 200: PUT retried", [UNAVAILABLE] * 2, result, "update", sent=3),
    Row("503 for ever: GET stops, error has 503", [UNAVAILABLE] * 9, play=gives_up),
    *(
        Row(f"{code} then 200: GET retried", [status(f"{code} X")], settings=PATIENT, again=True)
        for code in (408, 429, 500, 502, 504)
    ),
    *(
        Row(f"{code} to a GET: not retried", [status(f"{code} X")], fails(status=code), sent=1, again=True)
        for code in (400, 402, 403, 405, 406, 409, 410, 415, 418, 422, 451, 501, 505, 511, 599)
    ),
    *(
        Row(
            f"{code} to a POST: not sent twice",
            [status(f"{code} X")],
            fails(status=code, may_have_applied=True),
            "use",
            sent=1,
        )
        for code in (500, 502, 503, 504, 408)
    ),
    Row(
        "409 to a POST: surely not applied",
        [status("409 Conflict")],
        fails(ConflictException, 409, may_have_applied=False),
        "use",
        sent=1,
    ),
    Row("429 to a POST: sent again", [status("429 Slow Down", "Retry-After: 0")], result, "use", sent=2),
    Row(
        "503 with Retry-After to a POST: not sent twice",
        [status("503 X", "Retry-After: 0")],
        fails(status=503),
        "use",
        sent=1,
    ),
    Row(
        "429 Retry-After: 1, then 200: waits",
        [status("429 Slow Down", "Retry-After: 1")],
        waits(1.0),
        settings=PATIENT,
    ),
    Row(
        "503 Retry-After of a fraction, then 200: waits",
        [status("503 X", "Retry-After: 0.5")],
        waits(0.5),
        settings=PATIENT,
    ),
    Row(
        "429 Retry-After: 86400: does not sleep a day",
        [status("429 Slow Down", "Retry-After: 86400")],
        asked_to_wait(86400),
    ),
    Row("429 Retry-After beyond the deadline", [status("429 Slow Down", "Retry-After: 5")], asked_to_wait(5)),
    Row(
        "429 Retry-After as a date in a far future",
        [status("429 X", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")],
        fails(TooManyRequestsException, 429),
    ),
    Row(
        "503 Retry-After as a date in the past",
        [status("503 X", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT")],
    ),
    *(
        Row(f"Retry-After: {value[:20]!r}", [status("503 X", f"Retry-After: {value}")], right_or_fails)
        for value in (
            "soon",
            "-5",
            "nan",
            "inf",
            "1e-3",
            "",
            "0x10",
            "\xb2",
            "9" * 400,
            "Thu, 99 Foo 99",
            "-0",
            "1, 2",
        )
    ),
    Row(
        "500 with HTML body: SDK error with status",
        [status("500 X", "Content-Type: text/html", body=b"<h1>Oops</h1>")] * 3,
        fails(ServiceException, 500, "Oops"),
    ),
    Row(
        "500 with latin-1 body: status survives",
        [status("500 X", body=b"\xfc\xff\xfe")] * 3,
        fails(status=500),
    ),
    Row("500 with a JSON body of another shape", [status("500 X", body=[[1]])] * 3, fails(status=500)),
    Row(
        "500 with a Result of other shapes",
        [status("500 X", body={"code": {}, "request_id": 5, "result": [1, {}]})] * 3,
        fails(status=500),
    ),
    Row("500 nested 100,000 deep", [status("500 X", body=b'{"a":' * 100_000)] * 3, fails(status=500)),
    Row(
        "500 with a number of 5,000 digits",
        [status("500 X", body=b'{"code":' + b"9" * 5000 + b"}")] * 3,
        fails(status=500),
    ),
    Row("404 error body empty", [status("404 Not Found")], fails(NotFoundException, 404), again=True),
    Row("404 with a Result", [status("404 Not Found", body=RESULT)], explains),
    Row("401: error, not retried", [status("401 Unauthorized")], fails(UnauthorizedException, 401), sent=1),
    Row(
        "401, then a fresh token: replayed once",
        [keeps(http_response(TOKEN_RESPONSE)), status("401 X")],
        play=replays_once,
    ),
    Row(
        "401 to each token: replayed no more than once",
        [
            keeps(http_response(TOKEN_RESPONSE)),
            status("401 X"),
            keeps(http_response({**TOKEN_RESPONSE, "access_token": "another"})),
            status("401 X"),
            status("401 X"),
        ],
        play=replays_no_more_than_once,
    ),
    Row("DELETE: 500, then 404: done", [status("500 X"), status("404 X")], result, "delete", sent=2),
    Row(
        "DELETE: reset, then 404: done",
        [lambda peer, request: peer.reset(), status("404 X")],
        result,
        "delete",
        sent=2,
    ),
    Row("DELETE: 404 at once: an error", [status("404 X")], fails(NotFoundException, 404), "delete", sent=1),
    Row(
        "DELETE: 503 before the service, 429, then 404: done",
        [status("503 X"), status("429 X", "Retry-After: 0"), status("404 X")],
        result,
        "delete",
        sent=3,
    ),
    Row(
        "the retry budget is spent",
        [status("503 X")] * 200,
        play=spent_budget,
        limit=9.0,
        settings={"deadline": 5.0},
    ),
    Row("refused credentials: no storm", [status("401 X", body={"error": "invalid_client"})], play=no_storm),
    Row(
        "a refresh that fails while the token is good",
        [
            status("200 OK", body={**TOKEN_RESPONSE, "expires_in": 600}),
            keeps(http_response(ENTRY)),
            status("400 X"),
        ],
        play=rejected_while_valid,
    ),
    strange_token("token answer: no JSON", b"<html>"),
    strange_token("token answer: empty", b""),
    strange_token("token answer: 204", b"", "204 No Content"),
    strange_token("token answer: an array", [TOKEN_RESPONSE]),
    strange_token("token answer: no token", {"expires_in": 5}),
    strange_token("token answer: an empty token", {"access_token": ""}),
    strange_token("token answer: a number for a token", {"access_token": 5}),
    strange_token("token answer: a token with a line break", {"access_token": "a\r\nX-Evil: 1"}),
    strange_token("token answer: 500", b"oops", "500 X"),
    strange_token("token answer: 302", b"", "302 Found"),
    expiry("expires_in as text", "3600", 1),
    expiry("expires_in: null", None, 1),
    expiry("expires_in: garbage", "soon", 1),
    expiry("expires_in: an object", {}, 1),
    expiry("expires_in: 0", 0, 2),
    expiry("expires_in: negative", -5, 2),
    expiry("expires_in: beyond all floats as text", "1e999", 1),
    Row("closed with 503 again and again", [says(http_response(b"", status="503 X"))] * 9, fails(status=503)),
]
