"""Masking of secrets in what the journal shows: headers, queries, and bodies of any kind.

Names match in any spelling: `client_secret`, `clientSecret`, `Client-Secret`, or with escapes. All
functions take linear time, and accept text that was cut.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from urllib.parse import unquote_plus

MASK = "***"
SECRET_NAMES = frozenset({"access_token", "client_secret", "password", "refresh_token", "token"})
"""The names of the sandbox's own secrets."""

SECRET_ENDINGS = ("password", "passwd", "secret", "token", "apikey", "authorization", "cookie")
"""The ends of names whose values are masked, in lower case and without punctuation."""

SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate", "token"})
"""The schemes of an Authorization header, which are shown."""

MAX_NAME = 200
"""The maximum length of a name that is looked at, in characters."""

_PUNCTUATION = re.compile(r"[\W_]+")
_SECRET = "|".join(map(r"[\W_]*".join, SECRET_ENDINGS))
_SECRET_NAME = re.compile(rf"""(?:{_SECRET})(?:[\W_]*?[:=>"';\r\n]|\s[^<>\r\n=]{{0,200}}=)""")
"""A part of every text that names a secret without escapes, in lower case."""

_KEY = re.compile(rf'"((?:[^"\\]|\\.){{1,{MAX_NAME}}})"\s*:\s*', re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BARE = re.compile(r"[^\s,}\]]+")
_BRACKET = re.compile(r'["\[\]{}]')
_WORD = re.compile(rf"[\w.-]{{1,{MAX_NAME}}}")
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_ASSIGNED = re.compile(r"""[\\"'\]]{0,99}\s{0,9}(?:[:=>]|\s[^<>\r\n=]{0,200}=[^<>\r\n]{0,200}+>|\r?\n)\s*""")
"""The text between a name and its value: a sign, attributes of an XML element, or the end of a line."""

_NO_SECRET = re.compile(r"""[\\"']{0,99}\*\*\*|null\b|""|''|\Z""")
"""The start of a value that is empty or masked."""


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Return whether the value of a name is masked."""
    return _PUNCTUATION.sub("", name[:MAX_NAME].lower()).endswith(SECRET_ENDINGS)


def masked_header(name: str, value: str) -> str:
    """Return a header's value with secrets masked."""
    if name.lower() == "referer":
        address, separator, query = value.partition("?")
        return address + separator + masked_form(query)
    if not is_secret(name) or not value:
        return value
    scheme, separator, _ = value.partition(" ")
    return f"{scheme} {MASK}" if separator and scheme.lower() in SCHEMES else MASK


def masked_form(text: str) -> str:
    """Return a form or a query with secrets masked, and everything else unchanged."""
    if "=" not in text:
        return text
    parts = re.split("([&;])", text)
    return "".join(map(_masked_pair, parts))


def masked_body(body: bytes) -> str | None:
    """Return a body of any media type as text with secrets masked, or None if it is empty."""
    return _masked_text(text_of(body)) if body else None


def _masked_text(text: str) -> str:
    if not ("\\" in text or "%" in text or _SECRET_NAME.search(text.lower())):
        return text
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"'):
        masked = _masked_json(text)
        return masked if _is_json(masked) else _masked_rest(masked)
    if "form-data" in text.lower():
        return _masked_parts(text)
    if "=" in text and not re.search(r"[\s<]", text):
        return masked_form(text)
    return _masked_rest(text)


def text_of(body: bytes) -> str:
    """Decode a body. Bytes that are no text become U+FFFD."""
    # JSON may also be UTF-16 or UTF-32, and the sandbox accepts it.
    wide = b"\0" in body[:4] or body[:2] in (b"\xff\xfe", b"\xfe\xff")
    return body.decode(json.detect_encoding(body) if wide else "utf-8", "replace")


def count_masked(text: str) -> int:
    """Count the values in a body or a query of the journal that are masked."""
    values = _count_masks(text.replace(MASK, "x"))
    return values - (_count_masks(text) - text.count(MASK))


def _count_masks(text: str) -> int:
    return (masked_body(text.encode("utf-8", "replace")) or "").count(MASK)


def _masked_pair(part: str) -> str:
    name, separator, value = part.partition("=")
    return f"{name}={MASK}" if separator and value and is_secret(unquote_plus(name)) else part


def _masked_json(text: str) -> str:
    """Mask by pattern rather than by parsing, since a body may be malformed or cut."""
    parts, at = [], 0
    for key in _KEY.finditer(text):
        if key.start() >= at and is_secret(_unescaped(key[1])):
            end = _value_end(text, key.end())
            if text[key.end() : end] not in ("null", ""):
                parts += [text[at : key.end()], f'"{MASK}"']
                at = end
    return _STRING.sub(_masked_string, "".join([*parts, text[at:]]))


def _masked_string(found: re.Match[str]) -> str:
    """Mask the text in a JSON string, such as a message that quotes another JSON text."""
    content = found[0][1:].removesuffix('"')
    text = _unescaped(content)
    masked = _masked_text(text)
    return found[0] if masked == text else json.dumps(masked)


def _is_json(text: str) -> bool:
    try:
        json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return True


def _unescaped(name: str) -> str:
    if "\\" not in name:
        return name
    try:
        return str(json.loads(f'"{name}"', strict=False))
    except ValueError:
        return name


def _value_end(text: str, start: int) -> int:
    """Return the end of the JSON value that starts at an index."""
    first = text[start : start + 1]
    if first == '"':
        found = _STRING.match(text, start)
        return found.end() if found else len(text)
    if first not in ("[", "{"):
        found = _BARE.match(text, start)
        return found.end() if found else start
    depth = 0
    while (found := _BRACKET.search(text, start)) is not None:
        if found[0] == '"':
            string = _STRING.match(text, found.start())
            start = string.end() if string else len(text)
            continue
        depth += 1 if found[0] in "[{" else -1
        start = found.end()
        if depth == 0:
            return start
    return len(text)


def _masked_parts(text: str) -> str:
    """Mask the parts of a multipart body whose headers contain the name of a secret."""
    parts, at, start = [], 0, 0
    for blank in _BLANK_LINE.finditer(text):
        names = unquote_plus(text[start : blank.start()].lower().partition("form-data")[2])
        start = blank.end()
        if start > at and any(map(is_secret, _WORD.findall(names))):
            end = text.find("\n--", start)
            parts += [text[at:start], MASK]
            at = len(text) if end < 0 else end
    return "".join([*parts, text[at:]])


def _masked_rest(text: str) -> str:
    """Mask all that follows the name of a secret, since values in an unknown format may end anywhere."""
    for name in _WORD.finditer(text):
        assigned = _ASSIGNED.match(text, name.end()) if is_secret(name[0]) else None
        if assigned and not _NO_SECRET.match(text, assigned.end()):
            return text[: assigned.end()] + MASK
    return text
