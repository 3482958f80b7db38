"""Faults on demand, on a real connection."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from knetik_cloud.sandbox import Sandbox
from test.polling import wait_until
from test.sandbox.web import Web


def test_an_operation_fails_as_often_as_asked(web: Web, sandbox: Sandbox) -> None:
    fault = sandbox.fail("use_user_entitlement_item", status=503, times=2, headers={"Retry-After": "1"})
    replies = [web.use(56, 56) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert replies[0].headers["retry-after"] == "1"
    assert replies[0].json["code"] == 1999
    assert fault.met == 2
    assert web.get("/users/56/inventory/56").json["behavior_data"] == {"consumable": {"use_count": 3}}


def test_a_date_of_a_fault_is_the_only_one(sandbox: Sandbox) -> None:
    date = "Sat, 01 Jan 2000 00:00:00 GMT"
    sandbox.fail("get_entitlement_item", status=429, headers={"Date": date})
    with closing(http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", "/entitlements/56")
        assert connection.getresponse().headers.get_all("Date") == [date]


def test_a_fault_leaves_other_operations_alone(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("use_user_entitlement_item", status=500)
    assert web.check(56, 56).status == 200


def test_a_fault_for_all_operations_forever(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("*", status=429, times=None)
    assert [web.get("/entitlements/56").status for _ in range(3)] == [429] * 3
    sandbox.clear_faults()
    assert web.get("/entitlements/56").status == 200


def test_a_response_can_be_lost_after_the_operation_was_applied(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("grant_user_entitlement", status=502, applied=True)
    assert web.grant(3, 1).status == 502
    assert len(web.entries(3, 1)) == 1


@pytest.mark.parametrize(("applied", "entries"), [(False, 0), (True, 1)])
def test_a_connection_is_reset(web: Web, sandbox: Sandbox, applied: bool, entries: int) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=applied)
    doomed = Web(sandbox.url)
    with pytest.raises(ConnectionResetError):
        doomed.grant(3, 1)
    doomed.close()
    assert len(web.entries(3, 1)) == entries
    assert sandbox.journal("grant_user_entitlement")[0].status is None


def test_a_connection_is_reset_beneath_a_tool_that_wraps_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = uvicorn.Config.load

    def load_wrapped(config: uvicorn.Config) -> None:
        load(config)
        app = config.loaded_app

        async def tool(scope: Scope, receive: Receive, send: Send) -> None:
            async def observed(message: Message) -> None:
                await send(message)

            await app(scope, receive, observed)

        config.loaded_app = tool

    monkeypatch.setattr(uvicorn.Config, "load", load_wrapped)
    with Sandbox() as sandbox, closing(Web(sandbox.url)) as web:
        sandbox.fail("get_entitlement_item", reset=True)
        with pytest.raises(ConnectionResetError):
            web.get("/entitlements/56")


def test_a_response_is_truncated(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("get_entitlement_item", truncate=True)
    doomed = Web(sandbox.url)
    with pytest.raises(http.client.IncompleteRead) as cut:
        doomed.get("/entitlements/56")
    doomed.close()
    whole = web.get("/entitlements/56").body
    assert cut.value.partial == whole[: len(whole) // 2]


def test_a_response_is_delayed(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("get_entitlement_item", delay=0.2)
    started = time.monotonic()
    assert web.get("/entitlements/56").status == 200
    assert time.monotonic() - started >= 0.2


def test_faults_are_armed_listed_and_cleared_over_http(web: Web, sandbox: Sandbox) -> None:
    armed = web.post("/_sandbox/faults", {"operation": "get_entitlement_item", "status": 500, "times": 2})
    assert armed.status == 200
    assert web.get("/entitlements/56").status == 500
    assert web.get("/_sandbox/faults").json["faults"] == [{**armed.json, "met": 1}]
    (fault,) = sandbox.faults
    assert web.get("/entitlements/56").status == 500
    assert fault.used_up
    assert web.get("/_sandbox/faults").json == {"faults": []}
    sandbox.fail("*", delay=0.001)
    assert web.delete("/_sandbox/faults").status == 204
    assert web.get("/_sandbox/faults").json == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"operation": "fly", "status": 500}, "there is no operation 'fly'"),
        ({"operation": "*"}, "needs a status"),
        ({"operation": "*", "status": 200}, "400 or more"),
        ({"operation": "*", "status": 500, "times": 0}, "1 or more"),
        ({"operation": "*", "delay": -1}, "0 or more"),
        ({"operation": "*", "delay": "long"}, "delay must be a number, not"),
        ({"operation": "*", "status": 500, "reset": True}, "one of status, reset and truncate"),
        ({"operation": "*", "status": 500, "headers": {"X": "a\r\nb"}}, "printable ASCII"),
        ({"operation": "*", "status": 500, "headers": ["X"]}, "headers must be an object"),
        ({"operation": "*", "status": 500, "colour": 1}, "has no colour; it may have operation, status"),
        ({"status": 500}, "operation is required"),
    ],
)
def test_invalid_faults_are_rejected(web: Web, fault: dict[str, Any], message: str) -> None:
    reply = web.post("/_sandbox/faults", fault)
    assert reply.status == 400
    assert message in reply.problem["message"]
    assert web.get("/_sandbox/faults").json == {"faults": []}


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("replace", ["reset", "restore"])
def test_delayed_write_is_not_applied_to_data_that_was_replaced_meanwhile(
    web: Web, sandbox: Sandbox, replace: str, applied: bool
) -> None:
    sandbox.snapshot("before")
    fault = sandbox.fail("use_user_entitlement_item", delay=2, applied=applied)
    with ThreadPoolExecutor(1) as pool:
        late = Web(sandbox.url)
        pending = pool.submit(late.use, 56, 56)
        while not fault.met:
            time.sleep(0.01)
        if replace == "reset":
            sandbox.reset()
        else:
            sandbox.restore("before")
        sandbox.advance(days=1)
        reply = pending.result(60)
        late.close()
    assert reply.status == 503
    assert "replaced" in reply.problem["message"]
    assert web.get("/users/56/inventory/56").json["behavior_data"] == {"consumable": {"use_count": 2}}


def test_delayed_write_is_applied_after_the_clock_has_moved(web: Web, sandbox: Sandbox) -> None:
    sandbox.fail("use_user_entitlement_item", delay=1)
    with ThreadPoolExecutor(1) as pool:
        late = Web(sandbox.url)
        pending = pool.submit(late.use, 56, 56)
        sandbox.advance(seconds=1)
        assert pending.result(60).status == 200
        late.close()


@pytest.mark.parametrize("fault", [{"reset": True}, {"truncate": True}, {"status": 503}, {}], ids=str)
def test_nothing_is_logged_for_a_caller_who_disconnects_during_a_delay(
    web: Web, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    armed = sandbox.fail("use_user_entitlement_item", delay=1, applied=True, **fault)
    url = urlsplit(sandbox.url)
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(b"POST /users/56/entitlements/56/use HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wait_until(lambda: armed.met)
    assert wait_until(lambda: sandbox.journal("use_user_entitlement_item"))
    assert web.get("/users/56/inventory/56").json["behavior_data"] == {"consumable": {"use_count": 3}}
    assert caplog.records == []


def test_stopping_in_the_middle_of_a_delay_drops_the_request_quietly(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Sandbox() as sandbox, ThreadPoolExecutor(1) as pool:
        fault = sandbox.fail("get_entitlement_item", delay=30)
        pending = pool.submit(urlopen, f"{sandbox.url}/entitlements/56", timeout=20)
        while not fault.met:
            time.sleep(0.01)
        sandbox.stop()
        assert isinstance(pending.exception(), OSError)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("fault", [{"reset": True}, {"truncate": True}, {"delay": 3600}], ids=str)
def test_sandbox_stops_while_requests_wait_behind_one_with_a_fault(
    capfd: pytest.CaptureFixture[str], fault: dict[str, Any]
) -> None:
    threads = {*threading.enumerate()}
    with Sandbox() as sandbox:
        armed = sandbox.fail("*", **fault)
        url = urlsplit(sandbox.url)
        with socket.create_connection((url.hostname, url.port)) as connection:
            connection.sendall(b"GET /entitlements/56 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
            assert wait_until(lambda: armed.met)
            sandbox.stop()
    assert {*threading.enumerate()} <= threads
    assert capfd.readouterr().err == ""
