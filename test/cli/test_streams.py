"""Long lists, closed pipes and interrupts."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knetik_cloud.cli import output
from knetik_cloud.cli.command import knetik
from knetik_cloud.sandbox import Sandbox
from test.listening import stop_listening
from test.polling import wait_until

from .conftest import KNETIK

ROWS_PER_PAGE = 1000
in_bash = pytest.mark.skipif(os.name == "nt", reason="the lines are for the shells of Unix")


class Endless:
    """A server of a list of any length, whose pages it makes as they are asked for."""

    def __init__(self, rows: int, pause: float = 0.0) -> None:
        self.rows = rows
        self.pause = pause
        self.pages = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            while head := incoming.readline():
                while incoming.readline() != b"\r\n":
                    pass
                query = dict(
                    part.split("=") for part in head.split()[1].decode().partition("?")[2].split("&")
                )
                try:
                    connection.sendall(self._page(int(query.get("page", 1)), int(query["size"])))
                except OSError:
                    return

    def _page(self, page: int, size: int) -> bytes:
        self.pages += 1
        time.sleep(self.pause)
        first = (page - 1) * size + 1
        ids = range(first, min(first + size, self.rows + 1))
        rows = ",".join(f'{{"id":{id},"item_name":"Potion of Speed","status":"active"}}' for id in ids)
        total = f'"total_elements":{self.rows},"total_pages":{-(-self.rows // size)}'
        body = f'{{"content":[{rows}],{total}}}'.encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            len(body),
            body,
        )

    def close(self) -> None:
        stop_listening(self._listener)
        self._listener.close()


@pytest.fixture
def endless() -> Iterator[Endless]:
    server = Endless(1_000_000)
    yield server
    server.close()


def listing(url: str, *words: str) -> list[str]:
    return [*KNETIK, "inventory", "list-all", "--all", "--size", str(ROWS_PER_PAGE), "--host", url, *words]


PEAK = """
import re, sys
import knetik_cloud.cli as c
try:
    c.main(sys.argv[1:])
finally:
    # Not getrusage, whose peak includes that of the parent before exec.
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""
MEASURED = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux has it")


def peak(server: Endless, format: str) -> tuple[int, int, bytes]:
    """Read the whole list; return the rows or lines, the peak memory in KiB, and the last line."""
    words = listing(server.url, "-o", format)[len(KNETIK) :]
    count, last = 0, b""
    with subprocess.Popen(
        [sys.executable, "-c", PEAK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            count += 1
            last = line
        memory = int(process.stderr.read().split()[-1])
    assert process.returncode == 0
    return count, memory, last


@pytest.mark.slow
@pytest.mark.timeout(600)
@MEASURED
def test_a_million_rows_stream_in_constant_memory(endless: Endless) -> None:
    few = Endless(20_000)
    rows, small, _ = peak(few, "jsonl")
    few.close()
    assert rows == 20_000
    rows, large, last = peak(endless, "jsonl")
    assert rows == 1_000_000
    assert json.loads(last)["id"] == 1_000_000
    # 100,000 ids are remembered, to notice rows that come twice.
    assert large < small + 24 * 1024, f"{large} KiB for a million rows, {small} KiB for 20,000"
    assert large < 60 * 1024
    print(f"{small} KiB for 20,000 rows, {large} KiB for 1,000,000")


@pytest.mark.parametrize("format", ["csv", "yaml", "json", "id", "table"])
@MEASURED
def test_other_formats_stream_too(format: str) -> None:
    short, long = Endless(2_000), Endless(30_000)
    _, small, _ = peak(short, format)
    lines, large, _ = peak(long, format)
    short.close()
    long.close()
    assert lines >= 30_000
    assert large < small + 12 * 1024


@pytest.mark.parametrize("format", ["jsonl", "csv", "yaml", "json", "id", "table"])
def test_rows_are_written_as_they_arrive(format: str) -> None:
    server = Endless(50_000, pause=0.2)
    words = listing(
        server.url, "-o", format, "--size", "5"
    )  # a page is far shorter than the buffer of a pipe
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert server.pages < 10
        assert format != "jsonl" or json.loads(line)["id"] == 1
        process.kill()
    server.close()


def test_a_closed_pipe_ends_the_command_quietly(endless: Endless) -> None:
    for format in ("jsonl", "json", "csv", "table", "yaml", "id"):
        endless.pages = 0
        with subprocess.Popen(
            listing(endless.url, "-o", format), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 0
        assert endless.pages < 50


@in_bash
def test_a_closed_pipe_of_a_short_result_is_quiet_too(sandbox: Sandbox) -> None:
    for words in (["items", "list"], ["explain"], ["completion", "bash"], ["whoami"], ["doctor"], ["--help"]):
        line = f"{' '.join([*KNETIK, *words])} | true"
        piped = ["bash", "-o", "pipefail", "-c", line]
        result = subprocess.run(piped, capture_output=True, timeout=60, check=False)
        assert result.stderr == b"", words


class _ClosedPipe(io.RawIOBase):
    """A pipe of Windows whose reader is gone, with the number of another file, which may be replaced."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def write(self, data: Any) -> int:
        if os.path.samestat(os.fstat(self._number), os.stat(os.devnull)):
            return len(data)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


@pytest.mark.parametrize("words", ["items list -o jsonl", "items list -o table", "completion bash", "--help"])
def test_a_closed_pipe_of_windows_is_quiet_too(
    words: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("wb") as out, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(_ClosedPipe(out.fileno()))))
        patch.setattr(output, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
        with pytest.raises(SystemExit) as ended:
            knetik.main(words.split())
        sys.stdout.flush()  # as at the end of the interpreter
    assert ended.value.code == 0


def test_a_file_name_that_windows_rejects_is_no_closed_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "os", SimpleNamespace(name="nt"))
    assert output.is_closed_pipe(OSError(errno.EINVAL, "Invalid argument"))
    assert not output.is_closed_pipe(OSError(errno.EINVAL, "Invalid argument", "a?.json"))


def unread(*words: str, streams: str = "out", code: str = "") -> tuple[int, str]:
    """Run a command whose readers of stdout, stderr or both are gone, and return its exit code and stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", code, *words] if code else [*KNETIK, *words]
    try:
        result = subprocess.run(
            command,
            stdout=writing if "out" in streams else subprocess.DEVNULL,
            stderr=writing if "err" in streams else subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    return result.returncode, result.stderr or ""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("user_id,entitlement_id\n3,56\n56,56\n3,1\n56,1\n")
    return path


@pytest.mark.parametrize("streams", ["out", "err", "out and err"])
def test_a_closed_pipe_keeps_the_outcome_of_a_bulk_run(streams: str, sandbox: Sandbox, rows: Path) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    sandbox.fail("get_user_inventories", status=400, times=None)
    run = ("bulk", "run", "entitlements", "grant", str(rows), "--settle", "0", "--retries", "0")
    code, err = unread(*run, streams=streams)
    assert code == 7, err
    assert "err" in streams or "the outcome of 1 rows is unknown" in err
    sandbox.clear_faults()
    sandbox.fail("grant_user_entitlement", status=400, times=None)
    assert unread(*run, "--journal", str(rows.with_name("rejected")), streams=streams)[0] == 1


def test_a_closed_pipe_keeps_the_outcome_of_a_write_with_a_key(sandbox: Sandbox) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    sandbox.fail("get_user_inventories", status=400, times=None)
    words = ("entitlements", "grant", "3", "--entitlement-id", "56", "--once", "k", "--retries", "0")
    code, err = unread(*words)
    assert code in (6, 7), err
    sandbox.clear_faults()
    assert unread(*words) == (0, "")


SOON = """
import sys
from knetik_cloud.bulk import progress
import knetik_cloud.cli as c
progress.LINE_SECONDS = 0.0
c.main(sys.argv[1:])
"""


def test_unread_progress_does_not_stop_a_bulk_run(sandbox: Sandbox, rows: Path) -> None:
    sandbox.fail("grant_user_entitlement", delay=0.3, times=None)
    run = ("bulk", "run", "entitlements", "grant", str(rows), "--concurrency", "1")
    assert unread(*run, streams="err", code=SOON)[0] == 0
    assert len(sandbox.journal("grant_user_entitlement")) == 4
    assert unread("export", "items", "list", str(rows.with_name("a.jsonl")), streams="err", code=SOON)[0] == 0


@pytest.mark.parametrize(("streams", "how"), [("out", []), ("err", []), ("out and err", ["--debug"])])
def test_a_closed_pipe_keeps_the_exit_code_of_an_error(
    streams: str, how: list[str], sandbox: Sandbox
) -> None:
    for words, code in (
        (["items", "get", "999"], 4),
        (["items", "get", "x"], 2),
        (["items", "get", "1", "--host", "http://127.0.0.1:1", "--retries", "0"], 6),
        (["items", "get", "1", "--profile", "missing"], 1),
        (["doctor", "--host", "http://127.0.0.1:1"], 1),
    ):
        result, err = unread(*words, *how, streams=streams)
        assert result == code, (words, err)
        assert "Traceback" not in err


def test_unread_remarks_change_nothing(sandbox: Sandbox) -> None:
    assert unread("items", "list", "--size", "1", "--debug", streams="err")[0] == 0
    assert unread("items", "delete", "56", "--host", "http://example.invalid", streams="err")[0] == 2
    assert unread("items", streams="err")[0] == 2  # the help


@in_bash
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_command_without_a_stream_works(closed: str, sandbox: Sandbox) -> None:
    for words, code in (("items list", 0), ("items get 999", 4), ("items create -", 2), ("--help", 0)):
        line = f"{' '.join(KNETIK)} {words} {closed}"
        result = subprocess.run(["bash", "-c", line], input=b"", capture_output=True, timeout=60, check=False)
        assert (result.returncode, b"Traceback" in result.stderr) == (code, False), line


def test_a_sandbox_whose_address_is_not_read_reports_why_it_ends() -> None:
    code, err = unread("sandbox", "--port", "0")
    assert code == 1
    code = errno.EINVAL if sys.platform == "win32" else errno.EPIPE
    assert f"Error: [Errno {code:d}] {os.strerror(code)}" in err


def test_a_report_whose_reader_is_gone_ends_quietly(sandbox: Sandbox, rows: Path) -> None:
    assert unread("bulk", "run", "entitlements", "grant", str(rows)) == (0, "All 4 rows are applied.\n")
    for words in (["report"], ["report", "--failed"], ["status"]):
        assert unread("bulk", *words, str(rows.with_suffix(".run"))) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for children")
def test_ctrl_c_ends_by_the_signal_and_without_a_traceback() -> None:
    server = Endless(1_000_000, pause=0.05)
    with subprocess.Popen(
        listing(server.url, "-o", "jsonl", "--errors", "text"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == b"Error: interrupted\n"
        assert process.wait(60) == -signal.SIGINT
    server.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for children")
def test_ctrl_c_during_a_write_reports_that_it_may_have_been_applied(sandbox: Sandbox) -> None:
    fault = sandbox.fail("grant_user_entitlement", delay=30, applied=True, status=503)
    words = ["entitlements", "grant", "3", "--entitlement-id", "56", "--errors", "json"]
    with subprocess.Popen(
        [*KNETIK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    ) as process:
        assert process.stderr is not None
        assert wait_until(lambda: fault.met)
        process.send_signal(signal.SIGINT)
        error = json.loads(process.stderr.read().splitlines()[-1])["error"]
        assert process.wait(60) == -signal.SIGINT
    assert error["may_have_applied"] is True
    assert "Check whether it was applied" in error["next_step"]


def on_a_full_disk(*words: str) -> tuple[int, str]:
    """Run a command whose stdout has no space left, and return its exit code and stderr."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no full device")
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*KNETIK, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    return result.returncode, result.stderr


def test_output_that_cant_be_written_is_an_error(sandbox: Sandbox) -> None:
    assert on_a_full_disk("items", "list", "--errors", "text")[0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits of files")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words",
    [
        *(f"items list --errors text -o {name}" for name in ("json", "jsonl", "csv", "yaml", "table")),
        "man",
        "--help",
    ],
)
def test_output_of_which_a_part_can_be_written_is_an_error(
    words: str, unbuffered: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    import resource

    with (tmp_path / "out").open("wb") as out:
        result = subprocess.run(
            [*KNETIK, *words.split()],
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
            timeout=60,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, b"Error: [Errno 27] File too large\n")


def test_a_write_whose_result_cant_be_written_is_not_reported_as_failed(sandbox: Sandbox) -> None:
    grant = ("entitlements", "grant", "3", "--entitlement-id", "56")
    create = ("items", "create", "--name", "A sword")
    for words in (create, (*grant, "--once", "k"), (*grant, "--wait", "10s")):
        code, err = on_a_full_disk(*words, "--errors", "json")
        error = json.loads(err.splitlines()[-1])["error"]
        assert (code, error["may_have_applied"]) == (1, True)
        assert "Check whether it was applied" in error["next_step"]


def test_a_full_disk_keeps_the_outcome_of_a_write(sandbox: Sandbox, rows: Path) -> None:
    sandbox.fail("get_user_inventories", status=400, times=None)
    sandbox.fail("use_user_entitlement_item", reset=True, applied=True, times=None)
    sandbox.fail("get_user_inventory_log", status=400, times=None)
    use = ("entitlements", "use", "56", "56", "--once", "k", "--retries", "0")
    code, err = on_a_full_disk(*use)
    assert (code, "the outcome is 'unknown'" in err) == (7, True), err
    assert unread(*use, "--select", "abs(state)")[0] == 7
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    run = ("bulk", "run", "entitlements", "grant", str(rows), "--settle", "0", "--retries", "0")
    code, err = on_a_full_disk(*run)
    assert (code, "the outcome of 1 rows is unknown" in err) == (7, True), err


def test_a_write_whose_result_cant_be_selected_is_not_reported_as_failed(sandbox: Sandbox) -> None:
    words = ("items", "create", "--name", "A sword", "--select", "length(id)", "--errors", "json")
    result = subprocess.run([*KNETIK, *words], capture_output=True, text=True, timeout=60, check=False)
    error = json.loads(result.stderr)["error"]
    assert (result.returncode, error["may_have_applied"]) == (1, True)
    assert "--select" in error["message"]
