"""Curl commands that send a recorded request again. The data of clients reaches no other file or host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

OMITTED_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
)
"""Headers that a curl line leaves out."""

_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_TARGET = re.compile(r"/[\w%.~!$&'()*+,;=:@/?-]*", re.ASCII)
"""A path and query that curl sends unchanged as a part of a URL, apart from dot segments."""

_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:[/?]|$)", re.ASCII)


def command(
    method: str,
    base: str,
    target: str,
    fields: Iterable[str],
    body: str | bytes | None,
    options: Iterable[str] = (),
) -> str:
    """Format a curl command for bash.

    Args:
        method: The method.
        base: The URL of the server.
        target: The path and query, decoded as Latin-1.
        fields: The header fields, as `header_words` returns them.
        body: The body, or None if it is empty. Bytes are for bodies that aren't UTF-8 text.
        options: Further options.
    """
    words = ["curl", *options]
    if any(each in base for each in "[]{}"):
        words.append("-g")
    if method == "HEAD" and body is None:
        words.append("-I")  # with -X, curl would wait for a body
    elif method != "GET" or body is not None:
        words += ["-X", quoted(method)]
    if _TARGET.fullmatch(target) and not _DOT_SEGMENT.search(target):
        words.append(quoted(base + target))
    else:
        words += ["--request-target", quoted(_from_latin(target)), quoted(base)]
    words += fields
    if body is None:
        return " ".join(words)
    if method == "HEAD":
        words += ["--ignore-content-length", "-H", "'Connection: close'"]
    if isinstance(body, str) and "\0" not in body:
        return " ".join([*words, "--data-raw", quoted(body)])
    content = body.encode() if isinstance(body, str) else body
    return f"printf '{''.join(map(_printf_code, content))}' | {' '.join([*words, '--data-binary', '@-'])}"


def header_words(headers: Mapping[str, str], body: str | bytes | None) -> list[str]:
    """Return the words of a command that send header fields, except those that curl sends by itself.

    Args:
        headers: The header fields, decoded as Latin-1.
        body: The body, to which curl would add a media type.
    """
    words = []
    for name, value in headers.items():
        if name.lower() not in OMITTED_HEADERS:
            # Curl takes "name:" as the wish to send no such field.
            words += ["-H", quoted(_from_latin(f"{name}: {value}" if value else f"{name};"))]
    if body is not None and "content-type" not in map(str.lower, headers):
        words += ["-H", "Content-Type:"]
    return words


def quoted(word: str) -> str:
    """Quote a word for bash. Characters that are invisible or move others are written as codes."""
    if _WORD.fullmatch(word):
        return word
    if word.replace("\n", "").isprintable():
        return "'" + word.replace("'", "'\"'\"'") + "'"
    written = [
        each.replace("\\", "\\\\").replace("'", "\\'")
        if each.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in _encoded(each))
        for each in word
    ]
    return f"$'{''.join(written)}'"


def _encoded(character: str) -> bytes:
    is_byte = "\udc80" <= character <= "\udcff"
    return character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")


def _from_latin(text: str) -> str:
    """Return the text of bytes that were decoded as Latin-1. Bytes that aren't UTF-8 become surrogates."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _printf_code(byte: int) -> str:
    character = chr(byte)
    is_plain = 32 <= byte < 127 and character not in "'\\%"
    return character if is_plain else f"\\{byte:03o}"
