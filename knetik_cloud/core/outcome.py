"""The commands of the engine to its driver, and the outcomes that the driver replies with."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from knetik_cloud.core.causes import sanitize_cause
from knetik_cloud.core.request import Request
from knetik_cloud.exceptions import ApiException, ApiValueError, Headers
from knetik_cloud.secret import Secret, masked

if TYPE_CHECKING:
    from knetik_cloud.core.auth import AsyncTokenProvider, TokenProvider, TokenStore


class Send(NamedTuple):
    """A command to send a request. The driver replies with a `Response` or a `Failure`.

    Times are in seconds. `deadline` is a time of the monotonic clock.
    """

    request: Request
    connect: float
    read: float
    deadline: float
    stream: bool


class Sleep(NamedTuple):
    """A command to sleep for `seconds`."""

    seconds: float


class ObtainToken(NamedTuple):
    """A command to obtain a token other than `rejected`. The driver replies with the header's value."""

    tokens: TokenStore
    rejected: Secret | None
    deadline: float


class CallProvider(NamedTuple):
    """A command to call a token provider. The driver replies with the result or the exception."""

    provider: TokenProvider | AsyncTokenProvider
    deadline: float


class Await(NamedTuple):
    """A command to await the result of a coroutine hook."""

    awaitable: Awaitable[object]


Command = Send | Sleep | ObtainToken | CallProvider | Await


class Response(Protocol):
    """A response, as the transports return it. `data` is the decoded body, unless it is streamed."""

    status: int
    reason: str | None

    @property
    def data(self) -> bytes:
        """The body."""

    @property
    def headers(self) -> Headers:
        """The headers."""

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return a header, or `default` if it is missing."""

    def discard_connection(self) -> None:
        """Prevent the connection of a malformed response from being used again."""


class Failure(NamedTuple):
    """The failure of an attempt without a response.

    Attributes:
        error: The class of the exception for the caller.
        reason: The message of the exception.
        written: True if the service may have received any part of the request.
        cause: The low-level error, or None.
        retryable: True if a retry may help.
        status: The HTTP status of a response whose body can't be read, or None.
    """

    error: type[ApiException]
    reason: str
    written: bool
    cause: BaseException | None = None
    retryable: bool = True
    status: int | None = None

    def masked(self, secrets: Sequence[Secret]) -> Failure:
        """Return this failure with secrets masked in the reason and the cause."""
        return self._replace(reason=masked(self.reason, secrets), cause=sanitize_cause(self.cause, secrets))

    def to_stream_exception(self, request: Request) -> ApiException:
        """Build the exception for a streamed response that failed after its call had returned."""
        error = self.to_exception()
        error.operation = request.operation.id
        error.may_have_applied = request.operation.retry != "safe"
        return error

    def to_exception(self) -> ApiException:
        """Build the exception with its cause."""
        status, reason = self.status, self.reason
        error = ApiValueError(reason) if self.error is ApiValueError else self.error(status, reason)
        error.__cause__ = self.cause
        return error


Outcome = Response | Failure | Secret | tuple[Any, ...] | str | BaseException | None
