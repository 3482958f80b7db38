"""The cost of a bulk run, measured in a separate process: `costs.py WHAT ARGUMENT...`."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import knetik_cloud
from knetik_cloud import bulk

THREADS = 8
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
EMPTY_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 54\r\n\r\n"
    b'{"content": [], "total_elements": 0, "total_pages": 0}'
)


class Stub(asyncio.Protocol):
    """Accepts every request, as cheaply as possible."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}"):  # headers and body may come apart
            self.transport.write(ACCEPTED)
        elif data.startswith(b"GET"):
            self.transport.write(EMPTY_PAGE)


class PageStub(Stub):
    """Returns the page that is asked for."""

    pages: dict[int, bytes] = {}  # noqa: RUF012

    def data_received(self, data: bytes) -> None:
        number = int(data.partition(b"page=")[2].partition(b"&")[0].partition(b" ")[0].decode())
        if data.count(b"page=") != 1:
            raise ValueError(data)
        self.transport.write(self.pages[number])


async def serve(stub: type[Stub]) -> None:
    server = await asyncio.get_running_loop().create_server(stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def rows(count: int, keys: bool = False) -> Iterator[dict[str, Any]]:
    """Yield grants for users, once only."""
    for number in range(count):
        row: dict[str, Any] = {"user_id": number % 10_000, "entitlement_id": 5}
        yield {**row, "key": f"order-{number}"} if keys else row


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process that some work takes, in all of its threads."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def per_row(url: str, count: int) -> dict[str, list[float]]:
    """Return CPU microseconds per row of a bare thread pool and of a bulk run, interleaved."""
    found: dict[str, list[float]] = {"pool": [], "bulk": []}
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url, pool_size=THREADS)) as client:
        api = knetik_cloud.UsersInventoryApi(client)

        def pool() -> None:
            with ThreadPoolExecutor(THREADS) as threads:
                for future in [
                    threads.submit(
                        api.grant_user_entitlement,
                        row["user_id"],
                        knetik_cloud.EntitlementGrantRequest(entitlement_id=row["entitlement_id"]),
                    )
                    for row in rows(count)
                ]:
                    future.result()

        def run() -> None:
            with tempfile.TemporaryDirectory() as folder:
                report = bulk.run(
                    rows(count),
                    api.grant_user_entitlement,
                    journal=Path(folder) / "run",
                    concurrency=THREADS,
                    progress=False,
                )
            assert report.applied == count, report

        pool(), run()
        for _ in range(5):
            found["pool"].append(cpu(pool) / count * 1e6)
            found["bulk"].append(cpu(run) / count * 1e6)
    return found


def peak_of_run(url: str, count: int, send: bool) -> dict[str, float]:
    """Return the peak memory in MiB of a run with a one-shot iterable and keys, or of its plan alone."""
    with (
        tempfile.TemporaryDirectory() as folder,
        knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url)) as client,
    ):
        api = knetik_cloud.UsersInventoryApi(client)
        method, journal = api.grant_user_entitlement, Path(folder) / "run"
        if send:
            assert bulk.run(rows(count, keys=True), method, journal=journal, progress=False).applied == count
            bulk.report(journal).write(Path(folder) / "report.jsonl")
        else:
            bulk.prepare(rows(count, keys=True), method, journal=journal)
    from test.faults.child import peak_memory

    return {"MiB": peak_memory()}


def replay(count: int) -> dict[str, float]:
    """Return the CPU seconds of replaying a journal of so many records."""
    from knetik_cloud.bulk.journal import History

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0000.journal"
        with path.open("w") as file:
            for row in range(count // 2):
                moment = 1_700_000_000 + row // 100
                file.write(f"intent {row} {moment}\n")
                detail = ' {"status": 403, "code": 1007, "reason": "used up"}' if row % 10 == 0 else ""
                file.write(f"{'denied' if detail else 'applied'} {row} {moment}{detail}\n")
        return {"seconds": cpu(lambda: History(path, count // 2))}


def make_pages(count: int) -> dict[int, bytes]:
    """Return the pages of a list of entries, by number."""
    entry = {
        "id": 56, "user": {"id": 56, "username": "user_id_example", "display_name": "Robin"},
        "item_id": 56, "item_name": "Potion of Speed", "item_type_hint": "entitlement", "status": "active",
        "expires": 1505347200, "invoice_id": None, "behavior_data": {"consumable": {"use_count": 2}},
        "created_date": 1502755200, "updated_date": 1502841600,
    }  # fmt: skip
    size = 1000
    return {
        number: json.dumps(
            {
                "content": [{**entry, "id": number * size + row} for row in range(size)],
                "total_elements": count,
                "total_pages": count // size,
            }
        ).encode()
        for number in range(1, count // size + 1)
    }


def exporting(count: int) -> dict[str, list[float]]:
    """Return the CPU seconds of an export, and of `json.loads` and `json.dumps` of its rows, interleaved."""
    pages = make_pages(count)
    found: dict[str, list[float]] = {"export": [], "json": []}
    server = subprocess.Popen(
        [sys.executable, "-m", "test.outcomes.costs", "serve-pages", str(count)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
    server.stdout.close()
    with (
        tempfile.TemporaryDirectory() as folder,
        knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url)) as client,
    ):
        api = knetik_cloud.UsersInventoryApi(client)
        target = Path(folder) / "entries.jsonl"

        def export() -> None:
            result = bulk.export(api.iter_users_inventory(), target, progress=False)
            assert result.is_complete, result

        def by_json() -> None:
            with (Path(folder) / "other.jsonl").open("w") as file:
                for data in pages.values():
                    for row in json.loads(data)["content"]:
                        file.write(json.dumps(row) + "\n")

        export()
        for _ in range(3):
            found["export"].append(cpu(export))
            found["json"].append(cpu(by_json))
    server.kill()
    server.communicate()
    return found


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve(Stub))
    elif what == "serve-pages":
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
        PageStub.pages = {
            number: head.format(len(page)).encode() + page
            for number, page in make_pages(int(arguments[0])).items()
        }
        asyncio.run(serve(PageStub))
    elif what == "per-row":
        print(json.dumps(per_row(arguments[0], int(arguments[1]))))
    elif what == "peak":
        print(json.dumps(peak_of_run(arguments[0], int(arguments[1]), arguments[2] == "run")))
    elif what == "replay":
        print(json.dumps(replay(int(arguments[0]))))
    elif what == "export":
        print(json.dumps(exporting(int(arguments[0]))))
