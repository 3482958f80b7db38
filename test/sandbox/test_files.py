"""Databases in files: their names and permissions, foreign files, and files that can't be used."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.storage import Database, UnusableDatabase
from knetik_cloud.sandbox.storage import database as database_module
from test.sandbox.conftest import command_environment, running_command
from test.sandbox.web import Web


def users_in(path: Path) -> int:
    """Count the users in a copy of a file, without its log."""
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])


@pytest.mark.parametrize(
    "name", ["what?.db", "a%41.db", "100%25.db", "a b#c.db", "ü.db", "x.db?mode=memory", "\udcff.db"]
)
def test_a_file_has_the_name_that_was_given(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with Sandbox(database=str(tmp_path / name)) as sandbox:
            assert len(sandbox.export()["users"]) == 4
    assert os.listdir(tmp_path) == [name]


def test_a_new_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Sandbox(database=str(tmp_path / "new.db")) as sandbox:
            sandbox.advance(days=1)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {"new.db", "new.db-wal", "new.db-shm"}
    assert set(modes.values()) == {0o600}


def test_the_permissions_of_an_existing_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    path.touch()
    path.chmod(0o664)
    with Sandbox(database=str(path)):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


FOREIGN = {
    "a table of the same name": ["CREATE TABLE users (a int, b int)", "INSERT INTO users VALUES (1, 2)"],
    "a view of the same name": ["CREATE VIEW users AS SELECT 1 AS a"],
    "a table state": ["CREATE TABLE state (a int, b int)"],
    "the columns of state": ["CREATE TABLE state (name text PRIMARY KEY, document text)"],
    "no key": ["CREATE TABLE state (name text, document text)"],
    "a text": [
        "CREATE TABLE state (name text PRIMARY KEY, document text)",
        "INSERT INTO state VALUES ('schema', '\"2\"')",
    ],
    "another document": [
        "CREATE TABLE state (name text PRIMARY KEY, document json)",
        "INSERT INTO state VALUES ('schema', '{\"version\": \"2\"}')",
        "CREATE TABLE users (a int)",
    ],
}
"""The statements of other programs, by what their databases have in common with a sandbox's."""
ALONE = {
    "nothing in common": ["CREATE TABLE notes (a)"],
    "a name like those of SQLite": ["CREATE TABLE sqlitenotes (a)"],
    "an unused view": ["CREATE VIEW v AS SELECT 1"],
}
"""Statements of other programs that only SQLite files are checked for, by what the file then has."""


@pytest.mark.parametrize("kind", [*FOREIGN, *ALONE])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_file_of_another_program_is_rejected_unchanged(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for statement in (FOREIGN | ALONE)[kind]:
            connection.execute(statement)
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match="holds the data of another program"):
        Sandbox(database=str(path)).start()
    assert path.read_bytes() == before
    assert mode == "wal" or os.listdir(tmp_path) == ["other.db"]


@pytest.mark.postgresql
@pytest.mark.parametrize("kind", FOREIGN)
def test_the_tables_of_another_program_are_rejected_on_postgresql(postgresql_url: str, kind: str) -> None:
    import psycopg

    listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        for statement in FOREIGN[kind]:
            connection.execute(statement)
        before = connection.execute(listed).fetchall()
        connection.commit()
        with pytest.raises(UnusableDatabase, match=r"another program: it contains (users|state)$"):
            Sandbox(database=postgresql_url).start()
        assert connection.execute(listed).fetchall() == before


@pytest.mark.parametrize(
    "content", [b"no database at all, but a text", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_other_than_a_database_is_rejected_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(UnusableDatabase, match=r"notes.txt: its (file is not an SQLite|disk)|is corrupt"):
        Sandbox(database=str(path)).start()
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_rejected_database_leaves_no_connection_open(tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    with Sandbox(database=str(newer)):
        pass
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE state SET document = '{\"version\": 999}' WHERE name = 'schema'")
        connection.commit()
    text = tmp_path / "text.db"
    text.write_text("no database")
    gc.collect()  # what other tests have left
    open_before = psutil.Process().num_fds()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for path in (newer, text, tmp_path / "missing" / "x.db"):
            with pytest.raises(UnusableDatabase):
                Database(str(path))
        gc.collect()
    assert psutil.Process().num_fds() == open_before


def test_a_directory_and_a_missing_folder_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UnusableDatabase, match="there is no folder"):
        Database(str(tmp_path / "missing" / "x.db"))
    with pytest.raises(UnusableDatabase, match="can't open the database"):
        Database(str(tmp_path))


# Files that can't be used while the sandbox runs


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, Web, Path]]:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.2)
    path = tmp_path / "served.db"
    with Sandbox(database=str(path)) as sandbox:
        client = Web(sandbox.url)
        yield sandbox, client, path
        client.close()


def pragma(sandbox: Sandbox, statement: str) -> Any:
    assert sandbox._service is not None
    only = sandbox._service.database._only
    assert only is not None
    return only.connection.cursor().execute(statement).fetchone()


READS = (
    "/entitlements/56",
    "/entitlements",
    "/users/56/inventory",
    "/users/56/inventory/56",
    "/users/56/inventory/56/log",
    "/users/56/entitlements/56/check",
    "/_sandbox/snapshots",
    "/console",
    "/console/data/users/56",
    "/console/clock",
)


def test_a_locked_file_is_reported_and_usable_afterwards(served: tuple[Sandbox, Web, Path]) -> None:
    sandbox, client, path = served
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reply = client.use(56, 56)
        assert (reply.status, reply.json["code"]) == (503, 1501)
        assert "it is locked by another program" in reply.problem["message"]
        assert client.post("/_sandbox/reset").status == 503
        with pytest.raises(UnusableDatabase, match="locked"):
            sandbox.advance(days=1)
        for path_that_reads in READS:
            assert client.get(path_that_reads).status in (200, 204), path_that_reads
        page = client.get("/console/why?user=56&item=56")
        assert (page.status, b"it is locked by another program" in page.body) == (503, True)
        assert sandbox.wallet(56) == {"USD": 250}
        assert len(sandbox.export()["users"]) == 4
        other.execute("ROLLBACK")
    assert client.use(56, 56).status == 200
    assert client.entries(56, 56)[0]["behavior_data"] == {"consumable": {"use_count": 3}}


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("is_replaced", [False, True])
def test_no_write_to_a_removed_or_replaced_file_is_acknowledged(
    served: tuple[Sandbox, Web, Path], suffix: str, is_replaced: bool
) -> None:
    sandbox, web, path = served
    file, moved = path.with_name(f"{path.name}{suffix}"), path.with_name("moved")
    assert web.grant(3, 56).status == 202
    file.rename(moved)
    if is_replaced:
        file.write_bytes(moved.read_bytes())
    for reply in (web.grant(3, 56), web.get("/users/3/inventory")):
        assert (reply.status, reply.json["code"]) == (503, 1501)
        assert "its file was removed or replaced" in reply.problem["message"]
    with pytest.raises(UnusableDatabase, match="start the sandbox again"):
        sandbox.reset()
    moved.replace(file)
    assert web.grant(3, 56).status == 202


@pytest.mark.parametrize("is_noticed", [False, True])
def test_backup_in_place_of_a_file_is_used_as_it_is(tmp_path: Path, is_noticed: bool) -> None:
    path, backup = tmp_path / "x.db", tmp_path / "backup.db"
    with Sandbox(database=str(path)) as sandbox, closing(Web(sandbox.url)) as client:
        granted = len(client.entries(3, 56))
    shutil.copyfile(path, backup)
    with Sandbox(database=str(path)) as sandbox, closing(Web(sandbox.url)) as client:
        assert {client.grant(3, 56).status for _ in range(20)} == {202}
        backup.replace(path)
        if is_noticed:
            assert client.grant(3, 56).status == 503
    with Sandbox(database=str(path)) as sandbox, closing(Web(sandbox.url)) as client:
        assert len(client.entries(3, 56)) == granted
        assert pragma(sandbox, "PRAGMA integrity_check") == ("ok",)


def test_end_of_a_sandbox_keeps_the_changes_of_another_one_to_a_file_in_its_place(tmp_path: Path) -> None:
    path, backup = tmp_path / "x.db", tmp_path / "backup.db"
    with Sandbox(database=str(path)):
        pass
    shutil.copyfile(path, backup)
    with Sandbox(database=str(path)) as sandbox:
        backup.replace(path)
        with running_command("--database", str(path)) as (_, url), closing(Web(url)) as client:
            assert client.grant(3, 56).status == 202
            granted = len(client.entries(3, 56))
            sandbox.stop()
            assert len(client.entries(3, 56)) == granted


def test_a_link_to_a_file_may_be_removed(tmp_path: Path) -> None:
    link, path = tmp_path / "link.db", tmp_path / "real.db"
    path.touch()
    link.symlink_to(path)
    with Sandbox(database=str(link)) as sandbox:
        link.unlink()
        sandbox.snapshot()
    assert users_in(path) == 4


def test_a_locked_file_delays_no_read(tmp_path: Path) -> None:
    with Sandbox(database=str(tmp_path / "x.db")) as sandbox:
        client = Web(sandbox.url)
        client.use(56, 56)
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM inventory")
            # Each would take the five seconds of BUSY_SECONDS if it waited for the lock.
            for _ in range(30):
                assert client.entries(56, 56)[0]["behavior_data"] == {"consumable": {"use_count": 3}}
            other.execute("COMMIT")
        assert client.entries(56, 56) == []
        client.close()


def test_a_read_waits_for_the_lock_if_an_invoice_is_due(served: tuple[Sandbox, Web, Path]) -> None:
    sandbox, client, path = served
    request = {"sku": "season_pass", "note": "", "skip_invoice": False, "overrides": []}
    assert client.post("/users/3/inventory", request).status == 201
    sandbox.advance(days=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.get("/users/3/inventory").status == 503
        other.execute("ROLLBACK")
    assert [each["status"] for each in client.entries(3, 1)] == ["active"]


def test_a_locked_file_is_reported_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.2)
    path = tmp_path / "x.db"
    with Sandbox(database=str(path)):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnusableDatabase, match="it is locked by another program"):
            Sandbox(database=str(path)).start()


def test_a_full_disk_is_reported_and_loses_nothing(served: tuple[Sandbox, Web, Path]) -> None:
    sandbox, client, _ = served
    pages = pragma(sandbox, "PRAGMA page_count")[0]
    pragma(sandbox, f"PRAGMA max_page_count = {pages + 2}")
    granted = 0
    while (reply := client.grant(56, 56)).status == 202:
        granted += 1
        assert granted < 5000
    assert reply.status == 503
    assert "its disk is full" in reply.problem["message"]
    assert client.get("/entitlements/56").status == 200
    entries = client.entries(56, 56)
    assert len(entries) == granted + 1
    pragma(sandbox, "PRAGMA max_page_count = 100000")
    assert client.grant(56, 56).status == 202


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")
@pytest.mark.parametrize("path", ["/_sandbox/snapshots/a", "/_sandbox/reset"])
def test_a_commit_that_fails_does_not_end_the_use_of_the_file(tmp_path: Path, path: str) -> None:
    method = "PUT" if "snapshots" in path else "POST"
    database = tmp_path / "x.db"
    with running_command("--database", str(database)) as (process, url):
        client, limits = Web(url), psutil.Process(process.pid)
        assert client.use(56, 56).status == 200
        size = database.with_name("x.db-wal").stat().st_size
        limits.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
        for _ in range(2):
            assert client.call(method, path).status == 503
            assert client.get("/entitlements").json["total_elements"] == 6
        limits.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        assert client.call(method, path).status == 204
        client.close()


def test_a_corrupt_file_is_reported(served: tuple[Sandbox, Web, Path]) -> None:
    sandbox, client, path = served
    pragma(sandbox, "PRAGMA wal_checkpoint(TRUNCATE)")
    pragma(sandbox, "PRAGMA cache_size = 0")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    replies = [client.get("/inventories"), client.get("/entitlements/56"), client.use(56, 56)]
    assert {reply.status for reply in replies} <= {200, 503, 404, 403}
    assert any("it is corrupt" in reply.body.decode() for reply in replies)


READ_ONLY = """
import sys
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.storage import UnusableDatabase
from test.sandbox.web import Web
try:
    with Sandbox(database=sys.argv[1]) as sandbox:
        client = Web(sandbox.url)
        print(client.get("/users/56/inventory/56").status, client.get("/console/data/users/56").status)
        reply = client.use(56, 56)
        print(reply.status, reply.problem["message"])
        client.close()
except UnusableDatabase as error:
    print(error)
"""

WITHOUT_PRIVILEGES = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if sys.platform == "linux" and os.geteuid() == 0
    else ()
)
"""What a command begins with, for root to be bound by the permissions of files, too."""


def run_bound_by_permissions(path: Path) -> str:
    run = subprocess.run(
        [*WITHOUT_PRIVILEGES, sys.executable, "-c", READ_ONLY, str(path)],
        capture_output=True,
        text=True,
        env=command_environment(),
        timeout=100,
        check=True,
    )
    return run.stdout


def test_a_read_only_file_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with Sandbox(database=str(path)):
        pass
    before = path.read_bytes()
    path.chmod(0o400)
    assert run_bound_by_permissions(path) == f"200 200\n503 can't use the database {path}: it is read-only\n"
    assert path.read_bytes() == before


def test_a_new_file_that_is_read_only_is_reported_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch(0o400)
    assert run_bound_by_permissions(path) == f"can't open the database {path}: it is read-only\n"


# The end of the process


def test_a_stopped_sandbox_leaves_all_data_in_a_file_that_another_program_has_opened(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with ExitStack() as after:
        with Sandbox(database=str(path)):
            other = after.enter_context(closing(sqlite3.connect(path)))
            assert other.execute("SELECT count(*) FROM users").fetchone() == (4,)
        assert users_in(path) == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_leaves_all_data_in_the_file(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "kept.db"
    with running_command("--database", str(path)) as (process, url):
        client = Web(url)
        assert client.use(56, 56).status == 200
        client.close()
        process.send_signal(number)
        assert process.wait(20) == 0
    assert users_in(path) == 4
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept.copy", "kept.db"]


@pytest.mark.postgresql
def test_workers_end_when_their_parent_is_killed(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (process, _):
        workers = psutil.Process(process.pid).children()
        process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert len(gone) >= 2


SILENT = """
import socket, sys
from knetik_cloud.sandbox import Sandbox, serving
serving.HEAD_TIMEOUT_SECONDS = 0.3
with Sandbox() as sandbox:
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    for sent in (b"", b"GET /ent", b"GET /entitlements/56 HTTP/1.1\\r\\nHost: localhost\\r\\n"):
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(sent)
            try:
                assert connection.recv(100) == b"", sent
            except ConnectionResetError:
                pass
    # A second request that stays incomplete.
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"GET /entitlements/56 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        assert connection.recv(65536)
        connection.sendall(b"GET /ent")
        try:
            while connection.recv(65536): pass
        except ConnectionResetError:
            pass
    sandbox.fail("*", delay=1)
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"GET /entitlements/56 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200"), "a slow response is not a silent client"
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=command_environment(),
        timeout=100,
        check=False,
    )


def test_connections_that_send_no_request_are_closed() -> None:
    run = run_python(SILENT)
    assert run.returncode == 0, run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")
def test_a_lack_of_descriptors_is_reported_once_and_ends() -> None:
    with running_command() as (process, url):
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE, (40, 40))
        port = int(url.rpartition(":")[2])
        held = []
        try:
            held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(90)]
            client = Web(url)
            assert client.get("/entitlements/56").status == 200
            client.close()
        finally:
            for connection in held:
                connection.close()
        process.terminate()
        _, errors = process.communicate(timeout=20)
    complaints = [line for line in errors.splitlines() if "no connection can be accepted" in line]
    assert len(complaints) >= 1
    assert len(errors.splitlines()) < 20


def test_server_that_ends_during_a_lack_of_descriptors_ends_quietly() -> None:
    with running_command() as (process, url):
        client = Web(url)
        fault = {"operation": "get_entitlement_item", "delay": 2}
        assert client.post("/_sandbox/faults", fault).status == 200
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE, (40, 40))
        port = int(url.rpartition(":")[2])
        with ExitStack() as held, ThreadPoolExecutor(1) as pool:
            slow = pool.submit(client.get, "/entitlements/56")  # the server waits for it
            for _ in range(90):
                held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            time.sleep(0.1)
            process.terminate()
            assert slow.result().status == 200
            _, errors = process.communicate(timeout=60)
        client.close()
    assert len(errors.splitlines()) < 20


# First data


@pytest.mark.parametrize("kind", ["text", "path", "map"])
def test_a_sandbox_starts_with_any_seed_that_it_can_add(tmp_path: Path, kind: str) -> None:
    seed = {"users": [{"id": 10, "username": "kim", "password": "x"}]}
    path = tmp_path / "seed.yaml"
    path.write_text("users: [{id: 10, username: kim, password: x}]")
    source: Any = {"text": str(path), "path": path, "map": seed}[kind]
    with Sandbox(seed=source) as sandbox:
        sandbox.seed({"users": [{"id": 11, "username": "lee"}]})
        sandbox.reset()
        assert [user["id"] for user in sandbox.export()["users"]] == [10]


def test_a_seed_that_is_wrong_is_reported_at_the_start(tmp_path: Path) -> None:
    for seed in ({"planets": []}, {"users": [{"username": 5}]}):
        with pytest.raises(ValueError, match=r"planets|username"):
            Sandbox(seed=seed).start()
    with pytest.raises(FileNotFoundError):
        Sandbox(seed=str(tmp_path / "missing.yaml")).start()


def test_a_late_write_is_applied_after_its_caller_has_gone() -> None:
    with Sandbox() as sandbox:
        fault = sandbox.fail("use_user_entitlement_item", delay=2, applied=True)
        other = sandbox.fail("grant_user_entitlement", delay=2)
        import http.client

        for path, body in (
            ("/users/56/entitlements/56/use", ""),
            ("/users/3/entitlements", '{"entitlement_id": 56}'),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            while not (fault if "use" in path.split("/")[-1] else other).met:
                time.sleep(0.01)
            connection.close()
        client = Web(sandbox.url)
        end = time.monotonic() + 20
        while len(sandbox.journal()) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        (entry,) = client.entries(56, 56)
        assert entry["behavior_data"] == {"consumable": {"use_count": 3}}
        assert client.entries(3, 56) == [entry for entry in client.entries(3, 56) if entry["id"] == 2], (
            "a slow operation whose caller has gone is not applied"
        )
        client.close()
