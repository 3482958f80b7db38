"""What a failure below HTTP means to the caller: the same words and the same verdict for every transport."""

from __future__ import annotations

from typing import NamedTuple

from knetik_cloud.core.outcome import Failure, without_tracebacks
from knetik_cloud.core.request import Request
from knetik_cloud.exceptions import (
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiTimeoutException,
    ApiValueError,
    DeadlineExceeded,
)

LONGEST_SHOWN = 200
DEADLINE_PASSED = "the deadline of the call has passed (raise it with _deadline)"


class DeadlinePassed(TimeoutError):
    """Nothing is left of the call's deadline."""


class Meaning(NamedTuple):
    """The exception class for a failure, a sentence on it, and whether another try may help."""

    error: type[ApiException]
    reason: str
    retryable: bool = True

    def failure(self, cause: BaseException, written: bool, status: int | None = None) -> Failure:
        """Build what the engine is answered; `cause` is kept without its traceback, which holds the token.

        Args:
            cause: the error.
            written: whether any of the request may have reached the service.
            status: of an answer whose body can't be read.
        """
        return Failure(
            self.error,
            self.reason,
            without_tracebacks(cause),
            written=written,
            retryable=self.retryable,
            status=status if self.error is ApiResponseError else None,
        )


def meaning(cause: BaseException, written: bool, host: str) -> Meaning:
    """Say what an error of Python's own means; a transport translates those of its library before.

    Args:
        cause: the error.
        written: whether any of the request may have reached the service.
        host: whom the request was for.
    """
    import socket
    import ssl

    if isinstance(cause, (ApiResponseError, ApiValueError)):
        return Meaning(type(cause), cause.reason or "", False)
    if isinstance(cause, DeadlinePassed):
        return Meaning(DeadlineExceeded, DEADLINE_PASSED, False)
    if isinstance(cause, TimeoutError):
        done = f"{host} did not answer in time" if written else f"{host} could not be connected to in time"
        return Meaning(ApiTimeoutException, f"{done} (raise the limit with _request_timeout)")
    if isinstance(cause, (socket.gaierror, UnicodeError)):
        return Meaning(ApiConnectionException, f"the host {host} could not be found: {shown(cause)}")
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Meaning(ApiConnectionException, f"no secure connection to {host}: {shown(cause)}", False)
    if isinstance(cause, OSError):
        doing = "lost" if written else "could not be made"
        return Meaning(ApiConnectionException, f"the connection to {host} {doing}: {shown(cause)}")
    said = f"the exchange with {host} failed: {type(cause).__name__} {shown(cause)}"
    return Meaning(ApiConnectionException, said.rstrip())


def deadline_passed(failure: Failure, seconds: float) -> Failure:
    """Give what a timeout means that came of the call's deadline, of so many seconds, not of its own."""
    reason = f"the deadline of the call has passed after {seconds:.3g} s (raise it with _deadline)"
    return Failure(DeadlineExceeded, reason, failure.cause, written=failure.written, retryable=False)


def of_stream(failure: Failure, request: Request) -> ApiException:
    """Build the error for an answer that failed while its reader, no longer its call, was reading it."""
    error = failure.masked(request.secrets()).to_exception()
    error.operation = request.operation.id
    error.may_have_applied = request.operation.retry != "safe"
    return error


def cut_off(host: str) -> Meaning:
    """Give the meaning of an answer whose end is missing."""
    return Meaning(ApiConnectionException, f"the answer of {host} was cut off")


def unanswered(host: str) -> Meaning:
    """Give the meaning of a connection that was closed in place of an answer."""
    return Meaning(ApiConnectionException, f"{host} closed the connection without an answer")


def no_http(host: str, cause: BaseException) -> Meaning:
    """Give the meaning of an answer that isn't HTTP."""
    said = f"the answer of {host} is no HTTP: {type(cause).__name__} {shown(cause)}"
    return Meaning(ApiResponseError, said.rstrip())


def shown(cause: BaseException) -> str:
    """Give an error's text, shortened."""
    text = str(cause)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
