"""The whole table, by class of fault."""

from __future__ import annotations

from test.faults import body, connection, framing, inputs, life_cycle, security, status, surroundings
from test.faults.table import Row

TABLE: dict[str, list[Row]] = {
    "connection": connection.ROWS,
    "framing": framing.ROWS,
    "body": body.ROWS,
    "status and retry": status.ROWS,
    "redirects, TLS, secrets": security.ROWS,
    "input": inputs.ROWS,
    "life cycle": life_cycle.ROWS,
    "surroundings": surroundings.ROWS,
}


def row_named(kind: str, fault: str) -> Row:
    """Find a row."""
    (found,) = (row for row in TABLE[kind] if row.fault == fault)
    return found
