"""Pagers over a real socket, blocking and awaited: in order, ahead, bounded, and gone when dropped."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knetik_cloud import (
    ApiClient,
    ApiException,
    ApiValueError,
    Configuration,
    DeadlineExceeded,
    RowsMovedWarning,
    UsersInventoryApi,
    aio,
)

from .lists import ListService, entries

Use = Callable[[Any, dict[str, Any]], tuple[list[Any], Any]]


def blocking(service: ListService, how: dict[str, Any]) -> tuple[list[Any], Any]:
    with ApiClient(Configuration(service.url, retries=0)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(**how)
        return list(pager), pager


def awaited(service: ListService, how: dict[str, Any]) -> tuple[list[Any], Any]:
    async def main() -> tuple[list[Any], Any]:
        async with aio.ApiClient(Configuration(service.url, retries=0)) as client:
            pager = aio.UsersInventoryApi(client).iter_users_inventory(**how)
            return [item async for item in pager], pager

    return asyncio.run(main())


both = pytest.mark.parametrize("read", [blocking, awaited], ids=["blocking", "awaited"])


@both
@pytest.mark.parametrize("prefetch", [0, 4])
def test_all_items_come_in_order_with_the_total(read: Use, prefetch: int) -> None:
    with ListService(entries(95)) as service:
        items, pager = read(service, {"page_size": 10, "prefetch": prefetch})
    assert [item.id for item in items] == list(range(1, 96))
    assert pager.total == 95
    assert len(service.requests) == 10
    assert service.max_in_progress <= max(prefetch, 1)


@both
def test_eight_pages_are_read_at_the_same_time_with_eight_ahead(read: Use) -> None:
    with ListService(entries(400), latency=0.05) as service:
        items, _ = read(service, {"page_size": 10, "prefetch": 8})
    assert [item.id for item in items] == list(range(1, 401))
    assert service.max_in_progress == 8


@both
def test_filters_and_a_limit_are_passed_on(read: Use) -> None:
    with ListService(entries(95)) as service:
        items, pager = read(service, {"filter_username": "alice", "inactive": True, "limit": 7})
    assert (len(items), pager.total) == (7, 95)
    assert service.requests == [{"inactive": "true", "filter_username": "alice", "size": "7", "page": "1"}]


@both
def test_a_row_that_is_removed_meanwhile_causes_a_warning_where_the_loop_is(read: Use) -> None:
    with ListService(entries(30)) as service:
        service.before = lambda page: service.rows.pop(0) if page == 2 else None  # type: ignore[union-attr]
        with pytest.warns(RowsMovedWarning, match="one may have been missed") as caught:
            read(service, {"page_size": 10})
    assert caught[0].filename == __file__


@both
def test_the_deadline_of_the_list_applies(read: Use) -> None:
    with ListService(entries(400), latency=0.05) as service, pytest.raises(DeadlineExceeded):
        read(service, {"page_size": 10, "deadline": 0.3})
    assert 1 <= len(service.requests) <= 7  # a busy machine reads fewer


@both
@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"deadline": 0.2}, "the list exceeded its deadline of 0.2 s (increase `deadline`)"),
        ({"deadline": 60, "_deadline": 0.2}, "the call exceeded its deadline of 0.2 s (increase _deadline)"),
    ],
    ids=["list", "call"],
)
def test_error_names_the_deadline_that_ended_the_call_for_a_page(
    read: Use, prefetch: int, limits: dict[str, float], reason: str
) -> None:
    with ListService(entries(30), latency=5) as service, pytest.raises(DeadlineExceeded) as caught:
        read(service, {"page_size": 10, "prefetch": prefetch, **limits})
    assert caught.value.reason == reason


@both
def test_a_page_that_fails_raises_when_the_loop_reaches_it(read: Use) -> None:
    got: list[int] = []
    with ListService(entries(30)) as service:
        plain = service.envelope
        service.envelope = lambda number, size: plain(number, size) if number < 3 else {"content": 5}  # type: ignore[method-assign]
        with pytest.raises(ApiException, match="content should be a list"):
            read(service, {"page_size": 10, "prefetch": 3})
    assert not got


@both
def test_an_unknown_option_is_rejected_immediately(read: Use) -> None:
    for wrong in ({"async_req": True}, {"page": 2}, {"size": 5}, {"_timeout": 1}):
        with ListService(entries(5)) as service, pytest.raises(TypeError, match="no parameter or option"):
            read(service, wrong)
    with ListService(entries(5)) as service, pytest.raises(ApiValueError, match="prefetch"):
        read(service, {"prefetch": 1000})
    assert not service.requests


def test_pages_yields_the_envelopes_and_each_loop_reads_the_list_again() -> None:
    with ListService(entries(25)) as service, ApiClient(Configuration(service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10)
        assert [len(page.content or []) for page in pager.pages()] == [10, 10, 5]
        assert [page.total_elements for page in pager.pages()] == [25] * 3
        assert len(list(pager)) == 25
        assert len(service.requests) == 9


def test_total_reads_the_first_page_and_the_loop_continues_from_there() -> None:
    with ListService(entries(25)) as service, ApiClient(Configuration(service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=2)
        assert pager.total == 25
        assert pager.total == 25
        assert [item.id for item in pager] == list(range(1, 26))
        assert len(service.requests) == 3


def test_awaiting_a_pager_reads_the_first_page() -> None:
    async def main() -> None:
        async with aio.ApiClient(Configuration(service.url)) as client:
            pager = aio.UsersInventoryApi(client).iter_users_inventory(page_size=10)
            assert pager.total is None
            assert (await pager).total == 25
            assert [item.id async for item in await pager] == list(range(1, 26))
            assert len(service.requests) == 3
            assert [len(page.content or []) async for page in pager.pages()] == [10, 10, 5]

    with ListService(entries(25)) as service:
        asyncio.run(main())


@pytest.mark.parametrize("prefetch", [0, 2])
def test_pager_that_was_awaited_can_be_read_in_another_event_loop(prefetch: int) -> None:
    async def begin() -> aio.Pager[Any, Any]:
        return await pager

    async def read() -> list[Any]:
        return [item.id async for item in pager]

    with ListService(entries(25)) as service:
        client = aio.ApiClient(Configuration(service.url))
        pager = aio.UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=prefetch)
        assert asyncio.run(begin()).total == 25
        assert asyncio.run(read()) == list(range(1, 26))


def test_loop_that_ends_before_a_prefetching_reader_reports_nothing() -> None:
    reported: list[dict[str, Any]] = []

    async def main(host: str) -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        client = aio.ApiClient(Configuration(host))
        reading = aiter(aio.UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=3))
        await anext(reading)
        return reading  # which is not dropped before the loop ends

    with ListService(entries(50)) as service:
        reading = asyncio.run(main(service.url))
    assert reported == []
    del reading


def test_prefetched_pages_that_are_never_awaited_report_no_lost_errors() -> None:
    lost: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(context))
        async with aio.ApiClient(Configuration(service.url)) as client:
            pager = await aio.UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=2)
            assert pager.total == 25
        for _ in range(3):
            await asyncio.sleep(0)
        del pager
        gc.collect()

    with ListService(entries(25)) as service:
        asyncio.run(main())
    assert lost == []


@pytest.fixture
def threads() -> Callable[[], int]:
    """Returns the number of threads of the SDK that the test has started and that still run."""
    before = set(threading.enumerate())
    return lambda: sum("knetik_cloud" in thread.name for thread in set(threading.enumerate()) - before)


def test_no_thread_is_left_when_a_pager_is_dropped_half_way(threads: Callable[[], int]) -> None:
    with ListService(entries(400), latency=0.5) as service, ApiClient(Configuration(service.url)) as client:
        reading = iter(UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=8))
        next(reading)
        assert 1 <= threads() <= 8  # one that is idle again takes another page
        del reading
        assert threads() > 0  # the pages in flight are not waited for
        started = time.monotonic()
        while threads() and time.monotonic() - started < 20:
            time.sleep(0.01)
        assert not threads()
        requested = len(service.requests)
        time.sleep(0.1)
        assert len(service.requests) == requested <= 10


def test_without_prefetch_no_thread_is_started(threads: Callable[[], int]) -> None:
    with ListService(entries(40)) as service, ApiClient(Configuration(service.url)) as client:
        for _ in UsersInventoryApi(client).iter_users_inventory(page_size=10):
            assert not threads()


def test_no_task_is_left_when_a_loop_is_left_half_way() -> None:
    async def main() -> None:
        async with aio.ApiClient(Configuration(service.url)) as client:
            async for _ in aio.UsersInventoryApi(client).iter_users_inventory(page_size=10, prefetch=8):
                break
            gc.collect()
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with ListService(entries(400), latency=0.05) as service, warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())


@pytest.mark.slow
def test_a_million_rows_run_in_constant_memory() -> None:
    """From the second tenth on nothing is added: what is remembered is full by then."""
    with ListService(range(1_000_000)) as service, ApiClient(Configuration(service.url)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(page_size=10_000)
        count, sizes = 0, []
        for page in pager.pages():
            count += len(page.content or [])
            sizes.append(resident())
    assert count == 1_000_000
    assert max(sizes[20:]) - max(sizes[:20]) < 10


def resident() -> float:
    """Return the memory that this process takes, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
