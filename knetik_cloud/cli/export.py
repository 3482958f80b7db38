"""`knetik export`: write a whole list to a file, in constant memory, and continue where an export ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.exits import CommandError
from knetik_cloud.cli.groups import Group
from knetik_cloud.cli.operation_commands import OperationCommand
from knetik_cloud.cli.options import Argument, run_of
from knetik_cloud.cli.rows import Rows

if TYPE_CHECKING:
    from knetik_cloud.core.operation import Operation

FIELDS = ("path", "rows", "total", "has_moved", "is_resumed")


class ExportGroup(Group):
    """The lists that can be exported, by the words of their commands.

    Args:
        name: The first word, or None for the group of all of them.
        help: The description.
    """

    def __init__(self, name: str, help: str, word: str | None = None) -> None:
        super().__init__(name, help=help)
        self._word = word

    def list_commands(self, ctx: click.Context) -> list[str]:
        lists = [words.split() for words, operation in calls.operations().items() if operation.pages]
        if self._word is None:
            return sorted({first for first, _ in lists})
        return sorted(second for first, second in lists if first == self._word)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        if self._word is None:
            return ExportGroup(cmd_name, f"Lists of {cmd_name} that can be exported.", cmd_name)
        return ExportCommand(cmd_name, calls.operations()[f"{self._word} {cmd_name}"])


class Target(click.Path):
    """The file of an export. `-` is rejected, because an export replaces a file when it ends.

    Args:
        words: The command that writes the same list to stdout.
    """

    def __init__(self, words: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            self.fail(
                f"an export can't go to stdout: name a file, or use `{self._words}` with --all", param, ctx
            )
        return super().convert(value, param, ctx)


class ExportCommand(OperationCommand):
    """The export of one list."""

    def __init__(self, name: str, operation: Operation[Any]) -> None:
        super().__init__(name, operation)
        self.short_help = f"Export: {operation.summary[0].lower()}{operation.summary[1:]}."

    def describe(self) -> None:
        super().describe()
        self.help = (
            f"{self.operation.summary}, and write all of them to a file.\n\n"
            "The name of the file decides the format: .jsonl (each item as the service sent it), .csv or "
            ".parquet, and .gz or .zst compress JSON lines and CSV. Memory stays constant. The same command "
            "continues an export that was interrupted."
        )
        ids = [str(each) for each in self._examples() if each is not None]
        words = " ".join(("knetik export", self.operation.cli or "", *ids, "list.csv"))
        self.epilog = f"\b\nExample:\n  {words}"

    def _examples(self) -> Iterator[Any]:
        from knetik_cloud.contract import Contract

        for parameter in Contract.load().operations[self.operation.id].parameters:
            if parameter.place == "path":
                yield parameter.example

    def _build(self) -> Iterator[click.Parameter]:
        from knetik_cloud.bulk.exporting import PAGE_SIZE

        pages = self.operation.pages
        assert pages is not None
        left_out = {pages.page, pages.size, "all", "wait"}
        built = [each for each in super()._build() if each.name not in left_out]
        yield from (each for each in built if isinstance(each, click.Argument))
        kind = Target(f"knetik {self.operation.cli}")
        about = "The file, which is replaced at the end. It can't be stdout (-)."
        yield Argument(["file"], help=about, type=kind)
        yield from (each for each in built if not isinstance(each, click.Argument))
        yield click.Option(
            ["--page-size"],
            type=click.IntRange(1),
            default=PAGE_SIZE,
            show_default=True,
            help="Items per request.",
        )
        yield click.Option(
            ["--prefetch"], type=click.IntRange(0, 64), default=0, help="Pages to read ahead, in threads."
        )
        yield click.Option(["--restart"], is_flag=True, help="Don't continue an export that was interrupted.")

    def _run(self, **values: Any) -> None:
        from knetik_cloud import bulk
        from knetik_cloud.cli.execution import Execution, How

        run = run_of(click.get_current_context())
        file, restart = values.pop("file"), values.pop("restart")
        paging = {name: values.pop(name, None) for name in ("page_size", "prefetch")}
        limit = values.pop("limit", None)
        arguments = self._arguments(run, {k: v for k, v in values.items() if v not in (None, ())})
        paging = {name: value for name, value in paging.items() if value}
        execution = Execution(run, self.operation, arguments, How(all=True, limit=limit))
        execution.arguments |= paging

        def act(live: Any) -> None:
            api = calls.api_class(self.operation)(live.client)
            pager = getattr(api, execution.method)(**execution.arguments)
            progress = False if run.quiet else None
            try:
                result = bulk.export(pager, file, resume=not restart, progress=progress)
            except bulk.BulkError as error:
                raise CommandError(str(error)) from None
            except OSError as error:
                raise CommandError(f"can't write {error.filename or file}: {error.strerror}") from None
            row = {name: getattr(result, name) for name in FIELDS}
            run.output.write(Rows.single({**row, "path": str(result.path)}, FIELDS))

        run.act(lambda: [{**execution.plan()[0], "file": str(file)}], act, FIELDS)


export = ExportGroup(
    "export",
    "Write a whole list to a file: JSON lines, CSV or Parquet.\n\nAn export runs in constant memory with a "
    "progress bar, and the same command continues one that was interrupted.",
)
