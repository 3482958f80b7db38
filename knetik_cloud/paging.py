"""`Pager`: the items of a list operation, read page by page as a loop reaches them."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, Self, TypeVar

from knetik_cloud import upward
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.paging import (
    AwaitPage,
    EmitPage,
    Plan,
    Position,
    RowsMovedWarning,
    StartFetch,
    Step,
    key_of,
    total_of,
)
from knetik_cloud.exceptions import DeadlineExceeded
from knetik_cloud.wire.pipe import run

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

I = TypeVar("I")  # noqa: E741 - an item
P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)


class Source(Protocol[P_co]):
    """Fetches pages, which are received in the order in which they were asked for."""

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Begin to fetch a page."""

    def receive(self) -> Awaitable[P_co]:
        """Wait for the oldest page."""

    def close(self) -> Any:
        """End the fetching."""


class BasePager(Generic[I, P]):
    """The common part of the blocking and the asyncio pager."""

    def __init__(self, client: Any, plan: Plan[P]) -> None:
        self._client = client
        self._plan = plan
        self._total: int | None = None
        self._begun: Reading[P] | None = None
        self._emitted: EmitPage[P] | None = None
        self._left: Iterator[Any] = iter(())

    def __repr__(self) -> str:
        return f"<Pager of {self._plan}>"

    def __copy__(self) -> Self:
        return type(self)(self._client, self._plan)  # a reading that was begun stays with the original

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Pager can't be pickled: pass its position, and start there with start_page")

    def _repr_html_(self) -> str:
        """Return the card that notebooks show. It fetches nothing."""
        return upward.load("cards").pager_card(repr(self._plan), self._total)  # type: ignore[no-any-return]

    @property
    def position(self) -> str:
        """The position after the item (or the page) that was returned last, as JSON for `start_page`.

        Store it while you loop. To continue after a restart, pass it as `start_page` to the same method, with
        the same filters and order, which it does not contain. No item is then returned twice, unless the list
        is in an order other than by id, in which the item has moved to a later page. If items have moved, a
        `RowsMovedWarning` is issued. A `limit` counts only the items of the new pager.
        """
        plan, emitted = self._plan, self._emitted
        if emitted is None:
            return plan.start.text(plan.operation.id)
        left = length_hint(self._left)
        if emitted.is_full and not left and not emitted.is_cut:
            position = Position(emitted.number + 1, (), plan.size, emitted.total, emitted.last)
            return position.text(plan.operation.id)
        seen = plan.start.seen if emitted.number == plan.start.page else ()
        given = [*emitted.repeated, *emitted.items[: len(emitted.items) - left]]
        ids = (key for key in map(key_of, given) if key is not None)
        known = tuple(dict.fromkeys((*seen, *ids)))
        position = Position(emitted.number, known, plan.size, emitted.total, emitted.before)
        return position.text(plan.operation.id)

    def _items(self, emitted: EmitPage[P]) -> Iterator[Any]:
        """Return an iterator over the items of a page, whose state `position` reads."""
        self._emitted, self._left = emitted, iter(emitted.items)
        return self._left

    def _whole(self, emitted: EmitPage[P]) -> P:
        """Return a page as a whole, and note that all its items are returned."""
        self._emitted, self._left = emitted, iter(())
        return emitted.page

    def _reading(self) -> Reading[P]:
        """Return the reading that was begun, or a new one."""
        begun, self._begun = self._begun, None
        return begun or Reading(self, self._new_source())

    def _new_source(self) -> Source[P]:
        raise NotImplementedError

    async def _begin(self) -> None:
        """Read the first page, with which the next loop begins."""
        if self._total is None and self._begun is None:
            reading = self._reading()
            reading.first = await reading.next()
            self._begun = reading


class Reading(Generic[P]):
    """One reading of a list."""

    def __init__(self, pager: BasePager[Any, P], source: Source[P]) -> None:
        self._pager = pager
        self._end = pager._plan.end()
        self._steps: Generator[Step[P], Any, None] = pager._plan.read()
        self.source = source
        self.first: EmitPage[P] | None = None

    async def next(self) -> EmitPage[P] | None:
        """Return the next page to hand out, or None at the end."""
        first, self.first = self.first, None
        if first is not None:
            return first
        page: P | None = None
        try:
            while True:
                step = self._steps.send(page)
                page = None
                if isinstance(step, StartFetch):
                    self.source.fetch(step.arguments, step.options)
                elif isinstance(step, AwaitPage):
                    page = await self._receive()
                    self._pager._total = total_of(page, self._pager._plan.pages)
                else:
                    return step
        except StopIteration:
            return None

    async def _receive(self) -> P:
        """Wait for the oldest page, whose call also ends with the deadline of the list."""
        try:
            return await self.source.receive()
        except DeadlineExceeded as error:
            if monotonic() >= self._end:
                seconds = self._pager._plan.deadline
                error.reason = f"the list exceeded its deadline of {seconds:.3g} s (increase `deadline`)"
            raise


def warn(emitted: EmitPage[Any]) -> None:
    """Issue the warning of a page, if there is one, where the loop is."""
    if emitted.warning is not None:
        warnings.warn(emitted.warning, RowsMovedWarning, stacklevel=3)


class Pager(BasePager[I, P]):
    """The items of a list, fetched a page at a time as a loop reaches them.

        for entry in api.iter_users_inventory(filter_username="alice"):
            print(entry.id)

    Each loop reads the list again. No item is returned twice, even if items move between pages meanwhile. If
    an item may have been missed because of that, a `RowsMovedWarning` is issued. Memory stays constant,
    however long the list is. Threads fetch up to `prefetch` pages ahead, and end with the loop. The order
    stays the same.

    If a page can't be fetched, the loop raises its `ApiException` when it reaches that page.
    """

    def __iter__(self) -> Iterator[I]:
        for emitted in self._pages():
            warn(emitted)
            yield from self._items(emitted)

    def pages(self) -> Iterator[P]:
        """Read the list as its pages: the objects that the service returns, without duplicate items.

        Raises:
            ApiException: If a page can't be fetched.
        """
        for emitted in self._pages():
            warn(emitted)
            yield self._whole(emitted)

    @property
    def total(self) -> int | None:
        """The total number of items, regardless of `limit`, or None if the service doesn't report it.

        The latest page reports it. Before any page is read, this fetches the first one, with which the next
        loop begins.

        Raises:
            ApiException: If the first page can't be fetched.
        """
        run(self._begin())
        return self._total

    def to_arrow(self) -> Any:
        """Fetch all pages, and return their items as one `pyarrow.Table`.

        Raises:
            ImportError: If the extra `arrow` is not installed.
            ApiException: If a page can't be fetched.
        """
        return upward.load("arrow").table(self._plan.page_model, self.pages())

    def to_pandas(self) -> Any:
        """Fetch all pages, and return their items as a `pandas.DataFrame` with Arrow's types.

        Raises:
            ImportError: If pandas or the extra `arrow` is not installed.
            ApiException: If a page can't be fetched.
        """
        return upward.load("arrow").to_pandas(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the items as an Arrow stream that fetches each page when the reader comes to it."""
        reader = upward.load("arrow").reader(self._plan.page_model, self.pages())
        return reader.__arrow_c_stream__(requested_schema)

    def _new_source(self) -> Source[P]:
        return _Source(self._client, self._plan)

    def _pages(self) -> Iterator[EmitPage[P]]:
        reading = self._reading()
        try:
            while (emitted := run(reading.next())) is not None:
                yield emitted
        finally:
            reading.source.close()


class _Source(Generic[P]):
    """Fetches each page when it is waited for, or ahead in threads."""

    def __init__(self, client: Any, plan: Plan[P]) -> None:
        self._call: Callable[..., P] = partial(client.call, plan.operation)
        self._ahead = Ahead(plan.prefetch, "knetik_cloud_pages")
        self._fetches: deque[Callable[[], P]] = deque()

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._fetches.append(self._ahead.begin(partial(self._call, arguments, options)))

    async def receive(self) -> P:
        return self._fetches.popleft()()

    def close(self) -> None:
        self._fetches.clear()
        self._ahead.close()


class Ahead:
    """Runs functions ahead in threads, which end when it is closed and their functions are done.

    Without threads, each function runs when it is waited for. So it does while the interpreter shuts down,
    since no thread can be started then, and later no module can be imported either.

    Args:
        threads: The maximum number of threads. 0 means none.
        name: The start of the threads' names.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._threads: ThreadPoolExecutor | None = None
        if threads:
            with suppress(ImportError, RuntimeError):
                from concurrent.futures import ThreadPoolExecutor

                self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def begin(self, function: Callable[[], P]) -> Callable[[], P]:
        """Begin to run a function, in the current context. Return a function that waits for its result."""
        if self._threads is not None:
            try:
                return self._threads.submit(copy_context().run, function).result
            except RuntimeError:
                self._threads = None
        return function

    def close(self) -> None:
        """Discard the functions that were not begun, and let the threads end."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
