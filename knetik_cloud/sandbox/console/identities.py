"""Who a request of the console is sent as: a user or a client of the data, with a token of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, select
from starlette.concurrency import run_in_threadpool

from knetik_cloud.contract import Operation
from knetik_cloud.sandbox.console.page import Visit, read_number
from knetik_cloud.sandbox.console.sending import Wanted, send
from knetik_cloud.sandbox.errors import not_found_error
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage.tables import clients, users

MAX_IDENTITIES: Final = 100
"""Users, and clients, that a form offers."""

ANONYMOUS: Final = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user or a client with credentials. `value` names it in a form."""

    value: str
    label: str
    permissions: Sequence[str]


def identities(service: Service, chosen: str | None = None) -> list[Identity]:
    """List the clients and users that have credentials, clients first. The chosen identity leads its kind."""
    kind, _, key = (chosen or ANONYMOUS).partition(":")
    number = read_number(key) if kind == "user" else None
    with service.database.transaction(reads_only=True) as db:
        known = _leading(db, select(clients), clients.c.client_id, key if kind == "client" else "")
        people = _leading(db, select(users).where(users.c.password.is_not(None)), users.c.id, number or 0)
    return [
        *(
            Identity(f"client:{row.client_id}", f"client {row.client_id}", row.permissions or ())
            for row in known
        ),
        *(
            Identity(f"user:{row.id}", f"user {row.id} {row.username}", row.permissions or ())
            for row in people
        ),
    ]


def _leading(db: Connection, query: Select[Any], key: Column[Any], first: str | int) -> list[Row[Any]]:
    """Read a row by its key, and others in the order of their keys, which takes no sorting."""
    others = query.where(key != first).order_by(key).limit(MAX_IDENTITIES)
    return [*db.execute(query.where(key == first)), *db.execute(others)]


def best(service: Service, operation: Operation, known: Sequence[Identity]) -> str:
    """Return the identity to offer first: one with the permission, or no identity if none is needed."""
    if not service.settings.require_auth or not operation.permissions:
        return ANONYMOUS
    needed = set(operation.permissions)
    return next((each.value for each in known if needed & set(each.permissions)), ANONYMOUS)


def credentials(service: Service, value: str) -> dict[str, str]:
    """Return the form of the token request of an identity.

    Raises:
        ServiceError: If there is no such user or client (404).
    """
    kind, _, key = value.partition(":")
    with service.database.transaction(reads_only=True) as db:
        if kind == "client":
            row = db.execute(select(clients).where(clients.c.client_id == key)).first()
            if row is not None:
                given = {"grant_type": "client_credentials", "client_id": row.client_id}
                return {**given, "client_secret": row.client_secret} if row.client_secret else given
        elif kind == "user" and (number := read_number(key)) is not None:
            person = db.execute(select(users).where(users.c.id == number)).first()
            client = db.execute(select(clients).order_by(clients.c.permissions.is_(None)).limit(1)).first()
            if person is not None and client is not None:
                given = {"grant_type": "password", "client_id": client.client_id}
                if client.client_secret:
                    given["client_secret"] = client.client_secret
                return {**given, "username": person.username, "password": person.password or ""}
    raise not_found_error(f"There is no identity {value!r} with credentials")


async def token(service: Service, visit: Visit, value: str) -> str | None:
    """Get a token for an identity, by the sandbox's own token operation. Return None for the empty value.

    Raises:
        ServiceError: If there is no such identity, or if the sandbox issues no token to it (404).
    """
    if value == ANONYMOUS:
        return None
    operation = next(each for each in service.contract.operations.values() if each.issues_tokens)
    form = await run_in_threadpool(credentials, service, value)
    received = await send(visit.request, Wanted(operation, form=form))
    if received.status != 200:
        raise not_found_error(
            f"The sandbox issued no token: see the newest request of the journal ({received.status})"
        )
    return str(json.loads(received.body)["access_token"])
