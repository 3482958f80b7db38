"""Requests of the journal as calls of the SDK: which method, with which arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from knetik_cloud import operations
from knetik_cloud.contract import Contract, Operation
from knetik_cloud.core.request import build
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.sandbox import bodies
from knetik_cloud.sandbox.errors import ServiceError
from knetik_cloud.sandbox.journal import MAX_BODY_CHARACTERS, Exchange
from knetik_cloud.sandbox.parameters import INTEGER


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
MALFORMED: Final = "the SDK would reject its parameters or its body"
OTHER_FORM: Final = "the SDK would send it in another form"


def is_cut(exchange: Exchange) -> bool:
    """Return whether the journal may hold only the beginning of a request's body."""
    length = exchange.headers.get("content-length", "")
    if length.isdecimal():  # which masking doesn't shorten
        return int(length[:20]) > MAX_BODY_CHARACTERS
    return len((exchange.body or "").encode("utf-8", "surrogatepass")) >= MAX_BODY_CHARACTERS


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
        raw = exchange.body.encode()
        try:
            body, has_body = bodies.read_json(raw, exchange.headers.get("content-type")), True
        except ServiceError:
            problem = CUT if is_cut(exchange) else NOT_JSON
    step = Step(exchange, operation, path, query, body, has_body, texts, problem)
    return step if problem else replace(step, problem=_sdk_problem(operation, step))


def _sdk_problem(operation: Operation, step: Step) -> str | None:
    """Return why the SDK can't send a request as it was recorded, or None if it can."""
    arguments = {**dict(zip(step.texts, step.path, strict=True)), **step.query}
    if operation.body is not None and step.has_body:
        arguments[operation.body.name] = step.body
    try:
        content = build(getattr(operations, operation.id.upper()), arguments, "", {}).content()
    except ApiValueError:
        return MALFORMED
    sent = bodies.ABSENT if content is None else json.loads(content)
    recorded = step.body if step.has_body else bodies.ABSENT
    return None if step.exchange.method == operation.method and sent == recorded else OTHER_FORM


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """Return the argument for a parameter's text.

    Raises:
        ValueError: If the SDK would reject it.
    """
    match schema.get("type"):
        case "integer":
            if not INTEGER.fullmatch(text):
                raise ValueError(text)
            return int(text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError(text)
            return text.lower() == "true"
    is_id = "int" in str(schema.get("x-python-type", ""))
    return int(text) if is_id and text.isascii() and text.isdigit() else text
