"""Replays requests on another sandbox, to find the smallest start from which they respond as recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.console.steps import Step
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.masking import MASK, is_secret
from knetik_cloud.sandbox.service import Request, Service
from knetik_cloud.sandbox.settings import IN_MEMORY, Settings
from knetik_cloud.sandbox.storage import people
from knetik_cloud.sandbox.storage.database import load
from knetik_cloud.sandbox.storage.people import Token

MAX_EARLIER: Final = 100
"""Earlier writes that a test runs before the selected requests."""

MAX_ROWS: Final = 5000
"""Rows of a state up to which a test holds it. A test reads larger present data from a file."""

DEMO, EMPTY, SEEDED = "demo", "empty", "seeded"


@dataclass(frozen=True, slots=True)
class Start:
    """The data that a test starts with: the demo data, none, or a seed."""

    kind: str
    seed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A test: its start, earlier writes that lead up to the selected requests, and what those respond.

    `responses` are (status, JSON body) by number. `differing` are the numbers of the selected requests that
    responded with another status than recorded.
    """

    start: Start
    earlier: Sequence[Step]
    steps: Sequence[Step]
    responses: Mapping[int, tuple[int | None, Any]]
    differing: Sequence[int]


def plan(service: Service, steps: Sequence[Step], earlier: Sequence[Step]) -> Plan:
    """Find the smallest start and the fewest earlier writes from which the steps respond as recorded.

    If none does, the plan with the fewest differences is returned.
    """
    best: Plan | None = None
    for start, lead in _candidates(service, steps, earlier):
        responses = _replay(service, start, [*lead, *steps])
        differing = [
            step.exchange.number
            for step in steps
            if step.exchange.number in responses
            and responses[step.exchange.number][0] != step.exchange.status
        ]
        found = Plan(start, lead, steps, responses, differing)
        if not differing and all(_is_same(step.exchange, responses) for step in steps):
            return found
        if best is None or len(differing) < len(best.differing):
            best = found
    assert best is not None
    return best


def _candidates(
    service: Service, steps: Sequence[Step], earlier: Sequence[Step]
) -> Iterator[tuple[Start, Sequence[Step]]]:
    first = _first_start(service)
    if first is not None:
        yield first, []
        concerned = {step.exchange.user_id for step in steps}
        close = [step for step in earlier if step.exchange.user_id in (None, *concerned)]
        for lead in (close, earlier):
            if 0 < len(lead) <= MAX_EARLIER:
                yield first, lead
    yield Start(SEEDED, _plain(service.controls.export())), []


def _first_start(service: Service) -> Start | None:
    """Return the start of the sandbox itself, or None if it started on data that it found."""
    if service.controls.found_data:
        return None
    if service.settings.generate is None:
        if service.settings.empty:
            return Start(EMPTY)
        if service.settings.seed is None:
            return Start(DEMO)
    state = service.controls.first_state(MAX_ROWS)
    if state is None:
        return None
    with closing(Service(Settings(empty=True))) as other:
        with other.database.transaction() as db:
            load(db, state)
        return Start(SEEDED, _plain(other.controls.export()))


def _plain(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a seed as plain JSON, with its secrets masked and without sections that are empty.

    A test reads the credentials of its callers from this seed, so masked ones work.
    """
    plain = json.loads(json.dumps(document), object_hook=_masked)
    return {name: rows for name, rows in plain.items() if rows}


def _masked(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: MASK if value and isinstance(value, str) and is_secret(name) else value
        for name, value in values.items()
    }


def _replay(service: Service, start: Start, steps: Iterable[Step]) -> dict[int, tuple[int | None, Any]]:
    """Run steps on a new sandbox in memory, each at its own time, and return (status, body) by number."""
    settings = replace(
        service.settings, database=None, workers=1, seed=None, generate=None, empty=start.kind != DEMO
    )
    assert settings.database_url == IN_MEMORY
    responses: dict[int, tuple[int | None, Any]] = {}
    with closing(Service(settings)) as other:
        if start.seed:
            other.controls.seed(start.seed)
        for step in steps:
            if step.problem is None and step.operation is not None:
                responses[step.exchange.number] = _run(other, step)
    return responses


def _run(service: Service, step: Step) -> tuple[int | None, Any]:
    exchange, fault = step.exchange, step.exchange.applied_fault
    assert step.operation is not None
    # Not through `change_clock`, after which clients in this process would forget their writes.
    service.controls.clock = Clock({"frozen_at": exchange.time})
    result: tuple[int | None, Any] = (exchange.status, None)
    if fault is None or fault["applied"] or fault["truncate"] or not (fault["status"] or fault["reset"]):
        headers = {name: value for name, value in exchange.headers.items() if name == "content-type"}
        if exchange.caller is not None:
            headers["authorization"] = f"Bearer {_token(service, exchange.caller)}"
        query = dict(parse_qsl(exchange.query, keep_blank_values=True))
        body = (exchange.body or "").encode()
        response = service.execute(step.operation, Request(step.texts, query, headers, body))
        if fault is None or not (fault["status"] or fault["reset"] or fault["truncate"]):
            result = (response.status, _plain_body(response.body))
    return result


def _token(service: Service, caller: str) -> str:
    """Issue a token that never expires to a caller of the journal."""
    kind, _, key = caller.partition(":")
    name = f"replay-{caller}"
    with service.database.transaction() as db:
        if people.token(db, name) is None:
            user_id = int(key) if kind == "user" else None
            client_id = key if kind == "client" else "replay"
            people.add_token(db, Token(name, None, client_id, user_id, 1e12, None), 0)
    return name


def _plain_body(body: Any) -> Any:
    return None if body is None else json.loads(json.dumps(body, default=str))


def _is_same(exchange: Exchange, responses: Mapping[int, tuple[int | None, Any]]) -> bool:
    """Return whether a request responds as recorded, apart from the id of the request."""
    if exchange.number not in responses or exchange.applied_fault is not None:
        return True
    recorded: Any = None
    if exchange.answer:
        try:
            recorded = json.loads(exchange.answer)
        except ValueError:
            # The journal keeps only the beginning; the status must do.
            return True
    body = responses[exchange.number][1]
    return bool(_without_request_id(recorded) == _without_request_id(body))


def _without_request_id(body: Any) -> Any:
    return (
        {name: value for name, value in body.items() if name != "request_id"}
        if isinstance(body, dict)
        else body
    )
