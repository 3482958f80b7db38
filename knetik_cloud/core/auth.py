"""Tokens: where they come from, how long they are good, and when to fetch the next one."""

from __future__ import annotations

import copy
import math
from collections.abc import Coroutine
from typing import Any, NamedTuple, Protocol

from knetik_cloud.core.causes import without_tracebacks
from knetik_cloud.core.options import is_header_text
from knetik_cloud.exceptions import ApiException, ApiResponseError, ApiValueError, DeadlineExceeded
from knetik_cloud.secret import Secret

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
RENEWAL_MARGIN_RATIO = 0.1
MAX_RENEWAL_MARGIN = 60.0


class AccessToken(NamedTuple):
    """A token, and how many seconds it is good for from now (None: unknown)."""

    token: str | Secret
    expires_in: float | None = None


class TokenProvider(Protocol):
    """Where a client may get its tokens from instead of the token operation.

    The result is kept until shortly before it expires, or until the service refuses it.
    """

    def get_token(self) -> AccessToken | str | Secret:
        """Fetch a token. One thread at a time calls it; what it raises is wrapped in an ApiException."""


class AsyncTokenProvider(Protocol):
    """A `TokenProvider` for the asyncio client, whose `get_token` is a coroutine."""

    async def get_token(self) -> AccessToken | str | Secret:
        """Fetch a token. One task at a time awaits it; what it raises is wrapped in an ApiException."""


class TokenStore:
    """The tokens of a client, and the judgment of when they must be renewed; no I/O, no lock.

    Credentials are tried in this order: a `TokenProvider`, a fixed access token, the password grant, the
    client credentials grant. After the first answer that holds a refresh token, that one comes first.

    Args:
        fixed: a token that is never renewed.
        grant: the arguments of the token operation.
        provider: asked in place of the token operation.
    """

    def __init__(
        self,
        fixed: Secret | None = None,
        grant: dict[str, Any] | None = None,
        provider: TokenProvider | AsyncTokenProvider | None = None,
    ) -> None:
        self.provider = provider
        self._grant = grant
        self._header = None if fixed is None else _header(fixed)
        self._refresh_token: Secret | None = None
        self._expires = math.inf
        self._renew_at = math.inf
        self._pause = 0.0
        self._paused_until = -math.inf
        self._failure: ApiException | None = None

    @property
    def has_token(self) -> bool:
        """Whether there is a token, good or expired."""
        return self._header is not None

    def expires_in(self, now: float) -> float | None:
        """Return the seconds until the token expires, or None if that is unknown."""
        return None if self._expires == math.inf else self._expires - now

    @property
    def is_renewable(self) -> bool:
        """Whether a refused token can be replaced."""
        return self.provider is not None or self._grant is not None

    def fresh(self, now: float, rejected: Secret | None = None) -> Secret | None:
        """Give the header of a token that needs no renewal; None when it is time to get one."""
        header = self._header
        return header if header is not None and now < self._renew_at and header is not rejected else None

    def valid(self, now: float, rejected: Secret | None = None) -> Secret | None:
        """Give the header of a token that is still good, though its renewal may be due."""
        header = self._header
        return header if header is not None and now < self._expires and header is not rejected else None

    def recent_failure(self, now: float) -> ApiException | None:
        """Give a copy of the failure that it is too soon after to ask again; None when it is time."""
        return copy.copy(self._failure) if now < self._paused_until and self._failure is not None else None

    def grant(self) -> dict[str, Any]:
        """Give the token operation's arguments: the refresh token's, else the credentials'."""
        grant = self._grant or {}
        if self._refresh_token is None:
            return grant
        kept: dict[str, Any] = {name: grant[name] for name in ("client_id", "client_secret") if name in grant}
        return {"grant_type": "refresh_token", **kept, "refresh_token": self._refresh_token}

    def discard_refresh_token(self) -> bool:
        """Drop a refresh token that failed; False when there was none to drop."""
        had_one = self._refresh_token is not None
        self._refresh_token = None
        return had_one

    def store_grant(self, answer: Any, now: float) -> Secret | None:
        """Take over the token operation's answer (`OAuth2Resource`), and give the header.

        None when it holds no token. (Nothing is raised here, where a frame's locals hold the answer.)
        """
        header = None if answer is None else self._renewed(answer.access_token, answer.expires_in, now)
        if header is None:
            return None
        refresh_token = answer.refresh_token
        if isinstance(refresh_token, str) and refresh_token:  # else the one that we have stays good
            self._refresh_token = Secret(refresh_token)
        return header

    def store_provided(self, answer: Any, now: float) -> Secret | None:
        """Take over what a provider gave, and give the header; None when it is no token.

        Raises:
            ApiException: the provider raised something, which is wrapped unless it is one already.
        """
        if isinstance(answer, Exception):
            raise answer if isinstance(answer, ApiException) else _provider_failed(answer)
        if hasattr(answer, "__await__"):
            if isinstance(answer, Coroutine):
                answer.close()  # else Python warns that it was never awaited
            raise ApiValueError("get_token() of the token provider must be awaited: use knetik_cloud.aio")
        if not isinstance(answer, tuple):
            return self._renewed(answer, None, now)
        return self._renewed(*answer, now) if len(answer) == 2 else None

    def _renewed(self, token: Any, expires_in: Any, now: float) -> Secret | None:
        token = Secret.wrap(token) if isinstance(token, (str, Secret)) and token else None
        if token is None or not is_header_text(token.reveal()):
            return None
        lifetime = seconds(expires_in)
        self._expires = now + lifetime
        self._renew_at = self._expires - min(MAX_RENEWAL_MARGIN, lifetime * RENEWAL_MARGIN_RATIO)
        self._pause, self._paused_until, self._failure = 0.0, -math.inf, None
        self._header = header = _header(token)
        return header

    def failed(self, error: ApiException, now: float) -> None:
        """Take note of a renewal that failed; each further one in a row is put off for longer, up to 30 s.

        A deadline that passed tells of the caller's haste, not of the service: the next caller asks at once.
        """
        if isinstance(error, DeadlineExceeded):
            return
        self._pause = min(MAX_PAUSE_SECONDS, max(MIN_PAUSE_SECONDS, self._pause * 2))
        self._paused_until = now + self._pause
        self._failure = copy.copy(error)  # the copy has no traceback, whose frames would live on with it


def missing_token_error() -> ApiResponseError:
    """Build the error for an answer that grants nothing."""
    return ApiResponseError(reason="the answer holds no access token that could be sent in a header")


def _provider_failed(cause: Exception) -> ApiException:
    """Build the error for a provider that raised something of its own."""
    error = ApiException(reason=f"the token provider failed with {type(cause).__name__}")
    error.__cause__ = without_tracebacks(cause)
    return error


def token_wait_error() -> DeadlineExceeded:
    """Build the error for a call whose deadline passed while another one fetched the token."""
    return DeadlineExceeded(reason="the deadline of the call has passed while waiting for a token")


def _header(token: Secret) -> Secret:
    return Secret(f"Bearer {token.reveal()}")


def seconds(expires_in: Any) -> float:
    """Read `expires_in`, which is a number or its text; anything else counts as no expiry."""
    try:
        lifetime = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return math.inf
    return max(0.0, lifetime) if math.isfinite(lifetime) else math.inf
