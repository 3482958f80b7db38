"""The sandbox's CPU time per request, against version 1.0.0 in the same run."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from sqlalchemy import create_engine, make_url, text

from benchmarks.comparison import Ratio
from benchmarks.process import ROOT

BASELINE = "e036b20"
"""The commit of version 1.0.0."""

POSTGRESQL = "KNETIK_TEST_POSTGRESQL_URL"
"""The environment variable with the URL of a PostgreSQL server on which databases may be created."""

BATCH = 150
"""Requests per batch."""

USER = 56
GRANTS_TO = 3
"""The user who receives the grants, so that the list of `USER` keeps its length."""

USES = 1
"""The user who uses an item, and holds nothing else."""

LISTED = 25


class Case(NamedTuple):
    """A request to send repeatedly, and the expected status."""

    name: str
    method: str
    path: str
    body: object
    status: int


def cases(item: int) -> list[Case]:
    """Return the requests to compare; `item` is an item without limits."""
    created = {
        "type_hint": "entitlement",
        "name": "Sword",
        "short_description": "A sword",
        "tags": ["weapon", "steel"],
        "behaviors": [
            {"type_hint": "consumable", "max_use": 100},
            {"type_hint": "expirable", "time_length": 30, "unit_of_time": "day"},
        ],
        "additional_properties": {"color": {"type": "text", "value": "red"}},
    }
    return [
        Case("read", "GET", f"/users/{USER}/inventory/56", None, 200),
        Case(f"list of {LISTED}", "GET", f"/users/{USER}/inventory?size={LISTED}", None, 200),
        Case("grant", "POST", f"/users/{GRANTS_TO}/entitlements", {"entitlement_id": item}, 202),
        Case("use", "POST", f"/users/{USES}/entitlements/{item}/use", None, 200),
        Case("create", "POST", "/entitlements", created, 201),
    ]


def measure(rounds: int) -> list[Ratio]:
    """Compare the sandboxes in memory, on a file and, if `POSTGRESQL` is set, on PostgreSQL."""
    kinds = ["in memory", "on a file", *(["on PostgreSQL"] if POSTGRESQL in os.environ else [])]
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old = _unpack(folder / "baseline")
        for kind in kinds:
            with (
                _databases(kind, folder) as (first, second),
                Running(ROOT, first) as subject,
                Running(old, second) as baseline,
            ):
                results += _compare(kind, subject, baseline, max(5, rounds // 5))
    return results


def _compare(database: str, subject: Running, baseline: Running, rounds: int) -> list[Ratio]:
    item = subject.prepare()
    # The same calls give the same ids.
    assert baseline.prepare() == item
    results = []
    for case in cases(item):
        for each in (subject, baseline):
            each.batch(case)
        pairs = []
        for turn in range(rounds):
            order = (baseline, subject) if turn % 2 else (subject, baseline)
            costs = {each: each.batch(case) for each in order}
            pairs.append((costs[subject], costs[baseline]))
        results.append(Ratio.of_pairs(f"sandbox {database}: {case.name}", pairs, "us"))
    return results


class Running:
    """A sandbox in a process of its own, from a folder of the source, with one connection to it."""

    def __init__(self, source: Path, database: str | None) -> None:
        options = [] if database is None else ["--database", database]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "knetik_cloud.sandbox", "--port", "0", *options],
            cwd=source,
            env={**os.environ, "PYTHONPATH": str(source)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        url = urlsplit(self._process.stdout.readline().strip())
        self._socket = socket.create_connection((url.hostname, url.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.communicate()

    def prepare(self) -> int:
        """Create an item without limits and a full page of it; return its id."""
        item = {"type_hint": "entitlement", "name": "Free", "behaviors": []}
        created = self._call(_request("POST", "/entitlements", item), 201)
        item_id = int(json.loads(created)["id"])
        for user in (*[USER] * LISTED, USES):
            granted = _request("POST", f"/users/{user}/entitlements", {"entitlement_id": item_id})
            self._call(granted, 202)
        return item_id

    def batch(self, case: Case) -> float:
        """Run a batch of a case, and return the server's CPU time per request in microseconds."""
        request = _request(case.method, case.path, case.body)
        gc.collect()
        started = _cpu_time(self._process.pid)
        for _ in range(BATCH):
            self._call(request, case.status)
        return (_cpu_time(self._process.pid) - started) / BATCH * 1e6

    def _call(self, request: bytes, status: int) -> bytes:
        self._socket.sendall(request)
        received = self._socket.recv(1 << 20)
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._socket.recv(1 << 20)
        head = received[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        while len(received) < end + 4 + length:
            received += self._socket.recv(1 << 20)
        if int(head[9:12]) != status:
            raise RuntimeError(f"expected {status}, got {received!r}")
        return received[end + 4 :]


def _request(method: str, path: str, body: object) -> bytes:
    """Return the bytes of a request, with the headers that the SDK sends."""
    data = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "Accept-Encoding: gzip, deflate",
        "User-Agent: knetik_cloud/1.0.0/python",
    ]
    if method != "GET":
        head.append(f"Content-Length: {len(data)}")
    if data:
        head.append("Content-Type: application/json")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def _cpu_time(process: int) -> float:
    """Return the CPU seconds of another process, all its threads together."""
    # Linux encodes the CPU clock of a process in its clock id; see clock_getcpuclockid(3).
    return time.clock_gettime((~process << 3) | 2)


def _unpack(folder: Path) -> Path:
    """Unpack the source of version 1.0.0."""
    archive = subprocess.run(
        ["git", "archive", BASELINE, "knetik_cloud"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[tuple[str | None, str | None]]:
    """Yield a database each for the two sandboxes."""
    if kind == "in memory":
        yield None, None
    elif kind == "on a file":
        yield str(folder / "subject.db"), str(folder / "baseline.db")
    else:
        names = [f"knetik_benchmark_{uuid.uuid4().hex}" for _ in range(2)]
        server = make_url(os.environ[POSTGRESQL])
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for name in names:
                connection.execute(text(f"CREATE DATABASE {name}"))
            first, second = (server.set(database=name).render_as_string(False) for name in names)
            try:
                yield first, second
            finally:
                for name in names:
                    connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
