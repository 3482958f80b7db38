"""Reading of request bodies: strict JSON, or a form."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from knetik_cloud.contract import FORM, JSON
from knetik_cloud.documents import finite, reject_constant
from knetik_cloud.sandbox.errors import malformed_error

MAX_BODY_BYTES: Final = 4 * 2**20
"""The maximum size of a body, in bytes."""

MAX_DEPTH: Final = 100
"""The maximum nesting of a body, in levels."""


BARE_WORD: Final = re.compile(rb"[A-Za-z_]{1,64}")
"""A string without its quotes."""


class _Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""The value that stands for a missing body. `null` is a body."""


def read_json(raw: bytes, content_type: str | None) -> Any:
    """Read a JSON body, or return ABSENT if there is none.

    Raises:
        ServiceError: If the body isn't JSON, or its media type isn't.
    """
    if not raw:
        return ABSENT
    if _media_type(content_type) != JSON:
        raise malformed_error(f"Content-Type must be {JSON} for this body, not {content_type or 'absent'}")
    try:
        value = json.loads(raw, parse_constant=reject_constant, parse_float=finite)
        _check_text(value)
    except RecursionError:
        raise malformed_error(f"the body is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:
        raise malformed_error(f"the body is not valid JSON: {error}") from None
    return value


def read_scalar(raw: bytes, content_type: str | None, type_name: str) -> Any:
    """Read a JSON body whose schema is a string or a number, or return ABSENT if there is none.

    The service's clients also wrap the value (`{"value": "active"}`), and send a string without its quotes.

    Raises:
        ServiceError: If the body can't be read in any of these forms.
    """
    if type_name == "string" and BARE_WORD.fullmatch(raw) and raw not in (b"null", b"true", b"false"):
        return raw.decode("ascii")
    value = read_json(raw, content_type)
    if isinstance(value, dict) and value.keys() == {"value"}:
        return value["value"]
    return value


def read_form(raw: bytes, content_type: str | None) -> dict[str, str]:
    """Parse a form. The first value of a name counts.

    Raises:
        ServiceError: If the body is not a form.
    """
    if not raw:
        return {}
    if _media_type(content_type) != FORM:
        raise malformed_error(f"Content-Type must be {FORM} for this body, not {content_type or 'absent'}")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise malformed_error(f"the body is not a valid form: {error}") from None
    return dict(reversed(pairs))


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _check_text(value: Any, depth: int = 0) -> None:
    """Reject text that no database stores (half a surrogate pair, U+0000), and values nested too deeply."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a string contains the character U+0000")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("a string contains half of a surrogate pair")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, depth)
            _check_text(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner, depth + 1)
