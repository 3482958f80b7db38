"""Seeds: data as YAML or JSON, to add to a sandbox or to export from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox.bodies import MAX_DEPTH
from knetik_cloud.sandbox.errors import INVALID, Problem, ServiceError
from knetik_cloud.sandbox.rules import definitions, groups
from knetik_cloud.sandbox.rules.entry import ACTIVE
from knetik_cloud.sandbox.schema import BodyCheck, short_json
from knetik_cloud.sandbox.schema import problems as schema_problems
from knetik_cloud.sandbox.storage import tables
from knetik_cloud.sandbox.storage.catalog import GroupMember, join_groups
from knetik_cloud.sandbox.storage.database import align_ids

SCHEMA = resources.files("knetik_cloud.sandbox").joinpath("seed_schema.yaml")
"""The JSON Schema of a seed."""

MAX_VALUES = 10_000_000
"""The maximum number of values in a seed, which a few references in YAML can multiply."""

MAX_BITS = 10_000
"""The maximum size of an integer in a seed."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def demo() -> dict[str, Any]:
    """Read the demo data that ships with the package."""
    return parse(resources.files("knetik_cloud.sandbox").joinpath("demo.yaml").read_text("utf-8"))


def read(source: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a seed, which may be in a file.

    Raises:
        OSError: If the file can't be read.
        ServiceError: If the file doesn't contain a seed.
    """
    return source if isinstance(source, Mapping) else read_file(Path(source))


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
    """Parse a seed from YAML, of which JSON is a subset.

    Raises:
        ServiceError: If it isn't YAML, or isn't a map.
    """
    try:
        document = _yaml(text)
    except ValueError as error:
        raise ServiceError(400, INVALID, [Problem(f"the seed is not valid YAML: {error}")]) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ServiceError(
            400, INVALID, [Problem(f"a seed is a map of sections, not {short_json(document)}")]
        )
    return document


def _yaml(text: str) -> Any:
    """Parse YAML.

    Raises:
        ValueError: If it is malformed. The message names the place.
    """
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except Exception as error:
        # A malformed value, such as !!int "", raises whatever its conversion runs into.
        raise ValueError(str(error)) from None


def check(document: Mapping[str, Any], contract: Contract, bodies: BodyCheck) -> None:
    """Check a seed, and its items and templates against the contract.

    Raises:
        ServiceError: If anything is wrong; it lists all problems.
    """
    problems = schema_problems(_yaml(SCHEMA.read_text("utf-8")), document, "the seed")
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
                raise ValueError(f"the keys of the seed must be texts, not {short_json([*value][:5])}")
            pending += [(key, depth) for key in value]
            pending += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            pending += [(inner, depth + 1) for inner in value]
        else:
            _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
            raise ValueError(f"the seed contains a text that can't be stored: {short_json(value)}")
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
            if section == "items" and not found:
                found = definitions.behavior_problems(row.get("behaviors") or ())
                found = found or definitions.key_problems(row)
            path = f"{section}[{number}]"
            yield from (Problem(f"{path}: {each.message}", f"{path}.{each.field}") for each in found)


def apply(db: Connection, document: Mapping[str, Any], contract: Contract, now: float) -> None:
    """Add a seed to the data. A row with an existing key replaces the stored row."""
    today = int(now)
    for row in document.get("users") or ():
        _put_user(db, row)
    for row in document.get("clients") or ():
        _put(db, tables.clients, "client_id", {"client_secret": None, "permissions": [], **row})
    for row in document.get("templates") or ():
        _put_resource(db, tables.templates, row, contract.read_only_fields("ItemTemplateResource"), today)
    for row in document.get("items") or ():
        _put_item(db, row, contract.read_only_fields("EntitlementItem"), today)
    for row in document.get("skus") or ():
        _put(db, tables.skus, "sku", row)
    for row in document.get("inventory") or ():
        _put_entry(db, row, today)
    for row in document.get("wallets") or ():
        wallet = tables.wallets
        key = (wallet.c.user_id == row["user_id"], wallet.c.currency_code == row["currency_code"])
        db.execute(delete(wallet).where(*key))
        db.execute(insert(wallet).values(row))
    align_ids(db)


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
        "wallets": [dict(row) for row in _rows(db, tables.wallets, "user_id")],
    }


def _rows(db: Connection, table: Table, key: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(select(table).order_by(table.c[key])).mappings()]


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    dates = {"created_date": row["created_date"], "updated_date": row["updated_date"]}
    return {"id": row["id"], **row["document"], **dates}


def _put(db: Connection, table: Table, key: str, row: Mapping[str, Any]) -> Any:
    """Insert a row, replacing one with the same key. Return its primary key."""
    known = {name: value for name, value in row.items() if name in table.c}
    if known.get(key) is not None:
        db.execute(delete(table).where(table.c[key] == known[key]))
    return db.execute(insert(table).values(known).returning(next(iter(table.primary_key)))).scalar_one()


def _put_user(db: Connection, row: Mapping[str, Any]) -> None:
    db.execute(delete(tables.users).where(tables.users.c.username == row["username"]))
    user_id = _put(db, tables.users, "id", {"guest": False, "permissions": [], **row})
    db.execute(delete(tables.user_groups).where(tables.user_groups.c.user_id == user_id))
    for group in row.get("groups") or ():
        db.execute(insert(tables.user_groups).values(user_id=user_id, group_name=group))


def _put_resource(db: Connection, table: Table, row: Mapping[str, Any], ignored: set[str], today: int) -> Any:
    document = {key: value for key, value in row.items() if key not in ignored}
    created = row.get("created_date", today)
    stored = {
        **{key: row[key] for key in ("id", "template", "unique_key") if key in row and key in table.c},
        "document": document,
        "created_date": created,
        "updated_date": row.get("updated_date", created),
    }
    return _put(db, table, "id", stored)


def _put_item(db: Connection, row: Mapping[str, Any], ignored: set[str], today: int) -> None:
    behaviors = row.get("behaviors") or []
    row = {**row, "sort": 500 if row.get("sort") is None else row["sort"], "behaviors": behaviors}
    item_id = _put_resource(db, tables.items, row, ignored, today)
    uses = groups.uses(behaviors)
    join_groups(db, item_id, [GroupMember(use.kind, use.name) for use in uses])


def _put_entry(db: Connection, row: Mapping[str, Any], today: int) -> None:
    item = db.execute(select(tables.items).where(tables.items.c.id == row["item_id"])).first()
    known = {"item_name": item.document["name"], "item_type_hint": item.document["type_hint"]} if item else {}
    created = row.get("created_date", today)
    entry = {
        **known,
        "status": ACTIVE,
        "behavior_data": {},
        "created_date": created,
        "updated_date": created,
        **row,
    }
    entry_id = _put(db, tables.inventory, "id", entry)
    db.execute(delete(tables.inventory_log).where(tables.inventory_log.c.inventory_id == entry_id))
    for line in row.get("log") or ():
        stored = {
            "inventory_id": entry_id,
            "user_id": line.get("user_id"),
            "item_id": row["item_id"],
            "item_name": entry.get("item_name"),
            "type": line["type"],
            "info": line.get("info"),
            "log_date": line.get("log_date", created),
        }
        db.execute(insert(tables.inventory_log).values(stored))
