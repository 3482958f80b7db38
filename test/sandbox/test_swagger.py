"""Swagger UI, without a network."""

from __future__ import annotations

import re

from test.sandbox.web import Web


def test_the_page_takes_everything_from_this_server(web: Web) -> None:
    page = web.get("/docs").body.decode()
    links = re.findall(r'(?:src|href|url)(?:=|: )"([^"]+)"', page)
    assert len(links) == 4
    for link in links:
        assert link.startswith("/docs/")
        assert web.get(link).status == 200


def test_the_page_shows_the_contract_with_this_server(web: Web) -> None:
    document = web.get("/docs/openapi.json").json
    assert document["servers"] == [{"url": "/"}]
    assert "/entitlements" in document["paths"]
