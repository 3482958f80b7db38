"""A text that no log line, repr, traceback or pickle shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn, overload

import six

from knetik_cloud.exceptions import ApiValueError

MASK = "***"
SHORTEST_MASKED = 6
"""Characters that a secret must have to be looked for: a shorter one would blot out half of a message."""


class Secret:
    """Hold a token or a password; only `reveal()` gives it out.

    `repr`, `str` and `format` show `***`; pickling is refused, since a pickle would carry the text.

    Raises:
        ApiValueError: it is neither text nor bytes.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str | bytes) -> None:
        if not isinstance(text, (str, bytes)):
            raise ApiValueError(f"a secret must be a text, not a {type(text).__name__}")
        # A plain text, also of an enum's member, whose formatted text may be another one.
        value = str.__str__(six.ensure_str(text, errors="surrogateescape"))
        # A closure, not an attribute: tools that print an object's attributes find no text to print.
        self._reveal: Callable[[], str] = lambda: value

    @overload
    @classmethod
    def wrap(cls, text: None) -> None: ...
    @overload
    @classmethod
    def wrap(cls, text: str | bytes | Secret) -> Secret: ...
    @classmethod
    def wrap(cls, text: str | bytes | Secret | None) -> Secret | None:
        """Make a Secret of a text; a Secret and None are returned as they are."""
        return text if text is None or isinstance(text, Secret) else cls(text)

    def reveal(self) -> str:
        """Give out the text. Keep it out of local variables of frames that may raise."""
        return self._reveal()

    def is_encodable(self) -> bool:
        """Tell whether UTF-8 can encode the text, as a form body needs it."""
        try:
            self.reveal().encode()
        except UnicodeError:
            return False
        return True

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret can't be pickled: the pickle would carry the text; pass credentials anew")


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """Give a text without the secrets, should a server have echoed them, percent-encoded or JSON-escaped."""
    for secret in secrets:
        for written in _spellings(secret.reveal()):
            text = text.replace(written, MASK)
    return text


def _spellings(text: str) -> list[str]:
    """Give the ways in which a secret may be written; a header's scheme (`Bearer`) is no part of it."""
    import json
    from urllib.parse import quote, quote_plus

    scheme, _, credentials = text.partition(" ")
    core = credentials if scheme in ("Bearer", "Basic", "Digest") else text
    if len(core) < SHORTEST_MASKED:
        return []
    escaped = json.dumps(core)[1:-1]
    quoted = {quote(core, safe, errors="replace") for safe in ("", "/")} | {
        quote_plus(core, errors="replace")
    }
    spellings = quoted | {core, escaped, escaped.replace("/", "\\/"), repr(core)[1:-1]}
    return sorted(spellings, key=len, reverse=True)
