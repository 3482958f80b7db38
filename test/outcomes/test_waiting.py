"""Waiters: the right item or the right error, in time, with few requests, over both clients."""

from __future__ import annotations

import asyncio
import enum
import gc
import json
import math
import re
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import knetik_cloud
from knetik_cloud import aio, waiting
from knetik_cloud.aio import waiting as aio_waiting
from knetik_cloud.sandbox import Sandbox
from test.outcomes.conftest import Asyncio, Blocking, Client

ADD = {"sku": "sku_example", "note": "", "skip_invoice": False}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(fulfillment_delay=3600) as running:
        yield running


def add(client: Client) -> Any:
    """Add an item, which the sandbox delivers in an hour, and return its entry."""
    invoice = client.call("add_item_to_user_inventory", 56, user_inventory_add_request=ADD)
    page = client.call("get_user_inventories", 56, inactive=True, size=1000)
    return next(entry for entry in page.content if entry.invoice_id == invoice.id)


def wait(client: Client, *args: Any, **kwargs: Any) -> Any:
    return client.call("wait_until_user_inventory_active", *args, **kwargs)


def advancing(sandbox: Sandbox, **step: float) -> Any:
    """Move the sandbox's clock instead of sleeping."""
    return lambda seconds: sandbox.advance(**(step or {"seconds": seconds}))


def resume(client: Client, token: str | None, **kwargs: Any) -> Any:
    assert token is not None
    if isinstance(client, Asyncio):
        return client.loop.run_until_complete(aio_waiting.resume(client.api, token, **kwargs))
    return waiting.resume(client.api, token, **kwargs)


def looks(sandbox: Sandbox) -> list[str]:
    return [exchange.operation for exchange in sandbox.journal() if exchange.operation is not None]


def test_first_look_is_immediate(client: Client, sandbox: Sandbox) -> None:
    sandbox.clear_journal()
    entry = wait(client, 56, 56, sleep=lambda seconds: 1 / 0)
    assert (entry.id, entry.status) == (56, "active")
    assert looks(sandbox) == ["get_user_inventory"]


def test_waiter_moves_the_clock_of_a_sandbox_instead_of_sleeping(client: Client, sandbox: Sandbox) -> None:
    entry = add(client)
    assert entry.status == "pending"
    active = wait(client, 56, entry.id, sleep=advancing(sandbox, minutes=20), deadline=60)
    assert (active.id, active.status) == (entry.id, "active")


def test_entry_is_found_by_its_invoice_or_item(client: Client, sandbox: Sandbox) -> None:
    entry = add(client)
    by_invoice = wait(client, 56, invoice_id=entry.invoice_id, sleep=advancing(sandbox, hours=1))
    assert by_invoice.id == entry.id
    client.call("grant_user_entitlement", 56, {"entitlement_id": 5})
    by_item = wait(client, 56, item_id=5, since=entry.created_date)
    assert by_item.id > entry.id


def test_many_entries_cost_one_list_per_look(client: Client, sandbox: Sandbox) -> None:
    ids = [add(client).id for _ in range(20)]
    sandbox.clear_journal()
    entries = wait(client, 56, [ids[3], *ids], sleep=advancing(sandbox, minutes=25))
    assert [entry.id for entry in entries] == [ids[3], *ids]
    assert looks(sandbox) == ["get_user_inventories"] * 4
    assert "filter_date" not in sandbox.journal()[0].query
    assert "filter_date" in sandbox.journal()[1].query


def test_entry_that_cant_become_active_fails_with_its_invoice_and_state(
    client: Client, sandbox: Sandbox
) -> None:
    entry = add(client)
    client.call("update_user_inventory_status", 56, entry.id, inventory_status="inactive")
    for item in (entry.id, [56, entry.id]):
        with pytest.raises(knetik_cloud.WaitFailed, match="can't become 'active' anymore") as caught:
            wait(client, 56, item)
        assert f"{entry.id} (invoice {entry.invoice_id}) is 'inactive'" in str(caught.value)
        assert (caught.value.state, caught.value.item.id) == ("inactive", entry.id)
    with pytest.raises(knetik_cloud.WaitFailed):
        wait(client, 56, invoice_id=entry.invoice_id)


def test_deadline_counts_waits_and_ends_with_the_last_state_and_a_token(
    client: Client, sandbox: Sandbox
) -> None:
    entry = add(client)
    slept: list[float] = []
    with pytest.raises(knetik_cloud.DeadlineExceeded, match="is 'pending'") as caught:
        wait(client, 56, entry.id, deadline=60, sleep=slept.append)
    assert sum(slept) == pytest.approx(60, abs=1.5)
    assert 0.1 <= slept[0] <= 0.2
    assert all(2.5 <= pause <= 5 for pause in slept[12:-1])
    sandbox.advance(hours=2)
    resumed = resume(client, caught.value.wait_token)
    assert (resumed.id, resumed.status) == (entry.id, "active")


class Member(enum.Enum):
    USER = 56
    ME = "me"


class Word(str, enum.Enum):  # noqa: UP042 - formatting differs from that of a StrEnum
    ME = "me"


def test_wait_for_several_entries_is_resumed(client: Client, sandbox: Sandbox) -> None:
    ids = [add(client).id, 56]
    with pytest.raises(knetik_cloud.DeadlineExceeded) as caught:
        wait(client, 56, ids, deadline=3, sleep=lambda seconds: None)
    assert caught.value.wait_token == waiting.token(client.api.wait_until_user_inventory_active, 56, ids)
    resumed = resume(client, caught.value.wait_token, sleep=advancing(sandbox, hours=1))
    assert [entry.id for entry in resumed] == ids


@pytest.mark.parametrize("integer", [np.int64, np.array, str], ids=["numpy", "array", "text"])
@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_integers_of_any_library_are_resumed(
    client: Client, sandbox: Sandbox, integer: Any, several: bool
) -> None:
    entry = add(client)
    awaited = (integer(each) for each in (entry.id, 56)) if several else integer(entry.id)
    with pytest.raises(knetik_cloud.DeadlineExceeded) as caught:
        wait(client, integer(56), awaited, deadline=3, sleep=lambda seconds: None)
    resumed = resume(client, caught.value.wait_token, sleep=advancing(sandbox, hours=1))
    assert [each.id for each in resumed] == [entry.id, 56] if several else resumed.id == entry.id


@pytest.mark.parametrize("integer", [np.int64, str])
def test_fields_that_identify_an_entry_may_be_integers_of_any_library(
    client: Client, sandbox: Sandbox, integer: Any
) -> None:
    entry = add(client)
    fields = {"item_id": integer(entry.item_id), "invoice_id": integer(entry.invoice_id)}
    with pytest.raises(knetik_cloud.DeadlineExceeded, match="is 'pending'") as caught:
        wait(client, 56, **fields, since=np.int64(entry.created_date), deadline=3, sleep=lambda seconds: None)
    resumed = resume(client, caught.value.wait_token, sleep=advancing(sandbox, hours=1))
    assert resumed.id == entry.id


@pytest.mark.parametrize(
    ("user", "item", "arguments", "awaited"),
    [
        (56, 0, {"user_id": 56}, 0),
        (56, ["0", np.int64(1)], {"user_id": 56}, [0, 1]),
        (Member.USER, Member.USER, {"user_id": 56}, 56),
        (Member.ME, {56: "one entry"}.keys(), {"user_id": "me"}, [56]),
        (Word.ME, "7", {"user_id": "me"}, 7),
    ],
)
def test_token_holds_plain_values(
    client: Client, user: Any, item: Any, arguments: dict[str, Any], awaited: Any
) -> None:
    made = json.loads(waiting.token(client.api.wait_until_user_inventory_active, user, item))
    assert (made["arguments"], made["item"]) == (arguments, awaited)


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_block_with_a_deadline_ends_a_wait(client: Client, sandbox: Sandbox, several: bool) -> None:
    entry = add(client)
    passed = r"^the deadline of 1 s has passed \(increase knetik_cloud\.deadline\): status is not 'active'"
    with knetik_cloud.deadline(1), pytest.raises(knetik_cloud.DeadlineExceeded, match=passed) as caught:
        wait(client, 56, [entry.id] if several else entry.id, deadline=math.inf)
    resumed = resume(client, caught.value.wait_token, sleep=advancing(sandbox, hours=1))
    assert (resumed[0] if several else resumed).id == entry.id


def test_wait_in_a_block_that_has_ended_sends_nothing(client: Client, sandbox: Sandbox) -> None:
    sandbox.clear_journal()
    with knetik_cloud.deadline(1e-9), pytest.raises(knetik_cloud.DeadlineExceeded) as caught:
        wait(client, 56, 56, deadline=math.inf, sleep=lambda seconds: 1 / 0)
    assert "nothing was seen yet" in str(caught.value)
    assert resume(client, caught.value.wait_token).id == 56
    assert looks(sandbox) == ["get_user_inventory"]


class StoppedError(Exception):
    pass


def test_waits_are_no_longer_than_their_block(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("get_user_inventory", status=503, times=1, headers={"Retry-After": "3600"})
    slept: list[float] = []

    def stop(seconds: float) -> None:
        slept.append(seconds)
        raise StoppedError

    with knetik_cloud.deadline(60), pytest.raises(StoppedError):
        wait(client, 56, 56, deadline=math.inf, sleep=stop, _retries=0)
    assert 0 < slept[0] <= 60


def test_simulated_time_does_not_end_a_block(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("get_user_inventory", status=503, times=3, headers={"Retry-After": "500"})
    slept: list[float] = []
    with knetik_cloud.deadline(600):
        assert wait(client, 56, 56, deadline=7200, sleep=slept.append, _retries=0).id == 56
        assert slept == [500, 500, 500]
        with pytest.raises(knetik_cloud.DeadlineExceeded, match=r"after 3 s: .*\(increase deadline, or"):
            wait(client, 56, add(client).id, deadline=3, sleep=slept.append)


def test_pages_of_a_look_share_what_is_left_of_the_deadline(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page takes a second."""
    ids = [add(client).id for _ in range(5)]
    now, limits, call = 0.0, [], client.client.call

    def call_for_a_second(operation: Any, arguments: Any, options: Any, **how: Any) -> Any:
        nonlocal now
        now += 1
        limits.append(options["_deadline"])
        return call(operation, arguments, options, **how)

    monkeypatch.setattr(waiting, "PAGE_SIZE", 1)
    monkeypatch.setattr(waiting, "monotonic", lambda: now)
    monkeypatch.setattr(client.client, "call", call_for_a_second)
    with pytest.raises(knetik_cloud.DeadlineExceeded, match="nothing was seen yet"):
        wait(client, 56, ids, deadline=3)
    assert limits == [3, 2, 1]


def test_token_is_json_and_waits_for_nothing(client: Client, sandbox: Sandbox) -> None:
    sandbox.clear_journal()
    token = waiting.token(client.api.wait_until_user_inventory_active, 56, [56, 1], deadline=3)
    assert json.loads(token) == {
        "operation": "get_user_inventory", "waiter": "user_inventory_active",
        "arguments": {"user_id": 56}, "item": [56, 1], "find": {}, "since": None,
    }  # fmt: skip
    assert sandbox.journal() == []


def test_service_that_fails_for_a_while_is_read_again(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("get_user_inventory", status=503, times=9, headers={"Retry-After": "0"})
    assert wait(client, 56, 56, sleep=lambda seconds: None).id == 56


def test_retry_after_is_kept_to(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("get_user_inventory", status=503, times=1, headers={"Retry-After": "7"})
    slept: list[float] = []
    wait(client, 56, 56, sleep=slept.append, _retries=0)
    assert slept == [7.0]


def test_rejected_looks_raise_immediately(client: Client, sandbox: Sandbox) -> None:
    with pytest.raises(knetik_cloud.NotFoundException):
        wait(client, 56, 999)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "needs id, or one of item_id, invoice_id, since"),
        ({"id": 5, "item_id": 5}, "id already specifies what to wait for: omit item_id"),
        ({"id": 5, "deadline": 0}, "deadline must be a number of seconds above 0"),
        ({"id": ["x"]}, "each of id must be an int"),
        ({"id": ["²"]}, "each of id must be an int"),
        ({"id": [-1]}, "each of id must be an int of 0 or more"),
        ({"id": b"56"}, "id must be an int"),
        ({"id": {56: "one entry"}}, "id must be an int"),
        ({"id": 2**40}, "id must be an int of 32 bits"),
        ({"item_id": "potion"}, "item_id must be an int"),
        ({"item_id": 5, "since": "yesterday"}, "since"),
    ],
)
def test_waits_for_nothing_in_particular_are_rejected(
    client: Client, sandbox: Sandbox, kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(knetik_cloud.ApiValueError, match=message):
        wait(client, 56, **kwargs)


@pytest.mark.parametrize("token", ["", "{}", "[]", '{"operation": "x"}'])
def test_other_texts_are_not_tokens(client: Client, token: str) -> None:
    if isinstance(client, Blocking):
        with pytest.raises(knetik_cloud.ApiValueError, match="token must be a token of a waiter"):
            waiting.resume(client.api, token)
    with pytest.raises(TypeError, match="expected a waiter"):
        waiting.token(client.api.get_user_inventory, 56, 56)


def test_unknown_arguments_are_rejected_with_the_name_of_the_waiter(client: Client, sandbox: Sandbox) -> None:
    waiter = client.api.wait_until_user_inventory_active
    advice = (
        "did you mean 'deadline'? It takes user_id, id, item_id, invoice_id, since, deadline, sleep, and the"
    )
    message = re.escape(f"wait_until_user_inventory_active() has no parameter or option 'deadlin': {advice}")
    with pytest.raises(TypeError, match=message):
        wait(client, 56, 56, deadlin=3)
    with pytest.raises(TypeError, match=message):
        waiting.token(waiter, 56, 56, deadlin=3)
    with pytest.raises(knetik_cloud.ApiValueError, match="_retries must be"):
        waiting.token(waiter, 56, 56, _retries=-1)
    with pytest.raises(TypeError, match=re.escape("resume() has no parameter or option 'deadlin'")):
        resume(client, waiting.token(waiter, 56, 56), deadlin=3)
    assert sandbox.journal() == []


@pytest.mark.parametrize("method", ["iter_entitlement_items", "get_entitlement_items"])
def test_tokens_are_of_waiters_only(client: Client, method: str) -> None:
    with pytest.raises(TypeError, match=f"expected a waiter.*, not <bound method UsersInventoryApi.{method}"):
        waiting.token(getattr(client.api, method))


def test_resume_rejects_what_is_not_an_api_object_of_the_blocking_client(client: Client) -> None:
    token = waiting.token(client.api.wait_until_user_inventory_active, 56, 56)
    for api in (client.client, aio.UsersInventoryApi()):
        with pytest.raises(TypeError, match=r"takes an API object of the blocking client.*knetik_cloud\.aio"):
            waiting.resume(api, token)  # type: ignore[arg-type]


@pytest.mark.parametrize("item", [999, [56, 999]])
def test_error_of_a_wait_is_freed_with_its_frames(sandbox: Sandbox, item: Any) -> None:
    sandbox.fail("get_user_inventories", status=400, times=None)
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        gc.collect()
        gc.disable()
        try:
            try:
                api.wait_until_user_inventory_active(56, item)
            except knetik_cloud.ApiException as error:
                left = weakref.ref(error)
            assert left() is None
        finally:
            gc.enable()


def test_resume_of_asyncio_rejects_what_is_not_an_api_object_of_its_client(
    client: Client, sandbox: Sandbox
) -> None:
    token = waiting.token(client.api.wait_until_user_inventory_active, 56, 56)
    requests = len(sandbox.journal())
    with knetik_cloud.UsersInventoryApi() as blocking:
        for api in (client.client, blocking):
            message = r"takes an API object of the asyncio client.*knetik_cloud\.waiting"
            with pytest.raises(TypeError, match=message):
                asyncio.run(aio.waiting.resume(api, token))
    assert len(sandbox.journal()) == requests


def test_cancelling_ends_the_wait_immediately(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with aio.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
            api = aio.UsersInventoryApi(client)
            invoice = await api.add_item_to_user_inventory(
                56, user_inventory_add_request=knetik_cloud.UserInventoryAddRequest.from_dict(ADD)
            )
            assert invoice is not None
            task = asyncio.create_task(api.wait_until_user_inventory_active(56, invoice_id=invoice.id))
            await asyncio.sleep(0.5)
            task.cancel()
            for _ in range(100):  # turns of the loop, in which nothing is waited for
                await asyncio.sleep(0)
            assert task.cancelled()

    asyncio.run(main())
