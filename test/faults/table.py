"""The rows of the table: a fault, the call that meets it, and what must come of it."""

from __future__ import annotations

import copy
import pickle
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from knetik_cloud import ApiException, Configuration, operations
from test.faults.drivers import DRIVERS, TOKEN, Driver
from test.faults.server import ENTRY, FaultServer, Greeting, Script

CALLS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "get": ("get_user_inventory", (56, 56), {}),
    "list": ("get_user_inventories", (56,), {}),
    "use": ("use_user_entitlement_item", (56, 56), {}),
    "update": ("update_user_inventory_status", (56, 56), {"inventory_status": "inactive"}),
    "delete": ("delete_entitlement_item", (56,), {}),
    "add": ("add_item_to_user_inventory", (56,), {}),
    "upload": ("update_user_inventory_behavior_data", (56, 56), {"data": {"data": "x" * 4_000_000}}),
}

SETTINGS: Mapping[str, Any] = {"timeout": 0.25, "deadline": 0.75, "access_token": TOKEN}


class Outcome:
    """The outcome of a call: a value or an exception, and its duration in seconds."""

    def __init__(self, value: Any, error: BaseException | None, seconds: float) -> None:
        self.value = value
        self.error = error
        self.seconds = seconds


Expectation = Callable[[Outcome], None]


def right(outcome: Outcome) -> None:
    """Expect the entry that the service holds."""
    assert outcome.error is None, f"expected the right result, not {outcome.error!r}"
    assert outcome.value.to_dict()["id"] == ENTRY["id"]


def result(outcome: Outcome) -> None:
    """Expect success without a result."""
    assert outcome.error is None, f"expected success, not {outcome.error!r}"
    assert outcome.value is None


def fails(
    kind: type[ApiException] = ApiException,
    status: int | None = None,
    says: str = "",
    *,
    may_have_applied: bool | None = None,
) -> Expectation:
    """Expect an exception of a class, with this status, text and `may_have_applied`, if they are given."""

    def expect(outcome: Outcome) -> None:
        error = outcome.error
        assert isinstance(error, kind), f"expected {kind.__name__}, not {error!r} or {outcome.value!r}"
        assert status is None or error.status == status, f"expected status {status}, not {error.status}"
        assert says in str(error)
        assert may_have_applied is None or error.may_have_applied == may_have_applied

    return expect


def right_or_fails(outcome: Outcome) -> None:
    """Expect the right result or an exception."""
    if outcome.error is None:
        right(outcome)


class Play:
    """One run of a row: its server, and the clients that it makes."""

    def __init__(self, row: Row, driver: str, server: FaultServer) -> None:
        self.row = row
        self.server = server
        self.kind = driver
        self._made: list[Driver] = []

    def driver(self, **settings: Any) -> Driver:
        """Make a client of the server, with the settings of the row, and others."""
        chosen = {"host": self.server.url, **SETTINGS, **self.row.settings, **settings}
        made = DRIVERS[self.kind](Configuration(**chosen))
        self._made.append(made)
        return made

    def close(self) -> None:
        """Close the clients."""
        for made in self._made:
            made.close()


@dataclass(frozen=True)
class Row:
    """A fault and what must come of it.

    `scripts` are played to the requests and `greetings` to the connections, one each; after them the server
    is healthy. `call` is the call that meets them, `comes` what must come of it within `limit` seconds.
    `sent` is how often the request may have reached the server at most. With `again`, the next call of the
    same client must get its own correct response. `play` replaces all of that with a sequence of its own; it
    returns how often it met the fault, None when the server counts that. A row with `peak` (MiB of resident
    memory at most) runs in a process of its own.
    """

    fault: str
    scripts: Sequence[Script] = ()
    comes: Expectation = right
    call: str = "get"
    greetings: Sequence[Greeting] = ()
    limit: float = 3.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    sent: int | None = None
    again: bool = False
    play: Callable[[Play], int | None] | None = None
    peak: int | None = None
    drivers: Sequence[str] = ("sync", "aio")


def run(row: Row, driver: str) -> None:
    """Run a row, and raise an AssertionError unless the fault was met and survived."""
    with FaultServer(row.scripts, row.greetings, **row.server) as server:
        play = Play(row, driver, server)
        try:
            if row.play is not None:
                met = row.play(play)
            else:
                met = None
                _run_call(row, play.driver(), server)
        finally:
            play.close()
        assert (server.met if met is None else met) > 0, "the fault was never met"


def _run_call(row: Row, driver: Driver, server: FaultServer) -> None:
    outcome = attempt(driver, row.call, row.limit)
    row.comes(outcome)
    if row.sent is not None:
        sent = server.seen(getattr(operations, CALLS[row.call][0].upper()).method)
        assert sent <= row.sent, f"sent {sent} times"
    if row.again:
        server.heal()
        target = "/users/56/inventory/57"
        response = driver.call("get_user_inventory_with_http_info", 56, 57)
        assert response.headers["X-Target"] == target, "a later call was given another one's answer"


class Lateness:
    """Measures how long a busy machine keeps a waiting thread from running: a call may be late by that."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def _measure(self) -> None:
        step, before, is_over = 0.02, time.monotonic(), False
        while not is_over:
            is_over = self._stop.wait(step)
            now = time.monotonic()  # at the end, too: a call may have failed before this thread woke up
            self.seconds += max(0.0, now - before - step)
            before = now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def seconds_waited() -> float:
    """Return for how long any process of this machine has waited for a processor, or 0 if it isn't known."""
    try:
        pressure = Path("/proc/pressure/cpu").read_text()
    except OSError:
        return 0.0
    return int(pressure.partition("total=")[2].split()[0]) / 1e6


def attempt(driver: Driver, call: str, limit: float, **options: Any) -> Outcome:
    """Make a call within a hard limit. Any error must be an ApiException that shows no secret."""
    method, arguments, named = CALLS[call]
    outcome: list[Outcome] = []

    def body() -> None:
        started = time.monotonic()
        try:
            value, error = driver.call(method, *arguments, **named, **options), None
        except BaseException as raised:
            value, error = None, raised
        outcome.append(Outcome(value, error, time.monotonic() - started))

    thread = threading.Thread(target=body, daemon=True)
    with Lateness() as lateness:
        thread.start()
        thread.join(limit + 30)
    assert outcome, f"the call hangs: no outcome after {limit + 30} s"
    limit += 3 * lateness.seconds
    assert outcome[0].seconds <= limit, f"the call took {outcome[0].seconds:.2f} s, more than {limit} s"
    if outcome[0].error is not None:
        assert isinstance(outcome[0].error, ApiException), f"{outcome[0].error!r} left the call"
        assert_is_presentable(outcome[0].error, TOKEN)
    return outcome[0]


def assert_is_presentable(error: ApiException, *secrets: str) -> None:
    """Make sure that an exception can be shown, copied and pickled, and shows none of the secrets."""
    shown = "\n".join(views(error))
    for secret in secrets:
        assert secret not in shown, f"the secret shows: {shown[max(0, shown.index(secret) - 200) :][:500]}"


def views(error: ApiException) -> list[str]:
    """List all the ways in which an exception may be looked at."""
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(copy.copy(error)) == vars(error)
    causes = []
    cause = error.__cause__
    while cause is not None:
        assert cause.__traceback__ is None
        causes += [repr(cause), str(cause), repr(cause.args), repr(vars(cause))]
        cause = cause.__cause__ or cause.__context__
    return [
        str(error),
        repr(error),
        repr(error.args),
        repr(vars(error)),
        repr(error.headers),
        error.as_curl() or "",
        repr(pickle.dumps(error)),
        *causes,
        *with_locals.format(),
    ]
