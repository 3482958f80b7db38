"""`Pager`: the items of a list operation, read page by page while they are looped over with `async for`."""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from knetik_cloud import upward
from knetik_cloud.core.paging import AwaitPage, EmitPage, Plan, RowsMovedWarning, StartFetch, total_of

if TYPE_CHECKING:
    from knetik_cloud.aio.api_client import ApiClient

I = TypeVar("I")  # noqa: E741 - an item
P = TypeVar("P")


class Pager(Generic[I, P]):
    """The items of a list, fetched a page at a time as a loop comes to them.

        async for entry in api.iter_users_inventory(filter_username="alice"):
            print(entry.id)

    Each loop reads the list anew. No item is given twice, though rows move between the pages while they are
    read; where one may have been missed on that account, a `RowsMovedWarning` says so. Memory stays constant
    however long the list is. With `prefetch`, that many pages are fetched ahead by tasks, which end with the
    loop; the order stays.

    `await pager` fetches the first page, with which the next loop begins, so that `total` is known; it gives
    the pager itself. A page that can't be fetched raises its `ApiException` out of the loop, when the loop
    has come to it.
    """

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        self._client = client
        self._plan = plan
        self._total: int | None = None
        self._begun: AsyncGenerator[EmitPage[P], None] | None = None

    def __repr__(self) -> str:
        return f"<Pager of {self._plan}>"

    async def __aiter__(self) -> AsyncIterator[I]:
        async with aclosing(self._read()) as reading:
            async for given in reading:
                if given.warning is not None:
                    warnings.warn(given.warning, RowsMovedWarning, stacklevel=2)
                for item in given.items:
                    yield item

    async def pages(self) -> AsyncIterator[P]:
        """Read the list as its pages: the service's envelopes, in which repeated items are left out.

        Raises:
            ApiException: a page can't be fetched.
        """
        async with aclosing(self._read()) as reading:
            async for given in reading:
                if given.warning is not None:
                    warnings.warn(given.warning, RowsMovedWarning, stacklevel=2)
                yield given.page

    @property
    def total(self) -> int | None:
        """How many items the service has in all, whatever the `limit`; None when it doesn't say.

        As the page read last says; None before any is read: `await pager` reads the first one.
        """
        return self._total

    async def to_arrow(self) -> Any:
        """Fetch all pages, and return their items as one `pyarrow.Table`.

        Raises:
            ImportError: If the extra `arrow` is not installed.
            ApiException: If a page can't be fetched.
        """
        arrow = upward.load("arrow")
        return arrow.table(self._plan.page_model, [page async for page in self.pages()])

    async def to_pandas(self) -> Any:
        """Fetch all pages, and return their items as a `pandas.DataFrame` with Arrow's types.

        Raises:
            ImportError: If pandas or the extra `arrow` is not installed.
            ApiException: If a page can't be fetched.
        """
        return upward.load("arrow").to_pandas(await self.to_arrow())

    def _repr_html_(self) -> str:
        """Return the card that notebooks show. It fetches nothing."""
        return upward.load("cards").pager_card(repr(self._plan), self._total)  # type: ignore[no-any-return]

    def __await__(self) -> Generator[Any, None, Self]:
        return self._begin().__await__()

    async def _begin(self) -> Self:
        if self._total is None and self._begun is None:
            reading = self._read()
            first = await anext(reading, None)
            if first is not None:
                self._begun = _chain(first, reading)
        return self

    async def _read(self) -> AsyncGenerator[EmitPage[P], None]:
        begun, self._begun = self._begun, None
        if begun is not None:
            async with aclosing(begun):
                async for given in begun:
                    yield given
            return
        fetching = _Ahead if self._plan.prefetch else _InTurn
        source = fetching(self._client, self._plan)
        steps: Generator[Any, Any, None] = self._plan.read()
        page: P | None = None
        try:
            while True:
                step = steps.send(page)
                page = None
                if isinstance(step, StartFetch):
                    source.fetch(step.arguments, step.options)
                elif isinstance(step, AwaitPage):
                    page = await source.receive()
                    self._total = total_of(page, self._plan.pages)
                else:
                    yield step
        except StopIteration:
            return
        finally:
            await source.close()


class _InTurn(Generic[P]):
    """Fetches each page when it is waited for."""

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        self._client = client
        self._plan = plan
        self._next: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._next.append((arguments, options))

    async def receive(self) -> P:
        return await self._call(*self._next.pop())

    async def close(self) -> None:
        self._next.clear()

    def _call(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Coroutine[Any, Any, P]:
        return self._client.call(self._plan.operation, arguments, options)


class _Ahead(_InTurn[P]):
    """Fetches pages in tasks of its own, which end when it is closed."""

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        super().__init__(client, plan)
        self._tasks: deque[asyncio.Task[P]] = deque()

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._call(arguments, options)))

    async def receive(self) -> P:
        page = await self._tasks[0]
        self._tasks.popleft()
        return page

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _chain(
    first: EmitPage[P], rest: AsyncGenerator[EmitPage[P], None]
) -> AsyncGenerator[EmitPage[P], None]:
    async with aclosing(rest):
        yield first
        async for given in rest:
            yield given
