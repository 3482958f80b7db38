"""Authentication and authorization: bearer tokens and the contract's permissions."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from sqlalchemy import Connection

from knetik_cloud.contract import Operation
from knetik_cloud.sandbox.errors import OAuthError, forbidden_error, invalid_error, not_found_error
from knetik_cloud.sandbox.storage import people
from knetik_cloud.sandbox.storage.people import User

OWNER = "owner"
ME = "me"


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: the user behind the token if there is one, and the permissions of the token.

    `authenticated` is False for a call without a valid token. `client_id` is the client that got the token.
    """

    user: User | None = None
    permissions: Collection[str] = ()
    authenticated: bool = False
    client_id: str | None = None

    @property
    def name(self) -> str | None:
        """The caller in the journal: `user:ID`, `client:ID`, or None for an anonymous one."""
        if self.user is not None:
            return f"user:{self.user.id}"
        return f"client:{self.client_id}" if self.client_id is not None else None


ANONYMOUS = Caller()


def with_client_credentials(form: Mapping[str, str], authorization: str | None) -> Mapping[str, str]:
    """Return the form of a token request with the client's credentials from HTTP Basic authentication.

    An empty secret is that of a public client, which has none.

    Raises:
        OAuthError: If the header can't be decoded.
    """
    form = {name: value for name, value in form.items() if value or name != "client_secret"}
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return form
    try:
        client_id, separator, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if not separator:
        raise OAuthError(401, "invalid_client", "The Authorization header is not a valid Basic one")
    credentials = {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}
    return {**form, **{name: value for name, value in credentials.items() if value}}


def identify(db: Connection, authorization: str | None, now: float, required: bool) -> Caller:
    """Identify the caller by an Authorization header.

    With `required`, a token that is not valid is an error (401); without, such a caller is anonymous, as is
    one without a token.
    """
    if not authorization:
        return ANONYMOUS
    scheme, _, value = authorization.partition(" ")
    token = people.token(db, value.strip()) if scheme.lower() == "bearer" and "\0" not in value else None
    if token is None or token.expires <= now:
        if not required:
            return ANONYMOUS
        why = "Access token expired: request a new one" if token else "Invalid access token"
        raise OAuthError(401, "invalid_token", why)
    if token.user_id is None:
        client = people.client_by_id(db, token.client_id)
        return Caller(None, client.permissions if client else (), True, token.client_id)
    user = people.user_by_id(db, token.user_id)
    return Caller(user, user.permissions if user else (), True, token.client_id)


def authorize(operation: Operation, caller: Caller, owner: User | None) -> None:
    """Check that the caller has a token and one of the operation's permissions.

    `owner` is the user in the path, who may do what the contract allows the owner.
    """
    if not operation.permissions:
        return
    if not caller.authenticated:
        raise OAuthError(401, "unauthorized", "Full authentication is required: send a bearer token")
    if set(operation.permissions) & set(caller.permissions):
        return
    if OWNER in operation.permissions and caller.user and owner and caller.user.id == owner.id:
        return
    needed = " or ".join(operation.permissions)
    raise forbidden_error(
        f"{operation.id} needs {needed}", details={"permissions": list(operation.permissions)}
    )


def path_user(db: Connection, operation: Operation, value: int | str, caller: Caller, field: str) -> User:
    """Find the user that a path names: by id, as `me`, or by user name where `me` is taken.

    Raises ServiceError (404) for a user who does not exist, and (400) for `me` without a user.
    """
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        if value == ME:
            if caller.user is None:
                raise invalid_error("'me' needs the token of a user: get one with the password grant", field)
            return caller.user
        user = people.user_by_name(db, value)
        if user is None:
            raise invalid_error(f"{field} must be the id of a user, or 'me', not {value[:60]!r}", field)
        return user
    # A longer number is not an id, and int() rejects very long ones.
    number = int(value) if len(str(value)) < 20 else 2**31
    user = people.user_by_id(db, number) if abs(number) < 2**31 else None
    if user is None:
        raise not_found_error(f"No user has the id {str(value)[:60]}", field)
    return user
