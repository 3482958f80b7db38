"""The route to an origin: where to connect, and what each hop is told."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud import Configuration
from knetik_cloud.wire.routes import ConnectionSettings, Route, without_zone


@pytest.mark.parametrize(
    ("origin", "proxy", "expected"),
    [
        ("http://api.example", None, {"address": ("api.example", 80), "tls_to_proxy": False, "prefix": ""}),
        ("http://api.example:81", None, {"address": ("api.example", 81), "tls_to": None, "proxy": None}),
        ("https://api.example", None, {"address": ("api.example", 443), "tls_to": "api.example"}),
        ("https://[::1]:8443", None, {"address": ("::1", 8443), "tls_to": "::1", "tls_to_proxy": False}),
        ("http://[fe80::1%25en0]:81", None, {"address": ("fe80::1%en0", 81)}),
        (
            "http://api.example",
            "http://me:secret@proxy",
            {
                "address": ("proxy", 80),
                "prefix": "http://api.example",
                "proxy": "the proxy proxy",
                "tls_to_proxy": False,
                "tls_to": None,
                "tunnel": None,
            },
        ),
        (
            "http://api.example",
            "https://proxy:3128",
            {
                "address": ("proxy", 3128),
                "proxy": "the proxy proxy:3128",
                "tls_to_proxy": True,
                "tls_to": None,
            },
        ),
        (
            "https://api.example",
            "https://proxy",
            {
                "address": ("proxy", 443),
                "tunnel": "api.example:443",
                "tls_to_proxy": True,
                "tls_to": "api.example",
                "prefix": "",
            },
        ),
        ("https://[::1]:8443", "http://proxy", {"tunnel": "[::1]:8443", "tls_to_proxy": False}),
        ("https://[fe80::1%25en0]", "http://proxy", {"tunnel": "[fe80::1]:443"}),
        ("http://[fe80::1%25en0]:81", "http://proxy", {"prefix": "http://[fe80::1]:81"}),
    ],
)
def test_route_leads_through_the_proxy(origin: str, proxy: str | None, expected: dict[str, Any]) -> None:
    route = Route(ConnectionSettings.of(Configuration(origin, proxy=proxy)), {})
    assert {name: getattr(route, name) for name in expected} == expected


def test_zone_of_an_address_stays_on_this_machine() -> None:
    assert without_zone("[fe80::1%25en0]:81") == "[fe80::1]:81"
    assert without_zone("[fe80::1]:81") == "[fe80::1]:81"
    assert without_zone("api.example:81") == "api.example:81"
