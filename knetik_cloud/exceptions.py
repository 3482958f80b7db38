"""The exceptions of a call: `ApiException` and its subclasses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

MAX_BODY_SHOWN = 2000
MAX_ERRORS_SHOWN = 10
MAX_RESULT_LENGTH = 1 << 18
"""The length of the longest body that is parsed as a `Result`. A longer one is only kept as text."""
MAX_ERRORS = 100
EXPLAINED_CODES = frozenset({1001, 1002, 1003, 1004, 1005, 1006, 1007, 1500, 1501, 1999})
"""The codes of a `Result` that have a section in `docs/reference/result-codes.md`."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that are invisible, end a line, change colors, or change the order of the text around them."""

_E = TypeVar("_E", bound="ApiException")


class Headers(Mapping[str, str]):
    """The headers of a response: a read-only mapping with case-insensitive names.

    The values of a repeated header are joined with `, `.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._values: dict[str, tuple[str, str]] = {}
        for name, value in pairs:
            key = name.lower()
            earlier = self._values.get(key)
            self._values[key] = (name, value) if earlier is None else (earlier[0], f"{earlier[1]}, {value}")

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __reduce__(self) -> tuple[Any, ...]:
        return (Headers, (list(self._values.values()),))

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


class ErrorDetail(NamedTuple):
    """One of the reasons in an error response (schema `ErrorResource`).

    Attributes:
        message: The reason.
        field: The field or the parameter that is to blame, or None.
        details: Numbers of the rule that denied the request, or None.
    """

    message: str | None
    field: Any = None
    details: Any = None


class _Attempt(NamedTuple):
    outcome: str
    status: int | None = None
    waited: float = 0.0


class Attempt(_Attempt):
    """An attempt of a call, as a named tuple (outcome, status, waited).

    Attributes:
        outcome: The HTTP status or the failure, as text.
        status: The HTTP status, or None without a response.
        waited: The seconds that the client waited before the next attempt.
        seconds: The duration of the attempt. It isn't part of the tuple.
    """

    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, seconds={self.seconds!r})"

    def __str__(self) -> str:
        return self.outcome if not self.waited else f"{self.outcome}, waited {self.waited:.2f} s"

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with other values in the tuple, and the same duration."""
        changed = self._replace(**changes)
        changed.seconds = self.seconds
        return changed


class ApiException(Exception):
    """A failed call. All exceptions of a call are subclasses.

    Attributes:
        status: The HTTP status of the response, or None without a response.
        reason: The reason phrase of the response, or a description of the failure.
        body: The body of the response as text (up to 4 MiB), or None without a response.
        headers: The headers of the response, with case-insensitive names.
        code: The service's own error number (schema `Result`), not the HTTP status.
        request_id: The service's trace id (schema `Result`).
        errors: The service's reasons, as `ErrorDetail(message, field, details)`.
        operation: The id of the operation, such as `get_user_inventory`.
        attempts: The attempts of the call, as `Attempt(outcome, status, waited)` with their `seconds`.
        may_have_applied: True if a write was sent and its effect is unknown. Check before you retry.
        retry_after: Seconds that the service asked to wait, or None.
        docs: The section of the documentation that explains the error, such as
            `docs/reference/result-codes.md#1007`.
    """

    may_have_applied: bool
    operation: str | None
    attempts: tuple[Attempt, ...]
    retry_after: float | None
    _setting: str | None
    """The setting whose value was rejected, or None."""
    _write: Any
    """The write that failed, for `client.find_out(error)`, or None if nothing could be read back."""
    _defaults: ClassVar[dict[str, Any]] = {
        "may_have_applied": False,
        "operation": None,
        "attempts": (),
        "retry_after": None,
        "_setting": None,
        "_write": None,
    }
    """The attributes that a new error has. Ray raises an instance of a subclass that has none, and looks them
    up in the error itself. It would find those of the class first."""

    def __init__(
        self,
        status: int | None = None,
        reason: str | None = None,
        http_resp: Any = None,
        *,
        may_have_applied: bool = False,
    ) -> None:
        self.__dict__.update(self._defaults, may_have_applied=may_have_applied)
        self.body: str | None = None
        self.headers: Headers = Headers()
        self._curl: str | None = None
        if http_resp is not None:
            status, reason = http_resp.status, http_resp.reason
            data = http_resp.data
            self.body = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
            self.headers = Headers(tuple(dict(http_resp.getheaders()).items()))
        self.status: int | None = status
        self.reason: str | None = reason
        self.code: int | None = None
        self.request_id: str | None = None
        self.errors: tuple[ErrorDetail, ...] = ()
        self._load_response(self.body, self.headers)
        super().__init__(status, reason)

    def _load_response(self, body: str | None, headers: Headers) -> None:
        """Store a response, and parse its `Result` or OAuth error. Other bodies are only kept as text."""
        self.body, self.headers = body, headers
        self.request_id = headers.get("X-Request-Id")
        if not self.body or len(self.body) > MAX_RESULT_LENGTH or not self.body.lstrip().startswith("{"):
            return
        import json

        try:
            result = json.loads(self.body)
        except (ValueError, RecursionError):
            return
        code, request_id, rows = result.get("code"), result.get("request_id"), result.get("result")
        if isinstance(code, int) and not isinstance(code, bool):
            self.code = code
        if isinstance(request_id, str):
            self.request_id = request_id
        if isinstance(rows, list):
            self.errors = tuple(
                ErrorDetail(_text_in(row, "message"), row.get("field"), row.get("details"))
                for row in rows[:MAX_ERRORS]
                if isinstance(row, dict)
            )
        elif isinstance(result.get("error"), str):
            described = _text_in(result, "error_description") or result["error"]  # the former is optional
            self.errors = (ErrorDetail(described, None, result["error"]),)

    @property
    def docs(self) -> str:
        """The section of the documentation that explains the error: of its code, its setting or its class."""
        if self._setting is not None:
            return f"docs/reference/settings.md#{self._setting}"
        if self.code in EXPLAINED_CODES:
            return f"docs/reference/result-codes.md#{self.code}"
        kind = next(kind for kind in type(self).__mro__ if kind.__module__ == __name__)
        return f"docs/reference/exceptions.md#{kind.__name__.lower()}"

    def as_curl(self) -> str | None:
        """Return the failed request as a curl command with masked secrets, or None if none was built."""
        return self._curl

    def __str__(self) -> str:
        lines = (
            [f"({self.status})", f"Reason: {self.reason}"] if self.status is not None else [str(self.reason)]
        )
        if self.operation:
            lines.append(f"Operation: {self.operation}")
        if len(self.attempts) > 1:
            lines.append(f"Attempts: {self._format_attempts()}")
        if self.may_have_applied:
            lines.append("The write may have been applied. Check before you retry it.")
        for error in self.errors[:MAX_ERRORS_SHOWN]:
            where = f" ({one_line(str(error.field))})" if error.field is not None else ""
            lines.append(f"Message: {one_line(str(error.message))}{where}")
        if len(self.errors) > MAX_ERRORS_SHOWN:
            lines.append(f"... and {len(self.errors) - MAX_ERRORS_SHOWN} more in `errors`")
        if self.request_id:
            lines.append(f"Request id: {one_line(self.request_id)}")
        if self._setting is not None or not isinstance(self, ApiValueError):
            lines.append(f"See: {self.docs}")
        if self.body:
            lines.append(f"HTTP response body: {_lines(self.body)}")
        return "\n".join(lines)

    def _format_attempts(self) -> str:
        """Format the attempts in one line, with each outcome once and its number."""
        times: dict[str, int] = {}
        for attempt in self.attempts:
            outcome = "same as above" if attempt.outcome == self.reason else attempt.outcome
            times[outcome] = times.get(outcome, 0) + 1
        outcomes = "; ".join(
            outcome if often == 1 else f"{outcome}, {'twice' if often == 2 else f'{often} times'}"
            for outcome, often in times.items()
        )
        waited = sum(attempt.waited for attempt in self.attempts)
        return f"{len(self.attempts)} ({outcomes}){f', waited {waited:.2f} s in total' if waited else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.__dict__))

    def __copy__(self) -> Self:
        rebuild, arguments = self.__reduce__()
        twin: Self = rebuild(*arguments)
        twin.__cause__ = self.__cause__
        return twin


def _text_in(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def printable(text: str) -> str:
    """Return text with control characters written as escapes, so that no data can steer a terminal."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """Return the start of a text of a response, printable and in one line."""
    return _lines(text).replace("\n", "\\n")


def _lines(text: str) -> str:
    return printable(_cut(text).replace("\r\n", "\n"))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_BODY_SHOWN else f"{text[:MAX_BODY_SHOWN]}..."


def _rebuild(kind: type[_E], state: dict[str, Any]) -> _E:
    error = kind.__new__(kind)
    Exception.__init__(error, state["status"], state["reason"])
    error.__dict__.update({**kind._defaults, **state})  # version 1.0.0 had fewer
    return error


class BadRequestException(ApiException):
    """400: The service rejected the input. `errors` names the field."""


class UnauthorizedException(ApiException):
    """401: The token is missing, or has expired and could not be renewed."""


class ForbiddenException(ApiException):
    """403: The token is missing a permission, or a rule of the item denies the request."""


class NotFoundException(ApiException):
    """404: There is nothing with this id."""


class ConflictException(ApiException):
    """409: The change is in conflict with stored data."""


class UnprocessableEntityException(ApiException):
    """422: The input is well-formed, and was rejected."""


class TooManyRequestsException(ApiException):
    """429: Too many requests. `retry_after` is the time to wait, if the service specified it."""


class ServiceException(ApiException):
    """5xx: The service failed."""


class ApiConnectionException(ApiException):
    """No complete response arrived: the connection or its TLS failed, or the host is unknown."""


class ApiTimeoutException(ApiConnectionException):
    """A timeout: the service did not accept the connection or respond in time."""


class DeadlineExceeded(ApiTimeoutException):
    """The whole call, including waits and attempts, took longer than its deadline.

    Attributes:
        wait_token: The token with which `knetik_cloud.waiting.resume` continues a wait, or None.
    """

    wait_token: str | None
    _defaults: ClassVar[dict[str, Any]] = {**ApiTimeoutException._defaults, "wait_token": None}


class WaitFailed(ApiException):
    """The item can no longer reach the state that the waiter waits for.

    Attributes:
        item: The item as it was last read.
        state: Its state.
    """

    item: Any
    state: str | None
    _defaults: ClassVar[dict[str, Any]] = {**ApiException._defaults, "item": None, "state": None}


class ApiResponseError(ApiException):
    """The response does not have the form that the contract specifies."""


class ApiValueError(ApiException, ValueError):
    """A value can't be sent, and nothing was sent. The message names the value and the remedy."""

    def __init__(self, reason: str, *, may_have_applied: bool = False) -> None:
        super().__init__(None, reason, may_have_applied=may_have_applied)


_BY_STATUS: dict[int, type[ApiException]] = {
    400: BadRequestException,
    401: UnauthorizedException,
    403: ForbiddenException,
    404: NotFoundException,
    409: ConflictException,
    422: UnprocessableEntityException,
    429: TooManyRequestsException,
}


def exception_class(status: int) -> type[ApiException]:
    """Return the exception class for an HTTP status."""
    return _BY_STATUS.get(status) or (ServiceException if 500 <= status < 600 else ApiException)
