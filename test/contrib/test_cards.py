"""Notebook cards are escaped, bounded, show no secret, and fetch nothing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knetik_cloud import (
    ApiClient,
    Configuration,
    OAuth2Resource,
    PageResourceUserInventoryResource,
    UserInventoryResource,
    UsersInventoryApi,
    aio,
    models,
)
from knetik_cloud.data.model import Model
from test.models.documents import documents, model_class
from test.paging.lists import ListService, entries


def cells(card: str) -> list[str]:
    """Parse a card, as only well-formed HTML can be, and list the texts of its cells."""
    return [
        cell.text or "" for cell in ET.fromstring(f"<div>{card}</div>").iter() if cell.tag in ("td", "th")
    ]


def card(shown: object) -> str:
    html: str = shown._repr_html_()  # type: ignore[attr-defined]
    return html


def test_model_shows_its_fields_unknown_ones_too() -> None:
    entry = UserInventoryResource.from_dict({"id": 5, "expires": 0, "x-new": [1], "user": {"id": 3}})
    assert cells(card(entry)) == [
        *("field", "value"),
        *("id", "5"),
        *("expires", "0 (1970-01-01 00:00:00 UTC)"),
        *("x-new", "[1]"),
        *("user", "SimpleUserResource(id=3)"),
    ]


def test_page_shows_its_items_as_rows() -> None:
    page = PageResourceUserInventoryResource.from_dict(
        {"content": [{"id": 1}, {"id": 2, "status": "active"}, None], "total_elements": 9}
    )
    assert "3 items of 9" in card(page)
    assert cells(card(page)) == ["id", "status", "value", "1", "", "", "2", "active", "", "", "", ""]


def test_long_pages_and_texts_are_cut() -> None:
    page = PageResourceUserInventoryResource.from_dict({"content": [{"id": 1, "status": "x" * 999}] * 100})
    assert "... and 80 more" in card(page)
    assert len(card(page)) < 20_000


@settings(max_examples=60)
@given(st.data())
def test_any_model_has_a_well_formed_card(data: st.DataObject) -> None:
    kind = model_class(data.draw(st.sampled_from(sorted(models.__all__))))
    model: Model = kind.from_dict(data.draw(documents(kind.__name__)))
    before = model.to_json()
    assert card(model).startswith("<table>")
    assert model.to_json() == before


@pytest.mark.parametrize("field", ["item_name", "x-new", "<b>"])
def test_markup_is_escaped(field: str) -> None:
    text = '<script>alert("x")</script>&'
    entry = UserInventoryResource.from_dict({field: text})
    page = PageResourceUserInventoryResource.from_dict({"content": [{field: text}]})
    for shown in (card(entry), card(page)):
        assert "<script>" not in shown
        assert "<b>" not in shown
        assert text in cells(shown)


def test_secrets_are_masked() -> None:
    token = OAuth2Resource(access_token="canary", refresh_token="canary", token_type="bearer")
    assert "canary" not in card(token)
    assert "bearer" in card(token)


def test_pager_shows_what_it_lists_and_fetches_nothing() -> None:
    with ListService(entries(3)) as service, ApiClient(Configuration(host=service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(filter_item_name="<b>")
        assert "not read yet" in card(pager)
        assert "&lt;b&gt;" in card(pager)
        assert service.requests == []
        list(pager)
        assert "3 items in the full list" in card(pager)
        hidden = UsersInventoryApi(client).iter_users_inventory(_headers={"X-Api-Key": "canary"})
        assert "canary" not in card(hidden)
        asynchronous = aio.UsersInventoryApi(aio.ApiClient(client.configuration)).iter_users_inventory()
        assert "not read yet" in card(asynchronous)
