"""Faults of the surroundings: signals, clocks, event loops, interpreters, proxies, hostile responses."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import quote

import pytest

import knetik_cloud
from knetik_cloud import (
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiValueError,
    Configuration,
    aio,
)
from test.faults.connection import holds, silent_listener
from test.faults.drivers import TOKEN, Driver
from test.faults.life_cycle import UNHURRIED, script_of
from test.faults.security import AUTHORITY, GOOD_TLS, proxy
from test.faults.server import (
    CERTIFICATES,
    ENTRY,
    TOKEN_RESPONSE,
    Peer,
    Request,
    Script,
    healthy,
    http_response,
)
from test.faults.table import (
    Expectation,
    Play,
    Row,
    assert_is_presentable,
    attempt,
    fails,
    right,
    views,
)
from test.polling import wait_until

PATIENT: dict[str, Any] = {**UNHURRIED, "retries": 0}

# Signal handlers


class SoftTimeLimit(Exception):
    """The error of a task queue."""


ERRORS: tuple[Exception, ...] = (
    SoftTimeLimit("mine"),
    TimeoutError("mine"),
    ConnectionResetError("mine"),
    BlockingIOError("mine"),
    ssl.SSLWantReadError("mine"),
    ApiException(reason="mine"),
)


CALLS: dict[str, Callable[[Any], Any]] = {
    "get": lambda api: api.get_user_inventory(56, 56),
    "upload": lambda api: api.update_user_inventory_behavior_data(56, 56, data={"a": "x" * 9_000_000}),
    "wait": lambda api: api.wait_until_user_inventory_active(56, 56, deadline=20),
    "once": lambda api: once_of(api)(api.use_user_entitlement_item, 56, 56, key="order-17"),
    "ping": lambda api: api.api_client.ping(),
}


def once_of(api: Any) -> Any:
    """Return the `once` of the client of an API object."""
    return aio.once if isinstance(api, aio.UsersInventoryApi) else knetik_cloud.once


def call_here(driver: Driver, call: str = "get") -> Any:
    """Call in this thread, which signal handlers interrupt."""
    called = CALLS[call](driver.api)  # type: ignore[attr-defined]
    return asyncio.run(called) if driver.name == "aio" else called


@contextmanager
def handling(handler: Callable[[], object]) -> Iterator[None]:
    """Call a function in a signal handler, at each `interrupt`."""

    def handle(number: int, frame: FrameType | None) -> None:
        handler()

    earlier = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, earlier)


def interrupt() -> None:
    """Send the signal to the main thread, once it handles it and had the time to reach its next wait."""
    assert wait_until(lambda: signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL)
    time.sleep(0.03)
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGUSR1)


def interrupts(*parts: bytes, takes: int = 0) -> Script:
    """Return a script that sends some bytes, interrupts the caller, and sends no more."""

    def script(peer: Peer, request: Request) -> None:
        peer.send(*parts)
        peer.socket.recv(takes) if takes else None
        interrupt()
        peer.hold()

    return script


def asks_for_patience(peer: Peer, request: Request) -> None:
    """Ask for a late retry, and interrupt the caller meanwhile."""
    peer.send(http_response(b"", "Retry-After: 4", status="503 X"))
    interrupt()


def greets_with_interruption(peer: Peer) -> None:
    """Interrupt the caller before a request or a handshake was read."""
    interrupt()
    peer.hold()


def raised_in(
    call: str = "get", script: Script | None = None, greeting: Any = None, **settings: Any
) -> Callable[[Play], int]:
    """Return the play of errors that a signal handler raises in a state of a call."""

    def play(play: Play) -> int:
        driver = play.driver(**{**PATIENT, **settings})
        for error in ERRORS:
            if script is not None:
                play.server.play_next(script)
            if greeting is not None:
                play.server._greetings.append(greeting)
                driver = play.driver(**{**PATIENT, **settings})  # which has no connection yet
            assert_reaches_the_caller(driver, error, call)
            assert call_here(driver).id == ENTRY["id"]
        return play.server.met

    return play


def assert_reaches_the_caller(driver: Driver, error: Exception, call: str = "get") -> None:
    """Make sure that an error of a signal handler leaves a call unchanged."""

    def handler() -> None:
        raise error

    with pytest.raises(type(error)) as caught, handling(handler):
        call_here(driver, call) if call != "stream" else read_here(driver)
    assert caught.value is error, f"{caught.value!r} instead of {error!r}"
    assert error.__cause__ is None
    error.__traceback__ = None


def raised_where_errors_are_results(play: Play) -> int:
    """Interrupt what treats the error of a call as a result."""
    driver = play.driver(**PATIENT)
    for call in ("wait", "once", "ping"):
        play.server.play_next(interrupts())
        assert_reaches_the_caller(driver, ApiException(503, "mine"), call)
    return play.server.met


def raised_while_connecting(play: Play) -> int:
    """Interrupt a call to a listener that accepts no connection."""
    with silent_listener() as port:
        driver = play.driver(host=f"http://127.0.0.1:{port}", **PATIENT)
        for error in ERRORS:
            thread = threading.Thread(target=interrupt)
            thread.start()
            assert_reaches_the_caller(driver, error)
            thread.join()
    return len(ERRORS)


def raised_in_a_proxy_s_silence(play: Play) -> int:
    """Interrupt a call that waits for its tunnel."""

    def behave(sock: socket.socket) -> None:
        interrupt()
        sock.recv(1)

    with proxy(behave) as running:
        driver = play.driver(proxy=f"http://{running.address}", **PATIENT)
        for error in ERRORS:
            assert_reaches_the_caller(driver, error)
        return len(running.heads)


def raised_in_a_stream(play: Play) -> int:
    """Interrupt the reading of a stream."""
    driver = play.driver(**PATIENT)
    for error in ERRORS:
        play.server.play_next(interrupts(http_response(b"{}", length=99)))
        assert_reaches_the_caller(driver, error, "stream")
    return play.server.met


def read_here(driver: Driver) -> bytes:
    """Read a stream in this thread."""
    client: Any = driver.client  # type: ignore[attr-defined]
    api: Any = driver.api  # type: ignore[attr-defined]
    if driver.name == "sync":
        return client.raw(api.get_user_inventory, 56, 56).read()  # type: ignore[no-any-return]

    async def read() -> bytes:
        response = await client.raw(api.get_user_inventory, 56, 56)
        data: bytes = await response.read()
        return data

    return asyncio.run(read())


def handler_calls(play: Play) -> int:
    """Call from a signal handler whose thread obtains a token, with all our locks: both get responses."""
    driver = play.driver(access_token=None, client_secret="secret-canary-0815", **PATIENT)
    found: list[int] = []

    def token_script(peer: Peer, request: Request) -> None:
        interrupt()
        time.sleep(0.05)
        peer.send(http_response(TOKEN_RESPONSE))

    play.server.play_next(token_script)
    shared: Any = driver.client._shared  # type: ignore[attr-defined]
    with handling(lambda: found.append(call_here(driver).id)):
        found.append(call_here(driver).id)
        locks = (shared._states[None].token_lock, shared._lock, shared._states[None].transport._route_lock)
        for lock in locks:
            with lock:
                driver.client.configuration.access_token = f"token-{len(found)}"  # type: ignore[attr-defined]
                interrupt()
    assert found == [ENTRY["id"]] * 5
    return len(found)


# Clocks

CLIENTS = """
import asyncio, logging, os, sys, threading, time
steady = lambda measure=time.clock_gettime: measure(time.CLOCK_MONOTONIC)
DRIVER = os.environ["DRIVER"]
def make(**settings):
    import knetik_cloud
    from knetik_cloud import aio
    logging.getLogger("knetik_cloud").setLevel(logging.ERROR)  # retries are logged as warnings
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # in development mode, steps that took long
    module = knetik_cloud if DRIVER == "sync" else aio
    given = {"access_token": "token-canary-4711-abcdef", "timeout": 5.0, "deadline": 10.0, **settings}
    if "AUTHORITY" in os.environ:
        given["ssl_ca_cert"] = os.environ["AUTHORITY"]
    client = module.ApiClient(knetik_cloud.Configuration(**given))
    return client, module.UsersInventoryApi(client)
def finish(made):
    return asyncio.run(made) if DRIVER == "aio" else made
def close(client):
    finish(client.close())
def got(api):
    try:
        return finish(api.get_user_inventory(56, 56)).id
    except Exception as error:
        return type(error).__name__
"""


def program(source: str, expected: str, **how: Any) -> Callable[[Play], int]:
    """Return the play of a program that is run against the server with a client, and must print just this."""

    def play(play: Play) -> int:
        variables = {"KNETIK_CLOUD_HOST": play.server.url, "DRIVER": play.kind, **how}
        if play.server.url.startswith("https:"):
            variables["AUTHORITY"] = AUTHORITY["ssl_ca_cert"]
        finished = script_of(CLIENTS + source, **variables)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == "", finished.stderr
        assert finished.stdout.split() == expected.split()
        return play.server.met or "sandbox" in source

    return play


FROZEN = """
import warnings
warnings.simplefilter("ignore")  # of the tools and what they look at
if os.environ["TOOL"] == "freezegun":
    from freezegun import freeze_time as change
else:
    from time_machine import travel as change
client, api = make(timeout=1.0, deadline=1.5, retries=0)
started = steady()
with change("2020-02-02"):
    print(got(api), got(api), got(api))
with change("2020-02-02"):
    other, its_api = make(timeout=1.0, deadline=1.5, retries=0)
    print(got(its_api))
with change("2060-02-02"):
    print(got(api))
print(steady() - started > 0.3)
close(client), close(other)
"""

JUMPING = """
client, api = make(timeout=1.0, deadline=1.5, retries=0)
genuine = time.time
for moved in (lambda: 0.0, lambda: genuine() - 4e8, lambda: genuine() + 4e8, lambda: 1e300):
    time.time = moved
    print(got(api), end=" ")
time.time = genuine
close(client)
"""

STOPPING = """
import warnings
warnings.simplefilter("ignore")
from knetik_cloud.sandbox import Sandbox
if os.environ["TOOL"] == "freezegun":
    from freezegun import freeze_time as change
else:
    from time_machine import travel as change
from urllib.request import urlopen
with Sandbox() as sandbox, change("2020-02-02"):
    assert 1_580_000_000 < sandbox.now() < 1_581_000_000
    client, api = make(host=sandbox.url, access_token=None)
    print(got(api))
    close(client)
    sandbox.fail("get_entitlement_item", delay=0.1)
    print(urlopen(f"{sandbox.url}/entitlements/56").status)
    sandbox.stop()
    print(not [each for each in threading.enumerate() if each.name == "knetik-sandbox"])
"""


def frozen(tool: str) -> Row:
    """Return the row of a tool that freezes time: calls work, and a silent service is given up in time."""
    return Row(
        f"{tool} freezes the time: calls work, deadlines hold",
        [healthy, holds],
        play=program(FROZEN, "56 ApiTimeoutException 56 56 56 True", TOOL=tool),
    )


# Interpreters

ENDS = """
import atexit
from knetik_cloud import ApiException
client, api = make()
def tried(name, call):
    try:
        call()
        print(name, "worked")
    except ApiException:
        print(name, "ApiException")
    except BaseException as error:
        print(name, "bare", repr(error))
if DRIVER == "sync":
    pager = api.iter_user_inventories(56, page_size=1, prefetch=2)
async def prefetched():
    return [item async for item in api.iter_user_inventories(56, page_size=1, prefetch=2)]
def calls():
    tried("call", lambda: finish(api.get_user_inventory(56, 56)))
    if DRIVER == "sync":
        tried("submit", lambda: client.submit(api.get_user_inventory, 56, 56).result(5))
        tried("async_req", lambda: api.get_user_inventory(56, 56, async_req=True).get(5))
        tried("prefetch", lambda: list(pager))
    else:
        tried("prefetch", lambda: asyncio.run(prefetched()))
    sys.stdout.flush()
"""
BULK_ENDS = """
import tempfile
def bulk_calls():
    from knetik_cloud import bulk
    rows = [{"user_id": 56, "id": 56, "inventory_status": "active"}]
    update, pager = api.update_user_inventory_status, api.iter_user_inventories(56, prefetch=2)
    with tempfile.TemporaryDirectory() as folder:
        tried("run", lambda: bulk.run(rows, update, journal=folder + "/journal"))
        tried("export", lambda: bulk.export(pager, folder + "/entries.jsonl"))
    calls()
"""
PAGE = {"content": [ENTRY], "last": True, "total_elements": 1, "number": 0}


def pages_and_entries(peer: Peer, request: Request) -> None:
    """Respond with a page, or with an entry."""
    peer.send(http_response(PAGE if "page" in request.target else ENTRY))


def ending(source: str) -> Callable[[Play], int]:
    """Return the play of a program that calls while it ends: calls work, or raise an ApiException."""

    def play(play: Play) -> int:
        for _ in range(20):
            play.server.play_next(pages_and_entries)
        finished = script_of(CLIENTS + ENDS + source, KNETIK_CLOUD_HOST=play.server.url, DRIVER=play.kind)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == "", finished.stderr
        lines = finished.stdout.splitlines()
        assert len(lines) == (2 if play.kind == "aio" else 6 if BULK_ENDS in source else 4), lines
        assert all(line.split()[1] in ("worked", "ApiException") for line in lines), lines
        return 1

    return play


AFTER_MAIN_THREAD = """
def work():
    threading.main_thread().join()
    calls()
threading.Thread(target=work).start()
"""
AT_EXIT = "atexit.register(calls)"
BULK_AFTER_MAIN_THREAD = BULK_ENDS + AFTER_MAIN_THREAD.replace("calls()", "bulk_calls()")
BULK_AT_EXIT = BULK_ENDS + "atexit.register(bulk_calls)"
AT_SHUTDOWN = """
class Last:
    def __del__(self):
        calls()
_last = Last()  # the first name of the main module that Python clears
"""
CONVENIENCES_AT_SHUTDOWN = (
    """
from knetik_cloud import once
def calls():
    tried("once", lambda: once(api.use_user_entitlement_item, 56, 56, key="x"))
    tried("find_out", lambda: client.find_out(ApiException()))
    tried("call_api", lambda: client.call_api("/users/{id}", "GET", {"id": 56}))
    tried("wait", lambda: api.wait_until_user_inventory_active(56, 56))
    sys.stdout.flush()
"""
    + AT_SHUTDOWN
)

NO_FORK = """
for name in ("register_at_fork", "fork", "forkpty"):
    del vars(os)[name]
import knetik_cloud.bulk, knetik_cloud.sandbox
client, api = make()
print(got(api))
if DRIVER == "sync":
    print(client.submit(api.get_user_inventory, 56, 56).result(5).id)
else:
    print(got(api))
"""

LEFT_OPEN = """
import os
os.register_at_fork = lambda **hooks: None  # without a hook, nothing keeps modules alive to the end
import asyncio
import knetik_cloud
package = knetik_cloud if os.environ["DRIVER"] == "sync" else knetik_cloud.aio
api = package.UsersInventoryApi(package.ApiClient(knetik_cloud.Configuration()))
if package is knetik_cloud:
    print(api.get_user_inventory(56, 56).id)
else:
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(api.get_user_inventory(56, 56)).id)
    loop.close()
"""


def left_open(play: Play) -> None:
    """Leave a client open in a program whose modules end before it."""
    finished = script_of(LEFT_OPEN, KNETIK_CLOUD_HOST=play.server.url, DRIVER=play.kind)
    assert (finished.stdout, finished.stderr) == ("56\n", "")


STRICT = """
client, api = make()
print(got(api), got(api))
try:
    finish(api.get_user_inventory(56, "x"))
except Exception as error:
    print(type(error).__name__)
async def stream():
    async with await client.raw(api.get_user_inventory, 56, 56) as response:
        return len(await response.read())
if DRIVER == "sync":
    with client.raw(api.get_user_inventory, 56, 56) as response:
        print(len(response.read()) > 10)
else:
    print(asyncio.run(stream()) > 10)
finish(api.update_user_inventory_status(56, 56, inventory_status="inactive"))
client.configuration.timeout = 4.0
print(got(api))
close(client)
import gc
gc.collect()
"""

# Event loops

UVLOOP = """
import uvloop
client, api = make()
async def many():
    found = await asyncio.gather(*(api.get_user_inventory(56, number) for number in range(10)))
    await api.update_user_inventory_behavior_data(56, 56, data={"a": "x" * 1_000_000})
    async with await client.raw(api.get_user_inventory, 56, 56) as response:
        assert len(await response.read()) > 10
    task = asyncio.ensure_future(api.get_user_inventory(56, 56))
    await asyncio.sleep(0)
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    return sum(each.id == 56 for each in found)
for _ in range(2):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(many()))
close(client)
"""

LOOPS = """
client, api = make()
async def many():
    found = await asyncio.gather(*(api.get_user_inventory(56, number) for number in range(5)))
    return sum(each.id == 56 for each in found)
print([asyncio.run(many()) for _ in range(3)] == [5] * 3)
found = []
threads = [threading.Thread(target=lambda: found.append(asyncio.run(many()))) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(found == [5] * 4)
close(client)
"""

EAGER = """
client, api = make()
async def main():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    found = await asyncio.gather(*(api.get_user_inventory(56, number) for number in range(5)))
    task = asyncio.create_task(api.get_user_inventory(56, 57))
    task.cancel()
    ended = (await asyncio.gather(task, return_exceptions=True))[0]
    last = await api.get_user_inventory(56, 56)
    print(sum(each.id == 56 for each in found), type(ended).__name__, last.id)
    await client.close()
asyncio.run(main())
"""

CLOSED_LOOPS = """
import gc
client, api = make()
async def call():
    return (await api.get_user_inventory(56, 56)).id
def by_hand(close):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(call()))
    if close:
        loop.close()
    return loop
asyncio.run(call())
by_hand(True)
gc.collect()
opened = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
for _ in range(20):
    by_hand(True)
gc.collect()
now = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
print(now <= opened + 1 or (opened, now))
"""


# Proxies and certificates


def proxy_says(reply: bytes, userinfo: str, says: str) -> Callable[[Play], int]:
    """Return the play of a proxy that rejects the CONNECT: the error names it, without its credentials."""

    def play(play: Play) -> int:
        with proxy(lambda sock: sock.sendall(reply)) as running:
            outcome = attempt(play.driver(proxy=f"http://{userinfo}{running.address}", retries=0), "get", 3)
            fails(ApiConnectionException, says=f"the proxy {running.address}", may_have_applied=False)(
                outcome
            )
            assert says in str(outcome.error)
            assert_shows_none(outcome.error, encodings(userinfo))
            return len(running.heads)

    return play


USERINFO = "robin:pr%2Fx%3Dy%22%26%5Cz%40s%C3%BC3cret@"
PLAIN = 'robin:pr/x=y"&\\z@sü3cret'


def encodings(userinfo: str = USERINFO) -> dict[str, str]:
    """Encode a proxy's password as proxies do."""
    if not userinfo:
        return {}
    password = PLAIN.partition(":")[2]
    return {
        "raw": password,
        "raw, with the user's name": PLAIN,
        "percent-encoded": quote(password, safe=""),
        "percent-encoded in lower case": "".join(
            char if char.isalnum() and char.isascii() else quote(char, safe="").lower() for char in password
        ),
        "percent-encoded, with the user's name": USERINFO[:-1],
        "base64": base64.b64encode(PLAIN.encode()).decode(),
        "base64 without padding": base64.b64encode(PLAIN.encode()).decode().rstrip("="),
        "base64 for URLs": base64.urlsafe_b64encode(PLAIN.encode()).decode(),
        "JSON": json.dumps(password)[1:-1],
        "JSON of UTF-8": json.dumps(password, ensure_ascii=False)[1:-1],
        "JSON with escaped signs": json.dumps(password)[1:-1]
        .replace("&", "\\u0026")
        .replace("=", "\\u003d")
        .replace("'", "\\u0027"),
        "HTML": password.replace("&", "&amp;").replace('"', "&quot;"),
    }


def assert_shows_none(error: BaseException | None, encoded: Mapping[str, str]) -> None:
    """Make sure that an error shows a secret in none of its spellings."""
    assert isinstance(error, ApiException)
    assert_is_presentable(error, TOKEN)
    shown = "\n".join(views(error))
    for name, text in encoded.items():
        assert text not in shown, f"{name} shows: {text!r}"


def echoing(where: str) -> Callable[[Play], int]:
    """Return the play of a proxy that echoes its credentials, in every spelling."""

    def play(play: Play) -> int:
        met = 0
        for name, text in encodings().items():
            data = text.encode()
            reply = {
                "in the reason phrase": b"HTTP/1.1 407 no " + data + b"\r\nContent-Length: 0\r\n\r\n",
                "in the body": b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(data) + data,
                "in a header": b"HTTP/1.1 403 no\r\nX-You: " + data + b"\r\nContent-Length: 0\r\n\r\n",
                "in place of HTTP": data + b"\r\n\r\n",
            }[where]
            with proxy(lambda sock, reply=reply: sock.sendall(reply)) as running:  # type: ignore[misc]
                driver = play.driver(proxy=f"http://{USERINFO}{running.address}", retries=0)
                outcome = attempt(driver, "get", 3)
                fails()(outcome)
                assert_shows_none(outcome.error, {name: text})
                met += len(running.heads)
        return met

    return play


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Set variables of the environment."""
    earlier = dict(os.environ)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(earlier)


GOOD_BUNDLE = AUTHORITY["ssl_ca_cert"]
OTHER_BUNDLE = str(CERTIFICATES / "untrusted.pem")


def trusted(
    comes: Expectation, settings: Mapping[str, Any] | None = None, **values: str
) -> Callable[[Play], int]:
    """Return the play of certificate authorities that the environment names."""

    def play(play: Play) -> int:
        with variables(**values):
            comes(attempt(play.driver(**(settings or {})), "get", 3))
        return 1

    return play


def distrusts(bundle: str) -> Expectation:
    """Expect that the certificate is refused, and that the error names the setting and what is trusted."""

    def expect(outcome: Any) -> None:
        fails(ApiConnectionException, says="ssl_ca_cert", may_have_applied=False)(outcome)
        assert bundle in str(outcome.error), outcome.error

    return expect


# Hosts


def zoned_host(play: Play) -> int:
    """Call a host with a zone, in both spellings: the client connects to its address with the zone."""
    found: list[Any] = []
    genuine = socket.getaddrinfo

    def record(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        found.append(host)
        return genuine("127.0.0.1", port, *rest, **options)

    socket.getaddrinfo = record
    try:
        for host in ("[fe80::1%25lo]", "[fe80::1%lo]"):
            driver = play.driver(host=f"http://{host}:{play.server.port}")
            right(attempt(driver, "get", 3))
            header = play.server.requests[-1].headers["host"]
            assert header == f"[fe80::1]:{play.server.port}", header
    finally:
        socket.getaddrinfo = genuine
    assert set(found) == {"fe80::1%lo"}, found
    return len(found)


def no_host(play: Play) -> int:
    """Pass an empty host: an error, not the default."""
    for host in ("", " "):
        with pytest.raises(ApiValueError, match="host"):
            Configuration(host=host)
    return 1


# Hostile responses


def too_many_values(play: Play) -> int:
    """Respond with a million empty lists: the limit is named."""
    outcome = attempt(play.driver(max_json_values=1000, **UNHURRIED), "get", 15)
    fails(ApiResponseError, says="max_json_values")(outcome)
    return play.server.met


def cpu_of_error(play: Play, size: int) -> float:
    """Measure the CPU time of a call that fails with a body of a size."""
    pattern = f'{{"message":"Bearer {TOKEN[:12]} {TOKEN}\\u0022%25 canary"}},'.encode()
    body = (b"[" + pattern * (size // len(pattern) + 1))[: size - 1] + b"]"
    play.server.play_next(lambda peer, request: peer.send(http_response(body, status="400 Bad")))
    driver = play.driver(max_response_size=32 << 20, **UNHURRIED)
    started = time.process_time()
    fails(status=400)(attempt(driver, "get", 15))
    return time.process_time() - started


def large_error(play: Play) -> int:
    """Respond with an error of 16 MiB full of secrets: the time to read and mask it is linear."""
    cpu_of_error(play, 1 << 20)
    small = min(cpu_of_error(play, 1 << 20) for _ in range(3))
    large = cpu_of_error(play, 16 << 20)
    assert large < 16 * 3 * max(small, 0.005), f"{large:.3f} s of CPU, and {small:.3f} s for 1 MiB"
    return play.server.met


CONTROLS = "".join(map(chr, (*range(1, 10), 11, 12, *range(14, 32), 127, *range(128, 160))))


def control_characters(peer: Peer, request: Request) -> None:
    """Respond with a reason phrase that contains control characters."""
    peer.send(f"HTTP/1.1 400 a{CONTROLS}\x1b[31mb\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))


def error_with_controls(peer: Peer, request: Request) -> None:
    """Respond with an error whose id and message contain control characters."""
    result = {"code": 1000, "result": [{"message": f"a{CONTROLS}\x1b[31mb", "field": f"a{CONTROLS}b"}]}
    peer.send(http_response(result, "X-Request-Id: a\x1b[31mb", status="400 X"))


def rejection_with_controls(play: Play) -> int:
    """Log and raise what an error response holds, without its control characters."""
    play.server.play_next(error_with_controls)
    outcome = attempt(play.driver(), "get", 3)
    fails(status=400)(outcome)
    assert outcome.error is not None
    assert set(CONTROLS).isdisjoint(str(outcome.error).replace("\t", "")), str(outcome.error)
    return play.server.met


def reason_with_controls(play: Play) -> int:
    """Log and raise what a reason phrase holds, without its control characters."""
    import logging

    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("knetik_cloud"), Handler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        play.server.play_next(control_characters)
        play.server.play_next(
            lambda peer, request: peer.send(
                f"HTTP/1.1 503 a{CONTROLS}b\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
            )
        )
        outcome = attempt(play.driver(debug=True), "get", 3)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    fails(status=400)(outcome)
    assert outcome.error is not None
    text = "\n".join([*lines, str(outcome.error), repr(outcome.error)])
    assert not set(CONTROLS) & set(text.replace("\n", "").replace("\t", "")), text
    assert any("503" in line for line in lines)
    return play.server.met


SYNC, AIO = ("sync",), ("aio",)
CHUNKED = http_response(b"5\r\nab", "Transfer-Encoding: chunked")
STATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "while it waits for the head": ({"script": interrupts()}, {}),
    "in the head": ({"script": interrupts(b"HTTP/1.1 200 OK\r\nContent-")}, {}),
    "in the body": ({"script": interrupts(http_response(b"{}", length=99))}, {}),
    "in a chunk": ({"script": interrupts(CHUNKED)}, {}),
    "in the body of an error": ({"script": interrupts(http_response(b"{}", length=99, status="500 X"))}, {}),
    "in an upload": ({"script": interrupts(takes=99), "call": "upload"}, {"ignores_bodies": True}),
    "in the handshake": ({"greeting": greets_with_interruption, **AUTHORITY}, GOOD_TLS),
    "over TLS": ({"script": interrupts(), **AUTHORITY}, GOOD_TLS),
    "before its next attempt": (
        {"script": asks_for_patience, "retries": 2},
        {},
    ),
    "while it obtains a token": (
        {"script": interrupts(), "access_token": None, "client_secret": "secret-canary-0815"},
        {},
    ),
}
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"

ROWS = [
    *(
        Row(f"a signal handler raises in a call, {state}", play=raised_in(**how), server=server)
        for state, (how, server) in STATES.items()
    ),
    Row("a signal handler raises in a waiter, in once and in ping", play=raised_where_errors_are_results),
    Row("a signal handler raises in a call, while it connects", play=raised_while_connecting),
    Row(
        "a signal handler raises in a call, while a proxy is silent",
        play=raised_in_a_proxy_s_silence,
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    Row("a signal handler raises while a stream is read", play=raised_in_a_stream),
    Row("a signal handler calls while its thread holds our locks", play=handler_calls, drivers=SYNC),
    frozen("freezegun"),
    frozen("time-machine"),
    Row(
        "the wall clock stands still, jumps back and jumps ahead",
        [healthy, holds],
        play=program(JUMPING, "56 ApiTimeoutException 56 56"),
    ),
    *(
        Row(
            f"the sandbox is stopped while {tool} freezes the time",
            play=program(STOPPING, "56 200 True", TOOL=tool),
            drivers=SYNC,
        )
        for tool in ("freezegun", "time-machine")
    ),
    Row("a thread calls after the main thread has ended", play=ending(AFTER_MAIN_THREAD)),
    Row("an exit handler calls", play=ending(AT_EXIT)),
    Row(
        "a thread runs and exports in bulk after the main thread has ended",
        play=ending(BULK_AFTER_MAIN_THREAD),
        drivers=SYNC,
    ),
    Row("an exit handler runs and exports in bulk", play=ending(BULK_AT_EXIT), drivers=SYNC),
    Row("a finalizer calls while the interpreter shuts down", play=ending(AT_SHUTDOWN), drivers=SYNC),
    Row(
        "a finalizer recovers, waits and calls a path while the interpreter shuts down",
        play=ending(CONVENIENCES_AT_SHUTDOWN),
        drivers=SYNC,
    ),
    Row("a platform without fork", [healthy], play=program(NO_FORK, "56 56")),
    Row("a client is left open where modules end first", [healthy], play=left_open),
    Row(
        "warnings are errors in Python's development mode",
        [healthy],
        play=program(STRICT, "56 56 ApiValueError True 56"),
    ),
    Row("uvloop with TLS", [healthy], play=program(UVLOOP, "10 10"), server=GOOD_TLS, drivers=AIO),
    Row("one client in several event loops", [healthy], play=program(LOOPS, "True True"), drivers=AIO),
    *(
        [Row("eager tasks", [healthy], play=program(EAGER, "5 CancelledError 56"), drivers=AIO)]
        if sys.version_info >= (3, 12)
        else []
    ),
    *(
        Row(
            f"event loops closed by hand while the client is open{where}",
            [healthy],
            play=program(CLOSED_LOOPS, "56 " * 21 + "True"),
            server=server,
            drivers=AIO,
        )
        for where, server in (("", {}), (", over TLS", GOOD_TLS))
    ),
    *(
        Row(
            f"a proxy refuses to connect: {says}",
            play=proxy_says(reply, userinfo, says),
            settings=AUTHORITY,
            server=GOOD_TLS,
        )
        for says, userinfo, reply in (
            ("407", USERINFO, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
            ("403", USERINFO, FORBIDDEN),
            ("502", "", b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        )
    ),
    *(
        Row(f"a proxy echoes its credentials {where}", play=echoing(where), settings=settings, server=server)
        for where in ("in the reason phrase", "in the body", "in a header", "in place of HTTP")
        for settings, server in (({}, {}),)
    ),
    Row(
        "a proxy echoes its credentials instead of a tunnel",
        play=echoing("in the reason phrase"),
        settings=AUTHORITY,
        server=GOOD_TLS,
    ),
    *(
        Row(fault, play=trusted(comes, settings, **values), server=GOOD_TLS)
        for fault, comes, settings, values in (
            ("SSL_CERT_FILE names the CA", right, {}, {"SSL_CERT_FILE": GOOD_BUNDLE}),
            ("REQUESTS_CA_BUNDLE names the CA", right, {}, {"REQUESTS_CA_BUNDLE": GOOD_BUNDLE}),
            (
                "SSL_CERT_FILE comes before REQUESTS_CA_BUNDLE",
                distrusts(f"SSL_CERT_FILE ({OTHER_BUNDLE!r})"),
                {},
                {"SSL_CERT_FILE": OTHER_BUNDLE, "REQUESTS_CA_BUNDLE": GOOD_BUNDLE},
            ),
            (
                "SSL_CERT_DIR comes before REQUESTS_CA_BUNDLE",
                distrusts("SSL_CERT_DIR ("),
                {},
                {"SSL_CERT_DIR": str(CERTIFICATES), "REQUESTS_CA_BUNDLE": GOOD_BUNDLE},
            ),
            (
                "ssl_ca_cert comes before the environment",
                right,
                AUTHORITY,
                {"SSL_CERT_FILE": OTHER_BUNDLE, "REQUESTS_CA_BUNDLE": OTHER_BUNDLE},
            ),
            (
                "REQUESTS_CA_BUNDLE names another CA",
                distrusts(f"REQUESTS_CA_BUNDLE ({OTHER_BUNDLE!r})"),
                {},
                {"REQUESTS_CA_BUNDLE": OTHER_BUNDLE},
            ),
            ("nothing names the CA", distrusts("certifi"), {}, {}),
            (
                "SSL_CERT_FILE names a file that isn't there",
                fails(ApiValueError, says="SSL_CERT_FILE"),
                {},
                {"SSL_CERT_FILE": "/nowhere.pem"},
            ),
        )
    ),
    Row("a host with an IPv6 zone", play=zoned_host),
    Row("an empty host", play=no_host, drivers=SYNC),
    Row(
        "a million empty lists in a response",
        [lambda peer, request: peer.send(http_response(b"[" + b"[]," * 1_000_000 + b"0]"))],
        play=too_many_values,
    ),
    Row("an error of 16 MiB that is full of secrets", play=large_error),
    Row("control characters in a reason phrase", play=reason_with_controls),
    Row("control characters in an error's id and message", play=rejection_with_controls),
]
