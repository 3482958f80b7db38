"""Content encodings. Bytes are decoded in bounded chunks, so that no response can exhaust the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from knetik_cloud.exceptions import ApiResponseError

CHUNK_BYTES = 1 << 16
MAX_CODINGS = 2
MAX_MEMBERS = 1000
MAX_BYTES_BETWEEN = 1 << 26
"""The maximum number of bytes that one decoder passes to the next. The size limit does not count them."""
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decoded(header: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Undo the encodings of a `Content-Encoding` header.

    Args:
        header: The header, which names them in the order in which they were applied.
        chunks: The encoded bytes, and b"" whenever more must be received first.

    Returns:
        The decoded bytes, in chunks of at most 64 KiB, and b"" whenever more must be received first. The
        iterator raises an `ApiResponseError` if they are malformed.

    Raises:
        ApiResponseError: If an encoding is not supported, or there are too many.
    """
    names = [name for name in map(str.strip, header.lower().split(",")) if name not in ("", "identity")]
    if len(names) > MAX_CODINGS or not {"gzip", "x-gzip", "deflate"}.issuperset(names):
        raise _unreadable(f"its content encoding is {header!r}")
    for number, name in enumerate(reversed(names)):
        chunks = _inflated(chunks, name, is_inner=number > 0)
    return chunks


def _inflated(chunks: Iterator[bytes], encoding: str, is_inner: bool) -> Iterator[bytes]:
    """Undo gzip, of several members too, or deflate, with or without its zlib header."""
    inflater: Any = None  # `zlib` has no public name for the type of its decoders
    members = received = 0
    for data in chunks:
        if not data:
            yield data
            continue
        received += len(data)
        if is_inner and received > MAX_BYTES_BETWEEN:
            raise _unreadable(f"more than {MAX_BYTES_BETWEEN} bytes lie inside")
        while True:
            if inflater is None or inflater.eof:
                if members and (encoding == "deflate" or not (data := data.lstrip(b"\0"))):
                    break  # only padding is left
                members += 1
                if members > MAX_MEMBERS:
                    raise _unreadable(f"it has more than {MAX_MEMBERS} gzip members")
                # Many servers send no zlib header, whose first byte begins no raw data.
                deflate = _ZLIB if data[0] & 15 == 8 else _RAW
                inflater = zlib.decompressobj(deflate if encoding == "deflate" else _GZIP)
            try:
                chunk = inflater.decompress(data, CHUNK_BYTES)
            except zlib.error as cause:
                raise _unreadable(f"its {encoding} body is corrupt ({cause})") from None
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if chunk:
                yield chunk
            elif not data:
                break
    if inflater is not None and not inflater.eof:
        raise _unreadable(f"its {encoding} body is truncated")


def _unreadable(why: str) -> ApiResponseError:
    return ApiResponseError(reason=f"the response can't be read: {why}")
