"""Many rows: JSON Lines, generated data, and pages of long lists, on both databases."""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.loading import Loader
from knetik_cloud.sandbox.storage import paging
from test.sandbox.conftest import command_environment, running_command
from test.sandbox.web import Web

SEED: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"id": 10, "username": "kim", "groups": ["a", "b"], "permissions": ["INVENTORY_ADMIN"]},
        {"username": "lee", "guest": True, "groups": ["b"]},
        {"username": "max"},
    ],
    "clients": [{"client_id": "game", "client_secret": "hush"}],
    "templates": [{"id": "potions", "name": "Potions"}],
    "items": [
        {
            "id": 100,
            "type_hint": "entitlement",
            "name": "Life",
            "behaviors": [
                {
                    "type_hint": "limited_gettable",
                    "group": {"name": "few", "active_only": False, "owned_limit": 1},
                }
            ],
        },
        {"type_hint": "entitlement", "name": "Sword", "unique_key": "sword"},
    ],
    "skus": [{"sku": "one_life", "item_id": 100, "price": 0.99, "currency_code": "USD"}],
    "inventory": [
        {
            "id": 500,
            "user_id": 10,
            "item_id": 100,
            "created_date": 5,
            "log": [{"type": "grant"}, {"type": "use"}],
        },
        {"user_id": 10, "item_id": 101, "status": "inactive", "log": [{"type": "grant"}]},
        {"user_id": 10, "item_id": 77, "created_date": 7},
    ],
    "wallets": [{"user_id": 10, "currency_code": "USD", "balance": 5}],
}


def as_lines(document: dict[str, list[dict[str, Any]]]) -> str:
    return "".join(f"{json.dumps({section: row})}\n" for section, rows in document.items() for row in rows)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    database = None if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with Sandbox(database=database, empty=True) as sandbox:
        sandbox.freeze("2030-01-01T00:00:00Z")
        yield sandbox


@pytest.fixture
def web(empty: Sandbox) -> Iterator[Web]:
    client = Web(empty.url)
    yield client
    client.close()


# JSON Lines


def test_lines_load_the_same_data_as_one_document(empty: Sandbox, tmp_path: Path) -> None:
    empty.seed(SEED)
    expected = empty.export()
    assert expected["inventory"][0]["log"] == [
        {"type": "grant", "log_date": 5},
        {"type": "use", "log_date": 5},
    ]
    path = tmp_path / "seed.jsonl"
    path.write_text(as_lines(SEED), "utf-8")
    empty.reset()
    empty.freeze("2030-01-01T00:00:00Z")
    empty.seed(path)
    assert empty.export() == expected


def test_row_replaces_earlier_ones_with_its_keys_even_in_one_batch(empty: Sandbox, tmp_path: Path) -> None:
    rows = [
        {"users": {"id": 1, "username": "a", "groups": ["x"]}},
        {"users": {"id": 2, "username": "a"}},
        {"users": {"id": 1, "username": "b"}},
        {"inventory": {"id": 5, "user_id": 1, "item_id": 1, "log": [{"type": "grant"}]}},
        {"inventory": {"id": 5, "user_id": 2, "item_id": 1}},
        {"wallets": {"user_id": 1, "currency_code": "USD", "balance": 1}},
        {"wallets": {"user_id": 1, "currency_code": "USD", "balance": 2}},
    ]
    path = tmp_path / "seed.ndjson"
    path.write_text("\n\n".join(map(json.dumps, rows)), "utf-8")
    for _ in range(2):
        empty.seed(path)
        data = empty.export()
        assert [(each["id"], each["username"]) for each in data["users"]] == [(1, "b"), (2, "a")]
        assert all("groups" not in each for each in data["users"])
        assert [(each["id"], each["user_id"]) for each in data["inventory"]] == [(5, 2)]
        assert "log" not in data["inventory"][0]
        assert data["wallets"] == [{"user_id": 1, "currency_code": "USD", "balance": 2}]


def test_lines_may_come_in_any_order(database: str, tmp_path: Path) -> None:
    entry = {"user_id": 10, "log": [{"type": "grant"}]}
    rows = [
        {"inventory": {**entry, "id": 1, "item_id": 100}},
        {"inventory": {**entry, "id": 2, "item_id": 100, "item_name": "Own", "item_type_hint": "own"}},
        {"inventory": {**entry, "id": 3, "item_id": 404}},
        {"items": item(100)},
        {"inventory": {**entry, "id": 4, "item_id": 100}},
        {"items": item(100, name="B")},
        {"inventory": {**entry, "id": 5, "item_id": 100}},
        {"users": {"id": 10, "username": "kim"}},
    ]
    path = tmp_path / "seed.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with Sandbox(database=database, seed=path) as sandbox:
        client = Web(sandbox.url)
        entries = client.get("/users/10/inventory", query={"order": "id:ASC"}).json["content"]
        logs = [client.get(f"/users/10/inventory/{each['id']}/log").json["content"] for each in entries]
        client.close()
    kinds = [(each["item_name"], each["item_type_hint"]) for each in entries]
    # Entry 4 has the name that the item had then.
    assert kinds == [
        ("B", "entitlement"),
        ("Own", "own"),
        (None, None),
        ("A", "entitlement"),
        ("B", "entitlement"),
    ]
    assert [line["item"]["name"] for (line,) in logs] == [name for name, _ in kinds]


def test_lines_of_alternating_sections_are_written_together(
    empty: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    class Counting(Loader):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments[:3], written.append)

    monkeypatch.setattr("knetik_cloud.sandbox.seed.Loader", Counting)
    rows = [
        row
        for number in range(1, 1001)
        for row in (
            {"inventory": {"id": number, "user_id": number, "item_id": number - 1}},
            {"items": item(number)},
            {"users": {"id": number, "username": f"user{number}"}},
        )
    ]
    path = tmp_path / "seed.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    empty.seed(path)
    assert written == [333, 666, 1000, 1333, 1667, 2000, 2334, 2667, 3000]
    names = [each.get("item_name") for each in empty.export()["inventory"]]
    assert names == [None, *["A"] * 999]


def test_an_entry_before_an_item_with_the_next_id_has_the_final_name(empty: Sandbox, tmp_path: Path) -> None:
    rows = [{"inventory": {"user_id": 1, "item_id": 1}}, {"items": item()}, {"items": item(1, name="B")}]
    path = tmp_path / "seed.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    empty.seed(path)
    assert [each["item_name"] for each in empty.export()["inventory"]] == ["B"]


@pytest.mark.parametrize("start", ["", "\n"])
@pytest.mark.parametrize("name", ["seed.jsonl", "seed.json", "seed.yaml"])
def test_seed_may_start_with_a_byte_order_mark(empty: Sandbox, tmp_path: Path, name: str, start: str) -> None:
    seed = {"users": {"id": 10, "username": "kim"}}
    texts = {
        "seed.yaml": "users: [{id: 10, username: kim}]",
        "seed.json": json.dumps({"users": [seed["users"]]}),
    }
    path = tmp_path / name
    path.write_text(start + texts.get(name, json.dumps(seed)), "utf-8-sig")
    empty.seed(path)
    assert [each["username"] for each in empty.export()["users"]] == ["kim"]


def test_ids_continue_after_those_of_a_seed(empty: Sandbox, web: Web) -> None:
    empty.seed({"items": [{"id": 900, "type_hint": "entitlement", "name": "A"}]})
    assert web.create_item() == 901


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "line 3 is not valid JSON"),
        ("[1]", "line 3 must be an object with one of users, "),
        ('{"users": {"username": "x"}, "items": {}}', "line 3 must be an object with one of users, "),
        ('{"people": {}}', "line 3 must be an object with one of users, "),
        ('{"users": {"username": 5}}', "line 3.username must be a text, not 5"),
        ('{"items": {"type_hint": "entitlement"}}', "line 3: name is required"),
        ('{"users": {"username": NaN}}', "NaN is not a JSON number"),
    ],
)
def test_wrong_line_is_named_and_nothing_changes(
    empty: Sandbox, tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "seed.jsonl"
    path.write_text(f'{{"users": {{"username": "kim"}}}}\n\n{line}\n', "utf-8")
    before = empty.export()
    with pytest.raises(ValueError, match=r".") as caught:
        empty.seed(path)
    assert message in str(caught.value)
    assert empty.export() == before


def item(id: int | None = None, **fields: Any) -> dict[str, Any]:
    return {"type_hint": "entitlement", "name": "A", **fields, **({} if id is None else {"id": id})}


@pytest.mark.parametrize("ids", [(1, 2, 3), (None, None, None), (1, None, 3)], ids=str)
def test_repeated_unique_key_is_reported_with_its_place(
    database: str, tmp_path: Path, ids: Sequence[int | None]
) -> None:
    rows = [item(ids[0], unique_key="a"), item(ids[1], unique_key="b"), item(ids[2], unique_key="a")]
    path = tmp_path / "seed.jsonl"
    path.write_text(as_lines({"users": [{"username": "kim"}], "items": rows}), "utf-8")

    for seed, place in (({"items": rows}, "items[2]"), (path, "line 4")):
        with pytest.raises(ValueError, match=r".") as caught, Sandbox(database=database, seed=seed):
            pass
        assert str(caught.value) == f"{place}: unique_key 'a' is that of another item: choose another"


def test_unique_key_of_a_stored_item_is_reported_with_its_place(empty: Sandbox, tmp_path: Path) -> None:
    empty.seed({"items": [item(1, unique_key="a"), item(2, unique_key="b")]})
    path = tmp_path / "seed.jsonl"
    path.write_text(as_lines({"items": [item(number) for number in range(3, 2003)]}), "utf-8")
    with path.open("a") as file:
        file.write(as_lines({"items": [item(2003, unique_key="a")]}))
    before = empty.export()

    for seed, place in (({"items": [item(3), item(4, unique_key="a")]}, "items[1]"), (path, "line 2001")):
        with pytest.raises(ValueError, match=re.escape(f"{place}: unique_key 'a'")):
            empty.seed(seed)
        assert empty.export() == before


@pytest.mark.parametrize("ids", [(7, 8), (None, None)], ids=["own ids", "next ids"])
def test_groups_without_a_name_limit_the_items_of_a_seed(
    empty: Sandbox, web: Web, ids: tuple[int | None, int | None]
) -> None:
    daily = {"type_hint": "time_period_gettable", "get_limit": 1, "time_length": 1, "unit_of_time": "day"}
    single = {"type_hint": "limited_gettable", "group": {"active_only": True, "owned_limit": 1}}
    items = [item(id, behaviors=[behavior]) for id, behavior in zip(ids, (daily, single), strict=True)]
    empty.seed({"users": [{"id": 10, "username": "kim"}], "items": items})
    first, second = stored = web.get("/entitlements").json["content"]
    assert first["behaviors"] == [{**daily, "group_name": f"item-{first['id']}-time_period_gettable"}]
    assert second["behaviors"][0]["group"]["name"] == f"item-{second['id']}-limited_gettable"
    for each in stored:
        assert [web.grant(10, each["id"]).status for _ in range(2)] == [202, 400]


def test_line_with_two_values_for_a_name_is_rejected(empty: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "seed.jsonl"
    path.write_text('{"users": {"username": "kim"}}\n{"users": {"username": "lee", "username": "sam"}}\n')
    with pytest.raises(ValueError, match=r"line 2 .* 'username' occurs twice"):
        empty.seed(path)
    assert empty.export()["users"] == []


def test_seed_may_pass_a_unique_key_on_to_another_item(empty: Sandbox) -> None:
    empty.seed({"items": [item(1, unique_key="a"), item(2, unique_key="b")]})
    empty.seed({"items": [item(1, unique_key="b"), item(2, unique_key="a")]})
    empty.seed({"items": [item(1), item(3, unique_key="b"), item(3), item(4, unique_key="b")]})
    assert [each.get("unique_key") for each in empty.export()["items"]] == [None, "a", None, "b"]


def test_json_seeds_need_no_yaml(empty: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(SEED, indent=1), "utf-8")
    empty.seed(path)
    assert len(empty.export()["inventory"]) == 3


def test_file_that_does_not_exist_is_an_os_error(empty: Sandbox, tmp_path: Path) -> None:
    for name in ("none.yaml", "none.jsonl"):
        with pytest.raises(FileNotFoundError):
            empty.seed(tmp_path / name)


# Generated data


def test_generated_rows_are_the_same_each_time(empty: Sandbox) -> None:
    empty.generate(users=7, entries=500)
    first = empty.export()
    assert [each["username"] for each in first["users"]] == [f"generated_{n}" for n in range(1, 8)]
    assert len(first["inventory"]) == 500
    assert {each["user_id"] for each in first["inventory"]} == set(range(1, 8))
    assert [each["name"] for each in first["items"]] == ["Generated item"]
    statuses = [each["status"] for each in first["inventory"]]
    assert (statuses.count("active"), statuses.count("inactive")) == (450, 50)
    assert sum("expires" in each for each in first["inventory"]) == 150
    empty.reset()
    empty.freeze("2030-01-01T00:00:00Z")
    empty.generate(users=7, entries=500)
    assert empty.export() == first


def test_generated_entries_use_existing_items_and_users(empty: Sandbox, web: Web) -> None:
    empty.seed(SEED)
    empty.generate(entries=90)
    entries = empty.export()["inventory"][3:]
    assert {each["item_id"] for each in entries} == {100, 101}
    assert {each["user_id"] for each in entries} == {10, 11, 12}
    assert {(each["item_id"], each["item_name"]) for each in entries} == {(100, "Life"), (101, "Sword")}
    assert web.grant(10, 101).status == 202
    assert max(each["id"] for each in web.entries(10, 101)) == 502 + 91
    assert web.use(12, 101).status == 200


@pytest.mark.parametrize(
    ("amounts", "error"),
    [
        ({"users": -1}, ValueError),
        ({"entries": 10_000_001}, ValueError),
        ({"users": True}, TypeError),
        ({"entries": 1.5}, TypeError),
        ({"entries": 5}, ValueError),
    ],
)
def test_impossible_amounts_are_rejected(
    empty: Sandbox, amounts: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        empty.generate(**amounts)
    assert empty.export()["inventory"] == []


def test_reset_returns_to_generated_data() -> None:
    with Sandbox(generate={"users": 3, "entries": 30}) as sandbox:
        sandbox.freeze("2030-01-01T00:00:00Z")
        first = sandbox.export()
        assert len(first["users"]) == 7
        sandbox.generate(entries=10)
        sandbox.reset()
        assert sandbox.export() == first
        sandbox.reset()
        assert sandbox.export() == first


def test_unknown_amounts_are_rejected_when_the_sandbox_is_made() -> None:
    with pytest.raises(ValueError, match="generate has no 'items': use users and entries"):
        Sandbox(generate={"items": 5})


def test_command_generates_and_seeds_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "seed.jsonl"
    path.write_text(as_lines(SEED), "utf-8")
    with running_command("--seed", str(path), "--generate", "users=5,entries=100") as (_, url):
        client = Web(url)
        assert client.get("/inventories", query={"inactive": "true"}).json["total_elements"] == 103
        client.close()


@pytest.mark.parametrize("text", ["users", "users=x", "people=5", "users=1,users=2", ""])
def test_command_rejects_other_amounts(text: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "knetik_cloud.sandbox", "--generate", text],
        capture_output=True,
        text=True,
        env=command_environment(),
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "must be like users=1000,entries=100000" in run.stderr


# Pages


def ids_of(web: Web, page: int, size: int, **query: Any) -> tuple[list[int], int]:
    listed = web.get("/inventories", query={"page": page, "size": size, **query}).json
    return [each["id"] for each in listed["content"]], listed["total_elements"]


def all_ids(web: Web, **query: Any) -> list[int]:
    """Read a list in one page, without bookmarks."""
    ids, total = ids_of(web, 1, 1000, **query)
    assert len(ids) == total
    return ids


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember lists of any length, so that few rows will do."""
    monkeypatch.setattr(paging, "MIN_REMEMBERED", 1)


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("query", [{}, {"inactive": "true"}, {"filter_item_id": 1}, {"filter_group": "none"}])
def test_pages_in_any_order_hold_the_rows_of_the_list(
    empty: Sandbox, web: Web, query: dict[str, Any]
) -> None:
    empty.generate(users=9, entries=400)
    expected = all_ids(web, **query)
    places = [(page, size) for size in (3, 10, 100) for page in range(1, 400 // size + 2)]
    random.Random(1).shuffle(places)
    for page, size in places:
        ids, total = ids_of(web, page, size, **query)
        assert ids == expected[(page - 1) * size : page * size]
        assert total == len(expected)


@pytest.mark.usefixtures("remembered")
def test_pages_are_right_after_each_type_of_change(empty: Sandbox, web: Web) -> None:
    empty.generate(users=9, entries=400)

    def assert_right() -> None:
        expected = all_ids(web)
        for page in (1, 2, 5, 8, 3):
            ids, total = ids_of(web, page, 40)
            assert (ids, total) == (expected[(page - 1) * 40 : page * 40], len(expected))

    assert_right()
    before = len(all_ids(web))
    web.grant(1, 1)
    assert_right()
    assert len(all_ids(web)) == before + 1
    web.put("/users/1/inventory/9/status", "inactive")
    assert_right()
    empty.snapshot()
    # Entries expire: nothing is written, but the list gets shorter, and longer again.
    empty.advance(days=100)
    assert_right()
    assert len(all_ids(web)) < before
    empty.advance(days=-100)
    assert_right()
    empty.generate(entries=50)
    assert_right()
    empty.restore()
    assert_right()
    empty.reset()
    assert all_ids(web) == []


@pytest.mark.usefixtures("remembered")
def test_pages_are_right_after_another_process_writes(database: str) -> None:
    with (
        Sandbox(database=database, empty=True, generate={"users": 2, "entries": 100}) as one,
        Sandbox(database=database) as other,
    ):
        reader, writer = Web(one.url), Web(other.url)
        expected = all_ids(reader)
        assert ids_of(reader, 2, 10) == (expected[10:20], len(expected))
        writer.put(f"/users/{1 + expected[0] % 2}/inventory/{expected[0]}/status", "inactive")
        assert ids_of(reader, 2, 10) == (expected[11:21], len(expected) - 1)
        reader.close()
        writer.close()


@pytest.mark.usefixtures("remembered")
def test_nothing_is_counted_twice_while_nothing_is_written(
    empty: Sandbox, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.generate(users=2, entries=200)
    added = []
    add = paging.Bookmarks.add
    monkeypatch.setattr(
        paging.Bookmarks,
        "add",
        lambda *args: added.append(args) or add(*args),  # type: ignore[func-returns-value]
    )
    for _ in range(50):  # PostgreSQL counts the transactions of all databases, and other tests may write
        added.clear()
        empty.generate(users=2, entries=1)
        for page in range(1, 19):
            ids_of(web, page, 10)
        if len({known.version for _, _, known in added}) == 1:
            break
    assert len(added) == 1


def test_length_of_a_list_holds_from_the_time_of_its_count_until_an_entry_expires(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging.Bookmarks, "version", staticmethod(lambda db: 0))
    database: Any = None
    for now, holds in ((99.9, False), (100.0, True), (109.9, True), (110.0, False)):
        bookmarks = paging.Bookmarks()
        bookmarks.add("entries", paging._Known(0, 100, 110, 1000))
        assert (bookmarks.find(database, "entries", now) is not None) is holds


@pytest.mark.performance
def test_200_000_lines_are_loaded_in_10_seconds_of_cpu_and_200_mb(tmp_path: Path) -> None:
    path = tmp_path / "seed.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, 1001):
            file.write(json.dumps({"users": {"id": number, "username": f"user{number}"}}) + "\n")
        file.write(json.dumps({"items": {"id": 1, "type_hint": "entitlement", "name": "Sword"}}) + "\n")
        for number in range(200_000):
            entry = {"user_id": 1 + number % 1000, "item_id": 1, "behavior_data": {"a": number}}
            file.write(json.dumps({"inventory": {"id": number + 1, **entry}}) + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0", "--seed", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=command_environment(),
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    client = Web(url)
    assert client.get("/inventories").json["total_elements"] == 200_000
    client.close()
    process.terminate()
    _, reported = process.communicate(timeout=30)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "loading the seed: " in reported
    # The budget is that of a quiet machine.
    assert used.ru_utime + used.ru_stime < 10 * 2
    assert used.ru_maxrss < 200 * 1024


@pytest.mark.performance
def test_pages_cost_the_same_at_the_end_of_a_long_list(empty: Sandbox, web: Web) -> None:
    empty.generate(users=1000, entries=200_000)

    def cost(page: int) -> float:
        started = time.process_time()
        ids, _ = ids_of(web, page, 1000, inactive="true")
        assert len(ids) == 1000
        return time.process_time() - started

    costs = [cost(page) for page in range(1, 201)]
    early, late = sorted(costs[1:31])[15], sorted(costs[170:])[15]
    assert late < early * 1.3
