"""The algorithm that reads a list page by page, finds new items, and notices that items may be missing.

It is a generator that yields commands (start to fetch a page, await the oldest page, emit a page) and is sent
the pages. `Pager` drives it with threads, `aio.Pager` with tasks.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from knetik_cloud.core import options
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation, Pages
from knetik_cloud.data import expressions, types
from knetik_cloud.exceptions import ApiResponseError, ApiValueError, DeadlineExceeded

P = TypeVar("P")

STABLE_ORDER = "id:ASC"
DEFAULT_PAGE_SIZE = 250
"""Items per page unless the caller names a size. It reads six times as many items per second as the service's
default of 25, and delays the first item by 1 ms. Larger pages gain little and delay it more."""
MAX_PREFETCH = 64
MAX_REMEMBERED_IDS = 100_000
"""The number of latest ids that are stored to find duplicates, so that memory stays constant."""
MAX_EQUAL_PAGES = 10
"""The number of consecutive pages with the same items that shows that the service ignores the page."""


class RowsMovedWarning(UserWarning):
    """A warning that items moved between pages while a list was read, so that one may have been missed."""


class StartFetch(NamedTuple):
    """A command to start fetching a page. Pages are awaited in the order in which they are started."""

    arguments: Mapping[str, Any]
    options: Mapping[str, Any]


class AwaitPage:
    """A command to wait for the oldest page that was started. The driver replies with it."""


class EmitPage(NamedTuple, Generic[P]):
    """A command to pass a page and its items to the caller, after its warning if there is one."""

    page: P
    items: list[Any]
    warning: str | None
    number: int = 1
    is_cut: bool = False
    """True if `items` ends before the page does because of the limit."""
    is_full: bool = True
    """False if the page has fewer items than were asked for, so that others may be added to it later."""
    repeated: Sequence[Any] = ()
    """The items of the page that came before, and that `items` leaves out."""
    total: int | None = None
    """The total number of items that the page reports, or None."""
    before: int | str | None = None
    """The id of the item before the page, or None."""
    last: int | str | None = None
    """The id of the last item of a full page, whether it came before or not, or None."""


Step = StartFetch | AwaitPage | EmitPage[P]


class Position(NamedTuple):
    """A place in a list, from which another process can continue.

    Attributes:
        page: The page to read next.
        seen: The ids of its items that were returned already.
        size: The number of items per page, or None if the position is a page number only.
        total: The total number of items when the place was reached, or None if unknown.
        last: The id of the item before the page, which shows later whether items have moved, or None.
    """

    page: int = 1
    seen: tuple[int | str, ...] = ()
    size: int | None = None
    total: int | None = None
    last: int | str | None = None

    @classmethod
    def parse(cls, start: int | str, operation: str) -> Position:
        """Parse a `start_page`, which is a page number or the `position` of a pager.

        Raises:
            ApiValueError: If it is neither, or belongs to another list.
        """
        if not isinstance(start, str):
            return cls(options.integer("start_page", start, 1))
        try:
            found = json.loads(start)
            seen = tuple(dict.fromkeys(found["seen"]))  # a TypeError if an id can't be one
            position = cls(found["page"], seen, found["size"], found["total"], found.get("last"))
            numbers = [position.page, position.size or 1, 1 if position.total is None else position.total + 1]
            if not all(type(number) is int and number > 0 for number in numbers):
                raise ValueError(start)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise types.invalid_value_error(
                "start_page", "a page number from 1, or the position of a pager", start
            ) from None
        if found.get("list") != operation:
            raise ApiValueError(f"start_page is a position in {found.get('list')}, not in {operation}")
        return position

    def text(self, operation: str) -> str:
        """Format the position as JSON."""
        return json.dumps({"list": operation, **self._asdict()}, separators=(",", ":"))


class Plan(Generic[P]):
    """The list to read, and the limits and options of its reading.

    Args:
        operation: The list operation.
        arguments: The arguments of the operation, except the page and its size.
        call_options: The options of each call.
        limit: The maximum number of items. None means all.
        page_size: The number of items per page. None takes 250, or the limit if it is smaller.
        prefetch: The maximum number of pages to fetch ahead.
        start_page: The page to begin with, or the position of an earlier pager.
        deadline: Seconds for reading the whole list. None means no limit.
        call_deadline: The deadline of each call in seconds.
        clock: Returns monotonic seconds.

    Raises:
        ApiValueError: If a number is out of range.
    """

    def __init__(
        self,
        operation: Operation[P],
        arguments: Mapping[str, Any],
        call_options: Mapping[str, Any],
        *,
        limit: int | None,
        page_size: int | None,
        prefetch: int,
        deadline: float | None,
        start_page: int | str = 1,
        call_deadline: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        assert operation.pages is not None
        self.operation = operation
        self.pages: Pages = operation.pages
        self.limit = None if limit is None else options.integer("limit", limit, 0)
        self.prefetch = options.integer("prefetch", prefetch, 0, MAX_PREFETCH)
        self.deadline = math.inf if deadline is None else options.time_limit("deadline", deadline)
        self._call_deadline = call_deadline
        self.call_options = call_options
        self._clock = clock
        self._arguments = dict(arguments)
        names = {parameter.wire: parameter.name for parameter in operation.parameters}
        self.page_name, self.size_name = names[self.pages.page], names[self.pages.size]
        self.start = Position.parse(start_page, operation.id)
        if self.start.size is not None and page_size not in (None, self.start.size):
            raise types.invalid_value_error("page_size", f"{self.start.size}, as in start_page", page_size)
        self._shown = dict(arguments)
        if page_size is None:
            page_size = self.start.size or min(DEFAULT_PAGE_SIZE, self.limit or DEFAULT_PAGE_SIZE)
        else:
            self._shown[self.size_name] = page_size
        self.size = options.integer("page_size", page_size, 1)
        if self.start.page > 1:  # where a page begins depends on the size
            self.start = self.start._replace(size=self.size)
        self._arguments[self.size_name] = self.size
        order = None if self.pages.order is None else names[self.pages.order]
        if order is not None and self._arguments.get(order) is None:
            self._arguments[order] = self._shown[order] = STABLE_ORDER
        self._is_by_id = order is not None and self._arguments[order] == STABLE_ORDER

    def __repr__(self) -> str:
        shown = {name: types.short_repr(value) for name, value in self._shown.items() if value is not None}
        if self.limit is not None:
            shown["limit"] = str(self.limit)
        if self.prefetch:
            shown["prefetch"] = str(self.prefetch)
        if self.deadline != math.inf:
            shown["deadline"] = str(self.deadline)
        for name, value in self.call_options.items():  # headers may contain secrets
            shown[name] = "..." if name == "_headers" else types.short_repr(value)
        return f"{self.operation.id}({', '.join(f'{name}={value}' for name, value in shown.items())})"

    def has_moved(self, found: Sequence[Any], last: int | str | None, grown: float) -> bool:
        """Return whether items have moved forward, past a place in the list, so that one may be missed there.

        Args:
            found: The ids before the place now: one, or none.
            last: The id that was there when the place was reached.
            grown: By how many items the list has grown since, or infinity if that is unknown.
        """
        if [last] == found:
            return False
        if found and self._is_by_id and type(found[0]) is type(last) is int:
            return found[0] > last  # smaller ones moved there because others were inserted before them
        return grown <= 0 or grown == math.inf

    def page_arguments(self, size: int) -> dict[str, Any]:
        """Return the arguments of a call except the page, with `size` unless the caller or start sets one."""
        is_set = self.size_name in self._shown or self.start.size is not None
        return {**self._arguments, self.size_name: self.size if is_set else size}

    @property
    def page_model(self) -> Any:
        """The class of the pages."""
        returned = self.operation.returned
        assert isinstance(returned, expressions.Reference)
        return returned.model

    def read(self) -> Generator[Step[P], Any, None]:
        """Read the list from its first page on.

        Raises:
            DeadlineExceeded: If the deadline for reading the list has passed.
            ApiResponseError: If the service keeps returning the same page.
        """
        reading: _ListState[P] = _ListState(self)
        end = self.end()
        started = reading.received
        if self.start.last is not None and not reading.is_done:
            arguments = {self.size_name: 1, self.page_name: (self.start.page - 1) * self.size}
            yield self._fetch(started, end, arguments)
            reading.check_start((yield AwaitPage()))
        while not reading.is_done:
            if started == reading.received:
                yield self._fetch(started := started + 1, end)
            page = reading.add((yield AwaitPage()))
            while started < reading.end and started - reading.received < self.prefetch:
                yield self._fetch(started := started + 1, end)
            yield page

    def end(self) -> float:
        """Return when a reading that begins now has to end, by the monotonic clock."""
        return self._clock() + self.deadline

    def options_until(self, end: float, number: int) -> dict[str, Any]:
        """Return the options of the call for a page, which ends with the reading at the latest.

        Raises:
            DeadlineExceeded: If the deadline for reading the list has passed.
        """
        left = end - self._clock()
        if left <= 0:
            raise DeadlineExceeded(
                reason=f"the list exceeded its deadline before page {number} (increase `deadline`)"
            )
        return {**self.call_options, **({} if left >= self._call_deadline else {"_deadline": left})}

    def _fetch(self, number: int, end: float, other: Mapping[str, Any] | None = None) -> StartFetch:
        options = self.options_until(end, number)
        return StartFetch({**self._arguments, self.page_name: number, **(other or {})}, options)


class _ListState(Generic[P]):
    """The state of reading a list: its pages, its items and its end."""

    def __init__(self, plan: Plan[P]) -> None:
        self._plan = plan
        self._seen = _SeenIds(plan.start.seen)
        self._total: int | None = plan.start.total
        self._rows = (plan.start.page - 1) * plan.size
        self._given = 0
        self._alike = 1
        self._last_keys: list[Any] = []
        self._last = plan.start.last
        self._has_warned = False
        self._has_moved = False
        self.received = plan.start.page - 1
        self.end = self.received if plan.limit == 0 else plan.start.page
        """The last page to request, as far as is known."""

    @property
    def is_done(self) -> bool:
        """True if no page is left to read."""
        return self.received >= self.end

    def check_start(self, page: P) -> None:
        """Compare the item before the start, alone on a page, with the one that was there before."""
        keys = [key_of(row) for row in content(page, self._plan.pages)]
        grown = grown_by(total_of(page, self._plan.pages), self._total)
        self._has_moved = self._plan.has_moved(keys, self._plan.start.last, grown)

    def add(self, page: P) -> EmitPage[P]:
        """Add the next page, and remove duplicates and the items beyond the limit from it."""
        plan = self._plan
        rows = content(page, plan.pages)
        total, pages = total_of(page, plan.pages), _count(page, plan.pages.pages)
        before = self._last
        self.received += 1
        self._rows += len(rows)
        self._watch_for_repetition(rows, total)
        is_full = len(rows) >= plan.size
        self._last = key_of(rows[-1]) if rows and is_full else None  # smaller pages count otherwise
        fresh, repeated = self._seen.split(rows)
        if repeated:  # another item is before the page now
            before = None
        is_first = self.received == plan.start.page
        warning = self._moved(grown_by(total, self._total), 0 if is_first else len(repeated))
        given = fresh[: self._left]
        self._given += len(given)
        self._total = total
        self.end = self._last_page(len(rows), total, pages)
        if len(given) != len(rows):
            rows[:] = given
        warning = warning or self._missing(total)
        is_cut = len(given) < len(fresh)
        return EmitPage(
            page, given, warning, self.received, is_cut, is_full, repeated, total, before, self._last
        )

    def _last_page(self, rows: int, total: int | None, pages: int | None) -> int:
        if not rows or self._left == 0:
            return self.received
        if pages is None:
            pages = self.received + (total is None or self._rows < total)
        if self._left is not None:
            pages = min(pages, self.received + -(-self._left // rows))
        return pages

    @property
    def _left(self) -> int | None:
        """The number of items up to the limit, or None if there is no limit."""
        return None if self._plan.limit is None else self._plan.limit - self._given

    def _watch_for_repetition(self, rows: Sequence[Any], total: int | None) -> None:
        keys = [key_of(row) for row in rows]
        is_alike = bool(keys) and None not in keys and keys == self._last_keys and total == self._total
        self._alike = self._alike + 1 if is_alike else 1
        self._last_keys = keys
        if self._alike >= MAX_EQUAL_PAGES:
            raise ApiResponseError(
                reason=f"{self._plan.operation.id} keeps returning the same page: the last {MAX_EQUAL_PAGES} "
                f"pages, up to page {self.received}, contain the same items"
            )

    def _moved(self, grown: float, repeated: int) -> str | None:
        """Return a warning if the list's length, duplicates or its start show that an item may be missing.

        An item that is removed from a page already read moves all later items forward, past its end.
        """
        if grown < 0:
            how = f"{-grown} were removed"
        elif repeated > grown:
            how = f"{repeated} appeared again"
        elif self._has_moved:
            how = "the item before it has changed"
        else:
            return None
        self._has_warned, self._has_moved = True, False
        return (
            f"items moved between the pages of {self._plan.operation.id} while page {self.received} was read "
            f"({how}): one may have been missed. Collect items first, then change them"
        )

    def _missing(self, total: int | None) -> str | None:
        """Return a warning at the end if the list had fewer items than its total."""
        start = self._plan.start
        is_whole = self.is_done and self._left != 0 and start.page == 1 and not start.seen
        if not is_whole or self._has_warned or total is None or self._given >= total:
            return None
        return (
            f"{self._plan.operation.id} returned {self._given} items of {total}: "
            "others may have been missed. Collect items first, then change them"
        )


class _SeenIds:
    """The latest ids of a list. With a stable order, an item never moves further than those."""

    def __init__(self, known: Sequence[int | str] = ()) -> None:
        self._keys: set[Any] = set(known)
        self._latest: deque[list[Any]] = deque()

    def split(self, rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return the items that are new, and those that came before. Items without an id are always new."""
        fresh, repeated, keys = [], [], []
        for row in rows:
            key = key_of(row)
            if key is not None:
                if key in self._keys:
                    repeated.append(row)
                    continue
                self._keys.add(key)
                keys.append(key)
            fresh.append(row)
        if keys:
            self._latest.append(keys)
        while len(self._keys) > MAX_REMEMBERED_IDS and len(self._latest) > 1:
            self._keys.difference_update(self._latest.popleft())
        return fresh, repeated


def content(page: Any, pages: Pages) -> list[Any]:
    """Return the items of a page, as the list in the page itself."""
    name = next(name for name, field in page._fields.items() if field.wire == pages.items)
    items = getattr(page, name)
    return [] if items is None else items


def total_of(page: Any, pages: Pages) -> int | None:
    """Return the total number of items that a page reports, or None."""
    return _count(page, pages.total)


def grown_by(total: int | None, before: int | None) -> float:
    """Return by how many items a list has grown, or infinity if that is unknown."""
    return math.inf if total is None or before is None else total - before


def _count(page: Any, wire: str) -> int | None:
    value = page._json.get(wire)
    return value if type(value) is int and value >= 0 else None


def key_of(row: Any) -> int | str | None:
    """Return the id of an item, or None."""
    json = getattr(row, "_json", row)
    key = json.get("id") if isinstance(json, dict) else None
    return key if isinstance(key, (int, str)) else None
