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
DENIED = 1007
INJECTED = 1999
INTERNAL = 1500


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what it is, the JSON key or parameter at fault, details worth having."""

    message: str
    field: str | None = None
    details: Any = None


class ServiceError(Exception):
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


class OAuthError(ServiceError):
    """End a request with an error in OAuth's shape, as token and bearer failures do."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, INVALID, [Problem(description)])
        self.error = error
        self.description = description
        if status == 401:
            self.headers = {"WWW-Authenticate": f'Bearer realm="knetik", error="{error}"'}

    def body(self, request_id: str) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


def invalid_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """A value that the service can't take (400)."""
    return ServiceError(400, INVALID, [Problem(message, field, details)])


def malformed_error(message: str, field: str | None = None) -> ServiceError:
    """A request that can't be read at all (400)."""
    return ServiceError(400, MALFORMED, [Problem(message, field)])


def conflict_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """A change that other resources stand against (400)."""
    return ServiceError(400, CONFLICT, [Problem(message, field, details)])


def not_found_error(message: str, field: str | None = None) -> ServiceError:
    """Something that does not exist (404)."""
    return ServiceError(404, NOT_FOUND, [Problem(message, field)])


def forbidden_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """A caller who may not do this (403)."""
    return ServiceError(403, FORBIDDEN, [Problem(message, field, details)])
