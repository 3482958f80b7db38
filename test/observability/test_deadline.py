"""`deadline` limits several calls together, in threads and tasks too."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import ApiClient, ApiValueError, Configuration, DeadlineExceeded, UsersInventoryApi, aio
from knetik_cloud.deadlines import remaining
from test.faults.connection import holds
from test.faults.server import FaultServer, healthy, http_response, keeps
from test.paging.lists import ListService

PASSED = r"the deadline of 0\.2 s has passed \(increase knetik_cloud\.deadline\)"


def test_calls_of_a_block_share_its_deadline() -> None:
    with FaultServer([healthy, holds]) as server, ApiClient(Configuration(server.url)) as client:
        api = UsersInventoryApi(client)
        with knetik_cloud.deadline(0.2):
            api.get_user_inventory(56, 57)
            with pytest.raises(DeadlineExceeded, match=PASSED):
                api.get_user_inventory(56, 57)
            with pytest.raises(DeadlineExceeded, match="the call was not sent") as caught:
                api.get_user_inventory(56, 57)
            assert (caught.value.operation, caught.value.may_have_applied) == ("get_user_inventory", False)
        assert api.get_user_inventory(56, 57).id == 56
    assert len(server.requests) == 3


def test_tasks_share_the_deadline_of_their_block() -> None:
    async def main() -> list[Any]:
        async with aio.ApiClient(Configuration(server.url)) as client:
            read = aio.UsersInventoryApi(client).get_user_inventory
            with knetik_cloud.deadline(0.2):
                calls = [read(56, 57), client.submit(read, 56, 57)]
                return await asyncio.gather(*calls, return_exceptions=True)

    with FaultServer([holds, holds]) as server:
        for error in asyncio.run(main()):
            assert isinstance(error, DeadlineExceeded)
            assert PASSED.replace("\\", "") in str(error)


@pytest.mark.parametrize("how", ["submit", "async_req", "prefetch"])
def test_threads_share_the_deadline_of_their_block(how: str) -> None:
    with ListService(range(100), latency=0.5) as service, ApiClient(Configuration(service.url)) as client:
        api = UsersInventoryApi(client)
        calls: dict[str, Callable[[], object]] = {
            "submit": lambda: client.submit(api.get_users_inventory).result(),
            "async_req": lambda: api.get_users_inventory(async_req=True).get(),  # type: ignore[call-overload]
            "prefetch": lambda: list(api.iter_users_inventory(page_size=10, prefetch=2)),
        }
        with knetik_cloud.deadline(0.2), pytest.raises(DeadlineExceeded, match=PASSED):
            calls[how]()


def test_waits_before_retries_and_tokens_count() -> None:
    busy = keeps(http_response(b"", "Retry-After: 1", status="503 X"))
    with FaultServer([busy, holds]) as server:
        client = ApiClient(Configuration(server.url))
        with client, knetik_cloud.deadline(0.9), pytest.raises(knetik_cloud.ServiceException):
            UsersInventoryApi(client).get_user_inventory(56, 57)  # a retry would come too late
        client = ApiClient(Configuration(server.url, client_secret="secret"))
        with client, knetik_cloud.deadline(0.2), pytest.raises(DeadlineExceeded):
            UsersInventoryApi(client).get_user_inventory(56, 57)


def test_the_deadline_that_comes_first_counts() -> None:
    with FaultServer([holds, holds]) as server, ApiClient(Configuration(server.url)) as client:
        api = UsersInventoryApi(client)
        with knetik_cloud.deadline(60), pytest.raises(DeadlineExceeded, match=r"its deadline of 0\.2 s"):
            api.get_user_inventory(56, 57, _deadline=0.2)
        with knetik_cloud.deadline(0.2), knetik_cloud.deadline(60):
            assert remaining() <= 0.2
            with pytest.raises(DeadlineExceeded, match=PASSED):
                api.get_user_inventory(56, 57)


def test_the_deadline_of_a_block_ends_a_stream_and_is_named() -> None:
    with (
        FaultServer([lambda peer, request: (peer.send(http_response(b"", length=9)), peer.hold())]) as server,
        ApiClient(Configuration(server.url)) as client,
        knetik_cloud.deadline(0.2),
        client.raw(UsersInventoryApi(client).get_user_inventory, 56, 57) as response,
        pytest.raises(DeadlineExceeded, match=r"increase .*knetik_cloud\.deadline"),
    ):
        response.read()


def test_blocks_nest_and_end() -> None:
    assert remaining() == math.inf
    with knetik_cloud.deadline(5):
        with knetik_cloud.deadline(math.inf):
            assert remaining() <= 5
        with knetik_cloud.deadline(1):
            assert remaining() <= 1
        assert 1 < remaining() <= 5
    assert remaining() == math.inf


def test_block_in_a_generator_whose_steps_have_contexts_of_their_own_ends() -> None:
    def rows() -> Iterator[int]:
        with knetik_cloud.deadline(60):
            yield 1
        yield 2

    steps = rows()
    assert [copy_context().run(next, steps, None) for _ in range(3)] == [1, 2, None]
    assert remaining() == math.inf


def test_a_wait_outside_of_calls_is_not_interrupted() -> None:
    with knetik_cloud.deadline(0.01):
        time.sleep(0.05)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, True, "2"])
def test_deadline_must_be_above_zero(wrong: Any) -> None:
    block = knetik_cloud.deadline(wrong)
    with pytest.raises(ApiValueError, match="seconds must be a number of seconds above 0"):
        block.__enter__()
