"""Bulk runs, exports and waits from the command line."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knetik_cloud.cli import bulk
from knetik_cloud.cli.exits import MEANINGS, Exit
from knetik_cloud.cli.outcomes import EntryWait
from knetik_cloud.sandbox import Sandbox

from .conftest import Run, spawn


@pytest.fixture
def winners(tmp_path: Path) -> Path:
    path = tmp_path / "winners.csv"
    path.write_text("user_id,entitlement_id\n3,56\n56,56\n3,1\n56,1\n")
    return path


def test_a_run_calls_once_for_each_row_and_reports(sandbox: Sandbox, run: Run, winners: Path) -> None:
    result = run("bulk", "run", "entitlements", "grant", str(winners), "-o", "json")
    assert result.code == 0, result.err
    counts = json.loads(result.text)
    assert (counts["applied"], counts["total"], counts["complete"]) == (4, 4, True)
    journal = winners.with_suffix(".run")
    assert json.loads(run("bulk", "status", str(journal), "-o", "json").text) == counts
    rows = run("bulk", "report", str(journal), "-o", "jsonl").rows("jsonl")
    assert [row["state"] for row in rows] == ["applied"] * 4
    again = run("bulk", "run", "grant-user-entitlement", str(winners), "-o", "json")
    assert again.code == 0
    assert len(sandbox.journal("grant_user_entitlement")) == 4


def test_rows_that_fail_end_with_1_and_become_the_next_input(
    sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    rows = '{"user_id": 3, "entitlement_id": 1}\n{"user_id": 3, "entitlement_id": 1}\n'
    journal = tmp_path / "the player's journal"
    result = run("bulk", "run", "entitlements", "grant", "-", "--journal", str(journal), input=rows)
    assert result.code == 1
    assert "1 of 2 rows were not applied" in result.err
    named = re.fullmatch("Run `knetik (.*)` to see why.", result.error["next_step"])
    assert named is not None
    assert run(*shlex.split(named[1]), "-o", "jsonl").rows("jsonl")[0]["row"] == 2
    failed = run("bulk", "report", str(journal), "--failed", "-o", "csv")
    assert failed.rows("csv") == [{"user_id": "3", "entitlement_id": "1"}]
    denied = run("bulk", "report", str(journal), "--state", "denied", "-o", "jsonl").rows("jsonl")
    assert [(row["row"], row["code"]) for row in denied] == [(2, 1007)]
    assert "owned_limit" in denied[0]["reason"]
    for state, count in (("denied", 1), ("absent", 0)):
        again = run("bulk", "report", str(journal), "--failed", "--state", state, "-o", "jsonl")
        assert len(again.rows("jsonl")) == count
    neither = run("bulk", "report", str(journal), "--failed", "--state", "applied")
    assert neither.code == 2
    assert "rows that are denied or absent" in neither.err


@pytest.mark.usefixtures("sandbox")
def test_hint_quotes_the_journal_for_the_shells_of_windows(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    rows = '{"user_id": 3, "entitlement_id": 1}\n' * 2
    for name in ("C:\\run", "C:\\my run"):
        journal = str(tmp_path / name)
        result = run("bulk", "run", "entitlements", "grant", "-", "--journal", journal, input=rows)
        shown = f'"{journal}"' if " " in name else journal
        assert f" bulk report {shown} --state " in result.error["next_step"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rows_from_stdin_are_utf_8_in_every_locale(
    mark: str, sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    rows = mark + "\n\n".join(
        f'{{"type_hint": "entitlement", "name": "{name}"}}' for name in ("Zo\u00eb", "\u85ac")
    )
    words = ("bulk", "run", "items", "create", "-", "--journal", str(tmp_path / "j"))
    result = spawn(*words, input=rows.encode(), env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert result.returncode == 0, result.stderr
    listed = run("items", "list", "--all", "-o", "jsonl").rows("jsonl")
    assert {"Zo\u00eb", "\u85ac"} <= {row["name"] for row in listed}


@pytest.mark.parametrize(
    "wrong", [b'{"name": "Zo\xeb"}', b"[" * 100_000, b"{", b'{"name": "b", "name": "c"}']
)
def test_a_line_of_stdin_that_cant_be_read_is_named(
    wrong: bytes, sandbox: Sandbox, tmp_path: Path, run: Run
) -> None:
    words = ("bulk", "run", "items", "create", "-", "--journal", str(tmp_path / "j"))
    result = run(*words, "--errors", "text", input=b'{"name": "a"}\n' + wrong + b"\n")
    assert result.code == 2
    assert "stdin, line 2 is not JSON" in result.err
    assert "Each line must hold one row as an object" in result.err
    assert sandbox.journal() == []


@pytest.mark.parametrize("words", [("resume",), ("report", "--failed")])
def test_a_run_of_another_client_is_named(
    words: tuple[str, ...], sandbox: Sandbox, run: Run, winners: Path
) -> None:
    assert run("bulk", "run", "entitlements", "grant", str(winners)).code in (0, 1)
    journal = winners.with_suffix(".run")
    manifest = json.loads((journal / "manifest.json").read_text())
    (journal / "manifest.json").write_text(json.dumps({**manifest, "operation": "grant_badge"}))
    result = run("bulk", *words, str(journal), "--errors", "text")
    assert result.code == 1
    assert "the run calls grant_badge, which this command doesn't have" in result.err


DATA = {"number": 5, "text": "5", "list": [1, "2"], "yes": True, "none": None, "empty": "", "map": {"a": 1}}
ITEM = {"type_hint": "entitlement", "name": "a\rb", "sort": 5, "tags": ["a"], "behaviors": []}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("operation", "rows"),
    [
        ("inventory set-behavior-data", [{"user_id": 56, "id": 999, "data": data} for data in (DATA, {})]),
        ("inventory set-behavior-data", [{"user_id": 56, "id": 999, "data": {"id": 56}}]),
        ("templates update", [{"id": "none", "template": {"id": "template_id_example", "name": "New"}}]),
        (
            "items update",
            [
                {"entitlement_id": 999, "entitlement_item": item}
                for item in (*[ITEM] * 200, ITEM | {"category": ""}, ITEM | {"unknown": 1})
            ],
        ),
    ],
)
def test_failed_rows_are_the_same_when_they_are_run_again(
    operation: str, rows: list[dict[str, Any]], format: str, sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    def outcomes(file: str, input: str | None = None) -> list[dict[str, Any]]:
        words = ("bulk", "run", *operation.split(), file, "--journal", str(tmp_path / "j"), "--settle", "0")
        result = run(*words, input=input)
        assert result.code == 1, result.err
        return run("bulk", "report", str(tmp_path / "j"), "-o", "jsonl").rows("jsonl")

    first = outcomes("-", "".join(f"{json.dumps(row)}\n" for row in rows))
    path = tmp_path / f"again.{format}"
    path.write_bytes(run("bulk", "report", str(tmp_path / "j"), "--failed", "-o", format).out)
    (tmp_path / "j").rename(tmp_path / "first")
    again = outcomes(str(path))
    assert [row["arguments"] for row in first] == rows == [row["arguments"] for row in again]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_run_that_would_settle_forever_is_rejected_also_by_a_preview(
    more: tuple[str, ...], run: Run, winners: Path
) -> None:
    result = run("bulk", "run", "entitlements", "grant", str(winners), "--settle", "inf", *more)
    assert result.code == 2
    assert "'inf' is not a duration" in result.error["message"]


def test_a_lost_response_is_found_out_and_a_stopped_run_resumes(
    sandbox: Sandbox, run: Run, winners: Path
) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    journal = winners.with_suffix(".run")
    stopped = run("bulk", "run", "entitlements", "grant", str(winners), "--canary", "1", "--settle", "0")
    assert stopped.code == 1
    assert "knetik bulk resume" in stopped.err
    result = run("bulk", "resume", str(journal), "-o", "json", "--settle", "0")
    assert result.code == 0, result.err
    assert json.loads(result.text)["applied"] == 4
    assert len(sandbox.journal("grant_user_entitlement")) == 4


def test_an_unknown_outcome_ends_with_7(sandbox: Sandbox, run: Run, winners: Path) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    sandbox.fail("get_user_inventories", status=400, times=None)
    words = ("bulk", "run", "entitlements", "grant", str(winners), "--settle", "0", "--retries", "0")
    result = run(*words)
    sandbox.clear_faults()
    assert result.code == 7
    resumed = run("bulk", "resume", str(winners.with_suffix(".run")), "--settle", "0")
    assert resumed.code == 7  # nobody knows whether the entry was there before
    report = run("bulk", "report", str(winners.with_suffix(".run")), "--state", "unknown", "-o", "json")
    # The user held one before, and nobody knows when the other was sent.
    assert [(row["state"], row["candidates"]) for row in json.loads(report.text)] == [("unknown", 2)]


def test_a_run_that_stops_with_unknown_outcomes_names_both(sandbox: Sandbox, run: Run, winners: Path) -> None:
    sandbox.fail("grant_user_entitlement", reset=True)
    sandbox.fail("get_user_inventories", status=400, times=None)
    words = ("bulk", "run", "entitlements", "grant", str(winners), "--settle", "0", "--retries", "0")
    result = run(*words, "--canary", "1")
    assert result.code == 7
    assert "the outcome of 1 rows is unknown, and the run stopped: after the canary of 1 rows" in result.err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("user_id,entitlement\n3,56\n", "did you mean 'entitlement_id'?"),
        ("user_id,entitlement_id\nx,56\n", "user_id"),
    ],
)
def test_wrong_rows_are_a_usage_error_and_nothing_is_sent(
    rows: str, message: str, sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(rows)
    for more in ((), ("--dry-run",)):
        result = run("bulk", "run", "entitlements", "grant", str(path), *more)
        assert result.code == 2, result.err
        assert message in result.err
        assert [*tmp_path.iterdir()] == [path]
    assert sandbox.journal() == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_folder_is_no_file_of_rows(
    name: str, sandbox: Sandbox, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # in which the folder of the journal is made
    result = run("bulk", "run", "entitlements", "grant", name)
    assert result.code == 2
    assert "must be a .csv, .jsonl, .ndjson or .parquet file" in result.error["message"]


def test_a_bulk_run_elsewhere_needs_a_confirmation(run: Run, winners: Path) -> None:
    result = run("bulk", "run", "entitlements", "grant", str(winners), "--host", "http://example.invalid")
    assert result.code == 2
    assert "--yes" in result.error["message"]
    assert run("bulk", "run", "items", "list", str(winners)).code == 2
    assert run("bulk", "run", "nothing", str(winners)).code == 2


def test_a_list_is_exported_to_every_file_format(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    expected = run("inventory", "list-all", "--inactive", "--all", "-o", "jsonl").rows("jsonl")
    path = tmp_path / "all.jsonl"
    result = run("export", "inventory", "list-all", "--inactive", str(path), "--prefetch", "2", "-o", "json")
    assert result.code == 0, result.err
    assert json.loads(result.text) == {
        "path": str(path),
        "rows": 3,
        "total": 3,
        "has_moved": False,
        "is_resumed": False,
    }
    assert [json.loads(line) for line in path.read_text().splitlines()] == expected
    assert run("export", "inventory", "list", "56", "--inactive", str(tmp_path / "a.csv")).code == 0
    with (tmp_path / "a.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["1", "56"]
    assert run("export", "items", "list", str(tmp_path / "a.parquet"), "--limit", "2").code == 0
    from pyarrow import parquet

    assert parquet.read_table(tmp_path / "a.parquet").num_rows == 2
    assert run("export", "items", "list", str(tmp_path / "no" / "a.csv")).code == 1
    assert run("export", "items", "get", "1", "x").code == 2


@pytest.mark.parametrize("more", [(), ("--page-size", "2"), ("--limit", "2")])
def test_an_export_previews_the_request_that_it_sends(
    sandbox: Sandbox, run: Run, tmp_path: Path, more: tuple[str, ...]
) -> None:
    command = ("export", "items", "list", str(tmp_path / "a.jsonl"), *more)
    planned = json.loads(run(*command, "--dry-run").text)["url"]
    assert run(*command).code == 0
    sent = sandbox.journal()[0]
    assert planned == f"{sandbox.url}{sent.path}?{sent.query}"


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--restart",)])
def test_an_export_to_stdout_is_rejected_in_favor_of_the_list(
    sandbox: Sandbox, run: Run, tmp_path: Path, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("export", "inventory", "list", "56", "-", *more)
    assert result.code == 2
    assert "name a file, or use `knetik inventory list` with --all" in result.error["message"]
    assert (sandbox.journal(), os.listdir()) == ([], [])
    assert run("export", "inventory", "list", "56", "./-").code == 0
    assert os.listdir() == ["-"]


def test_wait_returns_the_entry_of_a_write(sandbox: Sandbox, run: Run) -> None:
    result = run("entitlements", "grant", "3", "--entitlement-id", "56", "--wait", "10s", "-o", "json")
    assert result.code == 0, result.err
    entry = json.loads(result.text)
    assert (entry["item_id"], entry["status"], entry["user"]["id"]) == (56, "active", 3)
    body = '{"sku": "sku_example", "note": "hi", "skip_invoice": false}'
    bought = run("inventory", "add", "3", body, "--wait", "20s", "-o", "json")
    assert bought.code == 0, bought.err
    assert json.loads(bought.text)["id"] > entry["id"]
    assert (
        run("inventory", "get", "3", str(entry["id"]), "--wait", "1s", "-o", "id").text == f"{entry['id']}\n"
    )


@pytest.mark.parametrize("more", [(), ("--once", "order-17")])
@pytest.mark.parametrize(("read", "status"), [("get_user_inventories", 401), ("get_user_inventory", 403)])
def test_wait_whose_reads_fail_reports_that_the_write_is_applied(
    sandbox: Sandbox,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    read: str,
    status: int,
    more: tuple[str, ...],
) -> None:
    result = EntryWait.result

    def fail(wait: EntryWait, api: Any) -> Any:
        sandbox.fail(read, times=None, status=status)
        return result(wait, api)

    monkeypatch.setattr(EntryWait, "result", fail)
    found = run("entitlements", "grant", "3", "--entitlement-id", "56", "--wait", "10s", *more)
    assert found.code == 7
    assert "the service accepted the write, but its entry can't be read: " in found.error["message"]
    assert "don't retry the write" in found.error["next_step"]


@pytest.mark.parametrize(
    ("wait", "message"),
    [
        ("0", "--wait must be a duration above 0"),
        ("-5s", "--wait must be a duration above 0"),
        ("NaN", "'NaN' is not a duration"),
    ],
)
def test_a_write_with_no_time_to_wait_is_not_sent(
    wait: str, message: str, sandbox: Sandbox, run: Run
) -> None:
    result = run("entitlements", "grant", "3", "--entitlement-id", "56", f"--wait={wait}")
    assert result.code == 2
    assert message in result.error["message"]
    assert sandbox.journal() == []


def test_wait_ends_when_the_state_cant_be_reached_or_takes_too_long(sandbox: Sandbox, run: Run) -> None:
    inactive = run("inventory", "get", "3", "2", "--wait", "1s")
    assert inactive.code == 1
    assert inactive.error["type"] == "WaitFailed"
    sandbox.freeze()
    body = '{"sku": "sku_example", "note": "hi", "skip_invoice": false}'
    late = run("inventory", "add", "3", body, "--wait", "300ms")
    assert late.code == 7
    assert "don't retry the write" in late.error["next_step"]
    run("inventory", "set-status", "56", "56", "pending")
    pending = run("inventory", "get", "56", "56", "--wait", "300ms")
    assert pending.code == 6
    assert "has not reached its state" in MEANINGS[Exit(pending.code)].meaning
    assert pending.error["next_step"] == "Run the command again, with a longer --wait."
    remedy = "(increase deadline"  # in Python, unlike --deadline
    assert [remedy in each.error["message"] for each in (late, pending)] == [False, False]
    assert pending.error["message"].startswith("status is not 'active' after 0.3 s: ")
    sandbox.resume()
