"""Which traces may be a row's own: those that are neither its siblings' nor older than the run.

Rows are siblings if their traces look alike: all of them are in one shard, and run one after the other. The
journal shows when each of them ran. Traces that others left shortly before the run would look like those of
its first rows, because the service's times have whole seconds. So the ids that exist are recorded before
each of these rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from knetik_cloud.bulk.journal import APPLIED, CODES, OPEN, UNKNOWN, open_stored
from knetik_cloud.core.clock import monotonic

FIRST_READS = 200
"""Rows at the beginning of a run for which the existing ids are read. Others wait until it is over."""


class Beginning:
    """The first seconds of a run, in which a row could be confused with a write before the run.

    Args:
        age: Seconds since the run began.

    Attributes:
        is_over: Whether `seconds_left` has returned 0.
    """

    def __init__(self, age: float) -> None:
        self._age = age
        self._created = monotonic()
        self._reads = FIRST_READS
        self.is_over = False

    def seconds_left(self, margin: float) -> float:
        """Return the seconds until the windows of new rows, and of their siblings, begin after the run did.

        Args:
            margin: The uncertainty of the service's time in seconds.
        """
        left = 2.0 * math.ceil(margin) + 2.0 - self._age - (monotonic() - self._created)
        self.is_over = left <= 0.0
        return max(left, 0.0)

    def may_read(self) -> bool:
        """Count a row whose existing ids are to be read; return whether there were few enough."""
        self._reads -= 1
        return self._reads >= 0


class Traces(NamedTuple):
    """Where to look for the traces of a row, and how many of them are not its own.

    Attributes:
        since: The service's time from which to look, in epoch seconds.
        before: The ids that were there before.
        applied: The number of siblings that have certainly left a trace.
        pending: The number of siblings that may have left one; infinite if writes before the run may have.
    """

    since: int
    before: Container[Any]
    applied: int
    pending: float


class _Baseline(NamedTuple):
    """The ids that existed before a row was sent, and the states of the siblings at that moment."""

    row: int
    since: int
    ids: frozenset[Any] | None
    states: Mapping[int, int]


def find_traces(
    journal: Path, states: bytearray, row: int, alike: Container[int], now: int, margin: int
) -> Traces:
    """Return where the traces of a row are, from the journal of its shard.

    The window begins where neither the row nor a sibling was running, or with the ids that were recorded
    before one of these. If the recorded times go back, because a clock was set or servers differ in the
    time, they show nothing: the window is all of the history then.

    Args:
        journal: The journal.
        states: The state of each row.
        row: The row.
        alike: Its siblings.
        now: The service's time in epoch seconds.
        margin: The uncertainty of the service's time in seconds.
    """
    first, last, baseline, newest = _replay(journal, row, alike, margin)
    if now + margin < newest:
        applied = sum(states[other] == APPLIED for other in first if other != row)
        return Traces(0, (), applied, math.inf)
    since = first.pop(row, now) - margin
    chosen: list[int] = []
    for other in sorted(first, key=lambda other: -last.get(other, now)):
        if last.get(other, now) < since - margin:
            break
        since = min(since, first[other] - margin)
        chosen.append(other)
    if baseline is None or baseline.row not in (row, *chosen):
        baseline = _Baseline(row, since, frozenset(), {})
    applied, pending = 0, 0.0 if baseline.ids is not None else math.inf
    for other in chosen:
        earlier = baseline.states.get(other)
        if states[other] == APPLIED and earlier is None:
            applied += 1
        elif states[other] in (OPEN, UNKNOWN) or (states[other] == APPLIED != earlier):
            pending += 1
    return Traces(baseline.since, baseline.ids or (), applied, pending)


def _replay(
    journal: Path, row: int, alike: Container[int], margin: int
) -> tuple[dict[int, int], dict[int, int], _Baseline | None, float]:
    """Return when the row and its siblings were first sent and have ended, and the latest ids before the row.

    The last result is the latest time before one of them was sent, or infinity if the recorded times go back.

    What is recorded of a row until no attempt can have applied it doesn't count.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    latest: dict[int, int] = {}
    baselines: list[_Baseline] = []
    newest = 0.0
    with open_stored(journal, "rb") as file:
        for line in file:
            kind, number, rest = line.split(b" ", 2)
            other = int(number)
            if other != row and other not in alike:
                continue
            if kind == b"before":
                if row not in first:
                    since, ids = json.loads(rest)
                    known = None if ids is None else frozenset(ids)
                    baselines.append(_Baseline(other, since, known, {**latest}))
                    newest = max(newest, since + margin)
                continue
            if kind == b"unapplied":
                for known_times in (first, last, latest):
                    known_times.pop(other, None)
                baselines = [each for each in baselines if each.row != other]
                continue
            code, moment = CODES[kind], int(rest.split(b" ", 1)[0])
            first.setdefault(other, moment)
            if code == OPEN:
                newest = math.inf if moment + margin < newest else max(newest, moment)
                last.pop(other, None)
            else:
                last[other] = moment
            latest[other] = code
    return first, last, baselines[-1] if baselines else None, newest
