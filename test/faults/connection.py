"""Faults of the connection: refused, silent, reset, dribbled, closed at the wrong moment."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from knetik_cloud import ApiConnectionException, ApiException, ApiTimeoutException, DeadlineExceeded
from test.faults.server import ENTRY, Peer, Request, after, healthy, http_response, keeps, says
from test.faults.table import Play, Row, attempt, fails, result, right, right_or_fails

GOOD = http_response(ENTRY)
HEAD, BODY = GOOD.split(b"\r\n\r\n")


def hang_up(peer: Peer) -> None:
    """Close at once."""
    peer.close()


def closes(peer: Peer, request: Request) -> None:
    """Close without a response."""
    peer.close()


def resets(peer: Peer, request: Request) -> None:
    """Reset without a response."""
    peer.reset()


def holds(peer: Peer, request: Request) -> None:
    """Never respond."""
    peer.hold()


def dribbles(data: bytes, every: float = 0.1):
    """Return a script that responds byte by byte."""
    return lambda peer, request: peer.dribble(data, every)


def closes_when_idle(peer: Peer, request: Request) -> None:
    """Respond, keep the connection, and close it a little later."""
    healthy(peer, request)
    time.sleep(0.05)
    peer.close()


def closes_as_the_next_one_comes(peer: Peer, request: Request) -> None:
    """Respond, wait until the next request has begun to arrive, and reset."""
    healthy(peer, request)
    peer.socket.recv(1, socket.MSG_PEEK)
    peer.reset()


def refused(play: Play) -> int:
    """Call a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    driver = play.driver(host=f"http://127.0.0.1:{port}")
    fails(ApiConnectionException, says="refused")(attempt(driver, "get", 3))
    outcome = attempt(driver, "use", 3)
    fails(ApiConnectionException, may_have_applied=False)(outcome)
    assert isinstance(outcome.error, ApiException)
    return len(outcome.error.attempts) == 3  # nothing was written, so even a write is tried again


def unknown_host(play: Play) -> int:
    """Call a host name that doesn't resolve."""
    fails(ApiConnectionException, says="could not be found")(
        attempt(play.driver(host="http://nowhere.invalid", deadline=5.0), "get", 8)
    )
    return 1


def unusable_host_name(play: Play) -> int:
    """Call a host name that is too long for DNS."""
    fails(ApiConnectionException)(attempt(play.driver(host=f"http://{'x' * 300}.invalid"), "get", 8))
    return 1


@contextmanager
def silent_listener() -> Iterator[int]:
    """Listen on a port without taking anybody on, and return the port. Its queue is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def full_backlog(play: Play) -> int:
    """Connect to a listener that accepts no connection."""
    with silent_listener() as port:
        time.sleep(0.05)
        started = time.monotonic()
        driver = play.driver(host=f"http://127.0.0.1:{port}", timeout=(0.2, 5.0), deadline=10.0)
        fails(ApiTimeoutException, says="timed out connecting", may_have_applied=False)(
            attempt(driver, "use", 3)
        )
        return time.monotonic() - started >= 0.6


def silent_first_address(play: Play) -> int:
    """Use a host with two addresses, the first of which is silent: the client tries the second one."""
    found: list[object] = []
    genuine = socket.getaddrinfo

    def two_addresses(host: str, port: int, *rest: object, **options: object) -> list[object]:
        first, *_ = genuine("127.0.0.1", silent, type=socket.SOCK_STREAM)
        second, *_ = genuine("127.0.0.1", play.server.port, type=socket.SOCK_STREAM)
        found.extend((first, second))
        return [first, second]

    with silent_listener() as silent:
        socket.getaddrinfo = two_addresses  # type: ignore[assignment]
        try:
            right(attempt(play.driver(), "get", 3))
        finally:
            socket.getaddrinfo = genuine
    return len(found)


def idle_connection_that_was_closed(call: str):
    """Return the play of a call that finds its idle connection closed."""

    def play(play: Play) -> None:
        driver = play.driver()
        right(attempt(driver, "get", 3))
        play.server.wait()
        (right if call == "get" else result)(attempt(driver, call, 3))
        assert len(play.server.requests) == 2

    return play


def write_on_a_dying_connection(play: Play) -> None:
    """Send a write on an idle connection that is reset as it arrives: it must not be sent again."""
    driver = play.driver()
    right(attempt(driver, "get", 3))
    time.sleep(0.05)
    fails(ApiConnectionException, may_have_applied=True)(attempt(driver, "use", 3))
    assert play.server.seen("POST") == 0
    assert play.server.connections == 1


def many_dead_connections(play: Play) -> None:
    """Fill the pool, let the server close all of it, and call again."""
    from concurrent.futures import ThreadPoolExecutor

    driver = play.driver()
    with ThreadPoolExecutor(8) as pool:
        for outcome in pool.map(lambda _: attempt(driver, "get", 3), range(8)):
            right(outcome)
    play.server.wait()
    before = len(play.server.requests)
    result(attempt(driver, "use", 3))
    assert len(play.server.requests) == before + 1


def responds_and_dies_slowly(peer: Peer, request: Request) -> None:
    """Respond after a moment, so that the calls overlap, and close a little later."""
    time.sleep(0.05)
    closes_when_idle(peer, request)


def forgets_what_was_idle_too_long(play: Play) -> int:
    """Leave a connection idle for longer than gateways keep it."""
    from knetik_cloud.wire import exchange

    driver = play.driver()
    kept = exchange.MAX_IDLE_SECONDS
    exchange.MAX_IDLE_SECONDS = 0.01
    try:
        right(attempt(driver, "get", 3))
        time.sleep(0.05)
        right(attempt(driver, "get", 3))
    finally:
        exchange.MAX_IDLE_SECONDS = kept
    return play.server.connections == 2


def upload_meets_a_reset(peer: Peer, request: Request) -> None:
    """Respond while the upload is in progress, and reset."""
    peer.send(http_response(b"{}", "Connection: close", status="413 Payload Too Large"))
    time.sleep(0.05)
    peer.close()


def responds_early_and_reads_on(peer: Peer, request: Request) -> None:
    """Respond while the upload is in progress, and neither read on nor close."""
    peer.send(http_response(b"{}", status="413 Payload Too Large"))
    time.sleep(1.5)


def pipelined(play: Play) -> None:
    """Send the next response before its request. It must not be used for the next call."""
    driver = play.driver()
    right(attempt(driver, "get", 3))
    play.server.wait()
    response = driver.call("get_user_inventory", 56, 57)
    assert response.id == ENTRY["id"], "an answer that nobody asked for was believed"


def deadline_over_attempts(play: Play) -> None:
    """Time out again and again: the whole call keeps to its deadline."""
    driver = play.driver(timeout=0.3, deadline=0.7)
    outcome = attempt(driver, "get", 1.2)
    fails(ApiTimeoutException)(outcome)


ROWS = [
    Row("connection refused", play=refused),
    Row("host name does not resolve", play=unknown_host),
    Row("host name that cannot exist", play=unusable_host_name),
    Row("connect never completes (backlog full)", play=full_backlog),
    Row("the first of two addresses is silent", play=silent_first_address),
    Row("closed before reading, then healthy: GET", greetings=[hang_up], again=True),
    Row("closed before reading, then healthy: PUT", greetings=[hang_up], call="update", comes=result),
    Row("closed after the request, then healthy: GET", [closes], again=True),
    Row(
        "closed after the request: POST not sent twice", [closes], fails(may_have_applied=True), "use", sent=1
    ),
    Row("RST on accept, then healthy: GET", greetings=[lambda peer: peer.reset()]),
    Row("RST after request, then healthy: GET", [resets]),
    Row("RST after request, then healthy: PUT", [resets], result, "update", sent=2),
    Row(
        "RST after request, then healthy: POST not sent twice",
        [resets],
        fails(may_have_applied=True),
        "use",
        sent=1,
    ),
    Row("RST in the status line, then healthy", [after(HEAD[:6], lambda peer: peer.reset())], right_or_fails),
    Row("RST in the headers, then healthy", [after(HEAD[:40], lambda peer: peer.reset())], right_or_fails),
    Row("RST in the body, then healthy", [after(GOOD[:-5], lambda peer: peer.reset())], right_or_fails),
    Row(
        "RST in the body of a POST's answer",
        [after(http_response(b"x" * 99)[:-5], lambda peer: peer.reset())],
        fails(may_have_applied=True),
        "add",
        sent=1,
    ),
    Row("closed in the status line, then healthy", [says(HEAD[:6])], right_or_fails, again=True),
    Row("closed in the headers, then healthy", [says(HEAD[:40])], right_or_fails, again=True),
    Row("reads and never answers: GET times out", [holds] * 3, fails(ApiTimeoutException)),
    Row(
        "reads and never answers: POST not sent twice",
        [holds],
        fails(ApiTimeoutException, may_have_applied=True),
        "use",
        sent=1,
    ),
    Row(
        "accepts and never reads: GET times out",
        greetings=[lambda peer: peer.hold()] * 3,
        comes=fails(ApiTimeoutException),
    ),
    Row(
        "half-closes without an answer",
        [lambda peer, request: (peer.half_close(), peer.hold())] * 3,
        fails(ApiConnectionException),
    ),
    Row(
        "half-closes behind the answer",
        [lambda peer, request: (peer.send(GOOD), peer.half_close(), peer.hold())],
        again=True,
    ),
    Row(
        "sends the head and holds the body",
        [after(HEAD + b"\r\n\r\n", lambda peer: peer.hold())] * 3,
        fails(ApiTimeoutException),
    ),
    Row(
        "dribbles the status line: total deadline",
        [dribbles(b"HTTP/1.1 200 " + b"O" * 99)],
        fails(DeadlineExceeded),
        limit=1.25,
    ),
    Row(
        "dribbles headers forever: total deadline",
        [after(b"HTTP/1.1 200 OK\r\n", lambda peer: peer.forever(b"X-A: b\r\n", 0.05))],
        fails(),
        limit=1.25,
    ),
    Row(
        "dribbles one endless header",
        [after(b"HTTP/1.1 200 OK\r\nX-A: ", lambda peer: peer.forever(b"b", 0.05))],
        fails(DeadlineExceeded),
        limit=1.25,
    ),
    Row(
        "dribbles the body: total deadline",
        [lambda peer, request: (peer.send(HEAD, b"\r\n\r\n"), peer.forever(b" ", 0.05))],
        right_or_fails,
        limit=1.25,
    ),
    Row(
        "dribbles a long body: total deadline",
        [lambda peer, request: (peer.send(http_response(b"", length=5000)), peer.forever(b" ", 0.05))],
        fails(DeadlineExceeded),
        limit=1.25,
    ),
    Row(
        "dribbles chunks: total deadline",
        [
            lambda peer, request: (
                peer.send(http_response(b"", "Transfer-Encoding: chunked")),
                peer.forever(b"1\r\n \r\n", 0.05),
            )
        ],
        fails(DeadlineExceeded),
        limit=1.25,
    ),
    Row(
        "dribbles the body of an error: the status survives",
        [
            lambda peer, request: (
                peer.send(http_response(b"", status="500 Broken", length=5000)),
                peer.forever(b" ", 0.05),
            )
        ],
        fails(status=500),
        limit=1.25,
    ),
    Row(
        "dribbles a right answer inside the deadline",
        [dribbles(GOOD, 0.002)],
        settings={"deadline": 9.0, "timeout": 5.0},
        again=True,
    ),
    Row("each try times out: the deadline holds over all", [holds] * 9, play=deadline_over_attempts),
    Row(
        "idle keep-alive closed by server: next GET works",
        [closes_when_idle],
        play=idle_connection_that_was_closed("get"),
    ),
    Row(
        "idle keep-alive closed by server: next POST works, once",
        [closes_when_idle],
        play=idle_connection_that_was_closed("use"),
    ),
    Row(
        "idle keep-alive reset by server: next POST works, once",
        [lambda peer, request: (healthy(peer, request), time.sleep(0.05), peer.reset())],
        play=idle_connection_that_was_closed("use"),
    ),
    Row(
        "keep-alive closed as the POST arrives: not sent twice",
        [closes_as_the_next_one_comes],
        play=write_on_a_dying_connection,
    ),
    Row(
        "a whole pool of dead connections: next POST works, once",
        [responds_and_dies_slowly] * 8,
        play=many_dead_connections,
    ),
    Row(
        "idle for longer than gateways keep it: a new connection",
        [healthy],
        play=forgets_what_was_idle_too_long,
    ),
    Row(
        "the next answer comes before its request", [keeps(GOOD + http_response({"id": 666}))], play=pipelined
    ),
    Row(
        "the next answer comes late, before its request",
        [lambda peer, request: (peer.send(GOOD), time.sleep(0.05), peer.send(http_response({"id": 666})))],
        play=pipelined,
    ),
    Row(
        "answers before the upload ends, and closes",
        [upload_meets_a_reset] * 3,
        fails(),
        "upload",
        server={"ignores_bodies": True},
        again=False,
    ),
    Row(
        "answers before the upload ends, and reads no more",
        [responds_early_and_reads_on],
        fails(status=413),
        "upload",
        server={"ignores_bodies": True},
        again=True,
    ),
    Row(
        "takes no upload at all",
        [lambda peer, request: time.sleep(2)] * 3,
        fails(ApiTimeoutException),
        "upload",
        server={"ignores_bodies": True},
    ),
]
