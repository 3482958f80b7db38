"""The errors that leave a call: `ApiException` and its family, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

MAX_BODY_SHOWN = 2000
MAX_ERRORS_SHOWN = 10
MAX_RESULT_LENGTH = 1 << 18
"""Characters of a body that are read as a `Result`; what is longer is kept as text alone."""
MAX_ERRORS = 100

_E = TypeVar("_E", bound="ApiException")


class Headers(Mapping[str, str]):
    """The headers of an answer: a read-only mapping whose names match in any letter case.

    A header that came several times is joined with `, `.
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
    """One of the reasons that the service gave (schema `ErrorResource`)."""

    message: str | None
    field: Any = None
    details: Any = None


class _Attempt(NamedTuple):
    outcome: str
    status: int | None = None
    waited: float = 0.0


class Attempt(_Attempt):
    """One attempt of a call: its outcome, its HTTP status, and the wait in seconds before the next attempt.

    Attributes:
        seconds: The duration of the attempt. It isn't part of the tuple.
    """

    seconds: float = 0.0

    def __str__(self) -> str:
        return self.outcome if not self.waited else f"{self.outcome}, waited {self.waited:.2f} s"

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with other values in the tuple, and the same duration."""
        changed = self._replace(**changes)
        changed.seconds = self.seconds
        return changed


class ApiException(Exception):
    """A call failed. Every error that leaves a call is one of these.

    Attributes:
        status: HTTP status of the answer, None when there was none.
        reason: the answer's reason phrase, or what went wrong.
        body: the answer's body as text, None when there was none.
        headers: the answer's headers, case-insensitive.
        code: the service's own error number (schema `Result`), not the HTTP status.
        request_id: the service's trace id (schema `Result`).
        errors: the service's reasons, as `ErrorDetail(message, field, details)`.
        operation: the operation's id, such as `get_user_inventory`.
        attempts: the tries that were made, as `Attempt(outcome, status, waited)`.
        may_have_applied: True when a write was sent and its effect is unknown: look before repeating it.
        retry_after: seconds that the service asked to wait, if it did.
    """

    operation: str | None = None
    attempts: tuple[Attempt, ...] = ()
    retry_after: float | None = None
    _write: Any = None
    """The write that failed, for `client.find_out(error)`, or None if nothing could be read back."""

    def __init__(
        self,
        status: int | None = None,
        reason: str | None = None,
        http_resp: Any = None,
        *,
        may_have_applied: bool = False,
    ) -> None:
        self.may_have_applied = may_have_applied
        self.body: str | None = None
        self.headers: Headers = Headers()
        self._curl: str | None = None
        if http_resp is not None:
            status, reason = http_resp.status, http_resp.reason
            data = http_resp.data
            self.body = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
            self.headers = Headers(tuple(dict(http_resp.getheaders()).items()))
        self.status = status
        self.reason = reason
        self.code: int | None = None
        self.request_id: str | None = None
        self.errors: tuple[ErrorDetail, ...] = ()
        self._load_response(self.body, self.headers)
        super().__init__(status, reason)

    def _load_response(self, body: str | None, headers: Headers) -> None:
        """Take over an answer, and what its `Result` (or OAuth error) says; other bodies are left as text."""
        self.body, self.headers = body, headers
        self.request_id = headers.get("X-Request-Id")
        if not self.body or len(self.body) > MAX_RESULT_LENGTH or not self.body.lstrip().startswith("{"):
            return
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
            self.errors = (ErrorDetail(_text_in(result, "error_description"), None, result["error"]),)

    def as_curl(self) -> str | None:
        """Give the failed request as a curl command, secrets masked; None when no request was built."""
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
            lines.append("The write may have been applied: look before repeating it.")
        for error in self.errors[:MAX_ERRORS_SHOWN]:
            where = f" ({_cut(str(error.field))})" if error.field is not None else ""
            lines.append(f"Message: {_cut(str(error.message))}{where}")
        if len(self.errors) > MAX_ERRORS_SHOWN:
            lines.append(f"... and {len(self.errors) - MAX_ERRORS_SHOWN} more in `errors`")
        if self.request_id:
            lines.append(f"Request id: {self.request_id}")
        if self.body:
            lines.append(f"HTTP response body: {_cut(self.body)}")
        return "\n".join(lines)

    def _format_attempts(self) -> str:
        """Tell of the tries in a line: each outcome once, and how often it came."""
        times: dict[str, int] = {}
        for attempt in self.attempts:
            outcome = "as above" if attempt.outcome == self.reason else attempt.outcome
            times[outcome] = times.get(outcome, 0) + 1
        told = "; ".join(
            outcome if often == 1 else f"{outcome} ({'twice' if often == 2 else f'{often} times'})"
            for outcome, often in times.items()
        )
        waited = sum(attempt.waited for attempt in self.attempts)
        return f"{len(self.attempts)} tries: {told}{f', waited {waited:.2f} s in all' if waited else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.__dict__))

    def __copy__(self) -> Self:
        twin: Self = _rebuild(type(self), self.__dict__)
        twin.__cause__ = self.__cause__
        return twin


def _text_in(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def _cut(text: str) -> str:
    return text if len(text) <= MAX_BODY_SHOWN else f"{text[:MAX_BODY_SHOWN]}..."


def _rebuild(kind: type[_E], state: dict[str, Any]) -> _E:
    error = kind.__new__(kind)
    Exception.__init__(error, state["status"], state["reason"])
    error.__dict__.update(state)
    return error


class BadRequestException(ApiException):
    """400: the service refused the input; `errors` names the field."""


class UnauthorizedException(ApiException):
    """401: no token, or one that is dead and could not be refreshed."""


class ForbiddenException(ApiException):
    """403: the token lacks the permission, or a rule of the item refuses."""


class NotFoundException(ApiException):
    """404: nothing is there under this id."""


class ConflictException(ApiException):
    """409: the change contradicts what is stored."""


class UnprocessableEntityException(ApiException):
    """422: the input is well-formed, and refused."""


class TooManyRequestsException(ApiException):
    """429: throttled; `retry_after` says how long to wait, if the service said so."""


class ServiceException(ApiException):
    """5xx: the service failed."""


class ApiConnectionException(ApiException):
    """No whole answer came: refused, reset, cut off, TLS failed, or the host is unknown."""


class ApiTimeoutException(ApiConnectionException):
    """The service was too slow: a connect or read timeout passed."""


class DeadlineExceeded(ApiTimeoutException):
    """The whole call, waits and tries included, took longer than its deadline.

    Attributes:
        wait_token: For a waiter, what `knetik_cloud.waiting.resume` continues with. Otherwise None.
    """

    wait_token: str | None = None


class WaitFailed(ApiException):
    """An item that was waited for can't reach the state anymore.

    Attributes:
        item: The item as it was read last.
        state: Its state.
    """

    item: Any = None
    state: str | None = None


class ApiResponseError(ApiException):
    """An answer came and can't be read as what the contract promises."""


class ApiValueError(ApiException, ValueError):
    """A value can't be sent; nothing was. The message names the value and what to do."""

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
    """Give the class that stands for an HTTP status."""
    return _BY_STATUS.get(status) or (ServiceException if 500 <= status < 600 else ApiException)
