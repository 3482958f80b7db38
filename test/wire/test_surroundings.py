"""gevent, threads, forks and a lack of file descriptors, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from test.faults.server import CERTIFICATES, FaultServer, Peer, Request, healthy

AUTHORITY = str(CERTIFICATES / "authority.pem")
START = f"""
import asyncio, os, sys, threading, time
import knetik_cloud
from knetik_cloud import ApiClient, ApiException, Configuration, UsersInventoryApi, aio
def configuration(**settings):
    given = dict(ssl_ca_cert={AUTHORITY!r}, access_token="a", timeout=20.0, deadline=30.0, retries=0)
    return Configuration(**{{"host": sys.argv[1], **given, **settings}})
"""


@pytest.fixture(params=[None, "good"], ids=["plain", "TLS"])
def server(request: pytest.FixtureRequest) -> Iterator[FaultServer]:
    with FaultServer(tls=request.param) as running:
        yield running


def run(code: str, server: FaultServer, *arguments: str, start: str = "") -> str:
    """Run a program against a server, and return what it prints. Warnings are errors."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + START + code, server.url, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.strip()


GEVENT = """
import warnings
warnings.simplefilter("ignore")
from gevent import monkey
monkey.patch_all()
import gevent
warnings.simplefilter("error")
"""


def test_greenlets_share_a_client_and_wait_side_by_side(server: FaultServer) -> None:
    all_have_come = threading.Barrier(20)

    def wait_for_all(peer: Peer, request: Request) -> None:
        all_have_come.wait(60)
        healthy(peer, request)

    for _ in range(20):
        server.play_next(wait_for_all)
    code = """
with ApiClient(configuration()) as client:
    api = UsersInventoryApi(client)
    jobs = [gevent.spawn(api.get_user_inventory, 56, 56) for _ in range(20)]
    gevent.joinall(jobs)
    print(sum(job.value.id == 56 for job in jobs))
    class Limit(Exception): pass
    try:
        with gevent.Timeout(0.1, Limit):
            gevent.sleep(0)
            api.with_options(_deadline=5).get_user_inventory(56, 57)
            gevent.sleep(5)
    except Limit:
        print("limited")
"""
    assert run(code, server, start=GEVENT) == "20\nlimited"


def test_lookup_of_gevent_needs_no_thread_if_the_program_keeps_those_of_python(server: FaultServer) -> None:
    code = """
import functools, socket
genuine, looked_up_in = socket.getaddrinfo, []
@functools.wraps(genuine)
def getaddrinfo(host, *rest, **options):
    if host == "localhost":
        looked_up_in.append(threading.current_thread().name)
    return genuine(host, *rest, **options)
socket.getaddrinfo = getaddrinfo
host = sys.argv[1].replace("127.0.0.1", "localhost")
with ApiClient(configuration(host=host)) as client:
    print(UsersInventoryApi(client).get_user_inventory(56, 56).id)
print(*set(looked_up_in))
"""
    start = GEVENT.replace("patch_all()", "patch_all(thread=False)")
    assert run(code, server, start=start) == "56\nMainThread"


def test_timeout_of_a_greenlet_reaches_it_in_a_call(server: FaultServer) -> None:
    def hold_some(peer: Peer, request: Request) -> None:
        if request.target.endswith("/57"):
            peer.hold()
        else:
            healthy(peer, request)

    code = """
class Limit(Exception): pass
with ApiClient(configuration()) as client:
    api = UsersInventoryApi(client)
    for kind in (Limit, None, TimeoutError, ConnectionResetError):
        try:
            with gevent.Timeout(0.3, kind):
                api.get_user_inventory(56, 57)
                gevent.sleep(5)
        except (Limit, gevent.Timeout, OSError) as error:
            print(type(error).__name__)
    print(api.get_user_inventory(56, 56).id)
"""
    for _ in range(5):  # fewer are played if a call ends before its request has arrived
        server.play_next(hold_some)
    names = "Limit\nTimeout\nTimeoutError\nConnectionResetError\n56"
    assert run(code, server, start=GEVENT) == names


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_stream_that_another_thread_drops_closes_its_connection(loop: str, server: FaultServer) -> None:
    code = f"""
import logging, {loop}
logging.getLogger("asyncio").setLevel(logging.ERROR)  # no warnings of slow steps
async def main():
    async with aio.ApiClient(configuration()) as client:
        api = aio.UsersInventoryApi(client)
        for _ in range(200):
            box = [await client.raw(api.get_user_inventory, 56, 56)]
            await asyncio.to_thread(box.clear)
        print((await api.get_user_inventory(56, 56)).id)
    while client._shared._states or opened():
        await asyncio.sleep(0.01)
def opened():
    import psutil
    return [each for each in psutil.Process().net_connections("tcp") if each.status == "ESTABLISHED"]
{loop}.run(main(), debug=True)
"""
    assert run(code, server) == "56"


def test_threads_share_a_client(server: FaultServer) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
with ApiClient(configuration()) as client, ThreadPoolExecutor(16) as pool:
    api = UsersInventoryApi(client)
    print(sum(pool.map(lambda number: api.get_user_inventory(56, number).id == 56, range(200))))
"""
    assert run(code, server) == "200"
    assert server.connections <= 20


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
@pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])  # uWSGI's runs no hooks of Python
def test_forked_children_have_connections_of_their_own(fork: str, server: FaultServer) -> None:
    code = f"""
import ctypes
fork = {fork}
client = ApiClient(configuration())
api = UsersInventoryApi(client)
print(api.get_user_inventory(56, 56).id, flush=True)
children = []
for _ in range(3):
    child = fork()
    if not child:
        os._exit(api.get_user_inventory(56, 57).id)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
print(api.get_user_inventory(56, 56).id)
client.close()
"""
    assert run(code, server) == "56\n[56, 56, 56]\n56"
    assert server.connections == 4


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
@pytest.mark.parametrize("fork", ["os.fork", "ctypes.PyDLL(None).fork"])
def test_forked_child_closes_an_inherited_connection_that_a_view_has_used(
    fork: str, server: FaultServer
) -> None:
    code = f"""
import ctypes, psutil
client = ApiClient(configuration())
api = UsersInventoryApi(client)
view = api.with_options(_retries=1)
print(view.get_user_inventory(56, 56).id, flush=True)
child = ({fork})()
if not child:
    api.get_user_inventory(56, 56)
    os._exit(len([each for each in psutil.Process().net_connections("tcp") if each.raddr]))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
client.close()
"""
    assert run(code, server) == "56\n1"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
def test_forked_child_keeps_no_connection_that_a_thread_of_its_parent_uses(server: FaultServer) -> None:
    has_arrived, may_respond = threading.Event(), threading.Event()

    def wait_for_the_child(peer: Peer, request: Request) -> None:
        has_arrived.set()
        may_respond.wait(60)
        healthy(peer, request)

    server.play_next(wait_for_the_child)
    code = """
import socket, warnings
warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads
def sockets():
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:
            pass
    return found
before = sockets()
client = ApiClient(configuration())
future = client.submit(UsersInventoryApi(client).get_user_inventory, 56, 56)
sys.stdin.readline()
child = os.fork()
if not child:
    os._exit(sockets() - before)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
sys.stdin.readline()
print(future.result().id)
client.close()
"""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START + code, server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert has_arrived.wait(60)
    process.stdin.write("fork\n")
    process.stdin.flush()
    assert process.stdout.readline() == "0\n"
    may_respond.set()
    assert process.communicate("end\n", timeout=60)[0] == "56\n"


EXHAUSTED = """
import logging, os, resource, sys
most = int(sys.argv[2])
def call_without_descriptors(call, free):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    held = []
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        for _ in range(free):
            os.close(held.pop())
    try:
        call()
    except Exception as error:
        raised = error
    for descriptor in held:
        os.close(descriptor)
    print(type(raised).__name__, raised.may_have_applied, "Too many open files" in str(raised))
"""
USE_WITHOUT_DESCRIPTORS = {
    "blocking": """
with ApiClient(configuration()) as client:
    api = UsersInventoryApi(client)
    for free in range(int(sys.argv[3])):
        call_without_descriptors(lambda: api.use_user_entitlement_item(56, 56, info="a&b"), free)
    print(api.get_user_inventory(56, 56).id)
""",
    "asyncio": """
async def main():
    async with aio.ApiClient(configuration()) as client:
        api = aio.UsersInventoryApi(client)
        call = api.use_user_entitlement_item(56, 56, info="a&b")
        call_without_descriptors(lambda: call.send(None), 0)
        print((await api.get_user_inventory(56, 56)).id)
asyncio.run(main())
""",
}


@pytest.mark.parametrize(("kind", "free"), [("blocking", 2), ("asyncio", 1)])
def test_lack_of_file_descriptors_is_a_failed_connection(kind: str, free: int, server: FaultServer) -> None:
    code = USE_WITHOUT_DESCRIPTORS[kind]
    printed = run(code, server, "100", str(free), start=EXHAUSTED)
    assert printed.split("\n") == ["ApiConnectionException False True"] * free + ["56"]


def test_descriptor_that_select_cannot_watch_is_a_failed_connection(server: FaultServer) -> None:
    code = """
import resource, selectors
selectors.DefaultSelector = selectors.SelectSelector
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1200, hard))
held = [os.dup(0) for _ in range(1100)]
with ApiClient(configuration()) as client:
    try:
        UsersInventoryApi(client).use_user_entitlement_item(56, 56)
    except ApiException as error:
        print(type(error).__name__, error.may_have_applied, "ValueError" in error.reason)
"""
    assert run(code, server) == "ApiConnectionException False True"
