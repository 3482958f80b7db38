"""The `knetik` command: its subcommands, found by name, and how it ends."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from typing import Any, NoReturn

import click

from knetik_cloud.cli import calls, part_of
from knetik_cloud.cli.exits import Exit
from knetik_cloud.cli.groups import HELP_OPTIONS, Group
from knetik_cloud.requirements import explain_missing
from knetik_cloud.version import __version__

OWN = {
    "login": ("Store a credential for a profile.", "account", "login"),
    "whoami": (
        "Show the profile, the host and the credential, and what they override.",
        "account",
        "whoami",
    ),
    "doctor": ("Check the configuration, the connection and the credential.", "doctor", "doctor"),
    "explain": ("Explain an error code, an exception or an exit code.", "explain", "explain"),
    "bulk": ("Call an operation for many rows, with a journal.", "bulk", "bulk"),
    "export": ("Write a whole list to a file.", "export", "export"),
    "sandbox": ("Start and control the local sandbox.", "sandbox", "sandbox"),
    "man": ("Write the manual page.", "manual", "man"),
    "completion": ("Write the completion script of a shell.", "completion", "completion"),
}
"""The commands that are not operations: their help, their module, and their name in it."""


class Root(Group):
    """The `knetik` command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*calls.groups(), *OWN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from knetik_cloud.cli.operation_commands import OperationCommand, OperationGroup

        if cmd_name in calls.groups():
            return OperationGroup(cmd_name)
        if cmd_name in OWN:
            _, module, name = OWN[cmd_name]
            command: click.Command = getattr(import_module(f"knetik_cloud.cli.{module}"), name)
            return command
        operation = calls.by_id().get(cmd_name.replace("-", "_"))
        return (
            None
            if operation is None or "_" in cmd_name
            else OperationCommand(cmd_name, operation, hidden=True)
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Operations"):
            formatter.write_dl([(name, ", ".join(commands)) for name, commands in calls.groups().items()])
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (text, *_) in OWN.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command, report its errors, and end the process with the exit code."""
        arguments = list(sys.argv[1:] if args is None else args)
        _find_home()
        with _streams():
            code = self._ended(arguments, prog_name or "knetik", extra)
        sys.exit(code)

    def _ended(self, arguments: list[str], name: str, extra: dict[str, Any]) -> int:
        """Run the command, and return its exit code."""
        context: click.Context | None = None
        scanned = list(arguments)
        try:
            extra.setdefault("terminal_width", _help_width())
            with explain_missing(part_of(arguments)), self.make_context(name, arguments, **extra) as context:
                self.invoke(context)
            sys.stdout.flush()
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except (Exception, KeyboardInterrupt) as error:
            from knetik_cloud.cli.output import drop_stdout, is_closed_pipe

            if is_closed_pipe(error):  # of a text such as the help: results are written by `Output`
                drop_stdout()
                return 0
            code = _failed(error, context, scanned)
            if code == Exit.INTERRUPTED and not isinstance(error.__context__, EOFError) and os.name != "nt":
                # A shell goes on with its loop unless SIGINT has ended the command. Ctrl-D sends none.
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                signal.raise_signal(signal.SIGINT)
            return code
        return 0


def _find_home() -> None:
    """Let a user without a home have `/`, as in containers, because a command may need no file there."""
    if not os.path.isabs(os.environ.get("HOME", "")):
        os.environ.pop("HOME", None)  # for the home in the database of users
        if not os.path.isabs(os.path.expanduser("~")):
            os.environ["HOME"] = "/"


class _Remarks(io.FileIO):
    """The file of stderr. What can't be written to it is lost, which stops nothing."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:  # its reader is gone, or the disk is full
            return len(data)


@contextmanager
def _streams() -> Iterator[None]:
    """Make the streams usable, even if the caller has closed them or the reader of stderr is gone."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for all that follows
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for all that follows
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        # With PYTHONUNBUFFERED. A raw file writes a part if the disk is full, and raises no error.
        out = io.BufferedWriter(io.FileIO(sys.stdout.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(out, sys.stdout.encoding, sys.stdout.errors, line_buffering=True)
    before = sys.stderr
    try:
        file = None if before.isatty() else _Remarks(before.fileno(), "w", closefd=False)
    except (AttributeError, OSError):  # it is closed, or not a file
        file = None
    if file is None:
        yield
        return
    stream = io.TextIOWrapper(io.BufferedWriter(file), before.encoding, before.errors, line_buffering=True)
    with redirect_stderr(stream):
        yield
    stream.flush()


def _help_width() -> int:
    """Return the width of help texts, as click chooses it, without the modules that it loads for that."""
    columns = os.environ.get("COLUMNS", "")
    if not columns.isdecimal() or columns == "0":
        try:
            columns = str(os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns)
        except (OSError, ValueError, AttributeError):
            columns = "80"
    return max(min(int(columns), 80) - 2, 50)


def _failed(error: BaseException, context: click.Context | None, arguments: Sequence[str]) -> int:
    from knetik_cloud.cli.errors import report
    from knetik_cloud.cli.output import drop_stdout

    if isinstance(error, click.UsageError) and type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # the help
        return error.exit_code
    if context is not None and context.obj is not None and context.obj.debug:
        import traceback

        from knetik_cloud.cli.text import without_secrets

        click.echo(without_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    try:
        sys.stdout.flush()
    except OSError:
        drop_stdout()
    run = None if context is None else context.obj
    writes_rows = run is not None and run.writes_rows
    return report(error, _wants_json(arguments, writes_rows), run is not None and run.is_writing)


def _wants_json(arguments: Sequence[str], writes_rows: bool) -> bool:
    """Return whether errors are written as JSON. The command line may be a wrong one."""
    from knetik_cloud.cli.output import Output

    chosen: dict[str, str] = {}
    for position, word in enumerate(arguments):
        if word == "--":
            break
        word = re.sub("^-[fqy]+o", "-o", word)  # flags may come before it, as in -qo
        for name in ("--errors", "--output", "-o"):
            if word == name:
                chosen[name.lstrip("-")[0]] = "".join(arguments[position + 1 : position + 2])
            elif word.startswith(f"{name}=") or (name == "-o" and word.startswith("-o")):
                chosen[name.lstrip("-")[0]] = word.removeprefix(name).removeprefix("=")
    if chosen.get("e") in ("json", "text"):
        return chosen["e"] == "json"
    return Output(chosen["o"]).is_json if chosen.get("o") else writes_rows and Output().is_json


@click.group(cls=Root, context_settings=HELP_OPTIONS)
@click.version_option(__version__, prog_name="knetik")
def knetik() -> None:
    """Work with the Knetik inventory and entitlement API, and with its local sandbox.

    Every operation of the API has a command. Results go to stdout, as a table on a terminal and as JSON lines
    in a pipe. Everything else goes to stderr.
    """
