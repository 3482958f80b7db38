"""What steers a stand-in: reset, seeds, snapshots, clock, faults. The same for HTTP and for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from knetik_cloud.contract import Contract
from knetik_cloud.core import writes
from knetik_cloud.sandbox import delivery, seed
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.errors import conflict_error
from knetik_cloud.sandbox.faults import Fault, Faults, unknown_operation_error
from knetik_cloud.sandbox.journal import Exchange, Journal
from knetik_cloud.sandbox.schema import BodyCheck
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.shared_journal import SharedJournal
from knetik_cloud.sandbox.storage import Database, invoices, people, tables
from knetik_cloud.sandbox.storage.database import clear, dump, is_empty, load

_SHARED = select(tables.state.c.name, tables.state.c.document).where(
    tables.state.c.name.in_(["clock", "faults"])
)


class Controls:
    """The data as a whole, the clock, the faults and the journal of one stand-in.

    Several server processes on one database share them all: they keep the clock and the faults there, and
    look before each call.
    """

    def __init__(self, settings: Settings, contract: Contract, database: Database, check: BodyCheck) -> None:
        self.clock = Clock()
        self._settings = settings
        self._contract = contract
        self._database = database
        self._check = check
        self._shared = settings.workers > 1
        self._faults = Faults(contract.operations)
        self.journal = (
            SharedJournal(settings.journal_size, database) if self._shared else Journal(settings.journal_size)
        )
        self._first_state: dict[str, Any] | None = None
        with database.transaction() as db:
            self._restore_clock(db)
            # With data there, no seed is read.
            self.found_data = not is_empty(db)
            if not self.found_data:
                self._seed_first(db)
                # There from the start, so that processes can lock it.
                self._store(db, "faults", [])

    @contextmanager
    def fulfilled_transaction(self) -> Iterator[tuple[Connection, float]]:
        """Open a transaction at an instant (epoch seconds) by which all that was due has been fulfilled."""
        while True:
            with self._database.transaction() as db:
                now = self.clock.now()
                if not invoices.next_due(db, now):
                    yield db, now
                    return
            # In a transaction of its own: fulfillment holds when the request that met it fails.
            with self._database.transaction() as db:
                delivery.fulfill_due(db, now)

    def reset(self) -> None:
        """Go back to the first state: the first seed, real time, no faults, an empty journal."""
        self.clear_faults()
        self.journal.clear()
        writes.LOG.forget()
        with self._database.transaction() as db:
            self.clock.reset()
            if self._first_state is None:
                clear(db)
                self._seed_first(db)
            else:
                load(db, self._first_state)
            self._store_clock(db)

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add a seed to the data; raise ServiceError, changing nothing, when something is wrong with it."""
        seed.check(document, self._contract, self._check)
        now = self.current_clock().now()
        try:
            with self._database.transaction() as db:
                seed.apply(db, document, self._contract, now)
        except IntegrityError as error:
            raise conflict_error(
                f"the seed names something twice that is to be unique: {error.orig}"
            ) from None

    def export(self) -> dict[str, Any]:
        """Give the data as a seed."""
        with self._database.transaction() as db:
            return seed.export(db)

    def snapshot(self, name: str) -> None:
        """Keep a copy of data and clock under a name, in place of an earlier one; it survives resets."""
        with self._database.transaction() as db:
            self._restore_clock(db)
            document = {**dump(db), "clock": self.clock.state()}
            db.execute(delete(tables.snapshots).where(tables.snapshots.c.name == name))
            db.execute(insert(tables.snapshots).values(name=name, document=document))

    def restore(self, name: str) -> None:
        """Go back to a snapshot. Raises KeyError for a name that none has."""
        with self._database.transaction() as db:
            wanted = select(tables.snapshots.c.document).where(tables.snapshots.c.name == name)
            document = db.scalar(wanted)
            if document is None:
                raise KeyError(f"there is no snapshot {name!r}; there are: {', '.join(_names(db)) or 'none'}")
            load(db, document)
            writes.LOG.forget()
            self.clock.restore(document["clock"])
            self._store_clock(db)

    def snapshots(self) -> list[str]:
        """List the names of the snapshots."""
        with self._database.transaction() as db:
            return _names(db)

    def change_clock(self, change: Callable[[Clock], None]) -> None:
        """Set the clock, and keep its setting in the database for a server that is started on it later."""
        with self._database.transaction() as db:
            self._restore_clock(db)
            change(self.clock)
            writes.LOG.forget()  # a client in this process can't place them in time anymore
            self._store_clock(db)

    def current_clock(self) -> Clock:
        """Give the clock, as it is set now."""
        if self._shared:
            self._refresh()
        return self.clock

    def arm(self, fault: Fault) -> None:
        """Arm a fault. Raises ValueError for an operation that doesn't exist."""
        with self._locked_faults():
            self._faults.arm(fault)

    def take_fault(self, operation: str) -> Fault | None:
        """Give the fault that strikes a call of an operation now, counting it; None for none."""
        if self._shared and not self._refresh():
            # Without a lock: processes wait for each other only while there are faults.
            return None
        with self._locked_faults():
            return self._faults.take(operation)

    def armed_faults(self) -> list[Fault]:
        """List the faults armed so far, each with how often it was met."""
        with self._locked_faults():
            return self._faults.all()

    def clear_faults(self) -> None:
        """Disarm and forget all faults."""
        with self._locked_faults():
            self._faults.clear()

    def exchanges(self, operation: str | None = None) -> list[Exchange]:
        """List the journal's exchanges, oldest first; of one operation, if one is named.

        Raises ValueError for an operation that doesn't exist, lest a misspelt one look like one not called.
        """
        if operation is not None and operation not in self._contract.operations:
            raise unknown_operation_error(operation, self._contract.operations, "no name for all")
        return self.journal.exchanges(operation)

    def wallet(self, user_id: int) -> dict[str, int]:
        """Give a user's wallet balances by currency code, after what is due is fulfilled."""
        self.current_clock()
        with self.fulfilled_transaction() as (db, _):
            return people.balances(db, user_id)

    def expire_tokens(self) -> int:
        """End every access token now, refresh tokens staying good; give how many."""
        now = self.current_clock().now()
        with self._database.transaction() as db:
            return people.expire_tokens(db, now)

    def _refresh(self) -> bool:
        """Set the clock as the other processes have it, and tell whether any of them has armed a fault."""
        with self._database.statements() as db:
            kept = {row.name: row.document for row in db.execute(_SHARED)}
        if "clock" in kept:
            self.clock.restore(kept["clock"])
        return bool(kept.get("faults"))

    @contextmanager
    def _locked_faults(self) -> Iterator[None]:
        """Act on the faults; several processes share them through the database, one acting at a time."""
        if not self._shared:
            yield
            return
        with self._database.transaction() as db:
            kept = select(tables.state.c.document).where(tables.state.c.name == "faults")
            before = db.scalar(kept.with_for_update()) or []
            self._faults.restore(before)
            yield
            if self._faults.state() != before:
                self._store(db, "faults", self._faults.state())

    def _seed_first(self, db: Connection) -> None:
        if not self._settings.empty:
            chosen = self._settings.seed
            document = seed.demo() if chosen is None else seed.read_file(chosen)
            if chosen is not None:
                seed.check(document, self._contract, self._check)
            seed.apply(db, document, self._contract, self.clock.now())
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
