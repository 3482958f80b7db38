"""The sandbox without its HTTP: it runs the operations of the contract, each in one transaction."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError

from knetik_cloud.contract import Contract, Operation
from knetik_cloud.sandbox import auth, bodies, parameters
from knetik_cloud.sandbox.bodies import ABSENT
from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.controls import Controls
from knetik_cloud.sandbox.errors import ServiceError, as_oauth_error, invalid_error, unavailable_error
from knetik_cloud.sandbox.journal import Facts
from knetik_cloud.sandbox.operations import HANDLERS
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.storage import Database, UnusableDatabase
from knetik_cloud.sandbox.storage.people import User

EXAMPLE_HEADER = "X-Knetik-Sandbox-Example"
"""Marks a response that is the contract's example, because no rule for the operation exists yet."""
USER_IN_PATH = re.compile(r"^/users/\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the operations see it. Header names are in lower case."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """A response before it is HTTP. `body` is JSON. None means no body, or `null` if `has_body` is true."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None
    has_body: bool = False


class Service:
    """One sandbox: its contract, its database, and its controls."""

    def __init__(self, settings: Settings, progress: Callable[[int], None] | None = None) -> None:
        self.settings = settings
        self.contract = Contract.load()
        self.database = Database(settings.database)
        self._check = BodyCheck(self.contract)
        try:
            self.controls = Controls(settings, self.contract, self.database, self._check, progress)
        except BaseException:
            self.database.close()
            raise
        self._numbers = itertools.count(1)
        self.is_stopping = False
        self.stop: Callable[[], None] | None = None
        """Ends the process that serves. None in a program that has a sandbox inside it."""
        self.console_token = secrets.token_urlsafe(32)
        """The token in the forms of the console, which its writes need. Workers share one."""

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def request_id(self) -> str:
        """Return a new request id: the sandbox's time in milliseconds, and a number."""
        return f"{int(self.controls.clock.now() * 1000)}-{next(self._numbers)}"

    def execute(self, operation: Operation, request: Request) -> ServiceResponse:
        """Run an operation in one transaction. A ServiceError rolls it back and becomes the response."""

        def attempt() -> ServiceResponse:
            with self.controls.fulfilled_transaction(reads_only=operation.method == "GET") as (db, now):
                return self._execute(operation, request, db, now)

        return self.responding(lambda: self.database.retrying(attempt), operation)

    def responding(
        self, work: Callable[[], ServiceResponse], operation: Operation | None = None
    ) -> ServiceResponse:
        """Run work and return its response, or the response for the error that it raises."""
        try:
            return work()
        except ServiceError as error:
            return self.error_response(error, operation)
        except (DataError, OverflowError):
            # The checks of requests let nothing of this kind through; if they do, it is still no defect.
            return self.error_response(invalid_error("a value is outside the range that can be stored"))
        except UnusableDatabase as error:
            return self.error_response(unavailable_error(error))

    def error_response(self, error: ServiceError, operation: Operation | None = None) -> ServiceResponse:
        """Build the response for an error. Invalid requests for tokens get errors in the form of OAuth."""
        if error.status == 400 and operation is not None and operation.issues_tokens:
            error = as_oauth_error(error)
        return ServiceResponse(error.status, error.body(self.request_id()), error.headers)

    def _execute(self, operation: Operation, request: Request, db: Connection, now: float) -> ServiceResponse:
        required = self.settings.require_auth
        caller = auth.ANONYMOUS
        if not operation.issues_tokens:
            caller = auth.identify(db, request.headers.get("authorization"), now, required)
            request.facts.caller = caller.name
        if required and operation.permissions and not caller.authenticated:
            auth.authorize(operation, caller, None)
        values = self._parameters(operation, request)
        owner = self._owner(db, operation, values, caller)
        request.facts.user_id = owner.id if owner else None
        if required:
            auth.authorize(operation, caller, owner)
        body: Any = ABSENT
        if operation.body is not None:
            body = self._body(operation.body.schema, request)
        call = Call(
            operation,
            values,
            body,
            db,
            now,
            caller,
            self.settings,
            self.contract,
            self._check,
            owner,
            request.facts,
            self.database.bookmarks,
        )
        handler = HANDLERS.get(operation.id)
        if handler is None:
            return ServiceResponse(operation.success, operation.example, {EXAMPLE_HEADER: "contract"})
        return ServiceResponse(operation.success, handler(call), has_body=operation.result is not None)

    def _body(self, schema: Mapping[str, Any], request: Request) -> Any:
        content_type, type_name = request.headers.get("content-type"), schema.get("type")
        if type_name in ("string", "integer"):
            return bodies.read_scalar(request.body, content_type, type_name)
        return bodies.read_json(request.body, content_type)

    @staticmethod
    def _parameters(operation: Operation, request: Request) -> dict[str, Any]:
        form: Mapping[str, str] = {}
        if operation.takes_form:
            form = bodies.read_form(request.body, request.headers.get("content-type"))
        if operation.issues_tokens:
            form = auth.with_client_credentials(form, request.headers.get("authorization"))
        given = {"path": request.path, "query": request.query, "header": request.headers, "form": form}
        return parameters.read(operation, given)

    @staticmethod
    def _owner(
        db: Connection, operation: Operation, values: Mapping[str, Any], caller: auth.Caller
    ) -> User | None:
        match = USER_IN_PATH.match(operation.path)
        if match is None:
            return None
        return auth.path_user(db, operation, values[match[1]], caller, match[1])
