"""The errors of the service: a `Result` for operations, the form of OAuth for tokens."""

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
UNAVAILABLE = 1501


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a request: a message, the JSON key or parameter at fault, and details."""

    message: str
    field: str | None = None
    details: Any = None


class ServiceError(Exception):
    """An error that ends a request. Raised inside its transaction, it rolls back the request's changes."""

    def __init__(self, status: int, code: int, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.code = code
        self.problems = tuple(problems)
        self.headers: dict[str, str] = {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the body of the response, a `Result`."""
        return {
            "code": self.code,
            "request_id": request_id,
            "result": [
                {"message": problem.message, "field": problem.field, "details": problem.details}
                for problem in self.problems
            ],
        }


class OAuthError(ServiceError):
    """An error in the form of OAuth, as for token requests and invalid bearer tokens."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, INVALID, [Problem(description)])
        self.error = error
        self.description = description
        if status == 401:
            self.headers = {"WWW-Authenticate": f'Bearer realm="knetik", error="{error}"'}

    def body(self, request_id: str) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


def as_oauth_error(error: ServiceError) -> OAuthError:
    """Return an error about an invalid request (400) in the form of OAuth."""
    return error if isinstance(error, OAuthError) else OAuthError(400, "invalid_request", str(error))


def invalid_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """Build the error for an invalid value (400)."""
    return ServiceError(400, INVALID, [Problem(message, field, details)])


def malformed_error(message: str, field: str | None = None) -> ServiceError:
    """Build the error for a request that can't be parsed (400)."""
    return ServiceError(400, MALFORMED, [Problem(message, field)])


def conflict_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """Build the error for a change that conflicts with other resources (400)."""
    return ServiceError(400, CONFLICT, [Problem(message, field, details)])


def not_found_error(message: str, field: str | None = None) -> ServiceError:
    """Build the error for a resource that does not exist (404)."""
    return ServiceError(404, NOT_FOUND, [Problem(message, field)])


def forbidden_error(message: str, field: str | None = None, details: Any = None) -> ServiceError:
    """Build the error for a caller without permission (403)."""
    return ServiceError(403, FORBIDDEN, [Problem(message, field, details)])


def unavailable_error(reason: Exception) -> ServiceError:
    """Build the error for a database that can't be used now (503)."""
    return ServiceError(503, UNAVAILABLE, [Problem(str(reason))])
