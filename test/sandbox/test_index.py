"""The page at /."""

from __future__ import annotations

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web


def test_programs_receive_the_available_urls(web: Web, sandbox: Sandbox) -> None:
    reply = web.get("/")
    assert reply.json == {
        "docs": "/docs",
        "contract": "/docs/openapi.json",
        "console": "/console",
        "control": "/_sandbox",
    }
    for path in reply.json.values():
        assert web.get(path).status in (200, 307)
    assert sandbox.journal() == []


def test_browsers_continue_to_the_console(web: Web) -> None:
    reply = web.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (reply.status, reply.headers["location"]) == (307, "/console")


def test_nothing_is_written_there(web: Web) -> None:
    assert web.post("/", {}).status == 405


def test_a_control_api_and_a_console_that_are_off_are_not_named() -> None:
    with Sandbox(control="off") as sandbox:
        client = Web(sandbox.url)
        assert client.get("/").json == {"docs": "/docs", "contract": "/docs/openapi.json"}
        client.close()
