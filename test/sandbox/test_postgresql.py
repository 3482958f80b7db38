"""The sandbox on PostgreSQL, served by several processes that share everything."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.errors import ServiceError
from knetik_cloud.sandbox.storage import UnusableDatabase
from knetik_cloud.sandbox.storage.paging import Bookmarks
from test.sandbox.conftest import running_command
from test.sandbox.test_contract import call_with_examples
from test.sandbox.web import Web

pytestmark = pytest.mark.postgresql


def test_every_example_succeeds(postgresql_url: str) -> None:
    with Sandbox(database=postgresql_url) as sandbox:
        client = Web(sandbox.url)
        for operation in Contract.load().operations.values():
            sandbox.reset()
            assert call_with_examples(client, operation).status == operation.success, operation.id
        client.close()


def test_lists_are_sorted_as_on_sqlite(postgresql_url: str, sandbox: Sandbox) -> None:
    names = ["b", "B", "a", "_", "ä", "Z", "10", "9", ""]
    listed = []
    with Sandbox(database=postgresql_url) as other:
        for server in (sandbox, other):
            client = Web(server.url)
            for name in names:
                client.create_item(name=f"x{name}", category=name or None)
            page = client.get("/entitlements", query={"order": "category:DESC,name:ASC"}).json
            listed.append([item["name"] for item in page["content"]])
            client.close()
    assert listed[0] == listed[1]


def test_a_write_between_two_queries_of_a_long_list_moves_no_page(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(database=postgresql_url) as sandbox:
        sandbox.generate(entries=2000)
        client, other = Web(sandbox.url), Web(sandbox.url)
        version = Bookmarks.version

        def version_after_a_write(db: Connection) -> object:
            monkeypatch.setattr(Bookmarks, "version", staticmethod(version))
            assert other.put("/users/56/inventory/56/status", "inactive").status == 200
            return version(db)

        def ids(page: int, size: int) -> list[int]:
            listed = client.get("/inventories", query={"page": page, "size": size}).json["content"]
            return [entry["id"] for entry in listed]

        monkeypatch.setattr(Bookmarks, "version", staticmethod(version_after_a_write))
        assert 56 in ids(1, 10)
        assert ids(1, 10) + ids(2, 10) == ids(1, 20)
        client.close()
        other.close()


def test_ids_and_data_come_back_with_reset_and_snapshots(postgresql_url: str) -> None:
    with Sandbox(database=postgresql_url) as sandbox:
        client = Web(sandbox.url)
        first = sandbox.export()
        assert client.create_item() == 57
        sandbox.snapshot("one")
        assert client.create_item() == 58
        sandbox.restore("one")
        assert client.create_item() == 58
        sandbox.reset()
        assert sandbox.export() == first
        assert client.create_item() == 57
        client.close()


def test_a_reset_that_fails_leaves_the_next_ids_unchanged(postgresql_url: str, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("items: [{id: 100, type_hint: entitlement, name: Life}]")
    with Sandbox(database=postgresql_url, seed=seed):
        pass
    # This one finds the data, so that its reset reads the seed.
    with Sandbox(database=postgresql_url, seed=seed) as sandbox:
        client = Web(sandbox.url)
        seed.write_text("items: [{id: 100}]")
        with pytest.raises(ServiceError):
            sandbox.reset()
        assert client.create_item() == 101
        client.close()


def test_no_worker_applies_a_delayed_write_after_another_one_has_reset_the_data(postgresql_url: str) -> None:
    with (
        running_command("--database", postgresql_url, "--workers", "2") as (_, url),
        ThreadPoolExecutor(4) as pool,
    ):
        control = Web(url)
        fault = {"operation": "use_user_entitlement_item", "delay": 2, "applied": True, "times": 4}
        assert control.post("/_sandbox/faults", fault).status == 200
        late = [Web(url) for _ in range(4)]
        pending = [pool.submit(client.use, 56, 56) for client in late]
        while control.get("/_sandbox/faults").json["faults"]:
            time.sleep(0.05)
        assert control.post("/_sandbox/reset").status == 204
        assert [each.result(60).status for each in pending] == [503] * 4
        (entry,) = control.entries(56, 56)
        assert entry["behavior_data"] == {"consumable": {"use_count": 2}}
        for client in (control, *late):
            client.close()


def test_workers_share_clock_faults_and_journal(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (_, url):
        # New connections, so that both workers are met.
        def once(method: str, path: str, body: object = ...) -> object:
            client = Web(url)
            reply = client.call(method, path, body)
            client.close()
            return reply

        client = Web(url)
        client.post("/_sandbox/clock/advance", {"days": 3})
        now = client.get("/_sandbox/clock").json["now"]
        clocks = [once("GET", "/_sandbox/clock") for _ in range(8)]
        assert all(abs(reply.json["now"] - now) < 60 for reply in clocks)  # type: ignore[attr-defined]

        client.post("/_sandbox/faults", {"operation": "get_entitlement_item", "status": 503, "times": 3})
        statuses = [once("GET", "/entitlements/56").status for _ in range(8)]  # type: ignore[attr-defined]
        assert sorted(statuses) == [200] * 5 + [503] * 3
        assert client.get("/_sandbox/faults").json["faults"] == []

        exchanges = client.get("/_sandbox/journal?operation=get_entitlement_item").json["exchanges"]
        assert sorted(exchange["status"] for exchange in exchanges) == sorted(statuses)
        client.post("/_sandbox/reset")
        assert client.get("/_sandbox/journal").json["exchanges"] == []
        assert abs(client.get("/_sandbox/clock").json["now"] - now) > 86_400
        client.close()


def _workers(pid: int) -> set[int]:
    """Find the living worker processes of a server."""
    found = set()
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


def test_a_worker_that_dies_is_replaced(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (process, url):
        before = _workers(process.pid)
        assert len(before) == 2
        victim = min(before)
        psutil.Process(victim).kill()
        end = time.monotonic() + 20
        after = before
        while time.monotonic() < end and (len(after) < 2 or victim in after):
            time.sleep(0.1)
            after = _workers(process.pid)
        assert len(after) == 2
        assert victim not in after
        client = Web(url)
        assert client.get("/entitlements/56").status == 200
        client.close()


def test_stop_of_workers_gets_its_response_and_ends_all_of_them(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (process, url):
        workers = _workers(process.pid)
        client = Web(url)
        assert client.call("POST", "/_sandbox/stop").status == 204
        client.close()
        assert process.wait(timeout=20) == 0
        assert len(workers) == 2
        assert not any(psutil.pid_exists(worker) for worker in workers)


def test_replacements_of_all_workers_serve_and_report_nothing(postgresql_url: str) -> None:
    with running_command("--database", postgresql_url, "--workers", "2") as (process, url):
        for worker in _workers(process.pid):
            psutil.Process(worker).kill()
        client = Web(url)
        # The response comes from a replacement.
        assert client.get("/entitlements/56").status == 200
        client.close()
        process.terminate()
        assert "Traceback" not in process.communicate(timeout=20)[1]


def end_connections(url: str, *settings: str) -> None:
    """Change settings of a database, and end the connections to it."""
    name = make_url(url).database
    admin = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        for setting in settings:
            db.execute(text(f"ALTER DATABASE {name} {setting}"))
        ended = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = :name"
        assert all(db.scalars(text(ended), {"name": name}))
    admin.dispose()


def test_no_request_fails_because_idle_connections_were_ended(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox(database=postgresql_url) as sandbox, ThreadPoolExecutor(8) as pool:
        client = Web(sandbox.url)

        def read(_: int) -> int:
            web = Web(sandbox.url)
            status = web.get("/entitlements/56").status
            web.close()
            return status

        assert set(pool.map(read, range(32))) == {200}
        end_connections(postgresql_url)
        assert set(pool.map(read, range(32))) == {200}
        assert client.grant(3, 56).status == 202
        client.close()
    assert not caplog.records


def test_a_read_only_database_is_reported(postgresql_url: str) -> None:
    with Sandbox(database=postgresql_url) as sandbox:
        client = Web(sandbox.url)
        end_connections(postgresql_url, "SET default_transaction_read_only = on")
        reply = client.grant(3, 56)
        assert (reply.status, reply.json["code"]) == (503, 1501)
        assert "read-only transaction" in reply.problem["message"]
        assert client.get("/users/3/inventory").status == 200
        with pytest.raises(UnusableDatabase, match="read-only"):
            sandbox.reset()
        client.close()


def test_every_path_responds_while_the_database_is_gone(postgresql_url: str) -> None:
    url_of_database = make_url(postgresql_url)
    admin = create_engine(url_of_database.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def allow_connections(allowed: bool) -> None:
        name = url_of_database.database
        with admin.connect() as db:
            db.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"))
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            db.execute(text(ended), {"name": name})

    unavailable = [
        ("GET", "/_sandbox"),
        ("GET", "/_sandbox/clock"),
        ("GET", "/_sandbox/journal"),
        ("DELETE", "/_sandbox/journal"),
        ("GET", "/_sandbox/faults"),
        ("GET", "/_sandbox/snapshots"),
        ("POST", "/_sandbox/reset"),
        ("GET", "/users/56/inventory/56"),
    ]
    pages = [
        "/console",
        "/console/journal",
        "/console/data",
        "/console/clock",
        "/console/faults",
        "/console/undo",
    ]
    with running_command("--database", postgresql_url, "--workers", "2") as (process, url):
        client = Web(url)
        allow_connections(False)
        # Twice, for connections that were open and for those that can't be opened.
        for method, path in unavailable * 2:
            reply = client.call(method, path)
            assert (reply.status, reply.json["code"]) == (503, 1501), path
        for path in pages * 2:
            reply = client.get(path)
            assert reply.status == 200 or b"can&#39;t use the database" in reply.body, (path, reply)
            assert reply.status in (200, 503)
        assert client.get("/console/journal?did=1").status == 503
        assert client.get("/console/nope").status == 404
        reply = client.get("/nope")
        assert (reply.status, reply.json["code"]) == (404, 1003)
        allow_connections(True)
        assert client.get("/users/56/inventory/56").status == 200
        client.close()
        process.terminate()
        assert "Traceback" not in process.communicate(timeout=20)[1]
    admin.dispose()
