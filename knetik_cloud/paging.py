"""`Pager`: the items of a list operation, read page by page while they are looped over."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from knetik_cloud import upward
from knetik_cloud.core.paging import AwaitPage, EmitPage, Plan, RowsMovedWarning, StartFetch, total_of

if TYPE_CHECKING:
    from knetik_cloud.api_client import ApiClient

I = TypeVar("I")  # noqa: E741 - an item
P = TypeVar("P")


class Pager(Generic[I, P]):
    """The items of a list, fetched a page at a time as a loop comes to them.

        for entry in api.iter_users_inventory(filter_username="alice"):
            print(entry.id)

    Each loop reads the list anew. No item is given twice, though rows move between the pages while they are
    read; where one may have been missed on that account, a `RowsMovedWarning` says so. Memory stays constant
    however long the list is. With `prefetch`, that many pages are fetched ahead by threads, which end with
    the loop; the order stays.

    A page that can't be fetched raises its `ApiException` out of the loop, when the loop has come to it.
    """

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        self._client = client
        self._plan = plan
        self._total: int | None = None
        self._begun: Iterator[EmitPage[P]] | None = None

    def __repr__(self) -> str:
        return f"<Pager of {self._plan}>"

    def __iter__(self) -> Iterator[I]:
        for given in self._read():
            if given.warning is not None:
                warnings.warn(given.warning, RowsMovedWarning, stacklevel=2)
            yield from given.items

    def pages(self) -> Iterator[P]:
        """Read the list as its pages: the service's envelopes, in which repeated items are left out.

        Raises:
            ApiException: a page can't be fetched.
        """
        for given in self._read():
            if given.warning is not None:
                warnings.warn(given.warning, RowsMovedWarning, stacklevel=2)
            yield given.page

    @property
    def total(self) -> int | None:
        """How many items the service has in all, whatever the `limit`; None when it doesn't say.

        As the page read last says. Before any is read, this fetches the first one, with which the next loop
        begins.

        Raises:
            ApiException: the first page can't be fetched.
        """
        if self._total is None and self._begun is None:
            reading = self._read()
            first = next(reading, None)
            if first is not None:
                self._begun = _chain(first, reading)
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

    def _repr_html_(self) -> str:
        """Return the card that notebooks show. It fetches nothing."""
        return upward.load("cards").pager_card(repr(self._plan), self._total)  # type: ignore[no-any-return]

    def _read(self) -> Iterator[EmitPage[P]]:
        begun, self._begun = self._begun, None
        if begun is not None:
            yield from begun
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
                    page = source.receive()
                    self._total = total_of(page, self._plan.pages)
                else:
                    yield step
        except StopIteration:
            return
        finally:
            source.close()


class _InTurn(Generic[P]):
    """Fetches each page when it is waited for."""

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        self._call: Callable[..., P] = partial(client.call, plan.operation)
        self._asked: deque[Callable[[], P]] = deque()

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._asked.append(partial(self._call, arguments, options))

    def receive(self) -> P:
        return self._asked.popleft()()

    def close(self) -> None:
        self._asked.clear()


class _Ahead(_InTurn[P]):
    """Fetches pages in threads of its own, which end when it is closed and their calls are done."""

    def __init__(self, client: ApiClient, plan: Plan[P]) -> None:
        super().__init__(client, plan)
        self._threads = ThreadPoolExecutor(plan.prefetch, thread_name_prefix="knetik_cloud_pages")

    def fetch(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._asked.append(self._threads.submit(self._call, arguments, options).result)

    def close(self) -> None:
        super().close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _chain(first: EmitPage[P], rest: Iterator[EmitPage[P]]) -> Iterator[EmitPage[P]]:
    yield first
    yield from rest
