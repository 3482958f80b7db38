"""The options that commands share, and the class of all commands."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from knetik_cloud.cli.groups import HELP_OPTIONS
from knetik_cloud.cli.output import FORMATS
from knetik_cloud.cli.run import Run

C = TypeVar("C", bound=click.Command)


def run_of(context: click.Context) -> Run:
    """Return the run that a context belongs to."""
    root = context.find_root()
    if root.obj is None:
        root.obj = Run()
    run: Run = root.obj
    return run


def claim_stdin(what: str) -> None:
    """Note what stdin is read for. Call it before it is known whether it is read at all, as with --dry-run.

    Raises:
        click.UsageError: If stdin is read for anything else.
    """
    run = run_of(click.get_current_context())
    if run.stdin_for is not None:
        raise click.UsageError(
            f"{run.stdin_for} and {what} can't both be read from stdin: name a file for one"
        )
    run.stdin_for = what


def not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Return the value of an option. A script with an unset variable passes an empty one.

    Raises:
        click.BadParameter: If it is empty.
    """
    if value == "":
        raise click.BadParameter("it must not be empty", context, parameter)
    return value


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback that stores an option in the run, or in its output."""

    def store(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if not_empty(context, parameter, value) is None or value is False:
            return value
        run = run_of(context)
        target = run.output if name in ("format", "fields", "select") else run
        setattr(target, name, value)
        if name == "token_file" and str(value) == "-":
            claim_stdin("the token")
        return value

    return store


def _shared(*names: str, to: str, **settings: Any) -> click.Option:
    return click.Option(names, expose_value=False, is_eager=True, callback=_store(to), **settings)


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Split the names of --fields, and store them."""
    if value is None:
        return None
    found = tuple(name.strip() for name in value.split(",") if name.strip())
    if not found:
        raise click.BadParameter("write the names of fields, separated by commas", context, parameter)
    run_of(context).output.fields = found
    return found


class Duration(click.ParamType):  # type: ignore[type-arg]  # older releases have no arguments
    """Seconds, or a number with a unit: 500ms, 30s, 5m, 2h, 1d.

    Args:
        has_end: Whether it can't be `inf`.
    """

    name = "duration"
    UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}  # noqa: RUF012

    def __init__(self, has_end: bool = False) -> None:
        self._has_end = has_end

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        text = str(value).strip()
        if text == "inf" and not self._has_end:
            return float(text)
        digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = text[len(digits) :] or "s"
        try:
            seconds = float(digits) * self.UNITS[unit]
            if not math.isfinite(seconds):
                raise ValueError(seconds)
            return seconds
        except (KeyError, ValueError):
            self.fail(f"{value!r} is not a duration: write 30, 30s, 500ms, 5m, 2h or 1d", param, ctx)


def output_options() -> list[click.Parameter]:
    """Return the options for the output of results."""
    return [
        _shared(
            "-o",
            "--output",
            to="format",
            type=click.Choice(FORMATS),
            help="Format of the result. Default: table on a terminal, jsonl elsewhere.",
        ),
        click.Option(
            ["--fields"],
            expose_value=False,
            is_eager=True,
            callback=_names,
            metavar="NAME,...",
            help="Write only these fields. Use a dot for nested fields, such as user.username.",
        ),
        _shared(
            "--select",
            to="select",
            metavar="JMESPATH",
            help="Apply a JMESPath expression to the whole result, in every format.",
        ),
    ]


def common_options() -> list[click.Parameter]:
    """Return the options that every command has."""
    return [
        _shared(
            "--errors",
            to="errors",
            type=click.Choice(["text", "json"]),
            help="Format of errors on stderr. Default: json if the output is JSON, otherwise text.",
        ),
        _shared("-q", "--quiet", to="quiet", is_flag=True, help="Suppress notes and progress on stderr."),
        _shared(
            "--dry-run", to="dry_run", is_flag=True, help="Print what the command would do, without doing it."
        ),
    ]


def connection_options() -> list[click.Parameter]:
    """Return the options for the host and the credential of requests."""
    return [
        _shared(
            "--profile", to="profile_name", metavar="NAME", help="Profile of the configuration file to use."
        ),
        _shared("--host", to="host", metavar="URL", help="Base URL of the service."),
        _shared(
            "--token-file",
            to="token_file",
            type=click.Path(path_type=Path, allow_dash=True),
            metavar="FILE|-",
            help="File whose first line is the access token; - reads stdin.",
        ),
        _shared(
            "--timeout",
            to="timeout",
            type=Duration(),
            help="Time to wait for a connection and each receive; inf for no limit.",
        ),
        _shared(
            "--deadline",
            to="deadline",
            type=Duration(),
            help="Time for a whole call, retries included; inf for no limit.",
        ),
        _shared("--retries", to="retries", type=click.IntRange(min=0), help="Retries where a retry is safe."),
        _shared(
            "--debug", to="debug", is_flag=True, help="Log requests and responses on stderr, without secrets."
        ),
    ]


def request_options() -> list[click.Parameter]:
    """Return the options that show the request in place of sending it."""
    return [
        _shared(
            "--curl",
            to="show_as",
            flag_value="curl",
            help="Write the request as a curl command; send nothing.",
        ),
        _shared(
            "--python",
            to="show_as",
            flag_value="python",
            help="Write the request as a Python program; send nothing.",
        ),
    ]


def yes_option() -> click.Parameter:
    """Return the option that confirms in advance."""
    return _shared("-y", "--yes", to="yes", is_flag=True, help="Don't ask for a confirmation.")


def confirmed(command: C) -> C:
    """Add the option that confirms in advance to a command."""
    command.params.append(yes_option())
    return command


SECTIONS: Sequence[tuple[str, Callable[[], list[click.Parameter]]]] = (
    ("Output options", output_options),
    ("Connection options", connection_options),
    ("Request options", request_options),
    ("Common options", common_options),
)
"""The sections of a command's help that hold shared options."""


class Command(click.Command):
    """A command with the options that all commands share.

    Args:
        sections: Which of `SECTIONS` the command has in addition to the common options.
    """

    def __init__(self, *args: Any, sections: Iterable[str] = (), **settings: Any) -> None:
        settings.setdefault("context_settings", HELP_OPTIONS)
        super().__init__(*args, **settings)
        wanted = {*sections, "Common options"}
        self._sections = [(title, make) for title, make in SECTIONS if title in wanted]
        self._shared: list[tuple[str, list[click.Parameter]]] | None = None

    @property
    def shared(self) -> list[tuple[str, list[click.Parameter]]]:
        """The shared options, by section."""
        if self._shared is None:
            self._shared = [(title, make()) for title, make in self._sections]
        return self._shared

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is not None:
            run_of(parent).writes_rows = any(title == "Output options" for title, _ in self._sections)
        return super().make_context(info_name, args, parent, **extra)

    def own_params(self, context: click.Context) -> list[click.Parameter]:
        """Return the parameters that are the command's own."""
        return self.params

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        help_option = self.get_help_option(ctx)
        shared = [each for _, options in self.shared for each in options]
        own = self.own_params(ctx)
        taken = {name for each in own for name in each.opts}
        shared = [each for each in shared if taken.isdisjoint(each.opts)]
        return [*own, *shared, *([] if help_option is None else [help_option])]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        params = self.get_params(ctx)
        shared = {id(each) for _, options in self.shared for each in options}
        self._write_section("Arguments", argument_records(params), formatter)
        self._write_section("Options", _records(ctx, (p for p in params if id(p) not in shared)), formatter)
        for title, options in self.shared:
            present = {id(each) for each in params}
            self._write_section(title, _records(ctx, (o for o in options if id(o) in present)), formatter)

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: `format_options` writes the arguments, which older releases of click don't."""

    @staticmethod
    def _write_section(title: str, records: list[tuple[str, str]], formatter: click.HelpFormatter) -> None:
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def argument_records(params: Iterable[click.Parameter]) -> list[tuple[str, str]]:
    """Return the names and the help of arguments."""
    return [
        (each.human_readable_name, getattr(each, "help", None) or "")
        for each in params
        if isinstance(each, click.Argument)
    ]


def _records(context: click.Context, params: Iterable[click.Parameter]) -> list[tuple[str, str]]:
    found = (each.get_help_record(context) for each in params if isinstance(each, click.Option))
    return [each for each in found if each is not None]


class Argument(click.Argument):
    """An argument with a help text."""

    def __init__(self, names: Sequence[str], help: str = "", **settings: Any) -> None:
        super().__init__(names, **settings)
        self.help = help


def read_all_of(path: str) -> str:
    """Return the text of a file, or of stdin if the path is `-`.

    Raises:
        click.UsageError: If it can't be read.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"can't read {path}: it isn't UTF-8 text") from None
