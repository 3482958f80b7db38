"""Content encodings: compressed bodies are read in bounded chunks, and invalid ones are rejected."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud.exceptions import ApiResponseError
from knetik_cloud.wire import content


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def decode(encoding: str, *chunks: bytes) -> bytes:
    chain = content.inflaters(encoding)
    decoded = b"".join(part for chunk in chunks for part in content.feed(chain, chunk))
    for inflater in chain:
        inflater.finish()
    return decoded


@given(st.sampled_from(sorted(PACKERS)), st.binary(), st.integers(1, 50))
def test_compressed_bytes_are_decoded_however_they_are_split(encoding: str, data: bytes, size: int) -> None:
    packed = PACKERS[encoding](data)
    assert decode(encoding, *(packed[start : start + size] for start in range(0, len(packed), size))) == data


@given(st.sampled_from(["gzip", "deflate", "gzip, deflate"]), st.lists(st.binary(min_size=1), max_size=5))
def test_any_bytes_are_decoded_or_rejected(encoding: str, chunks: list[bytes]) -> None:
    with suppress(ApiResponseError):
        assert isinstance(decode(encoding, *chunks), bytes)


def test_encodings_are_undone_in_reverse() -> None:
    assert decode("gzip, deflate", zlib.compress(gzip.compress(b"data"))) == b"data"
    assert decode("gzip, identity", gzip.compress(b"data")) == b"data"


def test_all_members_of_a_gzip_are_read() -> None:
    assert decode("gzip", gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"


@pytest.mark.parametrize("header", ["", "identity", " Identity , "])
def test_the_identity_changes_nothing(header: str) -> None:
    assert decode(header, b"data") == b"data"


@pytest.mark.parametrize(
    "header", ["br", "zstd", "compress", "gzip, br", "gzip;q=1", "gzip, gzip, gzip, gzip, gzip"]
)
def test_an_unknown_encoding_is_rejected(header: str) -> None:
    with pytest.raises(ApiResponseError, match="content encoding"):
        content.inflaters(header)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_truncated_body_is_rejected(encoding: str) -> None:
    packed = PACKERS[encoding](b"data" * 100)
    with pytest.raises(ApiResponseError, match="truncated"):
        decode(encoding, packed[:-4])


def test_chunks_stay_small_for_bodies_of_any_size() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    sizes = [len(chunk) for chunk in content.feed(content.inflaters("gzip"), bomb)]
    assert max(sizes) <= content.CHUNK_BYTES
    assert sum(sizes) == 10_000_000


def test_nothing_is_decompressed_ahead() -> None:
    chunks = content.feed(content.inflaters("gzip, gzip"), gzip.compress(gzip.compress(bytes(1 << 26), 1)))
    assert len(next(chunks)) <= content.CHUNK_BYTES


def test_too_many_members_are_rejected() -> None:
    empty = gzip.compress(b"")
    inflater = content.inflaters("gzip")
    with pytest.raises(ApiResponseError, match="members"):
        list(content.feed(inflater, empty * (content.MAX_MEMBERS + 1)))


def test_bytes_between_two_codings_are_bounded() -> None:
    head, empty_block = gzip.compress(b"")[:10], b"\0\0\0\xff\xff"
    bomb = gzip.compress(head + empty_block * (content.MAX_BYTES_BETWEEN // 4), 1)
    with pytest.raises(ApiResponseError, match="inside"):
        list(content.feed(content.inflaters("gzip, gzip"), bomb))


def test_more_codings_than_two_are_rejected() -> None:
    with pytest.raises(ApiResponseError, match="encoding"):
        content.inflaters("gzip, gzip, gzip")


def test_as_many_gzip_members_as_the_limit_allows_are_decoded() -> None:
    members = gzip.compress(b"a", 1) * content.MAX_MEMBERS
    (inflater,) = content.inflaters("gzip")
    assert b"".join(content.feed([inflater], members)) == b"a" * content.MAX_MEMBERS
    inflater.finish()


def test_zero_bytes_after_a_gzip_member_are_padding_and_others_are_not() -> None:
    (inflater,) = content.inflaters("gzip")
    assert b"".join(content.feed([inflater], gzip.compress(b"a") + b"\0" * 9)) == b"a"
    (other,) = content.inflaters("gzip")
    with pytest.raises(ApiResponseError, match="corrupt"):
        list(content.feed([other], gzip.compress(b"a") + b"\1" * 9))


@pytest.mark.parametrize("size", [1, 21, 22, 23, 24, 25, 100])
def test_padding_between_gzip_members_is_skipped_however_it_is_split(size: int) -> None:
    packed = gzip.compress(b"a") + b"\0\0" + gzip.compress(b"b")
    (inflater,) = content.inflaters("gzip")
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(inflater.feed(pieces)) == b"ab"
    inflater.finish()


def test_bytes_after_deflated_data_are_ignored() -> None:
    assert decode("deflate", zlib.compress(b"a") + b"more") == b"a"


def test_an_empty_body_is_complete_in_any_encoding() -> None:
    assert decode("gzip") == b""


def test_output_that_needs_no_more_input_does_not_wait_for_it() -> None:
    packed = zlib.compress(b"\0" + b"a" * 400_000, 9)
    for end in range(2, len(packed)):
        assert decode_start("deflate", packed[:end]) == zlib.decompressobj().decompress(packed[:end])


def decode_start(encoding: str, data: bytes) -> bytes:
    return b"".join(content.feed(content.inflaters(encoding), data))
