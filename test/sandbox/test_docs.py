"""The contract at /docs."""

from __future__ import annotations

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Web


def test_docs_lead_to_the_forms_of_the_console(web: Web) -> None:
    reply = web.get("/docs")
    assert (reply.status, reply.headers["location"]) == (307, "/console/try")


def test_docs_lead_to_the_contract_without_a_console() -> None:
    with Sandbox(control="off") as sandbox:
        client = Web(sandbox.url)
        reply = client.get("/docs")
        client.close()
    assert (reply.status, reply.headers["location"]) == (307, "/docs/openapi.json")


def test_the_document_shows_the_contract_with_this_server(web: Web) -> None:
    document = web.get("/docs/openapi.json").json
    assert document["servers"] == [{"url": "/"}]
    assert "/entitlements" in document["paths"]
