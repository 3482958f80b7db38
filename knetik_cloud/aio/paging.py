"""`Pager`: the items of a list operation, read page by page as an `async for` reaches them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping
from functools import partial
from typing import Any, Generic, Self, TypeVar

from knetik_cloud import upward
from knetik_cloud.core.paging import EmitPage, Plan
from knetik_cloud.paging import BasePager, Reading, Source, warn
from knetik_cloud.wire import asynchronous

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

I = TypeVar("I")  # noqa: E741 - an item
P = TypeVar("P")
T = TypeVar("T")


class Pager(BasePager[I, P]):
    """The items of a list, fetched a page at a time as a loop reaches them.

        async for entry in api.iter_users_inventory(filter_username="alice"):
            print(entry.id)

    Each loop reads the list again. No item is returned twice, even if items move between pages meanwhile. If
    an item may have been missed because of that, a `RowsMovedWarning` is issued. Memory stays constant,
    however long the list is. Tasks fetch up to `prefetch` pages ahead, and end with the loop. The order stays
    the same.

    `await pager` fetches the first page, with which the next loop begins, so that `total` is known. It
    returns the pager. If a page can't be fetched, the loop raises its `ApiException` when it reaches that
    page.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> AsyncIterator[I]:
        return self._read(self._items)

    def pages(self) -> AsyncIterator[P]:
        """Read the list as its pages: the objects that the service returns, without duplicate items.

        Raises:
            ApiException: If a page can't be fetched.
        """
        return self._read(lambda emitted: [self._whole(emitted)])

    @property
    def total(self) -> int | None:
        """The total number of items, regardless of `limit`, or None if the service doesn't report it.

        The latest page reports it. Before any page is read, it is None: `await pager` reads the first one.
        """
        return self._total

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._begin().__await__()
        return self

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

    def _reading(self) -> Reading[P]:
        loop = asynchronous.running_loop()
        if self._loop is not loop:
            self._begun, self._loop = None, loop  # its tasks may be of another loop, which was closed
        return super()._reading()

    def _new_source(self) -> Source[P]:
        return (_Prefetching if self._plan.prefetch else _Sequential)(self._client, self._plan)

    async def _read(self, unwrap: Callable[[EmitPage[P]], Iterable[T]]) -> AsyncIterator[T]:
        # One generator: the end of an event loop closes all at once, which fails for one within another.
        reading = self._reading()
        try:
            while (emitted := await reading.next()) is not None:
                warn(emitted)
                for each in unwrap(emitted):
                    yield each
        finally:
            await reading.source.close()


class _Sequential(Generic[P]):
    """Fetches each page when it is waited for."""

    def __init__(self, client: Any, plan: Plan[P]) -> None:
        self._call: Callable[..., Awaitable[P]] = partial(client.call, plan.operation)
        self._fetches: deque[Callable[[], Awaitable[P]]] = deque()

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._fetches.append(partial(self._call, arguments, options))

    def receive(self) -> Awaitable[P]:
        return self._fetches.popleft()()

    async def close(self) -> None:
        self._fetches.clear()


class _Prefetching(_Sequential[P]):
    """Fetches pages in tasks, which end when it is closed."""

    def __init__(self, client: Any, plan: Plan[P]) -> None:
        super().__init__(client, plan)
        self._tasks: deque[asyncio.Future[P]] = deque()

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        task = asyncio.ensure_future(self._call(arguments, options))
        task.add_done_callback(_retrieve_error)
        self._tasks.append(task)

    async def receive(self) -> P:
        page = await self._tasks[0]
        self._tasks.popleft()
        return page

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _retrieve_error(task: asyncio.Future[Any]) -> None:
    """Retrieve the error of a page that may never be awaited, which asyncio would report otherwise."""
    if not task.cancelled():
        task.exception()
