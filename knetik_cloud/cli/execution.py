"""The call that a command makes: its request as a plan, and its result as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.bodies import dashed
from knetik_cloud.cli.output import Rows, note

if TYPE_CHECKING:
    from knetik_cloud.cli.run import Live, Run
    from knetik_cloud.core.operation import Operation


class Execution:
    """One call of an operation, or the reading of a list over its pages.

    Args:
        run: The run.
        operation: The operation.
        arguments: The arguments of its method.
        reads_pages: Whether to read a list over its pages.
        limit: The number of rows after which to stop, or None.
    """

    def __init__(
        self,
        run: Run,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        reads_pages: bool = False,
        limit: int | None = None,
    ) -> None:
        self._run = run
        self._operation = operation
        self._reads_pages = reads_pages
        self.method = calls.pager_name(operation) if reads_pages else operation.id
        self.arguments = _of_pager(operation, arguments, limit) if reads_pages else dict(arguments)
        self.columns, self.epochs = calls.columns_of(operation)

    def check_output(self) -> None:
        """Check that the result can be written as the options say, before anything is sent.

        Raises:
            click.UsageError: If it can't.
        """
        self._run.output.check(self.columns if self._operation.returns is not None else None)

    def plan(self) -> list[dict[str, Any]]:
        """Return the request that is sent; for a list over its pages, the request for the first page."""
        from knetik_cloud.cli.preview import request_row

        arguments = self._first_page() if self._reads_pages else self.arguments
        return [request_row(self._run, self._operation, arguments, self.method, self._in_python())]

    def perform(self, live: Live) -> None:
        """Send the request, and write the result.

        Raises:
            ApiException: If the call fails.
        """
        operation = self._operation
        if operation.method == "DELETE":
            ids = (str(self.arguments[each.name]) for each in operation.parameters if each.place == "path")
            self._run.confirm(f"{operation.summary} ({', '.join(ids)})")
        found = getattr(calls.api_class(operation)(live.client), self.method)(**self.arguments)
        if operation.returns is None or found is None:
            return
        if operation.pages is None:
            self._run.output.write(Rows.single(found._json, self.columns, self.epochs))
        elif self._reads_pages:
            self._run.output.write(Rows(self._batches_of(found), columns=self.columns, epochs=self.epochs))
        else:
            self._write_page(found)

    def _write_page(self, page: Any) -> None:
        from knetik_cloud.core.paging import content, total_of

        pages = self._operation.pages
        assert pages is not None
        rows = [row._json for row in content(page, pages)]
        self._run.output.write(Rows([rows], columns=self.columns, epochs=self.epochs))
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
        """Return the arguments as they are written in Python."""
        declared = {each.name: each for each in self._operation.parameters}
        parts = []
        for name, value in self.arguments.items():
            parameter = declared.get(name)
            if parameter is not None and parameter.secret:
                parts.append(f'{name}=os.environ["KNETIK_CLOUD_{name.upper()}"]')
            elif parameter is not None and parameter.required and parameter.place == "path":
                parts.append(repr(value))
            else:
                parts.append(f"{name}={value!r}")
        return ", ".join(parts)


def _of_pager(operation: Operation[Any], arguments: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    """Return the arguments of the method that reads a list over its pages.

    Raises:
        click.UsageError: If one page is asked for as well.
    """
    pages = operation.pages
    assert pages is not None
    names = {parameter.wire: parameter.name for parameter in operation.parameters}
    given = dict(arguments)
    size, page = given.pop(names[pages.size], None), given.pop(names[pages.page], None)
    if page is not None:
        name = dashed(names[pages.page])
        raise click.UsageError(f"--{name} reads one page: leave it out with --all and --limit")
    paging = {"page_size": size, "limit": limit}
    return given | {name: value for name, value in paging.items() if value is not None}
