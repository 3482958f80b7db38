"""The journal of a bulk run after power cuts, full disks, damage, other versions and competing processes."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import pytest

import knetik_cloud
from knetik_cloud import bulk
from knetik_cloud.bulk import journal, shard
from knetik_cloud.bulk.journal import BusyError, Lease, ShardJournal
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import USERS, grants, held

Api = knetik_cloud.UsersInventoryApi
GRANT = "grant_user_entitlement"
USE = "use_user_entitlement_item"
KEYS = [f"key-{number}" for number in range(5)]


def run(api: Api, folder: Path, count: int = 80, **options: Any) -> bulk.Report:
    options = {"progress": False, "settle": 0.1, "shards": 1, **options}
    return bulk.run(grants(count), api.grant_user_entitlement, journal=folder / "run", **options)


def use(api: Api, folder: Path, **options: Any) -> bulk.Report:
    rows = [{"user_id": 56, "item_id": 56, "key": key} for key in KEYS]
    options = {"progress": False, "settle": 0, "shards": 1, **options}
    return bulk.run(rows, api.use_user_entitlement_item, journal=folder / "run", **options)


def used(api: Api) -> list[str]:
    infos = [line.info.strip("[]") for line in api.iter_user_inventory_log(56, 56) if line.info]
    return sorted(info for info in infos if info in KEYS)


def journal_of(folder: Path) -> Path:
    return folder / "run" / "0000.journal"


def test_journals_have_the_permissions_of_their_rows(api: Api, tmp_path: Path) -> None:
    run(api, tmp_path)
    files = (path for path in (tmp_path / "run").iterdir() if path.suffix in (".rows", ".journal"))
    assert len({path.stat().st_mode for path in files}) == 1


@pytest.mark.parametrize("tail", [b"app", b"intent 3 17", b"\0" * 4096, b"applied 5\nint"])
def test_last_record_that_a_crash_truncated_is_discarded(
    api: Api, seeded: Sandbox, tmp_path: Path, tail: bytes
) -> None:
    run(api, tmp_path)
    whole = journal_of(tmp_path).read_bytes()
    journal_of(tmp_path).write_bytes(whole + tail)
    assert run(api, tmp_path).counts["applied"] == 80
    assert journal_of(tmp_path).read_bytes() == whole + tail[: tail.rfind(b"\n") + 1]
    assert held(api) == dict.fromkeys(USERS, 2)


@pytest.mark.parametrize("last", [0, 3])
def test_power_cut_with_safety_power_repeats_nothing(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    synced: list[int] = []
    record = ShardJournal.record

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)

    def die(journal: ShardJournal, row: int, *outcome: Any) -> None:
        record(journal, row, *outcome)
        if row == last:
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", sync, raising=False)
        patch.setattr(ShardJournal, "record", die)
        with pytest.raises(SystemExit):
            use(api, tmp_path, safety="power")
    os.truncate(journal_of(tmp_path), synced[-1])  # what was not synced is lost
    assert bulk.report(tmp_path / "run").counts["pending"] == len(KEYS) - last
    assert use(api, tmp_path).counts["applied"] == len(KEYS)
    assert used(api) == KEYS


def test_intents_are_synced_before_their_rows_are_sent(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bytes, int]] = []

    def watched(descriptor: int) -> None:
        os.fsync(descriptor)
        synced.append((journal_of(tmp_path).read_bytes(), len(seeded.journal(USE))))

    monkeypatch.setattr(os, "fdatasync", watched, raising=False)
    seeded.clear_journal()
    use(api, tmp_path, safety="power")
    assert [sent for _, sent in synced] == [0, 1, 2, 3, 4]
    assert [data.splitlines()[-1].split()[:2] for data, _ in synced] == [
        [b"intent", b"%d" % row] for row in range(5)
    ]


def test_name_of_a_journal_is_synced_before_its_rows_are_sent(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"user_id": 56, "item_id": 56}]
    synced: list[tuple[bool, int]] = []

    def watched(descriptor: int) -> None:
        is_folder = os.path.samestat(os.fstat(descriptor), tmp_path.stat())
        synced.append((is_folder and (tmp_path / "0000.journal").exists(), len(seeded.journal(USE))))

    monkeypatch.setattr(os, "fsync", watched)
    seeded.clear_journal()
    method = api.use_user_entitlement_item
    run = bulk.run(rows, method, journal=tmp_path, shards=1, safety="power", progress=False)
    assert run.applied == 1
    assert (True, 0) in synced


def test_names_of_files_that_a_killed_plan_did_not_sync_are_synced_before_a_row_is_sent(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    synced: list[tuple[Path, int]] = []

    def die(path: Path) -> None:
        if path == folder:
            raise SystemExit

    def watched(path: Path) -> None:
        synced.append((path, len(seeded.journal(USE))))

    with monkeypatch.context() as patch:
        patch.setattr(journal, "sync", die)
        with pytest.raises(SystemExit):
            use(api, tmp_path)
    monkeypatch.setattr(journal, "sync", watched)
    seeded.clear_journal()
    assert use(api, tmp_path, safety="power").applied == len(KEYS)
    assert synced == [(folder, 0)]


@pytest.mark.parametrize("part", [0.0, 0.3, 0.55, 0.8])
def test_journal_that_has_lost_its_end_repeats_nothing_if_keys_are_looked_for(
    api: Api, seeded: Sandbox, tmp_path: Path, part: float
) -> None:
    use(api, tmp_path)
    whole = journal_of(tmp_path).read_bytes()
    journal_of(tmp_path).write_bytes(whole[: int(len(whole) * part)])
    seeded.clear_journal()
    assert use(api, tmp_path, find_keys=True).applied == len(KEYS)
    assert seeded.journal(USE) == []
    assert used(api) == KEYS


def test_damaged_journal_is_named_with_the_place(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    run(api, tmp_path)
    path = journal_of(tmp_path)
    whole = path.read_bytes()
    records = (b"applied 80\n", b"applied one\n", b"\0\0applied 1\n")
    for place, bad in ((0, b"garbage\n"), *((len(whole), record) for record in records)):
        path.write_bytes(whole[:place] + bad + whole[place:])
        seeded.clear_journal()
        with pytest.raises(bulk.BulkError, match=rf"0000\.journal is damaged at byte {place}: .* Restore it"):
            run(api, tmp_path)
        assert seeded.journal() == []


def read(folder: Path) -> list[bulk.RowReport]:
    return list(bulk.report(folder / "run").rows())


def cut_rows(folder: Path) -> None:
    path = folder / "0000.rows"
    path.write_bytes(path.read_bytes()[:-30])


def remove_rows(folder: Path) -> None:
    (folder / "0000.rows").unlink()


def remove_journal(folder: Path) -> None:
    (folder / "0000.journal").unlink()


def change_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "manifest.json"
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_rows, r"0000\.rows is damaged: it holds 79 of 80 rows"),
        (remove_rows, r"0000\.rows is missing: restore it from a copy"),
        (remove_journal, r"0000\.journal is missing: restore it from a copy"),
        (change_manifest(lambda found: found.update(version=1)), "written by another version"),
        (change_manifest(lambda found: found.pop("version")), r"manifest\.json is damaged"),
        (change_manifest(lambda found: found.update(more=1)), r"manifest\.json is damaged"),
        (change_manifest(lambda found: found.pop("sizes")), r"manifest\.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), r"manifest\.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text('"2"'), r"manifest\.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text('{"ver'), r"manifest\.json is damaged"),
    ],
)
def test_damaged_folder_is_never_run(
    api: Api, seeded: Sandbox, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    run(api, tmp_path, canary=1, confirm=lambda found: False)
    damage(tmp_path / "run")
    seeded.clear_journal()
    for use_it in (lambda: bulk.resume(tmp_path / "run", api, progress=False), lambda: read(tmp_path)):
        with pytest.raises(bulk.BulkError, match=message):
            use_it()
    assert len(seeded.journal(GRANT)) in (0, 78)  # the rows before the damage are sent


def test_damaged_journal_is_not_locked_by_its_error(tmp_path: Path) -> None:
    (tmp_path / "0000.journal").write_bytes(b"damaged\n")
    errors = []  # such as those that a scheduler keeps, with their frames
    for _ in range(2):
        with pytest.raises(bulk.BulkError, match="is damaged at byte 0") as raised:
            ShardJournal(tmp_path / "0000.journal", 1)
        errors.append(raised.value)


def test_journals_without_their_manifest_are_kept(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    run(api, tmp_path)
    (tmp_path / "run" / "manifest.json").rename(tmp_path / "manifest.json")
    for use_it in (lambda: run(api, tmp_path), lambda: read(tmp_path), lambda: bulk.stop(tmp_path / "run")):
        with pytest.raises(bulk.BulkError, match=r"holds journals without manifest\.json: restore it"):
            use_it()
    (tmp_path / "manifest.json").rename(tmp_path / "run" / "manifest.json")
    assert run(api, tmp_path).applied == 80
    assert held(api) == dict.fromkeys(USERS, 2)


def test_folder_without_a_run_is_not_used(api: Api, tmp_path: Path) -> None:
    for use_it in (bulk.status, bulk.report, bulk.resume, bulk.stop):
        with pytest.raises(bulk.BulkError, match=r"run holds no bulk run: check the path, or start one"):
            use_it(tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_run_of_another_version_is_not_stopped(api: Api, tmp_path: Path) -> None:
    run(api, tmp_path, count=1)
    change_manifest(lambda found: found.update(version=1))(tmp_path / "run")
    with pytest.raises(bulk.BulkError, match="written by another version"):
        bulk.stop(tmp_path / "run")


def test_run_that_checks_its_rows_is_not_reported_as_missing(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def rows() -> Iterator[dict[str, Any]]:
        for read in (bulk.status, bulk.report, bulk.resume):
            with pytest.raises(bulk.BulkError, match=r"the rows of .*run aren't checked yet: wait for"):
                read(folder)
        yield from grants(1)

    bulk.prepare(rows(), api.grant_user_entitlement, journal=folder)
    assert bulk.status(folder)["pending"] == 1


def test_plan_that_another_process_discards_is_not_one_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_files(folder: Path, pattern: str) -> Iterator[Path]:
        for path in find(folder, pattern):
            path.unlink()
            yield path

    find = Path.glob
    monkeypatch.setattr(Path, "glob", list_files)
    for read in (bulk.status, bulk.report, bulk.resume, bulk.stop):
        (tmp_path / "0000.journal").touch()
        with pytest.raises(bulk.BulkError, match="holds no bulk run: check the path"):
            read(tmp_path)


def test_plan_that_was_not_finished_is_made_again(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    run(api, tmp_path)
    folder = tmp_path / "other" / "run"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "255").write_text("")
    shutil.copy(tmp_path / "run" / "0000.rows", folder / "0001.rows")
    (folder / "manifest.json.new").write_text("{")
    assert run(api, tmp_path / "other").applied == 80
    assert not (folder / "0001.rows").exists()


@pytest.mark.parametrize(
    "other",
    ["thesis.txt", "keys/id_rsa", "keys/1/2", "january.rows", "nginx.conf.new", "yarn.lease", "0001.rows/a"],
)
def test_folder_with_other_files_is_left_alone(api: Api, tmp_path: Path, other: str) -> None:
    folder = tmp_path / "run"
    (folder / other).parent.mkdir(parents=True)
    (folder / other).write_text("")
    (folder / "stop").write_text("")
    before = {*folder.rglob("*")}
    with pytest.raises(bulk.BulkError, match=rf"holds other files, such as {other[:6]}.*: name a new folder"):
        run(api, tmp_path)
    assert {*folder.rglob("*")} == before


def test_folder_with_another_manifest_is_left_alone(api: Api, tmp_path: Path) -> None:
    for name in ("run/manifest.json", "run/stop"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with pytest.raises(bulk.BulkError, match=r"manifest\.json is damaged"):
        run(api, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("run/*")) == ["manifest.json", "stop"]


def test_link_in_place_of_the_folder_with_keys_is_left_alone(api: Api, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1").write_text("")
    (tmp_path / "run" / "keys").symlink_to(tmp_path / "mine")
    with pytest.raises(bulk.BulkError, match="holds other files, such as keys"):
        run(api, tmp_path)
    assert (tmp_path / "mine" / "1").exists()


def test_journal_that_is_deleted_during_a_run_stops_it(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.fail(GRANT, reset=True, applied=True)
    look_up = shard.find_traces

    def delete(path: Path, *further: Any) -> Any:
        path.unlink()
        return look_up(path, *further)

    monkeypatch.setattr(shard, "find_traces", delete)
    with pytest.raises(bulk.BulkError, match=r"0000\.journal is missing: restore it from a copy"):
        run(api, tmp_path)


@pytest.mark.parametrize("size", [0, 400, 409, 415])
def test_full_disk_stops_the_run_and_the_same_command_continues(
    api: Api, seeded: Sandbox, tmp_path: Path, size: int
) -> None:
    bulk.prepare(grants(80), api.grant_user_entitlement, journal=tmp_path / "run", shards=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # a write that reaches it takes a part
    try:
        with pytest.raises(bulk.BulkError, match=r"0000\.journal can't be written: .*the same command"):
            run(api, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal_of(tmp_path).stat().st_size <= size
    assert run(api, tmp_path).counts["applied"] == 80
    assert held(api) == dict.fromkeys(USERS, 2)


def test_disk_that_is_full_while_rows_are_stored_is_named(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(bulk.BulkError, match=r"run can't be written: .*use the same command to start"):
            run(api, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run(api, tmp_path).counts["applied"] == 80


def test_disk_that_is_full_while_a_report_is_written_is_named(api: Api, tmp_path: Path) -> None:
    bulk.prepare(grants(80), api.grant_user_entitlement, journal=tmp_path / "run")
    report, (soft, hard) = bulk.report(tmp_path / "run"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        for name in ("report.csv", "report.jsonl", "report.csv.gz"):
            with pytest.raises(bulk.BulkError, match=rf"{name} can't be written: .*use the same call again"):
                report.write(tmp_path / name)
        with pytest.raises(bulk.BulkError, match=r"can't be written: .*or name another folder with TMPDIR"):
            bulk.plan(grants(80), api.grant_user_entitlement, shards=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_error_of_the_system_about_stored_rows_is_not_renamed(api: Api, tmp_path: Path) -> None:
    bulk.prepare(grants(1), api.grant_user_entitlement, journal=tmp_path, shards=1)
    (tmp_path / "0000.rows").unlink()
    (tmp_path / "0000.rows").mkdir()
    with pytest.raises(IsADirectoryError):
        list(bulk.report(tmp_path).rows())


PROGRAM_WITH_20_DESCRIPTORS = """
import os, resource, sys
from knetik_cloud import UsersInventoryApi, bulk

method = UsersInventoryApi().grant_user_entitlement
rows = [{"user_id": user, "entitlement_id": 5} for user in range(1, 81)]
limit = len(os.listdir("/proc/self/fd")) + 20
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
for use in (
    lambda: bulk.run(rows, method, journal=sys.argv[1], shards=4096, progress=False),
    lambda: list(bulk.report(sys.argv[2]).rows()),
):
    try:
        use()
    except bulk.BulkError as error:
        print(error)
"""


def test_too_many_shards_for_the_open_files_are_rejected(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    bulk.prepare(grants(80), api.grant_user_entitlement, journal=tmp_path / "many", shards=4096)
    folders = str(tmp_path / "run"), str(tmp_path / "many")
    command = [sys.executable, "-c", PROGRAM_WITH_20_DESCRIPTORS, *folders]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == 2 * "too many open files: use fewer shards, or raise the limit (ulimit -n)\n"
    assert run(api, tmp_path, shards=4096).applied == 80


def test_processes_that_start_the_same_run_at_the_same_time_repeat_nothing(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    errors: list[str] = []
    together = threading.Barrier(6)

    def start() -> None:
        together.wait()
        try:
            run(api, tmp_path, shards=4)
        except bulk.BulkError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(error.startswith("another process is ") for error in errors)
    assert run(api, tmp_path, shards=4).counts["applied"] == 80
    assert held(api) == dict.fromkeys(USERS, 2)


def test_second_run_of_a_folder_takes_no_shard(api: Api, seeded: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    bulk.prepare(grants(80), api.grant_user_entitlement, journal=folder, shards=4)
    with closing(Lease(folder / "run")), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for start in (
            lambda: run(api, tmp_path, shards=4),
            lambda: run(api, tmp_path, shards=4, executor=pool),
            lambda: bulk.resume(folder, api, progress=False),
        ):
            with pytest.raises(bulk.BulkError, match=r"another process is running .*: wait for it"):
                start()
    assert seeded.journal(GRANT) == []
    assert [path.stat().st_size for path in folder.glob("*.journal")] == [0] * 4
    assert run(api, tmp_path, shards=4).applied == 80


def test_item_whose_removal_a_crash_left_open_counts_as_removed(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    def remove() -> bulk.Report:
        journal = tmp_path / "run"
        return bulk.run([{"entitlement_id": 5}], api.delete_entitlement_item, journal=journal, progress=False)

    assert remove().counts["applied"] == 1
    journal = next(tmp_path.glob("run/*.journal"))
    intent = journal.read_bytes().splitlines(keepends=True)[0]
    journal.write_bytes(intent)
    assert remove().counts["applied"] == 1
    (row,) = read(tmp_path)
    assert (row.state, row.status) == ("applied", None)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_file_system_without_locks_is_named(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def reject(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", reject)
    with pytest.raises(bulk.BulkError, match=r"can't be locked \(.*file system that locks"):
        run(api, tmp_path)
    pager = api.iter_users_inventory()
    with pytest.raises(bulk.BulkError, match=r"can't be locked \(.*file system that locks"):
        bulk.export(pager, tmp_path / "entries.jsonl", progress=False)


def test_lease_that_is_removed_excludes_those_who_had_opened_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.part"
    first, later = Lease(path), []

    def lock_later(file: IO[bytes]) -> None:
        monkeypatch.undo()
        first.remove()  # between opening the file and locking it
        later.append(Lease(path))
        journal._lock(file)

    monkeypatch.setattr(journal, "_lock", lock_later)
    with pytest.raises(BusyError):
        Lease(path)
    later[0].remove()
    assert list(tmp_path.iterdir()) == []


def test_process_forked_during_a_run_holds_no_lease_after_it(api: Api, tmp_path: Path) -> None:
    (tmp_path / "0000.journal").touch()
    forked = ShardJournal(tmp_path / "0000.journal", 1)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        forked.close()
        ShardJournal(tmp_path / "0000.journal", 1).close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


PROGRAM_THAT_FORKS = """
import os, signal, sys, time
from pathlib import Path
from knetik_cloud.bulk.journal import ShardJournal

journal = ShardJournal(Path(sys.argv[1]), 80)
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(600)
signal.pause()
"""


def test_run_continues_after_its_process_was_killed_and_left_a_forked_one(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    bulk.prepare(grants(80), api.grant_user_entitlement, journal=tmp_path / "run", shards=1)
    command = [sys.executable, "-c", PROGRAM_THAT_FORKS, str(journal_of(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        forked = int(process.stdout.readline())
        try:
            with pytest.raises(bulk.BulkError, match="another process is running"):
                run(api, tmp_path)
            process.kill()
            process.wait()
            assert run(api, tmp_path).applied == 80
        finally:
            os.kill(forked, signal.SIGKILL)


def test_forked_process_that_closes_the_journal_keeps_the_lease_of_its_parent(tmp_path: Path) -> None:
    (tmp_path / "0000.journal").touch()
    journal = ShardJournal(tmp_path / "0000.journal", 1)
    child = os.fork()
    if child == 0:
        try:
            journal.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(bulk.BulkError, match="another process is running"):
        ShardJournal(tmp_path / "0000.journal", 1)
    journal.close()


def test_keys_that_occur_twice_are_found_among_more_than_fit_in_memory(
    api: Api, seeded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knetik_cloud.bulk.planning.BUCKET_KEYS", 4)
    rows = [{"user_id": number, "entitlement_id": 5, "key": f"k{number % 4990}"} for number in range(5000)]
    with pytest.raises(bulk.InvalidRowsError, match="because of 10 problems") as caught:
        bulk.run(rows, api.grant_user_entitlement, journal=tmp_path / "run")
    assert "rows 1 and 4991 have the same key 'k0'" in caught.value.problems
    assert not list(tmp_path.glob("run/keys"))
