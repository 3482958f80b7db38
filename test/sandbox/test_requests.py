"""Requests that can't be read, and those at the edges of HTTP."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"a":1}}',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"x": "a\\u0000b"}',
        b"[" * 100_000,
        b'{"x":' * 200 + b"1" + b"}" * 200,
        b'{"name": ' + b"9" * 5000 + b"}",
        b"   ",
    ],
)
def test_a_body_other_than_json_is_rejected(web: Web, body: bytes) -> None:
    reply = web.call("POST", "/entitlements", body=body, headers=JSON)
    assert reply.status == 400
    assert reply.json["result"][0]["message"].startswith("the body is")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", None]
)
def test_body_requires_json_content_type(web: Web, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = web.call("POST", "/entitlements", body=b'{"name":"a","type_hint":"entitlement"}', headers=headers)
    assert reply.status == 400
    assert "Content-Type must be application/json" in reply.problem["message"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_may_have_parameters_and_capitals(web: Web, content_type: str) -> None:
    body = b'{"name":"a","type_hint":"entitlement"}'
    assert web.call("POST", "/entitlements", body=body, headers={"Content-Type": content_type}).status == 201


def test_a_body_has_a_maximum_size(web: Web) -> None:
    reply = web.call("POST", "/entitlements", body=b'"' + b"x" * 4 * 2**20 + b'"', headers=JSON)
    assert reply.status == 400
    assert "4194304" in reply.problem["message"]


@pytest.mark.parametrize("path", ["/nope", "/entitlements/1/2", "/users/56", "/users//inventory"])
def test_an_unknown_path_is_not_found(web: Web, path: str) -> None:
    reply = web.get(path)
    assert reply.status == 404
    assert path in reply.problem["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/entitlements", "GET, HEAD, POST"),
        ("DELETE", "/entitlements", "GET, HEAD, POST"),
        ("POST", "/inventories/", "GET, HEAD"),
        ("POST", "/entitlements/56", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/users/56/inventory/56/status", "PUT"),
        ("PUT", "/entitlements/templates", "GET, HEAD, POST"),
    ],
)
def test_an_unknown_method_of_a_path_is_rejected(web: Web, method: str, path: str, allowed: str) -> None:
    reply = web.call(method, path)
    assert reply.status == 405
    assert reply.headers["allow"] == allowed


def test_a_trailing_slash_is_accepted(web: Web) -> None:
    assert web.get("/entitlements/56/").json == web.get("/entitlements/56").json


@pytest.mark.parametrize("entry_id", ["abc", "1.5", "2147483648", "-2147483649", "%20", "1e3", "٥٦"])
def test_an_id_must_be_a_whole_number_of_32_bits(web: Web, entry_id: str) -> None:
    from urllib.parse import quote

    reply = web.get(f"/users/56/inventory/{quote(entry_id, safe='%')}")
    assert (reply.status, reply.problem["field"]) == (400, "id")


def test_every_wrong_parameter_is_named(web: Web) -> None:
    reply = web.get("/users/x/inventory", query={"size": -1, "page": "one", "inactive": "?"})
    assert reply.fields == ["id", "inactive", "size", "page"]


def test_errors_carry_an_id_of_their_own(web: Web) -> None:
    first, second = (web.get("/entitlements/999").json for _ in range(2))
    assert first["code"] == 1003
    milliseconds, _, number = first["request_id"].partition("-")
    assert milliseconds.isdigit()
    assert number.isdigit()
    assert first["request_id"] != second["request_id"]


def test_text_is_returned_unchanged(web: Web) -> None:
    name = "Zaubertrank 🧪 ‮ \x7f \x01 '\";--"
    item = web.create_item(name=name)
    reply = web.get(f"/entitlements/{item}")
    assert reply.json["name"] == name
    assert json.loads(reply.body.decode("utf-8"))["name"] == name


def test_a_client_that_disconnects_within_its_body_changes_nothing(web: Web, sandbox: Sandbox) -> None:
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as raw:
        raw.sendall(
            b"POST /entitlements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"name":"half","type_hint":"entitlement"}'
        )
    assert web.get("/entitlements").json["total_elements"] == 6


def test_a_defect_of_the_sandbox_is_a_500_with_a_result(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from knetik_cloud.sandbox import operations

    def broken(call: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(operations.HANDLERS, "get_entitlement_item", broken)
    reply = web.get("/entitlements/56")
    assert (reply.status, reply.json["code"]) == (500, 1500)
    assert "ZeroDivisionError" in reply.problem["message"]
    assert web.get("/entitlements").status == 200
    assert "get_entitlement_item failed" in caplog.text
