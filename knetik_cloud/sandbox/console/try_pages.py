"""A form for each operation, made from the contract, that sends a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from knetik_cloud.contract import Operation, Parameter
from knetik_cloud.sandbox.console import identities, undo
from knetik_cloud.sandbox.console.identities import ANONYMOUS
from knetik_cloud.sandbox.console.journal_pages import find_exchange
from knetik_cloud.sandbox.console.page import Context, Outcome, Page, Redirect, Visit, link, read_number
from knetik_cloud.sandbox.console.sending import MARK, Wanted, send
from knetik_cloud.sandbox.console.steps import is_cut
from knetik_cloud.sandbox.errors import not_found_error
from knetik_cloud.sandbox.journal import MAX_BODY_CHARACTERS, Exchange
from knetik_cloud.sandbox.masking import MASK, count_masked
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import inventory, items, templates

PREFIX: Final = "p-"
"""Starts the names of the form fields that are parameters of the operation."""

OTHERS: Final = "?"
"""The name of the field with the query parameters that have no field of their own."""

WHOLE, CUT = "whole", "cut"
"""How the journal keeps the body that a form is filled in with."""

REPLACED: Final = {
    "update_entitlement_item": (items.c.document, "entitlement_id"),
    "update_entitlement_template": (templates.c.document, "id"),
    "update_user_inventory_behavior_data": (inventory.c.behavior_data, "id"),
}
"""The column that an operation replaces as a whole, and the parameter that names its row."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter as a form field. `choices` are the values that it may have, if they are few."""

    name: str
    place: str
    required: bool
    kind: str
    value: str
    placeholder: str
    choices: tuple[str, ...]
    is_open: bool
    description: str


def operations(context: Context, visit: Visit) -> Outcome:
    """List the operations."""
    found = context.service.contract.operations.values()
    return Page("try.html", {"operations": sorted(found, key=lambda each: (each.path, each.method))})


def form(context: Context, visit: Visit) -> Outcome:
    """Show an operation's form, filled in from the address or from a request of the journal."""
    operation = _operation(context.service, visit)
    values, body, chosen = dict(visit.query), visit.query.get("body"), visit.query.get("as")
    number = visit.number("from", default=0)
    if number:
        exchange = find_exchange(context, visit, number)
        values, body = _of_exchange(operation, exchange), exchange.body or ""
        kept = "" if operation.body is None else CUT if is_cut(exchange) else WHOLE
        return _page(context.service, operation, values, body, exchange.caller or ANONYMOUS, kept=kept)
    if body is None:
        body = _current(context.service, operation, values) or _example(operation, values)
    return _page(context.service, operation, values, body, chosen)


def _gap(kept: str, body: str) -> str | None:
    """Return why a body of the journal can't be sent like this, or None if it can."""
    if kept == CUT and not _is_json(body):
        return f"The journal keeps only the first {MAX_BODY_CHARACTERS:,} bytes of this body: complete it"
    if kept and count_masked(body):
        return f"The journal masks secrets: replace each {MASK} in the body"
    if kept and "\ufffd" in body:
        return "The body is not UTF-8 text: replace each \ufffd in it"
    return None


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _page(
    service: Service,
    operation: Operation,
    values: Mapping[str, str],
    body: str,
    chosen: str | None,
    problem: str | None = None,
    kept: str = "",
) -> Page:
    known = identities.identities(service, chosen)
    if chosen is None or chosen not in (ANONYMOUS, *(each.value for each in known)):
        chosen = identities.best(service, operation, known)
    return Page(
        "operation.html",
        {
            "operation": operation,
            "fields": [_field(parameter, values) for parameter in operation.parameters],
            "others": values.get(OTHERS, ""),
            "body": body,
            "identities": known,
            "chosen": chosen,
            "require_auth": service.settings.require_auth,
            "problem": problem or _gap(kept, body),
            "kept": kept,
        },
        400 if problem else 200,
    )


def _operation(service: Service, visit: Visit) -> Operation:
    found = service.contract.operations.get(visit.path["operation"])
    if found is None:
        raise not_found_error(f"There is no operation {visit.path['operation']!r}")
    return found


def _field(parameter: Parameter, values: Mapping[str, str]) -> Field:
    schema = parameter.schema
    example = "" if parameter.example is None else _text(parameter.example)
    default = schema.get("default")
    is_secret = schema.get("format") == "password"
    choices = ["true", "false"] if schema.get("type") == "boolean" else list(schema.get("enum") or ())
    if choices and (given := values.get(parameter.name)) and given not in choices:
        choices.append(given)  # which the request of the journal was sent with
    return Field(
        name=parameter.name,
        place=parameter.place,
        required=parameter.required,
        kind="number" if schema.get("type") == "integer" else "password" if is_secret else "text",
        # Only required fields are filled in, because a filter that was not chosen would hide rows.
        value=values.get(parameter.name, example if parameter.required else ""),
        placeholder=f"default: {_text(default)}" if default is not None else example,
        choices=tuple(choices),
        is_open=bool(schema.get("x-known-values")),
        description=str(parameter.node.get("description", "") or schema.get("description", "")),
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _current(service: Service, operation: Operation, values: Mapping[str, str]) -> str | None:
    """Return the stored body that an operation replaces, to change it, or None if there is none."""
    if operation.id not in REPLACED:
        return None
    column, parameter = REPLACED[operation.id]
    text = values.get(parameter, "")
    key = text if column.table is templates else read_number(text)
    if key is None or "\0" in text:
        return None
    with service.database.transaction(reads_only=True) as db:
        found = db.scalar(select(column).where(column.table.c.id == key))
    return None if found is None else json.dumps(found, indent=2, ensure_ascii=False)


def _example(operation: Operation, values: Mapping[str, str]) -> str:
    """Return the example of an operation's body, with the fields that the address names replaced."""
    if operation.body is None:
        return ""
    example = operation.body.example
    if isinstance(example, dict):
        named = {name: values[name] for name in ("entitlement_id", "sku") if name in values}
        if named:
            # The other values of the example were not asked for.
            required = operation.body.schema.get("required", ())
            example = {name: example[name] for name in example if name in required or name in named}
            numbers = {name: read_number(value) for name, value in named.items()}
            example |= {name: named[name] if number is None else number for name, number in numbers.items()}
    return json.dumps(example, indent=2, ensure_ascii=False, default=str)


def _of_exchange(operation: Operation, exchange: Exchange) -> dict[str, str]:
    """Return the parameters of a request in the journal. Those that are masked are empty."""
    from urllib.parse import unquote

    values = {
        segment[1:-1]: unquote(value)
        for segment, value in zip(operation.path.split("/"), exchange.path.split("/"), strict=False)
        if segment.startswith("{")
    }
    pairs = parse_qsl(exchange.query, keep_blank_values=True)
    last = {name: place for place, (name, _) in enumerate(pairs)}
    known = {each.name for each in operation.parameters if each.place == "query"}
    others = []
    for place, (name, value) in enumerate(pairs):
        if name in known and value and last[name] == place:
            values[name] = value
        else:
            others.append((name, "" if value == MASK else value))
    values[OTHERS] = urlencode(others)
    if operation.takes_form:
        values.update(parse_qsl(exchange.body or "", keep_blank_values=True))
    return {name: "" if value == MASK else value for name, value in values.items()}


async def submit(context: Context, visit: Visit) -> Outcome:
    """Send the request of the form, or fill in credentials."""
    service = context.service
    operation = _operation(service, visit)
    given = {name.removeprefix(PREFIX): value for name, value in visit.pairs if name.startswith(PREFIX)}
    body, chosen = visit.form.get("body", ""), visit.form.get("as", ANONYMOUS)
    kept = visit.form.get("kept", "")
    if visit.form.get("do") == "fill":
        known = await run_in_threadpool(identities.credentials, service, chosen)
        return _page(service, operation, known, body, chosen)
    missing = [
        each.name for each in operation.parameters if each.place == "path" and not given.get(each.name)
    ]
    if missing:
        problem = f"{', '.join(missing)} must not be empty"
        return _page(service, operation, given, body, chosen, problem, kept)
    if gap := _gap(kept, body):
        return _page(service, operation, given, body, chosen, gap, kept)
    point = None
    if operation.method != "GET" and not operation.issues_tokens:
        prepared = await run_in_threadpool(_before_write, service, operation, visit)
        if isinstance(prepared, Page):
            return prepared
        point = prepared
    token = await identities.token(service, visit, chosen)
    received = await send(visit.request, _wanted(operation, given, body, token))
    if operation.issues_tokens and received.status is not None:
        shown = received.body.decode("utf-8", "replace")
        return Page("token.html", {"operation": operation, "status": received.status, "body": shown})
    number = await run_in_threadpool(_number, service, received.mark)
    return Redirect(link(f"/journal/{number}", {"did": point}))


def _before_write(service: Service, operation: Operation, visit: Visit) -> Page | int | None:
    """Keep the state before a write; return the point, None without one, or the page that asks."""
    if visit.form.get("snapshot") == "no":
        return None
    label = f"{operation.summary} ({operation.id})"
    return undo.ask(service, visit, label, f"/try/{operation.id}") or undo.take(service, label)


def _wanted(operation: Operation, given: Mapping[str, str], body: str, token: str | None) -> Wanted:
    """Sort the fields of a form by place. Empty ones are left out."""
    places: dict[str, dict[str, str]] = {"path": {}, "query": {}, "form": {}}
    for parameter in operation.parameters:
        if value := given.get(parameter.name):
            places.setdefault(parameter.place, {})[parameter.name] = value
    return Wanted(
        operation,
        places["path"],
        [*parse_qsl(given.get(OTHERS, ""), keep_blank_values=True), *places["query"].items()],
        places["form"],
        body if operation.body is not None and body.strip() else None,
        token,
    )


def _number(service: Service, mark: str) -> int:
    """Return the number of the console's request in the journal."""
    found = service.controls.journal.newest(1, matches=lambda exchange: exchange.headers.get(MARK) == mark)
    return found[0].number if found else service.controls.journal.last_number()
