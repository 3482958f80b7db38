"""`once` and `find_out`: whether a write was applied, found out from what the service stores.

The algorithms are generators that yield commands (`Run` a call, `Sleep`) and are sent the results.
`run_steps` drives them with the blocking client, `knetik_cloud.aio.recovery` with the asyncio client. The
contract provides the data: `x-marker` names the argument that identifies a write, and `x-read-back` the
lists that show it.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from knetik_cloud import upward, writes
from knetik_cloud.core import request, retry
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation, ReadBack
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.core.paging import EmitPage, Plan, StartFetch
from knetik_cloud.data import types
from knetik_cloud.deadlines import block_reason, remaining
from knetik_cloud.exceptions import ApiException, ApiResponseError, ApiValueError, DeadlineExceeded
from knetik_cloud.observation import is_interruption
from knetik_cloud.writes import Moment, Outcome, State

if TYPE_CHECKING:
    from knetik_cloud.api_client import ApiClient

__all__ = ["Outcome", "find_out", "keyed", "once"]

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
T = TypeVar("T")

SETTLE_SECONDS = 2.0
READ_RETRIES = 3
"""Retries of each request that reads back, also if the client or the call has `retries=0`."""
MAX_SETTLE_SECONDS = 1e9
"""About 30 years. Longer times are cut, since operating systems can't sleep for 300."""
READ_ROUNDS = 4
"""How often a read-back starts again after its retries failed or its rows moved."""
MAX_KEY_LENGTH = 200
PAGE_SIZE = 1000
FIT_SECONDS = 0.1
"""Steps in which the possible differences between the service's clock and the local one are tried."""
MIN_MARGIN_SECONDS = 2.0
"""Uncertainty of the service's time at least: `Date` and the times of items count whole seconds."""


class Run(NamedTuple):
    """A command to run a call. The driver replies with the `ApiResponse` or the `ApiException`."""

    operation: Operation[Any]
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]


Steps = Generator[Run | Sleep, Any, T]
Look = Callable[[], "Steps[tuple[State, list[Any]]]"]
"""Reads the traces of a write once, and judges them."""


class Captured(NamedTuple):
    """A call that a method would make: the client, the operation, its arguments and options."""

    client: Any
    operation: Operation[Any]
    arguments: dict[str, Any]
    options: dict[str, Any]


class Recorder:
    """Records the calls and the waits of a generated method instead of running them."""

    def __init__(self) -> None:
        self.calls: list[tuple[Operation[Any], Mapping[str, Any], Mapping[str, Any]]] = []
        self.waits: list[tuple[tuple[Any, ...], Mapping[str, Any]]] = []

    def call(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        options: Mapping[str, Any],
        http_info: bool = False,
    ) -> Any:
        """Record the call, and return an awaitable in place of its result."""
        self.calls.append((operation, arguments, options))
        return Nothing()

    def wait(self, *arguments: Any, **how: Any) -> Any:
        """Record the wait, and return an awaitable in place of its result."""
        self.waits.append((arguments, how))
        return Nothing()

    def read(self, *arguments: Any, **how: Any) -> None:
        """Record nothing of a pager."""


class Nothing:
    """An awaitable for None, which also stands for the result of a call that is not made."""

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


def record(method: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Recorder:
    """Return what a method of an API object would do, without doing it. Anything else does nothing.

    Raises:
        TypeError: If `method` does not take the arguments.
    """
    recorder = Recorder()
    api: Any = getattr(method, "__self__", None)
    function = getattr(method, "__func__", None)
    if function is not None and hasattr(api, "api_client"):
        recording_api = object.__new__(type(api))
        recording_api.api_client = recorder
        recording_api._wait, recording_api._pager = recorder.wait, recorder.read
        result = function(recording_api, *args, **kwargs)
        if hasattr(result, "send"):
            with suppress(StopIteration):
                result.send(None)
    return recorder


def capture(method: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Captured:
    """Return the call that a method of an API object would make, without running it.

    Raises:
        TypeError: If `method` is not a method of an API object that makes one call, or does not take the
            arguments.
    """
    calls = record(method, args, kwargs).calls
    if len(calls) != 1:
        raise TypeError(
            "expected a method of an API object that makes one call, such as api.grant_user_entitlement, "
            f"not {types.short_repr(method)}"
        )
    operation, arguments, options = calls[0]
    kept = {name: value for name, value in options.items() if name != "_return_http_data_only"}
    client = method.__self__.api_client  # type: ignore[attr-defined]
    return Captured(client, operation, dict(arguments), kept)


class Settings(NamedTuple):
    """The settings of the calls of an algorithm.

    Attributes:
        retries: The number of times that a write that was certainly not applied is sent again.
        options: The options of each request that reads back.
        service: The base URL of the service.
    """

    retries: int
    options: Mapping[str, Any]
    service: str


class ServiceTime:
    """The difference between the service's clock and the local one, taken from `Date` headers.

    A response that took long leaves it uncertain, so that it is kept as the earliest and the latest possible.
    """

    def __init__(self) -> None:
        self._offsets: tuple[tuple[float, float], ...] | None = None
        """For each clock of a moment, the least and the most that the service's time may be ahead of it."""
        self._lowest = math.inf
        """The least that it was ahead of the monotonic clock before, if a response has contradicted that."""

    @property
    def is_known(self) -> bool:
        """Whether a response has reported the service's time."""
        return self._offsets is not None

    @property
    def margin(self) -> float:
        """By how many seconds a moment may be later than `at` returns, and an item's time rounded down."""
        return max(MIN_MARGIN_SECONDS, *(most - least + 1.0 for least, most in self._offsets_or_local()))

    def learn(self, headers: Mapping[str, str], sent: Moment) -> None:
        """Read the `Date` header of a response that has just arrived.

        Args:
            headers: The headers of the response.
            sent: A moment before the request was sent.
        """
        date = retry.epoch_seconds(headers.get("Date", ""))
        if date is None:
            return
        offsets = [(date - now, date + 1.0 - then) for now, then in zip(Moment.now(), sent, strict=True)]
        agree = 0
        for number, (known, new) in enumerate(zip(self._offsets or (), tuple(offsets), strict=False)):
            both = max(known[0], new[0]), min(known[1], new[1])
            if both[0] <= both[1]:
                offsets[number] = both
                agree += 1
        if self._offsets is not None and not agree:
            # The service's clock was set, or its servers differ in the time. If only one of the local clocks
            # disagrees, that one was set, or stopped while the machine was suspended.
            self._lowest = min(self._lowest, self._offsets[1][0])
        self._offsets = tuple(offsets)

    def assume_local(self) -> None:
        """Use the local clock if no response has reported the service's time."""
        self._offsets = self._offsets_or_local()

    def _offsets_or_local(self) -> tuple[tuple[float, float], ...]:
        if self._offsets is not None:
            return self._offsets
        now = Moment.now()
        return tuple((now.wall - clock, now.wall - clock) for clock in now)

    def take(self, other: ServiceTime) -> None:
        """Copy what another one has learned."""
        if other.is_known:
            self._offsets = other._offsets

    def at(self, moment: Moment) -> float:
        """Return the earliest the service's time may be at a moment, in epoch seconds."""
        offsets = self._offsets_or_local()
        return min(clock + least for clock, (least, _) in zip(moment, offsets, strict=True))

    def by_monotonic(self, moment: Moment) -> float:
        """Return the same by the monotonic clock, for which only the service's clock can have been set back.

        The local clock may be set back together with it, if both are on one machine.
        """
        return moment.monotonic + self._offsets_or_local()[1][0]

    def has_moved(self, since: float, moment: Moment) -> bool:
        """Return whether items since a moment may be older than `since`, by any response so far.

        That is so if the clock of the service was set back, or if its servers differ in the time.
        """
        return min(self.by_monotonic(moment), moment.monotonic + self._lowest) - 1.0 < since

    def fits(self, dates: Iterable[float], lives: Sequence[tuple[float, float]]) -> bool:
        """Return whether each of as many writes may have left an item, for one difference of the clocks.

        Args:
            dates: The service's times of the items, rounded down.
            lives: For each write, the moments of the monotonic clock between which it left its item.
        """
        least, most = self._offsets_or_local()[1]
        slack = 0.0 if self.is_known else MIN_MARGIN_SECONDS
        begins, ends = (sorted(moments) for moments in zip(*lives, strict=True))
        ordered = list(zip(sorted(dates), begins, ends, strict=False))  # another thread may end a write
        offset = least - slack
        while offset <= most + slack:
            upper = offset + FIT_SECONDS
            if all(math.floor(begin + offset) <= date < end + upper for date, begin, end in ordered):
                return True
            offset = upper
        return False

    def monotonic(self, seconds: float) -> float:
        """Return the earliest moment of the monotonic clock at which the service's time may be `seconds`."""
        return seconds - self._offsets_or_local()[1][1]

    def now(self) -> float:
        """Return the earliest the service's time may be now."""
        return self.at(Moment.now())

    def latest(self) -> float:
        """Return the latest the service's time may be now."""
        offsets = self._offsets_or_local()
        return max(clock + most for clock, (_, most) in zip(Moment.now(), offsets, strict=True))


class CannotReadError(Exception):
    """A read-back failed; `error` is the cause."""

    def __init__(self, error: ApiException) -> None:
        super().__init__(error)
        self.error = error


class Lookup:
    """Reads the traces of one write.

    Args:
        operation: The operation of the write.
        arguments: Its arguments.
        settings: The options of the requests.
        marker: The value that identifies the write, or None to look for its arguments only.
    """

    def __init__(
        self, operation: Operation[Any], arguments: Mapping[str, Any], settings: Settings, marker: str | None
    ) -> None:
        self.operation = operation
        self.time = ServiceTime()
        self.arguments = arguments
        self._settings = settings
        self._marker = marker

    def has_marker(self, text: Any) -> bool:
        """Return whether a text that was sent holds the marker."""
        return isinstance(self._marker, Marker) and self._marker.is_in(text)

    def check(self) -> None:
        """Check that the read-back can be requested.

        Raises:
            ApiValueError: If the arguments of the write identify no list, such as the user `me`.
        """
        first = self.operation.read_back[0]
        request.build(
            _list_operation(self.operation, first.list), self._resolve(first.arguments, None, 0), "", {}
        )

    def learn_time(self) -> Steps[None]:
        """Get the service's time with the smallest request that returns it.

        Raises:
            CannotReadError: If the request fails.
        """
        first = self.operation.read_back[0]
        listed = _list_operation(self.operation, first.list)
        assert listed.pages is not None
        names = {parameter.wire: parameter.name for parameter in listed.parameters}
        arguments = {**self._resolve(first.arguments, None, 0), names[listed.pages.size]: 1}
        yield from self._retrying(lambda: self._once(listed, arguments))

    def traces(self, since: float | None) -> Steps[list[Any]]:
        """Read the items that show the write.

        Args:
            since: The service's time, in epoch seconds, at which older items are left out. None for all.

        Raises:
            CannotReadError: If a list can't be read.
        """
        items: list[Any] = [None]
        for read_back in self.operation.read_back:
            found: list[Any] = []
            for item in items:
                read = partial(self._list, read_back, item, since)
                found += yield from self._retrying(read)
            items = found
        return items

    def is_doubtful(self, item: Any) -> bool:
        """Return whether an item that looks like a trace of the write may show something else."""
        doubtful = self.operation.read_back[-1].doubtful
        return bool(doubtful) and _matches(item, doubtful, {})

    def _retrying(self, read: Callable[[], Steps[list[Any]]]) -> Steps[list[Any]]:
        for number in range(READ_ROUNDS):
            if number:
                pause = random.uniform(0.5, 1.0) * 2.0 ** (number - 2)
                if pause >= remaining():
                    break
                yield Sleep(pause)
            try:
                return (yield from read())
            except CannotReadError as failed:
                failure = failed.error
                if isinstance(failure, ApiValueError) or is_denial(failure):
                    break
        raise CannotReadError(failure)

    def _once(self, listed: Operation[Any], arguments: Mapping[str, Any]) -> Steps[list[Any]]:
        yield from self._request(listed, arguments)
        return []

    def _request(self, listed: Operation[Any], arguments: Mapping[str, Any]) -> Steps[Any]:
        sent = Moment.now()
        result = yield Run(listed, arguments, self._settings.options)
        if isinstance(result, ApiException):
            raise CannotReadError(result)
        self.time.learn(result.headers, sent)
        assert listed.pages is not None
        if not isinstance(getattr(result.data, "_json", {}).get(listed.pages.items), list):
            raise CannotReadError(
                ApiResponseError(reason=f"{listed.id} returned a page without {listed.pages.items}")
            )
        return result.data

    def _list(self, read_back: ReadBack, item: Any, since: float | None) -> Steps[list[Any]]:
        """Read one list of the read-back, over all its pages."""
        listed = _list_operation(self.operation, read_back.list)
        earliest = None if since is None else math.floor(since)
        arguments = self._resolve(read_back.arguments, item, earliest or 0)
        match = self._resolve(read_back.match, item, 0, keep_none=True)
        null_if = self._resolve(read_back.null_if, item, 0)
        plan: Plan[Any] = Plan(
            listed,
            arguments,
            {},
            limit=None,
            page_size=PAGE_SIZE,
            prefetch=0,
            deadline=None,
            call_deadline=math.inf,
        )
        is_newest_first = str(arguments.get("order", "")).startswith(f"{read_back.since}:DESC")
        found: dict[Any, Any] = {}
        steps = plan.read()
        page: Any = None
        fetch: StartFetch | None = None
        try:
            while True:
                step = steps.send(page)
                page = None
                if isinstance(step, StartFetch):
                    fetch = step
                elif isinstance(step, EmitPage):
                    if step.warning is not None and not is_newest_first:
                        raise CannotReadError(ApiResponseError(reason=step.warning))
                    rows = [(row._json.get("id"), row) for row in step.items]
                    in_time = [
                        pair
                        for pair in rows
                        if earliest is None or _time(pair[1], read_back.since) >= earliest
                    ]
                    found.update(pair for pair in in_time if _matches(pair[1], match, null_if))
                    if is_newest_first and len(in_time) < len(rows):
                        break
                else:
                    assert fetch is not None
                    page = yield from self._request(listed, fetch.arguments)
        except StopIteration:
            pass
        except ApiException as error:  # of the plan's own, such as a page that doesn't turn
            raise CannotReadError(error) from None
        return list(found.values())

    def _resolve(
        self, place: Mapping[str, Any], item: Any, since: int, keep_none: bool = False
    ) -> dict[str, Any]:
        extra = {"item": item, "marker": self._marker, "since": f"GOE,{since}"}
        values = {name: writes.resolve(value, self.arguments, extra) for name, value in place.items()}
        return {name: value for name, value in values.items() if keep_none or value is not None}


def _list_operation(write: Operation[Any], name: str) -> Operation[Any]:
    module = upward.load(f"{write.models.removesuffix('.models')}.operations")
    found: Operation[Any] = getattr(module, name.upper())
    return found


def _time(item: Any, field: str | None) -> float:
    value = item._json.get(field)
    return value if type(value) is int else math.inf


def _matches(item: Any, match: Mapping[str, Any], null_if: Mapping[str, Any]) -> bool:
    json = item._json
    return all(
        value.is_in(json.get(name)) if isinstance(value, Marker) else json.get(name) == value
        for name, value in match.items()
    ) and all((json.get(name) is None) is value for name, value in null_if.items() if isinstance(value, bool))


class Marker(str):
    """A key as the marker of a write: in brackets, after the caller's own text if there is one."""

    __slots__ = ()

    def after(self, text: str | None) -> str:
        """Return the marker to send, with the caller's own text kept before it."""
        if text is None:
            return f"[{self}]"
        return f"{str.__str__(text)} [{self}]"  # a member of an enum may be formatted as another text

    def is_in(self, text: Any) -> bool:
        """Return whether a text of the service is this marker, as a whole."""
        return isinstance(text, str) and (text == f"[{self}]" or text.endswith(f" [{self}]"))


def judge(candidates: int, applied: int, pending: float) -> State:
    """Return the state of a write whose traces look like those of its siblings.

    Args:
        candidates: The number of traces.
        applied: The number of siblings that have certainly left one of them.
        pending: The number of siblings that may have left one; infinite if it is unknown.
    """
    surplus = candidates - applied
    if surplus <= 0:
        return "absent"
    return "applied" if surplus == 1 + pending else "unknown"


def certain(look: Look, settle: float) -> Steps[tuple[State, list[Any], ApiException | None]]:
    """Look for the traces of a write twice, `settle` seconds apart unless the first look finds it.

    Returns:
        The state, the candidates, and the error of a read-back that failed, in which case it is unknown. So
        it is if the deadline of the current block leaves no time for the second look.
    """
    state: State = "unknown"
    found: list[Any] = []
    error: ApiException | None = None
    for is_last in (False, True):
        try:
            state, found = yield from look()
            error = None
        except CannotReadError as failed:
            state, error = "unknown", failed.error
        if is_last or state == "applied":
            break
        if settle >= remaining():
            too_short = block_reason(f"leaves no time to wait {settle:g} s for a late write")
            return "unknown", found, error or DeadlineExceeded(reason=too_short)
        if settle > 0:
            yield Sleep(settle)
    return state, found, error


def is_denial(error: ApiException) -> bool:
    """Return whether an error means that the service rejected the call for good."""
    status = error.status
    return status is not None and 400 <= status < 500 and status not in (408, 425, 429)


def check_key(key: str) -> Marker:
    """Check a key, and return it as a marker.

    Raises:
        ApiValueError: If the key is not a str of 1 to 200 printable characters without brackets.
    """
    if not types.is_text(key) or not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise types.invalid_value_error("key", f"a str of 1 to {MAX_KEY_LENGTH} printable characters", key)
    if "[" in key or "]" in key or key != key.strip():
        raise types.invalid_value_error("key", "a str without [ and ] and without spaces at its ends", key)
    return Marker(str.__str__(key))


def once_steps(
    operation: Operation[Any],
    arguments: dict[str, Any],
    options: Mapping[str, Any],
    settings: Settings,
    key: str,
    settle: float,
) -> Steps[Outcome[Any]]:
    """Send a write under a key, and determine its outcome.

    Raises:
        ApiValueError: If the call can't be sent, or nothing could be read back.
    """
    marker = check_key(key)
    if not operation.read_back:
        if operation.retry == "safe":
            raise ApiValueError(f"{operation.id} changes nothing: once() is for writes, call it directly")
        return (yield from _send_and_settle(operation, arguments, options, key, settle))
    request.build(operation, arguments, "", {})
    if operation.marker is not None:
        arguments = {**arguments, operation.marker: marker.after(arguments.get(operation.marker))}
    lookup = Lookup(operation, arguments, settings, marker)
    try:
        lookup.check()
    except ApiValueError as error:
        raise ApiValueError(f"once() can't read {operation.id} back: {error.reason}") from None
    own: list[writes.Write] = []
    look = look_for_marker(lookup)
    try:
        if operation.marker is None:
            look = yield from _look_for_new(lookup, own, settings, settle)
        else:
            found = yield from _find_earlier(lookup, settings, settle, key)
            if found is not None:
                return found
    except CannotReadError as failed:
        if operation.marker is None:
            return Outcome("absent", error=failed.error, key=key)  # nothing was sent
        return Outcome("unknown", error=_of_write(None, failed.error), key=key)  # now, but maybe before
    for attempt in range(settings.retries + 1):
        outcome = yield from _send(operation, arguments, options, key)
        if outcome.state != "unknown":
            return outcome
        assert outcome.error is not None
        own.append(outcome.error._write)
        allowed_at = monotonic() + (outcome.error.retry_after or 0.0)
        state, candidates, read_error = yield from certain(look, settle)
        own[-1].resolve(state)
        if state != "absent" or attempt == settings.retries or not (yield from _wait_until(allowed_at)):
            break
    return _outcome(state, candidates, _of_write(own[-1], read_error) or outcome.error, key)


def _wait_until(moment: float) -> Steps[bool]:
    """Wait until a moment of the monotonic clock, and return True. If it is too far, return False."""
    pause = moment - monotonic()
    if pause > retry.MAX_RETRY_AFTER_SECONDS or pause >= remaining():
        return False
    if pause > 0:
        yield Sleep(pause)
    return True


def find_out_steps(error: ApiException, settings: Settings, settle: float) -> Steps[Outcome[Any]]:
    """Find out whether the call that failed with an error was applied.

    Raises:
        TypeError: If it is not the error of a call.
        ApiValueError: If the call went to another service.
    """
    if not isinstance(error, ApiException):
        raise TypeError(
            "expected the error of a call, as in `except ApiException as error: client.find_out(error)`, "
            f"not {types.short_repr(error)}"
        )
    if not error.may_have_applied:
        return Outcome(state_of(error), error=error)
    write = error._write
    if write is None:
        return Outcome("unknown", error=error)
    service = write.marks[""]
    if service != settings.service:
        raise ApiValueError(
            f"the call went to {service}, not to {settings.service}: use a client for that host"
        )
    operation = write.operation
    marker = None if operation.marker is None else write.arguments.get(operation.marker)
    lookup = Lookup(operation, write.arguments, settings, marker)
    try:
        lookup.check()
        yield from lookup.learn_time()
    except ApiValueError as unlistable:
        return Outcome("unknown", error=_of_write(write, unlistable))
    except CannotReadError as failed:
        return Outcome("unknown", error=_of_write(write, failed.error))

    def look() -> Steps[tuple[State, list[Any]]]:
        since, begin, siblings = _window(write, lookup.time, settle)
        settled = {other.id for other in siblings or () if other.state == "applied"}
        found = yield from lookup.traces(since)
        if write.era is not writes.LOG.era or lookup.time.has_moved(since, begin):
            return "unknown", found
        siblings = _siblings(write, lookup.time, since, settle)  # with those that came meanwhile
        if siblings is None or (operation.marker is not None and marker is None):
            return ("unknown" if found else "absent"), found
        state = judge(len(found), *write.tally(siblings, settled))
        if state == "applied" and any(map(lookup.is_doubtful, found)):
            return "unknown", found
        dates = [_time(item, operation.read_back[-1].since) for item in found]
        if state == "applied" and not lookup.time.fits(dates, write.lives(siblings)):
            return "unknown", found  # one of them was there before the call
        return state, found

    left = settle - min((write.ended or write.started).ages())
    state, candidates, read_error = yield from certain(look, max(0.0, min(left, settle)))
    write.resolve(state)
    return _outcome(state, candidates, _of_write(write, read_error) or error, None)


def _outcome(
    state: State, candidates: list[Any], error: ApiException | None, key: str | None
) -> Outcome[Any]:
    evidence = candidates[0] if state == "applied" and candidates else None
    return Outcome(state, evidence=evidence, candidates=candidates, error=error, key=key)


def _of_write(write: writes.Write | None, read_error: ApiException | None) -> ApiException | None:
    """Return the error of a read-back, for which `find_out` looks for the write again, if it knows it."""
    if read_error is not None:
        read_error.may_have_applied, read_error._write = True, write
    return read_error


def _window(
    write: writes.Write, clock: ServiceTime, settle: float
) -> tuple[float, Moment, list[writes.Write] | None]:
    """Return the service's time to look from, its moment, and the siblings whose traces are seen then.

    The window begins where no sibling is running, because it must hold all traces of a sibling or none.
    """
    first = write
    while True:
        since = clock.at(first.started) - clock.margin
        siblings = _siblings(write, clock, since, settle)
        earlier = min([first, *(siblings or ())], key=lambda other: other.started.monotonic)
        if earlier is first:
            return since, first.started, siblings
        first = earlier


def _siblings(
    write: writes.Write, clock: ServiceTime, since: float, settle: float
) -> list[writes.Write] | None:
    return writes.LOG.siblings(write, clock.monotonic(since) - clock.margin, settle)


def _send(
    operation: Operation[Any], arguments: Mapping[str, Any], options: Mapping[str, Any], key: str | None
) -> Steps[Outcome[Any]]:
    result = yield Run(operation, arguments, options)
    return _outcome_of(result, key)


def _send_and_settle(
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    options: Mapping[str, Any],
    key: str | None,
    settle: float,
) -> Steps[Outcome[Any]]:
    """Send a write that can't be read back, and wait until no lost attempt can overwrite a later write."""
    result = yield Run(operation, arguments, options)
    if isinstance(result, ApiException):
        may_arrive = result.may_have_applied
    else:
        lost = [attempt.status for attempt in result.attempts[:-1]]
        may_arrive = any(status is None or retry.is_ambiguous(operation.retry, status) for status in lost)
    if may_arrive and 0 < settle < remaining():
        yield Sleep(settle)
    return _outcome_of(result, key)


def _outcome_of(result: Any, key: str | None) -> Outcome[Any]:
    """Return the outcome of a call from its response or error."""
    if not isinstance(result, ApiException):
        return Outcome("applied", value=result.data, evidence=result.data, key=key)
    if isinstance(result, ApiValueError):
        raise result
    return Outcome(state_of(result), error=result, key=key)


def state_of(error: ApiException) -> State:
    """Return the state of a call from its error alone."""
    if error.may_have_applied:
        return "unknown"
    return "denied" if is_denial(error) else "absent"


def look_for_marker(lookup: Lookup) -> Look:
    """Return a function that looks for the marker of a write."""

    def look() -> Steps[tuple[State, list[Any]]]:
        found = yield from lookup.traces(None)
        shown = [item for item in found if not lookup.is_doubtful(item)]
        if found and not shown:
            return "unknown", found
        return ("applied" if shown else "absent"), shown

    return look


def _find_earlier(lookup: Lookup, settings: Settings, settle: float, key: str) -> Steps[Outcome[Any] | None]:
    """Return the outcome of an earlier call with the key, and wait for it if one may still be on its way.

    If there is no trace of one, return None.

    Raises:
        CannotReadError: If they can't be read, or the deadline of the current block leaves no time to wait.
    """
    is_in_progress = _is_in_progress(lookup, settings, settle)
    look = look_for_marker(lookup)
    state, found = yield from look()
    if state == "absent" and is_in_progress:
        state, found, failure = yield from certain(look, settle)
        if failure is not None:
            raise CannotReadError(failure)
    if state == "absent":
        return None
    if state == "applied":
        return Outcome("found", evidence=found[0], candidates=found, key=key)
    doubt = ApiException(reason="the key is in a log line that may be the note of an add: use another key")
    return Outcome("unknown", candidates=found, error=_of_write(None, doubt), key=key)


def _is_in_progress(lookup: Lookup, settings: Settings, settle: float) -> bool:
    """Return whether an earlier call of this process may still apply a write with the same key."""
    write = writes.Write(lookup.operation, lookup.arguments, settings.service)
    del write.marks["marker"]  # with the caller's own text
    siblings = writes.LOG.siblings(write, write.started.monotonic, settle)
    return siblings is None or any(lookup.has_marker(other.marks.get("marker")) for other in siblings)


def _look_for_new(
    lookup: Lookup, own: Sequence[writes.Write], settings: Settings, settle: float
) -> Steps[Look]:
    """Record which items exist before the write, and return a function that looks for a new one.

    Args:
        lookup: The lookup of the write.
        own: The attempts to send the write, to which the caller adds.
        settings: The settings.
        settle: Seconds within which a write arrives whose call has failed.
    """
    yield from lookup.learn_time()
    since = lookup.time.now() - lookup.time.margin
    write = writes.Write(lookup.operation, lookup.arguments, settings.service)
    before = {item._json.get("id") for item in (yield from lookup.traces(since))}
    begun, read = write.started.monotonic, monotonic()

    def look() -> Steps[tuple[State, list[Any]]]:
        known = writes.LOG.siblings(write, begun, settle) or ()
        settled = {other.id for other in known if other.state == "applied" and other.started.monotonic > read}
        found = yield from lookup.traces(since)
        new = [item for item in found if item._json.get("id") not in before]
        if lookup.time.has_moved(since, write.started):
            return "unknown", new
        siblings = writes.LOG.siblings(write, begun, settle)
        if siblings is None:
            return ("unknown" if new else "absent"), new
        others = [sibling for sibling in siblings if not any(sibling is mine for mine in own)]
        return judge(len(new), *write.tally(others, settled)), new

    return look


def settings_of(
    client: Any, options: Mapping[str, Any], method: str = "", parameters: Iterable[str] = ()
) -> Settings:
    """Return the settings of an algorithm for a client and the options of a call.

    Args:
        client: The client.
        options: The options.
        method: The name of the method that they were passed to, for errors.
        parameters: The names of the method's own parameters, for errors.

    Raises:
        TypeError: If there is no option of that name.
        ApiValueError: If a value is out of range.
    """
    settings = client.configuration.settings().with_options(client._options)
    settings = settings.with_options(options, method, parameters)
    read = {"_retries": max(READ_RETRIES, settings.retries)}
    if options.get("_headers") is not None:
        read["_headers"] = options["_headers"]
    return Settings(settings.retries, read, client.configuration.host)


def prepare(
    method: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    key: str,
    settle: float,
    is_async: bool = False,
) -> tuple[Any, Steps[Outcome[Any]]]:
    """Return the client of a method, and the steps that run it under a key.

    Raises:
        TypeError: If `method` is not a method of an API object, or one of the other client.
        ApiValueError: If an option makes the result unreadable.
    """
    captured = capture(method, args, kwargs)
    if iscoroutinefunction(captured.client.call) is not is_async:
        right = "knetik_cloud.once(...)" if is_async else "await knetik_cloud.aio.once(...)"
        raise TypeError(f"{method!r} belongs to the other client: use {right}")
    if captured.options.get("async_req") or captured.options.get("_preload_content") is False:
        raise ApiValueError("once() needs the result of the call: leave out async_req and _preload_content")
    result_options = ("async_req", "_preload_content", "_return_http_data_only")
    options = {name: value for name, value in captured.options.items() if name not in result_options}
    operation = captured.operation
    settings = settings_of(captured.client, options, operation.id, captured.arguments)
    steps = once_steps(operation, captured.arguments, options, settings, key, check_settle(settle))
    return captured.client, steps


def check_settle(settle: float) -> float:
    """Check the seconds to wait for a late write, and return at most `MAX_SETTLE_SECONDS`.

    Raises:
        ApiValueError: If it is not a finite number of 0 or more.
    """
    seconds = types.to_float(settle)
    if seconds is None or not 0 <= seconds < math.inf:
        raise types.invalid_value_error("settle", "a number of seconds from 0", settle)
    return min(seconds, MAX_SETTLE_SECONDS)


def run_steps(client: ApiClient, steps: Steps[T], sleep: Callable[[float], object] = time.sleep) -> T:
    """Run an algorithm with the blocking client."""
    result: Any = None
    try:
        while True:
            command = steps.send(result)
            if isinstance(command, Sleep):
                sleep(command.seconds)
                result = None
                continue
            try:
                result = client.call(command.operation, command.arguments, command.options, http_info=True)
            except ApiException as error:
                if is_interruption(error):
                    raise
                result = error
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        result = None  # the traceback of an error holds this frame, which must not hold the error


class keyed:  # noqa: N801 - reads like the function that it is
    """`once` with the key first, so that type checkers check the method's arguments too.

        keyed("order-17")(api.use_user_entitlement_item, 56, 1)

    Args:
        key: As for `once`.
        settle: As for `once`.
    """

    def __init__(self, key: str, settle: float = SETTLE_SECONDS) -> None:
        self._key = check_key(key)
        self._settle = check_settle(settle)

    def __call__(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """Run `once(method, *args, key=key, settle=settle, **kwargs)`."""
        return once(method, *args, key=str(self._key), settle=self._settle, **kwargs)


def once(
    method: Callable[..., T], /, *args: Any, key: str, settle: float = SETTLE_SECONDS, **kwargs: Any
) -> Outcome[T]:
    """Run a write at most once under a key, and determine its outcome.

        outcome = knetik_cloud.once(api.use_user_entitlement_item, 56, 1, key="order-17")
        if outcome.is_applied:
            ...

    If the response is lost, `once` reads back what the service stores, waits `settle` seconds for a late
    write, and reads again. If the write is still absent, `once` sends it again, up to the client's `retries`
    times.

    The guarantee depends on the operation:

    - `use_user_entitlement_item`: `info` carries the key in brackets, after your own `info`, and comes
      back in the log. If the key has been applied, `once` finds it and sends nothing. The result is exact as
      long as no write arrives later than `settle` seconds after its failure, no two callers use the same key
      at the same moment, and no other text in the log, such as the `note` of an add, ends with the key
      in brackets. After a crash, wait `settle` seconds before the next call with the key.
    - `grant_user_entitlement`, `add_item_to_user_inventory` and the `create_` methods: The service keeps no
      key. `once` compares the entries (or the items of that name) before and after. The result is exact as
      long as no other process does the same for the same user and item in between, and deletes none.
      For an add, that means any item, because an entry shows no SKU, only whether it has an invoice. With
      `skip_invoice`, no other process may grant or add anything to the user without an invoice in between.
      Otherwise, no other process may add or sell anything to the user through an invoice.
      If it finds several new candidates, the state is `"unknown"`. A second call with the same key sends
      again.
    - PUT and DELETE: A retry changes nothing more, so the call is sent as usual. If an attempt was lost,
      `once` then waits `settle` seconds, so that the lost one can't overwrite your next write. After a lost
      PATCH, it waits too, and the state is `"unknown"`.

    Args:
        method: A write method of an API object, such as `api.grant_user_entitlement`.
        *args: Its arguments.
        key: A string that identifies this write among all writes to the service: 1 to 200 printable
            characters without brackets.
        settle: Seconds to wait for a late write. If a `knetik_cloud.deadline` block leaves less, and the
            write is not there yet, the state is `"unknown"`.
        **kwargs: The method's keyword arguments and options.

    Returns:
        The outcome. If the service or the network fails, the error is in `Outcome.error`.

    Raises:
        ApiValueError: If the call can't be sent or read back, such as for the user `me`.
        TypeError: If `method` is not a method of an API object of this client, or does not accept the
            arguments.
    """
    client, steps = prepare(method, args, kwargs, key, settle)
    return run_steps(client, steps)


def find_out(client: ApiClient, error: ApiException, settle: float = SETTLE_SECONDS) -> Outcome[Any]:
    """Find out whether the call that raised an error was applied: `client.find_out(error)`."""
    return run_steps(client, find_out_steps(error, settings_of(client, {}), check_settle(settle)))
