"""`knetik explain`: what an error code, an exception, a status or an exit code means, offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import click

from knetik_cloud.cli.errors import NEXT_STEPS
from knetik_cloud.cli.exits import MEANINGS, CommandError
from knetik_cloud.cli.options import Command, run_of
from knetik_cloud.cli.rows import Rows


class Topic(NamedTuple):
    """One thing that can be explained."""

    topic: str
    kind: str
    meaning: str
    next_step: str

    @property
    def docs(self) -> str:
        """The section of the documentation that explains it."""
        page = {"code": "result-codes", "exit code": "exit-codes"}.get(self.kind, "exceptions")
        name = self.topic
        if self.kind == "status":
            from knetik_cloud import exceptions

            name = exceptions.exception_class(int(self.topic)).__name__
        return f"docs/reference/{page}.md#{name.lower()}"


CODES = (
    Topic("1001", "code", "A value is missing or wrong.", NEXT_STEPS["BadRequestException"]),
    Topic(
        "1002",
        "code",
        "The request can't be read: it isn't JSON, or has the wrong shape.",
        "Correct the body.",
    ),
    Topic(
        "1003",
        "code",
        "Something that the request names doesn't exist.",
        "Check the id, and the host with `knetik whoami`.",
    ),
    Topic("1004", "code", "The path doesn't have this HTTP method.", "Use a method of the SDK or a command."),
    Topic(
        "1005",
        "code",
        "The credentials are missing the permission that the message names.",
        "Use credentials that have it. `knetik whoami` shows which ones are used.",
    ),
    Topic(
        "1006",
        "code",
        "Other resources prevent the change, such as an item that uses the template.",
        "Change those first, or see whether the command has --cascade.",
    ),
    Topic(
        "1007",
        "code",
        "A rule of the item denies it: it has expired, is used up, is limited, or needs another item.",
        "Read the message: it names the rule. In the sandbox, /console shows the rule's numbers.",
    ),
    Topic(
        "1500",
        "code",
        "The sandbox has a defect.",
        "Report it, with the request and the traceback on stderr.",
    ),
    Topic(
        "1501",
        "code",
        "The sandbox can't use its database: the disk is full, or the file is locked, read-only or corrupt.",
        "Remove the cause that the message names, then retry the request. Nothing was changed.",
    ),
    Topic(
        "1999",
        "code",
        "A fault of the sandbox: `knetik sandbox fail` or `Sandbox.fail` armed it.",
        "`knetik sandbox faults --clear` disarms it.",
    ),
)
"""The codes of a `Result`, as the sandbox uses them."""


def topics() -> Iterator[Topic]:
    """Iterate over everything that can be explained."""
    from knetik_cloud import exceptions

    yield from CODES
    for code, (meaning, step) in MEANINGS.items():
        yield Topic(str(int(code)), "exit code", meaning, step)
    for name, value in vars(exceptions).items():
        if isinstance(value, type) and issubclass(value, exceptions.ApiException):
            step = next(
                (NEXT_STEPS[each.__name__] for each in value.__mro__ if each.__name__ in NEXT_STEPS), ""
            )
            yield Topic(name, "exception", _summary(value), step or NEXT_STEPS["ApiException"])
    yield from map(_status, (400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504))


def _summary(kind: type) -> str:
    """Return the first paragraph of a class's docstring, which -OO removes."""
    text = kind.__doc__ or "The text is missing, because Python runs with -OO."
    return " ".join(text.split("\n\n")[0].split())


def _status(status: int) -> Topic:
    """Explain the status of an error response, by the class of its exception or else by its name in HTTP."""
    from http.client import responses

    from knetik_cloud import exceptions

    kind = exceptions.exception_class(status)
    details = f"{status}: {responses.get(status, 'Not a status of HTTP itself')}."
    if kind is not exceptions.ApiException:
        details = _summary(kind)
    return Topic(str(status), "status", f"{kind.__name__}: {details}", NEXT_STEPS[kind.__name__])


@click.command(cls=Command, sections=("Output options",))
@click.argument("topic", required=False)
def explain(topic: str | None) -> None:
    """Explain a code of the service (1007), an exception (ApiTimeoutException), an HTTP status (404) or an
    exit code of this command (7). Without a topic, list all of them. Nothing is sent.
    """
    run = run_of(click.get_current_context())
    found = list(topics())
    if topic is not None:
        wanted = topic.lower().removeprefix("exit ").strip()
        found = [each for each in found if each.topic.lower() == wanted]
        if not found and re.fullmatch("[45][0-9][0-9]", wanted):
            found = [_status(int(wanted))]
        if not found:
            raise CommandError(_unknown(topic), next_step="`knetik explain` lists all topics.")
    columns = [*Topic._fields, "docs"]
    run.output.check(columns)
    rows = [{**each._asdict(), "docs": each.docs} for each in found]
    if run.output.chosen == "table" and run.output.fields is None and run.output.select is None and topic:
        for row in rows:
            click.echo(f"{row['topic']} ({row['kind']})\n  {row['meaning']}\n  {row['next_step']}")
            click.echo(f"  See {row['docs']}")
        return
    run.output.write(Rows.of(rows, columns))


def _unknown(topic: str) -> str:
    from difflib import get_close_matches

    names = {each.topic.lower(): each.topic for each in topics()}
    matches = [names[each] for each in get_close_matches(topic.lower(), names, 3)]
    return f"nothing is known about {topic!r}" + (
        f"; did you mean {' or '.join(matches)}?" if matches else ""
    )
