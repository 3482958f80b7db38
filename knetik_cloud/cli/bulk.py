"""`knetik bulk`: call an operation for many rows exactly once, with a journal from which a run resumes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.cli.groups import Group
from knetik_cloud.cli.options import Argument, Command, Duration, claim_stdin, confirmed, not_empty, run_of
from knetik_cloud.cli.output import note
from knetik_cloud.cli.rows import Rows

if TYPE_CHECKING:
    from knetik_cloud.bulk import Report
    from knetik_cloud.cli.run import Run
    from knetik_cloud.core.operation import Operation

F = TypeVar("F", bound=Callable[..., Any])
SECTIONS = ("Output options", "Connection options")
STATES = ("applied", "found", "denied", "absent", "unknown", "pending")
STATUS = ("operation", "host", "total", *STATES, "complete")
REPORT = ("row", "key", "state", "status", "code", "reason", "request_id", "candidates", "arguments")


@click.group(cls=Group)
def bulk() -> None:
    """Call an operation for each row of a file exactly once, with a journal.

    The journal survives crashes: the same command continues where a run ended, and so does `resume`. Rows
    that were in flight are checked against the service before they are sent again.
    """


def _limits(function: F) -> F:
    """Add the options that limit a run."""
    for option in reversed(
        (
            click.option(
                "--concurrency",
                type=click.IntRange(1, 256),
                default=16,
                show_default=True,
                help="The maximum number of concurrent calls.",
            ),
            click.option("--tps", type=float, help="The maximum number of rows per second."),
            click.option(
                "--max-errors",
                metavar="NUMBER|SHARE",
                help="Stop as soon as more rows than this have failed: a number, or a share such as 1%.",
            ),
            click.option(
                "--settle",
                type=Duration(has_end=True),
                default=2.0,
                help="Time to wait for a late write. [default: 2s]",
            ),
            click.option(
                "--find-keys",
                is_flag=True,
                help="Look for each row's key before sending it, in case an earlier journal is lost.",
            ),
            click.option(
                "--safety",
                type=click.Choice(["process", "power"]),
                default="process",
                show_default=True,
                help="Whether the journal survives only the end of the process, or also that of the machine.",
            ),
        )
    ):
        function = option(function)
    return function


_journal = click.argument(
    "journal",
    cls=Argument,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the journal.",
)


@confirmed
@bulk.command("run", cls=Command, sections=SECTIONS, short_help="Call an operation for each row of a file.")
@click.argument(
    "operation",
    cls=Argument,
    nargs=-1,
    required=True,
    help="The words of the operation's command, such as `entitlements grant`, or the name of its method.",
)
@click.argument(
    "file",
    cls=Argument,
    metavar="FILE",
    help="Rows as .csv, .jsonl or .parquet, or - for JSON lines from stdin. The columns are the arguments of "
    "the operation, the fields of its body, and `key`.",
)
@click.option(
    "--journal",
    type=click.Path(file_okay=False),
    callback=not_empty,
    help="Folder of the journal. [default: FILE with the suffix .run]",
)
@_limits
@click.option(
    "--canary", type=click.IntRange(min=1), help="Run this many rows first, then ask whether to continue."
)
def run_rows(
    operation: tuple[str, ...], file: str, journal: str | None, canary: int | None, **limits: Any
) -> None:
    """Call an operation for each row of a file, exactly once.

    All rows are checked before the first call. Rows of one user run one after the other. The exit code is 0
    if every row is applied, 7 if the outcome of one is unknown, and 1 if rows failed or the run stopped.
    """
    from knetik_cloud import bulk as engine

    run, found = run_of(click.get_current_context()), calls.find(" ".join(operation))
    if file == "-" and journal is None:
        raise click.UsageError("rows from stdin need --journal DIRECTORY")
    if file == "-":
        claim_stdin("the rows")
    folder = Path(journal or f"{os.path.splitext(file)[0]}.run")
    rows: Any = _stdin_rows() if file == "-" else file

    def plan() -> list[dict[str, Any]]:
        from knetik_cloud.api_client import ApiClient

        with ApiClient(run.configuration(with_credential=False)) as client, _errors():
            made = engine.plan(
                rows, _method(found, client), tps=limits["tps"], concurrency=limits["concurrency"]
            )
        return [{**made._asdict(), "journal": str(folder)}]

    def act(live: Any) -> Report:
        run.confirm(f"Call {found.cli} for every row of {file}")
        with _errors():
            return engine.run(
                rows,
                _method(found, live.client),
                journal=folder,
                canary=canary,
                confirm=(lambda report: True) if run.yes else None,
                progress=False if run.quiet else None,
                **limits,
            )

    _finish(run, run.act(plan, act, STATUS))


@confirmed
@bulk.command("resume", cls=Command, sections=SECTIONS, short_help="Resume a run from its journal.")
@_journal
@_limits
def resume(journal: Path, **limits: Any) -> None:
    """Resume a run from its journal, which contains all of its rows."""
    from knetik_cloud import bulk as engine

    run = run_of(click.get_current_context())
    with _errors():
        state = engine.status(journal)
    found = _operation(state["operation"])
    run.host = run.host or state["host"]

    def act(live: Any) -> Report:
        left = state["pending"] + state["absent"] + state["unknown"]
        run.confirm(f"Call {found.cli} for the {left} rows that are left")
        with _errors():
            api = calls.api_class(found)(live.client)
            return engine.resume(journal, api, progress=False if run.quiet else None, **limits)

    _finish(run, run.act(lambda: [{"resume": str(journal), **state}], act, STATUS))


@bulk.command("status", cls=Command, sections=("Output options",), short_help="Show the progress of a run.")
@_journal
def status(journal: Path) -> None:
    """Show the progress of a run. It may be running."""
    from knetik_cloud import bulk as engine

    run = run_of(click.get_current_context())
    run.output.check(STATUS)
    with _errors():
        run.output.write(Rows.single(engine.status(journal), STATUS))


@bulk.command(
    "report", cls=Command, sections=("Output options",), short_help="Write the outcome of each row."
)
@_journal
@click.option(
    "--failed", is_flag=True, help="Write the rows that were not applied, as the input of another run."
)
@click.option(
    "--state",
    type=click.Choice(STATES),
    multiple=True,
    help="Write only the rows in this state.",
)
def report(journal: Path, failed: bool, state: tuple[str, ...]) -> None:
    """Write the outcome of each row, in the order of the input."""
    from knetik_cloud import bulk as engine
    from knetik_cloud.bulk.reporting import NOT_APPLIED

    run = run_of(click.get_current_context())
    run.output.check(None if failed else REPORT)
    wanted = [name for name in state or STATES if not failed or name in NOT_APPLIED]
    if not wanted:
        raise click.UsageError(
            f"--failed writes rows that are {' or '.join(NOT_APPLIED)}: name one of these with --state"
        )
    with _errors():
        found = engine.report(journal)
        if failed:
            columns = dict.fromkeys(name for row in _inputs(found, wanted) for name in row)
            run.output.write(Rows.of(_inputs(found, wanted), [*columns]))
        else:
            rows = (row for row in found.rows() if row.state in wanted)
            run.output.write(Rows.of(({name: getattr(row, name) for name in REPORT} for row in rows), REPORT))


def _inputs(report: Report, states: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows in some states as the input of another run."""
    from knetik_cloud.bulk.sources import RowReader

    reader = RowReader(_operation(report.operation))
    return (reader.flat(row.to_row()) for row in report.rows() if row.state in states)


def _operation(name: str) -> Operation[Any]:
    """Return the operation of a journal."""
    found = calls.by_id().get(name)
    if found is None:
        raise CommandError(
            f"the run calls {name}, which this command doesn't have: use bulk.resume() or bulk.report()"
        )
    return found


def _method(operation: Operation[Any], client: Any) -> Any:
    return getattr(calls.api_class(operation)(client), operation.id)


def _stdin_rows() -> Iterator[Any]:
    from knetik_cloud.documents import parse_json

    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.isspace():
            try:
                yield parse_json(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except ValueError as error:
                raise click.UsageError(
                    f"stdin, line {number} is not JSON: {error}. Each line must hold one row as an object"
                ) from None


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of a run into those of the command."""
    from knetik_cloud.bulk import BulkError, InvalidRowsError

    try:
        yield
    except InvalidRowsError as error:
        raise CommandError(str(error), Exit.USAGE, "Correct the rows. Nothing was sent.") from None
    except BulkError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from None


def _finish(run: Run, found: Report) -> None:
    """Write the counts of a run, and end with its exit code."""
    from knetik_cloud import bulk as engine

    run.output.write(Rows.single(engine.status(found.journal), STATUS), _failure(found))
    note(f"All {found.total} rows are applied.")


def _failure(found: Report) -> CommandError | None:
    """Return the error with which a run ends, or None if every row is applied."""
    from subprocess import list2cmdline

    from knetik_cloud.bulk.reporting import NOT_APPLIED

    # The shells of Windows take single quotes for a part of the name.
    quote = list2cmdline if os.name == "nt" else shlex.join
    journal = quote([str(found.journal)])
    stopped = None if found.stopped is None else f"the run stopped: {found.stopped}"
    if found.counts["unknown"]:
        unknown = f"the outcome of {found.counts['unknown']} rows is unknown"
        return CommandError(
            unknown if stopped is None else f"{unknown}, and {stopped}",
            Exit.UNKNOWN,
            f"Run `knetik bulk resume {journal}`, which reads them back again.",
        )
    if stopped is not None:
        return CommandError(
            stopped,
            next_step=f"Run `knetik bulk resume {journal}` to continue.",
        )
    if found.failed:
        states = " ".join(f"--state {state}" for state in NOT_APPLIED if found.counts[state])
        return CommandError(
            f"{found.failed} of {found.total} rows were not applied",
            next_step=f"Run `knetik bulk report {journal} {states}` to see why.",
        )
    return None
