"""The tables of the sandbox.

Resources that callers write whole (items, templates, invoices) are stored as the JSON that they sent,
unknown fields included. Columns repeat what queries need. Dates are epoch seconds. There are no foreign keys,
because an inventory entry outlives its item.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 1
"""The version of the tables, raised with every change. A database with a higher one is rejected."""


def version_in(document: object) -> int | None:
    """Return the version in the document named `schema`, or None if it is that of another program."""
    version = document.get("version") if isinstance(document, dict) else None
    return version if isinstance(version, int) else None


metadata = MetaData()

# Not part of the data: it survives resets, seeds and restored snapshots.
state = Table(
    "state", metadata, Column("name", String, primary_key=True), Column("document", JSON, nullable=False)
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String, nullable=False, unique=True),
    Column("display_name", String),
    Column("avatar_url", String),
    Column("password", String),
    Column("guest", Boolean, nullable=False, default=False),
    Column("permissions", JSON, nullable=False),
    sqlite_autoincrement=True,
)

user_groups = Table(
    "user_groups",
    metadata,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("group_name", String, primary_key=True),
)

clients = Table(
    "clients",
    metadata,
    Column("client_id", String, primary_key=True),
    Column("client_secret", String),
    Column("permissions", JSON, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("access_token", String, primary_key=True),
    Column("refresh_token", String, index=True),
    Column("client_id", String, nullable=False),
    Column("user_id", Integer),
    Column("expires", Float, nullable=False),
    Column("refresh_expires", Float),
)

templates = Table(
    "templates",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, unique=True),
    Column("document", JSON, nullable=False),
    Column("created_date", BigInteger, nullable=False),
    Column("updated_date", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("template", String, index=True),
    Column("unique_key", String, unique=True),
    Column("document", JSON, nullable=False),
    Column("created_date", BigInteger, nullable=False),
    Column("updated_date", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Which items share a limit by name; it follows from the items' behaviors, and is kept to find groups by an
# index.
item_groups = Table(
    "item_groups",
    metadata,
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),
    Column("name", String, nullable=False),
    Index("item_groups_by_name", "kind", "name"),
)

skus = Table(
    "skus",
    metadata,
    Column("sku", String, primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("description", String),
    Column("price", Float, nullable=False, default=0.0),
    Column("currency_code", String, nullable=False, default="USD"),
)

inventory = Table(
    "inventory",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("item_id", Integer, nullable=False, index=True),
    Column("item_name", Text),
    Column("item_type_hint", String),
    Column("status", String, nullable=False),
    Column("expires", BigInteger),
    Column("behavior_data", JSON(none_as_null=True)),
    Column("invoice_id", Integer, index=True),
    Column("sku", String),
    Column("created_date", BigInteger, nullable=False),
    Column("updated_date", BigInteger, nullable=False),
    Index("inventory_by_owner", "user_id", "item_id"),
    sqlite_autoincrement=True,
)

inventory_log = Table(
    "inventory_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("inventory_id", Integer, nullable=False, index=True),
    Column("user_id", Integer),
    Column("item_id", Integer, nullable=False),
    Column("item_name", Text),
    Column("type", String, nullable=False),
    Column("info", Text),
    Column("log_date", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

wallets = Table(
    "wallets",
    metadata,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("currency_code", String, primary_key=True),
    Column("balance", BigInteger, nullable=False),
)

invoices = Table(
    "invoices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("fulfillment_status", String, nullable=False),
    Column("fulfill_at", Float),
    Column("created_date", BigInteger, nullable=False),
    Column("updated_date", BigInteger, nullable=False),
    Index("invoices_due", "fulfill_at"),
    sqlite_autoincrement=True,
)

# What several server processes share of the journal; a single one keeps its own in memory.
journal = Table(
    "journal",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("document", JSON, nullable=False),
)

# Named copies of the data; they too survive resets and restores.
snapshots = Table(
    "snapshots", metadata, Column("name", String, primary_key=True), Column("document", JSON, nullable=False)
)

DATA = tuple(table for table in metadata.sorted_tables if table not in (state, snapshots, journal))
"""The tables that a reset empties and a snapshot holds."""
