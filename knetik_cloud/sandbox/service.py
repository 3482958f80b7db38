"""The stand-in behind its HTTP: carries out operations, each in one transaction, and what controls it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from knetik_cloud.sandbox import auth, bodies, delivery, parameters, seed
from knetik_cloud.sandbox.bodies import ABSENT
from knetik_cloud.sandbox.call import Call
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.contract import Contract, Operation
from knetik_cloud.sandbox.failures import Failure, OAuthFailure, conflict
from knetik_cloud.sandbox.faults import Fault, Faults
from knetik_cloud.sandbox.journal import Journal
from knetik_cloud.sandbox.operations import HANDLERS
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.shared_journal import SharedJournal
from knetik_cloud.sandbox.storage import Database, invoices, people, tables
from knetik_cloud.sandbox.storage.database import clear, dump, is_empty, load
from knetik_cloud.sandbox.storage.people import User

USER_IN_PATH = re.compile(r"^/users/\{(\w+)\}")

_SHARED = select(tables.state.c.name, tables.state.c.document).where(
    tables.state.c.name.in_(["clock", "faults"])
)

TRIES = 5
"""How often a transaction is tried that another one stands in the way of."""


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
        self._shared = settings.workers > 1
        self.journal = (
            SharedJournal(settings.journal_size, self.database)
            if self._shared
            else Journal(settings.journal_size)
        )
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
        for tries_left in reversed(range(TRIES)):
            try:
                with self._settled() as (db, now):
                    return self._carry_out(operation, request, db, now)
            except Failure as failure:
                return self.refusal(failure)
            except DBAPIError as error:
                if not tries_left or not self.database.repeatable(error):
                    raise
        raise AssertionError("the last try returns or raises")

    def refusal(self, failure: Failure) -> Answer:
        """Give the answer for a failure."""
        return Answer(failure.status, failure.body(self.request_id()), failure.headers)

    @contextmanager
    def _settled(self) -> Iterator[tuple[Connection, float]]:
        """Open a transaction at an instant by which all that was due has been fulfilled."""
        while True:
            with self.database.transaction() as db:
                now = self.clock.now()
                if not invoices.next_due(db, now):
                    yield db, now
                    return
            # In a transaction of its own: fulfillment holds when the request that met it fails.
            with self.database.transaction() as db:
                delivery.fulfill_due(db, now)

    def _carry_out(self, operation: Operation, request: Request, db: Connection, now: float) -> Answer:
        required = self.settings.require_auth
        caller = auth.ANONYMOUS
        if not operation.issues_tokens:
            caller = auth.identify(db, request.headers.get("authorization"), now, required)
        if required and operation.permissions and not caller.authenticated:
            auth.authorize(operation, caller, None)
        form = {}
        if operation.takes_form:
            form = bodies.read_form(request.body, request.headers.get("content-type"))
        values = self._parameters(operation, {"path": request.path, "query": request.query, "form": form})
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
    def _parameters(operation: Operation, given: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        try:
            return parameters.read(operation, given)
        except Failure as failure:
            if operation.issues_tokens:
                raise OAuthFailure(failure.status, "invalid_request", str(failure)) from None
            raise

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
        self.clear_faults()
        self.journal.clear()
        with self.database.transaction() as db:
            self.clock.reset()
            if self._first_state is None:
                clear(db)
                self._seed_first(db)
            else:
                load(db, self._first_state)
            self._store_clock(db)

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add a seed to the data; raise Failure, changing nothing, when something is wrong with it."""
        seed.check(document, self.contract, self._check)
        now = self.present_clock().now()
        try:
            with self.database.transaction() as db:
                seed.apply(db, document, self.contract, now)
        except IntegrityError as error:
            raise conflict(f"the seed names something twice that is to be unique: {error.orig}") from None

    def export(self) -> dict[str, Any]:
        """Give the data as a seed."""
        with self.database.transaction() as db:
            return seed.export(db)

    def snapshot(self, name: str) -> None:
        """Keep a copy of data and clock under a name, in place of an earlier one; it survives resets."""
        with self.database.transaction() as db:
            self._restore_clock(db)
            document = {**dump(db), "clock": self.clock.state()}
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

    def change_clock(self, change: Callable[[Clock], None]) -> None:
        """Set the clock, and keep its setting in the database for a server that is started on it later."""
        with self.database.transaction() as db:
            self._restore_clock(db)
            change(self.clock)
            self._store_clock(db)

    def present_clock(self) -> Clock:
        """Give the clock, as it is set now."""
        if self._shared:
            self._refresh()
        return self.clock

    def arm(self, fault: Fault) -> None:
        """Arm a fault. Raises ValueError for an operation that doesn't exist."""
        with self._kept_faults():
            self.faults.arm(fault)

    def take_fault(self, operation: str) -> Fault | None:
        """Give the fault that strikes a call of an operation now, counting it; None for none."""
        if self._shared and not self._refresh():
            # Without a lock: processes wait for each other only while there are faults.
            return None
        with self._kept_faults():
            return self.faults.take(operation)

    def armed_faults(self) -> list[Fault]:
        """List the faults armed so far, each with how often it was met."""
        with self._kept_faults():
            return self.faults.all()

    def clear_faults(self) -> None:
        """Disarm and forget all faults."""
        with self._kept_faults():
            self.faults.clear()

    def _refresh(self) -> bool:
        """Set the clock as the other processes have it, and tell whether any of them has armed a fault."""
        with self.database.statements() as db:
            kept = {row.name: row.document for row in db.execute(_SHARED)}
        if "clock" in kept:
            self.clock.restore(kept["clock"])
        return bool(kept.get("faults"))

    @contextmanager
    def _kept_faults(self) -> Iterator[None]:
        """Act on the faults; several processes share them through the database, one acting at a time."""
        if not self._shared:
            yield
            return
        with self.database.transaction() as db:
            kept = select(tables.state.c.document).where(tables.state.c.name == "faults")
            before = db.scalar(kept.with_for_update()) or []
            self.faults.restore(before)
            yield
            if self.faults.state() != before:
                self._store(db, "faults", self.faults.state())

    def wallet(self, user_id: int) -> dict[str, int]:
        """Give a user's wallet balances by currency code, after what is due is fulfilled."""
        self.present_clock()
        with self._settled() as (db, _):
            return people.balances(db, user_id)

    def expire_tokens(self) -> int:
        """End every access token now, refresh tokens staying good; give how many."""
        with self.database.transaction() as db:
            return people.expire_tokens(db, self.present_clock().now())

    def _seed_first(self, db: Connection) -> None:
        if not self.settings.empty:
            chosen = self.settings.seed
            document = seed.demo() if chosen is None else seed.read_file(chosen)
            if chosen is not None:
                seed.check(document, self.contract, self._check)
            seed.apply(db, document, self.contract, self.clock.now())
        self._first_state = dump(db)

    def _store_clock(self, db: Connection) -> None:
        self._store(db, "clock", self.clock.state())

    @staticmethod
    def _store(db: Connection, name: str, document: Any) -> None:
        """Keep a document beside the data."""
        known = db.execute(update(tables.state).where(tables.state.c.name == name).values(document=document))
        if known.rowcount == 0:
            db.execute(insert(tables.state).values(name=name, document=document))

    def _restore_clock(self, db: Connection) -> None:
        kept = db.scalar(select(tables.state.c.document).where(tables.state.c.name == "clock"))
        if kept is not None:
            self.clock.restore(kept)


def _names(db: Connection) -> list[str]:
    return list(db.scalars(select(tables.snapshots.c.name).order_by(tables.snapshots.c.name)))
