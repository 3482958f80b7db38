"""The `knetik` command: its subcommands, found by name, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.groups import HELP_OPTIONS, Group
from knetik_cloud.sandbox.requirements import explain_missing
from knetik_cloud.version import __version__

OWN = {
    "login": ("Store a credential for a profile.", "account", "login"),
    "whoami": (
        "Show the profile, the host and the credential, and what overrides what.",
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
        sys.exit(self._ended(arguments, prog_name or "knetik", extra))

    def _ended(self, arguments: list[str], name: str, extra: dict[str, Any]) -> int:
        """Run the command, and return its exit code."""
        context: click.Context | None = None
        scanned = list(arguments)
        try:
            extra.setdefault("terminal_width", _help_width())
            with explain_missing(), self.make_context(name, arguments, **extra) as context:
                self.invoke(context)
            sys.stdout.flush()
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except BrokenPipeError:
            return _reader_is_gone()
        except (Exception, KeyboardInterrupt) as error:
            return _failed(error, context, scanned)
        return 0


def _help_width() -> int:
    """Return the width of help texts, as click chooses it, without the modules that it loads for that."""
    import os

    columns = os.environ.get("COLUMNS", "")
    if not columns.isdecimal() or columns == "0":
        try:
            columns = str(os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns)
        except (OSError, ValueError, AttributeError):
            columns = "80"
    return max(min(int(columns), 80) - 2, 50)


def _failed(error: BaseException, context: click.Context | None, arguments: Sequence[str]) -> int:
    from knetik_cloud.cli.errors import report

    if isinstance(error, click.UsageError) and type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # the help
        return error.exit_code
    if context is not None and context.obj is not None and context.obj.debug:
        import traceback

        from knetik_cloud.cli.text import without_secrets

        click.echo(without_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    try:
        sys.stdout.flush()
        run = None if context is None else context.obj
        writes_rows = run is not None and run.writes_rows
        return report(error, _wants_json(arguments, writes_rows), run is not None and run.is_writing)
    except BrokenPipeError:
        return _reader_is_gone()


def _reader_is_gone() -> int:
    """Keep the interpreter from writing the rest, once the reader of the pipe has all that it wants."""
    import os

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 0


def _wants_json(arguments: Sequence[str], writes_rows: bool) -> bool:
    """Return whether errors are written as JSON. The command line may be a wrong one."""
    from knetik_cloud.cli.output import Output

    chosen: dict[str, str] = {}
    for position, word in enumerate(arguments):
        if word == "--":
            break
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
