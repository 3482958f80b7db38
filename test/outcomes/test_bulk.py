"""Bulk runs: every row exactly once, checked before the first call, resumed, reported."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import bulk
from knetik_cloud.bulk import shard
from knetik_cloud.bulk.journal import ShardJournal
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import USERS, grants, held
from test.polling import wait_until

GRANT = "grant_user_entitlement"
FAULTS: dict[str, dict[str, Any]] = {
    "reset after": {"reset": True, "applied": True},
    "reset before": {"reset": True},
    "503": {"status": 503},
    "503 after": {"status": 503, "applied": True},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_row_is_applied_exactly_once(
    api: knetik_cloud.UsersInventoryApi, seeded: Sandbox, tmp_path: Path, fault: dict[str, Any]
) -> None:
    seeded.fail(GRANT, times=5, **fault)
    report = bulk.run(grants(120), api.grant_user_entitlement, journal=tmp_path / "run", settle=0.2)
    assert report.counts == {
        "applied": 120, "found": 0, "denied": 0, "absent": 0, "unknown": 0, "pending": 0,
    }  # fmt: skip
    assert held(api) == dict.fromkeys(USERS, 3)
    seeded.clear_journal()
    assert bulk.run(grants(120), api.grant_user_entitlement, journal=tmp_path / "run").applied == 120
    assert seeded.journal(GRANT) == []


def test_uses_are_distinguished_by_their_keys(
    api: knetik_cloud.UsersInventoryApi, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail("use_user_entitlement_item", times=2, reset=True, applied=True)
    rows = [{"user_id": 56, "item_id": 56, "info": "Gift", "key": f"k{i}"} for i in range(10)]
    report = bulk.run(rows, api.use_user_entitlement_item, journal=tmp_path / "run", settle=0.1)
    infos = [line.info for line in api.iter_user_inventory_log(56, 56) if line.info]
    assert [info for info in infos if info.startswith("Gift")] == [f"Gift [k{i}]" for i in range(8)]
    assert [(row.key, row.state, row.code) for row in report.rows()][7:] == [
        ("k7", "applied", None),
        ("k8", "denied", 1007),
        ("k9", "denied", 1007),
    ]


def test_use_whose_key_is_in_a_note_is_not_found_and_not_sent(
    api: knetik_cloud.UsersInventoryApi, seeded: Sandbox, tmp_path: Path
) -> None:
    body = knetik_cloud.UserInventoryAddRequest(sku="sku_example", note="sold by [a]", skip_invoice=True)
    api.add_item_to_user_inventory(56, user_inventory_add_request=body)
    rows = [{"user_id": 56, "item_id": 56, "key": key} for key in ("a", "b")]
    use = api.use_user_entitlement_item
    report = bulk.run(rows, use, journal=tmp_path, find_keys=True, settle=0, progress=False)
    assert [(row.state, row.candidates) for row in report.rows()] == [("unknown", 1), ("applied", 0)]


UPDATE = "update_user_inventory_status"
Api = knetik_cloud.UsersInventoryApi


def statuses(api: Api) -> list[str | None]:
    """Return the statuses that the potion of user 56 was set to, oldest first."""
    return [line.info for line in api.iter_user_inventory_log(56, 56) if line.type == "status"]


def test_row_without_outcome_holds_back_the_later_rows_of_its_resource_only(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    api.grant_user_entitlement(1000, {"entitlement_id": 5})
    (other,) = api.iter_user_inventories(1000)
    potion, songbook = {"user_id": 56, "id": 56}, {"user_id": 1000, "id": other.id}
    rows = [
        {**entry, "inventory_status": status}
        for status in ("inactive", "active")
        for entry in (potion, songbook)
    ]
    options: Any = {"journal": tmp_path / "run", "progress": False, "settle": 0, "shards": 1}
    seeded.fail(UPDATE, status=503)
    report = bulk.run(rows, api.with_options(_retries=0).update_user_inventory_status, **options)
    assert [row.state for row in report.rows()] == ["unknown", "applied", "pending", "applied"]
    assert report.stopped == "1 rows wait for an earlier row of the same resource, which has to be sent again"
    report = bulk.run(rows, api.update_user_inventory_status, **options)
    assert (report.applied, report.stopped) == (4, None)
    assert statuses(api) == ["inactive", "active"]


def test_row_that_is_denied_after_a_lost_attempt_holds_nothing_back(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail(UPDATE, status=503)
    rows = [{"user_id": 56, "id": 999, "inventory_status": status} for status in ("inactive", "active")]
    journal = tmp_path / "run"
    report = bulk.run(rows, api.update_user_inventory_status, journal=journal, progress=False, settle=0)
    assert [row.state for row in report.rows()] == ["unknown", "denied"]
    assert report.stopped is None


def test_row_that_holds_nothing_back_is_not_sent_after_a_later_row_of_its_resource(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    rows = [
        {"user_id": 56, "id": entry, "inventory_status": status}
        for entry, status in ((56, "inactive"), (999, "inactive"), (56, "active"))
    ]
    options: Any = {"journal": tmp_path / "run", "progress": False, "settle": 0}
    for status in (503, 409, 503):
        seeded.fail(UPDATE, status=status)
    report = bulk.run(rows, api.update_user_inventory_status, **options)
    assert [row.state for row in report.rows()] == ["unknown", "unknown", "applied"]
    seeded.clear_journal()
    report = bulk.run(rows, api.update_user_inventory_status, **options)
    assert [row.state for row in report.rows()] == ["unknown", "unknown", "applied"]
    assert [call.path for call in seeded.journal() if call.method == "PUT"] == [
        "/users/56/inventory/999/status"
    ]
    assert statuses(api) == ["active"]


def test_later_rows_of_unknown_ones_are_looked_up_once(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage, most rows of a shard may be unknown, and it has 16,000 if a million are run."""
    rows = [{"user_id": 56, "id": 1000 + row, "inventory_status": "active"} for row in range(9)]
    options: Any = {"journal": tmp_path / "run", "progress": False, "settle": 0, "shards": 1}
    seeded.fail(UPDATE, status=503, times=9)
    report = bulk.run(rows, api.with_options(_retries=0).update_user_inventory_status, **options)
    assert report.counts["unknown"] == 9
    reads = []

    def read_rows(*where: Any) -> Any:
        reads.append(where)
        return bulk.journal.read_rows(*where)

    monkeypatch.setattr("knetik_cloud.bulk.shard.read_rows", read_rows)
    assert bulk.run(rows, api.update_user_inventory_status, **options).counts["unknown"] == 9
    assert len(reads) == 2


def test_attempt_that_arrives_late_overwrites_no_later_row(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    rows = [{"user_id": 56, "id": 56, "inventory_status": status} for status in ("inactive", "active")]
    seeded.fail(UPDATE, delay=1.5, applied=True)
    method = api.with_options(_request_timeout=0.5).update_user_inventory_status
    assert bulk.run(rows, method, journal=tmp_path / "run", progress=False, settle=4).applied == 2
    assert wait_until(lambda: statuses(api).count("inactive") > 1)
    assert statuses(api)[-1] == "active"


def test_lost_attempt_delays_no_other_resource_and_its_row_is_recorded_once_it_can_no_longer_arrive(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.seed({"inventory": [{"id": 900, "user_id": 56, "item_id": 5, "status": "active"}]})
    rows = [{"user_id": 56, "id": entry, "inventory_status": "active"} for entry in (56, *[900] * 5)]
    clock, records = [1000.0], []
    intend, record = ShardJournal.intend, ShardJournal.record

    def note_intent(journal: ShardJournal, row: int, time: int) -> None:
        clock[0] += 2.0
        records.append(f"intent {row}")
        intend(journal, row, time)

    def note_outcome(journal: ShardJournal, row: int, *outcome: Any) -> None:
        records.append(f"outcome {row}")
        record(journal, row, *outcome)

    monkeypatch.setattr(shard, "monotonic", lambda: clock[0])
    monkeypatch.setattr(ShardJournal, "intend", note_intent)
    monkeypatch.setattr(ShardJournal, "record", note_outcome)
    seeded.fail(UPDATE, reset=True)
    method = api.update_user_inventory_status
    assert bulk.run(rows, method, journal=tmp_path / "run", progress=False, settle=5, shards=1).applied == 6
    assert records[:4] == ["intent 0", "intent 0", "intent 1", "outcome 1"]
    assert records[4:8] == ["intent 2", "outcome 2", "outcome 0", "intent 3"]


def test_invalid_rows_are_reported_together_before_the_first_call(
    api: knetik_cloud.UsersInventoryApi, seeded: Sandbox, tmp_path: Path
) -> None:
    rows = [
        {"user_id": 1000, "entitlement": 5},
        {"user_id": None, "entitlement_id": 5},
        {"user_id": 1000, "entitlement_id": "x"},
        {"user_id": 1000, "entitlement_id": 5, "key": "a"},
        {"user_id": 1001, "entitlement_id": 5, "key": "a"},
    ]
    seeded.clear_journal()
    with pytest.raises(bulk.InvalidRowsError) as caught:
        bulk.run(rows, api.grant_user_entitlement, journal=tmp_path / "run")
    assert caught.value.count == 4
    assert "did you mean 'entitlement_id'?" in caught.value.problems[0]
    assert "rows 4 and 5 have the same key 'a'" in caught.value.problems[3]
    assert seeded.journal() == []


def test_error_lists_the_first_of_many_invalid_rows(api: Api, tmp_path: Path) -> None:
    for count, last in ((20, "row 20: .*"), (21, "... and 1 more")):
        with pytest.raises(bulk.InvalidRowsError) as caught:
            bulk.run([{"user_id": "x"}] * count, api.grant_user_entitlement, journal=tmp_path / "run")
        assert re.fullmatch(last, str(caught.value).splitlines()[-1])


def _interrupted() -> Iterator[dict[str, int]]:
    yield from grants(1)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (lambda: [*grants(1), {"user_id": "x"}], bulk.InvalidRowsError),
        (lambda: "missing.csv", FileNotFoundError),
        (lambda: "rows.txt", knetik_cloud.ApiValueError),
        (_interrupted, KeyboardInterrupt),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_rows_that_cant_be_stored_leave_nothing_behind(
    rows: Callable[[], Any],
    error: type[BaseException],
    exists: bool,
    api: knetik_cloud.UsersInventoryApi,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    if exists:
        folder.mkdir()
    with pytest.raises(error):
        bulk.run(rows(), api.grant_user_entitlement, journal=folder)
    assert [*tmp_path.rglob("*")] == [folder][:exists]
    assert bulk.run([*grants(1)], api.grant_user_entitlement, journal=folder).applied == 1


def test_changed_input_and_options_are_named(api: knetik_cloud.UsersInventoryApi, tmp_path: Path) -> None:
    rows = list(grants(40))
    bulk.run(rows, api.grant_user_entitlement, journal=tmp_path / "run")
    changed = [*rows[:7], {"user_id": 1007, "entitlement_id": 6}, *rows[8:]]
    moved = [*rows[:7], {"user_id": 999, "entitlement_id": 5}, *rows[8:]]
    wrong = [*rows[:7], {"user_id": 1007, "entitlement_id": "x"}, *rows[8:], rows[7]]
    for other, named in (
        (changed, 'row 8 was .*"entitlement_id": 5.*, and is .*"entitlement_id": 6'),
        (moved, r'row 8 was {"user_id": \d+, "grant_request".*, and is {"user_id": 999, '),
        (wrong, "belongs to other rows: row 8: .* must be an int"),
        (rows[:-1], "there were 40, and there are 39 now"),
        ([*rows, rows[0]], "row 41 was none, and is"),
    ):
        with pytest.raises(bulk.ChangedInputError, match=named):
            bulk.run(other, api.grant_user_entitlement, journal=tmp_path / "run")
    with pytest.raises(bulk.ChangedInputError, match="shards was 64, and is 8 now"):
        bulk.run(rows, api.grant_user_entitlement, journal=tmp_path / "run", shards=8)
    with pytest.raises(bulk.ChangedInputError, match="the operation was grant_user_entitlement"):
        bulk.run(rows, api.use_user_entitlement_item, journal=tmp_path / "run")


@pytest.mark.parametrize("user", ["me", "٥٦"])
def test_row_whose_outcome_cant_be_read_back_is_rejected(
    api: knetik_cloud.UsersInventoryApi, seeded: Sandbox, tmp_path: Path, user: str
) -> None:
    seeded.clear_journal()
    rows = [{"user_id": user, "item_id": 56} for user in (56, "56", user)]
    message = f"row 3: use_user_entitlement_item can't be read back: id must be an int .*not '{user}'"
    with pytest.raises(bulk.InvalidRowsError, match=f"because of 1 problem:\n{message}"):
        bulk.run(rows, api.use_user_entitlement_item, journal=tmp_path / "run", progress=False)
    assert seeded.journal() == []


@pytest.mark.parametrize("length", [10, 500])
def test_difference_of_long_rows_is_shown(
    api: knetik_cloud.UsersInventoryApi, tmp_path: Path, length: int
) -> None:
    def prepare(number: int) -> None:
        data = {"text": "x" * length, "number": number, "more": "y" * length}
        method = api.update_user_inventory_behavior_data
        bulk.prepare([{"user_id": 56, "id": 56, "data": data}], method, journal=tmp_path / "run")

    prepare(1)
    with pytest.raises(
        bulk.ChangedInputError, match=r'row 1 was .*"number": 1, .*and is .*"number": 2, .*now'
    ):
        prepare(2)


def test_rows_are_the_same_with_their_columns_and_fields_in_another_order(
    api: knetik_cloud.UsersInventoryApi, tmp_path: Path
) -> None:
    method = api.update_user_inventory_behavior_data
    for row in (
        {"user_id": 56, "id": 56, "data": {"a": 1, "b": {"c": 2, "d": 3}}},
        {"data": {"b": {"d": 3, "c": 2}, "a": 1}, "id": 56, "user_id": 56},
    ):
        bulk.prepare([row], method, journal=tmp_path / "run")
    with pytest.raises(bulk.ChangedInputError, match="row 1 was"):
        bulk.prepare([{**row, "id": 57}], method, journal=tmp_path / "run")


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.csv.gz", "rows.parquet"])
def test_rows_come_from_files(api: knetik_cloud.UsersInventoryApi, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = list(grants(10))
    if name.endswith(".parquet"):
        parquet = pytest.importorskip("pyarrow.parquet")
        import pyarrow as pa

        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith(".jsonl"):
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        import gzip

        text = "user_id,entitlement_id\n" + "".join(f"{r['user_id']},{r['entitlement_id']}\n" for r in rows)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    assert bulk.run(path, api.grant_user_entitlement, journal=tmp_path / "run").applied == 10
    assert sum(held(api).values()) == 10


@pytest.mark.parametrize("method", [[{"user_id": 56}] * 1000, None, "grant_user_entitlement", dict])
def test_anything_but_a_method_of_an_api_object_is_rejected(tmp_path: Path, method: Any) -> None:
    with pytest.raises(TypeError, match="expected a method of an API object") as raised:
        bulk.plan(grants(1), method)
    assert len(str(raised.value)) < 250
    with pytest.raises(TypeError, match="expected a method of an API object"):
        bulk.run(grants(1), method, journal=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_plan_sends_nothing(api: knetik_cloud.UsersInventoryApi, seeded: Sandbox) -> None:
    seeded.clear_journal()
    plan = bulk.plan(grants(1000), api.grant_user_entitlement, tps=10)
    assert (plan.rows, plan.seconds) == (1000, 100.0)
    assert '{"entitlement_id":5}' in plan.requests[0]
    assert seeded.journal() == []


def test_plan_shows_the_keys_of_uses(api: knetik_cloud.UsersInventoryApi) -> None:
    rows = [{"user_id": 56, "item_id": 56, "key": "order-17", "info": "Gift"}, {"user_id": 3, "item_id": 56}]
    first, second = bulk.plan(rows, api.use_user_entitlement_item).requests
    assert "/users/56/entitlements/56/use?info=Gift%20%5Border-17%5D" in first
    assert re.search(r"/users/3/entitlements/56/use\?info=%5B[0-9a-f]{8}-2%5D", second)


@pytest.mark.parametrize("name", bulk.__all__)
def test_no_module_hides_a_name_of_the_package(name: str) -> None:
    for module in {*bulk._MODULES.values()}:
        importlib.import_module(f"knetik_cloud.bulk.{module}")
    assert getattr(bulk, name).__name__ == name
