"""Queries about users, their groups and wallets, clients and tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from knetik_cloud.sandbox.storage.statements import Statement, Values
from knetik_cloud.sandbox.storage.tables import clients, tokens, user_groups, users, wallets

_USER_BY_ID = Statement(select(users).where(users.c.id == bindparam("user_id")))
_USER_BY_NAME = Statement(select(users).where(users.c.username == bindparam("username")))
_LOCKED_USER = Statement(select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update())
_CLIENT = Statement(select(clients).where(clients.c.client_id == bindparam("client_id")))
_TOKEN = Statement(select(tokens).where(tokens.c.access_token == bindparam("access_token")))


@dataclass(frozen=True, slots=True)
class User:
    """A user of the sandbox. `guest` marks one without a full account."""

    id: int
    username: str
    display_name: str | None = None
    avatar_url: str | None = None
    password: str | None = field(default=None, repr=False)
    guest: bool = False
    permissions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client. It is public if it has no secret."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    permissions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """An issued token. Instants are epoch seconds; `user_id` is None for a client's own token."""

    access_token: str
    refresh_token: str | None
    client_id: str
    user_id: int | None
    expires: float
    refresh_expires: float | None


def user_by_id(db: Connection, user_id: int) -> User | None:
    """Find a user by id."""
    return _user(_USER_BY_ID.first(db, user_id=user_id))


def user_by_name(db: Connection, username: str) -> User | None:
    """Find a user by user name, exactly as written."""
    return _user(_USER_BY_NAME.first(db, username=username))


def users_by_id(db: Connection, ids: Collection[int]) -> dict[int, User]:
    """Find several users by id, in one query."""
    if len(ids) <= 1:
        return {user.id: user for user_id in ids if (user := user_by_id(db, user_id))}
    # With one statement per power of two, few are compiled. The first id fills up the rest.
    size = 1 << (len(ids) - 1).bit_length()
    padded = [*ids, *[next(iter(ids))] * (size - len(ids))]
    rows = _users_of(size).all(db, **{f"id_{number}": user_id for number, user_id in enumerate(padded)})
    return {row[0]: User(*row) for row in rows}


@cache
def _users_of(size: int) -> Statement:
    return Statement(select(users).where(users.c.id.in_([bindparam(f"id_{n}") for n in range(size)])))


def lock_user(db: Connection, user_id: int) -> None:
    """Hold off other changes of a user's inventory until this transaction ends."""
    # SQLite's transactions hold off all others from their beginning.
    if db.dialect.name != "sqlite":
        _LOCKED_USER.all(db, user_id=user_id)


def client_by_id(db: Connection, client_id: str) -> Client | None:
    """Find an OAuth client."""
    row = _CLIENT.first(db, client_id=client_id)
    return Client(*row) if row else None


def token(db: Connection, access_token: str) -> Token | None:
    """Find an issued access token, expired or not."""
    row = _TOKEN.first(db, access_token=access_token)
    return Token(*row) if row else None


def token_by_refresh(db: Connection, refresh_token: str) -> Token | None:
    """Find the token that was issued together with a refresh token, expired or not."""
    row = db.execute(select(tokens).where(tokens.c.refresh_token == refresh_token)).first()
    return Token(*row) if row else None


def add_token(db: Connection, issued: Token, now: float) -> None:
    """Store a new token, and forget those that nothing can revive."""
    # A row lives as long as either of its tokens does.
    db.execute(
        delete(tokens).where(
            tokens.c.expires <= now, or_(tokens.c.refresh_expires.is_(None), tokens.c.refresh_expires <= now)
        )
    )
    db.execute(
        insert(tokens).values(
            access_token=issued.access_token,
            refresh_token=issued.refresh_token,
            client_id=issued.client_id,
            user_id=issued.user_id,
            expires=issued.expires,
            refresh_expires=issued.refresh_expires,
        )
    )


def expire_tokens(db: Connection, now: float) -> int:
    """End every access token now, and return how many. Refresh tokens stay valid."""
    return db.execute(update(tokens).where(tokens.c.expires > now).values(expires=now)).rowcount


def groups_of(db: Connection, user_id: int) -> list[str]:
    """List the unique names of a user's groups."""
    found = select(user_groups.c.group_name).where(user_groups.c.user_id == user_id)
    return list(db.scalars(found.order_by(user_groups.c.group_name)))


def credit_wallet(db: Connection, user_id: int, currency_code: str, amount: int) -> None:
    """Add an amount to a user's wallet of a currency, which is opened if it doesn't exist.

    Raises:
        OverflowError: If the new balance exceeds 64 bits.
    """
    owned = (wallets.c.user_id == user_id, wallets.c.currency_code == currency_code)
    # The caller has locked the user, so nothing else changes the balance.
    balance = db.scalar(select(wallets.c.balance).where(*owned))
    if balance is None:
        db.execute(insert(wallets).values(user_id=user_id, currency_code=currency_code, balance=amount))
        return
    if balance + amount >= 2**63:
        raise OverflowError(f"the balance of {currency_code} would exceed 64 bits")
    db.execute(update(wallets).where(*owned).values(balance=balance + amount))


def balances(db: Connection, user_id: int) -> dict[str, int]:
    """Return a user's wallet balances by currency code."""
    rows = select(wallets.c.currency_code, wallets.c.balance).where(wallets.c.user_id == user_id)
    return {row.currency_code: row.balance for row in db.execute(rows.order_by(wallets.c.currency_code))}


def _user(row: Values | None) -> User | None:
    return User(*row) if row else None
