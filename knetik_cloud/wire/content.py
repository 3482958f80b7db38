"""Content encodings. Bytes are decoded in bounded chunks, so that no response can exhaust the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from knetik_cloud.exceptions import ApiResponseError

CHUNK_BYTES = 1 << 16
MAX_CODINGS = 2
MAX_MEMBERS = 1000
MAX_BYTES_BETWEEN = 1 << 26
"""The maximum number of bytes that one decoder passes to the next. The size limit does not count them."""
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class Inflater:
    """A decoder of gzip, of several members too, or of deflate, with or without its zlib header."""

    _inflater: Any = None  # `zlib` has no public name for the type of its decoders
    _members = _received = 0

    def __init__(self, encoding: str, is_inner: bool) -> None:
        self._encoding = encoding
        self._is_inner = is_inner

    def feed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Decode more bytes, in chunks of at most 64 KiB.

        Raises:
            ApiResponseError: If the bytes are not in that encoding.
        """
        for data in chunks:
            self._received += len(data)
            if self._is_inner and self._received > MAX_BYTES_BETWEEN:
                raise _unreadable(f"more than {MAX_BYTES_BETWEEN} bytes lie inside")
            while True:
                if self._inflater is None or self._inflater.eof:
                    if self._members and (self._encoding == "deflate" or not (data := data.lstrip(b"\0"))):
                        break  # only padding is left
                    self._members += 1
                    if self._members > MAX_MEMBERS:
                        raise _unreadable(f"it has more than {MAX_MEMBERS} gzip members")
                    # Many servers send no zlib header, whose first byte begins no raw data.
                    deflate = _ZLIB if data[0] & 15 == 8 else _RAW
                    self._inflater = zlib.decompressobj(deflate if self._encoding == "deflate" else _GZIP)
                try:
                    chunk = self._inflater.decompress(data, CHUNK_BYTES)
                except zlib.error as cause:
                    raise _unreadable(f"its {self._encoding} body is corrupt ({cause})") from None
                data = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
                if chunk:
                    yield chunk
                elif not data:
                    break

    def finish(self) -> None:
        """Check that the encoded bytes were complete.

        Raises:
            ApiResponseError: If their end is missing.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise _unreadable(f"its {self._encoding} body is truncated")


def inflaters(header: str) -> list[Inflater]:
    """Create the decoders of a `Content-Encoding` header, in the order in which they are applied.

    Raises:
        ApiResponseError: If an encoding is not supported, or there are too many.
    """
    chain: list[Inflater] = []
    for name in map(str.strip, reversed(header.lower().split(","))):
        if name in ("", "identity"):
            continue
        if name not in ("gzip", "x-gzip", "deflate") or len(chain) == MAX_CODINGS:
            raise _unreadable(f"its content encoding is {header!r}")
        chain.append(Inflater(name, bool(chain)))
    return chain


def feed(chain: Sequence[Inflater], data: bytes) -> Iterator[bytes]:
    """Pass bytes through a chain of decoders, in chunks of at most 64 KiB."""
    chunks = iter((data,))
    for inflater in chain:
        chunks = inflater.feed(chunks)
    return chunks


def _unreadable(why: str) -> ApiResponseError:
    return ApiResponseError(reason=f"the response can't be read: {why}")
