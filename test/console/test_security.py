"""Who may use the console, and what its pages let a browser do."""

from __future__ import annotations

import re

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.console.pages import PAGES
from knetik_cloud.sandbox.console.rendering import prose
from test.console.conftest import Pages

WRITES = sorted(path for path, methods in PAGES.items() if "POST" in methods)


def concrete(path: str) -> str:
    """Return an address of a page's path."""
    values = {
        "table": "users",
        "key:knetik_text": "56",
        "number:knetik_id": "1",
        "operation": "use_user_entitlement_item",
    }
    return "/console" + re.sub(r"\{([^}]+)\}", lambda match: values[match[1]], path)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_write_is_rejected_without_the_same_origin(
    pages: Pages, sandbox: Sandbox, path: str, headers: dict[str, str]
) -> None:
    before = sandbox.export()

    reply = pages.send(concrete(path), headers=headers, do="freeze", operation="*", kind="503")

    assert reply.status == 403
    assert sandbox.export() == before
    assert sandbox.faults == []
    assert sandbox.journal() == []


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("token", [None, "", "x", "x" * 43, "é"])
def test_write_is_rejected_without_the_token(
    pages: Pages, sandbox: Sandbox, path: str, token: str | None
) -> None:
    before = sandbox.export()
    fields = {"do": "freeze", "operation": "*", "kind": "503"}

    reply = pages.post(
        concrete(path),
        form=fields if token is None else {**fields, "console_token": token},
        headers={"Origin": pages.origin},
    )

    assert reply.status == 403
    assert sandbox.export() == before
    assert sandbox.faults == []


@pytest.mark.parametrize("headers", ["origin", "site"])
def test_write_is_accepted_from_the_consoles_own_pages(pages: Pages, sandbox: Sandbox, headers: str) -> None:
    sent = {"Origin": pages.origin} if headers == "origin" else {"Sec-Fetch-Site": "same-origin"}

    reply = pages.send("/console/clock", headers=sent, do="set", when="2030-01-01T00:00:00Z")

    assert reply.status == 303
    assert sandbox.now() > 1_893_456_000


@pytest.mark.parametrize("path", ["/console", "/console/data/users/56", "/console/journal/stream"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:3000", "null"])
def test_pages_of_other_origins_read_nothing(pages: Pages, path: str, origin: str) -> None:
    # The sandbox itself trusts other origins of this machine. The console must not.
    reply = pages.get(path, headers={"Origin": origin})

    assert reply.status == 403
    assert b"console_token" not in reply.body


def test_foreign_host_is_rejected(pages: Pages) -> None:
    assert pages.get("/console", headers={"Host": "evil.example"}).status == 421


def test_texts_of_the_contract_are_escaped_and_show_their_code_as_code(pages: Pages) -> None:
    page = pages.page("/console/try/get_o_auth_token")
    assert "<code>client_credentials</code>" in page
    assert "&lt;code&gt;" not in page
    assert str(prose("<b> `<i>`")) == "&lt;b&gt; <code>&lt;i&gt;</code>"


@pytest.mark.parametrize("path", ["/console", "/console/nope", "/console/data/users/56", "/console/try"])
def test_pages_forbid_inline_code_frames_and_caches(pages: Pages, path: str) -> None:
    headers = pages.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_pages_hold_no_inline_code(pages: Pages) -> None:
    for path in ("", "/journal", "/data", "/data/users/56", "/why", "/clock", "/faults", "/undo", "/try"):
        page = pages.page(f"/console{path}")
        assert not re.search(r"<script(?![^>]* src=)|\son\w+=|javascript:|\sstyle=|<style", page), path
        for address in re.findall(r'(?:src|href|action|hx-get)="([^"]*)"', page):
            assert address.startswith(("/console", "/docs", "#")), address


def test_console_is_off_with_the_control_api() -> None:
    with Sandbox(control="off") as sandbox:
        client = Pages(sandbox.url)
        assert client.get("/console").status == 404
        assert client.get("/console/journal").status == 404
        client.close()


def test_secrets_are_masked_until_a_form_asks_for_them(pages: Pages) -> None:
    assert "password_example" not in pages.page("/console/data/users/56")
    assert "client_secret_example" not in pages.page("/console/data/clients/knetik")
    assert "password_example" not in pages.page("/console/data/users?q=user_id")
    assert "password_example" not in pages.page("/console/data/users/56?revealed=1&do=reveal")

    assert "password_example" in pages.send("/console/data/users/56").body.decode()
    assert "client_secret_example" in pages.send("/console/data/clients/knetik").body.decode()


def test_token_is_not_in_the_address_of_any_page(pages: Pages) -> None:
    token = pages.token()

    for path in ("", "/data", "/clock", "/faults", "/undo", "/try/use_user_entitlement_item"):
        page = pages.page(f"/console{path}")
        assert not [address for address in re.findall(r'(?:href|action)="([^"]*)"', page) if token in address]
