"""Who a request of the console is sent as: a user or a client of the data, with a token of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
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
    first_client = clients.c.client_id != (key if kind == "client" else "")
    first_user = users.c.id != ((read_number(key) if kind == "user" else None) or 0)
    with_password = select(users).where(users.c.password.is_not(None))
    with service.database.transaction(reads_only=True) as db:
        some_clients = select(clients).order_by(first_client, clients.c.client_id).limit(MAX_IDENTITIES)
        some_users = with_password.order_by(first_user, users.c.id).limit(MAX_IDENTITIES)
        known, people = list(db.execute(some_clients)), list(db.execute(some_users))
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
