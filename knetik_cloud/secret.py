"""A text that no log line, repr, traceback or pickle shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import NoReturn, overload

import six

from knetik_cloud.exceptions import ApiValueError

MASK = "***"
MIN_MASKED_LENGTH = 6
"""Characters that a secret must have to be looked for: a shorter one would blot out half of a message."""
SHORT_START = 8
LONG_START = 16
"""Characters of a secret's beginning that are masked though the rest is missing: where the text is cut,
and anywhere."""
CUT = re.compile(r"""(?:[\\%&][\w#;]{0,9})?['"]?(?:\.\.\.|\Z)""")
"""How a text goes on that was cut, perhaps within an escape."""
LOOKED_FOR = 3
"""Characters of a secret that are found by a pattern, which is dear to make; a loop compares the rest."""
ESCAPING = frozenset("%\\&+")
BACKSLASH = r"\\\\{0,7}+"
"""Escapes may themselves have been escaped; not without end, since looking for that would take forever."""
PERCENTS = ("%(?:25){0,3}", f"{BACKSLASH}u0025(?:25){{0,3}}")
AMPERSANDS = ("&(?:amp;){0,3}", f"{BACKSLASH}u0026(?:amp;){{0,3}}")
SHORT_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}


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
    """Give a text without the secrets, should a server have echoed them, in whatever escapes, or in part.

    A secret's beginning is masked, too: of `LONG_START` characters anywhere, of `SHORT_START` where the
    text is cut.
    """
    for secret in secrets:
        core = _core(secret.reveal())
        if len(core) >= MIN_MASKED_LENGTH:
            text = _without_starts(text.replace(core, MASK), core)
    return text


def _core(text: str) -> str:
    """Give what is secret of a header's value: its scheme (`Bearer`) isn't."""
    scheme, _, credentials = text.partition(" ")
    return credentials if scheme in ("Bearer", "Basic", "Digest") else text


def _without_starts(text: str, core: str) -> str:
    """Mask a secret and its beginnings, each character as it is or escaped."""
    if core[:SHORT_START] not in text and ESCAPING.isdisjoint(text):
        return text
    alternatives = ("|".join((*_escapes(char), re.escape(char))) for char in core[:LOOKED_FOR])
    head = re.compile("".join(f"(?:{either})" for either in alternatives))
    kept: list[str] = []
    done = position = 0
    while found := head.search(text, position):
        known, end = _follow(text, core, found.start())
        if known == len(core) or known >= LONG_START or (known >= SHORT_START and CUT.match(text, end)):
            kept += text[done : found.start()], MASK
            done = position = end
        else:
            position = found.start() + 1
    return "".join((*kept, text[done:]))


def _follow(text: str, core: str, position: int) -> tuple[int, int]:
    """Say how many of a secret's characters the text shows from there on, and where they end."""
    known, ends = 0, {position}
    for char in core:
        further = {end + 1 for end in ends if text.startswith(char, end)}
        for end in ends:
            if text[end : end + 1] in ESCAPING:
                matches = (re.compile(pattern).match(text, end) for pattern in _escapes(char))
                further |= {match.end() for match in matches if match}
        if not further:
            break
        known, ends = known + 1, further
    return known, max(ends)


@lru_cache(maxsize=1024)
def _escapes(char: str) -> tuple[str, ...]:
    """Give the patterns of a character's escapes: in URLs, JSON, Python, HTML, and in several of them."""
    code = ord(char)
    units = re.findall("..", char.encode("utf-16-be", "surrogatepass").hex())
    units = [f"{high}{low}" for high, low in zip(units[::2], units[1::2], strict=True)]
    octets = re.findall("..", char.encode("utf-8", "replace").hex())
    # Each one begins with a literal character: `re` skips quickly to where one of these is.
    patterns = ["".join(percent + _any_case(octet) for octet in octets) for percent in PERCENTS]
    patterns.append("".join(f"{BACKSLASH}u{_any_case(unit)}" for unit in units))
    patterns.append(f"{BACKSLASH}U{_any_case(f'{code:08x}')}")
    for ampersand in AMPERSANDS:
        patterns.append(f"{ampersand}#(?:0{{0,7}}{code}|[xX]0{{0,7}}{_any_case(f'{code:x}')});?")
        patterns += [f"{ampersand}{name};?" for name in _html_names().get(char, ())]
    if code < 256:
        patterns.append(f"{BACKSLASH}x{_any_case(f'{code:02x}')}")
    if char == "\\":
        patterns += [r"\\{2}", r"\\{4}", r"\\{8}"]
    elif not char.isalnum():
        patterns.append(f"{BACKSLASH}{re.escape(SHORT_ESCAPES.get(char, char))}")
    if char == " ":
        patterns.append(r"\+")
    return tuple(patterns)


@cache
def _html_names() -> dict[str, list[str]]:
    """List what HTML calls each character."""
    from html.entities import html5

    names: dict[str, list[str]] = {}
    for name, char in html5.items():
        names.setdefault(char, []).append(name.rstrip(";"))
    return names


def _any_case(digits: str) -> str:
    """Give the pattern of hexadecimal digits in either letter case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)
