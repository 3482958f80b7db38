"""Exports: every byte of every item, in each format, resumed after a kill, counted."""

from __future__ import annotations

import csv
import gc
import gzip
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import bulk
from knetik_cloud.bulk import exporting, files, slices
from knetik_cloud.bulk.files import open_text
from knetik_cloud.bulk.slices import split
from knetik_cloud.core.operation import Pages
from knetik_cloud.data import codec
from knetik_cloud.exceptions import ApiResponseError
from knetik_cloud.sandbox import Sandbox
from test.interruptions import Interruption
from test.paging.lists import ListService, entries

PAGES = Pages()
ODD = [
    '{"id":1,"name":"\\u00e9 \\/ \\ud83d\\ude00","n":1e400,"big":123456789012345678901234567890}',
    '{ "id" : "x" ,\n "a": [1, {"b": "]}"}] }',
    '{"no_id": null}',
    '{"id":null}',
    "5",
    '"text"',
]


@pytest.fixture(params=["msgspec", "standard library"])
def splitter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "standard library":
        monkeypatch.setattr(slices, "_fast_splitter", lambda pages: None)


@pytest.fixture
def service() -> Iterator[ListService]:
    with ListService(entries(2500)) as running:
        yield running


def pager(service: ListService, **how: Any) -> Any:
    client = knetik_cloud.ApiClient(knetik_cloud.Configuration(service.url))
    return knetik_cloud.UsersInventoryApi(client).iter_users_inventory(**how)


@pytest.mark.usefixtures("splitter")
def test_items_are_slices_of_the_response() -> None:
    data = (
        '{"total_elements": 9, "content" : [' + " , ".join(ODD) + '] ,"total_pages":3, "x": {"content": []}}'
    ).encode()
    found = split(data, PAGES)
    assert [bytes(item).decode() for item in found.items] == ODD
    assert found.ids == [1, "x", None, None, None, None]
    assert (found.total, found.pages) == (9, 3)
    assert slices.lines(found, [True, True, False, False, False, True], data).decode().splitlines() == [
        ODD[0], '{ "id" : "x" ,  "a": [1, {"b": "]}"}] }', ODD[5],
    ]  # fmt: skip


@pytest.mark.usefixtures("splitter")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"content": [1',
        b'{"content": [1,]}',
        b'{"content": [1]} x',
        b"{content: []}",
        b"<html>",
        b"\xff",
    ],
)
def test_anything_but_a_page_is_rejected(data: bytes) -> None:
    with pytest.raises(ApiResponseError, match="the response is not a page of a list"):
        split(data, PAGES)


@pytest.mark.usefixtures("splitter")
@pytest.mark.parametrize("data", [b"{}", b'{"content": null}', b'{"content": []}', b' { "content" : [ ] } '])
def test_empty_pages_hold_no_items(data: bytes) -> None:
    assert split(data, PAGES).items == []


@pytest.mark.parametrize("prefetch", [0, 4])
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz", "a.jsonl.zst", "a.csv", "a.csv.gz", "a.parquet"])
def test_every_format_holds_every_item(
    service: ListService, tmp_path: Path, name: str, prefetch: int
) -> None:
    if name.endswith(".parquet"):
        parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / name
    result = bulk.export(pager(service, prefetch=prefetch, page_size=100), path)
    assert (result.rows, result.total, result.is_complete) == (2500, 2500, True)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    if name.endswith(".parquet"):
        rows = parquet.read_table(path).to_pylist()
    elif ".csv" in name:
        text = (gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()).decode()
        rows = [{**row, "id": int(row["id"])} for row in csv.DictReader(text.splitlines())]
    else:
        with open_text(path) as file:
            rows = [json.loads(line) for line in file]
        assert rows == service.rows
    assert [row["id"] for row in rows] == list(range(1, 2501))


@pytest.fixture(params=["msgspec", "standard library"])
def parquet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pyarrow's module for Parquet, next to each of the readers of JSON."""
    found = pytest.importorskip("pyarrow.parquet")
    if request.param == "standard library":
        monkeypatch.setattr(slices, "_fast_splitter", lambda pages: None)
        monkeypatch.setattr(codec, "fast_decoder", lambda: None)
        monkeypatch.setattr("knetik_cloud.contrib.arrow._fast_encoder", lambda: None)
    return found


HALF = "\ud83d"  # a lone surrogate, which UTF-8 can't encode
STRANGE: list[Any] = [
    {"id": 1, "item_name": HALF, "status": "active", HALF: 1},
    {
        "id": 2,
        "item_name": "\U0001f600",
        "behavior_data": {HALF: [HALF]},
        "user": {"id": 3, "username": HALF},
    },
    {"id": HALF, "x": HALF},
    None,
    5,
    HALF,
]


def test_texts_that_a_spreadsheet_takes_for_formulas_are_unchanged_in_csv(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@x", "\t=1"]
    with ListService([{"id": number, "item_name": name} for number, name in enumerate(names)]) as service:
        bulk.export(pager(service), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [row["item_name"] for row in csv.DictReader(file)] == names


def test_items_that_utf8_cannot_encode_or_that_are_not_objects_are_in_every_format(
    tmp_path: Path, parquet: Any
) -> None:
    with ListService(STRANGE) as service:
        for name in ("a.jsonl", "a.csv", "a.parquet"):
            assert bulk.export(pager(service), tmp_path / name).is_complete
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == STRANGE
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    others = [json.loads(row["other_fields"] or "null") for row in rows]
    assert [row["id"] for row in rows] == ["1", "2", r"\ud83d", "", "", ""]
    assert [row["item_name"] for row in rows[:2]] == [r"\ud83d", "\U0001f600"]
    assert json.loads(rows[1]["behavior_data"]) == {HALF: [HALF]}
    assert json.loads(rows[1]["user"]) == {"id": 3, "username": HALF}
    assert others == [{HALF: 1}, None, {"x": HALF}, None, 5, HALF]
    rows = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["id"] for row in rows] == [1, 2, None, None, None, None]
    assert rows[1]["item_name"] == "\U0001f600"
    assert json.loads(rows[1]["behavior_data"]) == {HALF: [HALF]}
    assert [json.loads(row["_other"] or "null") for row in rows] == [
        {"item_name": HALF, HALF: 1},
        {"user": {"username": HALF}},
        {"id": HALF, "x": HALF},
        None,
        5,
        HALF,
    ]


def test_export_reads_pages_of_1000_by_default(service: ListService, tmp_path: Path) -> None:
    bulk.export(pager(service), tmp_path / "a.jsonl")
    assert [request["size"] for request in service.requests] == ["1000"] * 3
    result = bulk.export(pager(service, limit=70, page_size=50), tmp_path / "b.jsonl")
    assert result.rows == 70
    assert len((tmp_path / "b.jsonl").read_text().splitlines()) == 70


def stop_at(rows: int) -> Callable[[Mapping[str, Any]], None]:
    """A display that breaks off once so many rows are written."""

    def show(state: Mapping[str, Any]) -> None:
        if state["done"] == rows:
            raise InterruptedError

    return show


def test_export_continues_without_reading_pages_twice(service: ListService, tmp_path: Path) -> None:
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl.gz", progress=stop_at(1200))
    already = len(service.requests)
    result = bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl.gz")
    pages = [(int(page["page"]), int(page["size"])) for page in service.requests[already:]]
    assert pages == [(1200, 1), *((number, 100) for number in range(13, 26))]
    assert (result.rows, result.is_resumed, result.is_complete) == (2500, True, True)
    lines = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, 2501))


def test_export_whose_file_has_lost_its_end_starts_from_scratch(service: ListService, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), path, progress=stop_at(1200))
    os.truncate(tmp_path / "a.jsonl.part", 1000)
    result = bulk.export(pager(service, page_size=100), path)
    assert ids_in(path) == list(range(1, 2501))
    assert (result.is_resumed, result.is_complete) == (False, True)


@pytest.mark.parametrize("how", [{"inactive": True, "page_size": 100}, {"page_size": 50}])
def test_export_of_another_list_starts_from_scratch(
    service: ListService, tmp_path: Path, how: dict[str, Any]
) -> None:
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl", progress=stop_at(500))
    result = bulk.export(pager(service, **how), tmp_path / "a.jsonl")
    assert (result.rows, result.is_resumed) == (2500, False)


def test_items_that_move_are_reported_and_never_written_twice(service: ListService, tmp_path: Path) -> None:
    service.before = lambda page: service.rows.pop(0) if page == 3 else None  # type: ignore[union-attr]
    with pytest.warns(knetik_cloud.RowsMovedWarning, match="Collect items first, then change them") as caught:
        result = bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl")
    assert caught[0].filename == __file__
    assert (result.has_moved, result.is_complete, result.rows) == (True, False, 2499)
    service.before = lambda page: service.rows.insert(0, {"id": 9000 + page})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bulk.export(pager(service, page_size=100), tmp_path / "b.jsonl")
    ids = [json.loads(line)["id"] for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert len(ids) == len(set(ids))


def test_export_with_a_limit_reports_items_that_move(service: ListService, tmp_path: Path) -> None:
    service.before = lambda page: service.rows.pop(0) if page == 3 else None  # type: ignore[union-attr]
    with pytest.warns(knetik_cloud.RowsMovedWarning, match="holds 500 items"):
        result = bulk.export(pager(service, page_size=100, limit=500), tmp_path / "a.jsonl")
    assert result.has_moved


def test_items_that_moved_before_an_export_continued_are_written_once(
    service: ListService, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl", progress=stop_at(500))
    service.rows[:0] = [
        {"id": 9000 + number} for number in range(300)
    ]  # as in a list whose newest come first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = bulk.export(pager(service, page_size=100), tmp_path / "a.jsonl")
    assert result.is_resumed
    assert ids_in(tmp_path / "a.jsonl") == list(range(1, 2501))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_as_many_items_removed_as_added_before_an_export_continued_are_reported(
    service: ListService, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), tmp_path / name, progress=stop_at(500))
    service.rows.pop(0)
    service.rows.append({"id": 2501})
    with pytest.warns(knetik_cloud.RowsMovedWarning, match="holds 2500 items of 2500: others may"):
        result = bulk.export(pager(service, page_size=100), tmp_path / name)
    assert (result.is_resumed, result.has_moved, 501 in ids_in(tmp_path / name)) == (True, True, False)


def test_export_in_another_format_to_the_same_file_starts_from_scratch(
    service: ListService, tmp_path: Path
) -> None:
    path = tmp_path / "a.gz"
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), path, format="csv", progress=stop_at(500))
    result = bulk.export(pager(service, page_size=100), path, format="jsonl")
    assert (result.is_resumed, ids_in(path)) == (False, list(range(1, 2501)))


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a pipe"])
def test_only_regular_files_are_replaced(service: ListService, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "target"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path if kind == "pipe" else tmp_path / "pipe")
    if kind == "link to a pipe":
        path.symlink_to("pipe")
    with pytest.raises(
        knetik_cloud.ApiValueError, match="target is not a regular file, which an export repl"
    ):
        bulk.export(pager(service), path)
    assert (path.is_file(), service.requests) == (False, [])


def test_an_error_names_the_folder_that_is_missing(service: ListService, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        bulk.export(pager(service), tmp_path / "none" / "items.jsonl")
    assert (raised.value.filename, service.requests) == (str(tmp_path / "none"), [])


def test_an_error_names_the_file_that_cant_be_made(service: ListService, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "items.jsonl", tmp_path / f"{'n' * 300}.jsonl"):
        with pytest.raises(OSError, match=r"Not a directory|File name too long") as raised:
            bulk.export(pager(service), path)
        assert (raised.value.filename, service.requests) == (str(path), [])


def test_descriptor_of_a_pipe_is_rejected(service: ListService) -> None:
    reader, writer = os.pipe()
    with (
        open(reader, "rb"),
        open(writer, "wb"),
        pytest.raises(knetik_cloud.ApiValueError, match=f"/dev/fd/{writer} is not a regular file"),
    ):
        bulk.export(pager(service), f"/dev/fd/{writer}", format="jsonl")  # as `/dev/stdout` before a `|`
    assert service.requests == []


def test_file_behind_a_link_is_replaced(service: ListService, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, file = tmp_path / "a.jsonl.gz", tmp_path / "elsewhere" / "data"
    link.symlink_to(file)
    assert bulk.export(pager(service), link).path == link
    assert link.is_symlink()
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == 2500
    assert [each.name for each in (tmp_path / "elsewhere").iterdir()] == ["data"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet"])
def test_file_that_replaces_another_has_its_permissions_from_the_start(
    service: ListService, tmp_path: Path, name: str
) -> None:
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.touch()
    path.chmod(0o640)
    seen: set[int] = set()

    def progress(state: Mapping[str, Any]) -> None:
        seen.add(path.with_name(f"{name}.part").stat().st_mode & 0o777)

    bulk.export(pager(service), path, progress=progress)
    assert path.stat().st_size > 0
    assert {*seen, path.stat().st_mode & 0o777} == {0o640}


def writes(frame: FrameType) -> bool:
    """Return whether a frame takes, compresses or stores items."""
    name = frame.f_globals.get("__name__", "")
    return name in ("knetik_cloud.bulk.files", "gzip") or (
        name == "knetik_cloud.bulk.exporting"
        and frame.f_code.co_name
        in ("__init__", "fetch", "_save", "save", "_take", "_compare", "_written_ids")
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of a file that was just opened
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of gzip
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_export_that_is_interrupted_at_any_line_continues_without_a_repeat_or_a_gap(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHECKPOINT_SECONDS", 0)
    path, number, resumed = tmp_path / name, 0, 0
    with ListService(entries(25)) as service:
        list_of = pager(service, page_size=10)
        bulk.export(list_of, path)
        while True:
            number += 1
            path.unlink()
            interruption = Interruption(number, KeyboardInterrupt(), writes)
            with suppress(KeyboardInterrupt), interruption:
                bulk.export(list_of, path)
            if interruption.left > 0:
                break
            result = bulk.export(list_of, path)
            assert ids_in(path) == list(range(1, 26)), f"line {number}"
            assert result.is_complete, f"line {number}"
            assert [file.name for file in tmp_path.iterdir()] == [name], f"line {number}"
            resumed += result.is_resumed
    gc.collect()  # while the warnings are ignored
    assert number > 100
    assert resumed > number / 2


@pytest.mark.parametrize("resume", [True, False])
def test_export_that_begins_again_leaves_no_state_of_the_file_that_it_replaces(
    service: ListService, tmp_path: Path, resume: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(InterruptedError):
        bulk.export(pager(service, page_size=100), path, progress=stop_at(500))

    def stop(file: object, data: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("knetik_cloud.bulk.files.Appender.write", stop)
        with pytest.raises(KeyboardInterrupt):
            bulk.export(pager(service, page_size=50 if resume else 100), path, resume=resume)
    result = bulk.export(pager(service, page_size=100), path)
    assert ids_in(path) == list(range(1, 2501))
    assert (result.is_resumed, result.is_complete) == (False, True)


TRACE: ContextVar[str] = ContextVar("trace", default="none")


class Traces(knetik_cloud.Hook):
    """Keeps the trace that each call belongs to."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def on_call_start(self, call: knetik_cloud.hooks.Call) -> None:
        self.found.append(TRACE.get())


@pytest.mark.parametrize("prefetch", [0, 3])
def test_fetches_of_an_export_have_the_context_of_its_caller(
    service: ListService, tmp_path: Path, prefetch: int
) -> None:
    hook = Traces()
    client = knetik_cloud.ApiClient(knetik_cloud.Configuration(service.url, hooks=[hook]))
    api = knetik_cloud.UsersInventoryApi(client)
    token = TRACE.set("mine")
    try:
        bulk.export(api.iter_users_inventory(page_size=500, prefetch=prefetch), tmp_path / "a.jsonl")
    finally:
        TRACE.reset(token)
    assert hook.found == ["mine"] * 5


@pytest.mark.parametrize("prefetch", [0, 3])
@pytest.mark.parametrize("is_of_pager", [True, False], ids=["of the pager", "of a block"])
def test_export_ends_at_its_deadline_and_continues(
    service: ListService, tmp_path: Path, prefetch: int, is_of_pager: bool
) -> None:
    path, gate = tmp_path / "a.jsonl", threading.Event()
    service.before = lambda page: gate.wait(20) if page == 4 else None
    how = {"page_size": 500, "prefetch": prefetch}
    started = time.monotonic()
    with (
        pytest.raises(knetik_cloud.DeadlineExceeded, match="deadline"),
        knetik_cloud.deadline(math.inf if is_of_pager else 1.0),
    ):
        bulk.export(pager(service, **how, deadline=1.0 if is_of_pager else None), path)
    assert time.monotonic() - started < 10
    gate.set()
    result = bulk.export(pager(service, **how, deadline=60.0), path)
    assert ids_in(path) == list(range(1, 2501))
    assert (result.is_resumed, result.is_complete) == (True, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_full_disk_is_named_and_the_same_call_continues(
    service: ListService, tmp_path: Path, name: str
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(
            bulk.BulkError, match=rf"{name} can't be written: .*use the same call to continue"
        ):
            bulk.export(pager(service, page_size=100), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bulk.export(pager(service, page_size=100), tmp_path / name).is_complete
    with open_text(tmp_path / name) as file:
        assert len(file.readlines()) == 2500 + (name == "a.csv")


@contextmanager
def open_elsewhere(*paths: Path, times: int = 1_000_000) -> Iterator[None]:
    """Keep files open in another program, as for the next calls on Windows, which change no such file."""
    left = [times]

    def rejecting(genuine: Callable[..., Any]) -> Callable[..., Any]:
        def change(*names: Path, **how: Any) -> Any:
            if left[0] > 0 and any(path in names and path.exists() for path in paths):
                left[0] -= 1
                raise PermissionError(13, "Access is denied", str(names[0]), 5, *map(str, names[1:]))
            return genuine(*names, **how)

        return change

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, rejecting(getattr(Path, name)))
        yield


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_file_that_is_open_in_another_program_is_named_and_the_same_call_continues(
    service: ListService, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "REPLACE_SECONDS", 0.1)
    path = tmp_path / name
    path.write_text("before")
    message = (
        f"{path} can't be written: Access is denied. Make sure that no other program has it open, "
        "and use the same call to continue"
    )
    with open_elsewhere(path), pytest.raises(bulk.BulkError, match=f"^{re.escape(message)}$"):
        bulk.export(pager(service), path)
    assert path.read_text() == "before"
    asked = len(service.requests)
    assert bulk.export(pager(service), path).is_complete
    assert len(service.requests) - asked <= 1  # no item was lost
    with open_text(path) as file:
        assert len(file.readlines()) == 2500 + (name == "a.csv")
    assert os.listdir(tmp_path) == [name]


def test_files_that_another_program_has_open_for_a_moment_end_no_export(
    service: ListService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHECKPOINT_SECONDS", 0.0)
    path, state = tmp_path / "a.csv", tmp_path / "a.csv.part.json"
    for target in (path, state):
        with open_elsewhere(target, times=3):
            assert bulk.export(pager(service), path).is_complete


def test_part_that_another_program_has_open_at_the_end_is_not_continued(
    service: ListService, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    with open_elsewhere(tmp_path / "a.csv.part"):
        assert bulk.export(pager(service), path).is_complete
    asked = len(service.requests)
    assert bulk.export(pager(service), path).is_complete
    assert len(service.requests) == 2 * asked
    assert os.listdir(tmp_path) == [path.name]


def test_killed_export_continues(service: ListService, tmp_path: Path) -> None:
    code = (
        "import sys, knetik_cloud as k; from knetik_cloud import bulk\n"
        "bulk.export; sys.modules['knetik_cloud.bulk.exporting'].CHECKPOINT_SECONDS = 0\n"
        "api = k.UsersInventoryApi(k.ApiClient(k.Configuration(sys.argv[1])))\n"
        "show = lambda state: print(state['done'], flush=True)\n"
        "bulk.export(api.iter_users_inventory(page_size=100), sys.argv[2], progress=show)"
    )
    target = tmp_path / "a.jsonl"
    service.before = lambda page: time.sleep(0.05)
    for count in (3, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", code, service.url, str(target)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert process.stdout is not None
        for _ in range(count):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with (tmp_path / "a.jsonl.part").open("ab") as part:
            part.write(b'{"id": torn')
    service.before = lambda page: None
    result = bulk.export(pager(service, page_size=100), target)
    assert (result.rows, result.is_resumed, result.is_complete) == (2500, True, True)
    assert [json.loads(line) for line in target.read_text().splitlines()] == service.rows


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("a.parquet.gz", {}, "Parquet files are compressed inside"),
        (
            "a.xlsx",
            {},
            r"\.xlsx is not a known format: use \.jsonl, \.ndjson, \.csv, \.parquet, \.pq, or none",
        ),
        ("a.jsonl", {"format": "xml"}, "format must be one of jsonl, csv, parquet"),
    ],
)
def test_formats_that_do_not_exist_are_rejected(
    service: ListService, tmp_path: Path, name: str, how: dict[str, Any], message: str
) -> None:
    with pytest.raises(knetik_cloud.ApiValueError, match=message):
        bulk.export(pager(service), tmp_path / name, **how)
    with pytest.raises(knetik_cloud.ApiValueError, match="pager must be a pager of the blocking client"):
        bulk.export([], tmp_path / "a.jsonl")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "library", "message"),
    [
        ("a.parquet", "pyarrow", r"writing Parquet needs pyarrow: pip install 'knetik_cloud\[arrow\]'"),
        ("a.csv.zst", "zstandard", r"a\.csv\.zst needs zstandard: pip install zstandard, or name it \.gz"),
        ("a.jsonl.zst", "zstandard", r"a\.jsonl\.zst needs zstandard"),
    ],
)
def test_format_whose_library_is_missing_is_rejected_before_the_first_request(
    service: ListService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    library: str,
    message: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(knetik_cloud.ApiValueError, match=message):
        bulk.export(pager(service), tmp_path / name, progress=False)
    assert (service.requests, list(tmp_path.iterdir())) == ([], [])


def ids_in(path: Path) -> list[int]:
    with open_text(path) as file:
        return [json.loads(line)["id"] for line in file]


@pytest.fixture
def listed(sandbox: Sandbox) -> Iterator[tuple[knetik_cloud.UsersInventoryApi, list[int]]]:
    """A sandbox with more items than fit into a page of an export, and their ids."""
    sandbox.generate(users=1, entries=1600)
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(sandbox.url, retries=0)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        yield api, [entry.id for entry in api.iter_users_inventory(page_size=1000)]


Listed = tuple[knetik_cloud.UsersInventoryApi, list[int]]


def position_behind(api: knetik_cloud.UsersInventoryApi, count: int, **how: Any) -> str:
    first = api.iter_users_inventory(**how)
    for _ in islice(first, count):
        pass
    return first.position


@pytest.mark.parametrize("prefetch", [0, 3])
@pytest.mark.parametrize("count", [0, 1, 300, 1250, 2000])
def test_export_from_a_position_writes_what_the_pager_would_return(
    listed: Listed, tmp_path: Path, count: int, prefetch: int
) -> None:
    api, ids = listed
    position = position_behind(api, count)
    result = bulk.export(
        api.iter_users_inventory(start_page=position, prefetch=prefetch), tmp_path / "a.jsonl"
    )
    assert ids_in(tmp_path / "a.jsonl") == ids[count:]
    assert (result.rows, result.total, result.skipped) == (len(ids[count:]), len(ids), len(ids[:count]))
    assert (result.has_moved, result.is_complete) == (False, True)


@pytest.mark.parametrize("how", [{}, {"page_size": 100}, {"limit": 70}])
def test_export_from_a_page_number_writes_what_the_pager_would_return(
    listed: Listed, tmp_path: Path, how: dict[str, Any]
) -> None:
    api, ids = listed
    expected = [entry.id for entry in api.iter_users_inventory(start_page=4, **how)]
    result = bulk.export(api.iter_users_inventory(start_page=4, **how), tmp_path / "a.jsonl")
    assert ids_in(tmp_path / "a.jsonl") == expected
    assert result.skipped == ids.index(expected[0])
    assert result.is_complete == ("limit" not in how)


@pytest.mark.parametrize("pages", [0, 1])
def test_export_from_a_position_continues_after_a_page_that_failed(
    listed: Listed, sandbox: Sandbox, tmp_path: Path, pages: int
) -> None:
    api, ids = listed
    position = position_behind(api, 150, page_size=100)

    def fail(state: Mapping[str, Any]) -> None:
        sandbox.fail("get_users_inventory", status=500)

    if not pages:
        fail({})
    with pytest.raises(knetik_cloud.ServiceException):
        bulk.export(api.iter_users_inventory(start_page=position), tmp_path / "a.jsonl", progress=fail)
    sandbox.clear_faults()
    result = bulk.export(api.iter_users_inventory(start_page=position), tmp_path / "a.jsonl")
    assert ids_in(tmp_path / "a.jsonl") == ids[150:]
    assert (result.skipped, result.is_resumed, result.is_complete) == (150, True, True)


def test_export_from_another_start_begins_at_that_start(listed: Listed, tmp_path: Path) -> None:
    api, ids = listed
    for count in (1050, 150):
        position = position_behind(api, count, page_size=100)
        pager = api.iter_users_inventory(start_page=position)
        with pytest.raises(InterruptedError):
            bulk.export(pager, tmp_path / "a.jsonl", progress=stop_at(250))
    result = bulk.export(api.iter_users_inventory(start_page=4, page_size=100), tmp_path / "a.jsonl")
    assert ids_in(tmp_path / "a.jsonl") == ids[300:]
    assert (result.is_resumed, result.is_complete) == (False, True)


@pytest.mark.parametrize(("count", "rows"), [(150, 2350), (2500, 0)])
def test_items_removed_before_the_position_are_reported(
    service: ListService, tmp_path: Path, count: int, rows: int
) -> None:
    first = pager(service, page_size=100)
    assert len(list(islice(first, count))) == count
    service.rows.pop(0)
    with pytest.warns(knetik_cloud.RowsMovedWarning, match=f"holds {rows} items of {rows}: others may"):
        result = bulk.export(pager(service, start_page=first.position), tmp_path / "a.jsonl")
    assert result.has_moved


def test_items_added_after_the_end_are_exported_from_the_position(
    service: ListService, tmp_path: Path
) -> None:
    first = pager(service, page_size=1000)
    assert len(list(first)) == 2500
    service.rows += [{"id": 2501}]
    result = bulk.export(pager(service, start_page=first.position), tmp_path / "a.jsonl")
    assert (result.path.read_bytes(), result.rows, result.skipped) == (b'{"id": 2501}\n', 1, 2500)
    assert result.is_complete
