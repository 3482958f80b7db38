"""The command on a terminal, which a pseudo-terminal stands for."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import knetik_cloud
from knetik_cloud import bulk
from knetik_cloud.cli import output
from knetik_cloud.sandbox import Sandbox
from test.polling import wait_until

from .conftest import KNETIK, spawn

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command on a terminal of its own.

    Args:
        words: The words of the command.
        columns: The width of the terminal.
        program: What is run with the words.
        environment: Variables to set, or to remove if they are None.
    """

    def __init__(
        self, *words: str, columns: int = 100, program: Sequence[str] = KNETIK, **environment: str | None
    ) -> None:
        import fcntl
        import termios

        self._main, side = os.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        variables = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **environment}
        for name in ("COLUMNS", "LINES"):
            variables.pop(name, None)
        self.process = subprocess.Popen(
            [*program, *words],
            stdin=side,
            stdout=side,
            stderr=side,
            env={name: value for name, value in variables.items() if value is not None},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(side)
        self.shown = ""

    def read_until(self, text: str, seconds: float = 30.0) -> str:
        """Read until a text is shown, or until the end if it is empty; return all that is shown."""
        end = time.monotonic() + seconds
        while not text or text not in self.shown:
            ready, _, _ = select.select([self._main], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{text!r} is not shown, but {self.shown!r}")
            try:
                data = os.read(self._main, 65536)
            except OSError:  # the end, as Linux says it
                data = b""
            if not data:
                assert not text, f"{text!r} is not shown, but {self.shown!r}"
                break
            self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return self.shown

    def type(self, text: str) -> None:
        """Type a text; \\x03 is Ctrl-C."""
        os.write(self._main, text.encode())

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        import termios

        return bool(termios.tcgetattr(self._main)[3] & termios.ECHO)

    def echo(self) -> None:
        """Show what is typed, as a shell does for its own prompt."""
        import termios

        modes = termios.tcgetattr(self._main)
        modes[3] |= termios.ECHO
        termios.tcsetattr(self._main, termios.TCSANOW, modes)

    def end(self) -> tuple[int, str]:
        """Return the exit code and all that was shown."""
        self.read_until("")
        os.close(self._main)
        return self.process.wait(30), self.shown

    @property
    def plain(self) -> list[str]:
        """The lines without colors."""
        return ESCAPE.sub("", self.shown).splitlines()


def on_terminal(*words: str, columns: int = 100, **environment: str | None) -> tuple[int, Terminal]:
    terminal = Terminal(*words, columns=columns, **environment)
    code, _ = terminal.end()
    return code, terminal


def test_a_list_is_a_table_that_fits(sandbox: Sandbox) -> None:
    code, terminal = on_terminal("items", "list")
    assert code == 0
    assert terminal.plain[0].split()[:3] == ["id", "type_hint", "name"]
    assert "Potion of Speed" in terminal.plain[6]
    assert all(len(line) <= 100 for line in terminal.plain[:7])
    assert terminal.plain[7].startswith("not shown: ")
    assert "\x1b[1m" in terminal.shown  # the header is bold


def test_a_table_ends_with_the_columns_of_objects_and_lists(sandbox: Sandbox) -> None:
    _, terminal = on_terminal("items", "list", columns=900)
    names = terminal.plain[0].split()
    assert names[:4] == ["id", "type_hint", "name", "unique_key"]
    assert {*names[-3:]} == {"tags", "behaviors", "additional_properties"}


@pytest.mark.parametrize("columns", [20, 40, 79, 80, 200, 400])
def test_a_table_fits_every_width(columns: int, sandbox: Sandbox) -> None:
    code, terminal = on_terminal("inventory", "list", "56", "--inactive", columns=columns)
    assert code == 0
    assert all(len(line) <= columns for line in terminal.plain[:3])
    assert terminal.plain[0].startswith("id")
    assert ("not shown" in terminal.shown) == (columns < 200)


@pytest.mark.parametrize(
    ("width", "widths", "hidden"),
    [
        (50, {"a": 5, "b": 20, "c": 21}, ["d"]),
        (48, {"a": 5, "b": 41}, ["c", "d"]),
        (10, {"a": 10}, ["b", "c", "d"]),
        (120, {"a": 5, "b": 30, "c": 30, "d": 49}, []),
    ],
)
def test_columns_are_left_out_then_cut_until_they_fit(
    width: int, widths: dict[str, int], hidden: list[str]
) -> None:
    assert output._fitted({"a": 5, "b": 30, "c": 30, "d": 30}, width) == (widths, hidden)


def test_cut_texts_end_in_dots_where_the_encoding_has_no_ellipsis(sandbox: Sandbox) -> None:
    words = ("items", "get", "56", "--select", "[@]", "--fields", "short_description")
    _, terminal = on_terminal(*words, columns=20, PYTHONIOENCODING="ascii")
    assert terminal.plain == ["short_description", "Run twice as fast .."]


def test_chosen_fields_are_all_shown_in_their_order(sandbox: Sandbox) -> None:
    _, terminal = on_terminal("items", "list", "--fields", "name,id,behaviors", columns=60)
    assert terminal.plain[0].split() == ["name", "id", "behaviors"]
    assert terminal.plain[1].rstrip().endswith("…")
    assert "not shown" not in terminal.shown


@pytest.mark.parametrize("columns", [40, 100])
@pytest.mark.parametrize(
    ("selection", "header"),
    [("[].{k: nosuch}", "k"), ("[].{a: nosuch, b: ''}", "a  b"), ("[*].tags[?@ == 'x']", "")],
)
def test_rows_without_values_are_empty_lines(
    selection: str, header: str, columns: int, sandbox: Sandbox
) -> None:
    code, terminal = on_terminal("items", "list", "--select", selection, columns=columns)
    assert code == 0, terminal.shown
    assert [*dict.fromkeys(terminal.plain)] == [*dict.fromkeys([header, ""])]


def test_one_object_is_shown_as_lines(sandbox: Sandbox) -> None:
    _, terminal = on_terminal("items", "get", "56")
    assert "name                   Potion of Speed" in terminal.plain
    assert "created_date           2017-08-15T00:00:00Z" in terminal.plain


@pytest.mark.parametrize("columns", [30, 80])
def test_doctor_shows_the_whole_of_each_check(columns: int, sandbox: Sandbox) -> None:
    url = sandbox.url.replace("http:", "https:")
    code, terminal = on_terminal("doctor", "--host", url, columns=columns, LANG="C")
    rows = [*map(json.loads, spawn("doctor", "--host", url, "-o", "jsonl").stdout.splitlines())]
    shown = [f"{row['state']:7}  {row['check']}: {row['detail']}" for row in rows if row["check"] != "tcp"]
    steps = [f"{'':7}  {row['next_step']}" for row in rows if row["next_step"]]
    assert code == 1
    assert {*shown, *steps} < {*terminal.plain}
    assert len(terminal.plain) == len(rows) + len(steps)
    assert "a server without TLS needs an http:// URL" in terminal.shown


def test_doctor_applies_a_selection_on_a_terminal(sandbox: Sandbox) -> None:
    code, terminal = on_terminal("doctor", "--offline", "--select", "[1].{name: check}")
    assert (code, terminal.plain) == (0, ["name  host"])


@pytest.mark.parametrize("words", ["items list", "export items list items.csv"], ids=["table", "progress"])
@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_colors_follow_the_environment(
    words: str,
    environment: dict[str, str],
    is_colored: bool,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, terminal = on_terminal(*words.split(), **environment)
    assert code == 0
    assert bool(re.search(r"\x1b\[[0-9;]+m", terminal.shown)) == is_colored


@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
    ],
)
def test_colors_go_to_a_pipe_only_if_they_are_forced(
    environment: dict[str, str], is_colored: bool, sandbox: Sandbox
) -> None:
    result = spawn("items", "list", "-o", "table", env={**os.environ, **environment})
    assert result.stdout.startswith(b"\x1b[1m" if is_colored else b"id  ")
    assert (b"\x1b" in result.stdout) == is_colored


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_every_locale_can_show_everything(
    environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.seed({"items": [{"id": 7, "type_hint": "entitlement", "name": "Zaubertränk 魔法" * 4}]})
    for words in (["items", "list"], ["items", "get", "7"], ["items", "list", "-o", "json"], ["--help"]):
        code, terminal = on_terminal(*words, columns=60, **environment)
        assert code == 0, terminal.shown
        assert "Traceback" not in terminal.shown
    result = subprocess.run(
        [*KNETIK, "items", "list", "-o", "jsonl"],
        capture_output=True,
        env={**os.environ, **environment},
        check=True,
    )
    assert "Zaubertränk 魔法" in result.stdout.decode("utf-8")


def test_wide_characters_keep_the_columns(sandbox: Sandbox) -> None:
    from rich.cells import cell_len

    sandbox.seed({"items": [{"id": 7, "type_hint": "entitlement", "name": "魔法の薬"}]})
    _, terminal = on_terminal("items", "list", "--fields", "id,name,category,sort", columns=60)
    header, *rows = terminal.plain[:7]
    place = header.index("sort")
    for row in rows:
        before = row[: len(row) - len(row.split()[-1])]
        assert cell_len(before) == place


def test_errors_are_text_on_a_terminal(sandbox: Sandbox) -> None:
    code, terminal = on_terminal("items", "get", "999")
    assert code == 4
    assert terminal.plain[0].startswith("Error: 404 Not Found: No entitlement item has the id 999")
    assert terminal.plain[-2] == "  Check the id, and the host with `knetik whoami`."
    assert terminal.plain[-1] == "  See docs/reference/result-codes.md#1003"


HOST = ("--host", "http://example.invalid", "--retries", "0")


@pytest.mark.parametrize(
    ("typed", "code"), [("n\n", 1), ("\n", 1), ("y\n", 6), ("\x03", -signal.SIGINT), ("\x04", 130)]
)
def test_a_delete_elsewhere_asks(typed: str, code: int) -> None:
    terminal = Terminal("items", "delete", "56", *HOST)
    terminal.read_until("(56) on http://example.invalid? [y/N]: ")
    time.sleep(
        0.3
    )  # until the command reads, since an interrupt just before is only noticed with the next key
    terminal.type(typed)
    assert terminal.end()[0] == code
    assert "Traceback" not in terminal.shown


def test_the_question_of_a_resume_counts_the_rows_that_are_sent_again(tmp_path: Path) -> None:
    rows = [{"user_id": 56, "entitlement_id": 5}] * 4
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=HOST[1])) as client:
        method = knetik_cloud.UsersInventoryApi(client).grant_user_entitlement
        shard = bulk.prepare(rows, method, journal=tmp_path / "run", shards=1)[0]
    (tmp_path / "run" / f"{shard:04}.journal").write_text("applied 0 1\nabsent 1 1 {}\nunknown 2 1 {}\n")
    terminal = Terminal("bulk", "resume", str(tmp_path / "run"))
    terminal.read_until("for the 3 rows that are left on http://example.invalid? [y/N]: ")
    terminal.type("n\n")
    assert terminal.end()[0] == 1


def test_a_secret_is_asked_for_without_an_echo(sandbox: Sandbox, home: Path) -> None:
    terminal = Terminal(
        "login", "--host", sandbox.url, "--store", "file", KNETIK_CLOUD_CONFIG=str(home / "config.toml")
    )
    terminal.read_until("Client secret: ")
    terminal.type("client_secret_example\n")
    code, shown = terminal.end()
    assert code == 0, shown
    assert "client_secret_example" not in shown
    assert "Logged in." in shown


def test_a_typed_secret_is_checked_as_it_is_stored(sandbox: Sandbox, home: Path) -> None:
    sandbox.seed({"clients": [{"client_id": "blank", "client_secret": " hush "}]})
    login = ("login", "--client-id", "blank", "--host", sandbox.url, "--store", "file")
    for typed, error in ((" hush \n", "401"), ("  \n", "the client secret is empty")):
        terminal = Terminal(*login, KNETIK_CLOUD_CONFIG=str(home / "config.toml"))
        terminal.read_until("Client secret: ")
        terminal.type(typed)
        code, shown = terminal.end()
        assert code != 0
        assert error in shown
        assert not (home / "config.toml").exists()
    terminal = Terminal("login", "--host", sandbox.url, "--store", "file")
    terminal.read_until("Client secret: ")
    terminal.type(" client_secret_example \n")
    assert terminal.end()[0] == 0
    assert spawn("token", "get", "-q", env={**os.environ, "KNETIK_CLOUD_HOST": sandbox.url}).returncode == 0


def test_a_secret_is_hidden_after_ctrl_z_too(sandbox: Sandbox, home: Path) -> None:
    terminal = Terminal(
        "login", "--host", sandbox.url, "--store", "file", KNETIK_CLOUD_CONFIG=str(home / "config.toml")
    )
    terminal.read_until("Client secret: ")
    assert wait_until(lambda: not terminal.echoes)
    terminal.process.send_signal(signal.SIGSTOP)
    terminal.echo()
    terminal.process.send_signal(signal.SIGCONT)
    assert wait_until(lambda: not terminal.echoes)
    terminal.type("client_secret_example\n")
    code, shown = terminal.end()
    assert code == 0, shown
    assert "client_secret_example" not in shown


def test_a_bulk_run_and_an_export_show_their_progress(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = "".join(f"{user},56\n" for user in [3] * 40)
    (tmp_path / "rows.csv").write_text(f"user_id,entitlement_id\n{rows}")
    code, terminal = on_terminal("bulk", "run", "entitlements", "grant", str(tmp_path / "rows.csv"))
    assert code == 0, terminal.shown
    assert re.search(r"40/40", terminal.shown)
    assert "All 40 rows are applied." in terminal.shown
    code, terminal = on_terminal("export", "inventory", "list", "3", str(tmp_path / "out.jsonl"))
    assert code == 0, terminal.shown
    assert re.search(r"40/40|100%", terminal.shown)
    code, terminal = on_terminal("export", "items", "list", str(tmp_path / "i.csv"), "-q")
    assert "get_entitlement_items" not in terminal.shown


LOOP = """
for user in 3 56; do
    "$@" entitlements grant $user --entitlement-id 56
    echo "exit code $?"
done
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_ctrl_c_ends_the_loop_of_a_script(sandbox: Sandbox) -> None:
    fault = sandbox.fail("grant_user_entitlement", delay=30, status=503)
    terminal = Terminal("bash", *KNETIK, program=["bash", "-c", LOOP])
    assert wait_until(lambda: fault.met)
    terminal.type("\x03")
    code, shown = terminal.end()
    assert "exit code" not in shown
    assert "Error: interrupted" in shown
    assert code == -signal.SIGINT


def test_ctrl_c_ends_a_sandbox_that_serves_with_success() -> None:
    terminal = Terminal("sandbox", "--port", "0")
    terminal.read_until("For programs:")
    terminal.type("\x03")
    code, shown = terminal.end()
    assert code == 0
    assert "Traceback" not in shown


def test_help_fits_the_terminal() -> None:
    code, terminal = on_terminal("items", "create", "--help", columns=60)
    assert code == 0
    assert all(len(line) <= 78 for line in terminal.plain)
