"""The two readers of JSON return the same for every text: msgspec, and the standard library."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knetik_cloud import ApiResponseError
from knetik_cloud.data import codec

msgspec = pytest.importorskip("msgspec")

TEXTS = [
    "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "1" * 4300, "1" * 4301,
    "-0", "-0.0", "0e0", "1e5", "1E+2", "1e400", "-1e400", "1e-400", "5e-324", "1.7976931348623157e308",
    "1.7976931348623159e308", "2.2250738585072011e-308", "9007199254740993.0", "0.1", "0.1e1",
    "18446744073709551615.0", "01", "1.", ".5", "+1", "1.e5", "--1", "1e", "0x10", "1_000", "NaN",
    "Infinity", "-Infinity", "nul", "true1",
    '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\ud83d\\u0041"', '"\\u12"', '"\\u+123"', '"\\x"',
    '"\\u0000"', '"\t"', '"\x1f"', '"\x7f"', '"\u2028"', '"a\\/b"', '"\ud800"', "'a'", '"open',
    '{"a":1,"b":2,"a":3}', '{"a":{"b":1},"a":{"c":2}}', '{"a":1,}', "[1,]", "[1 2]", '{"a" 1}', "{1:2}", "[",
    "\ufeff{}", "\ufeff\ufeff{}", "", " ", "\x0c1", "\xa01", "[1]\x00", "[]x", "// x\n1", " \t\r\n[ 1 , 2 ] ",
    "[" * 500 + "]" * 500, "[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000,
]  # fmt: skip
BYTES = [
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b"\xef\xbb\xbf[1]",
    '"é"'.encode("latin-1"),
    "[1]".encode("utf-16"),
]


def outcome(data: bytes | str, read: Any) -> Any:
    """Return the exact result of a reader, including types, the order of keys and signs of zeros."""
    try:
        return repr(read(data))
    except ApiResponseError as error:
        return f"refused: {error.reason}"


def assert_same(data: bytes | str) -> None:
    assert outcome(data, codec.decode_fast) == outcome(data, codec._decode_exactly)


def test_msgspec_reads_what_is_large_enough_and_nothing_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codec.fast_decoder() is msgspec.json.decode
    monkeypatch.setattr(codec, "fast_decoder", lambda: lambda data: "read by msgspec")
    assert codec.decode(b" " * (codec.MIN_MSGSPEC_BYTES - 1) + b"1") == "read by msgspec"
    assert codec.decode(b" " * (codec.MIN_MSGSPEC_BYTES - 2) + b"1") == 1


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:30]))
def test_both_readers_agree_on_the_edges_of_json(text: str) -> None:
    assert_same(text)
    assert_same(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("data", BYTES, ids=repr)
def test_both_readers_agree_on_malformed_utf8(data: bytes) -> None:
    assert_same(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=40), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200)
@given(value=JSON, ascii_only=st.booleans())
def test_both_readers_agree_on_json(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert_same(text)
    assert_same(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(st.text(alphabet='[]{}:,"\\u0123456789dDeE+-.\ufeff \ttruefalsn', max_size=24))
def test_both_readers_agree_on_what_is_almost_json(text: str) -> None:
    assert_same(text)


@settings(max_examples=300)
@given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_both_readers_agree_on_every_number(text: str) -> None:
    assert_same(text)
    try:
        number = codec.decode_fast(text)
    except ApiResponseError:
        return
    assert isinstance(number, int) or math.isfinite(number)


@settings(max_examples=200)
@given(st.binary(max_size=24))
def test_both_readers_agree_on_arbitrary_bytes(data: bytes) -> None:
    assert_same(data)


def test_results_share_nothing_between_calls() -> None:
    text = b'{"a":[1],"b":{}}'
    first, second = codec.decode_fast(text), codec.decode_fast(text)
    first["a"].append(2)
    first["b"]["c"] = 1
    assert second == {"a": [1], "b": {}}


def test_without_msgspec_the_standard_library_reads() -> None:
    code = (
        "import sys; sys.modules['msgspec'] = sys.modules['msgspec.json'] = None\n"
        "from knetik_cloud.data import codec\n"
        "print(codec.fast_decoder(), codec.decode_fast(b'[1]'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "None [1]\n"
