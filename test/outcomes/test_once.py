"""`once` and `find_out`: each fault ends in the right state, with one write at most."""

from __future__ import annotations

import asyncio
import copy
import enum
import gc
import math
import pickle
import random
import re
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from email.utils import formatdate
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

import knetik_cloud
from knetik_cloud import aio, operations, recovery, writes
from knetik_cloud.aio import recovery as aio_recovery
from knetik_cloud.recovery import ServiceTime, capture, keyed
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.writes import Moment
from test.outcomes.conftest import Asyncio, Blocking, Client, StrangerAfterAnAdd, post_by_a_stranger

USE = "use_user_entitlement_item"
GRANT = "grant_user_entitlement"
UPDATE = "update_user_inventory_status"
SONGBOOK = {"entitlement_id": 5}
LOST = {
    "reset after": {"reset": True, "applied": True},
    "truncated": {"status": 503, "applied": True},
    "not reached": {"reset": True},
    "503": {"status": 503},
}


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone that is hours away from UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_service_time_that_names_no_zone_is_that_of_utc() -> None:
    clock = ServiceTime()
    date = formatdate()
    clock.learn({"Date": date}, Moment.now())
    assert date.endswith(" -0000")
    assert abs(clock.now() - time.time()) < 600


def infos(sandbox: Sandbox) -> list[str]:
    """The infos of all uses of the potion of user 56 in the log, but for those of the seed."""
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        log = knetik_cloud.UsersInventoryApi(client).iter_user_inventory_log(56, 56)
        return [line.info for line in log if line.type == "use" and not line.info.startswith("Used in")]


def songbooks(sandbox: Sandbox) -> list[int]:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        api = knetik_cloud.UsersInventoryApi(client)
        return [entry.id for entry in api.iter_user_inventories(56, filter_item_id=5, inactive=True)]


def grant_by_a_stranger(sandbox: Sandbox) -> None:
    """Grant the songbook from outside of this process, as far as its clients know."""
    post_by_a_stranger(sandbox, "/users/56/entitlements", SONGBOOK)


def error_of(client: Client, name: str, *args: Any, **kwargs: Any) -> knetik_cloud.ApiException:
    with pytest.raises(knetik_cloud.ApiException) as caught:
        client.call(name, *args, **kwargs)
    return caught.value


def run(client: Client, steps: recovery.Steps[Any]) -> tuple[knetik_cloud.Outcome[Any], list[float]]:
    """Run an algorithm with its pauses recorded instead of slept, and return them with its outcome."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    if isinstance(client, Asyncio):
        return client.loop.run_until_complete(aio_recovery.run_steps(client.client, steps, sleep)), slept
    return recovery.run_steps(client.client, steps, slept.append), slept


def test_first_call_applies_and_second_one_finds(client: Client, sandbox: Sandbox) -> None:
    assert client.once(USE, 56, 56, key="a").state == "applied"
    sandbox.clear_journal()
    found = client.once(USE, 56, 56, key="a")
    assert (found.state, found.is_applied, found.evidence.info) == ("found", True, "[a]")
    assert sandbox.journal(USE) == []
    assert infos(sandbox) == ["[a]"]


def test_keys_match_as_a_whole(client: Client, sandbox: Sandbox) -> None:
    for key in ("order-10", "order-1", "der-1", "order 1"):
        assert client.once(USE, 56, 56, key=key).state == "applied"
    assert client.once(USE, 56, 56, key="order-1", info="again").state == "found"


def test_own_info_is_kept_in_addition_to_the_key(client: Client, sandbox: Sandbox) -> None:
    client.once(USE, 56, 56, key="a", info="Round 3")
    assert infos(sandbox) == ["Round 3 [a]"]
    assert client.once(USE, 56, 56, key="a").state == "found"


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_use_is_applied_exactly_once(client: Client, sandbox: Sandbox, fault: dict[str, Any]) -> None:
    sandbox.fail(USE, **fault)
    outcome = client.once(USE, 56, 56, key="a", settle=0.1)
    assert outcome.state == "applied"
    assert infos(sandbox) == ["[a]"]


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_grant_is_applied_exactly_once(client: Client, sandbox: Sandbox, fault: dict[str, Any]) -> None:
    grant_by_a_stranger(sandbox)  # in the same second, but before
    client.call(GRANT, 56, SONGBOOK)
    before = songbooks(sandbox)
    sandbox.fail(GRANT, **fault)
    outcome = client.once(GRANT, 56, SONGBOOK, key="a", settle=0.1)
    (new,) = set(songbooks(sandbox)) - set(before)
    assert outcome.state == "applied"
    assert outcome.evidence is None or outcome.evidence.id == new


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
@pytest.mark.parametrize("name", ["add_item_to_user_inventory", "create_entitlement_item"])
def test_adds_and_creations_are_applied_exactly_once(
    client: Client, sandbox: Sandbox, fault: dict[str, Any], name: str
) -> None:
    if name == "add_item_to_user_inventory":
        arguments: tuple[Any, ...] = (56,)
        named: dict[str, Any] = {
            "user_inventory_add_request": {"sku": "sku_example", "note": "", "skip_invoice": False}
        }
        count = lambda: len(list(sandbox.export()["inventory"]))  # noqa: E731
    else:
        arguments, named = (), {"entitlement_item": {"name": "New", "type_hint": "entitlement"}}
        count = lambda: len(list(sandbox.export()["items"]))  # noqa: E731
    before = count()
    sandbox.fail(name, **fault)
    assert client.once(name, *arguments, key="a", settle=0.1, **named).state == "applied"
    assert count() == before + 1


def test_without_retries_a_write_that_is_not_there_is_absent(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True)
    outcome = client.once(USE, 56, 56, key="a", settle=0.1, _retries=0)
    assert (outcome.state, outcome.is_applied) == ("absent", False)
    assert infos(sandbox) == []


def test_write_is_sent_again_when_the_service_allows_it(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, status=503, headers={"Retry-After": "0.5"})
    assert client.once(USE, 56, 56, key="a", settle=0).state == "applied"
    first, second = (exchange.time for exchange in sandbox.journal(USE))
    assert second - first >= 0.49  # a wall clock, which may be slewed


@pytest.mark.parametrize(("seconds", "block"), [("61", 3600.0), ("30", 20.0)])
def test_write_is_not_sent_again_if_the_service_allows_it_too_late(
    client: Client, sandbox: Sandbox, seconds: str, block: float
) -> None:
    sandbox.fail(USE, status=503, headers={"Retry-After": seconds})
    with knetik_cloud.deadline(block):
        outcome = client.once(USE, 56, 56, key="a", settle=0)
    assert (outcome.state, len(sandbox.journal(USE))) == ("absent", 1)
    assert outcome.error is not None
    assert outcome.error.retry_after == float(seconds)


def test_read_backs_are_retried_without_retries(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True, applied=True)
    assert client.once(USE, 56, 56, key="b", settle=0.1).state == "applied"
    for name in ("get_user_inventories", "get_user_inventory_log"):
        sandbox.fail(name, status=503, times=2)
        sandbox.fail(name, reset=True, times=2)
    assert client.once(USE, 56, 56, key="b", settle=0.1, _retries=0).state == "found"


def test_read_backs_are_retried_after_growing_pauses_within_a_block(client: Client, sandbox: Sandbox) -> None:
    def use() -> recovery.Steps[Any]:
        method, options = client.api.use_user_entitlement_item, {"_retries": 0}
        return recovery.prepare(method, (56, 56), options, "a", 0.1, isinstance(client, Asyncio))[1]

    sandbox.fail("get_user_inventories", status=503, times=None)
    outcome, slept = run(client, use())
    assert outcome.state == "unknown"
    assert all(least <= pause <= 2 * least for least, pause in zip((0.25, 0.5, 1.0), slept, strict=True))
    with knetik_cloud.deadline(0.2):
        assert run(client, use())[1] == []


def test_read_backs_have_the_retries_of_a_call_that_has_more(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("get_user_inventories", status=503, headers={"Retry-After": "0"}, times=5)
    method, options = client.api.use_user_entitlement_item, {"_retries": 5}
    steps = recovery.prepare(method, (56, 56), options, "a", 0.1, isinstance(client, Asyncio))[1]
    outcome, slept = run(client, steps)
    assert (outcome.state, slept) == ("applied", [])


@pytest.mark.parametrize(("status", "times"), [(408, 4), (425, 1), (429, 4)])
def test_read_back_that_may_succeed_later_is_read_again(
    client: Client, sandbox: Sandbox, status: int, times: int
) -> None:
    sandbox.fail("get_user_inventories", status=status, headers={"Retry-After": "0"}, times=times)
    assert client.once(USE, 56, 56, key="a", settle=0).state == "applied"


def test_unreadable_outcome_is_unknown(client: Client, sandbox: Sandbox) -> None:
    error = None
    sandbox.fail(USE, reset=True, applied=True)
    error = error_of(client, USE, 56, 56, info="mine")
    sandbox.fail("get_user_inventories", status=403, times=None)
    outcome = client.find_out(error, settle=0.1)
    assert outcome.state == "unknown"
    assert isinstance(outcome.error, knetik_cloud.ForbiddenException)


@pytest.mark.parametrize("name", ["get_user_inventories", "get_user_inventory_log"])
def test_error_of_an_unreadable_outcome_is_found_out_later(
    client: Client, sandbox: Sandbox, name: str
) -> None:
    sandbox.fail(USE, reset=True, applied=True)
    sandbox.fail(name, status=403, times=None)
    error = error_of(client, USE, 56, 56, info="a")
    for _ in range(2):
        outcome = client.find_out(error, settle=0)
        assert isinstance(outcome.error, knetik_cloud.ForbiddenException)
        error = outcome.error
        assert (outcome.state, error.may_have_applied) == ("unknown", True)
    sandbox.clear_faults()
    assert client.find_out(error, settle=0).state == "applied"


def test_error_of_a_settle_time_that_a_block_cuts_is_found_out_later(
    client: Client, sandbox: Sandbox
) -> None:
    sandbox.fail(GRANT, reset=True)
    with knetik_cloud.deadline(60):
        cut = client.once(GRANT, 56, SONGBOOK, key="a", settle=3600)
    assert cut.error is not None
    assert cut.error.may_have_applied
    assert client.find_out(cut.error, settle=0).state == "absent"


def test_settle_time_that_has_passed_since_the_failure_is_not_waited_for(
    client: Client, sandbox: Sandbox
) -> None:
    sandbox.fail(GRANT, reset=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    write = error._write
    write.ended = Moment(*(time - 3 for time in write.ended))
    steps = recovery.find_out_steps(error, recovery.settings_of(client.client, {}), 2.0)
    outcome, slept = run(client, steps)
    assert (outcome.state, slept) == ("absent", [])


def test_error_of_a_write_that_cant_be_listed_stays_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True, applied=True)
    outcome = client.find_out(error_of(client, USE, "me", 56, info="a"), settle=0)
    for _ in range(2):
        assert outcome.state == "unknown"
        assert isinstance(outcome.error, knetik_cloud.ApiValueError)
        outcome = client.find_out(outcome.error, settle=0)


@pytest.mark.parametrize("status", [425, 429])
def test_rejection_for_the_moment_is_no_denial(client: Client, sandbox: Sandbox, status: int) -> None:
    sandbox.fail(USE, status=status, times=None)
    assert client.once(USE, 56, 56, key="a", settle=0, _retries=0).state == "absent"


def test_denial_is_denied_and_names_the_rule(client: Client, sandbox: Sandbox) -> None:
    outcome = client.once(USE, 56, 2, key="a")
    assert outcome.state == "denied"
    assert outcome.error is not None
    assert (outcome.error.status, outcome.error.code) == (403, 1007)


@pytest.mark.parametrize("status", [404, 500])
def test_nothing_is_sent_if_nothing_can_be_read(sandbox: Sandbox, client: Client, status: int) -> None:
    sandbox.fail("get_user_inventories", status=status, times=None)
    use, grant = client.once(USE, 56, 56, key="a"), client.once(GRANT, 56, SONGBOOK, key="a")
    assert (use.state, grant.state) == ("unknown", "absent")  # an earlier use may have had the key
    assert not sandbox.journal(USE) + sandbox.journal(GRANT)


@pytest.mark.parametrize("name", ["use", "grant"])
def test_list_that_is_not_found_shows_nothing(sandbox: Sandbox, client: Client, name: str) -> None:
    class NotFoundAfterTheWrite(knetik_cloud.Hook):
        def on_call_end(self, call: Any) -> None:
            if call.operation in (USE, GRANT):
                sandbox.fail("get_user_inventories", status=404, times=2)

    watched = type(client)(sandbox.url, hooks=[NotFoundAfterTheWrite()])
    before = len(songbooks(sandbox))
    sandbox.fail(USE if name == "use" else GRANT, reset=True, applied=True)
    arguments: Any = (USE, 56, 56) if name == "use" else (GRANT, 56, SONGBOOK)
    assert watched.once(*arguments, key="a", settle=0.1).state == "unknown"
    watched.close()
    assert len(infos(sandbox)) + len(songbooks(sandbox)) - before == 1


def test_page_without_a_list_shows_nothing() -> None:
    operation = operations.GRANT_USER_ENTITLEMENT
    lookup = recovery.Lookup(
        operation, {"user_id": 56, "grant_request": SONGBOOK}, recovery.Settings(0, {}, ""), None
    )
    for page in (knetik_cloud.PageResourceUserInventoryResource.from_dict({"message": "maintenance"}), None):
        reply = SimpleNamespace(data=page, headers={})
        service: Any = SimpleNamespace(call=lambda *_, reply=reply, **__: reply)
        with pytest.raises(recovery.CannotReadError, match="returned a page without content"):
            recovery.run_steps(service, lookup.learn_time(), lambda _: None)


def test_lines_of_other_events_do_not_count_as_a_use(client: Client, sandbox: Sandbox) -> None:
    client.call(ADD, 56, user_inventory_add_request={"sku": "sku_example", "note": "a", "skip_invoice": True})
    assert client.once(USE, 56, 56, key="a").state == "applied"


@pytest.mark.parametrize("note", ["[a]", "sold by [a]"])
def test_note_with_the_key_makes_a_use_unknown_and_nothing_is_sent(
    client: Client, sandbox: Sandbox, note: str
) -> None:
    body = {"sku": "sku_example", "note": note, "skip_invoice": True}
    client.call(ADD, 56, user_inventory_add_request=body)
    outcome = client.once(USE, 56, 56, key="a")
    assert (outcome.state, [line.info for line in outcome.candidates]) == ("unknown", [note])
    assert sandbox.journal(USE) == []
    with pytest.raises(
        knetik_cloud.ApiException, match="may be the note of an add: use another key"
    ) as caught:
        raise outcome.error or AssertionError
    assert client.find_out(caught.value).state == "unknown"


def test_use_with_the_key_is_found_in_addition_to_a_note(client: Client, sandbox: Sandbox) -> None:
    client.once(USE, 56, 56, key="a")
    body = {"sku": "sku_example", "note": "sold by [a]", "skip_invoice": True}
    client.call(ADD, 56, user_inventory_add_request=body)
    outcome = client.once(USE, 56, 56, key="a")
    assert (outcome.state, [line.info for line in outcome.candidates]) == ("found", ["[a]"])


def test_note_with_the_info_of_a_lost_use_makes_it_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True)
    lost = error_of(client, USE, 56, 56, info="a")
    client.call(ADD, 56, user_inventory_add_request={"sku": "sku_example", "note": "a", "skip_invoice": True})
    assert client.find_out(lost, settle=0.1).state == "unknown"
    sandbox.fail(USE, reset=True)
    other = error_of(client, USE, 56, 56, info="b")
    assert client.find_out(other, settle=0.1).state == "absent"


def test_key_in_a_line_of_an_unknown_type_counts_as_the_use() -> None:
    """The types of log lines are not documented, and a use that isn't seen would be sent twice."""
    operation = operations.USE_USER_ENTITLEMENT_ITEM
    lookup = recovery.Lookup(operation, {"user_id": 56, "item_id": 56}, recovery.Settings(0, {}, ""), None)
    types = ("use", "USE", "consumed", None, "grant")
    lines = [knetik_cloud.UserItemLogResource.from_dict({"type": each}) for each in types]
    assert [lookup.is_doubtful(line) for line in lines] == [False, False, False, False, True]


@pytest.mark.parametrize("how", ["unknown", "cancelled"])
def test_key_of_a_call_that_is_still_on_its_way_is_not_sent_again(
    client: Client, sandbox: Sandbox, how: str
) -> None:
    sandbox.fail(USE, delay=1.5, applied=True)
    if how == "unknown":
        with knetik_cloud.deadline(1):
            assert client.once(USE, 56, 56, key="a").state == "unknown"
    elif isinstance(client, Asyncio):
        waiting = asyncio.wait_for(aio.once(client.api.use_user_entitlement_item, 56, 56, key="a"), 1)
        with pytest.raises(TimeoutError):
            client.loop.run_until_complete(waiting)
    else:
        with pytest.raises(KeyboardInterrupt):
            interrupted(client, sandbox)
    assert client.once(USE, 56, 56, key="a").state == "found"
    assert infos(sandbox) == ["[a]"]


def test_key_on_its_way_is_found_after_another_text_and_during_a_slow_read(
    client: Client, sandbox: Sandbox
) -> None:
    sandbox.fail(USE, delay=1.5, applied=True)
    with knetik_cloud.deadline(1):
        assert client.once(USE, 56, 56, key="a", info="first").state == "unknown"
    sandbox.fail("get_user_inventory_log", delay=0.5)
    assert client.once(USE, 56, 56, key="a", info="second", settle=1.5).state == "found"
    assert infos(sandbox) == ["first [a]"]


def test_wait_for_a_use_on_its_way_ends_with_the_block(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True)
    error_of(client, USE, 56, 56, info="[a]")
    sandbox.clear_journal()
    steps = recovery.prepare(
        client.api.use_user_entitlement_item, (56, 56), {}, "a", 30.0, isinstance(client, Asyncio)
    )[1]
    with knetik_cloud.deadline(20):
        outcome, slept = run(client, steps)
    assert (outcome.state, slept, sandbox.journal(USE)) == ("unknown", [], [])
    assert isinstance(outcome.error, knetik_cloud.DeadlineExceeded)
    assert client.find_out(outcome.error).state == "unknown"


def test_use_with_another_key_on_its_way_is_not_waited_for(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(USE, reset=True)
    error_of(client, USE, 56, 56, info="[b]")
    steps = recovery.prepare(
        client.api.use_user_entitlement_item, (56, 56), {}, "a", 30.0, isinstance(client, Asyncio)
    )[1]
    outcome, slept = run(client, steps)
    assert (outcome.state, slept) == ("applied", [])


def interrupted(client: Client, sandbox: Sandbox) -> None:
    """Press Ctrl-C while a use with the key `a` is on its way."""
    timer = threading.Timer(1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    client.once(USE, 56, 56, key="a")


def test_strangers_in_the_window_make_it_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    grant_by_a_stranger(sandbox)
    outcome = client.find_out(error, settle=0.1)
    assert outcome.state == "unknown"
    assert {entry.id for entry in outcome.candidates} == set(songbooks(sandbox)) - {1}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(LOST["reset after"], "applied"), (LOST["503"], "absent"), (LOST["not reached"], "absent")],
)
def test_find_out_distinguishes_a_grant_from_those_of_this_process(
    client: Client, sandbox: Sandbox, fault: dict[str, Any], expected: str
) -> None:
    client.call(GRANT, 56, SONGBOOK)
    sandbox.fail(GRANT, **fault)
    error = error_of(client, GRANT, 56, SONGBOOK)
    client.call(GRANT, 56, SONGBOOK)
    assert client.find_out(error, settle=0.1).state == expected
    assert client.find_out(error, settle=0.1).state == expected


ADD = "add_item_to_user_inventory"


@pytest.mark.parametrize(("is_applied", "expected"), [(True, "unknown"), (False, "absent")])
def test_find_out_does_not_count_a_sibling_whose_trace_may_be_another_item_s(
    client: Client, sandbox: Sandbox, is_applied: bool, expected: str
) -> None:
    client.call(ADD, 56, user_inventory_add_request={"sku": "sku_example", "note": "", "skip_invoice": True})
    sandbox.fail(GRANT, reset=True, applied=is_applied)
    error = error_of(client, GRANT, 56, SONGBOOK)
    assert client.find_out(error, settle=0.1).state == expected


def test_read_backs_have_the_headers_of_the_call(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    outcome = client.once(GRANT, 56, SONGBOOK, key="a", settle=0.1, _headers={"X-Tenant": "b"})
    assert outcome.state == "applied"
    assert {read.headers.get("x-tenant") for read in sandbox.journal("get_user_inventories")} == {"b"}


class EntryMoves(knetik_cloud.Hook):
    """Makes an entry too old for a read-back after its first page, and new again after its second, twice."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._dates: list[int] = []
        self.move(int(sandbox.now()))

    def move(self, created_date: int) -> None:
        entry = {"id": 10, "user_id": 56, "item_id": 5, "status": "active"}  # listed before new ones
        self._sandbox.seed({"inventory": [{**entry, "created_date": created_date}]})

    def on_call_end(self, call: Any) -> None:
        if call.operation == GRANT:
            self._dates = [1, int(self._sandbox.now())] * 2
        elif self._dates:
            self.move(self._dates.pop(0))


def test_grant_that_moves_to_a_page_that_was_read_is_not_sent_again(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "PAGE_SIZE", 1)
    sandbox.fail(GRANT, reset=True, applied=True)
    watched = type(client)(sandbox.url, hooks=[EntryMoves(sandbox)])
    assert watched.once(GRANT, 56, SONGBOOK, key="a", settle=0.0).state == "applied"
    watched.close()
    assert len(sandbox.journal(GRANT)) == 1


@pytest.mark.parametrize("function", ["once", "find_out"])
@pytest.mark.parametrize(("is_applied", "expected"), [(True, "applied"), (False, "absent")])
@pytest.mark.parametrize("skip_invoice", [True, False])
def test_add_is_not_confused_with_entries_of_others_that_differ_in_having_an_invoice(
    client: Client, sandbox: Sandbox, skip_invoice: bool, is_applied: bool, expected: str, function: str
) -> None:
    watched = type(client)(sandbox.url, hooks=[StrangerAfterAnAdd(sandbox, not skip_invoice)], retries=0)
    body = {"sku": "sku_example", "note": "", "skip_invoice": skip_invoice}
    sandbox.fail(ADD, reset=True, applied=is_applied)
    if function == "once":
        outcome = watched.once(ADD, 56, user_inventory_add_request=body, key="a", settle=0.1)
    else:
        lost = error_of(watched, ADD, 56, user_inventory_add_request=body)
        outcome = watched.find_out(lost, settle=0.1)
    watched.close()
    assert outcome.state == expected


def test_add_without_skip_invoice_has_siblings_of_both_kinds() -> None:
    operation, grant = operations.ADD_ITEM_TO_USER_INVENTORY, operations.GRANT_USER_ENTITLEMENT
    bodies: list[Any] = [{"skip_invoice": True}, {"skip_invoice": False}, None]
    skips, sells, either = (
        writes.Write(operation, {"id": 56, "user_inventory_add_request": body}, "") for body in bodies
    )
    granted = writes.Write(grant, {"user_id": 56, "grant_request": SONGBOOK}, "")
    assert not skips.is_sibling(sells)
    assert not sells.is_sibling(granted)
    assert skips.is_sibling(granted)
    assert all(either.is_sibling(each) for each in (skips, sells, granted))
    assert skips.tally([either], {either.id}) == (0, 1)


def test_sibling_that_ends_while_once_reads_what_is_there_is_not_counted(
    client: Client, sandbox: Sandbox
) -> None:
    class GrantBeforeTheSecondRead(knetik_cloud.Hook):
        reads = 0

        def on_call_start(self, call: Any) -> None:
            self.reads += call.operation == "get_user_inventories"
            if self.reads == 2 and call.operation == "get_user_inventories":
                with knetik_cloud.ApiClient(knetik_cloud.Configuration(sandbox.url)) as other:
                    knetik_cloud.UsersInventoryApi(other).grant_user_entitlement(56, SONGBOOK)
                sandbox.fail(GRANT, reset=True, applied=True)

    watched = type(client)(sandbox.url, hooks=[GrantBeforeTheSecondRead()])
    before = len(songbooks(sandbox))
    assert watched.once(GRANT, 56, SONGBOOK, key="a", settle=0.1).state == "unknown"
    assert len(songbooks(sandbox)) == before + 2
    watched.close()


@pytest.mark.parametrize("step", [-30.0, 30.0])
@pytest.mark.parametrize(("fault", "expected"), [("reset after", "applied"), ("not reached", "absent")])
def test_find_out_after_the_local_clock_was_set(
    client: Client,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    step: float,
    fault: str,
    expected: str,
) -> None:
    ahead = [0.0]
    clock = SimpleNamespace(time=lambda: time.time() + ahead[0], sleep=time.sleep)
    monkeypatch.setattr(writes, "time", clock)
    monkeypatch.setattr(recovery, "time", clock)
    sandbox.fail(GRANT, **LOST[fault])
    error = error_of(client, GRANT, 56, SONGBOOK)
    ahead[0] += step
    assert client.find_out(error, settle=0.1).state in ((expected, "unknown") if step < 0 else (expected,))


@pytest.mark.parametrize("step", [-60, -4])
def test_grant_is_not_absent_if_the_service_s_clock_is_set_back_with_the_local_one(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    class SetsBothClocks(knetik_cloud.Hook):
        def on_call_start(self, call: Any) -> None:
            if call.operation == GRANT:
                monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() + step))
                sandbox.set_time(sandbox.now() + step)

    watched = type(client)(sandbox.url, hooks=[SetsBothClocks()])
    sandbox.fail(GRANT, reset=True, applied=True)
    outcome = watched.once(GRANT, 56, SONGBOOK, key="a", settle=0.1, _retries=0)
    watched.close()

    assert outcome.state in ("unknown", "applied")


class GrantsMeanwhile(knetik_cloud.Hook):
    """Grants while the request, or the response, of some reads is on its way."""

    def __init__(self, sandbox: Sandbox, when: str, *reads: int) -> None:
        self._sandbox, self._when, self._reads = sandbox, when, reads
        self._count = 0

    def on_call_start(self, call: Any) -> None:
        if call.operation == "get_user_inventories":
            self._count += 1
            self._grant("request")

    def on_call_end(self, call: Any) -> None:
        if call.operation == "get_user_inventories":
            self._grant("response")

    def _grant(self, when: str) -> None:
        if when == self._when and self._count in self._reads:
            with knetik_cloud.ApiClient(knetik_cloud.Configuration(self._sandbox.url)) as other:
                knetik_cloud.UsersInventoryApi(other).grant_user_entitlement(56, SONGBOOK)


@pytest.mark.parametrize("when", ["request", "response"])
@pytest.mark.parametrize(("is_applied", "expected"), [(True, "applied"), (False, "absent")])
def test_find_out_is_right_about_siblings_that_come_while_it_reads(
    client: Client, sandbox: Sandbox, when: str, is_applied: bool, expected: str
) -> None:
    sandbox.fail(GRANT, reset=True, applied=is_applied)
    error = error_of(client, GRANT, 56, SONGBOOK)
    watched = type(client)(sandbox.url, hooks=[GrantsMeanwhile(sandbox, when, 2)])  # the first asks the time
    assert watched.find_out(error, settle=0.1).state in (expected, "unknown")
    assert watched.find_out(error, settle=0.1).state == expected
    watched.close()


@pytest.mark.parametrize("when", ["request", "response"])
def test_once_is_right_about_siblings_that_come_while_it_reads(
    client: Client, sandbox: Sandbox, when: str
) -> None:
    watched = type(client)(sandbox.url, hooks=[GrantsMeanwhile(sandbox, when, 3, 4)])
    before = len(songbooks(sandbox))
    sandbox.fail(GRANT, reset=True, applied=True)
    assert watched.once(GRANT, 56, SONGBOOK, key="a", settle=0.1).state in ("applied", "unknown")
    assert len(sandbox.journal(GRANT)) == len(songbooks(sandbox)) - before
    assert len(songbooks(sandbox)) <= before + 3
    watched.close()


def test_sibling_that_may_arrive_late_makes_it_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, delay=0.8, applied=True)
    error_of(client, GRANT, 56, SONGBOOK, _request_timeout=0.3)
    sandbox.fail(GRANT, reset=True, times=None)
    outcome = client.once(GRANT, 56, SONGBOOK, key="a", settle=2)
    assert outcome.state == "unknown"


def test_open_writes_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 2)
    log = writes.WriteLog()

    def add() -> writes.Write:
        return log.add(operations.GRANT_USER_ENTITLEMENT, {"user_id": 56, "grant_request": SONGBOOK}, "")

    first, mine = add(), add()
    for _ in range(2):
        add().end("applied")
    assert log.siblings(mine, math.inf, 0.0) == [first]
    first.end("unknown")
    assert log.siblings(mine, time.monotonic(), 60.0) == [first]
    for _ in range(3):
        add().end("applied")
    assert log.siblings(mine, time.monotonic() - 60, 0.0) is None
    assert log.siblings(mine, time.monotonic() + 60, 0.0) == []


def test_no_thread_of_a_forked_child_ends_the_writes_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 1)
    log = writes.WriteLog()
    arguments = {"user_id": 56, "grant_request": SONGBOOK}
    running = [log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "") for _ in range(2)]
    log.reset_after_fork()
    assert [(write.state, write.ended is None) for write in running] == [("unknown", False)] * 2


def test_window_may_hold_a_forgotten_write_if_the_last_one_of_them_ended_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 1)
    log = writes.WriteLog()

    def add() -> writes.Write:
        return log.add(operations.GRANT_USER_ENTITLEMENT, {"user_id": 56, "grant_request": SONGBOOK}, "")

    add().end("applied")
    since = time.monotonic()
    add().end("applied")
    assert log.siblings(add(), since, 0.0) is None


def test_failed_writes_may_arrive_until_they_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 1)
    log = writes.WriteLog()
    arguments = {"user_id": 56, "grant_request": SONGBOOK}
    failed, mine = (log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "") for _ in range(2))
    failed.end_unknown(arguments)
    later = time.monotonic() + 5
    assert failed.may_come_after(later, 10.0)
    log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "").end("applied")  # which is what ended last
    log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "").end("applied")
    assert log.siblings(mine, later, 10.0) is None
    failed_at = failed.ends_at
    failed.resolve("applied")
    assert failed.ends_at > failed_at
    assert not failed.may_come_after(later, 10.0)


@pytest.mark.parametrize("step", [-30, 30])
def test_service_s_time_of_a_moment_is_known_after_the_clock_was_set(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    moment, clock = Moment.now(), ServiceTime()
    monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() + step))
    clock.learn({"Date": formatdate(math.floor(time.time()), usegmt=True)}, Moment.now())
    assert clock.at(moment) <= moment.wall <= clock.by_monotonic(moment) + 1


def test_items_may_be_off_by_the_margin_while_the_service_s_time_is_unknown() -> None:
    clock, moment = ServiceTime(), Moment.now()
    lives = [(moment.monotonic, moment.monotonic)]
    assert all(clock.fits([math.floor(moment.wall) + difference], lives) for difference in (-1, 1))
    assert not clock.fits([math.floor(moment.wall) + 10], lives)


@pytest.mark.parametrize("suspended", [5, 3600])
def test_service_s_clock_has_not_moved_if_the_machine_was_suspended(
    monkeypatch: pytest.MonkeyPatch, suspended: float
) -> None:
    clock, before = ServiceTime(), Moment.now()
    clock.learn({"Date": formatdate(math.floor(before.wall), usegmt=True)}, before)
    monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() + suspended))
    sent = Moment.now()
    clock.learn({"Date": formatdate(math.floor(sent.wall), usegmt=True)}, sent)
    assert not clock.has_moved(clock.at(sent) - clock.margin, sent)


def test_find_out_waits_no_longer_than_settle_after_the_clock_was_set_back(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fail(GRANT, reset=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    monkeypatch.setattr(writes, "time", SimpleNamespace(time=lambda: time.time() - 3600))
    steps = recovery.find_out_steps(error, recovery.settings_of(client.client, {}), 1.0)
    assert run(client, steps)[1] == [1.0]


def test_threads_lose_no_open_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 50)
    log = writes.WriteLog()
    arguments = {"user_id": 56, "grant_request": SONGBOOK}
    mine: list[writes.Write] = []

    def write_often() -> None:
        mine.append(log.add(operations.GRANT_USER_ENTITLEMENT, arguments, ""))
        for _ in range(200):
            log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "").end("applied")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=write_often) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    other = writes.Write(operations.GRANT_USER_ENTITLEMENT, arguments, "")
    known = log.siblings(other, math.inf, 0.0) or []
    assert {write.id for write in mine} <= {write.id for write in known}


def test_lock_that_a_thread_held_at_a_fork_is_free_in_the_child() -> None:
    log = writes.WriteLog()
    holder = threading.Thread(target=log._lock.acquire)
    holder.start()
    holder.join()
    log.reset_after_fork()
    assert log._lock.acquire(blocking=False)


def test_writes_that_were_open_at_a_fork_end_in_the_child() -> None:
    log = writes.WriteLog()
    arguments = {"user_id": 56, "grant_request": SONGBOOK}
    writes_of_parent = [log.add(operations.GRANT_USER_ENTITLEMENT, arguments, "") for _ in range(2)]
    writes_of_parent[0].end("applied")
    log.reset_after_fork()
    assert [write.state for write in writes_of_parent] == ["applied", "unknown"]


class Someone(int, enum.Enum):
    ROBIN = 56


@pytest.mark.parametrize("user", ["56", "056", Someone.ROBIN])
@pytest.mark.parametrize(("is_applied", "expected"), [(True, "applied"), (False, "absent")])
def test_find_out_recognizes_a_user_in_every_format(
    client: Client, sandbox: Sandbox, user: Any, is_applied: bool, expected: str
) -> None:
    client.call(GRANT, user, SONGBOOK)
    sandbox.fail(GRANT, reset=True, applied=is_applied)
    error = error_of(client, GRANT, 56, {"entitlement_id": 5})
    assert client.find_out(error, settle=0.1).state == expected


@pytest.mark.parametrize("user", ["user_id_example", "me"])
def test_user_by_name_may_be_any(user: str) -> None:
    operation = operations.USE_USER_ENTITLEMENT_ITEM
    by_id, by_name = (writes.Write(operation, {"user_id": each, "item_id": 5}, "") for each in (56, user))
    assert by_id.is_sibling(by_name)
    assert by_name.is_sibling(by_id)
    assert by_id.tally([by_name], {by_name.id}) == (0, 1)


def test_item_that_was_there_before_the_call_is_not_taken_for_its_own(
    client: Client, sandbox: Sandbox
) -> None:
    grant_by_a_stranger(sandbox)
    sandbox.advance(seconds=2)
    sandbox.fail(GRANT, reset=True)
    assert client.find_out(error_of(client, GRANT, 56, SONGBOOK), settle=0.1).state == "unknown"


@pytest.mark.parametrize(("is_applied", "is_there"), [(True, False), (False, True), (False, False)])
def test_item_that_was_there_before_earlier_calls_is_not_taken_for_that_of_the_last_one(
    client: Client, sandbox: Sandbox, is_applied: bool, is_there: bool
) -> None:
    now, arguments = time.time(), {"user_id": 56, "grant_request": SONGBOOK}
    if is_there:  # another program adds it seven seconds before the last call
        entry = {"user_id": 56, "item_id": 5, "status": "active", "created_date": int(now) - 7}
        sandbox.seed({"inventory": [entry]})
    for ago in (5, 3, 1):
        sibling = writes.LOG.add(operations.GRANT_USER_ENTITLEMENT, arguments, sandbox.url)
        at = writes.Moment.now()
        sibling.started = writes.Moment(at.wall - ago, at.monotonic - ago)
        sibling.end("applied")
        sibling.ended = sibling.started
        created = math.floor(sibling.started.wall)
        entry = {"user_id": 56, "item_id": 5, "status": "active", "created_date": created}
        sandbox.seed({"inventory": [entry]})
    sandbox.fail(GRANT, reset=True, applied=is_applied)
    outcome = client.find_out(error_of(client, GRANT, 56, SONGBOOK), settle=0.1)

    expected = {"applied"} if is_applied else {"unknown", "absent"} if is_there else {"absent"}
    assert outcome.state in expected


def test_find_out_reads_from_the_service_that_was_called(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    other = type(client)(f"{sandbox.url}/tenant")
    sandbox.clear_journal()
    with pytest.raises(
        knetik_cloud.ApiValueError, match=r"the call went to http://[^/]+, not to .*/tenant: use a client"
    ):
        other.find_out(error)
    assert sandbox.journal() == []
    with pytest.raises(knetik_cloud.NotFoundException):
        other.call(GRANT, 56, SONGBOOK)
    siblings = [write for write in writes.LOG._writes if write.is_sibling(error._write)]
    assert not any(write.marks[""].endswith("/tenant") for write in siblings)
    other.close()


@pytest.mark.parametrize("function", ["once", "find_out"])
def test_grant_by_a_client_with_another_name_of_the_host_makes_it_unknown(
    client: Client, sandbox: Sandbox, function: str
) -> None:
    class GrantAfterTheWrite(knetik_cloud.Hook):
        def on_call_end(self, call: Any) -> None:
            if call.operation == GRANT:
                host = sandbox.url.replace("127.0.0.1", "localhost")
                with knetik_cloud.ApiClient(knetik_cloud.Configuration(host)) as other:
                    knetik_cloud.UsersInventoryApi(other).grant_user_entitlement(56, SONGBOOK)

    watched = type(client)(sandbox.url, hooks=[GrantAfterTheWrite()], retries=0)
    sandbox.fail(GRANT, reset=True)
    if function == "once":
        outcome = watched.once(GRANT, 56, SONGBOOK, key="a", settle=0.1)
    else:
        outcome = watched.find_out(error_of(watched, GRANT, 56, SONGBOOK), settle=0.1)
    watched.close()
    assert (outcome.state, len(outcome.candidates)) == ("unknown", 1)


def test_key_on_its_way_through_another_name_of_the_host_is_not_sent_again(
    client: Client, sandbox: Sandbox
) -> None:
    other = type(client)(sandbox.url.replace("127.0.0.1", "localhost"))
    sandbox.fail(USE, delay=1.5, applied=True)
    with knetik_cloud.deadline(1):
        assert other.once(USE, 56, 56, key="a").state == "unknown"
    other.close()
    assert client.once(USE, 56, 56, key="a").state == "found"


@pytest.mark.parametrize(
    ("first", "second", "may_be_one"),
    [
        ("http://api", "http://other", True),
        ("http://api", "http://api:80", True),
        ("https://api/v1", "https://api.:443/v1", True),
        ("http://127.0.0.1:8080", "http://[::1]:8080", True),
        ("http://api", "https://api", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("http://api/one", "http://api/two", False),
    ],
)
def test_services_differ_for_certain_by_port_and_path_only(first: str, second: str, may_be_one: bool) -> None:
    arguments = {"user_id": 56, "grant_request": SONGBOOK}
    mine, other = (writes.Write(operations.GRANT_USER_ENTITLEMENT, arguments, url) for url in (first, second))
    assert mine.is_sibling(other) is may_be_one
    assert mine.tally([other], {other.id}) == (0, 1)  # another service's write may not be counted as applied


def test_find_out_of_two_lost_grants_guesses_for_neither(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    sandbox.fail(GRANT, reset=True)
    first, second = (error_of(client, GRANT, 56, SONGBOOK) for _ in range(2))
    assert client.find_out(first, settle=0.1).state == "unknown"
    assert client.find_out(second, settle=0.1).state == "unknown"


def test_grant_that_got_no_token_leaves_others_certain(client: Client, sandbox: Sandbox) -> None:
    class Broken:
        def get_token(self) -> str:
            raise LookupError("no vault")

    tokenless = type(client)(sandbox.url, token_provider=Broken())
    assert error_of(tokenless, GRANT, 56, SONGBOOK).reason == "the token provider failed with LookupError"
    tokenless.close()
    sandbox.fail(GRANT, reset=True, applied=True)
    lost = error_of(client, GRANT, 56, SONGBOOK)
    assert client.find_out(lost, settle=0.1).state == "applied"


def test_find_out_of_a_use_goes_by_its_info(client: Client, sandbox: Sandbox) -> None:
    client.call(USE, 56, 56, info="other")
    sandbox.fail(USE, reset=True, applied=True)
    lost = error_of(client, USE, 56, 56, info="mine")
    sandbox.fail(USE, reset=True)
    other = error_of(client, USE, 56, 56, info="nobody's")
    assert client.find_out(lost, settle=0.1).state == "applied"
    assert client.find_out(other, settle=0.1).state == "absent"


def test_find_out_of_a_use_without_info_is_unknown_if_there_is_any(client: Client, sandbox: Sandbox) -> None:
    for is_applied, state in ((False, "absent"), (True, "unknown")):
        sandbox.fail(USE, reset=True, applied=is_applied)
        assert client.find_out(error_of(client, USE, 56, 56), settle=0.1).state == state


def test_find_out_from_another_process(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    pickled = pickle.dumps(error_of(client, GRANT, 56, SONGBOOK))
    monkeypatch.setattr(writes, "LOG", writes.WriteLog())
    error = pickle.loads(pickled)
    assert client.find_out(error, settle=0.1).state == "applied"


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_find_out_of_a_copy_of_the_error(
    client: Client, sandbox: Sandbox, duplicate: Callable[[Exception], Any]
) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    error = duplicate(error_of(client, GRANT, 56, SONGBOOK))
    assert client.find_out(error, settle=0.1).state == "applied"


def test_once_rejects_methods_of_the_other_client(client: Client, sandbox: Sandbox) -> None:
    other = Asyncio(sandbox.url) if isinstance(client, Blocking) else Blocking(sandbox.url)
    method = getattr(other.api, GRANT)
    sandbox.clear_journal()
    with pytest.raises(
        TypeError, match=r"belongs to the other client: use (await knetik_cloud\.aio|knetik_cloud)\.once"
    ):
        client.once(method, 56, SONGBOOK, key="a")
    other.close()
    assert sandbox.journal() == []


def test_find_out_of_certain_errors_sends_nothing(client: Client, sandbox: Sandbox) -> None:
    denied = error_of(client, USE, 56, 2)
    invalid = error_of(client, GRANT, "no id", SONGBOOK)
    sandbox.clear_journal()
    assert client.find_out(denied).state == "denied"
    assert client.find_out(invalid).state == "absent"
    assert sandbox.journal() == []


def test_find_out_of_an_update_is_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("update_user_inventory_status", reset=True, times=3)
    error = error_of(client, "update_user_inventory_status", 56, 56, inventory_status="active")
    assert client.find_out(error).state == "unknown"


def test_forgotten_siblings_make_it_unknown(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes, "MAX_WRITES", 3)
    monkeypatch.setattr(writes, "LOG", writes.WriteLog())
    sandbox.fail(GRANT, reset=True, applied=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    for _ in range(3):
        client.call(GRANT, 56, {"entitlement_id": 2}) if _ == 0 else client.call(GRANT, 1, SONGBOOK)
    assert client.find_out(error, settle=0.1).state == "unknown"


def test_once_with_forgotten_siblings_is_absent_only_if_nothing_is_there(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes.WriteLog, "siblings", lambda *_: None)
    for is_applied, state in ((False, "absent"), (True, "unknown")):
        sandbox.fail(GRANT, reset=True, applied=is_applied)
        assert client.once(GRANT, 56, SONGBOOK, key="a", settle=0, _retries=0).state == state


def test_once_waits_for_an_earlier_call_with_the_key_that_may_be_forgotten(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writes.WriteLog, "siblings", lambda *_: None)
    method = client.api.use_user_entitlement_item
    steps = recovery.prepare(method, (56, 56), {}, "a", 0.5, isinstance(client, Asyncio))[1]
    outcome, slept = run(client, steps)
    assert (outcome.state, slept) == ("applied", [0.5])


def test_list_with_the_newest_first_is_read_as_far_as_the_write_may_be(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "PAGE_SIZE", 2)
    sandbox.advance(seconds=60)
    sandbox.fail("create_entitlement_item", reset=True, applied=True)
    item = {"name": "Lamp", "type_hint": "entitlement"}
    error = error_of(client, "create_entitlement_item", entitlement_item=item)
    sandbox.clear_journal()
    assert client.find_out(error).state == "applied"
    assert len(sandbox.journal("get_entitlement_items")) == 2  # the first one for the service's time
    assert client.call("get_entitlement_items").total_elements > 4


def test_service_whose_clock_is_years_behind(client: Client, sandbox: Sandbox) -> None:
    sandbox.set_time("2017-08-20T12:00:00Z")
    for fault, expected in (("reset after", "applied"), ("not reached", "absent")):
        sandbox.fail(GRANT, **LOST[fault])
        assert client.find_out(error_of(client, GRANT, 56, SONGBOOK), settle=0.1).state == expected
        before = len(songbooks(sandbox))
        sandbox.fail(GRANT, **LOST[fault])
        assert client.once(GRANT, 56, SONGBOOK, key="a", settle=0.1).state == "applied"
        assert len(songbooks(sandbox)) == before + 1


def test_clock_that_was_moved_since_makes_it_unknown(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(GRANT, reset=True, applied=True)
    error = error_of(client, GRANT, 56, SONGBOOK)
    sandbox.advance(days=1)
    assert client.find_out(error, settle=0.1).state == "unknown"


def assert_lost_grant_is_not_misjudged(client: Client, sandbox: Sandbox, how: str, is_applied: bool) -> None:
    """Lose the response to a grant, and make sure that what is found out about it is right, or unknown."""
    sandbox.fail(GRANT, reset=True, applied=is_applied)
    if how == "once":
        state = client.once(GRANT, 56, SONGBOOK, key="a", settle=0.1, _retries=0).state
    else:
        state = client.find_out(error_of(client, GRANT, 56, SONGBOOK), settle=0.1).state
    assert state in ("unknown", "applied" if is_applied else "absent")


@pytest.mark.parametrize("is_applied", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("read", range(4))
@pytest.mark.parametrize("ahead", [60, -60])
@pytest.mark.parametrize("how", ["once", "find_out"])
def test_read_with_the_time_of_a_server_that_differs_hides_no_grant(
    client: Client, sandbox: Sandbox, how: str, ahead: int, read: int, is_applied: bool
) -> None:
    for _ in range(read):
        sandbox.fail("get_user_inventories", delay=0.001)
    date = formatdate(time.time() + ahead, usegmt=True)
    sandbox.fail("get_user_inventories", delay=0.001, headers={"Date": date})
    assert_lost_grant_is_not_misjudged(client, sandbox, how, is_applied)


@pytest.mark.parametrize("is_applied", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize(
    ("how", "read"), [*(("once", n) for n in range(4)), *(("find_out", n) for n in range(3))]
)
def test_grant_is_not_absent_if_one_response_shows_that_servers_differ_in_the_time(
    client: Client, sandbox: Sandbox, how: str, read: int, is_applied: bool
) -> None:
    date = formatdate(time.time() + 4, usegmt=True)
    for number in range(4):
        sandbox.fail("get_user_inventories", delay=0.001, headers={} if number == read else {"Date": date})
    assert_lost_grant_is_not_misjudged(client, sandbox, how, is_applied)


WRITES = {USE: (56, 56), GRANT: (56, SONGBOOK)}


@pytest.mark.parametrize("name", WRITES)
def test_block_that_leaves_no_time_to_settle_makes_it_unknown(
    client: Client, sandbox: Sandbox, name: str
) -> None:
    too_short = r"the deadline of 60 s leaves no time .* for a late write \(increase knetik_cloud\.deadline\)"
    sandbox.fail(name, reset=True)
    with knetik_cloud.deadline(60):
        outcome = client.once(name, *WRITES[name], key="a", settle=3600, _retries=0)
    assert outcome.state == "unknown"
    with pytest.raises(knetik_cloud.DeadlineExceeded, match=too_short):
        raise outcome.error or AssertionError
    sandbox.fail(name, reset=True)
    error = error_of(client, name, *WRITES[name], **({"info": "mine"} if name == USE else {}))
    with knetik_cloud.deadline(60):
        outcome = client.find_out(error, settle=3600)
    assert outcome.state == "unknown"
    with pytest.raises(knetik_cloud.DeadlineExceeded, match=too_short):
        raise outcome.error or AssertionError
    assert client.find_out(error, settle=0).state == "absent"


def test_error_of_a_read_back_is_reported_if_no_time_is_left_for_another_one() -> None:
    error = knetik_cloud.ApiException(reason="the list is not available")

    def look() -> recovery.Steps[Any]:
        raise recovery.CannotReadError(error)
        yield

    client: Any = None
    with knetik_cloud.deadline(60):
        assert recovery.run_steps(client, recovery.certain(look, 3600)) == ("unknown", [], error)


@pytest.mark.parametrize("name", WRITES)
def test_write_that_is_there_needs_no_time_to_settle(client: Client, sandbox: Sandbox, name: str) -> None:
    sandbox.fail(name, reset=True, applied=True)
    with knetik_cloud.deadline(60):
        assert client.once(name, *WRITES[name], key="a", settle=3600).state == "applied"


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_sent_or_waited_for_in_a_block_that_has_ended(
    client: Client, sandbox: Sandbox, name: str
) -> None:
    sandbox.fail(name, reset=True, applied=True)
    error = error_of(client, name, *WRITES[name], **({"info": "mine"} if name == USE else {}))
    sandbox.clear_journal()
    method = getattr(client.api, name)
    with knetik_cloud.deadline(1e-9):
        once = run(
            client, recovery.prepare(method, WRITES[name], {}, "a", 2.0, isinstance(client, Asyncio))[1]
        )
        found = run(client, recovery.find_out_steps(error, recovery.settings_of(client.client, {}), 2.0))
    assert sandbox.journal() == []
    assert [(outcome.state, slept) for outcome, slept in (once, found)] == [
        ("unknown" if name == USE else "absent", []),
        ("unknown", []),
    ]
    for outcome, _ in (once, found):
        with pytest.raises(knetik_cloud.DeadlineExceeded, match="has passed"):
            raise outcome.error or AssertionError


@pytest.mark.parametrize("name", WRITES)
def test_block_that_ends_before_the_read_back_makes_it_unknown(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def end() -> float:
        return math.inf

    def end_block_after_write(steps: recovery.Steps[Any]) -> recovery.Steps[Any]:
        result: Any = None
        with monkeypatch.context() as patched:
            while True:
                try:
                    command = steps.send(result)
                except StopIteration as stop:
                    return stop.value
                result = yield command
                if isinstance(command, recovery.Run) and command.operation.id == name:
                    patched.setattr("knetik_cloud.deadlines.clock", SimpleNamespace(monotonic=end))

    sandbox.fail(name, reset=True, applied=True)
    with knetik_cloud.deadline(60):
        _, steps = recovery.prepare(
            getattr(client.api, name), WRITES[name], {}, "a", 2.0, isinstance(client, Asyncio)
        )
        outcome, slept = run(client, end_block_after_write(steps))
    assert (outcome.state, slept) == ("unknown", [])


@pytest.mark.parametrize(
    ("fault", "state", "pauses"),
    [
        (None, "applied", []),
        ({"status": 503}, "applied", [2.0]),
        ({"reset": True, "applied": True}, "applied", [2.0]),
        ({"status": 429, "headers": {"Retry-After": "0"}}, "applied", []),
        ({"status": 404, "times": None}, "denied", []),
        ({"status": 503, "times": None}, "unknown", [2.0]),
    ],
)
def test_update_ends_when_no_lost_attempt_can_arrive_any_more(
    client: Client, sandbox: Sandbox, fault: dict[str, Any] | None, state: str, pauses: list[float]
) -> None:
    if fault is not None:
        sandbox.fail(UPDATE, **fault)
    outcome, slept = run(client, update(client))
    assert (outcome.state, slept) == (state, pauses)


def update(client: Client, settle: float = 2.0) -> recovery.Steps[Any]:
    """Return the steps of `once` for an update of a status."""
    method, arguments = getattr(client.api, UPDATE), {"inventory_status": "inactive"}
    return recovery.prepare(method, (56, 56), arguments, "a", settle, isinstance(client, Asyncio))[1]


def test_update_is_waited_for_within_its_block_only(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail(UPDATE, status=503)
    with knetik_cloud.deadline(60):
        outcome, slept = run(client, update(client, settle=3600))
    assert (outcome.state, slept) == ("applied", [])


def test_lost_patch_is_waited_for(client: Client, sandbox: Sandbox) -> None:
    sandbox.fail("patch_entitlement_template", reset=True)
    outcome, slept = run(
        client,
        recovery.prepare(
            client.api.patch_entitlement_template, ("id_example",), {}, "a", 2.0, isinstance(client, Asyncio)
        )[1],
    )
    assert (outcome.state, slept) == ("unknown", [2.0])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (USE, ("me", 56), "can't read use_user_entitlement_item back: id must be"),
        (GRANT, ("abc", SONGBOOK), "user_id must be"),
        ("get_user_inventory", (56, 56), "once\\(\\) is for writes"),
    ],
)
def test_calls_that_cant_be_certain_are_rejected_before_sending(
    client: Client, sandbox: Sandbox, name: str, arguments: tuple[Any, ...], message: str
) -> None:
    sandbox.clear_journal()
    with pytest.raises(knetik_cloud.ApiValueError, match=message):
        client.once(name, *arguments, key="a")
    assert sandbox.journal() == []


@pytest.mark.parametrize("info", [5, b"round 1", ["round 1"]])
def test_own_info_that_a_call_rejects_is_rejected_with_a_key(
    client: Client, sandbox: Sandbox, info: Any
) -> None:
    sandbox.clear_journal()
    with pytest.raises(knetik_cloud.ApiValueError, match="info must be a str, not"):
        client.once(USE, 56, 56, info=info, key="a")
    assert sandbox.journal() == []


@pytest.mark.parametrize("key", ["", "a]", "[a", " a", "a\n", "x" * 201, 5, None])
def test_keys_that_cant_be_distinguished_are_rejected(client: Client, key: Any) -> None:
    with pytest.raises(knetik_cloud.ApiValueError, match="key must be"):
        client.once(USE, 56, 56, key=key)


@pytest.mark.parametrize("settle", [-1, float("inf"), float("nan"), True, "2"])
def test_settle_is_a_finite_number(client: Client, settle: Any) -> None:
    with pytest.raises(knetik_cloud.ApiValueError, match="settle must be"):
        client.once(USE, 56, 56, key="a", settle=settle)


@pytest.mark.parametrize("settle", [1e10, 1e300, 10**400], ids=["1e10", "1e300", "10**400"])
def test_longer_settle_than_clocks_can_count_is_cut(client: Client, sandbox: Sandbox, settle: float) -> None:
    sandbox.fail(GRANT, reset=True)
    method, arguments = client.api.grant_user_entitlement, (56, SONGBOOK)
    steps = recovery.prepare(method, arguments, {}, "a", settle, isinstance(client, Asyncio))[1]
    outcome, slept = run(client, steps)
    assert (outcome.state, slept) == ("applied", [1e9])


def test_settle_may_be_a_number_of_another_type(client: Client) -> None:
    assert client.once(USE, 56, 56, key="a", settle=Fraction(1, 2)).is_applied


def test_only_methods_of_api_objects_are_accepted(client: Client, sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="expected a method of an API object"):
        knetik_cloud.once(print, key="a")
    with pytest.raises(TypeError, match="item_id"):
        client.once(USE, 56, key="a")
    with pytest.raises(knetik_cloud.ApiValueError, match="_preload_content"):
        client.once(USE, 56, 56, key="a", _preload_content=False)


@pytest.mark.parametrize(
    ("method", "arguments"), [("iter_user_inventories", (56,)), ("wait_until_user_inventory_active", (56, 1))]
)
def test_pagers_and_waiters_are_not_accepted(client: Client, method: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(
        TypeError, match=f"that makes one call.*, not <bound method UsersInventoryApi.{method}"
    ):
        client.once(method, *arguments, key="a")


def test_misspelled_argument_names_the_method_and_a_suggestion(client: Client, sandbox: Sandbox) -> None:
    message = re.escape("use_user_entitlement_item() has no parameter or option 'inf': did you mean 'info'?")
    with pytest.raises(TypeError, match=message):
        client.once(USE, 56, 56, key="a", inf="a note")
    assert sandbox.journal() == []


@pytest.mark.parametrize("fault", [USE, "get_user_inventory_log"])
def test_outcome_is_freed_with_its_error(sandbox: Sandbox, fault: str) -> None:
    sandbox.fail(fault, status=400, times=None)
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
        method = knetik_cloud.UsersInventoryApi(client).use_user_entitlement_item
        gc.collect()
        gc.disable()
        try:
            outcome = knetik_cloud.once(method, 56, 56, key="a")
            assert outcome.error is not None
            left = weakref.ref(outcome.error)
            del outcome
            assert left() is None
        finally:
            gc.enable()


@pytest.mark.parametrize("fault", [USE, "get_user_inventory_log"])
def test_outcome_of_asyncio_is_freed_with_its_error(sandbox: Sandbox, fault: str) -> None:
    async def main() -> None:
        async with aio.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as client:
            outcome = await aio.once(aio.UsersInventoryApi(client).use_user_entitlement_item, 56, 56, key="a")
            assert outcome.error is not None
            left = weakref.ref(outcome.error)
            del outcome
            assert left() is None

    sandbox.fail(fault, status=400, times=None)
    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


@pytest.mark.parametrize("error", [ValueError("lost"), knetik_cloud.ApiException, None])
def test_find_out_accepts_only_the_error_of_a_call(client: Client, error: Any) -> None:
    example = "as in `except ApiException as error: client.find_out(error)`"
    with pytest.raises(TypeError, match=re.escape(f"{example}, not {error!r}")):
        client.find_out(error)


def test_capture_accepts_variants_and_views(sandbox: Sandbox) -> None:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url)) as made:
        api = knetik_cloud.UsersInventoryApi(made).with_options(_retries=0)
        captured = capture(api.grant_user_entitlement_with_http_info, (56, SONGBOOK), {"_deadline": 3})
        assert captured.operation.id == GRANT
        assert captured.options == {"_deadline": 3}
        assert keyed("a")(api.grant_user_entitlement, 56, SONGBOOK).state == "applied"


def test_time_of_the_service_is_bounded_however_long_responses_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """`at` is never late, and earlier than an item's time, which is rounded down, by `margin` at most."""
    choose = random.Random(5)
    for _ in range(500):
        offset, now, clock = choose.uniform(-1e8, 1e8), 1.7e9, ServiceTime()
        for _ in range(4):
            sent = now
            responded = sent + choose.expovariate(0.3)
            now = responded + choose.expovariate(0.3)
            monkeypatch.setattr(Moment, "now", lambda: Moment(now, now - 1e9))  # noqa: B023
            date = formatdate(math.floor(responded + offset), usegmt=True)
            clock.learn({"Date": date}, Moment(sent, sent - 1e9))
            true = now + offset
            assert clock.now() <= true + 1e-6
            assert math.floor(true) >= clock.now() - 1 - 1e-6
            assert true - clock.now() <= clock.margin - 1 + 1e-6
    assert ServiceTime().margin == 2
