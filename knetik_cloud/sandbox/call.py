"""One call of an operation, as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from knetik_cloud.contract import Contract, Operation
from knetik_cloud.sandbox.auth import Caller
from knetik_cloud.sandbox.bodies import ABSENT
from knetik_cloud.sandbox.errors import INVALID, ServiceError, invalid_error
from knetik_cloud.sandbox.journal import Facts
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.storage.paging import Bookmarks
from knetik_cloud.sandbox.storage.people import User


@dataclass(slots=True)
class Call:
    """A call in progress, in its transaction `db`. `now` is its instant, in epoch seconds."""

    operation: Operation
    parameters: dict[str, Any]
    body: Any
    db: Connection
    now: float
    caller: Caller
    settings: Settings
    contract: Contract
    check: BodyCheck
    owner: User | None
    facts: Facts
    bookmarks: Bookmarks

    @property
    def today(self) -> int:
        """The instant of the call in whole epoch seconds, the form in which dates are stored."""
        return int(self.now)

    @property
    def holder(self) -> User:
        """The user that the path names."""
        if self.owner is None:
            raise LookupError(f"{self.operation.id} has no user in its path")
        return self.owner

    def checked_body(self) -> Any:
        """Return the checked body. Raises a ServiceError with all problems."""
        expected = self.operation.body
        assert expected is not None
        if self.body is ABSENT:
            raise invalid_error(f"a body is required: send {expected.name} as JSON", expected.name)
        problems = self.check.problems(expected.schema, self.body, expected.name)
        if problems:
            raise ServiceError(400, INVALID, problems)
        return self.body


Handler = Callable[[Call], Any]
"""A function that runs an operation. It returns the JSON of the response, or None for an empty one."""
