"""The call that a command makes: its request as a plan, and its result as rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from knetik_cloud.cli import calls, outcomes
from knetik_cloud.cli.exits import MEANINGS, CommandError, Exit
from knetik_cloud.cli.output import note
from knetik_cloud.cli.rows import Rows
from knetik_cloud.data import codec

if TYPE_CHECKING:
    from knetik_cloud.api_client import Api
    from knetik_cloud.cli.run import Live, Run
    from knetik_cloud.core.operation import Operation
    from knetik_cloud.writes import Outcome


OUTCOME = ("state", "key", "result", "evidence", "candidates", "error")
"""The fields of the outcome that --once writes."""


class How(NamedTuple):
    """The settings of a call, in addition to its arguments.

    Attributes:
        all: Whether to read all pages of a list.
        limit: The number of rows after which to stop reading pages, or None.
        once: The key of a write that is applied at most once, or None.
        wait: Seconds to wait for a state, or None.
    """

    all: bool | None = None
    limit: int | None = None
    once: str | None = None
    wait: float | None = None

    @property
    def reads_pages(self) -> bool:
        """Whether a list is read over its pages."""
        return bool(self.all) or self.limit is not None


class Execution:
    """One call of an operation, or the reading of a list over its pages.

    Args:
        run: The run.
        operation: The operation.
        arguments: The arguments of its method.
        how: How it is called.

    Raises:
        click.UsageError: If --wait is not a time to wait.
    """

    def __init__(self, run: Run, operation: Operation[Any], arguments: Mapping[str, Any], how: How) -> None:
        if how.wait is not None and how.wait <= 0:
            raise click.UsageError(f"--wait must be a duration above 0, not {how.wait:g} s")
        self._run = run
        self._operation = operation
        self._how = how
        self._reads_pages = how.reads_pages
        self._wait = outcomes.wait_of(operation) if how.wait is not None else None
        self.method = calls.pager_name(operation) if how.reads_pages else operation.id
        self.arguments = _of_pager(operation, arguments, how.limit) if how.reads_pages else dict(arguments)
        self.columns = self._written()

    def _written(self) -> calls.Columns:
        """Return the fields of the rows that are written."""
        if self._wait is not None:
            return calls.columns_of(self._wait.operation)
        if self._how.once is not None:
            return calls.Columns(list(OUTCOME))
        return calls.columns_of(self._operation)

    def plan(self) -> list[dict[str, Any]]:
        """Return the request that is sent; for a list over its pages, the request for the first page."""
        from knetik_cloud.cli.preview import request_row

        arguments = self._first_page() if self._reads_pages else self.arguments
        if self._how.once is not None:
            arguments = outcomes.with_key(self._operation, arguments, self._how.once)
        return [request_row(self._run, self._operation, arguments, self._in_python())]

    def perform(self, live: Live) -> None:
        """Send the request, and write the result.

        Raises:
            ApiException: If the call fails.
        """
        operation = self._operation
        if operation.method == "DELETE":
            ids = (str(self.arguments[each.name]) for each in operation.parameters if each.place == "path")
            self._run.confirm(f"{operation.summary} ({', '.join(ids)})")
        api = calls.api_class(operation)(live.client)
        self._run.is_writing = operation.retry != "safe"
        self._call(api)
        self._run.is_writing = False

    def _call(self, api: Api) -> None:
        operation = self._operation
        if self._wait is not None and not operation.waiters:
            self._write_when_ready(api, self._wait)
            return
        if self._how.once is not None:
            outcome = self._once(api)
            self._write_outcome(outcome)
            return
        if self._wait is not None:
            wait = self._how.wait or 0.0
            found = outcomes.wait_for(api, self._wait.waiter, self.arguments, wait)
        else:
            found = getattr(api, self.method)(**self.arguments)
        if found is None:
            return
        if operation.pages is None:
            is_list = isinstance(found, list)
            rows = [codec.plain(row) for row in (found if is_list else [found])]
            # A date is not JSON.
            texts = [row.isoformat() if hasattr(row, "isoformat") else row for row in rows]
            rows = [row if isinstance(row, dict) else {"value": row} for row in texts]
            self._run.output.write(self._rows([rows], is_list=is_list))
        elif self._reads_pages:
            self._run.output.write(self._rows(self._batches_of(found)))
        else:
            self._write_page(found)

    def _once(self, api: Api) -> Outcome[Any]:
        """Send a write under its key.

        Raises:
            ApiException: If the service rejects it.
        """
        from knetik_cloud.recovery import once

        assert self._how.once is not None
        outcome = once(getattr(api, self.method), key=self._how.once, **self.arguments)
        if outcome.state == "denied" and outcome.error is not None:
            raise outcome.error
        return outcome

    def _write_outcome(self, outcome: Outcome[Any]) -> None:
        """Write an outcome, and end with the exit code for it."""
        from knetik_cloud.cli.errors import message

        row = {
            "state": outcome.state,
            "key": outcome.key,
            "result": outcome.value,
            "evidence": outcome.evidence,
            "candidates": list(outcome.candidates),
            "error": None if outcome.error is None else message(outcome.error),
        }
        failure = None
        if not outcome.is_applied:
            code = Exit.UNKNOWN if outcome.state == "unknown" else Exit.NOT_REACHED
            reason = f": {row['error']}" if row["error"] else ""
            failure = CommandError(
                f"the outcome is {outcome.state!r}{reason}", code, MEANINGS[code].next_step
            )
        self._run.output.write(self._rows([[codec.plain(row)]], is_list=False), failure)

    def _write_when_ready(self, api: Api, wait: outcomes.Wait) -> None:
        """Send a write, and write its entry once that has reached its state."""
        entry = outcomes.EntryWait(
            api.api_client, self._operation, self.arguments, wait, self._how.wait or 0.0
        )
        if self._how.once is not None:
            outcome = self._once(api)
            if not outcome.is_applied:
                self._write_outcome(outcome)
        else:
            getattr(api, self.method)(**self.arguments)
        self._run.output.write(self._rows([[entry.result(api)._json]], is_list=False))

    def _rows(self, batches: Iterable[list[Any]], *, is_list: bool = True) -> Rows:
        names, epochs, kinds = self.columns
        return Rows(batches, is_list, names, epochs, kinds=kinds)

    def _write_page(self, page: Any) -> None:
        from knetik_cloud.core.paging import content, total_of

        pages = self._operation.pages
        assert pages is not None
        rows = [row._json for row in content(page, pages)]
        self._run.output.write(self._rows([rows]))
        total = total_of(page, pages)
        if total is not None and len(rows) < total:
            note(f"{len(rows)} of {total} rows (--all reads all pages)")

    def _batches_of(self, pager: Any) -> Iterator[list[Any]]:
        from knetik_cloud.core.paging import content

        pages = self._operation.pages
        assert pages is not None
        for page in pager.pages():
            yield [row._json for row in content(page, pages)]

    def _first_page(self) -> dict[str, Any]:
        """Return the arguments of the first request that reads a list over its pages."""
        from knetik_cloud.api_client import ApiClient

        with ApiClient(self._run.configuration(with_credential=False)) as client:
            pager = getattr(calls.api_class(self._operation)(client), self.method)(**self.arguments)
            first = next(pager._plan.read(), None)
        if first is None:
            raise click.UsageError("--limit 0 sends nothing")
        return dict(first.arguments)

    def _in_python(self) -> str:
        """Return the call as it is written in Python."""
        declared = {each.name: each for each in self._operation.parameters}
        parts = []
        for name, value in self.arguments.items():
            parameter = declared.get(name)
            if parameter is not None and parameter.secret:
                parts.append(f'{name}=os.environ["KNETIK_CLOUD_{name.upper()}"]')
            elif parameter is not None and parameter.required and parameter.place == "path":
                parts.append(repr(_id(value) if parameter.type == "int | str" else value))
            else:
                parts.append(f"{name}={value!r}")
        if self._how.once is not None:
            parts = [f"api.{self.method}", *parts, f"key={self._how.once!r}"]
            return f"knetik_cloud.once({', '.join(parts)})"
        return f"api.{self.method}({', '.join(parts)})"


def _id(text: str) -> int | str:
    """Return the id of a user as a number, and anything else, such as `me`, unchanged."""
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,18}", text) else text


def _of_pager(operation: Operation[Any], arguments: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    """Return the arguments of the method that reads a list over its pages."""
    pages = operation.pages
    assert pages is not None
    names = {parameter.wire: parameter.name for parameter in operation.parameters}
    given = dict(arguments)
    paging = {
        "start_page": given.pop(names[pages.page], None),
        "page_size": given.pop(names[pages.size], None),
        "limit": limit,
    }
    return given | {name: value for name, value in paging.items() if value is not None}
