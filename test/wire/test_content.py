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
    return b"".join(content.decoded(encoding, iter(chunks)))


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
        content.decoded(header, iter(()))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_truncated_body_is_rejected(encoding: str) -> None:
    packed = PACKERS[encoding](b"data" * 100)
    with pytest.raises(ApiResponseError, match="truncated"):
        decode(encoding, packed[:-4])


def test_chunks_stay_small_for_bodies_of_any_size() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    sizes = [len(chunk) for chunk in content.decoded("gzip", iter([bomb]))]
    assert max(sizes) <= content.CHUNK_BYTES
    assert sum(sizes) == 10_000_000


def test_nothing_is_decompressed_ahead() -> None:
    bomb = gzip.compress(gzip.compress(bytes(1 << 26), 1))
    chunks = content.decoded("gzip, gzip", iter([bomb]))
    assert len(next(chunks)) <= content.CHUNK_BYTES


def test_too_many_members_are_rejected() -> None:
    empty = gzip.compress(b"")
    with pytest.raises(ApiResponseError, match="members"):
        decode("gzip", empty * (content.MAX_MEMBERS + 1))


def test_bytes_between_two_codings_are_bounded() -> None:
    head, empty_block = gzip.compress(b"")[:10], b"\0\0\0\xff\xff"
    bomb = gzip.compress(head + empty_block * (content.MAX_BYTES_BETWEEN // 4), 1)
    with pytest.raises(ApiResponseError, match="inside"):
        decode("gzip, gzip", bomb)


def test_more_codings_than_two_are_rejected() -> None:
    with pytest.raises(ApiResponseError, match="encoding"):
        content.decoded("gzip, gzip, gzip", iter(()))


def test_as_many_gzip_members_as_the_limit_allows_are_decoded() -> None:
    members = gzip.compress(b"a", 1) * content.MAX_MEMBERS
    assert decode("gzip", members) == b"a" * content.MAX_MEMBERS


def test_zero_bytes_after_a_gzip_member_are_padding_and_others_are_not() -> None:
    assert decode("gzip", gzip.compress(b"a") + b"\0" * 9) == b"a"
    with pytest.raises(ApiResponseError, match="corrupt"):
        decode("gzip", gzip.compress(b"a") + b"\1" * 9)


@pytest.mark.parametrize("size", [1, 21, 22, 23, 24, 25, 100])
def test_padding_between_gzip_members_is_skipped_however_it_is_split(size: int) -> None:
    packed = gzip.compress(b"a") + b"\0\0" + gzip.compress(b"b")
    assert decode("gzip", *(packed[start : start + size] for start in range(0, len(packed), size))) == b"ab"


def test_bytes_after_deflated_data_are_ignored() -> None:
    assert decode("deflate", zlib.compress(b"a") + b"more") == b"a"


def test_an_empty_body_is_complete_in_any_encoding() -> None:
    assert decode("gzip") == b""


def test_output_that_needs_no_more_input_does_not_wait_for_it() -> None:
    packed = zlib.compress(b"\0" + b"a" * 400_000, 9)
    for end in range(2, len(packed)):
        decoded = content.decoded("deflate", iter([packed[:end], b""]))
        until_more_is_needed = b"".join(iter(decoded.__next__, b""))
        assert until_more_is_needed == zlib.decompressobj().decompress(packed[:end])
