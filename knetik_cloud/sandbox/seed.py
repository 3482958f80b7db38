"""Seeds: the data of a sandbox as YAML, JSON or, for many rows, JSON Lines."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from knetik_cloud.contract import Contract
from knetik_cloud.documents import load_document, parse_document, parse_json
from knetik_cloud.sandbox.bodies import MAX_DEPTH
from knetik_cloud.sandbox.errors import INVALID, Problem, ServiceError
from knetik_cloud.sandbox.loading import BATCH, SECTIONS, Loader
from knetik_cloud.sandbox.rules import definitions, template_check
from knetik_cloud.sandbox.schema import BodyCheck, short_json
from knetik_cloud.sandbox.schema import problems as schema_problems
from knetik_cloud.sandbox.storage import tables

SCHEMA = resources.files("knetik_cloud.sandbox").joinpath("seed_schema.yaml")
"""The JSON Schema of a seed."""

MAX_VALUES = 10_000_000
"""The maximum number of values in a seed, which a few references in YAML can multiply."""

MAX_BITS = 10_000
"""The maximum size of an integer in a seed."""

_SURROGATE = re.compile("[\ud800-\udfff]")

LINES = (".jsonl", ".ndjson")
"""The suffixes of files with JSON Lines."""


def demo() -> dict[str, Any]:
    """Read the demo data that ships with the package."""
    return parse(resources.files("knetik_cloud.sandbox").joinpath("demo.yaml").read_text("utf-8"))


def read_file(path: Path) -> dict[str, Any]:
    """Read a seed file, YAML or JSON.

    Raises:
        OSError: If the file can't be read.
        ServiceError: If it doesn't contain a seed.
    """
    try:
        return parse(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ServiceError(400, INVALID, [Problem(f"the seed must be UTF-8, as {path} is not")]) from None


def parse(text: str) -> dict[str, Any]:
    """Parse a seed from YAML or JSON.

    Raises:
        ServiceError: If it is neither, or isn't a map.
    """
    try:
        document = parse_document(text)
    except ValueError as error:
        raise ServiceError(400, INVALID, [Problem(f"the seed is not valid YAML: {error}")]) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ServiceError(
            400, INVALID, [Problem(f"a seed is a map of sections, not {short_json(document)}")]
        )
    return document


def apply_source(
    db: Connection,
    source: str | Path | Mapping[str, Any],
    contract: Contract,
    bodies: BodyCheck,
    now: float,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Check a seed, or a file with one, and add it to the data. `progress` is called with the rows so far.

    Raises:
        OSError: If the file can't be read.
        ServiceError: If anything is wrong with the seed. The transaction is then to be rolled back.
    """
    if isinstance(source, Mapping) or Path(source).suffix.lower() not in LINES:
        document = dict(source) if isinstance(source, Mapping) else read_file(Path(source))
        check(document, contract, bodies)
        apply(db, document, contract, now, progress)
        return
    loader = Loader(db, contract, now, progress)
    for batch in _batches(Path(source)):
        rows = {section: [*lines.values()] for section, lines in batch.items()}
        try:
            check(rows, contract, bodies)
            for section in SECTIONS:
                loader.add(section, rows.get(section, ()))
        except ServiceError as error:
            raise _at_lines(error, {section: [*lines] for section, lines in batch.items()}) from None
    loader.finish()


def _batches(path: Path) -> Iterator[dict[str, dict[int, Any]]]:
    """Yield consecutive rows of JSON Lines by section and by the number of their line.

    An item follows in a later batch than the entries before it that refer to it, because an entry keeps the
    name that the item has when it is added.
    """
    batch: dict[str, dict[int, Any]] = {}
    count = 0
    used: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if not line.strip():
                continue
            section, row = _read_line(line, number)
            fields = row if isinstance(row, dict) else {}
            if count == BATCH or (section == "items" and str(fields.get("id")) in used):
                yield batch
                batch, count, used = {}, 0, set()
            batch.setdefault(section, {})[number] = row
            count += 1
            if section == "inventory":  # an item without an id may get any
                used.update((str(fields.get("item_id")), "None"))
    if batch:
        yield batch


def _read_line(line: bytes, number: int) -> tuple[str, Any]:
    try:
        value = parse_json(line.decode("utf-8"))
    except ValueError as error:
        raise ServiceError(400, INVALID, [Problem(f"line {number} is not valid JSON: {error}")]) from None
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= set(SECTIONS):
        expected = f'an object with one of {", ".join(SECTIONS)}, such as {{"users": {{"username": "kim"}}}}'
        message = f"line {number} must be {expected}, not {short_json(value)}"
        raise ServiceError(400, INVALID, [Problem(message)])
    return next(iter(value.items()))


def _at_lines(error: ServiceError, numbers: Mapping[str, Sequence[int]]) -> ServiceError:
    """Return an error about rows of sections as one about the lines that they come from."""

    def named(text: str) -> str:
        return re.sub(
            rf"^({'|'.join(numbers)})\[(\d+)\]",
            lambda match: f"line {numbers[match[1]][int(match[2])]}",
            text,
        )

    problems = [
        Problem(named(each.message), named(each.field) if each.field else None, each.details)
        for each in error.problems
    ]
    return ServiceError(error.status, error.code, problems)


@cache
def _schema() -> Any:
    return load_document(SCHEMA)


def check(document: Mapping[str, Any], contract: Contract, bodies: BodyCheck) -> None:
    """Check a seed, and its items and templates against the contract.

    Raises:
        ServiceError: If anything is wrong; it lists all problems.
    """
    problems = schema_problems(_schema(), document, "the seed")
    if not problems:
        try:
            _check_values(document)
        except ValueError as error:
            problems = [Problem(str(error))]
    if not problems:
        problems = [*_resource_problems(document, contract, bodies)]
    if problems:
        raise ServiceError(400, INVALID, problems)


def _check_values(document: Mapping[str, Any]) -> None:
    """Check that a seed contains nothing but JSON that both databases can store.

    YAML also has dates, sets and references, and Python has even more.

    Raises:
        ValueError: If it contains anything else, is nested too deeply, or is too large.
    """
    pending: list[tuple[Any, int]] = [(document, 0)]
    count = 0
    while pending:
        value, depth = pending.pop()
        count += 1
        if count > MAX_VALUES or depth > MAX_DEPTH:
            raise ValueError(
                f"the seed must have at most {MAX_VALUES} values and {MAX_DEPTH} levels of nesting; load "
                "larger ones in parts"
            )
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise ValueError(f"the keys of the seed must be strings, not {short_json([*value][:5])}")
            pending += [(key, depth) for key in value]
            pending += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            pending += [(inner, depth + 1) for inner in value]
        else:
            _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
            raise ValueError(f"the seed contains a string that can't be stored: {short_json(value)}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"the numbers of the seed must be finite, not {value}")
    elif isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ValueError(f"the integers of the seed must have at most {MAX_BITS} bits")
    elif value is not None:
        raise ValueError(f"the seed must contain JSON values only, not {type(value).__name__} {value!s:.60}")


def _resource_problems(
    document: Mapping[str, Any], contract: Contract, bodies: BodyCheck
) -> Iterator[Problem]:
    for section, name in (("items", "EntitlementItem"), ("templates", "ItemTemplateResource")):
        for number, row in enumerate(document.get(section) or ()):
            found = bodies.problems(contract.schemas[name], row, name)
            if not found:
                found = _item_problems(row) if section == "items" else template_check.definition_problems(row)
            path = f"{section}[{number}]"
            yield from (Problem(f"{path}: {each.message}", f"{path}.{each.field}") for each in found)


def _item_problems(row: Mapping[str, Any]) -> list[Problem]:
    found = definitions.name_problems(row) + definitions.behavior_problems(row.get("behaviors") or ())
    return found or definitions.key_problems(row)


def apply(
    db: Connection,
    document: Mapping[str, Any],
    contract: Contract,
    now: float,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Add a checked seed to the data. A row with an existing key replaces the stored row."""
    loader = Loader(db, contract, now, progress)
    for section in SECTIONS:
        loader.add(section, document.get(section) or ())
    loader.finish()


def export(db: Connection) -> dict[str, Any]:
    """Return the data as a seed, without tokens and invoices, which result from calls."""
    memberships: dict[int, list[str]] = {}
    for user_id, group in db.execute(select(tables.user_groups).order_by(tables.user_groups.c.group_name)):
        memberships.setdefault(user_id, []).append(group)
    log: dict[int, list[dict[str, Any]]] = {}
    for line in db.execute(select(tables.inventory_log).order_by(tables.inventory_log.c.id)):
        kept = {"type": line.type, "info": line.info, "log_date": line.log_date, "user_id": line.user_id}
        log.setdefault(line.inventory_id, []).append(_present(kept))
    return {
        "users": [
            _present({**row, "groups": memberships.get(row["id"])}) for row in _rows(db, tables.users, "id")
        ],
        "clients": [_present(row) for row in _rows(db, tables.clients, "client_id")],
        "templates": [_resource(row) for row in _rows(db, tables.templates, "number")],
        "items": [_resource(row) for row in _rows(db, tables.items, "id")],
        "skus": [_present(row) for row in _rows(db, tables.skus, "sku")],
        "inventory": [
            _present({**row, "invoice_id": None, "log": log.get(row["id"])})
            for row in _rows(db, tables.inventory, "id")
        ],
        "wallets": _rows(db, tables.wallets, "user_id"),
    }


def _rows(db: Connection, table: Table, key: str) -> list[dict[str, Any]]:
    # SQLAlchemy's names are of a subclass of str, which YAML can't write.
    names = [str(column.name) for column in table.c]
    return [dict(zip(names, row, strict=True)) for row in db.execute(select(table).order_by(table.c[key]))]


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    dates = {"created_date": row["created_date"], "updated_date": row["updated_date"]}
    return {"id": row["id"], **row["document"], **dates}
