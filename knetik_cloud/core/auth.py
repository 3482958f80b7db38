"""Tokens: their sources, their lifetime, and the time of their renewal."""

from __future__ import annotations

import copy
import math
from collections.abc import Coroutine
from typing import Any, NamedTuple, Protocol, runtime_checkable

from knetik_cloud.core.causes import without_tracebacks
from knetik_cloud.core.options import is_header_text
from knetik_cloud.exceptions import ApiException, ApiResponseError, ApiValueError, DeadlineExceeded
from knetik_cloud.secret import MASK, Secret

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
RENEWAL_MARGIN_RATIO = 0.1
MAX_RENEWAL_MARGIN = 60.0


class AccessToken(NamedTuple):
    """A token and its lifetime, as a named tuple (token, expires_in).

    Attributes:
        token: The token.
        expires_in: Seconds from now until the token expires, or None if unknown.
    """

    token: str | Secret
    expires_in: float | None = None

    def __repr__(self) -> str:
        return f"AccessToken(token={MASK!r}, expires_in={self.expires_in!r})"


@runtime_checkable
class TokenProvider(Protocol):
    """A source of tokens in place of the token operation.

    The client stores a token until shortly before it expires, or until the service rejects it.
    """

    def get_token(self) -> AccessToken | str | Secret:
        """Return a token. The client calls it once at a time (in asyncio, per event loop).

        An exception that it raises becomes the cause of an `ApiException`.
        """


@runtime_checkable
class AsyncTokenProvider(Protocol):
    """A `TokenProvider` for the asyncio client, whose `get_token` is a coroutine."""

    async def get_token(self) -> AccessToken | str | Secret:
        """Return a token. The client awaits it in one task at a time per event loop.

        An exception that it raises becomes the cause of an `ApiException`.
        """


class TokenStore:
    """The tokens of a client, and the decision when to renew them, without I/O or locks.

    Credentials have this order: a `TokenProvider`, a fixed access token, the password grant, the client
    credentials grant. A refresh token precedes them as soon as the service has returned one. Two stores are
    equal if their credentials are.

    Args:
        fixed: A token that is never renewed.
        grant: The arguments of the token operation.
        provider: The provider to call in place of the token operation.
    """

    def __init__(
        self,
        fixed: Secret | None = None,
        grant: dict[str, Any] | None = None,
        provider: TokenProvider | AsyncTokenProvider | None = None,
    ) -> None:
        self._credentials = fixed, grant, provider
        self.provider = provider
        self._grant = grant or {}
        self._header = None if fixed is None else _header(fixed)
        self._refresh_token: Secret | None = None
        self._expires = self._renew_at = math.inf
        self._pause = self._paused_until = 0.0
        self._failure: ApiException | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenStore) and self._credentials == other._credentials

    @property
    def has_token(self) -> bool:
        """Whether there is a token, valid or expired."""
        return self._header is not None

    def expires_in(self, now: float) -> float | None:
        """Return the seconds until the token expires, or None if that is unknown."""
        return None if self._expires == math.inf else self._expires - now

    @property
    def is_renewable(self) -> bool:
        """True if a rejected token can be replaced."""
        return self.provider is not None or bool(self._grant)

    def fresh(self, now: float, rejected: Secret | None = None) -> Secret | None:
        """Return the header of a token that does not need renewal, or None if there is none."""
        header = self._header
        return header if now < self._renew_at and header is not rejected else None

    def valid(self, now: float, rejected: Secret | None = None) -> Secret | None:
        """Return the header of a token that has not expired, or None if there is none."""
        header = self._header
        return header if now < self._expires and header is not rejected else None

    def recent_failure(self, now: float) -> ApiException | None:
        """Return a copy of the last failure while renewal is backing off, or None if renewal is allowed."""
        return copy.copy(self._failure) if now < self._paused_until else None

    def grant(self) -> dict[str, Any]:
        """Return the arguments of the token operation, with the refresh token if there is one."""
        if self._refresh_token is None:
            return self._grant
        client = {name: self._grant[name] for name in ("client_id", "client_secret")}
        return {"grant_type": "refresh_token", **client, "refresh_token": self._refresh_token}

    def discard_refresh_token(self, used: Secret | None) -> bool:
        """Discard the refresh token that a failed request used, if it is still stored.

        Return False if the request used none. Another event loop may have stored a new one meanwhile.
        """
        if self._refresh_token == used:
            self._refresh_token = None
        return used is not None

    def store_grant(self, response: Any, now: float) -> Secret | None:
        """Store the token of an `OAuth2Resource`. Return the header, or None if it contains no token.

        This method raises nothing, since the locals of its frame hold the token.
        """
        header = None if response is None else self._renewed(response.access_token, response.expires_in, now)
        if header is None:
            return None
        refresh_token = response.refresh_token
        if isinstance(refresh_token, str) and refresh_token:  # otherwise the stored one remains valid
            self._refresh_token = Secret(refresh_token)
        return header

    def store_provided(self, response: Any, now: float) -> Secret:
        """Store the result of a provider, and return the header.

        Raises:
            ApiException: If the provider raised an exception. Others are wrapped.
            ApiResponseError: If the result is not a token that can be sent.
        """
        if isinstance(response, BaseException):
            raise response if isinstance(response, ApiException) else _provider_failed(response)
        if hasattr(response, "__await__"):
            if isinstance(response, Coroutine):
                response.close()  # so that Python does not warn that it was never awaited
            raise ApiValueError("get_token() of the token provider must be awaited: use knetik_cloud.aio")
        is_pair = isinstance(response, tuple) and len(response) == 2
        token, expires_in = response if is_pair else (response, None)
        header = self._renewed(token, expires_in, now)
        if header is None:
            error = _unusable_token_error(self.provider, token)
            response = token = None  # the frame of the error must not hold the token
            raise error
        return header

    def _renewed(self, token: Any, expires_in: Any, now: float) -> Secret | None:
        token = Secret.wrap(token) if isinstance(token, (str, Secret)) else None
        if token is None or not token.reveal() or not is_header_text(token.reveal()):
            return None
        lifetime = seconds(expires_in)
        self._expires = now + lifetime
        self._renew_at = self._expires - min(MAX_RENEWAL_MARGIN, lifetime * RENEWAL_MARGIN_RATIO)
        self._pause, self._failure = 0.0, None
        self._header = header = _header(token)
        return header

    def failed(self, error: ApiException, now: float, is_usable: bool) -> None:
        """Record a failed renewal. Consecutive failures back off exponentially, up to 30 seconds.

        A passed deadline says nothing about the service, so the next caller may fetch a token immediately,
        unless the current one is still usable, and as soon as it no longer is.
        """
        if isinstance(error, DeadlineExceeded) and not is_usable:
            return
        self._pause = min(MAX_PAUSE_SECONDS, max(MIN_PAUSE_SECONDS, self._pause * 2))
        self._paused_until = now + self._pause
        if isinstance(error, DeadlineExceeded):
            self._paused_until = min(self._paused_until, self._expires)
        self._failure = copy.copy(error)  # the copy has no traceback, which would keep its frames alive


def _unusable_token_error(provider: object, token: object) -> ApiResponseError:
    """Build the error for a provider whose result is not a token that can be sent."""
    name = f"the token provider {type(provider).__name__}"
    if not isinstance(token, (str, Secret)):
        reason = f"{name} must provide the token as a str or a Secret, not {type(token).__name__}"
    elif not (text := Secret.wrap(token).reveal()):
        reason = f"{name} provided an empty token"
    elif "\n" in text or "\r" in text:
        reason = f"{name} provided a token with a line break: strip it"
    else:
        reason = f"{name} provided a token with a character that a header can't contain"
    return ApiResponseError(reason=reason)


def _provider_failed(cause: BaseException) -> ApiException:
    """Build the error for a provider that raised an exception."""
    error = ApiException(reason=f"the token provider failed with {type(cause).__name__}")
    error.__cause__ = without_tracebacks(cause)
    return error


def token_wait_error() -> DeadlineExceeded:
    """Build the error for a call whose deadline passed while another call fetched the token."""
    return DeadlineExceeded(reason="the call exceeded its deadline while waiting for a token")


def _header(token: Secret) -> Secret:
    return Secret(f"Bearer {token.reveal()}")


def seconds(expires_in: Any) -> float:
    """Return `expires_in`, a number or its text, in seconds. Any other value means no expiry."""
    try:
        lifetime = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return max(0.0, lifetime) if math.isfinite(lifetime) else math.inf
