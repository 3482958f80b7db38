"""Generated data: many users and inventory entries, made by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    Connection,
    Select,
    String,
    Subquery,
    Table,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
)

from knetik_cloud.sandbox.rules.entry import ACTIVE, INACTIVE
from knetik_cloud.sandbox.storage.database import align_ids
from knetik_cloud.sandbox.storage.tables import inventory, items, users

ITEM: Final = {"type_hint": "entitlement", "name": "Generated item", "sort": 500, "behaviors": []}
"""The item that generated entries are of if there is no other."""

DAY: Final = 86_400
STRIDE: Final = 7919
"""A prime, by which rows that follow each other differ in everything."""


def generate(db: Connection, amount: Mapping[str, int], now: float) -> None:
    """Add users and entries. The same call on the same data adds the same rows, except for their dates.

    The entries are of the existing items, and are distributed over the new users, or over all users if none
    are new. Of ten entries, one is inactive and three expire, from a day to a year later.

    Raises:
        ValueError: If entries have no user to belong to, or if the ids would exceed 32 bits.
    """
    last_user = db.scalar(select(func.max(users.c.id))) or 0
    _generate_users(db, amount["users"], last_user)
    if amount["entries"]:
        owners = select(users.c.id).where(users.c.id > last_user) if amount["users"] else select(users.c.id)
        _generate_entries(db, amount["entries"], owners, int(now))
    align_ids(db)


def _generate_users(db: Connection, count: int, last: int) -> None:
    _check_ids(users, last, count)
    if not count:
        return
    user_id = literal(last, BigInteger) + _numbers(count).c.number
    db.execute(
        insert(users).from_select(
            ["id", "username", "display_name", "guest", "permissions"],
            select(
                user_id,
                literal("generated_") + cast(user_id, String),
                literal("Generated ") + cast(user_id, String),
                literal(False),
                literal([], JSON()),
            ),
        )
    )


def _generate_entries(db: Connection, count: int, owners: Select[Any], now: int) -> None:
    last = db.scalar(select(func.max(inventory.c.id))) or 0
    _check_ids(inventory, last, count)
    if db.scalar(select(func.count()).select_from(items)) == 0:
        db.execute(insert(items).values(document=ITEM, created_date=now, updated_date=now))
    name, type_hint = items.c.document["name"].as_string(), items.c.document["type_hint"].as_string()
    item = _ranked(select(items.c.id, name.label("name"), type_hint.label("type_hint")))
    owner = _ranked(owners)
    item_count = db.scalar(select(func.count()).select_from(item)) or 0
    owner_count = db.scalar(select(func.count()).select_from(owner)) or 0
    if not owner_count:
        raise ValueError("entries need users to belong to: generate users as well")
    numbers = _numbers(count)
    n = numbers.c.number
    created = literal(now, BigInteger) - n * STRIDE % (180 * DAY)
    expires = literal(now + DAY, BigInteger) + n * STRIDE % (364 * DAY)
    values: dict[str, Any] = {
        "id": literal(last, BigInteger) + n,
        "user_id": owner.c.id,
        "item_id": item.c.id,
        "item_name": item.c.name,
        "item_type_hint": item.c.type_hint,
        "status": case((n % 10 == 9, INACTIVE), else_=ACTIVE),
        "expires": case((n % 10 < 3, expires), else_=null()),
        "behavior_data": literal({}, JSON()),
        "created_date": created,
        "updated_date": created,
    }
    rows = (
        select(*values.values())
        .join_from(numbers, owner, owner.c.rank == n % owner_count)
        .join(item, item.c.rank == n // owner_count % item_count)
    )
    db.execute(insert(inventory).from_select([*values], rows))


def _numbers(count: int) -> CTE:
    """Return the numbers from 1 to `count`, as a table."""
    numbers = select(cast(literal(1), BigInteger).label("number")).cte("numbers", recursive=True)
    return numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < count))


def _ranked(rows: Select[Any]) -> Subquery:
    """Return rows with a `rank` from 0, in the order of their ids."""
    rank = (func.row_number().over(order_by=literal_column("id")) - 1).label("rank")
    return rows.add_columns(rank).subquery()


def _check_ids(table: Table, last: int, count: int) -> None:
    if last + count >= 2**31:
        raise ValueError(f"{count} more rows of {table.name} would need ids of more than 32 bits")
