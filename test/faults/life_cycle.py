"""Faults of the life cycle: threads, forks, interruptions, dropped and closed clients, unread responses."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from knetik_cloud import (
    AccessToken,
    ApiClient,
    ApiException,
    ApiValueError,
    Configuration,
    DeadlineExceeded,
    Hook,
    UsersInventoryApi,
)
from knetik_cloud.hooks import Attempt
from test.faults.child import PROJECT
from test.faults.connection import holds
from test.faults.drivers import TOKEN
from test.faults.server import (
    ENTRY,
    TOKEN_RESPONSE,
    FaultServer,
    Peer,
    Request,
    healthy,
    http_response,
    keeps,
    says,
)
from test.faults.table import SETTINGS, Play, Row, attempt, fails, right
from test.polling import wait_until

PASSWORD = "password-canary-2342"
UNHURRIED: dict[str, Any] = {"timeout": 5.0, "deadline": 20.0}


def client_of(play: Play, **settings: Any) -> ApiClient:
    """Make a client of the server; only rows of the sync driver use it."""
    client: ApiClient = play.driver(**settings).client  # type: ignore[attr-defined]
    return client


def many_threads(play: Play) -> int:
    """Share one client among 32 threads."""
    driver = play.driver(**UNHURRIED)

    def calls(number: int) -> int:
        good = 0
        for turn in range(20):
            item = number * 100 + turn
            response = driver.call("get_user_inventory_with_http_info", 56, item)
            good += response.headers["X-Target"] == f"/users/56/inventory/{item}"
        return good

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(calls, range(32))) == 640
    return len(play.server.requests) == 640


def slow_token(peer: Peer, request: Request) -> None:
    """Grant a token after a while, and respond to other requests at once."""
    if request.target != "/oauth/token":
        healthy(peer, request)
        return
    time.sleep(0.1)
    peer.send(http_response({**TOKEN_RESPONSE, "access_token": f"token-{len(peer.socket.getpeername())}"}))


def expired_token(play: Play) -> None:
    """Send 32 threads at once without a token: one request for it, 32 correct responses."""
    driver = play.driver(access_token=None, client_secret="secret-canary-0815", **UNHURRIED)
    with ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(lambda _: driver.call("get_user_inventory", 56, 56).id, range(32)))
    assert ids == [ENTRY["id"]] * 32
    assert play.server.seen("POST") == 1


def rejected_token(play: Play) -> None:
    """Have a token refused to 32 threads at once: one refresh, one replay each."""
    script = old_tokens_are_rejected()
    for _ in range(100):
        play.server.play_next(script)
    driver = play.driver(access_token=None, username="robin", password=PASSWORD, **UNHURRIED)
    with ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(lambda _: driver.call("get_user_inventory", 56, 56).id, range(32)))
    assert ids == [ENTRY["id"]] * 32
    assert play.server.seen("POST") == 2


def old_tokens_are_rejected() -> Callable[[Peer, Request], None]:
    """Return the script of a service that rejects the first token that it grants."""
    granted: list[str] = []
    lock = threading.Lock()

    def script(peer: Peer, request: Request) -> None:
        if request.target == "/oauth/token":
            with lock:
                granted.append(f"granted-{len(granted)}")
                token = granted[-1]
            peer.send(http_response({**TOKEN_RESPONSE, "access_token": token}))
        elif request.headers["authorization"] == "Bearer granted-0":
            peer.send(http_response(b"", status="401 Unauthorized"))
        else:
            healthy(peer, request)

    return script


def token_of_another_call(play: Play) -> None:
    """Have a call wait for the token of another one until its deadline: it requests none itself."""
    granted = threading.Event()

    def grants_late(peer: Peer, request: Request) -> None:
        granted.wait(10)
        peer.send(http_response({**TOKEN_RESPONSE, "access_token": "token-1"}))

    play.server.play_next(grants_late)
    driver = play.driver(access_token=None, client_secret="secret-canary-0815", **UNHURRIED)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(attempt, driver, "get", 10)
        assert wait_until(lambda: play.server.requests)
        fails(DeadlineExceeded, says="while waiting for a token")(attempt(driver, "get", 3, _deadline=0.05))
        granted.set()
        right(first.result())
    assert play.server.seen("POST") == 1


def patience_of_one(play: Play) -> None:
    """Let a hurried call run out of time over the token: the patient ones aren't told that they did."""
    driver = play.driver(access_token=None, client_secret="secret-canary-0815", **UNHURRIED)
    with ThreadPoolExecutor(2) as pool:
        hurried = pool.submit(attempt, driver, "get", 3, _deadline=0.05)
        time.sleep(0.02)
        patient = pool.submit(attempt, driver, "get", 3)
        fails()(hurried.result())
        right(patient.result())


def script_of(source: str, *, wait: float = 30.0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", source],
        env={"PYTHONPATH": str(PROJECT), **variables},
        capture_output=True,
        text=True,
        timeout=wait,
        check=False,
    )


def in_child(source: str, expected: str) -> Callable[[Play], None]:
    """Return the play of a script that is run against the server, and must print just this."""

    def play(play: Play) -> None:
        finished = script_of(PREAMBLE + source, KNETIK_CLOUD_HOST=play.server.url)
        assert finished.stderr == "", finished.stderr
        assert finished.stdout.split() == expected.split()

    return play


PREAMBLE = """
import logging, os, signal, sys, threading, time
import knetik_cloud
logging.getLogger("knetik_cloud").setLevel(logging.ERROR)  # retries are logged as warnings
from knetik_cloud import *
client = ApiClient(Configuration(access_token="token-canary-4711-abcdef", timeout=5.0, deadline=10.0))
api = UsersInventoryApi(client)
def get():
    return api.get_user_inventory(56, 56).id
"""

FORK = """
print(get())
busy = threading.Thread(target=lambda: [get() for _ in range(200)])
busy.start()
child = os.fork()
if child == 0:
    os._exit(0 if [get() for _ in range(20)] == [56] * 20 else 1)
ids = [get() for _ in range(20)]
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), ids == [56] * 20)
busy.join()
client.close()
"""

FORK_WITH_LOCKS = """
get()
shared = client._shared
for lock in (shared._states[None].token_lock, shared._lock, shared._states[None].transport._route_lock):
    lock.acquire()
child = os.fork()
if child == 0:
    client.configuration.timeout = 4.0
    os._exit(0 if get() == 56 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for lock in (shared._states[None].token_lock, shared._lock, shared._states[None].transport._route_lock):
    lock.release()
client.close()
"""

FORK_WITH_POOL = """
print(client.submit(get).result())
child = os.fork()
if child == 0:
    os._exit(0 if client.submit(get).result(5) == 56 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), client.submit(get).result())
client.close()
"""

INTERRUPTED = """
signal.signal(signal.SIGALRM, signal.default_int_handler)
try:
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    get()
except KeyboardInterrupt as error:
    import traceback
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    print("interrupted", "token-canary" in shown)
print(get())
client.close()
"""

INTERRUPTED_UPLOAD = INTERRUPTED.replace(
    "    get()\nexcept",
    '    api.update_user_inventory_behavior_data(56, 56, data={"a": "x" * 5_000_000})\nexcept',
)

EXITS = """
print(get())
future = client.submit(get)
stream = client.raw(api.get_user_inventory, 56, 56)
"""

EXITS_WHILE_CALLING = """
print(get())
threading.Thread(target=get, daemon=True).start()
time.sleep(0.2)
"""

CLOCK_JUMPS = """
genuine = time.time
time.time = lambda: genuine() - 86400 * 365
print(get())
client.close()
"""


def dropped_clients(play: Play) -> int:
    """Make and drop 100 clients, some of them with pools and with streams that are never read."""
    process = psutil.Process()
    gc.collect()
    before = process.num_fds(), threading.active_count()
    for number in range(100):
        chosen = {"host": play.server.url, **SETTINGS, **UNHURRIED}
        api = UsersInventoryApi(ApiClient(Configuration(**chosen)))
        assert api.get_user_inventory(56, 56).id == ENTRY["id"]
        if number % 10 == 0:
            api.api_client.raw(api.get_user_inventory, 56, 56)
            api.api_client.submit(api.get_user_inventory, 56, 56).result()
    del api
    # The server is in this process: each of its ends is a descriptor and a thread until it sees the other go.
    assert wait_until(lambda: process.num_fds() - before[0] < 20)
    assert wait_until(lambda: threading.active_count() - before[1] < 20)
    return 100


def unread_streams(play: Play) -> int:
    """Begin 50 streams and drop them: their connections are closed, not kept and not leaked."""
    client = client_of(play, **UNHURRIED)
    api = UsersInventoryApi(client)
    before = psutil.Process().num_fds()
    for _ in range(50):
        client.raw(api.get_user_inventory, 56, 56)
    assert wait_until(lambda: psutil.Process().num_fds() - before < 10)
    assert api.get_user_inventory(56, 56).id == ENTRY["id"]
    return 50


def streams(play: Play) -> int:
    """Read a stream in chunks; the connection is used again."""
    client = client_of(play, **UNHURRIED)
    api = UsersInventoryApi(client)
    with client.raw(api.get_user_inventory, 56, 56) as response:
        assert response.read(3) + response.read(-1) == http_response(ENTRY).partition(b"\r\n\r\n")[2]
    with client.raw(api.get_user_inventory, 56, 56) as response:
        assert (
            response.read(1) + b"".join(response.stream(4)) == http_response(ENTRY).partition(b"\r\n\r\n")[2]
        )
        assert response.read() == b""
    assert client.raw(api.get_user_inventory, 56, 56).data == http_response(ENTRY).partition(b"\r\n\r\n")[2]
    return play.server.connections


def stream_that_fails(play: Play) -> None:
    """Read a stream that breaks off: an ApiException that knows its operation."""
    client = client_of(play)
    api = UsersInventoryApi(client)
    for read in (lambda r: r.read(), lambda r: r.data, lambda r: list(r.stream())):
        response = client.raw(api.get_user_inventory, 56, 56)
        error = attempt_of(lambda read=read, response=response: read(response)).error
        assert error is not None, "a cut stream was taken for a whole one"
        assert error.operation == "get_user_inventory"
    right(attempt(play.driver(), "get", 3))


def closed_stream(play: Play) -> int:
    """Read a stream after it was closed: a clear error, not a silent end."""
    client = client_of(play)
    response = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 56)
    response.read(2)
    response.close()
    try:
        response.read()
    except ApiValueError:
        return 1
    raise AssertionError("a closed stream was read")


def endless_stream(play: Play) -> None:
    """Stream what never ends: chunk by chunk it works, and as a whole it is refused."""
    client = client_of(play, timeout=5.0, deadline=10.0)
    api = UsersInventoryApi(client)
    with client.raw(api.get_user_inventory, 56, 56) as response:
        assert sum(len(response.read(65536)) for _ in range(500)) == 500 * 65536
        fails(says="limit")(attempt_of(lambda: response.data))


def attempt_of(action: Callable[[], Any]) -> Any:
    """Do something that may fail."""
    from test.faults.table import Outcome

    try:
        return Outcome(action(), None, 0)
    except ApiException as error:
        return Outcome(None, error, 0)


def pickles(play: Play) -> int:
    """Pickle what holds secrets: refused, or without them."""
    client = client_of(play, password=PASSWORD, username="robin")
    api = UsersInventoryApi(client)
    assert api.get_user_inventory(56, 56).id == ENTRY["id"]
    for held in (client, api, client.configuration, client.with_options(_retries=0)):
        try:
            shown = pickle.dumps(held)
        except TypeError as error:
            shown = str(error).encode()
        assert TOKEN.encode() not in shown
        assert PASSWORD.encode() not in shown
    return 1


def closed_twice(play: Play) -> int:
    """Close twice, then call: a clear error."""
    driver = play.driver()
    right(attempt(driver, "get", 3))
    driver.close()
    driver.close()
    fails(ApiValueError, says="closed")(attempt(driver, "get", 3))
    return 1


def closed_while_calling(play: Play) -> None:
    """Close while a call is in progress: it finishes, and its connection isn't kept."""
    client = client_of(play, **UNHURRIED)
    api = UsersInventoryApi(client)
    with ThreadPoolExecutor(1) as pool:
        in_progress = pool.submit(api.get_user_inventory, 56, 56)
        assert wait_until(lambda: play.server.requests)
        client.close()
        assert in_progress.result().id == ENTRY["id"]
    assert not client._shared._states[None].transport._idle


class Slow(Hook):
    """A hook and a token provider that take long when they are told to."""

    seconds = 0.0

    def get_token(self) -> AccessToken:
        """Return a token that is used once."""
        time.sleep(self.seconds)
        return AccessToken(TOKEN, 0)

    def on_attempt_start(self, attempt: Attempt) -> None:
        """Delay the attempt."""
        time.sleep(self.seconds)


def ready_too_late(setting: str) -> Callable[[Play], int]:
    """Return the play of a write on an idle connection that is ready to be sent after the deadline."""

    def play(play: Play) -> int:
        slow = Slow()
        given = slow if setting == "token_provider" else [slow]
        driver = play.driver(**{**UNHURRIED, "access_token": None, setting: given})
        right(attempt(driver, "get", 3))
        slow.seconds = 0.3
        outcome = attempt(driver, "use", 3, _deadline=0.2)
        fails(DeadlineExceeded, says="this attempt was not sent", may_have_applied=False)(outcome)
        assert play.server.seen("POST") == 0
        return 1

    return play


def stops_reading(peer: Peer, request: Request) -> None:
    """Read no more for a while."""
    time.sleep(1)


def slow_response(peer: Peer, request: Request) -> None:
    """Respond after a while."""
    time.sleep(0.3)
    healthy(peer, request)


def changed_configuration(play: Play) -> int:
    """Change the configuration while 8 threads call: each call runs on one state or the other."""
    driver = play.driver(**UNHURRIED)
    configuration = driver.client.configuration  # type: ignore[attr-defined]
    with FaultServer() as other:
        stop, returned = threading.Event(), threading.Event()

        def call() -> None:
            while not stop.is_set():
                assert driver.call("get_user_inventory", 56, 56).id == ENTRY["id"]
                returned.set()

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(call) for _ in range(8)]
            for turn in range(50):
                configuration.host = (other if turn % 2 else play.server).url
                configuration.access_token = f"token-{turn}"
                configuration.max_response_size = 1000 + turn
                returned.clear()
                assert returned.wait(30)
            stop.set()
            for future in running:
                future.result()
        before = len(other.requests)
        driver.call("get_user_inventory", 56, 56)
        assert len(other.requests) == before + 1
        assert other.requests[-1].headers["authorization"] == "Bearer token-49"
    return 50


SYNC = ("sync",)

ROWS = [
    Row("32 threads x 20 calls share one client", play=many_threads),
    Row("32 threads meet an expired token: one token request", [slow_token], play=expired_token),
    Row("32 threads meet a refused token: one refresh", play=rejected_token),
    Row(
        "a hurried call fails over the token: a patient one doesn't",
        [slow_token, slow_token],
        play=patience_of_one,
    ),
    Row("a call waits for another one's token until its deadline", play=token_of_another_call),
    Row("a token that comes after the deadline: nothing is sent", play=ready_too_late("token_provider")),
    Row("a hook that lasts until the deadline: nothing is sent", play=ready_too_late("hooks")),
    Row(
        "fork after first call: child has its own connection",
        [healthy],
        play=in_child(FORK, "56 0 True"),
        drivers=SYNC,
    ),
    Row(
        "fork while other threads hold the locks",
        [healthy],
        play=in_child(FORK_WITH_LOCKS, "0"),
        drivers=SYNC,
    ),
    Row(
        "fork of a client with a thread pool",
        [healthy],
        play=in_child(FORK_WITH_POOL, "56 0 56"),
        drivers=SYNC,
    ),
    Row(
        "Ctrl-C while waiting for the head",
        [holds],
        play=in_child(INTERRUPTED, "interrupted False 56"),
        drivers=SYNC,
    ),
    Row(
        "Ctrl-C in mid body",
        [lambda peer, request: (peer.send(http_response(b"", length=99)), peer.hold())],
        play=in_child(INTERRUPTED, "interrupted False 56"),
        drivers=SYNC,
    ),
    Row(
        "Ctrl-C in mid upload",
        [stops_reading],
        play=in_child(INTERRUPTED_UPLOAD, "interrupted False 56"),
        drivers=SYNC,
        server={"ignores_bodies": True},
    ),
    Row(
        "Ctrl-C while waiting for the next try",
        [keeps(http_response(b"", "Retry-After: 5", status="503 X"))],
        play=in_child(INTERRUPTED, "interrupted False 56"),
        drivers=SYNC,
    ),
    Row(
        "Ctrl-C in the handshake",
        greetings=[lambda peer: peer.hold()],
        play=in_child(INTERRUPTED, "interrupted False 56"),
        drivers=SYNC,
    ),
    Row("exit with everything left open", [healthy], play=in_child(EXITS, "56"), drivers=SYNC),
    Row(
        "exit while a daemon thread calls",
        [healthy, holds],
        play=in_child(EXITS_WHILE_CALLING, "56"),
        drivers=SYNC,
    ),
    Row(
        "the clock jumps back by a year during a wait",
        [keeps(http_response(b"", "Retry-After: 0.2", status="503 X"))],
        play=in_child(CLOCK_JUMPS, "56"),
        drivers=SYNC,
    ),
    Row("100 clients made and dropped: no fd/thread growth", play=dropped_clients, drivers=SYNC),
    Row("50 streams begun and dropped: no fd growth", play=unread_streams, drivers=SYNC),
    Row("streams read in chunks", play=streams, drivers=SYNC),
    Row(
        "streams that break off", [says(http_response(ENTRY)[:-9])] * 3, play=stream_that_fails, drivers=SYNC
    ),
    Row("a stream read after its close", play=closed_stream, drivers=SYNC),
    Row(
        "a stream without end",
        [lambda peer, request: (peer.send(b"HTTP/1.1 200 OK\r\n\r\n"), peer.forever(b" " * 65536))],
        play=endless_stream,
        drivers=SYNC,
        peak=150,
        limit=9,
    ),
    Row("pickle holds no secret (or is refused)", play=pickles, drivers=SYNC),
    Row("close() twice, then call: a clear error", play=closed_twice),
    Row("close() while a call is under way", [slow_response], play=closed_while_calling, drivers=SYNC),
    Row("the configuration changes while 8 threads call", play=changed_configuration, drivers=SYNC),
]
