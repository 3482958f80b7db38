"""`knetik sandbox`: start the local sandbox, in the foreground or in the background, and control it."""

from __future__ import annotations

import errno
import math
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click

from knetik_cloud.cli.groups import Group
from knetik_cloud.cli.options import Command, Duration, common_options, confirmed, not_empty, run_of
from knetik_cloud.cli.output import note
from knetik_cloud.cli.rows import Rows
from knetik_cloud.cli.sandboxes import DATABASE_VARIABLE

F = TypeVar("F", bound=Callable[..., Any])

STARTED = ("url", "pid", "log")
AMOUNTS = ("users", "entries")
CLOCK = ("now", "frozen")
STATUS = (
    "url",
    "version",
    "now",
    "require_auth",
    "fulfillment_delay",
    "token_lifetime",
    "operations",
)
FAULT = ("operation", "status", "times", "delay", "reset", "truncate", "applied", "headers", "met")
SHOWN = ("number", "time", "operation", "status", "milliseconds", "method", "path")
"""The fields of the journal that a table shows by default."""
INSTANTS = frozenset({"now", "time"})
"""The fields of the control API that are epoch seconds."""
EXCHANGE = (
    *SHOWN,
    "query",
    "headers",
    "body",
    "answer",
    "fault",
    "curl",
    "answer_headers",
    "applied_fault",
    "user_id",
    "checks",
    "caller",
)


def _is_number(text: str) -> bool:
    """Return whether a text is a number of at most 19 digits. `int` rejects much longer ones."""
    return text.isdecimal() and len(text) < 20


class Amounts(click.ParamType):  # type: ignore[type-arg]  # older releases have no arguments
    """Numbers by name, such as `users=1000,entries=100000`."""

    name = "amounts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, int]:
        if isinstance(value, Mapping):
            return value
        amounts: dict[str, int] = {}
        for part in str(value).split(","):
            name, _, number = part.partition("=")
            if name not in ("users", "entries") or not _is_number(number) or name in amounts:
                self.fail(f"{value!r} must be like users=1000,entries=100000", param, ctx)
            amounts[name] = int(number)
        return amounts


SERVER_OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8080,
        show_default=True,
        help="Port to listen on; 0 picks a free one.",
    ),
    click.option(
        "--database",
        metavar="FILE|URL",
        envvar=DATABASE_VARIABLE,
        show_envvar=True,
        callback=not_empty,
        help="SQLite file to keep the data in, or postgresql://user@host/name; in memory by default.",
    ),
    click.option(
        "--seed",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Fill an empty database from this YAML, JSON or .jsonl file instead of the demo data.",
    ),
    click.option(
        "--generate",
        type=Amounts(),
        metavar="users=N,entries=N",
        help="Add this number of generated users and inventory entries to an empty database.",
    ),
    click.option("--empty", is_flag=True, help="Leave an empty database empty."),
    click.option("--require-auth", is_flag=True, help="Enforce tokens and permissions."),
    click.option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="Host name to serve, and whose web pages to accept, in addition to IP addresses and localhost.",
    ),
    click.option(
        "--control",
        type=click.Choice(["loopback", "anywhere", "off"]),
        default="loopback",
        show_default=True,
        help="Machines that may use the control API under /_sandbox/.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Server processes; PostgreSQL only.",
    ),
    click.option(
        "--token-lifetime",
        type=click.IntRange(min=1),
        default=43_200,
        show_default=True,
        metavar="SECONDS",
        help="Lifetime of access tokens.",
    ),
    click.option(
        "--fulfillment-delay",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        metavar="SECONDS",
        help="Time from an invoice to its fulfillment.",
    ),
)
"""The options of the server, in the foreground and in the background."""


def _server_options(function: F) -> F:
    for option in reversed(SERVER_OPTIONS):
        function = option(function)
    return function


@click.group(cls=Group, invoke_without_command=True, params=common_options())
@_server_options
@click.pass_context
def sandbox(context: click.Context, /, **options: Any) -> None:
    """Start the sandbox in the foreground. Its address is the first line on stdout, once it responds.

    Ctrl-C, SIGTERM and `knetik sandbox stop` then end it with exit code 0, as is usual for servers. Any other
    code means that it failed, or that it was stopped before it responded.

    Point a program that uses the SDK at it with the environment variable KNETIK_CLOUD_HOST, such as
    KNETIK_CLOUD_HOST=http://127.0.0.1:8080. Open /console at its address to view and control it in a browser.

    The subcommands start a sandbox in the background, and control any sandbox over its control API. They use
    the first of these that is given: --url, KNETIK_CLOUD_HOST, the sandbox that was started last in the
    background, http://127.0.0.1:8080.
    """
    if context.invoked_subcommand is None:
        plan = {
            "serve": f"http://{options['host']}:{options['port']}",
            "options": _words(options | {"database": None}),
        }
        run_of(context).act(lambda: [plan], lambda live: _serve(options))
        return
    given = [
        each.opts[0]
        for each in sandbox.params
        if each.name is not None
        and each.expose_value
        and context.get_parameter_source(each.name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f"{given[0]} belongs after `knetik sandbox start`, not before {context.invoked_subcommand!r}"
        )


def _serve(options: dict[str, Any]) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from knetik_cloud.sandbox.errors import ServiceError
    from knetik_cloud.sandbox.server import UnusableAddress, run
    from knetik_cloud.sandbox.settings import Settings
    from knetik_cloud.sandbox.storage import UnusableDatabase

    _check_seed(options)
    try:
        run(Settings(**options))
    except UnusableAddress as error:
        raise click.ClickException(f"{error}; {_advice(error)}") from error
    except (UnusableDatabase, ServiceError, RuntimeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise click.ClickException(str(error)) from error
        raise click.FileError(str(error.filename), hint=error.strerror) from error
    except SQLAlchemyError as error:
        # Use the message of the driver, without the statement and the link that SQLAlchemy adds.
        raise click.ClickException(f"the database can't be used: {getattr(error, 'orig', error)}") from error


def _check_seed(options: Mapping[str, Any]) -> None:
    if options["seed"] and options["empty"]:
        raise click.UsageError("--seed and --empty exclude each other")


def _advice(error: OSError) -> str:
    """Return what to do about an address that can't be listened on."""
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "--port 0 picks a free port"
    return "--host takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"


# Starting and stopping


@sandbox.command(
    "start", cls=Command, sections=("Output options",), short_help="Start a sandbox in the background."
)
@_server_options
def start(**options: Any) -> None:
    """Start a sandbox in the background, and write its address once it responds."""
    run = run_of(click.get_current_context())
    _check_seed(options)
    if options["seed"]:
        options["seed"] = found = options["seed"].resolve()  # of /dev/stdin, the file that it is read from
        if not found.exists() or found.parent == Path("/dev/fd"):
            raise click.UsageError(
                "--seed can't be a pipe of this shell, which a sandbox in the background doesn't have: "
                "write the seed to a file"
            )
    database = options.pop("database")
    words = _words(options)

    def act(live: object) -> None:
        from knetik_cloud.cli import sandboxes

        begun = sandboxes.start(words, {DATABASE_VARIABLE: database} if database else {})
        run.output.write(Rows.single({"url": begun.url, "pid": begun.pid, "log": begun.log}))
        for line in Path(begun.log).read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.startswith("loading the seed: "):
                note(line)

    plan = {"start": "knetik sandbox", "options": words, "database": "given" if database else "in memory"}
    run.act(lambda: [plan], act, STARTED)


def _words(options: Mapping[str, Any]) -> list[str]:
    """Return options as words of a command line."""
    words: list[str] = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, tuple):
            words += [word for each in value for word in (option, str(each))]
        elif isinstance(value, Mapping):
            words += [option, ",".join(f"{key}={number}" for key, number in value.items())]
        elif value is not None and value is not False:
            words += [option, str(value)]
    return words


def _controls(
    name: str, short: str, *, asks: bool = False, cls: type[Command] = Command
) -> Callable[[F], click.Command]:
    """Declare a command of the control API. `asks` means that it has --yes, because it changes something."""

    def declare(function: F) -> click.Command:
        with_url = click.option("--url", metavar="URL", help="Address of the sandbox.")(function)
        command: click.Command = sandbox.command(
            name, cls=cls, sections=("Output options",), short_help=short
        )(with_url)
        return confirmed(command) if asks else command

    return declare


def _call(
    url: str | None,
    method: str,
    path: str,
    body: Any = None,
    *,
    returns: bool = False,
    notice: str | None = None,
    shape: Callable[[Any], Rows] = Rows.single,
    columns: Sequence[str] | None = None,
    ask: str = "Change the sandbox",
) -> None:
    """Call the control API, and write the response.

    Args:
        url: The address of the sandbox, or None for the usual one.
        method: The HTTP method.
        path: The path below `/_sandbox`.
        body: The JSON body, or None.
        returns: Whether the response has a body. Every GET has one.
        notice: The message for stderr afterwards.
        shape: Makes rows of the response.
        columns: The fields of the rows, or None if the data decides them.
        ask: The question to confirm before a change, for a sandbox on another machine.
    """
    from knetik_cloud.cli.control import PREFIX, chosen_url

    run = run_of(click.get_current_context())
    url = chosen_url(url)
    plan = {"method": method, "url": f"{url}{PREFIX}{path}"} | ({} if body is None else {"body": body})

    def act(live: Any) -> None:
        if method != "GET":
            run.confirm(ask, url)
        control = live.control(url)
        found = control.get(path) if method == "GET" else control.send(method, path, body, returns=returns)
        if method == "GET" or returns:
            rows = shape(found)
            rows.epochs = INSTANTS
            run.output.write(rows)
        if notice is not None:
            note(notice)

    run.act(lambda: [plan], act, columns)


@_controls("stop", "Stop a sandbox.", asks=True)
def stop(url: str | None) -> None:
    """Stop the sandbox that was started last in the background, or the one at --url. Data in memory is lost.

    If KNETIK_CLOUD_HOST is set, the command stops the sandbox at that address. To stop a sandbox that another
    program started, name it. Its control API must be on. A sandbox in the background doesn't need it.

    The command waits until a sandbox in the background has ended, so that all data is in the file of its
    database. For any other sandbox, it waits until the sandbox no longer accepts connections.
    """
    from knetik_cloud.cli import sandboxes
    from knetik_cloud.cli.run import is_loopback
    from knetik_cloud.exceptions import NotFoundException

    url = _url_to_stop(url)
    begun = sandboxes.started_at(url) if is_loopback(url) else None
    try:
        _call(url, "POST", "/stop", ask="Stop the sandbox")
    except NotFoundException:  # its control API is off
        if begun is None or begun.has_ended:
            raise
        os.kill(begun.pid, signal.SIGTERM)
    sandboxes.wait_for_end(url, begun)
    if begun is not None:
        begun.remove()
    note(f"Stopped {url}.")


def _url_to_stop(given: str | None) -> str:
    """Return the URL of the sandbox to stop: the named one, else the last one started on this machine.

    Raises:
        ApiValueError: If a URL can't be used.
        CommandError: If none is named, and none that `knetik sandbox start` started is running.
    """
    from knetik_cloud.cli import control, sandboxes
    from knetik_cloud.cli.exits import CommandError

    if given is not None or os.environ.get("KNETIK_CLOUD_HOST"):
        return control.chosen_url(given)
    begun = sandboxes.own()
    if begun:
        return begun[-1].url
    raise CommandError(
        "no sandbox that `knetik sandbox start` has started is still running",
        next_step=f"To stop another one, run `knetik sandbox stop --url {control.DEFAULT_URL}`.",
    )


@_controls("status", "Show the state of a sandbox.")
def status(url: str | None) -> None:
    """Show the version, the time and the settings of a sandbox."""
    from knetik_cloud.cli.control import chosen_url

    url = chosen_url(url)

    def shape(about: dict[str, Any]) -> Rows:
        operations = about.pop("operations", ())
        return Rows.single({"url": url, **about, "operations": len(operations)})

    _call(url, "GET", "", shape=shape, columns=STATUS)


# Data


@_controls("reset", "Restore the initial data.", asks=True)
def reset(url: str | None) -> None:
    """Restore the initial state: the initial data, real time, no faults and an empty journal."""
    _call(url, "POST", "/reset", notice="Reset.", ask="Reset the sandbox")


@_controls("seed", "Add data from a YAML, JSON or .jsonl file.", asks=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def seed(file: Path, url: str | None) -> None:
    """Add data from a YAML, JSON or .jsonl file, or YAML or JSON from stdin (-).

    A row with an existing key replaces the stored row.
    """
    from knetik_cloud.cli.options import read_all_of

    document = _document(read_all_of(str(file)), file)
    _call(url, "POST", "/seed", document, notice="Added.", ask="Change the data of the sandbox")


def _document(text: str, file: Path) -> Any:
    """Parse a seed.

    Raises:
        click.UsageError: If the text is not what the name of the file says, or has a name twice in an object.
    """
    from knetik_cloud.documents import RepeatedNameError, parse_document
    from knetik_cloud.exceptions import printable

    if file.suffix.lower() in (".jsonl", ".ndjson"):
        return _sections(text, file)
    try:
        return parse_document(text)
    except ValueError as error:
        problem = "can't be added" if isinstance(error, RepeatedNameError) else "is neither JSON nor YAML"
        raise click.UsageError(f"{file} {problem}: {printable(str(error))}") from None


def _sections(text: str, file: Path) -> dict[str, list[Any]]:
    """Parse a seed that is JSON Lines. A line may hold a whole section, as those of `export -o jsonl` do.

    Raises:
        click.UsageError: If a line isn't a JSON object, or has a name twice in an object.
    """
    from knetik_cloud.documents import parse_json

    sections: dict[str, list[Any]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            row = parse_json(line) if line.strip() else {}
            if not isinstance(row, dict):
                raise ValueError('it must be an object such as {"users": {"username": "kim"}}')
        except ValueError as error:
            raise click.UsageError(f"{file}, line {number} can't be added: {error}") from None
        for section, value in row.items():
            sections.setdefault(section, []).extend(value if isinstance(value, list) else [value])
    return sections


@_controls("generate", "Add generated data.", asks=True)
@click.argument("amounts", nargs=-1, required=True, metavar="NAME=NUMBER...")
def generate(amounts: tuple[str, ...], url: str | None) -> None:
    """Add generated data, such as users=1000 entries=100000."""
    wanted: dict[str, int] = {}
    for part in (each for amount in amounts for each in amount.split(",")):
        name, _, number = part.partition("=")
        if not _is_number(number):
            raise click.UsageError(f"write NAME=NUMBER, as in users=1000, not {part!r}")
        if name in wanted:
            raise click.UsageError(f"write {name} once, not {' '.join(amounts)!r}")
        wanted[name] = int(number)
    _call(
        url, "POST", "/generate", wanted, returns=True, columns=AMOUNTS, ask="Change the data of the sandbox"
    )


@_controls("export", "Write the data as a seed.")
def export(url: str | None) -> None:
    """Write the data as a seed, in YAML by default."""
    run = run_of(click.get_current_context())
    run.output.format = run.output.format or "yaml"
    _call(url, "GET", "/export")


@_controls("snapshot", "Keep a copy of the data and the clock.", asks=True)
@click.argument("name", default="default")
def snapshot(name: str, url: str | None) -> None:
    """Keep a copy of the data and the clock under a name, replacing an earlier copy."""
    _call(url, "PUT", _snapshot_path(name), notice=f"Kept as {name!r}.")


def _snapshot_path(name: str) -> str:
    """Return the path of a snapshot, whose name is one segment of it.

    Raises:
        click.UsageError: If no URL can contain the name.
    """
    try:
        segment = quote(name, safe="")
    except UnicodeEncodeError:  # bytes of the command line that are not UTF-8
        segment = ""
    if segment in ("", ".", ".."):
        raise click.UsageError(f"{name!r} can't be the name of a snapshot: choose one such as 'before'")
    return f"/snapshots/{segment}"


@_controls("snapshots", "List the snapshots.")
def snapshots(url: str | None) -> None:
    """List the names of the snapshots."""

    def shape(found: dict[str, Any]) -> Rows:
        return Rows.of({"name": name} for name in found["snapshots"])

    _call(url, "GET", "/snapshots", shape=shape, columns=("name",))


@_controls("restore", "Go back to a snapshot.", asks=True)
@click.argument("name", default="default")
def restore(name: str, url: str | None) -> None:
    """Go back to a snapshot: its data and its clock."""
    _call(url, "POST", f"{_snapshot_path(name)}/restore", notice="Restored.", ask="Restore a snapshot")


@_controls("wallet", "Show the wallet of a user.")
@click.argument("user_id", type=int)
def wallet(user_id: int, url: str | None) -> None:
    """Show the balances of a user's wallets, by currency code."""
    _call(url, "GET", f"/wallets/{user_id}")


@_controls("tokens", "End the access tokens.", asks=True)
@click.argument("action", type=click.Choice(["expire"]))
def tokens(action: str, url: str | None) -> None:
    """End every access token now (expire). Refresh tokens stay valid."""
    _call(url, "POST", "/tokens/expire", returns=True, columns=("expired",))


# Time


class ClockCommand(Command):
    """The command for the clock, whose value may be a negative duration, which looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        negative = [word for word in args if word[:1] == "-" and word[1:2].isdecimal()]
        if negative and "--" not in args:
            args = [*(word for word in args if word not in negative), "--", *negative]
        return super().parse_args(ctx, args)


@_controls("clock", "Show, set, stop or move the clock.", asks=True, cls=ClockCommand)
@click.argument("action", type=click.Choice(["show", "set", "advance", "freeze", "resume"]), default="show")
@click.argument("value", required=False)
def clock(action: str, value: str | None, url: str | None) -> None:
    """Show or change the time of a sandbox.

    \b
    knetik sandbox clock                              show it
    knetik sandbox clock set 2026-12-24T18:00:00Z     set it to this instant
    knetik sandbox clock advance 30d                  move it forward (-30d: back)
    knetik sandbox clock freeze [INSTANT]             stop it
    knetik sandbox clock resume                       restart it
    """  # noqa: D301  # the escape is for click: it keeps these lines
    is_missing = value is None and action in ("set", "advance")
    if is_missing or (value is not None and action in ("show", "resume")):
        takes = {"set": "an instant", "advance": "a duration, such as 30d"}.get(action, "no value")
        raise click.UsageError(f"`clock {action}` takes {takes}")
    if action == "show":
        _call(url, "GET", "/clock", columns=CLOCK)
    elif action == "advance":
        text = str(value)
        seconds = Duration(has_end=True).convert(text.removeprefix("-"), None, None)
        body: dict[str, Any] = {"seconds": -seconds if text.startswith("-") else seconds}
        _call(url, "POST", "/clock/advance", body, returns=True, columns=CLOCK)
    else:
        body = {} if value is None else {"now": _instant(value)}
        if action != "set":
            body["frozen"] = action == "freeze"
        _call(url, "PUT", "/clock", body, returns=True, columns=CLOCK)


def _instant(text: str) -> float | str:
    try:
        seconds = float(text)
    except ValueError:
        return text
    return seconds if math.isfinite(seconds) else text  # which no JSON can hold


# Faults and journal


@_controls("fail", "Make an operation fail.", asks=True)
@click.argument("operation")
@click.option("--status", type=click.IntRange(400, 599), help="Respond with this status.")
@click.option(
    "--times",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How many times to apply it; 0 for no limit.",
)
@click.option("--delay", type=Duration(has_end=True), help="The delay before the response.")
@click.option("--reset", is_flag=True, help="Reset the connection instead of sending a response.")
@click.option("--truncate", is_flag=True, help="Send half of the response's body.")
@click.option("--applied", is_flag=True, help="Apply the operation, then lose its response.")
@click.option("--header", multiple=True, metavar="NAME:VALUE", help="Header to send with the status.")
def fail(operation: str, times: int, header: tuple[str, ...], url: str | None, **options: Any) -> None:
    """Make an operation fail: the name of its method, the words of its command in quotes, or "*" for all."""
    fault = {name: value for name, value in options.items() if value not in (None, False)}
    fault |= {"operation": _operation_id(operation), "times": times or None}
    if header:
        fault["headers"] = headers = dict(_header(each) for each in header)
        if len({name.lower() for name in headers}) < len(header):
            raise click.UsageError(f"--header names a header twice: {', '.join(header)}")
    _call(url, "POST", "/faults", fault, returns=True, columns=FAULT)


def _operation_id(text: str) -> str:
    """Return the name of the method for the words of its command; any other text as the name of a method."""
    from knetik_cloud.cli import calls

    found = calls.operations().get(text)
    return found.id if found else text.replace("-", "_")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"write --header NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()


@_controls("faults", "List or clear the faults.", asks=True)
@click.option("--clear", is_flag=True, help="Disarm all faults.")
def faults(clear: bool, url: str | None) -> None:
    """List the faults, and how often each has been applied."""
    if clear:
        _call(url, "DELETE", "/faults", notice="Cleared.")
    else:
        _call(url, "GET", "/faults", shape=lambda found: Rows.of(found["faults"]), columns=FAULT)


@_controls("journal", "Show the last requests and responses.", asks=True)
@click.option("-f", "--follow", is_flag=True, help="Continue with new requests as they arrive, until Ctrl-C.")
@click.option(
    "--operation",
    callback=not_empty,
    help="Only requests of this operation: the name of its method, or the words of its command in quotes.",
)
@click.option("--clear", is_flag=True, help="Empty the journal.")
def journal(follow: bool, operation: str | None, clear: bool, url: str | None) -> None:
    """Show the last requests with their responses, the oldest first. Secrets are masked."""
    from knetik_cloud.cli.control import PREFIX, chosen_url

    if clear:
        if follow or operation:
            raise click.UsageError("--clear empties the whole journal: leave --operation and --follow out")
        _call(url, "DELETE", "/journal", notice="Cleared.")
        return
    run = run_of(click.get_current_context())
    url = chosen_url(url)
    if follow and run.output.select is not None:
        raise click.UsageError("--select needs the whole journal: leave --follow out")
    if run.output.chosen == "table" and run.output.fields is None and run.output.select is None:
        run.output.fields = SHOWN
    query = {"operation": _operation_id(operation)} if operation else None
    plan = {"method": "GET", "url": f"{url}{PREFIX}/journal"} | ({"query": query} if query else {})

    def act(live: Any) -> None:
        control = live.control(url)
        if follow:
            run.output.write(Rows(_followed(control, query), epochs=INSTANTS))
        else:
            run.output.write(Rows.of(control.get("/journal", query)["exchanges"], epochs=INSTANTS))

    run.act(lambda: [plan], act, EXCHANGE)


def _followed(control: Any, query: Mapping[str, Any] | None) -> Iterator[list[Any]]:
    """Iterate over the exchanges as they come. Their numbers may start at 1 again."""
    before: dict[int, Any] = {}
    while True:
        exchanges = {each["number"]: each for each in control.get("/journal", query)["exchanges"]}
        found = [each for number, each in exchanges.items() if before.get(number) != each]
        before = exchanges
        if found:
            yield found
        time.sleep(0.3)
