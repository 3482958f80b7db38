"""The journal of several server processes, which they share through the database."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Delete, Text, cast, delete, func, insert, or_, select

from knetik_cloud.sandbox.journal import MAX_JOURNAL_BYTES, Exchange, Journal, Recorded
from knetik_cloud.sandbox.storage import Database
from knetik_cloud.sandbox.storage.tables import journal

CHUNK = 100
"""Exchanges that `newest` reads at a time."""

TRIM_EVERY = 100
"""The number of exchanges between two reductions of the journal to its size."""


class SharedJournal(Journal):
    """The last exchanges of all processes, in a table that is written without waiting for the disk."""

    def __init__(self, size: int, database: Database) -> None:
        super().__init__(size)
        # All processes share one numbering, which also survives `clear`.
        self.run = "shared"
        self._size = size
        self._database = database

    def exchanges(self, operation: str | None = None) -> list[Exchange]:
        """List the stored exchanges, oldest first, optionally of one operation."""
        with self._database.transaction() as db:
            rows = db.execute(select(journal).order_by(journal.c.number.desc()).limit(self._size)).all()
        kept = [Exchange(**{**row.document, "number": row.number}) for row in reversed(rows)]
        return [exchange for exchange in kept if operation in (None, exchange.operation)]

    def last_number(self) -> int:
        """Return the number of the newest exchange, or 0 without any."""
        with self._database.statements() as db:
            return db.scalar(select(func.max(journal.c.number))) or 0

    def newest(
        self,
        limit: int,
        *,
        before: int | None = None,
        after: int = 0,
        matches: Callable[[Exchange], bool] | None = None,
        whole: bool = True,
    ) -> list[Exchange]:
        """List up to `limit` exchanges, newest first, as `Journal.newest` does."""
        found: list[Exchange] = []
        query = select(journal).where(journal.c.number > after).order_by(journal.c.number.desc())
        while len(found) < limit:
            chunk = query if before is None else query.where(journal.c.number < before)
            with self._database.statements() as db:
                rows = db.execute(chunk.limit(CHUNK)).all()
            for row in rows:
                exchange = Exchange(**{**row.document, "number": row.number})
                if matches is None or matches(exchange):
                    found.append(exchange)
            if len(rows) < CHUNK:
                break
            before = rows[-1].number
        return found[:limit]

    def clear(self) -> None:
        """Discard all exchanges. Numbers continue."""
        with self._database.transaction() as db:
            db.execute(delete(journal))

    def record(self, recorded: Recorded) -> None:
        document = recorded.exchange().to_dict()
        with self._database.statements() as db:
            # The last exchanges may be lost with the power. In return, nothing waits for the disk.
            relaxed = func.set_config("synchronous_commit", "off", True)
            added = insert(journal).values(document=document).returning(journal.c.number, relaxed)
            number = db.execute(added).one().number
            if number % TRIM_EVERY == 0:
                db.execute(_trimmed(self._size))


def _trimmed(size: int) -> Delete:
    """Return the statement that keeps `size` of the newest exchanges, within MAX_JOURNAL_BYTES."""
    newest_first = journal.c.number.desc()
    length = func.octet_length(cast(journal.c.document, Text))
    ranked = select(
        journal.c.number,
        func.row_number().over(order_by=newest_first).label("rank"),
        func.sum(length).over(order_by=newest_first).label("total"),
    ).subquery()
    surplus = select(ranked.c.number).where(or_(ranked.c.rank > size, ranked.c.total > MAX_JOURNAL_BYTES))
    return delete(journal).where(journal.c.number.in_(surplus))
