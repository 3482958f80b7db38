"""Requests of the journal as calls of the SDK: which method, with which arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from knetik_cloud.contract import Contract, Operation
from knetik_cloud.sandbox.journal import MAX_BODY_CHARACTERS, Exchange


@dataclass(frozen=True, slots=True)
class Step:
    """A request as a call of the SDK.

    `path` holds the arguments in the path in order, `query` those in the query, and `body` the JSON body if
    `has_body`. `texts` are the path's parts as they were sent. `problem` is why the SDK can't make the call,
    None if it can.
    """

    exchange: Exchange
    operation: Operation | None
    path: Sequence[Any] = ()
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    has_body: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


MASKED: Final = "the client requests tokens by itself"
UNKNOWN: Final = "no operation has its path"
CUT: Final = "the journal keeps only the beginning of its body"
NOT_JSON: Final = "its body is not JSON"
MALFORMED: Final = "the SDK would reject its parameters"


def read_steps(contract: Contract, exchanges: Iterable[Exchange]) -> list[Step]:
    """Read requests as calls, in the order in which they were made."""
    return [_read(contract, each) for each in sorted(exchanges, key=lambda each: each.number)]


def _read(contract: Contract, exchange: Exchange) -> Step:
    operation = contract.operations.get(exchange.operation or "")
    if operation is None:
        return Step(exchange, None, problem=UNKNOWN)
    if operation.issues_tokens:
        return Step(exchange, operation, problem=MASKED)
    texts = {
        segment[1:-1]: unquote(value)
        for segment, value in zip(operation.path.split("/"), exchange.path.split("/"), strict=False)
        if segment.startswith("{")
    }
    problem = None
    path: list[Any] = []
    query: dict[str, Any] = {}
    given = dict(parse_qsl(exchange.query, keep_blank_values=True))
    known = {parameter.name: parameter for parameter in operation.parameters}
    try:
        path = [_typed(known[name].schema, value) for name, value in texts.items()]
        query = {name: _typed(known[name].schema, value) for name, value in given.items()}
    except (KeyError, ValueError):
        problem = MALFORMED
    body, has_body = None, False
    if operation.body is not None and exchange.body:
        try:
            body, has_body = json.loads(exchange.body), True
        except ValueError:
            is_cut = len(exchange.body.encode()) >= MAX_BODY_CHARACTERS
            problem = CUT if is_cut else NOT_JSON
    if operation.body is not None and operation.body.required and not has_body:
        problem = problem or MALFORMED
    return Step(exchange, operation, path, query, body, has_body, texts, problem)


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """Return the argument for a parameter's text.

    Raises:
        ValueError: If the SDK would reject it.
    """
    match schema.get("type"):
        case "integer":
            return int(text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError(text)
            return text.lower() == "true"
    is_id = "int" in str(schema.get("x-python-type", ""))
    return int(text) if is_id and text.isascii() and text.isdigit() else text
