"""The token operation: the grants of OAuth that the service knows."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.errors import OAuthError
from knetik_cloud.sandbox.storage import people
from knetik_cloud.sandbox.storage.people import Client, Token

SCOPE = "write read"
REFRESH_LIFETIME = 30 * 86_400
"""The lifetime of refresh tokens, in seconds."""


def get_o_auth_token(call: Call) -> Any:
    """Exchange credentials for a token. Users also get a refresh token."""
    grant = GRANTS.get(call.parameters["grant_type"])
    if grant is None:
        raise OAuthError(
            400,
            "unsupported_grant_type",
            f"Unsupported grant type: {call.parameters['grant_type']}; use one of {', '.join(GRANTS)}",
        )
    user_id = grant(call, _client(call))
    now, lifetime = call.now, call.settings.token_lifetime
    token = Token(
        access_token=str(uuid4()),
        refresh_token=str(uuid4()) if user_id is not None else None,
        client_id=call.parameters["client_id"],
        user_id=user_id,
        expires=now + lifetime,
        refresh_expires=now + REFRESH_LIFETIME if user_id is not None else None,
    )
    people.add_token(call.db, token, now)
    response = {
        "access_token": token.access_token,
        "token_type": "bearer",
        "expires_in": lifetime,
        "scope": SCOPE,
    }
    return response if token.refresh_token is None else {**response, "refresh_token": token.refresh_token}


def _client(call: Call) -> Client:
    """Find the client. If a secret is sent, it must be the right one."""
    client = people.client_by_id(call.db, call.parameters["client_id"])
    secret = call.parameters["client_secret"]
    if client is None or (secret is not None and not _same(secret, client.client_secret)):
        raise OAuthError(401, "invalid_client", "Bad client credentials")
    return client


def _client_credentials(call: Call, client: Client) -> int | None:
    if call.parameters["client_secret"] is None and client.client_secret:
        raise OAuthError(
            401, "invalid_client", "Bad client credentials: client_secret is required for this grant"
        )
    return None


def _password(call: Call, client: Client) -> int | None:
    username, password = call.parameters["username"], call.parameters["password"]
    if username is None or password is None:
        raise OAuthError(400, "invalid_request", "username and password are required for this grant")
    user = people.user_by_name(call.db, username)
    if user is None or not _same(password, user.password):
        raise OAuthError(400, "invalid_grant", "Bad credentials")
    return user.id


def _refresh_token(call: Call, client: Client) -> int | None:
    value = call.parameters["refresh_token"]
    if value is None:
        raise OAuthError(400, "invalid_request", "refresh_token is required for this grant")
    earlier = people.token_by_refresh(call.db, value)
    expires = earlier.refresh_expires if earlier else None
    if earlier is None or earlier.client_id != client.client_id or expires is None or expires <= call.now:
        raise OAuthError(400, "invalid_grant", "Invalid refresh token")
    return earlier.user_id


def _same(given: str, wanted: str | None) -> bool:
    return wanted is not None and hmac.compare_digest(given.encode(), wanted.encode())


GRANTS: dict[str, Callable[[Call, Client], int | None]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh_token,
}
"""The functions that check the credentials of a grant. They return the user's id, or None for a client."""
