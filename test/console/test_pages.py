"""The console's pages as plain requests see them: what they show, and what their forms do."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterable
from contextlib import closing
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.console import identities
from test.conftest import RunScript
from test.console.conftest import Pages


def test_page_of_an_item_links_to_the_items_that_share_its_limits(pages: Pages) -> None:
    limited: dict[str, Any] = {"type_hint": "limited_gettable", "group": {"name": "hats", "owned_limit": 1}}
    limited["group"]["active_only"] = False
    periodic = {"type_hint": "time_period_gettable", "group_name": "hats", "get_limit": 1}
    periodic |= {"time_length": 1, "unit_of_time": "day"}
    first, second = (pages.create_item(behaviors=[limited, periodic]) for _ in range(2))

    page = pages.page(f"/console/data/items/{first}")

    assert page.count(f'href="/console/data/items/{second}"') == 1


BIG = 2_000_000_000
"""The largest id in a seed."""


@pytest.fixture
def big(sandbox: Sandbox) -> Sandbox:
    """A sandbox with ids of ten digits, and a user whose id is the beginning of another."""
    sandbox.seed(
        {
            "users": [
                {"id": BIG, "username": "big_user", "password": "secret_of_big"},
                {"id": BIG // 10, "username": "other_user", "password": "secret_of_other"},
            ],
            "items": [{"id": BIG, "type_hint": "entitlement", "name": "Big Item"}],
            "inventory": [{"id": BIG, "user_id": BIG, "item_id": BIG}],
        }
    )
    return sandbox


@pytest.mark.parametrize(
    "address",
    [
        f"data/entries/{BIG}",
        f"data/items/{BIG}",
        f"data/entries?user={BIG}",
        f"data/entries?q={BIG}",
        f"why?user={BIG}&item={BIG}&action=get",
    ],
)
def test_page_finds_ids_of_ten_digits(big: Sandbox, pages: Pages, address: str) -> None:
    page = pages.page(f"/console/{address}")

    assert f'href="/console/data/items/{BIG}"' in page or "<h1>Item" in page
    assert "Big Item" in page


def test_request_is_sent_as_the_user_with_an_id_of_ten_digits(big: Sandbox, pages: Pages) -> None:
    sent = {"p-user_id": "me", "p-item_id": "56", "as": f"user:{BIG}"}

    reply = pages.send("/console/try/check_user_entitlement_item", **sent)

    assert reply.status == 303
    assert big.journal("check_user_entitlement_item")[0].caller == f"user:{BIG}"
    for value in (f"user:{BIG}0", f"user:{BIG // 10}x", "user:" + "9" * 5000, "user:²"):
        assert pages.send("/console/try/get_o_auth_token", do="fill", **{"as": value}).status == 404


@pytest.mark.parametrize("number", ["3000000000", "9" * 5000, "²"])
def test_page_accepts_numbers_that_are_not_ids(big: Sandbox, pages: Pages, number: str) -> None:
    pages.post("/users/56/entitlements", {"entitlement_id": 56, "item_id": number})
    text = quote(number)

    for address in (
        *(f"data/users/{text}", f"journal/{text}"),
        *(f"journal/code?row={text}", f"faults?from={text}"),
    ):
        assert pages.get(f"/console/{address}").status in (200, 400, 404)
    for address in (
        "journal/1",
        f"data/entries?user={text}",
        f"data/users?q={text}&page={text}",
        f"journal?user={text}&before={text}",
        f"try/grant_user_entitlement?entitlement_id={text}",
    ):
        pages.page(f"/console/{address}")
    assert "must be an id" in pages.page(f"/console/why?user={text}&item=56&action=use")


def buy(pages: Pages, user_id: int) -> None:
    """Buy a Potion of Speed, which lasts 30 days, by invoice."""
    body = {"sku": "sku_example", "note": "", "skip_invoice": False, "overrides": []}
    assert pages.post(f"/users/{user_id}/inventory", body).status == 201


@pytest.mark.parametrize("address", ["data/entries?user=1", "data/entries/{id}", "data/users/1"])
def test_page_shows_the_entries_of_due_invoices(sandbox: Sandbox, pages: Pages, address: str) -> None:
    buy(pages, 1)
    (entry,) = pages.entries(1, 56)
    sandbox.advance(days=1)

    page = pages.page("/console/" + address.format(**entry))

    assert "active" in page
    assert "pending" not in page


def test_clock_lists_the_end_of_the_entries_of_due_invoices(sandbox: Sandbox, pages: Pages) -> None:
    buy(pages, 1)
    sandbox.advance(days=1)

    assert "Potion of Speed of user 1 expires" in pages.page("/console/clock")


def test_limits_of_many_items_and_users_take_as_few_statements_as_those_of_one(
    sandbox: Sandbox, pages: Pages
) -> None:
    now = int(sandbox.now())
    hour = {"time_length": 1, "unit_of_time": "hour"}
    used_up = {"time_period_usable": {"period_start": now, "use_count": 1}}
    behaviors = [
        {"type_hint": "time_period_usable", "max_use": 1, **hour},
        {"type_hint": "time_period_gettable", "group_name": "lamps", "get_limit": 1, **hour},
    ]

    def statements_after_adding(ids: Iterable[int]) -> int:
        for number in ids:
            item = {"id": number, "name": "Lamp", "type_hint": "entitlement", "behaviors": behaviors}
            user = {"id": number, "username": f"user {number}"}
            entry = {"user_id": number, "item_id": number, "behavior_data": used_up, "created_date": now}
            sandbox.seed({"items": [item], "users": [user], "inventory": [entry]})
        assert sandbox._service is not None
        connection: Any = sandbox._service.database._only.connection  # type: ignore[union-attr]
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        page = pages.page("/console/clock?until=" + str(now + 7200))
        connection.set_trace_callback(None)
        assert "Lamp of user 1000 can be used again" in page
        assert "User 1000 can get Lamp again (group lamps)" in page
        return len(statements)

    assert statements_after_adding([1000]) == statements_after_adding(range(1001, 1020))


def test_later_verdict_counts_the_lifetime_from_the_fulfillment(sandbox: Sandbox, pages: Pages) -> None:
    sandbox.freeze()
    buy(pages, 1)

    for days, verdict in ((29, "could use"), (31, "could not use")):
        at = sandbox.now() + days * 86_400
        page = pages.page(f"/console/why?user=1&item=56&action=use&at={at}")
        assert re.sub(r"\s+", " ", page).count(f"</a> {verdict} <a") == 1


def test_page_finds_keys_with_line_breaks(sandbox: Sandbox, pages: Pages) -> None:
    keys = ("a", "a\n", "\na", "a\nb")
    rows = [{"sku": key, "item_id": 56, "description": f"number {n}"} for n, key in enumerate(keys)]
    sandbox.seed({"skus": rows})
    for number, key in enumerate(keys):
        assert f"number {number}" in pages.page(f"/console/data/skus/{quote(key)}")


def test_a_path_type_of_an_application_in_the_process_stays_its_own(run_script: RunScript) -> None:
    program = """
import urllib.request
from starlette.convertors import CONVERTOR_TYPES, StringConvertor
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.console import identities

own = dict.fromkeys(("id", "snapshot", "text"), StringConvertor())
CONVERTOR_TYPES.update(own)
with Sandbox() as sandbox:
    with urllib.request.urlopen(sandbox.url + "/console/data/items/4") as response:
        print(response.status)
print(CONVERTOR_TYPES.items() >= own.items())
"""
    ran = run_script(program)
    assert ran.stdout.split() == ["200", "True"], ran.stderr


def test_form_that_replaces_a_row_is_filled_in_with_it(sandbox: Sandbox, pages: Pages) -> None:
    item = {"type_hint": "entitlement", "name": "Scroll", "long_description": "long " * 2000, "behaviors": []}
    sandbox.seed({"items": [{"id": 900, **item}], "templates": [{"id": "t", "name": "Scrolls"}]})
    rows = {
        "items/900": ("update_entitlement_item", {**item, "sort": 500}),
        "templates/t": ("update_entitlement_template", {"name": "Scrolls"}),
        "entries/56": ("update_user_inventory_behavior_data", {"consumable": {"use_count": 2}}),
    }
    for row, (operation, stored) in rows.items():
        link = re.search(f'href="([^"]*/{operation}[^"]*)"', pages.page(f"/console/data/{row}"))
        assert link is not None
        field = re.search("<textarea[^>]*>(.*?)</textarea>", pages.page(unescape(link[1])), re.DOTALL)
        assert field is not None
        assert json.loads(unescape(field[1])) == stored


def test_form_for_a_row_that_does_not_exist_has_the_example(pages: Pages) -> None:
    for key in ("nothing", "%00", ""):
        page = pages.page(f"/console/try/update_entitlement_template?id={key}")
        assert "Potions and elixirs" in page


@pytest.mark.parametrize("text", ["tea\x85", "\x85", "a\u2028b", "\r\n", "yes", "1e3", "☃\ufeff"])
@pytest.mark.parametrize("query", ["", "?user=9"])
def test_exported_texts_are_loaded_unchanged(sandbox: Sandbox, pages: Pages, query: str, text: str) -> None:
    sandbox.seed({"users": [{"id": 9, "username": text, "groups": [text]}]})
    exported = pages.get(f"/console/data/export{query}").body
    sandbox.reset()

    assert pages.post("/_sandbox/seed", body=exported).status == 204

    (user,) = (each for each in sandbox.export()["users"] if each["id"] == 9)
    assert (user["username"], user["groups"]) == (text, [text])


def test_requests_are_served_while_data_is_exported(
    sandbox: Sandbox, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, write = threading.Event(), yaml.dump
    waited = []

    def slow_dump(*args: Any, **options: Any) -> Any:
        other = threading.Thread(target=request)
        other.start()
        waited.append(served.wait(20))
        return write(*args, **options)

    def request() -> None:
        with closing(Pages(sandbox.url)) as client:
            client.page("/entitlements/56")
        served.set()

    monkeypatch.setattr(yaml, "dump", slow_dump)
    assert "Potion of Speed" in pages.page("/console/data/export")
    assert waited == [True]


@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_fault_like_one_that_a_request_met_has_its_retry_after(
    sandbox: Sandbox, pages: Pages, name: str
) -> None:
    sandbox.fail("use_user_entitlement_item", status=429, headers={name: "7"})
    pages.use(56, 56)

    form = pages.page("/console/faults?from=1")

    assert 'name="retry_after" value="7"' in form


def test_fault_like_one_that_a_request_met_is_the_same(sandbox: Sandbox, pages: Pages) -> None:
    headers = {"X-Reason": 'a "b" <c>', "retry-after": "7", "WWW-Authenticate": "Bearer"}
    sandbox.fail("use_user_entitlement_item", status=429, delay=0.001234567, headers=headers)
    pages.use(56, 56)

    form = pages.page("/console/faults?from=1")
    fields = re.findall(r'<input name="((?:header-|retry|delay)[^"]*)"[^>]* value="([^"]*)"', form)
    filled = {html.unescape(name): html.unescape(value) for name, value in fields}
    assert (
        pages.send(
            "/console/faults", operation="use_user_entitlement_item", kind="429", times=1, **filled
        ).status
        == 303
    )

    [armed] = json.loads(pages.get("/_sandbox/faults").body)["faults"]
    assert armed["delay"] == 0.001234567
    assert {name.lower(): text for name, text in armed["headers"].items()} == {
        name.lower(): text for name, text in headers.items()
    }


def test_pages_that_show_no_bodies_read_none(
    sandbox: Sandbox, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fail("*", delay=0.001, times=None)
    for _ in range(3):
        pages.get("/entitlements/56")
    monkeypatch.setattr("knetik_cloud.sandbox.journal.masked_body", pytest.fail)

    assert pages.page("/console/faults").count('href="/console/journal/') == 3
    assert "holds 3 requests" in pages.send("/console/journal/clear").body.decode()


ITEM = '{"name": "%s", "type_hint": "entitlement", "behaviors": [], "additional_properties": {"token": %s}}'
TEXT = '{"type": "text", "value": "hush"}'
RECORDED = {
    "masked": (ITEM % ("***", TEXT), ITEM % ("***", '"***"'), ITEM % ("***", TEXT)),
    "cut": (ITEM % ("x" * 20_000, TEXT), (ITEM % ("x" * 20_000, TEXT))[:16_384], ITEM % ("x", TEXT)),
    "cut and masked": (
        ITEM % ("x" * 12_000, '"' + "t" * 5000 + '"'),
        (ITEM % ("x" * 12_000, '"***"')).rstrip("}"),
        ITEM % ("x", TEXT),
    ),
    "bytes": (b'{"name": "\xff"}', '{"name": "\ufffd"}', ITEM % ("x", TEXT)),
}
"""Bodies as they were sent, bodies like those that the journal keeps of them, and bodies without gaps."""


@pytest.mark.parametrize("kind", RECORDED)
def test_body_that_the_journal_keeps_in_part_is_sent_again_only_once_it_is_complete(
    sandbox: Sandbox, pages: Pages, kind: str
) -> None:
    sent, kept, complete = RECORDED[kind]
    body = sent.encode() if isinstance(sent, str) else sent
    pages.post("/entitlements", body=body, headers={"Content-Type": "application/json"})
    form = pages.page("/console/try/create_entitlement_item?from=1")
    name = re.search('name="kept" value="([^"]+)"', form)
    assert name is not None
    problem = re.search('class="problem" role="alert">(.+?)</p>', form)
    assert problem is not None

    reply = pages.send("/console/try/create_entitlement_item", kept=name[1], body=kept)

    assert reply.status == 400
    assert problem[0] in reply.body.decode()
    assert len(sandbox.journal()) == 1
    reply = pages.send("/console/try/create_entitlement_item", kept=name[1], body=complete)
    assert reply.status == 303
    assert sandbox.journal()[-1].status == 201


@pytest.mark.parametrize("body", [ITEM % ("***", "null"), ITEM % ("x" * 16_000, '"x"'), "{nope", ""])
def test_body_that_the_journal_keeps_whole_can_be_sent_again(pages: Pages, body: str) -> None:
    content = body.replace('"x"', "null").encode()
    pages.post("/entitlements", body=content, headers={"Content-Type": "application/json"})

    assert 'class="problem"' not in pages.page("/console/try/create_entitlement_item?from=1")


def test_request_is_sent_again_as_its_caller(pages: Pages) -> None:
    with Sandbox(require_auth=True) as sandbox, closing(Pages(sandbox.url)) as client:
        sandbox.seed({"users": [{"id": 100 + n, "username": f"u{n}", "password": "p"} for n in range(120)]})
        sandbox.seed({"clients": [{"client_id": f"c{n:03}", "client_secret": "s"} for n in range(120)]})
        for caller in ("user:56", "user:219", "client:knetik"):
            client.send("/console/try/get_users_inventory", **{"as": caller})
        client.get("/inventories")

        for number, caller in ((2, "user:56"), (4, "user:219"), (6, "client:knetik"), (7, "")):
            form = client.page(f"/console/try/get_users_inventory?from={number}")
            chosen = re.findall('<option value="([^"]*)" selected', form)
            assert chosen == [caller][: len(caller)]


@pytest.mark.parametrize("caller", ["user:56", "client:knetik", ""])
def test_identities_of_a_form_are_read_without_sorting_all(sandbox: Sandbox, caller: str) -> None:
    assert sandbox._service is not None
    only = sandbox._service.database._only
    assert only is not None
    connection: Any = only.connection
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    identities.identities(sandbox._service, caller)
    connection.set_trace_callback(None)

    reads = [each for each in statements if each.startswith("SELECT")]
    assert len(reads) >= 2
    for read in reads:
        plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {read}").fetchall()
        assert "ORDER BY" not in str(plan)


@pytest.mark.parametrize(
    "text", ["grün ☃", "gr\\u00fcn", "Potion of Speed", "potion+of", "Gro\u00df?", "%c3%9f"]
)
def test_search_finds_texts_with_and_without_their_escapes(pages: Pages, text: str) -> None:
    pages.put("/users/56/inventory/56/behavior-data", body=json.dumps({"color": "Grün ☃"}).encode())
    pages.get("/inventories?filter_item_name=Potion+of+Speed")
    pages.get("/nowhere/Gro%C3%9F%3F")

    assert pages.page("/console/journal?" + urlencode({"q": text})).count(" data-row>") == 1


@pytest.mark.parametrize("value", ["true", "TRUE", "maybe"])
def test_value_that_is_no_choice_of_the_form_is_sent_again(pages: Pages, value: str) -> None:
    pages.get(f"/users/56/inventory?inactive={value}")

    form = pages.page("/console/try/get_user_inventories?from=1")

    assert re.findall("<option selected>([^<]+)</option>", form) == [value]


def test_query_without_fields_is_shown_and_sent_again(sandbox: Sandbox, pages: Pages) -> None:
    query = "id=7&nope=%C3%BC+%26&nope=&size=2&order=&size=3"
    pages.get(f"/users/56/inventory?{query}")

    form = pages.page("/console/try/get_user_inventories?from=1")
    fields = {
        name: unescape(value) for name, value in re.findall(r'name="(p-[^"]+)"[^>]* value="([^"]*)"', form)
    }
    assert "Other query parameters" in form
    assert "p-?" not in pages.page("/console/try/get_user_inventories")
    assert pages.send("/console/try/get_user_inventories", **fields).status == 303

    first, second = sandbox.journal()
    assert second.path == first.path
    assert second.query == "id=7&nope=%C3%BC+%26&nope=&size=2&order=&size=3"
