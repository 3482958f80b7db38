"""The journal: the list with its live stream, and the page of one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from knetik_cloud.sandbox.console import filters, touched
from knetik_cloud.sandbox.console.filters import Filters
from knetik_cloud.sandbox.console.page import (
    MAX_ID,
    Context,
    Outcome,
    Page,
    Redirect,
    Visit,
    link,
    question,
    read_number,
)
from knetik_cloud.sandbox.errors import not_found_error
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.storage import UnusableDatabase

PAGE_SIZE: Final = 50
POLL_SECONDS: Final = 0.1
"""How often a stream looks for new exchanges."""

SHARED_POLL_SECONDS: Final = 0.2
"""The same for a journal in a database that several processes share."""

BURST_PAUSE_SECONDS: Final = 0.25
"""The same after as many exchanges as a page has rows: an open console takes little from a busy sandbox."""

OUTAGE_PAUSE_SECONDS: Final = 1.0
"""The same while the database can't be used."""

HEARTBEAT_SECONDS: Final = 15.0
"""How often a silent stream sends a comment, so that a closed connection is noticed."""


def journal(context: Context, visit: Visit) -> Outcome:
    """Show the newest exchanges that pass the filters."""
    service = context.service
    narrowed = Filters.read(service, visit.query)
    book = service.controls.journal
    before = visit.number("before", default=0) or None
    # Read before the rows, so that the stream repeats a row rather than miss one.
    position = f"{book.run}-{book.last_number()}"
    rows = book.newest(
        PAGE_SIZE + 1,
        before=before,
        matches=narrowed.matches if narrowed else None,
        whole=narrowed.reads_bodies,
    )
    given = filters.chosen(visit.query)
    oldest = rows[:PAGE_SIZE][-1].number if rows else None
    return Page(
        "journal.html",
        {
            "rows": rows[:PAGE_SIZE],
            "given": {name: visit.query.get(name, "") for name in filters.FIELDS},
            "is_filtered": bool(given),
            "operations": sorted(service.contract.operations),
            "statuses": filters.STATUSES,
            "unknown": filters.UNKNOWN,
            "older": link("/journal", {**given, "before": oldest}),
            "has_older": len(rows) > PAGE_SIZE,
            "newest": link("/journal", given) if before else None,
            "stream": None if before else link("/journal/stream", {**given, "after": position}),
            "size": service.settings.journal_size,
            "run": book.run,
        },
    )


def request(context: Context, visit: Visit) -> Outcome:
    """Show one exchange whole, with links to everything that it touched."""
    exchange = find_exchange(context, visit, visit.path["number"])
    book = context.service.controls.journal
    newer = book.newest(1, before=exchange.number + 2, after=exchange.number)
    older = book.newest(1, before=exchange.number)
    operation = context.service.contract.operations.get(exchange.operation or "")
    return Page(
        "request.html",
        {
            "exchange": exchange,
            "operation": operation,
            "touched": touched.links(context.service, exchange),
            "newer": newer[0].number if newer else None,
            "older": older[0].number if older else None,
            "up": row_place(context, exchange.number),
            "run": book.run,
            **denial(context, exchange),
        },
    )


def denial(context: Context, exchange: Exchange) -> dict[str, Any]:
    """Return the part of a request's page that explains a denial."""
    from knetik_cloud.sandbox.console import why

    return {"checks": why.of_exchange(context.service, exchange), "permission": why.permissions(exchange)}


def row_place(context: Context, number: int) -> str:
    """Build the address of a request's row, on the first page of the journal or on top of an older one."""
    is_new = context.service.controls.journal.last_number() - number < PAGE_SIZE
    return link("/journal", {} if is_new else {"before": number + 1}, f"row-{number}")


def check_run(context: Context, visit: Visit) -> None:
    """Check that the numbers in an address are of the present run of the journal, if it names one.

    Raises:
        ServiceError: If the journal was emptied since (404): other requests may have these numbers now.
    """
    run = context.service.controls.journal.run
    if visit.query.get("run", run) != run:
        raise not_found_error(
            "The journal was emptied after that page was loaded: go to the journal, and choose again"
        )


def find_exchange(context: Context, visit: Visit, number: int) -> Exchange:
    """Find an exchange by number.

    Raises:
        ServiceError: If the journal does not hold it, or was emptied since the page was loaded (404).
    """
    check_run(context, visit)
    exchange = context.service.controls.journal.exchange(number)
    if exchange is None:
        raise not_found_error(
            f"The journal holds no request {number}: it keeps the last "
            f"{context.service.settings.journal_size}, and a reset empties it"
        )
    return exchange


def clear(context: Context, visit: Visit) -> Outcome:
    """Empty the journal, after asking: it is no part of the copies that Undo brings back."""
    book = context.service.controls.journal
    kept = len(book.newest(MAX_ID, whole=False))
    message = f"The journal holds {kept:,} requests. Undo does not bring them back."
    if asked := question(visit, "Clear the journal", message, "Clear it", back="/journal"):
        return asked
    book.clear()
    return Redirect(link("/journal"))


async def stream(context: Context, visit: Visit) -> Outcome:
    """Send the rows of new exchanges as they come, as server-sent events.

    The id of an event is the position in the journal, which browsers send back when they reconnect.
    """
    position = visit.request.headers.get("last-event-id") or visit.query.get("after", "")
    if context.service.database.single_threaded:
        narrowed = Filters.read(context.service, visit.query)
    else:
        narrowed = await run_in_threadpool(Filters.read, context.service, visit.query)
    response: Response = StreamingResponse(
        _events(context, narrowed, position),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
    return response


async def _events(context: Context, narrowed: Filters, position: str) -> AsyncIterator[str]:
    service, book = context.service, context.service.controls.journal
    run, _, number = position.rpartition("-")
    last = read_number(number) or 0
    yield "retry: 500\n\n"
    if run != book.run:
        # The sandbox or its journal started over: what the page shows is gone.
        yield f"event: restart\nid: {book.run}-0\ndata: -\n\n"
        run, last = book.run, 0
    shared = not service.database.single_threaded
    silent = 0.0
    while not service.is_stopping:
        pause = SHARED_POLL_SECONDS if shared else POLL_SECONDS
        try:
            newest = await run_in_threadpool(book.last_number) if shared else book.last_number()
        except UnusableDatabase:
            await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
            continue
        if book.run != run:
            yield f"event: restart\nid: {book.run}-0\ndata: -\n\n"
            run, last = book.run, 0
            continue
        if newest > last:
            rendered = (
                await run_in_threadpool(_rows, context, narrowed, last, newest)
                if shared
                else _rows(context, narrowed, last, newest)
            )
            if newest - last >= PAGE_SIZE:
                pause = BURST_PAUSE_SECONDS
            last = newest
            if rendered:
                yield f"event: rows\nid: {run}-{last}\n{rendered}\n\n"
                silent = 0.0
        if silent >= HEARTBEAT_SECONDS:
            yield ": still here\n\n"
            silent = 0.0
        await asyncio.sleep(pause)
        silent += pause


def _rows(context: Context, narrowed: Filters, after: int, newest: int) -> str:
    """Render the new rows, newest first, as the data lines of an event. Under load, only the last page."""
    rows = context.service.controls.journal.newest(
        PAGE_SIZE,
        after=after,
        before=newest + 1,
        matches=narrowed.matches if narrowed else None,
        whole=narrowed.reads_bodies,
    )
    if not rows:
        return ""
    html = context.renderer.fragment("journal_rows.html", {"rows": rows})
    return "\n".join(f"data: {line}" for line in html.splitlines() if line.strip())
