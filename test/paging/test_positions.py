"""Positions: a list that was read halfway continues elsewhere, without a gap and without a repeat."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import islice
from random import Random
from typing import Any, cast

import pytest

from knetik_cloud import ApiClient, ApiValueError, Configuration, RowsMovedWarning, UsersInventoryApi, aio

from .lists import ListService, entries

Read = Callable[[ListService, dict[str, Any], int], tuple[list[int], str]]


def blocking(service: ListService, how: dict[str, Any], count: int) -> tuple[list[int], str]:
    """Read some items, and return their ids and the position behind them."""
    ids: list[int] = []
    with ApiClient(Configuration(service.url, retries=0)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(**how)
        if count:
            for item in pager:
                ids.append(item.id)
                if len(ids) == count:
                    break
        return ids, pager.position


def awaited(service: ListService, how: dict[str, Any], count: int) -> tuple[list[int], str]:
    async def main() -> tuple[list[int], str]:
        ids: list[int] = []
        async with aio.ApiClient(Configuration(service.url, retries=0)) as client:
            pager = aio.UsersInventoryApi(client).iter_users_inventory(**how)
            if count:
                async with aclosing(cast("AsyncGenerator[Any, None]", aiter(pager))) as items:
                    async for item in items:
                        ids.append(item.id)
                        if len(ids) == count:
                            break
            return ids, pager.position

    return asyncio.run(main())


both = pytest.mark.parametrize("read", [blocking, awaited], ids=["blocking", "awaited"])


@both
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25, 95])
@pytest.mark.parametrize("how", [{"page_size": 10}, {"page_size": 10, "prefetch": 3}, {}])
def test_reading_continues_after_the_last_item(read: Read, count: int, how: dict[str, Any]) -> None:
    with ListService(entries(95)) as service:
        first, position = read(service, how, count)
        rest, _ = read(service, {**how, "start_page": position}, 1000)
    assert first + rest == list(range(1, 96))


@both
def test_position_survives_several_restarts_within_one_page(read: Read) -> None:
    with ListService(entries(30)) as service:
        ids: list[int] = []
        position: Any = 1
        for count in (3, 4, 2, 1, 5, 1000):
            more, position = read(service, {"page_size": 10, "start_page": position}, count)
            ids += more
    assert ids == list(range(1, 31))


@both
def test_limit_counts_from_the_start_and_positions_stop_before_omitted_items(read: Read) -> None:
    with ListService(entries(30)) as service:
        first, position = read(service, {"limit": 7, "page_size": 10}, 1000)
        second, _ = read(service, {"limit": 7, "start_page": position}, 1000)
    assert first + second == list(range(1, 15))


@both
def test_start_page_is_a_number_too(read: Read) -> None:
    with ListService(entries(95)) as service:
        ids, _ = read(service, {"page_size": 10, "start_page": 9}, 1000)
        assert [page["page"] for page in service.requests] == ["9", "10"]
        past_the_end, _ = read(service, {"page_size": 10, "start_page": 12}, 1000)
    assert ids == list(range(81, 96))
    assert past_the_end == []


@both
def test_position_of_a_pager_that_begins_at_a_page_number_keeps_its_size(read: Read) -> None:
    with ListService(entries(95)) as service:
        none, position = read(service, {"page_size": 10, "start_page": 9}, 0)
        ids, _ = read(service, {"start_page": position}, 1000)
    assert none == []
    assert ids == list(range(81, 96))


@both
@pytest.mark.parametrize("count", [15, 20, 24])
def test_items_that_were_added_after_the_end_are_read_from_the_position(read: Read, count: int) -> None:
    with ListService(entries(count)) as service:
        first, position = read(service, {"page_size": 10}, 1000)
        service.rows += entries(count + 12)[count:]
        rest, position = read(service, {"start_page": position}, 1000)
        none, _ = read(service, {"start_page": position}, 1000)
    assert (first + rest, none) == (list(range(1, count + 13)), [])


@both
@pytest.mark.parametrize("count", [8, 9, 10, 12, 14])
def test_item_that_moved_while_the_list_was_read_comes_once(read: Read, count: int) -> None:
    with ListService(entries(20)) as service:

        def insert(page: int) -> None:
            if page == 2 and len(service.requests) == 2:
                service.rows.insert(0, {"id": 99})

        service.before = insert
        first, position = read(service, {"page_size": 5}, count)
        rest, _ = read(service, {"start_page": position}, 1000)
    assert first + rest == list(range(1, 21))


@both
def test_item_that_was_removed_between_two_readings_causes_a_warning(read: Read) -> None:
    with ListService(entries(30)) as service:
        _, position = read(service, {"page_size": 10}, 15)
        del service.rows[2]
        with pytest.warns(RowsMovedWarning, match="Collect items first, then change them"):
            read(service, {"start_page": position}, 1000)


@both
@pytest.mark.parametrize("count", [10, 15])
def test_as_many_items_removed_as_added_between_two_readings_cause_a_warning(read: Read, count: int) -> None:
    with ListService(entries(30)) as service:
        _, position = read(service, {"page_size": 10}, count)
        del service.rows[2]
        service.rows.append({"id": 31})
        with pytest.warns(RowsMovedWarning, match="the item before it has changed"):
            ids, _ = read(service, {"start_page": position}, 1000)
        assert ids == [id for id in range(12, 32) if id > count]
        assert [(each["page"], each["size"]) for each in service.requests[-3:-1]] == [
            ("10", "1"),
            ("2", "10"),
        ]


@both
def test_position_in_a_list_with_smaller_pages_than_requested_compares_nothing(read: Read) -> None:
    with ListService(entries(30)) as service:
        service.max_size = 10
        first, position = read(service, {}, 15)
        rest, _ = read(service, {"start_page": position}, 1000)
    assert first + rest == list(range(1, 31))


@pytest.mark.parametrize("name", ["iter_entitlement_items", "iter_users_inventory"])
def test_list_that_changes_between_readings_is_missing_nothing_without_a_warning(name: str) -> None:
    incomplete = 0
    for seed in range(60):
        chance = Random(seed)
        count, size = chance.randint(0, 40), chance.choice([1, 2, 3, 5, 10])
        with ListService(entries(count)) as service, ApiClient(Configuration(service.url)) as client:
            missing, was_removed, has_warned = set(range(1, count + 1)), False, False
            found: list[int] = []
            pager = getattr(UsersInventoryApi(client), name)(page_size=size)
            while True:
                wanted = chance.randint(1, 12)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    read = [item.id for item in islice(pager, wanted)]
                has_warned |= bool(caught)
                found += read
                if len(read) < wanted:
                    break
                for is_removed in chance.choices([True, False], k=chance.choice([0, 0, 0, 1, 1, 2])):
                    if is_removed and service.rows:
                        index = chance.randrange(len(service.rows))
                        missing.discard(cast("Any", service.rows).pop(index)["id"])
                        was_removed = True
                    else:
                        count += 1
                        service.rows += [{"id": count}]  # type: ignore[operator]
                pager = getattr(UsersInventoryApi(client), name)(start_page=pager.position)
        missing -= set(found)
        assert len(found) == len(set(found)), seed
        assert has_warned or not missing, seed
        assert was_removed or not has_warned, seed
        incomplete += bool(missing)
    assert incomplete


@both
def test_item_inserted_before_the_position_causes_no_warning(read: Read) -> None:
    with ListService(entries(30)) as service:
        _, position = read(service, {"page_size": 10}, 20)
        service.rows.insert(0, {"id": 99})
        ids, _ = read(service, {"start_page": position}, 1000)
    assert ids == list(range(20, 31))


def test_position_in_a_list_by_id_knows_that_items_came_before_it() -> None:
    with ListService(entries(30)) as service, ApiClient(Configuration(service.url)) as client:
        read = UsersInventoryApi(client).iter_entitlement_items
        pager = read(page_size=10)
        assert len([*zip(range(10), pager, strict=False)]) == 10
        del service.rows[20]
        service.rows.insert(0, {"id": 0})
        assert [item.id for item in read(start_page=pager.position)] == [*range(10, 21), *range(22, 31)]


@both
def test_warning_that_ends_a_reading_is_issued_again_from_its_position(read: Read) -> None:
    with ListService(entries(30)) as service, ApiClient(Configuration(service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10)

        def remove_one_while_reading() -> None:
            for item in pager:
                if item.id == 10:
                    del service.rows[0]

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RowsMovedWarning):
                remove_one_while_reading()
        with pytest.warns(RowsMovedWarning, match="1 were removed"):
            read(service, {"start_page": pager.position}, 1000)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (0, "start_page must be an int of 1 or more"),
        (True, "start_page must be an int of 1 or more"),
        ("", "start_page must be a page number from 1, or the position of a pager"),
        ("5", "start_page must be a page number"),
        ('{"page": -1, "seen": [], "size": null, "total": null}', "start_page must be a page number"),
        (
            '{"list": "get_users_inventory", "page": 1, "seen": [{}], "size": null, "total": null}',
            "start_page must be a page number",
        ),
        pytest.param("[" * 100_000, "start_page must be a page number", id="nested"),
        (
            '{"list": "get_entitlement_items", "page": 1, "seen": [], "size": null, "total": null}',
            "start_page is a position in get_entitlement_items, not in get_users_inventory",
        ),
    ],
)
def test_other_starts_are_rejected(start: Any, message: str) -> None:
    with (
        ApiClient(Configuration("http://127.0.0.1:1")) as client,
        pytest.raises(ApiValueError, match=message),
    ):
        UsersInventoryApi(client).iter_users_inventory(start_page=start)


def test_other_page_size_than_that_of_the_position_is_rejected() -> None:
    with ListService(entries(30)) as service:
        _, position = blocking(service, {"page_size": 10}, 5)
        with pytest.raises(ApiValueError, match="page_size must be 10, as in start_page, not 20"):
            blocking(service, {"page_size": 20, "start_page": position}, 5)


def test_pages_count_as_returned_once_they_are() -> None:
    with ListService(entries(30)) as service, ApiClient(Configuration(service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10)
        for page in pager.pages():
            assert page.content
            break
        assert json.loads(pager.position)["page"] == 2
