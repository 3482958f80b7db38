"""Requests that schemathesis doesn't send: those with empty numbers and Booleans in the query.

Earlier clients of the service send every parameter, and leave the unused ones empty, so the sandbox accepts
that. The contract doesn't mention it, since new clients should leave such parameters out. Without this hook,
schemathesis would count it as invalid data that was accepted.
"""

from __future__ import annotations

from typing import Any

import schemathesis

EMPTY: tuple[Any, ...] = ("", [""], {}, [])
"""Values that are serialized as `name=`."""


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Return whether the query has no empty value where the contract has a number or a Boolean."""
    texts = {
        each.name for each in context.operation.query if each.definition["schema"].get("type") == "string"
    }
    return not any(value in EMPTY for name, value in dict(query or {}).items() if name not in texts)
