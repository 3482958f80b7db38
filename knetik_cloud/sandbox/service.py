"""The stand-in behind its HTTP: carries out operations, each in one transaction, and what controls it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from knetik_cloud.sandbox import auth, bodies, delivery, parameters, seed
from knetik_cloud.sandbox.bodies import ABSENT
from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.contract import Contract, Operation
from knetik_cloud.sandbox.failures import Failure
from knetik_cloud.sandbox.faults import Faults
from knetik_cloud.sandbox.journal import Journal
from knetik_cloud.sandbox.operations import HANDLERS
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.storage import Database, people, tables
from knetik_cloud.sandbox.storage.database import clear, dump, is_empty, load
from knetik_cloud.sandbox.storage.people import User

USER_IN_PATH = re.compile(r"^/users/\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler of HTTP knows of a request; header names are in lower case."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be answered: `body` is JSON, None for an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None


class Service:
    """One stand-in: its data, clock, faults and journal."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.contract = Contract.load()
        self.database = Database(settings.database_url)
        self.clock = Clock()
        self.faults = Faults(self.contract.operations)
        self.journal = Journal(settings.journal_size)
        self._check = BodyCheck(self.contract)
        self._numbers = itertools.count(1)
        self._first_state: dict[str, Any] | None = None
        with self.database.transaction() as db:
            self._restore_clock(db)
            if is_empty(db):
                self._seed_first(db)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def request_id(self) -> str:
        """Make the id of a request: the stand-in's time in milliseconds, and a number."""
        return f"{int(self.clock.now() * 1000)}-{next(self._numbers)}"

    def carry_out(self, operation: Operation, request: Request) -> Answer:
        """Carry an operation out in one transaction; a Failure undoes it and becomes the answer."""
        try:
            with self.database.transaction() as db:
                return self._carry_out(operation, request, db)
        except Failure as failure:
            return self.refusal(failure)

    def refusal(self, failure: Failure) -> Answer:
        """Give the answer for a failure."""
        return Answer(failure.status, failure.body(self.request_id()), failure.headers)

    def _carry_out(self, operation: Operation, request: Request, db: Connection) -> Answer:
        now = self.clock.now()
        delivery.fulfill_due(db, now)
        required = self.settings.require_auth
        caller = auth.ANONYMOUS
        if not operation.issues_tokens:
            caller = auth.identify(db, request.headers.get("authorization"), now, required)
        if required and operation.permissions and not caller.authenticated:
            auth.authorize(operation, caller, None)
        form = {}
        if operation.takes_form:
            form = bodies.read_form(request.body, request.headers.get("content-type"))
        values = parameters.read(operation, {"path": request.path, "query": request.query, "form": form})
        owner = self._owner(db, operation, values, caller)
        if required:
            auth.authorize(operation, caller, owner)
        body: Any = ABSENT
        if operation.body is not None:
            body = bodies.read_json(request.body, request.headers.get("content-type"))
        call = Call(
            operation, values, body, db, now, caller, self.settings, self.contract, self._check, owner
        )
        return Answer(operation.success, HANDLERS[operation.id](call))

    @staticmethod
    def _owner(
        db: Connection, operation: Operation, values: Mapping[str, Any], caller: auth.Caller
    ) -> User | None:
        match = USER_IN_PATH.match(operation.path)
        if match is None:
            return None
        return auth.path_user(db, operation, values[match[1]], caller, match[1])

    # Control: the same for HTTP and for Python

    def reset(self) -> None:
        """Go back to the first state: the first seed, real time, no faults, an empty journal."""
        self.clock.reset()
        self.faults.clear()
        self.journal.clear()
        with self.database.transaction() as db:
            if self._first_state is None:
                clear(db)
                self._seed_first(db)
            else:
                load(db, self._first_state)
            self._store_clock(db)

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add a seed to the data; raise Failure, changing nothing, when something is wrong with it."""
        document = seed.checked(document)
        seed.check_resources(document, self.contract, self._check)
        with self.database.transaction() as db:
            seed.apply(db, document, self.contract, self.clock.now())

    def export(self) -> dict[str, Any]:
        """Give the data as a seed."""
        with self.database.transaction() as db:
            return seed.export(db)

    def snapshot(self, name: str) -> None:
        """Keep a copy of data and clock under a name, in place of an earlier one; it survives resets."""
        document = {"clock": self.clock.state()}
        with self.database.transaction() as db:
            document |= dump(db)
            db.execute(delete(tables.snapshots).where(tables.snapshots.c.name == name))
            db.execute(insert(tables.snapshots).values(name=name, document=document))

    def restore(self, name: str) -> None:
        """Go back to a snapshot. Raises KeyError for a name that none has."""
        with self.database.transaction() as db:
            wanted = select(tables.snapshots.c.document).where(tables.snapshots.c.name == name)
            document = db.scalar(wanted)
            if document is None:
                raise KeyError(f"there is no snapshot {name!r}; there are: {', '.join(_names(db)) or 'none'}")
            load(db, document)
            self.clock.restore(document["clock"])
            self._store_clock(db)

    def snapshots(self) -> list[str]:
        """List the names of the snapshots."""
        with self.database.transaction() as db:
            return _names(db)

    def store_clock(self) -> None:
        """Keep the clock's setting in the database, for a server that is started on it later."""
        with self.database.transaction() as db:
            self._store_clock(db)

    def wallet(self, user_id: int) -> dict[str, int]:
        """Give a user's wallet balances by currency code, after what is due is fulfilled."""
        with self.database.transaction() as db:
            delivery.fulfill_due(db, self.clock.now())
            return people.balances(db, user_id)

    def expire_tokens(self) -> int:
        """End every access token now, refresh tokens staying good; give how many."""
        with self.database.transaction() as db:
            return people.expire_tokens(db, self.clock.now())

    def _seed_first(self, db: Connection) -> None:
        if not self.settings.empty:
            chosen = self.settings.seed
            document = seed.demo() if chosen is None else seed.read_file(chosen)
            if chosen is not None:
                seed.check_resources(document, self.contract, self._check)
            seed.apply(db, document, self.contract, self.clock.now())
        self._first_state = dump(db)

    def _store_clock(self, db: Connection) -> None:
        db.execute(delete(tables.state).where(tables.state.c.name == "clock"))
        db.execute(insert(tables.state).values(name="clock", document=self.clock.state()))

    def _restore_clock(self, db: Connection) -> None:
        kept = db.scalar(select(tables.state.c.document).where(tables.state.c.name == "clock"))
        if kept is not None:
            self.clock.restore(kept)


def _names(db: Connection) -> list[str]:
    return list(db.scalars(select(tables.snapshots.c.name).order_by(tables.snapshots.c.name)))
