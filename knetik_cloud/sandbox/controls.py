"""Control of a sandbox: reset, seeds, snapshots, the clock and faults, for both HTTP and Python."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox import delivery, seed
from knetik_cloud.sandbox.arguments import check_integer, check_text
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.faults import Fault, Faults, unknown_operation_error
from knetik_cloud.sandbox.generation import generate
from knetik_cloud.sandbox.journal import Exchange, Journal
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings, amounts
from knetik_cloud.sandbox.shared_journal import SharedJournal
from knetik_cloud.sandbox.storage import Database, invoices, people, tables
from knetik_cloud.sandbox.storage.database import clear, dump, is_empty, load, lock_data, upsert
from knetik_cloud.sandbox.storage.first_state import FirstState

MAX_NAME_LENGTH = 200
"""The maximum length of a snapshot's name, in characters."""

MAX_USER_ID = 2**31 - 1

P = ParamSpec("P")
T = TypeVar("T")

_SHARED = select(tables.state.c.name, tables.state.c.document).where(
    tables.state.c.name.in_(["clock", "faults"])
)


def _retried(method: Callable[Concatenate[Controls, P], T]) -> Callable[Concatenate[Controls, P], T]:
    """Make a method run again if another transaction conflicts with its own."""

    @functools.wraps(method)
    def retried(self: Controls, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._database.retrying(lambda: method(self, *args, **kwargs))

    return retried


class Controls:
    """The data as a whole, the clock, the faults and the journal of one sandbox.

    Server processes that share a database share all of these. They keep the clock and the faults in the
    database, and read them before each call. `clock` is replaced with each change, never changed itself.
    """

    def __init__(
        self,
        settings: Settings,
        contract: Contract,
        database: Database,
        check: BodyCheck,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.clock = Clock()
        self._settings = settings
        self._contract = contract
        self._database = database
        self._check = check
        self._shared = settings.workers > 1
        self._clock_lock = threading.Lock()
        self._faults = Faults(contract.operations)
        self.journal = (
            SharedJournal(settings.journal_size, database) if self._shared else Journal(settings.journal_size)
        )
        self._progress = progress
        self._first_state = FirstState()
        with database.transaction() as db:
            # Of several processes that start on an empty database, one seeds it.
            lock_data(db)
            # These rows exist from the start, so that processes can lock them.
            known = {row.name: row.document for row in db.execute(_SHARED)}
            if "faults" not in known:
                _store(db, "faults", [])
            if "clock" not in known:
                _store(db, "clock", self.clock.state())
            self.clock = Clock(known.get("clock"))
            # A database that holds data keeps it: the seed is not read.
            self.found_data = not is_empty(db)
            if not self.found_data:
                self._seed_first(db, self.clock)

    @contextmanager
    def fulfilled_transaction(self, reads_only: bool = False) -> Iterator[tuple[Connection, float]]:
        """Open a transaction at an instant (epoch seconds) at which every due invoice is fulfilled.

        Args:
            reads_only: The transaction itself writes nothing.
        """
        while True:
            clock = self.clock
            with self._database.transaction(reads_only) as db:
                now = clock.now()
                is_due = invoices.lock_and_find_due(db, now)
                # A reset may have set the clock while this transaction waited for it.
                is_current = clock is self.clock
                if is_current and not is_due:
                    yield db, now
                    return
            if is_current:
                # In a transaction of its own, so that fulfillment holds even if the request fails.
                with self._database.transaction() as db:
                    invoices.lock_and_find_due(db, now)
                    delivery.fulfill_due(db, now)

    @_retried
    def fulfill(self) -> float:
        """Fulfill every due invoice, and return the current instant in epoch seconds."""
        self.current_clock()
        with self.fulfilled_transaction(reads_only=True) as (_, now):
            return now

    @_retried
    def reset(self) -> None:
        """Return to the first state: the first seed, real time, no faults, an empty journal."""
        with self._clock_change(of_all_data=True) as (db, clock):
            clock.restore({})
            if not self._first_state.bring_back(db):
                clear(db)
                self._seed_first(db, clock)
        self.clear_faults()
        self.journal.clear()
        _forget_writes()

    @_retried
    def seed(self, source: str | Path | Mapping[str, Any]) -> None:
        """Add a seed, or a file with one, to the data.

        Raises:
            OSError: If the file can't be read.
            ServiceError: If anything is wrong with the seed. Nothing has changed.
        """
        now = self.current_clock().now()
        with self._database.transaction() as db:
            lock_data(db)
            seed.apply_source(db, source, self._contract, self._check, now)

    @_retried
    def generate(self, *, users: int, entries: int) -> None:
        """Add generated users and inventory entries, as `generation.generate` describes them.

        Raises:
            TypeError: If a number is not an integer.
            ValueError: If a number is out of range, or if the entries have no user to belong to.
        """
        amount = amounts(users, entries)
        now = self.current_clock().now()
        with self._database.transaction() as db:
            lock_data(db)
            generate(db, amount, now)

    @_retried
    def export(self) -> dict[str, Any]:
        """Return the data as a seed, after fulfilling due invoices."""
        self.fulfill()
        with self._database.transaction(reads_only=True) as db:
            lock_data(db)
            return seed.export(db)

    @_retried
    def snapshot(self, name: str) -> None:
        """Store a copy of data and clock under a name, replacing an earlier one. It survives resets.

        Raises:
            TypeError: If the name is not a string.
            ValueError: If the name is empty, too long, `.` or `..`, ends in `/restore`, or contains
                unprintable characters.
        """
        check_text("name", name, "the name of a snapshot")
        if name in (".", "..") or name.endswith("/restore"):
            raise ValueError(
                f"name must not be {name!r}, which can't be in the URL of a snapshot: choose another"
            )
        if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
            raise ValueError(
                f"name must have 1 to {MAX_NAME_LENGTH} printable characters, not {name[:MAX_NAME_LENGTH]!r}"
            )
        with self._database.transaction() as db:
            lock_data(db)
            document = {**dump(db), "clock": _stored_clock(db).state()}
            upsert(db, tables.snapshots, {"name": name, "document": document})

    @_retried
    def restore(self, name: str) -> None:
        """Return to a snapshot.

        Raises:
            KeyError: If there is no snapshot of that name.
            TypeError: If the name is not a string.
        """
        check_text("name", name, "the name of a snapshot")
        with self._clock_change(of_all_data=True) as (db, clock):
            # A name that can't be one isn't looked up: PostgreSQL rejects U+0000.
            wanted = select(tables.snapshots.c.document).where(tables.snapshots.c.name == name)
            document = db.scalar(wanted) if name.isprintable() else None
            if document is None:
                raise KeyError(f"there is no snapshot {name!r}; there are: {', '.join(_names(db)) or 'none'}")
            load(db, document)
            _forget_writes()
            clock.restore(document["clock"])

    @_retried
    def capture(self) -> dict[str, Any]:
        """Return a copy of the data, the clock and the faults, for `bring_back`."""
        faults = [fault.to_dict() for fault in self.armed_faults()]
        with self._database.transaction(reads_only=True) as db:
            lock_data(db)
            return {**dump(db), "clock": _stored_clock(db).state(), "faults": faults}

    @_retried
    def bring_back(self, document: Mapping[str, Any]) -> None:
        """Replace the data, the clock and the faults with those of a copy that `capture` returned."""
        with self._clock_change(of_all_data=True) as (db, clock):
            load(db, dict(document))
            _forget_writes()
            clock.restore(document["clock"])
        with self._locked_faults():
            self._faults.restore(list(document["faults"]))

    def first_state(self, max_rows: int) -> dict[str, Any] | None:
        """Return the data that the sandbox started with as `dump` returns it.

        None means that it found its data, or that there were more than `max_rows` rows.
        """
        with self._database.transaction(reads_only=True) as db:
            return self._first_state.document(db, max_rows)

    @_retried
    def snapshots(self) -> list[str]:
        """List the names of the snapshots."""
        with self._database.transaction(reads_only=True) as db:
            return _names(db)

    @_retried
    def change_clock(self, change: Callable[[Clock], None]) -> Clock:
        """Change the clock and return it. The database keeps it for a server that is started on it later.

        Raises:
            ValueError: If `change` sets an instant that the clock can't show. Nothing has changed.
        """
        with self._clock_change() as (_, clock):
            change(clock)
            _forget_writes()  # a client in this process can't place them in time anymore
        return clock

    def current_clock(self) -> Clock:
        """Return the clock in its current state."""
        if self._shared:
            self._refresh()
        return self.clock

    @_retried
    def arm(self, fault: Fault) -> None:
        """Arm a fault.

        Raises:
            ValueError: If there is no such operation, or if too many faults are armed.
        """
        with self._locked_faults():
            self._faults.arm(fault)

    @_retried
    def take_fault(self, operation: str) -> Fault | None:
        """Return the fault to apply to this call and count it, or None if no fault matches."""
        if self._shared and not self._refresh():
            # Without a lock, so that processes wait for each other only while faults are armed.
            return None
        with self._locked_faults():
            return self._faults.take(operation)

    @_retried
    def armed_faults(self) -> list[Fault]:
        """List the armed faults, each with how often it has been applied."""
        with self._locked_faults():
            return self._faults.all()

    @_retried
    def clear_faults(self) -> None:
        """Disarm and discard all faults."""
        with self._locked_faults():
            self._faults.clear()

    def exchanges(self, operation: str | None = None) -> list[Exchange]:
        """List the journal's exchanges, oldest first, optionally of one operation.

        Raises:
            TypeError: If `operation` is not a string.
            ValueError: If there is no such operation. A misspelled one would look like one never called.
        """
        if operation is not None:
            check_text("operation", operation, "the name of an operation, or None for all")
            if operation not in self._contract.operations:
                raise unknown_operation_error(operation, self._contract.operations, "no name for all")
        return self.journal.exchanges(operation)

    @_retried
    def wallet(self, user_id: int) -> dict[str, int]:
        """Return a user's wallet balances by currency code, after fulfilling due invoices.

        Raises:
            TypeError: If `user_id` is not an integer.
            ValueError: If `user_id` can't be the id of a user.
        """
        check_integer("user_id", user_id, f"the id of a user, from 0 to {MAX_USER_ID}", 0, MAX_USER_ID)
        self.current_clock()
        with self.fulfilled_transaction(reads_only=True) as (db, _):
            return people.balances(db, user_id)

    @_retried
    def expire_tokens(self) -> int:
        """End every access token now and return how many. Refresh tokens stay valid."""
        now = self.current_clock().now()
        with self._database.transaction() as db:
            return people.expire_tokens(db, now)

    def _refresh(self) -> bool:
        """Read the state shared with other processes. Return whether any fault is armed."""
        with self._database.statements() as db:
            kept = {row.name: row.document for row in db.execute(_SHARED)}
        if "clock" in kept:
            self._adopt(Clock(kept["clock"]))
        return bool(kept.get("faults"))

    @contextmanager
    def _locked_faults(self) -> Iterator[None]:
        """Act on the faults. Processes share them through the database, and act one at a time."""
        if not self._shared:
            yield
            return
        with self._database.transaction() as db:
            kept = select(tables.state.c.document).where(tables.state.c.name == "faults")
            before = db.scalar(kept.with_for_update()) or []
            self._faults.restore(before)
            yield
            if self._faults.state() != before:
                _store(db, "faults", self._faults.state())

    def _seed_first(self, db: Connection, clock: Clock) -> None:
        now, chosen = clock.now(), self._settings.seed
        if chosen is not None:
            seed.apply_source(db, chosen, self._contract, self._check, now, self._progress)
        elif not self._settings.empty:
            seed.apply(db, seed.demo(), self._contract, now)
        if self._settings.generate is not None:
            generate(db, amounts(**self._settings.generate), now)
        self._first_state.keep(db)

    @contextmanager
    def _clock_change(self, of_all_data: bool = False) -> Iterator[tuple[Connection, Clock]]:
        """Change a copy of the clock in a transaction that other changes wait for, and then use it."""
        before, clock = self.clock, None
        try:
            with self._database.transaction() as db:
                if of_all_data:
                    lock_data(db)
                clock = _stored_clock(db)
                yield db, clock
                clock.version += 1
                clock.era += of_all_data
                _store(db, "clock", clock.state())
                # Before the end, so that operations that wait for this transaction see it.
                self._adopt(clock)
        except BaseException:
            with self._clock_lock:
                if self.clock is clock:
                    self.clock = before
            raise

    def _adopt(self, clock: Clock) -> None:
        """Use a clock, unless a later one is in use."""
        with self._clock_lock:
            if clock.version > self.clock.version:
                self.clock = clock


def _forget_writes() -> None:
    """Make clients in this process forget when they wrote. Without the module, none has written."""
    if (writes := sys.modules.get("knetik_cloud.writes")) is not None:
        writes.LOG.forget()


def _stored_clock(db: Connection) -> Clock:
    """Read the clock, and hold off other changes of it until this transaction ends."""
    kept = select(tables.state.c.document).where(tables.state.c.name == "clock")
    return Clock(db.scalar(kept.with_for_update()))


def _store(db: Connection, name: str, document: Any) -> None:
    """Store a document of the sandbox's own, separate from the data."""
    upsert(db, tables.state, {"name": name, "document": document})


def _names(db: Connection) -> list[str]:
    return list(db.scalars(select(tables.snapshots.c.name).order_by(tables.snapshots.c.name)))
