"""The judgment of reading a list, without any I/O: the generator is driven with plain dicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud import ApiResponseError, ApiValueError, DeadlineExceeded, PageResourceEntitlementItem
from knetik_cloud.core.paging import MAX_REMEMBERED_IDS, AwaitPage, EmitPage, Plan, Position, StartFetch
from knetik_cloud.operations import GET_ENTITLEMENT_ITEMS, GET_USERS_INVENTORY

from .lists import ListService, Row, entries

Page = PageResourceEntitlementItem


def plan(**how: Any) -> Plan[Page]:
    chosen: dict[str, Any] = {"limit": None, "page_size": 10, "prefetch": 0, "deadline": None, **how}
    return Plan(GET_ENTITLEMENT_ITEMS, {}, {}, call_deadline=30.0, **chosen)


class Driven:
    """The results of reading a list, driven by a function that returns a page by its number."""

    def __init__(self, plan: Plan[Page], fetch: Callable[[int], Row], most: int = 1000) -> None:
        self.requested: list[int] = []
        self.most_ahead = 0
        self.items: list[Any] = []
        self.pages: list[Page] = []
        self.warnings: list[str] = []
        waiting: list[Row] = []
        steps, page = plan.read(), None
        try:
            while len(self.requested) < most:
                step = steps.send(page)
                page = None
                if isinstance(step, StartFetch):
                    self.requested.append(step.arguments["page"])
                    waiting.append(fetch(step.arguments["page"]))
                elif isinstance(step, AwaitPage):
                    page = Page.from_dict(waiting.pop(0))
                else:
                    assert isinstance(step, EmitPage)
                    self.most_ahead = max(self.most_ahead, len(waiting))
                    self.items += step.items
                    self.pages.append(step.page)
                    self.warnings += [step.warning] if step.warning else []
        except StopIteration:
            return
        raise AssertionError(f"no end after {most} pages")

    @property
    def ids(self) -> list[int]:
        return [item.id for item in self.items]


def static(count: int, size: int = 10) -> Callable[[int], Row]:
    service = ListService(entries(count))
    return lambda number: service.envelope(number, size)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2), (100, 10)])
@pytest.mark.parametrize("prefetch", [0, 1, 3, 64])
def test_all_items_come_in_order_and_no_page_is_requested_in_vain(
    count: int, pages: int, prefetch: int
) -> None:
    read = Driven(plan(prefetch=prefetch), static(count))
    assert read.ids == list(range(1, count + 1))
    assert read.requested == list(range(1, pages + 1))
    assert read.most_ahead <= prefetch
    assert not read.warnings


@pytest.mark.parametrize("prefetch", [0, 8])
@pytest.mark.parametrize(
    ("limit", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2), (25, 3), (1000, 10), (10**400, 10)]
)
def test_a_limit_is_kept_and_no_page_beyond_it_is_requested(limit: int, pages: int, prefetch: int) -> None:
    read = Driven(plan(limit=limit, prefetch=prefetch), static(100))
    assert read.ids == list(range(1, min(limit, 100) + 1))
    assert len(read.requested) == pages
    assert not read.warnings


def changing(change: Callable[[ListService, int], None], count: int = 30) -> Callable[[int], Row]:
    service = ListService(entries(count))

    def fetch(number: int) -> Row:
        change(service, number)
        return service.envelope(number, 10)

    return fetch


def test_a_row_that_is_inserted_meanwhile_repeats_no_item() -> None:
    def insert(service: ListService, number: int) -> None:
        if number == 2:
            service.rows.insert(0, {"id": 99})  # type: ignore[union-attr]

    read = Driven(plan(), changing(insert))
    assert read.ids == list(range(1, 31))
    assert [len(page.content or []) for page in read.pages] == [10, 9, 10, 1]
    assert read.warnings == [
        (
            "get_entitlement_items returned 30 items of 31: others may have been missed. "
            "Collect items first, then change them"
        )
    ]


def test_a_row_that_is_removed_meanwhile_causes_a_warning() -> None:
    def remove(service: ListService, number: int) -> None:
        if number == 2:
            service.rows.pop(0)  # type: ignore[union-attr]

    read = Driven(plan(), changing(remove))
    assert 11 not in read.ids
    (warning,) = read.warnings
    assert "one may have been missed" in warning
    assert "1 were removed" in warning


def test_rows_that_change_places_meanwhile_cause_a_warning() -> None:
    def swap(service: ListService, number: int) -> None:
        if number == 2:
            service.rows.insert(0, service.rows.pop(15))  # type: ignore[union-attr]

    read = Driven(plan(), changing(swap))
    assert len(read.ids) == len(set(read.ids)) == 29
    assert "1 appeared again" in read.warnings[0]


def test_fewer_items_than_announced_cause_a_warning() -> None:
    def short(number: int) -> Row:
        page = static(30)(number)
        del page["content"][7:]
        return page

    read = Driven(plan(), short)
    assert len(read.ids) == 21
    assert read.warnings == [
        (
            "get_entitlement_items returned 21 items of 30: others may have been missed. "
            "Collect items first, then change them"
        )
    ]


@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 60)), max_size=12),
    st.integers(1, 7),
    st.integers(0, 5),
)
def test_no_change_repeats_an_item_and_a_loss_is_reported(
    changes: list[tuple[int, bool, int]], size: int, prefetch: int
) -> None:
    service = ListService(entries(40))
    rows: list[Row] = service.rows  # type: ignore[assignment]
    kept = {row["id"] for row in rows}

    def fetch(number: int) -> Row:
        for when, is_removal, where in changes:
            if when == number and is_removal and rows:
                kept.discard(rows.pop(where % len(rows))["id"])
            elif when == number:
                rows.insert(where % (len(rows) + 1), {"id": 1000 + len(service.requests)})
                service.requests.append({})
        return service.envelope(number, size)

    read = Driven(plan(page_size=size, prefetch=prefetch), fetch)
    assert len(read.ids) == len(set(read.ids))
    only_removals_or_insertions = len({is_removal for _, is_removal, _ in changes}) == 1
    if kept - set(read.ids) and only_removals_or_insertions:
        assert read.warnings


@pytest.mark.parametrize("missing", [{"total_pages"}, {"total_elements"}, {"total_pages", "total_elements"}])
def test_an_envelope_without_totals_is_read_to_the_end(missing: set[str]) -> None:
    fetch = static(30)

    def without(number: int) -> Row:
        return {name: value for name, value in fetch(number).items() if name not in missing}

    read = Driven(plan(), without)
    assert read.ids == list(range(1, 31))
    assert len(read.requested) <= 4


@pytest.mark.parametrize("pages", [10**9, -5, "many", True, 1.5, None])
def test_a_malformed_page_count_does_not_prolong_the_reading(pages: Any) -> None:
    fetch = static(30)
    read = Driven(plan(), lambda number: {**fetch(number), "total_pages": pages})
    assert read.ids == list(range(1, 31))


def test_an_empty_or_null_content_ends_it() -> None:
    assert Driven(plan(), lambda number: {"content": None, "total_pages": 9}).ids == []
    assert Driven(plan(), lambda number: {"content": [], "total_pages": 9}).requested == [1]
    assert Driven(plan(), lambda number: {}).requested == [1]


def test_a_service_that_keeps_returning_the_same_page_is_noticed() -> None:
    with pytest.raises(ApiResponseError, match="same page: the last 10 pages, up to page 10,"):
        Driven(plan(), lambda number: static(1000)(1))


def test_items_without_an_id_all_come() -> None:
    rows: list[Row] = [{"name": "x"}] * 25
    service = ListService(rows)
    assert len(Driven(plan(), lambda number: service.envelope(number, 10)).items) == 25


def test_stored_ids_are_bounded() -> None:
    from knetik_cloud.core.paging import _SeenIds

    seen = _SeenIds()
    for start in range(0, 3 * MAX_REMEMBERED_IDS, 1000):
        assert len(seen.split([{"id": number} for number in range(start, start + 1000)])[0]) == 1000
    assert len(seen._keys) <= MAX_REMEMBERED_IDS
    assert sum(map(len, seen._latest)) <= MAX_REMEMBERED_IDS


def test_ids_of_the_latest_page_are_remembered_however_many_there_are() -> None:
    from knetik_cloud.core.paging import _SeenIds

    seen, page = _SeenIds(), [{"id": number} for number in range(MAX_REMEMBERED_IDS + 1)]
    seen.split(page)
    assert seen.split(page) == ([], page)


def arguments(plan: Plan[Any]) -> dict[str, Any]:
    step = next(plan.read())
    assert isinstance(step, StartFetch)
    return dict(step.arguments)


def test_a_stable_order_is_requested_where_the_list_accepts_one_and_the_caller_sets_none() -> None:
    how: dict[str, Any] = {"limit": None, "page_size": None, "prefetch": 0, "deadline": None}
    items = Plan(GET_ENTITLEMENT_ITEMS, {"order": None}, {}, call_deadline=30.0, **how)
    assert arguments(items) == {"order": "id:ASC", "size": 250, "page": 1}
    named = Plan(GET_ENTITLEMENT_ITEMS, {"order": "name:DESC"}, {}, call_deadline=30.0, **how)
    assert arguments(named) == {"order": "name:DESC", "size": 250, "page": 1}
    users = Plan(GET_USERS_INVENTORY, {}, {}, call_deadline=30.0, **how)
    assert arguments(users) == {"size": 250, "page": 1}


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({}, 1000),
        ({"start_page": 1}, 1000),
        ({"page_size": 10}, 10),
        ({"start_page": 2}, 250),
        ({"start_page": 2, "limit": 70}, 70),
        ({"start_page": 2, "page_size": 10}, 10),
        ({"start_page": Position(1, (5,), 25, 100).text("get_entitlement_items")}, 25),
        ({"start_page": Position(2, (), None, None).text("get_entitlement_items")}, 250),
    ],
)
def test_another_size_applies_only_if_neither_the_caller_nor_the_start_sets_one(
    how: dict[str, Any], size: int
) -> None:
    assert plan(**{"page_size": None, **how}).page_arguments(1000)["size"] == size


def test_the_deadline_of_the_list_limits_each_call_and_ends_the_reading() -> None:
    now = [100.0]
    chosen = {"limit": None, "page_size": 10, "prefetch": 0, "deadline": 40.0}
    steps = Plan(GET_ENTITLEMENT_ITEMS, {}, {}, call_deadline=30.0, clock=lambda: now[0], **chosen).read()  # type: ignore[arg-type]
    page = Page.from_dict(static(30)(1))
    assert next(steps).options == {}  # type: ignore[union-attr]
    next(steps)
    steps.send(page)
    now[0] += 15
    assert next(steps).options == {"_deadline": 25.0}  # type: ignore[union-attr]
    next(steps)
    steps.send(Page.from_dict(static(30)(2)))
    now[0] += 25
    with pytest.raises(DeadlineExceeded, match="before page 3"):
        next(steps)


def test_options_of_a_call_keep_the_rest_of_the_deadline() -> None:
    now = [100.0]
    read = plan(deadline=40.0, clock=lambda: now[0])
    end = read.end()
    assert (end, read.options_until(end, 1)) == (140.0, {})
    now[0] += 15
    assert read.options_until(end, 2) == {"_deadline": 25.0}
    now[0] += 25
    with pytest.raises(DeadlineExceeded, match="before page 3"):
        read.options_until(end, 3)
    assert plan().end() == math.inf


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": -1}, {"limit": "all"}, {"limit": True}, {"page_size": 0}, {"prefetch": -1},
        {"prefetch": 65}, {"prefetch": 1.5}, {"deadline": 0}, {"deadline": math.nan}, {"deadline": "soon"},
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_rejected_immediately(wrong: dict[str, Any]) -> None:
    with pytest.raises(ApiValueError, match=next(iter(wrong))):
        plan(**wrong)
