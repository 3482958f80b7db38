"""The journal shows no secret, however it is spelled, and keeps within its size."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from knetik_cloud.sandbox import Sandbox, journal, masking
from knetik_cloud.sandbox.masking import masked_body, masked_form, masked_header
from test.sandbox.conftest import running_command
from test.sandbox.web import Web

SECRET = "hush4711"


@pytest.mark.parametrize(
    "body",
    [
        '{"password": "hush4711"}',
        '{"Password":"hush4711", "a": 1}',
        '{"clientSecret" : "hush4711"}',
        '{"client-secret": "hush4711"}',
        '{"ACCESS_TOKEN": "hush4711"}',
        '{"pass\\u0077ord": "hush4711"}',
        '{"\\u0070\\u0061\\u0073\\u0073\\u0077\\u006f\\u0072\\u0064": "hush4711"}',
        '{"new_password": "hush4711"}',
        '{"a": [{"b": {"refreshToken": "hush4711"}}]}',
        '{"password": ["hush4711", {"x": "hush4711"}], "b": 2}',
        '{"password": {"value": "a]}\\"hush4711"}}',
        '{"password": "a\\"hush4711',
        '{"password": "hush4711\\',
        '{"password": ["hush4711',
        "{'password': 'hush4711'}",
        "{password: hush4711}",
        "password: hush4711",
        "grant_type=password&password=hush4711",
        "pass%77ord=hush4711&a=1",
        "Client_Secret=hush4711;a=1",
        "user[password]=hush4711",
        "<user><password>hush4711</password></user>",
        '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhush4711\r\n--b--\r\n',
        "--b\r\nContent-Disposition: form-data; name=client_secret\r\nContent-Type: x\r\n\r\nhush4711",
        '[{"token": "hush4711"}]',
        '{"apiKey": "hush4711"}',
        '{"token": 4711, "x": "y"}',
        '{"arguments": ["--password=hush4711"]}',
        '["--password=hush4711"]',
        '{"token": "a", "arguments": ["--password=hush4711"]}',
        '{"message": "must be a number, not {\\"password\\": [\\"hush4711\\"]}"}',
        '{"message": "not {\\"a\\": \\"{\\\\\\"token\\\\\\": \\\\\\"hush4711',
        "{\"token\": \"a\", 'password': 'hush4711'}",
        "password: two words hush4711",
        "password:\n  - hush4711",
        "password: |\n  a, hush4711",
        "user,password\nkim,hush4711",
        "<a:password x='1'>hush4711</a:password>",
        "<password type='x'>hush4711",
        "<password><![CDATA[hush4711]]></password>",
        '--b\r\ncontent-disposition: FORM-DATA; filename="a"; NAME="password"\r\n\r\nhush4711\r\n--b--\r\n',
        "--b\r\nContent-Disposition: form-data; name*=utf-8''pass%77ord\r\n\r\nhush4711\r\n--b--\r\n",
        f'--b\r\nContent-Disposition: form-data; name="password"; filename="{"a" * 3000}"\r\n\r\nhush4711',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_secrets_in_bodies_are_masked(body: str, encoding: str) -> None:
    text = masked_body(body.encode(encoding))
    assert text is not None
    assert "***" in text
    assert "4711" not in text


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "Lamp", "type_hint":"entitlement", "unique_key": "k"}',
        '{"token_type": "bearer", "expires_in": 43200, "password": null}',
        '{"password": "***", "name": "Lamp"}',
        "grant_type=password&username=kim&empty=",
        "plain text",
        '"active"',
        "17",
        '{"message": "client_secret is required for this grant; see \\"tokens\\""}',
        '{"a": "token: ***", "token": "***", "b": "cut',
    ],
)
def test_other_bodies_are_unchanged(body: str) -> None:
    assert masked_body(body.encode()) == body


def test_body_without_the_name_of_a_secret_is_not_searched_for_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(masking, "_masked_json", pytest.fail)
    body = '{"name": "Secret LevelUpdated", "token_type": "bearer", "tags": ["password reset", "Ümläut"]}'

    assert masked_body(body.encode()) == body


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("authorization", "Bearer hush", "Bearer ***"),
        ("Authorization", "basic aHVzaA==", "basic ***"),
        ("authorization", "hush", "***"),
        ("authorization", "hush 4711", "***"),
        ("proxy-authorization", "Basic x", "Basic ***"),
        ("cookie", "a=b; c=d", "***"),
        ("set-cookie", "a=b", "***"),
        ("X-Api-Key", "hush", "***"),
        ("x-auth-token", "hush", "***"),
        ("referer", "http://localhost/x?access_token=hush&a=1", "http://localhost/x?access_token=***&a=1"),
        ("content-type", "application/json", "application/json"),
    ],
)
def test_secrets_in_headers_are_masked(name: str, value: str, shown: str) -> None:
    assert masked_header(name, value) == shown


def test_a_query_keeps_everything_but_secrets() -> None:
    query = "a=%20b&access%5Ftoken=hush&x&c=d=e&Token=hush"
    assert masked_form(query) == "a=%20b&access%5Ftoken=***&x&c=d=e&Token=***"


@pytest.mark.parametrize(
    "text",
    [
        '{"' * 8000,
        '"a":' * 4000,
        "\\" * 16000,
        "name=" * 3000,
        "a:" * 8000,
        "<a>" * 5000,
        "token x=" * 2000,
        "form-data\n" * 1600,
    ],
)
def test_masking_takes_linear_time(text: str) -> None:
    started = time.process_time()
    masked_body(text[:16_384].encode())
    once = time.process_time() - started
    started = time.process_time()
    masked_body(text[:4096].encode())
    # Quadratic would be 16 times; an absolute floor keeps tiny times from deciding.
    assert once < 12 * (time.process_time() - started) + 0.02


@pytest.mark.parametrize("content_type", ["APPLICATION/X-WWW-FORM-URLENCODED; charset=x", "text/plain", None])
def test_a_form_is_masked_with_any_media_type(web: Web, sandbox: Sandbox, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    web.call("POST", "/oauth/token", body=b"grant_type=password&PassWord=hush4711", headers=headers)
    web.call("POST", "/oauth/token?client%5Fsecret=hush4711", headers={"X-Api-Key": "hush4711"})
    shown = json.dumps(web.get("/_sandbox/journal").json)
    assert SECRET not in shown
    assert len(sandbox.journal()) == 2


def test_the_journal_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_JOURNAL_BYTES", 500_000)
    with Sandbox() as sandbox:
        client = Web(sandbox.url)
        for _ in range(20):
            client.get("/entitlements/56", headers={f"X-{n}": "v" * 1000 for n in range(50)})
        kept = sandbox.journal()
        assert 5 < len(kept) < 10
        assert kept[-1].number == 20
        for _ in range(20):
            client.post("/entitlements", {"type_hint": "entitlement", "name": "x" * 100_000})
        kept = sandbox.journal()
        assert 10 < len(kept) < 31
        assert sum(len(json.dumps(each.to_dict())) for each in kept) < 2_000_000
        client.close()


@pytest.mark.postgresql
@pytest.mark.slow
def test_the_journal_of_several_processes_is_bounded_in_bytes(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (_, url):
        client = Web(url)
        headers = {f"X-{n}": "v" * 1000 for n in range(50)}
        for _ in range(320):
            client.get("/entitlements/56", headers=headers)
        exchanges = client.get("/_sandbox/journal").json["exchanges"]
        size = sum(len(json.dumps(each)) for each in exchanges)
        # It is cut to its size with every hundredth exchange.
        assert size < journal.MAX_JOURNAL_BYTES + 100 * 150_000
        assert len(exchanges) < 280
        client.close()


def test_exchanges_listed_in_short_are_the_full_ones_without_some_fields() -> None:
    with Sandbox() as sandbox:
        client = Web(sandbox.url)
        client.use(56, 56, query={"info": "round 3", "access_token": SECRET})
        client.use(3, 56)
        client.close()
        assert sandbox._service is not None
        book = sandbox._service.controls.journal
        whole, short = book.newest(2), book.newest(2, whole=False)
    for each, other in zip(whole, short, strict=True):
        assert replace(each, headers={}, answer_headers={}, body=None, answer=None, curl="") == other
    assert SECRET not in repr(short)


def test_a_secret_is_masked_in_the_error_that_quotes_it(web: Web, sandbox: Sandbox) -> None:
    reply = web.post("/users/56/entitlements", {"entitlement_id": {"password": SECRET}})
    assert SECRET in reply.problem["message"]
    assert SECRET not in json.dumps(web.get("/_sandbox/journal").json)
