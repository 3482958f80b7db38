"""The errors that the service answers with: `Result` for operations, OAuth's shape for tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INVALID = 1001
MALFORMED = 1002
NOT_FOUND = 1003
METHOD_NOT_ALLOWED = 1004
FORBIDDEN = 1005
CONFLICT = 1006
REFUSED = 1007
INJECTED = 1999
INTERNAL = 1500


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what it is, the JSON key or parameter at fault, details worth having."""

    message: str
    field: str | None = None
    details: Any = None


class Failure(Exception):
    """End a request with an error; raised inside its transaction, it undoes all that the request did."""

    def __init__(self, status: int, code: int, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.code = code
        self.problems = tuple(problems)
        self.headers: dict[str, str] = {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Give the body of the answer, a `Result`."""
        return {
            "code": self.code,
            "request_id": request_id,
            "result": [
                {"message": problem.message, "field": problem.field, "details": problem.details}
                for problem in self.problems
            ],
        }


class OAuthFailure(Failure):
    """End a request with an error in OAuth's shape, as token and bearer failures do."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, INVALID, [Problem(description)])
        self.error = error
        self.description = description
        if status == 401:
            self.headers = {"WWW-Authenticate": f'Bearer realm="knetik", error="{error}"'}

    def body(self, request_id: str) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


def invalid(message: str, field: str | None = None, details: Any = None) -> Failure:
    """A value that the service can't take (400)."""
    return Failure(400, INVALID, [Problem(message, field, details)])


def malformed(message: str, field: str | None = None) -> Failure:
    """A request that can't be read at all (400)."""
    return Failure(400, MALFORMED, [Problem(message, field)])


def conflict(message: str, field: str | None = None, details: Any = None) -> Failure:
    """A change that other resources stand against (400)."""
    return Failure(400, CONFLICT, [Problem(message, field, details)])


def not_found(message: str, field: str | None = None) -> Failure:
    """Something that does not exist (404)."""
    return Failure(404, NOT_FOUND, [Problem(message, field)])


def forbidden(message: str, field: str | None = None, details: Any = None) -> Failure:
    """A caller who may not do this (403)."""
    return Failure(403, FORBIDDEN, [Problem(message, field, details)])
