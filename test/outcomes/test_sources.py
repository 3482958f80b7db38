"""Rows of files as programs and spreadsheets write them: values arrive, or the fault is named."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import knetik_cloud
from knetik_cloud import bulk
from knetik_cloud.bulk.files import open_text
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import USERS, grants, held

Api = knetik_cloud.UsersInventoryApi
HEADER = "user_id,item_id,info\n"


def planned(api: Api, path: Path) -> str:
    return bulk.plan(path, api.use_user_entitlement_item).requests[0]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "56,56,Gift\n",
        "\ufeff" + HEADER + "56,56,Gift\n",
        HEADER.replace("\n", "\r\n") + "56,56,Gift\r\n\r\n",
        "\r\n\n" + HEADER + "56,56,Gift\n",
        '"info","user_id","item_id"\r\n"Gift",56,56',
    ],
    ids=["plain", "BOM", "CRLF and a blank line", "blank lines first", "quoted, no end of line"],
)
def test_csv_files_of_spreadsheets_are_read(api: Api, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    assert '"info":"Gift ' in planned(api, path) or "info=Gift" in planned(api, path)


@pytest.mark.parametrize("info", ["two\r\nlines", 'a "quote", a comma', "Größe 🎁", "x" * 100_000, "[1]"])
def test_texts_arrive_as_they_are(api: Api, tmp_path: Path, info: str) -> None:
    path = tmp_path / "rows.csv"
    quoted = info.replace('"', '""')
    path.write_bytes(f'{HEADER}56,56,"{quoted}"\n'.encode())
    method = api.use_user_entitlement_item
    bulk.prepare(path, method, journal=tmp_path / "run")
    (row,) = bulk.report(tmp_path / "run").rows()
    assert (row.arguments["item_id"], row.arguments["info"]) == (56, info)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("rows.csv", f"{HEADER}56,56,Größe\n".encode("latin-1"), r"rows\.csv is not encoded in UTF-8"),
        ("rows.csv", HEADER.encode("utf-16"), r"rows\.csv is not encoded in UTF-8"),
        (
            "rows.csv",
            f'{HEADER}56,56,"open\n57,57,x\n'.encode(),
            r"is not CSV after line \d: unexpected end of data",
        ),
        (
            "rows.csv",
            f"{HEADER}56,56,{'x' * 200_000}\n".encode(),
            r"has a value of more than 131,072 characters after line 1: .* or pass the rows as JSON lines",
        ),
        (
            "rows.csv",
            f"{HEADER}56,56,a,b\n".encode(),
            r"no argument 'more values than columns'\. A row takes user_id,",
        ),
        (
            "rows.csv",
            b"user_id;item_id\n56;56\n",
            r"rows\.csv has columns separated by ';': separate them by commas",
        ),
        ("rows.csv", b"user_id\titem_id\n56\t56\n", r"rows\.csv has columns separated by '\\t': separate"),
        ("rows.jsonl", b'{"user_id": 56, "item_id": 56}\n{"user_id"', r"rows\.jsonl, line 2 is not JSON"),
        ("rows.jsonl", b"[" * 100_000, r"rows\.jsonl, line 1 is not JSON"),
        (
            "rows.json",
            b'[\n{"user_id": 56}\n]',
            r"line 1 is not JSON: .*\. Each line must hold one row as an obj",
        ),
        ("rows.jsonl", b'{"info": "\xff"}', r"rows\.jsonl is not encoded in UTF-8"),
        ("rows.jsonl", b'[{"user_id": 56}]', "row 1: a row must be a mapping"),
        ("rows.xlsx", b"", r"must be a \.csv, \.jsonl, \.ndjson or \.parquet file"),
    ],
)
def test_files_that_cant_be_read_are_named_with_the_place(
    api: Api, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        bulk.plan(path, api.use_user_entitlement_item)


BODY = b'"{""entitlement_id"": 6}"'
TWO_VALUES = r"the row has more than one value for 'entitlement_id': keep one"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "rows.csv",
            b"user_id,entitlement_id,user_id\n56,5,56\n",
            r"rows\.csv has more than one column 'user_id'",
        ),
        (
            "rows.csv",
            b"user_id,entitlement_id,grant_request.entitlement_id\n56,5,6\n",
            f"row 1: {TWO_VALUES}",
        ),
        ("rows.csv", b"user_id,entitlement_id,grant_request\n56,5,%s\n" % BODY, f"row 1: {TWO_VALUES}"),
        (
            "rows.csv",
            b"user_id,grant_request.entitlement_id,grant_request\n56,5,%s\n" % BODY,
            rf"rows\.csv, line 2: {TWO_VALUES}",
        ),
        (
            "rows.csv",
            b"user_id,grant_request,grant_request.entitlement_id\n56,5,5\n",
            r"rows\.csv, line 2: a body whose fields have columns, too, must be a mapping, not 5",
        ),
        (
            "rows.csv",
            b'user_id,grant_request\n56,"{""entitlement_id"": 5, ""entitlement_id"": 6}"\n',
            r"rows\.csv, line 2: 'entitlement_id' occurs twice in an object",
        ),
        (
            "rows.jsonl",
            b'{"user_id": 56, "entitlement_id": 5, "user_id": 57}',
            r"rows\.jsonl, line 1 is not JSON: 'user_id' occurs twice in an object",
        ),
    ],
)
def test_values_that_contradict_each_other_are_named_with_the_place(
    api: Api, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        bulk.run(path, api.grant_user_entitlement, journal=tmp_path / "run", progress=False)
    assert held(api) == {}


@pytest.mark.parametrize("text", ["\u00b2", "--5", "1" * 5000, "soon"])
def test_instants_that_cant_be_read_are_named_with_their_row(api: Api, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"user_id,id,timestamp\n56,56,{text}\n56,56, 1700000000 \n", encoding="utf-8")
    with pytest.raises(bulk.InvalidRowsError, match="1 problem:\nrow 1: timestamp must be whole epoch sec"):
        bulk.plan(path, api.update_user_inventory_expires)


def test_value_that_is_nested_too_deep_is_named_with_its_row(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"user_id,id,data\n56,56,{'[' * 100_000}\n")
    with pytest.raises(bulk.InvalidRowsError, match="row 1: data must be a dict"):
        bulk.plan(path, api.update_user_inventory_behavior_data)


def test_fields_that_contradict_the_body_are_named(api: Api, tmp_path: Path) -> None:
    rows = [{"user_id": 56, "entitlement_id": 5, "grant_request": {"entitlement_id": 6}}]
    with pytest.raises(bulk.InvalidRowsError, match=f"row 1: {TWO_VALUES}"):
        bulk.plan(rows, api.grant_user_entitlement)


@pytest.mark.parametrize("row", ["56,", "56"])
def test_field_without_a_value_is_named_as_its_column(api: Api, tmp_path: Path, row: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"user_id,entitlement_id\n{row}\n")
    with pytest.raises(bulk.InvalidRowsError, match=r"row 1: .*: grant_request\.entitlement_id missing"):
        bulk.plan(path, api.grant_user_entitlement)


def test_columns_of_a_body_complete_it(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('user_id,entitlement_id,grant_request,,\n56,5,"{}",,\n')
    assert '{"entitlement_id":5}' in bulk.plan(path, api.grant_user_entitlement).requests[0]


def test_columns_of_a_body_have_the_type_of_its_constructor(api: Api) -> None:
    planned = bulk.plan([{"name": "Lamp"}], api.create_entitlement_item)
    assert """'{"type_hint":"entitlement","name":"Lamp"}'""" in planned.requests[0]
    planned = bulk.plan([{"name": "Lamp", "type_hint": "other"}], api.create_entitlement_item)
    assert """'{"type_hint":"other","name":"Lamp"}'""" in planned.requests[0]
    with pytest.raises(bulk.InvalidRowsError, match=r"entitlement_item\.type_hint missing"):
        bulk.plan([{"entitlement_item": {"name": "Lamp"}}], api.create_entitlement_item)


def test_wrong_columns_of_a_body_are_named_by_its_class(api: Api) -> None:
    for row in ({"name": "Lamp", "behaviors": 5}, {"entitlement_item": {"behaviors": 5}}):
        with pytest.raises(bulk.InvalidRowsError, match=r"row 1: EntitlementItem\.behaviors must be a list"):
            bulk.plan([row], api.create_entitlement_item)


def test_columns_of_a_parquet_file_that_occur_twice_are_rejected(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table(
        [pa.array([56]), pa.array([5]), pa.array([57])], ["user_id", "entitlement_id", "user_id"]
    )
    parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(knetik_cloud.ApiValueError, match="more than one column 'user_id'"):
        bulk.plan(tmp_path / "rows.parquet", api.grant_user_entitlement)


def test_damaged_parquet_files_are_named(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    infos = [f"info {number}" for number in range(1000)]
    parquet.write_table(pa.table({"user_id": [56] * 1000, "item_id": [56] * 1000, "info": infos}), path)
    data = path.read_bytes()
    for wrong in (b"", b"user_id,item_id\n56,56\n", data[:-100], data[:200] + bytes(2000) + data[2200:]):
        path.write_bytes(wrong)
        with pytest.raises(knetik_cloud.ApiValueError, match=r"rows\.parquet can't be read as Parquet \("):
            bulk.plan(path, api.use_user_entitlement_item)
    missing = tmp_path / "missing.parquet"
    with pytest.raises(FileNotFoundError) as raised:
        bulk.plan(missing, api.use_user_entitlement_item)
    assert raised.value.filename == str(missing)


@pytest.mark.parametrize("path", ["a\0b.csv", "\ud83d.csv", b"a.csv", None, 5])
def test_argument_that_is_no_path_is_rejected(api: Api, tmp_path: Path, path: Any) -> None:
    method = api.use_user_entitlement_item
    bulk.prepare([], method, journal=tmp_path / "run")
    report = bulk.report(tmp_path / "run")
    uses: list[tuple[str, Callable[[], object]]] = [
        ("journal", lambda: bulk.prepare([], method, journal=path)),
        ("journal", lambda: bulk.resume(path, api)),
        ("journal", lambda: bulk.stop(path)),
        ("path", lambda: report.write(path)),
        ("path", lambda: report.write_failed(path)),
        ("path", lambda: bulk.export(api.iter_user_inventories(56), path)),
    ]
    if isinstance(path, str):  # others may be iterables
        uses.append(("rows", lambda: bulk.plan(path, method)))
    for name, use in uses:
        with pytest.raises(knetik_cloud.ApiValueError, match=f"{name} must be a path, not "):
            use()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode")
def test_parquet_file_may_have_a_name_that_is_not_utf_8(api: Api, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / os.fsdecode(b"\xff.parquet")
    assert bulk.export(api.iter_users_inventory(inactive=True), path, progress=False).is_complete
    with pytest.raises(bulk.InvalidRowsError, match="has no argument"):  # it was read
        bulk.plan(path, api.use_user_entitlement_item)


def compressed(suffix: str, data: bytes) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data) + gzip.compress(data)
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data)) * 2


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_and_damaged_compressed_files_are_named(api: Api, tmp_path: Path, suffix: str) -> None:
    line = b'{"user_id": 56, "item_id": 56, "info": "%d"}\n'
    data = b"".join(line % number for number in range(5000))
    whole = compressed(suffix, data)
    path = tmp_path / f"rows.jsonl{suffix}"
    path.write_bytes(whole)
    assert bulk.plan(path, api.use_user_entitlement_item).rows == 10_000
    for size in (5, len(whole) // 4, len(whole) * 3 // 4, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=rf"rows\.jsonl\{suffix} is truncated: copy it again"):
            bulk.plan(path, api.use_user_entitlement_item)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"rows\.jsonl\{suffix} can't be decompressed \("):
        bulk.plan(path, api.use_user_entitlement_item)


DATA: list[Mapping[str, Any]] = [
    {"größe": "🎁", "nested": [{"a": [None, {"b": []}]}], "big": 2**70, "small": 1e-9},
    {"text": "x" * 1_000_000},
    {"line\u2028separator": "\u0085\r\n"},
]


@pytest.mark.parametrize("data", DATA, ids=["nested", "huge", "line breaks"])
def test_values_arrive_and_resume_as_they_are(api: Api, tmp_path: Path, data: Mapping[str, Any]) -> None:
    path = tmp_path / "rows.jsonl.gz"
    rows = [{"user_id": 56, "id": 56, "data": data}]
    path.write_bytes(gzip.compress(json.dumps(rows[0]).encode()))
    method = api.update_user_inventory_behavior_data
    bulk.prepare(rows, method, journal=tmp_path / "run")
    bulk.prepare(path, method, journal=tmp_path / "run")  # the same rows, from a file
    (row,) = bulk.report(tmp_path / "run").rows()
    assert row.arguments["data"] == data
    assert len(bulk.plan(rows, method).requests) == 1


class Level(Enum):
    GOLD = "gold"
    VIP = True


def test_enums_mappings_and_foreign_numbers_are_stored_as_a_call_sends_them(
    api: Api, seeded: Sandbox, tmp_path: Path
) -> None:
    data = MappingProxyType(
        {"levels": [*Level], "share": Decimal("0.5"), "flag": np.True_, "size": np.float32(2)}
    )
    method = api.update_user_inventory_behavior_data
    api.update_user_inventory_behavior_data(56, 56, data=data)
    report = bulk.run(
        [{"user_id": 56, "id": 56, "data": data}], method, journal=tmp_path / "run", progress=False
    )
    assert report.applied == 1
    first, second = (exchange.body for exchange in seeded.journal(method.__name__))
    assert first == second


MIXED = {"number": 5, "text": "5", "list": [1, "2"], "yes": True, "none": None, "empty": "", "a.b": {"c": 1}}


@pytest.mark.parametrize(
    "name", ["a.csv", "A.CSV", "a.jsonl", "a.csv.gz", "a.jsonl.gz", "a.csv.zst", "A.JSONL.ZST"]
)
def test_failed_rows_are_the_same_when_they_are_run_again(api: Api, tmp_path: Path, name: str) -> None:
    rows = [{"user_id": 56, "id": 999, "data": data} for data in (MIXED, {}, {"id": 56}, *DATA[::2])]
    method = api.update_user_inventory_behavior_data
    report = bulk.run(rows, method, journal=tmp_path / "run", progress=False)
    assert report.write_failed(tmp_path / name) == len(rows)
    bulk.prepare(tmp_path / name, method, journal=tmp_path / "again")
    assert [row.arguments for row in bulk.report(tmp_path / "again").rows()] == rows


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV.GZ", "a.jsonl.gz", "a.jsonl.zst"])
def test_reports_are_written_as_their_name_says(api: Api, tmp_path: Path, name: str) -> None:
    bulk.prepare(grants(2), api.grant_user_entitlement, journal=tmp_path / "run")
    report = bulk.report(tmp_path / "run")
    report.write(tmp_path / name)
    with open_text(tmp_path / name) as file:
        first = file.readline()
    assert first.startswith("row,key,state" if "csv" in name.lower() else '{"row": 1, "state": "pending"')
    for write in (report.write, report.write_failed):
        with pytest.raises(ValueError, match=r"failed\.parquet: use \.csv or \.jsonl"):
            write(tmp_path / "failed.parquet")


@pytest.mark.parametrize("source", ["pandas", "polars", "lazy", "pyarrow", "duckdb", "None", "a mapping"])
def test_rows_that_are_no_rows_are_rejected_with_a_remedy(api: Api, source: str) -> None:
    row = {"user_id": 56, "entitlement_id": 5}
    rows: Any = {"None": None, "a mapping": row}.get(source)
    if source == "duckdb":
        rows = pytest.importorskip("duckdb").sql("SELECT 56 AS user_id, 5 AS entitlement_id")
    elif source == "pyarrow":
        rows = pytest.importorskip("pyarrow").Table.from_pylist([row])
    elif source not in ("None", "a mapping"):
        rows = pytest.importorskip("pandas" if source == "pandas" else "polars").DataFrame([row])
        rows = rows.lazy() if source == "lazy" else rows
    with pytest.raises(
        knetik_cloud.ApiValueError,
        match=r"df\.convert_dtypes\(\)\.to_dict\('records'\) of pandas.*, not <class '",
    ):
        bulk.plan(rows, api.grant_user_entitlement)


def test_table_of_pandas_with_gaps_is_taken_as_the_remedy_states(api: Api) -> None:
    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame(
        {"user_id": [56, 3], "item_id": [56.0, 56.0], "info": ["a", None], "key": [None, "k"]}
    )
    with pytest.raises(bulk.InvalidRowsError, match=r"row 2: item_id must be an int, not 56\.0"):
        bulk.plan(rows.to_dict("records"), api.use_user_entitlement_item)
    planned = bulk.plan(rows.convert_dtypes().to_dict("records"), api.use_user_entitlement_item).requests
    assert "/users/56/entitlements/56/use?info=a%20" in planned[0]
    assert "/users/3/entitlements/56/use?info=%5Bk%5D'" in planned[1]


def test_gaps_in_datetimes_and_categories_of_pandas_are_taken_as_the_guide_states(api: Api) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "user_id": [56, 3],
            "id": [1.0, 2.0],
            "timestamp": pandas.to_datetime(["2027-01-01", None], utc=True),
            "key": pandas.Categorical([None, "k"]),
        }
    )
    method = api.update_user_inventory_expires
    with pytest.raises(bulk.InvalidRowsError, match=r"row 1: key must .* nan\nrow 2: timestamp .* NaT"):
        bulk.plan(frame.convert_dtypes().to_dict("records"), method)
    rows = frame.convert_dtypes().astype(object).where(frame.notna(), None).to_dict("records")
    planned = bulk.plan(rows, method).requests
    assert planned[0].endswith("--data-raw 1798761600")
    assert "/users/3/inventory/2/expires" in planned[1]
    assert "--data" not in planned[1]


def test_keys_that_are_integers_of_numpy_are_those_of_python(api: Api, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    method = api.use_user_entitlement_item
    for key in (numpy.int64(17), 17, "17"):
        bulk.prepare([{"user_id": 56, "item_id": 56, "key": key}], method, journal=tmp_path / "run")
    assert [row.key for row in bulk.report(tmp_path / "run").rows()] == ["17"]


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {1, 2}, object()])
def test_values_that_json_cant_hold_are_rejected_with_their_row(
    api: Api, tmp_path: Path, value: object
) -> None:
    rows = [{"user_id": 56, "id": 56, "data": {"value": value}}]
    with pytest.raises(bulk.InvalidRowsError, match="because of 1 problem:\nrow 1: "):
        bulk.run(rows, api.update_user_inventory_behavior_data, journal=tmp_path / "run")


def test_nulls_of_parquet_files_are_absent(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{**row, "key": None, "user_id": row["user_id"]} for row in grants(40)]
    rows[3]["key"] = "k3"
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    report = bulk.run(tmp_path / "rows.parquet", api.grant_user_entitlement, journal=tmp_path / "run")
    assert held(api) == dict.fromkeys(USERS, 1)
    assert [row.key for row in report.rows() if row.key is not None] == ["k3"]


def test_nulls_of_objects_in_lists_of_parquet_files_are_absent(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    kinds = [{"type_hint": "consumable", "max_use": 3}, {"type_hint": "spendable", "value": 2}]
    data = {"kinds": kinds, "nested": [[{"a": 1}], [{"b": 2}]], "numbers": [1, None]}
    row = {"user_id": 56, "id": 56, "data": data}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "rows.parquet")
    bulk.prepare(tmp_path / "rows.parquet", api.update_user_inventory_behavior_data, journal=tmp_path / "run")
    assert [each.arguments for each in bulk.report(tmp_path / "run").rows()] == [row]


@pytest.mark.parametrize("is_nested", [False, True])
def test_maps_of_parquet_files_are_rejected_with_a_remedy(api: Api, tmp_path: Path, is_nested: bool) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    kind, value = pa.map_(pa.string(), pa.int32()), [("strength", 3)]
    data = pa.array([{"inner": value}], pa.struct({"inner": kind})) if is_nested else pa.array([value], kind)
    parquet.write_table(pa.table({"user_id": [56], "id": [56], "data": data}), tmp_path / "rows.parquet")
    with pytest.raises(
        knetik_cloud.ApiValueError, match=r"rows\.parquet: the column 'data' can't be .*map<.* as JSON text"
    ):
        bulk.plan(tmp_path / "rows.parquet", api.update_user_inventory_behavior_data)


def test_timestamps_of_parquet_files_beyond_those_of_python_are_named(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"user_id": [56], "id": [56], "timestamp": pa.array([10**12], pa.timestamp("s", "UTC"))}
    parquet.write_table(pa.table(columns), tmp_path / "far.parquet")
    with pytest.raises(
        knetik_cloud.ApiValueError, match=r"far\.parquet can't be read as Parquet \(.*out of range"
    ):
        bulk.plan(tmp_path / "far.parquet", api.update_user_inventory_expires)


def test_timestamps_of_parquet_files_are_moments(api: Api, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    for name, kind in (("zoned", pa.timestamp("us", "Europe/Berlin")), ("naive", pa.timestamp("us"))):
        columns = {
            "user_id": [56],
            "id": [56],
            "timestamp": pa.array([moment if name == "zoned" else moment.replace(tzinfo=None)], kind),
        }
        parquet.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    method, journal = api.update_user_inventory_expires, tmp_path / "run"
    assert bulk.run(tmp_path / "zoned.parquet", method, journal=journal, progress=False).applied == 1
    entry = api.get_user_inventory(56, 56)
    assert entry is not None
    assert entry.expires == moment.timestamp()
    with pytest.raises(bulk.InvalidRowsError, match="row 1: timestamp must be"):
        bulk.run(tmp_path / "naive.parquet", method, journal=tmp_path / "other")
