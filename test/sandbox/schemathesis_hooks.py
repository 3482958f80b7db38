"""What schemathesis doesn't send: empty values in the query, which stand for absent ones.

The contract types them as numbers and Booleans, but earlier clients of the service send them, so the sandbox
accepts them. schemathesis would count that as invalid data that was accepted.
"""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    return not query or not any(value in ("", [""], {}, []) for value in dict(query).values())
