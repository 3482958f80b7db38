"""Secrets: strings that appear in no log, repr, traceback or pickle, and the masking of their echoes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn, overload

import six

from knetik_cloud.exceptions import ApiValueError

MASK = "***"
MIN_MASKED_LENGTH = 6
"""The minimum length of a secret that is masked. Masking a shorter one would garble messages."""
SHORT_START = 8
LONG_START = 16
"""The number of characters at the start of a secret that are masked without the rest: the short start where
the text is cut, the long start anywhere."""
CUT = re.compile(r"""(?:[\\%&][\w#;]{0,9})?['"]?(?:\.\.\.|\Z)""")
"""The end of a text that was cut, perhaps within an escape."""
MAX_CUT_LENGTH = 16
"""More characters than `CUT` matches."""
ESCAPING = frozenset("%\\&+")
HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
"""The escapes of `html.escape`, which an error would import: that takes a file descriptor."""


class Secret:
    """A token or password that stays out of logs, reprs and tracebacks. `reveal()` returns the text.

    `repr`, `str` and `format` return `***`. It can't be pickled, since the pickle would contain the text.

    Raises:
        ApiValueError: If the secret is neither a string nor bytes.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str | bytes) -> None:
        if not issubclass(type(text), (str, bytes)):  # unlike `isinstance`, whatever `__class__` claims
            raise ApiValueError(f"a secret must be a str or bytes, not a {type(text).__name__}")
        # Store a plain string, since the formatted text of an enum member may differ from its value.
        value = str.__str__(six.ensure_str(text, errors="surrogateescape"))
        # Store the text in a closure, where tools that print the attributes of an object don't find it.
        self._reveal: Callable[[], str] = lambda: value

    @overload
    @classmethod
    def wrap(cls, text: None) -> None: ...
    @overload
    @classmethod
    def wrap(cls, text: str | bytes | Secret) -> Secret: ...
    @classmethod
    def wrap(cls, text: str | bytes | Secret | None) -> Secret | None:
        """Return a string as a Secret. A Secret and None are returned unchanged."""
        return text if text is None or isinstance(text, Secret) else cls(text)

    def reveal(self) -> str:
        """Return the text. Don't store it in local variables of frames that may raise."""
        return self._reveal()

    def is_encodable(self) -> bool:
        """Return whether UTF-8 can encode the text, as a form body requires."""
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
        raise TypeError(
            "a Secret can't be pickled: the pickle would contain the text; pass the credentials again"
        )


def is_password(secret: Secret) -> bool:
    """Return whether a secret may be a password: it can be encoded, and isn't a whole line of a file."""
    return secret.is_encodable() and not secret.reveal().endswith(("\n", "\r"))


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` with `secrets` masked. The server may have echoed them in full, in part or escaped.

    A part is the start of a secret: `LONG_START` characters anywhere, or `SHORT_START` where the text is cut.
    The time is proportional to the length of the text.
    """
    for secret in secrets:
        core = _core(secret.reveal())
        if len(core) >= MIN_MASKED_LENGTH:
            text = _masked_in(text, [*core])
            if not ESCAPING.isdisjoint(text):
                starts = [(escape, "".join(map(escape, core[:SHORT_START]))) for escape in _escapes()]
                encodings = {tuple(map(escape, core)) for escape, start in starts if start in text}
                for pieces in encodings - {tuple(core)}:
                    text = _masked_in(text, pieces)
    return text


def _core(text: str) -> str:
    """Return the secret part of a header's value, which excludes its scheme (`Bearer`)."""
    scheme, _, credentials = text.partition(" ")
    return credentials if scheme in ("Bearer", "Basic", "Digest") else text


def _masked_in(text: str, pieces: Sequence[str]) -> str:
    """Return `text` with a secret, and with starts of it, masked. `pieces` match its characters."""
    start, long_start = "".join(pieces[:SHORT_START]), "".join(pieces[:LONG_START])
    found = text.find(start)
    kept: list[str] = []
    copied = 0
    while found >= 0:
        reach = found + len(long_start) + MAX_CUT_LENGTH
        if text.startswith(long_start, found) or reach >= len(text) or text.find("...", found, reach) >= 0:
            known, end = _matching(text, pieces, found)
            if known == len(pieces) or known >= LONG_START or CUT.match(text, end):
                kept += text[copied:found], MASK
                copied = end
        found = text.find(start, max(copied, found + 1))
    return "".join((*kept, text[copied:]))


def _matching(text: str, pieces: Sequence[str], position: int) -> tuple[int, int]:
    """Return how many pieces of a secret a text contains from a position, and where they end."""
    for number, piece in enumerate(pieces):
        if not text.startswith(piece, position):
            return number, position
        position += len(piece)
    return len(pieces), position


def _escapes() -> Iterator[Callable[[str], str]]:
    """Yield the escapes of one character that servers and log formatters use, also twice."""
    from json import dumps
    from urllib.parse import quote, quote_plus

    def escape(char: str) -> str:
        return HTML.get(char, char)

    def percent(char: str) -> str:
        return quote(char, safe="", errors="replace")

    def backslash(char: str) -> str:
        return dumps(char)[1:-1]

    def units(char: str) -> Iterator[str]:
        encoded = char.encode("utf-16-be", "surrogatepass").hex()
        return (encoded[i : i + 4] for i in range(0, len(encoded), 4))

    def lower(char: str) -> str:
        escaped = percent(char)
        return char if escaped == char else escaped.lower()

    yield percent
    yield lower
    yield lambda char: quote(char, errors="replace")
    yield lambda char: quote_plus(char, errors="replace")
    yield lambda char: percent(percent(char))
    yield lambda char: percent(char).replace("%", "\\u0025")
    yield lambda char: "".join(f"%{octet:02x}" for octet in char.encode("utf-8", "replace"))
    yield lambda char: "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "replace"))
    yield backslash
    yield lambda char: f"\\u{ord(char):04x}" if char in "<>&='" else backslash(char)  # safe within HTML
    yield lambda char: dumps(char, ensure_ascii=False)[1:-1]
    yield lambda char: "\\/" if char == "/" else backslash(char)
    yield lambda char: backslash(backslash(char))
    yield lambda char: "\\'" if char == "'" else repr(char)[1:-1]
    yield lambda char: repr(char)[1:-1]
    yield lambda char: "".join(f"\\u{unit}" for unit in units(char))
    yield lambda char: "".join(f"\\u{unit.upper()}" for unit in units(char))
    yield lambda char: f"\\x{ord(char):02x}"
    yield escape
    yield lambda char: escape(char).replace("&", "\\u0026")
    yield lambda char: escape(char).replace("&", "&amp;")
    yield lambda char: f"&#{ord(char)};"
    yield lambda char: f"&#x{ord(char):x};"
    yield lambda char: f"&#x{ord(char):X};"
