"""What the engine asks of its driver, and what the driver answers."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from knetik_cloud.core.causes import sanitize_cause
from knetik_cloud.core.request import Request
from knetik_cloud.exceptions import ApiException, ApiValueError, Headers
from knetik_cloud.secret import Secret, masked

if TYPE_CHECKING:
    from knetik_cloud.core.auth import AsyncTokenProvider, TokenProvider, TokenStore


class Send:
    """Send this request; the driver answers with a `Response` or a `Failure`.

    Times are in seconds; `deadline` is a moment of the monotonic clock.
    """

    __slots__ = ("connect", "deadline", "read", "request", "stream")

    def __init__(self, request: Request, connect: float, read: float, deadline: float, stream: bool) -> None:
        self.request = request
        self.connect = connect
        self.read = read
        self.deadline = deadline
        self.stream = stream


class Sleep:
    """Sleep so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class ObtainToken:
    """Get a token other than `rejected`; the driver answers with the `Authorization` header's value."""

    __slots__ = ("deadline", "rejected", "tokens")

    def __init__(self, tokens: TokenStore, rejected: Secret | None, deadline: float) -> None:
        self.tokens = tokens
        self.rejected = rejected
        self.deadline = deadline


class CallProvider:
    """Ask a token provider; the driver answers with what it gave, or with the exception that it raised."""

    __slots__ = ("deadline", "provider")

    def __init__(self, provider: TokenProvider | AsyncTokenProvider, deadline: float) -> None:
        self.provider = provider
        self.deadline = deadline


class Await:
    """Await the result of a coroutine hook."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[object]) -> None:
        self.awaitable = awaitable


Command = Send | Sleep | ObtainToken | CallProvider | Await


class Response(Protocol):
    """An answer, as the transports give it. `data` is decoded and whole, unless it is streamed."""

    status: int
    reason: str | None

    @property
    def data(self) -> bytes:
        """The body."""

    @property
    def headers(self) -> Headers:
        """The headers."""

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Give one header."""

    def discard_connection(self) -> None:
        """Say that the answer made no sense, so that its connection isn't used again."""


class Failure:
    """No answer: which error it is, whether the service may have seen the request, if a repeat may help."""

    __slots__ = ("cause", "error", "reason", "retryable", "status", "written")

    def __init__(
        self,
        error: type[ApiException],
        reason: str,
        cause: BaseException | None = None,
        *,
        written: bool,
        retryable: bool = True,
        status: int | None = None,
    ) -> None:
        self.error = error
        self.reason = reason
        self.cause = cause
        self.written = written
        self.retryable = retryable
        self.status = status

    def masked(self, secrets: Sequence[Secret]) -> Failure:
        """Take secrets out of the reason and the cause, and give this failure."""
        self.reason = masked(self.reason, secrets)
        self.cause = sanitize_cause(self.cause, secrets)
        return self

    def to_exception(self) -> ApiException:
        """Build the exception, with its cause, ready to be raised."""
        status, reason = self.status, self.reason
        error = ApiValueError(reason) if self.error is ApiValueError else self.error(status, reason)
        error.__cause__ = self.cause
        return error


Outcome = Response | Failure | Secret | tuple[Any, ...] | str | Exception | None
