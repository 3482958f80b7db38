"""A bulk run never takes the traces of other writes for those of its rows."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

import knetik_cloud
from knetik_cloud import bulk, operations, writes
from knetik_cloud.bulk import journal, running, siblings
from knetik_cloud.bulk.journal import APPLIED, PENDING, Folder, History, ShardJournal
from knetik_cloud.bulk.pace import Pace
from knetik_cloud.bulk.shard import FAR_FUTURE
from knetik_cloud.bulk.siblings import Beginning, find_traces
from knetik_cloud.core.operation import Operation
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import USERS, StrangerAfterAnAdd

Api = knetik_cloud.UsersInventoryApi
GRANT = "grant_user_entitlement"
USER, ITEM = USERS[0], 5
ALL_APPLIED = {"applied": 1, "found": 0, "denied": 0, "absent": 0, "unknown": 0, "pending": 0}


def run(api: Api, folder: Path, count: int = 1, **options: Any) -> bulk.Report:
    rows = [{"user_id": USER, "entitlement_id": ITEM}] * count
    options = {"progress": False, "settle": 0, "shards": 1, **options}
    return bulk.run(rows, api.grant_user_entitlement, journal=folder, **options)


def held(api: Api) -> int:
    return len(list(api.iter_user_inventories(USER, filter_item_id=ITEM, inactive=True)))


def run_before(api: Api, folder: Path) -> None:
    run(api, folder / "before")


def grant_before(api: Api, folder: Path) -> None:
    api.grant_user_entitlement(USER, {"entitlement_id": ITEM})


def prepare_before(api: Api, folder: Path) -> None:
    """Grant the item between the plan of a run and its call, as another program could."""
    bulk.prepare(
        [{"user_id": USER, "entitlement_id": ITEM}],
        api.grant_user_entitlement,
        journal=folder / "run",
        shards=1,
    )
    grant_before(api, folder)


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("act", [run_before, grant_before, prepare_before])
def test_grant_just_before_a_run_is_not_taken_for_the_run_s_own(
    api: Api, seeded: Sandbox, tmp_path: Path, act: Callable[[Api, Path], None], is_applied: bool
) -> None:
    act(api, tmp_path)
    seeded.fail(GRANT, reset=True, applied=is_applied)
    assert run(api, tmp_path / "run").counts == ALL_APPLIED
    assert held(api) == 2


ROWS: dict[str, dict[str, Any]] = {
    "add_item_to_user_inventory": {"id": USER, "sku": "sku_example", "note": "", "skip_invoice": True},
    "create_entitlement_item": {"name": "Lamp", "type_hint": "entitlement"},
    "create_entitlement_template": {"name": "Lamps"},
    GRANT: {"user_id": USER, "entitlement_id": ITEM},
}
"""A row of each operation whose writes are recognized without a key."""


def test_rows_cover_all_operations_without_a_key() -> None:
    found = {each for each in vars(operations).values() if isinstance(each, Operation)}
    assert {each.id for each in found if each.read_back and each.marker is None} == ROWS.keys()


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("operation", ROWS)
def test_same_write_of_an_earlier_run_is_not_taken_for_the_run_s_own(
    api: Api, seeded: Sandbox, tmp_path: Path, operation: str, is_applied: bool
) -> None:
    seeded.clear_journal()
    for name in ("before", "run"):
        report = bulk.run(
            [ROWS[operation]], getattr(api, operation), journal=tmp_path / name, settle=0, progress=False
        )
        assert report.counts == ALL_APPLIED
        seeded.fail(operation, reset=True, applied=is_applied)
    sent = [exchange.status for exchange in seeded.journal(operation)]
    assert len(sent) == (2 if is_applied else 3)  # one that was not applied is sent again


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("skip_invoice", [False, True])
def test_add_of_a_run_is_not_confused_with_entries_that_differ_in_having_an_invoice(
    sandbox: Sandbox, tmp_path: Path, skip_invoice: bool, is_applied: bool
) -> None:
    stranger = StrangerAfterAnAdd(sandbox, not skip_invoice)
    settings = knetik_cloud.Configuration(sandbox.url, hooks=[stranger], retries=0)
    row = {**ROWS["add_item_to_user_inventory"], "id": 56, "skip_invoice": skip_invoice}
    sandbox.fail("add_item_to_user_inventory", reset=True, applied=is_applied)
    with knetik_cloud.ApiClient(settings) as client:
        add = Api(client).add_item_to_user_inventory
        report = bulk.run([row], add, journal=tmp_path, settle=0, progress=False)
    assert (report.applied, report.counts["absent"]) == (is_applied, not is_applied)


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
def test_run_killed_in_its_first_seconds_keeps_the_ids_that_were_there_before(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_applied: bool
) -> None:
    grant_before(api, tmp_path)
    seeded.fail(GRANT, reset=True, applied=is_applied)

    def die(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(running._Worker, "_count", die)
        patch.setattr(ShardJournal, "record", die)
        with pytest.raises(SystemExit):
            run(api, tmp_path / "run")
    assert History(tmp_path / "run" / "0000.journal", 1).states[0] != APPLIED
    assert run(api, tmp_path / "run").counts == ALL_APPLIED
    assert held(api) == 2


def lose(seeded: Sandbox, monkeypatch: pytest.MonkeyPatch, lost: int, is_applied: bool) -> None:
    """Lose the response to the first attempt of a row."""
    intend = ShardJournal.intend

    def arm(journal: ShardJournal, row: int, time: int) -> None:
        if row == lost and journal.states[row] == PENDING:
            seeded.fail(GRANT, reset=True, applied=is_applied)
        intend(journal, row, time)

    monkeypatch.setattr(ShardJournal, "intend", arm)


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("lost", range(4))
def test_alike_rows_after_a_grant_of_another_program_are_counted_apart(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: int, is_applied: bool
) -> None:
    grant_before(api, tmp_path)
    lose(seeded, monkeypatch, lost, is_applied)
    assert run(api, tmp_path / "run", count=4).counts == {**ALL_APPLIED, "applied": 4}
    assert held(api) == 5


def test_row_is_unknown_if_the_trace_may_have_been_there_before(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant_before(api, tmp_path)
    seeded.fail(GRANT, reset=True)
    intend = ShardJournal.intend

    def let_read(*arguments: Any) -> None:
        seeded.clear_faults()
        seeded.fail(GRANT, reset=True)
        intend(*arguments)

    monkeypatch.setattr(ShardJournal, "intend", let_read)
    seeded.fail("get_user_inventories", status=403, times=None)
    report = run(api, tmp_path / "run")
    assert report.counts == {**ALL_APPLIED, "applied": 0, "unknown": 1}
    assert next(report.rows()).candidates == 1
    assert held(api) == 1


def test_row_whose_moment_is_unknown_is_never_sent_twice(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intend = ShardJournal.intend

    def let_read(*arguments: Any) -> None:
        seeded.clear_faults()
        seeded.fail(GRANT, reset=True, applied=True)
        intend(*arguments)

    monkeypatch.setattr(ShardJournal, "intend", let_read)
    seeded.advance(seconds=-60)  # so that a lookup from the local time on would find nothing
    seeded.fail("get_user_inventories", status=503, times=None)
    assert run(api, tmp_path / "run").counts == {**ALL_APPLIED, "applied": 0, "unknown": 1}
    assert held(api) == 1


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("lost", range(3))
@pytest.mark.parametrize("read", range(4))
@pytest.mark.parametrize("ahead", [4, 60, -60])
def test_row_is_not_sent_twice_if_servers_differ_in_the_time(
    api: Api,
    seeded: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ahead: int,
    read: int,
    lost: int,
    is_applied: bool,
) -> None:
    lose(seeded, monkeypatch, lost, is_applied)
    for _ in range(read):
        seeded.fail("get_user_inventories", delay=0.001)
    date = formatdate(time.time() + ahead, usegmt=True)
    seeded.fail("get_user_inventories", delay=0.001, headers={"Date": date})
    report = run(api, tmp_path / "run", count=3)
    assert held(api) in (report.applied, report.applied + report.counts["unknown"])
    seeded.clear_faults()
    report = run(api, tmp_path / "run", count=3)
    assert held(api) in (report.applied, report.applied + report.counts["unknown"])


def test_row_is_not_sent_twice_by_a_later_run_if_servers_differed_in_the_time(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(seeded, monkeypatch, 0, is_applied=True)
    date = formatdate(time.time() + 60, usegmt=True)
    seeded.fail("get_user_inventories", delay=0.001, headers={"Date": date}, times=2)
    assert run(api, tmp_path / "run").counts["unknown"] == 1
    seeded.advance(seconds=120)
    run(api, tmp_path / "run")
    assert held(api) == 1


@pytest.mark.parametrize("step", [-60, -4])
def test_row_is_not_sent_twice_if_the_service_s_clock_is_set_back_with_the_local_one(
    seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    class SetsBothClocks(knetik_cloud.Hook):
        calls = 0

        def on_call_start(self, call: Any) -> None:
            self.calls += call.operation == GRANT
            if call.operation == GRANT and self.calls == 2:
                monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() + step))
                seeded.set_time(seeded.now() + step)

    settings = knetik_cloud.Configuration(seeded.url, hooks=[SetsBothClocks()], retries=1)
    seeded.fail(GRANT, delay=0.001)
    seeded.fail(GRANT, reset=True, applied=True)
    with knetik_cloud.ApiClient(settings) as client:
        report = run(Api(client), tmp_path, 3)
        assert report.applied <= held(Api(client)) <= 3


def test_outcomes_are_recorded_with_the_latest_time_and_intents_with_the_earliest(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    seeded.fail("get_user_inventories", status=503, times=None)
    assert run(api, tmp_path / "unknown", count=2).applied == 2
    lines = [line.split()[:3] for line in (tmp_path / "unknown" / "0000.journal").read_text().splitlines()]
    assert {(kind, moment) for kind, _, moment in lines if kind != "before"} == {
        ("intent", "0"),
        ("applied", str(FAR_FUTURE)),
    }
    seeded.clear_faults()
    assert run(api, tmp_path / "known").applied == 1
    lines = [line.split() for line in (tmp_path / "known" / "0000.journal").read_text().splitlines()]
    intent, applied = (int(moment) for kind, _, moment, *_ in lines if kind != "before")
    assert intent <= seeded.now() <= applied + 1
    assert intent < applied


def test_rows_whose_traces_look_alike_are_in_one_shard(api: Api, tmp_path: Path) -> None:
    for number, (operation, row) in enumerate(ROWS.items()):
        method, journal = getattr(api, operation), tmp_path / str(number)
        assert len(bulk.prepare([row] * 20, method, journal=journal)) == 1
    rows = [{"user_id": user, "entitlement_id": ITEM} for user in (56, "56", "056")]
    assert len(bulk.prepare(rows, api.grant_user_entitlement, journal=tmp_path / "users")) == 1
    lamps = [{**ROWS["create_entitlement_item"], "name": f"Lamp {number}"} for number in range(20)]
    assert len(bulk.prepare(lamps, api.create_entitlement_item, journal=tmp_path / "lamps")) > 10


def test_rows_after_the_first_wait_until_no_earlier_write_looks_like_theirs(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    rests: list[float] = []

    def rest(pace: Pace, seconds: float) -> bool:
        rests.append(seconds)
        clock[0] += seconds
        return True

    monkeypatch.setattr(siblings, "monotonic", lambda: clock[0])
    monkeypatch.setattr(siblings, "FIRST_READS", 3)
    monkeypatch.setattr(Pace, "rest", rest)
    assert run(api, tmp_path / "run", count=6).applied == 6
    lines = [line.split()[:2] for line in (tmp_path / "run" / "0000.journal").read_text().splitlines()]
    assert [row for kind, row in lines if kind == "before"] == ["0", "1", "2"]
    assert [row for kind, row in lines if kind == "intent"] == ["0", "1", "2", "3", "4", "5"]
    assert [math.ceil(seconds) for seconds in rests] == [6]


@pytest.mark.parametrize("who", ["this process", "another process"])
def test_run_that_is_stopped_while_it_waits_sends_nothing_more(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    def rest(pace: Pace, seconds: float) -> bool:
        if who == "this process":
            threading.Timer(0.05, pace.stop).start()
            return wait(pace, seconds)
        bulk.stop(tmp_path / "run")
        return True

    wait = Pace.rest
    monkeypatch.setattr(siblings, "FIRST_READS", 2)
    monkeypatch.setattr(Pace, "rest", rest)
    monkeypatch.setattr(running, "STOP_POLL_SECONDS", 0.0)
    report = run(api, tmp_path / "run", count=5)
    assert (report.applied, report.counts["pending"]) == (2, 3)
    assert len(seeded.journal(GRANT)) == 2


def test_age_of_a_run_is_measured_by_the_file_system(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk.prepare([ROWS[GRANT]], api.grant_user_entitlement, journal=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 2e9)  # the clock of another machine
        assert Folder(tmp_path).age() < 3600
    manifest = tmp_path / "manifest.json"
    os.utime(manifest, (1e9, 1e9))
    assert Folder(tmp_path).age() > 3600
    Folder(tmp_path).begin()
    assert Folder(tmp_path).age() < 3600


def test_age_of_a_run_is_measured_by_the_file_system_on_windows_too(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is touched there gets the time of the machine that touches it."""
    clock, genuine = [1e9], os.utime

    def touch(path: Any, times: Any = None, **how: Any) -> None:
        genuine(path, times or (clock[0], clock[0]), **how)

    bulk.prepare([ROWS[GRANT]], api.grant_user_entitlement, journal=tmp_path)
    monkeypatch.setattr(os, "utime", touch)
    monkeypatch.setattr(journal, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    probe = Mock(wraps=journal.TemporaryFile)
    monkeypatch.setattr(journal, "TemporaryFile", probe)
    Folder(tmp_path).begin()
    assert probe.call_count == 1
    clock[0] = 2e9  # that of another machine
    assert Folder(tmp_path).age() < 3600


def test_beginning_ends_with_the_age_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(siblings, "monotonic", lambda: clock[0])
    new, old = Beginning(0.0), Beginning(5.0)
    assert [each.seconds_left(2.0) for each in (new, old)] == [6.0, 1.0]
    assert new.seconds_left(2.5) == 8.0
    clock[0] += 1.0
    assert [each.seconds_left(2.0) for each in (new, old)] == [5.0, 0.0]
    assert [each.is_over for each in (new, old)] == [False, True]


JOURNALS: dict[str, tuple[str, tuple[int, set[int], int, float]]] = {
    "the row alone": ("intent 0 100", (98, set(), 0, 0)),
    "a row that was not sent": ("", (198, set(), 0, 0)),
    "a sibling that has ended long before": ("intent 1 90|applied 1 95|intent 0 100", (98, set(), 0, 0)),
    "a sibling within the window": ("intent 1 90|applied 1 96|intent 0 100", (88, set(), 1, 0)),
    "a chain": (
        "intent 3 70|applied 3 71|intent 2 80|applied 2 86|intent 1 90|applied 1 96|intent 0 100",
        (78, set(), 2, 0),
    ),
    "a row of others": ("intent 9 99|applied 9 99|intent 0 100", (98, set(), 0, 0)),
    "siblings that may have left a trace": (
        "intent 1 99|unknown 1 99 {}|intent 2 99|absent 2 99 {}|intent 3 99|intent 0 100",
        (97, set(), 0, 2),
    ),
    "a sibling sent again later": (
        "intent 1 80|absent 1 81 {}|intent 0 100|intent 1 120|applied 1 121",
        (78, set(), 1, 0),
    ),
    "its own ids": ("before 0 [97, [7, 8]]|intent 0 100", (97, {7, 8}, 0, 0)),
    "its own ids, after siblings": (
        "intent 1 99|applied 1 99|intent 2 99|unknown 2 99 {}|before 0 [97, [7]]|intent 0 100",
        (97, {7}, 0, 1),
    ),
    "ids of the latest sibling": (
        "before 1 [96, [5]]|intent 1 98|applied 1 98|before 2 [97, [6]]|intent 2 98|intent 0 100",
        (97, {6}, 0, 1),
    ),
    "ids of a sibling out of reach": (
        "before 1 [86, [5]]|intent 1 88|applied 1 88|intent 0 100",
        (98, set(), 0, 0),
    ),
    "ids that were recorded twice": ("before 0 [87, [5]]|before 0 [97, [6]]|intent 0 100", (97, {6}, 0, 0)),
    "ids of a sibling after the row": (
        "intent 0 100|before 1 [99, [5]]|intent 1 101|applied 1 101",
        (98, set(), 1, 0),
    ),
    "an open sibling that ended after the ids were read": (
        "intent 1 98|before 0 [97, [5]]|intent 0 100|applied 1 101",
        (97, {5}, 0, 1),
    ),
    "a row that no attempt can have applied": (
        "before 0 [0, null]|intent 0 0|unapplied 0 9 {}|before 0 [97, [5]]|intent 0 100",
        (97, {5}, 0, 0),
    ),
    "a sibling that no attempt can have applied": (
        "before 1 [96, [5]]|intent 1 98|applied 1 98|before 2 [0, null]|unapplied 2 0|intent 0 100",
        (96, {5}, 1, 0),
    ),
    "times that go back": ("intent 1 160|applied 1 161|intent 0 100", (0, set(), 1, math.inf)),
    "a corrected time": ("before 0 [157, [5]]|intent 0 160|intent 0 100", (0, set(), 0, math.inf)),
    "ids of a later time": ("before 0 [157, [5]]|intent 0 100", (0, set(), 0, math.inf)),
    "a time in the future": ("intent 0 203", (0, set(), 0, math.inf)),
    "times that go back by their uncertainty": ("intent 1 102|applied 1 102|intent 0 100", (98, set(), 1, 0)),
    "times of others that go back": ("intent 9 160|intent 0 100", (98, set(), 0, 0)),
    "ids that could not be read": ("before 0 [97, null]|intent 0 100", (97, set(), 0, math.inf)),
}


@pytest.mark.parametrize(("lines", "expected"), JOURNALS.values(), ids=JOURNALS)
def test_traces_of_a_row_are_found_in_the_journal(
    tmp_path: Path, lines: str, expected: tuple[int, set[int], int, float]
) -> None:
    path = tmp_path / "0000.journal"
    path.write_text("".join(f"{line}\n" for line in lines.split("|") if line))
    states = History(path, 10).states
    found = find_traces(path, states, 0, {1, 2, 3}, 200, 2)
    assert (found.since, {number for number in range(10) if number in found.before}) == expected[:2]
    assert (found.applied, found.pending) == expected[2:]
