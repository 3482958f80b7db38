"""The responses of the loopback server: inventory entries like those of the service."""

from __future__ import annotations

import json
from typing import Any

SIZES = (1, 25, 1000)

_EPOCH = 1_500_000_000
_STATUSES = ("active", "inactive", "pending")


def entry(number: int) -> dict[str, Any]:
    """Return an inventory entry with every field of the schema."""
    return {
        "behavior_data": {"uses": number % 7, "last_used": _EPOCH + number},
        "created_date": _EPOCH + number,
        "expires": None if number % 5 else _EPOCH * 2 + number,
        "id": number,
        "invoice_id": 3 * number,
        "item_id": 56 + number % 40,
        "item_name": f"Season pass number {number % 40}",
        "item_type_hint": "entitlement_item",
        "status": _STATUSES[number % 3],
        "updated_date": _EPOCH + 2 * number,
        "user": {
            "avatar_url": f"https://cdn.example.com/avatars/{number % 100}.png",
            "display_name": f"Player {number % 100}",
            "id": 100_000 + number % 100,
            "username": f"player{number % 100}",
        },
    }


def page(size: int) -> dict[str, Any]:
    """Return a page of entries."""
    return {
        "content": [entry(number) for number in range(1, size + 1)],
        "first": True,
        "last": True,
        "number": 1,
        "number_of_elements": size,
        "size": size,
        "sort": [{"ascending": True, "direction": "ASC", "property": "id"}],
        "total_elements": size,
        "total_pages": 1,
    }


def item() -> dict[str, Any]:
    """Return an entitlement item with all fourteen fields."""
    return {
        "additional_properties": {
            "color": {"type": "text", "value": "crimson"},
            "level": {"type": "integer", "value": 12},
        },
        "behaviors": [
            {"type_hint": "consumable", "max_use": 10},
            {"type_hint": "time_period_usable", "time_length": 1, "unit_of_time": "day"},
        ],
        "category": "passes",
        "created_date": _EPOCH,
        "id": 56,
        "long_description": "Opens every stage of the season, the bonus stages included, as long as it runs.",
        "name": "Season pass",
        "short_description": "Opens every stage of the season.",
        "sort": 3,
        "tags": ["season", "pass", "2026"],
        "template": "season_template",
        "type_hint": "entitlement",
        "unique_key": "season_pass_2026",
        "updated_date": _EPOCH + 1,
    }


def body(size: int) -> bytes:
    """Return the JSON of a response: one entry, or a page of entries."""
    return json.dumps(entry(56) if size == 1 else page(size), separators=(",", ":")).encode()
