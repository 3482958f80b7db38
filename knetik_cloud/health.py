"""`Health`: whether a client can reach the service, and what is wrong if it can't."""

from __future__ import annotations

from knetik_cloud.core.call import REDIRECTS
from knetik_cloud.exceptions import (
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    TooManyRequestsException,
    UnauthorizedException,
    one_line,
)


class Health:
    """The result of `client.ping()`. It is true if the service can be used.

    Attributes:
        ok: True if the service responded as expected.
        problem: The problem and its remedy, in one sentence, or None.
        error: The exception behind the problem, or None.
        seconds: The duration of the check.
    """

    __slots__ = ("error", "ok", "problem", "seconds")

    def __init__(self, error: ApiException | None, seconds: float, host: str) -> None:
        self.ok = error is None
        self.error = error
        self.problem = None if error is None else explain(error, host)
        self.seconds = seconds

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<Health: {'ok' if self.ok else self.problem} ({self.seconds:.3f} s)>"


def explain(error: ApiException, host: str) -> str:
    """Describe in one sentence why a check failed, and what to do."""
    details = f"{error.status} {error.reason}".rstrip() if error.status is not None else f"{error.reason}"
    if not error.attempts:  # of a token provider, for example: it says nothing about the host
        return f"{host} can't be used: {details}"
    if error.operation == "get_o_auth_token" and error.status in (400, 401, 403):
        detail = next((row.message for row in error.errors if row.message), details)
        return f"{host} issued no token ({one_line(detail)}): check the credentials of the Configuration"
    if isinstance(error, UnauthorizedException):
        return f"{host} got no token, or rejected it ({details}): check the credentials of the Configuration"
    if isinstance(error, ForbiddenException):
        return f"{host} denied a read that needs no permission ({details}): check the account and the proxy"
    if isinstance(error, NotFoundException):
        return f"{host} has no such API ({details}): check the host and its path"
    if isinstance(error, TooManyRequestsException):
        return f"{host} throttles this client ({details}): send fewer requests"
    if error.status in REDIRECTS:
        target = error.headers.get("Location", "an unknown address").partition("?")[0]
        return f"{host} redirects to {one_line(target)} ({details}): check the host, its scheme and its path"
    if isinstance(error, ServiceException):
        return f"{host} has failed ({details}): try again later"
    if isinstance(error, ApiResponseError):
        return f"{host} does not respond like the service ({details}): check the host and the proxy"
    if isinstance(error, ApiConnectionException):
        return f"{host} can't be reached: {details}"
    return f"{host} can't be used: {details}"
