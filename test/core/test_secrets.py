"""Secrets: a type that shows nothing, and texts that are masked however a server writes them."""

from __future__ import annotations

import copy
import html
import json
import pickle
import time
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud.core.call import MAX_ERROR_BODY_BYTES
from knetik_cloud.core.causes import sanitize_cause
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.models import OAuth2Resource
from knetik_cloud.secret import MASK, Secret, masked
from test.core.lists import READ, Reply, World, make_settings

CANARY = "canary/7+4&\"x'\\y\\"


def test_a_secret_shows_nothing() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>10}",
        format(secret),
        repr([secret]),
        repr({name: getattr(secret, name) for name in dir(secret) if name not in ("__doc__", "__class__")}),
    ]
    assert all(CANARY not in text for text in shown)
    assert secret.reveal() == CANARY


def test_secret_of_a_wrong_type_is_not_in_the_error() -> None:
    for fields in ({"access_token": b"canary"}, {"refresh_token": ["canary"]}):
        with pytest.raises(ApiValueError) as caught:
            OAuth2Resource(**fields)  # type: ignore[arg-type]
        name, value = next(iter(fields.items()))
        assert caught.value.reason == f"OAuth2Resource.{name} must be a str, not {type(value).__name__}"
        assert caught.value.__context__ is None


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))


def test_copies_of_a_secret_are_the_secret() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    assert secret == Secret(CANARY)
    assert hash(secret) == hash(Secret(CANARY))
    assert secret != CANARY


def test_bytes_are_read_as_utf_8() -> None:
    assert Secret("ü".encode()).reveal() == "ü"
    assert not Secret(b"\xff").is_encodable()


@pytest.mark.parametrize("value", [5, None, ["text"], object()])
def test_values_other_than_strings_are_rejected(value: object) -> None:
    with pytest.raises(ApiValueError):
        Secret(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        json.dumps(CANARY)[1:-1],
        json.dumps(CANARY)[1:-1].replace("/", "\\/"),
        repr(CANARY)[1:-1],
        quote(CANARY, safe="").lower(),
        json.dumps(json.dumps(CANARY))[3:-3],
        quote(quote(CANARY, safe=""), safe=""),
        "".join(f"%{ord(char):02x}" for char in CANARY),
        "".join(f"\\u{ord(char):04x}" for char in CANARY),
        "".join(f"\\u{ord(char):04X}" for char in CANARY),
        "".join(f"\\x{ord(char):02x}" for char in CANARY),
        "".join(f"&#x{ord(char):X};" for char in CANARY),
        "".join(f"&#{ord(char)};" for char in CANARY),
        html.escape(CANARY),
        html.escape(html.escape(CANARY)),
        html.escape(CANARY).replace("&", "\\u0026"),
        quote(CANARY, safe="").replace("%", "\\u0025"),
    ],
)
def test_a_secret_is_masked_in_any_escapes(written: str) -> None:
    shown = masked(f"a {written} b", [Secret(f"Bearer {CANARY}")])
    assert shown.startswith(f"a {MASK}")
    assert shown.endswith(" b")
    assert len(shown) == 7


PHRASE = 'une "clé" d\'été/\N{KEY} & <a>'
UNITS = PHRASE.encode("utf-16-be").hex(" ", 2).split()


@pytest.mark.parametrize(
    "written",
    [
        quote(PHRASE, safe=""),
        quote_plus(PHRASE),
        json.dumps(PHRASE)[1:-1],
        json.dumps(PHRASE, ensure_ascii=False)[1:-1],
        json.dumps(PHRASE)[1:-1].translate({ord(char): f"\\u{ord(char):04x}" for char in "<>&'"}),
        "".join(f"\\u{unit}" for unit in UNITS),
        "".join(f"%{octet:02X}" for octet in PHRASE.encode()),
        "".join(f"&#x{ord(char):x};" for char in PHRASE),
    ],
)
def test_a_secret_of_any_characters_is_masked_in_any_escapes(written: str) -> None:
    assert masked(f"a {written} b", [Secret(PHRASE)]) == f"a {MASK} b"


def test_a_secret_is_masked_in_a_repr_between_double_quotes() -> None:
    secret = "l'été à\nous"
    assert masked(repr(secret), [Secret(secret)]) == f'"{MASK}"'


def test_a_secret_that_no_encoding_can_express_hinders_no_masking() -> None:
    assert masked("%", [Secret(b"\xff" * 8)]) == "%"


def test_a_secret_that_repeats_itself_is_masked_once() -> None:
    assert masked("a" * 20, [Secret("a" * 20)]) == MASK
    assert masked(f"{'a' * 9}-secret", [Secret(f"{'a' * 8}-secret")]) == f"a{MASK}"


JWT = f"eyJhbGciOiJIUzI1NiJ9.{'Q' * 20}/{'x' * 200}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"not '{JWT[:77]}...", "not '***..."),
        (f"not '{JWT[:8]}...", "not '***..."),
        (f"not {JWT[:8]}... but {'y' * 40}", f"not ***... but {'y' * 40}"),
        (f"not {JWT[:8]}", "not ***"),
        (f"not '{JWT[:9]}'...", "not '***'..."),
        (f"not {JWT[:41]}%2...", "not ***%2..."),
        (f"{JWT[:16]}-else", "***-else"),
        (f"{JWT[:15]}-else", f"{JWT[:15]}-else"),
        (f"{JWT[:7]}...", f"{JWT[:7]}..."),
        (f"{JWT}{JWT} {JWT}", "****** ***"),
    ],
)
def test_the_start_of_a_secret_is_masked_where_the_text_is_truncated(text: str, shown: str) -> None:
    assert masked(text, [Secret(JWT)]) == shown


@pytest.mark.parametrize("unit", ["a", "\\", "%25", "&amp;", "&#0", "canary\\", "canary/7+4"])
def test_masking_takes_time_in_proportion_to_the_text(unit: str) -> None:
    begun = time.process_time()
    masked(unit * (300_000 // len(unit)), [Secret(f"\\&%{CANARY}"), Secret(CANARY)])
    assert time.process_time() - begun < 5


def test_a_short_secret_does_not_garble_the_message() -> None:
    assert masked("code 5: bad pin", [Secret("5"), Secret("Bearer ")]) == "code 5: bad pin"


@given(st.text(min_size=6), st.text(), st.text())
def test_no_text_shows_a_masked_secret(secret: str, before: str, behind: str) -> None:
    if secret in MASK or MASK in secret or secret.split(" ")[0] in ("Bearer", "Basic", "Digest"):
        return
    shown = masked(f"{before}{secret}{behind}", [Secret(secret)])
    assert secret not in shown.replace(MASK, "\0")


def test_a_cause_that_shows_a_secret_is_replaced() -> None:
    try:
        raise ValueError(f"bad header {CANARY}")
    except ValueError as error:
        cause = error
    shown = sanitize_cause(cause, [Secret(CANARY)])
    assert isinstance(shown, RuntimeError)
    assert CANARY not in "".join(traceback.format_exception(shown))
    assert sanitize_cause(cause, []) is cause
    assert sanitize_cause(None, []) is None


def test_contexts_and_causes_lose_their_tracebacks() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            try:
                raise OSError("context")
            except OSError:
                raise ValueError("outer") from inner
    except ValueError as error:
        outer = error
    kept = sanitize_cause(outer, [])
    assert kept is outer
    assert outer.__context__ is not None
    assert outer.__cause__ is not None
    assert outer.__context__.__traceback__ is outer.__cause__.__traceback__ is outer.__traceback__ is None


def test_errors_of_a_group_lose_their_tracebacks() -> None:
    def raised(error: Exception) -> Exception:
        try:
            raise error
        except Exception as caught:
            return caught

    inner = raised(OSError("member of a member"))
    group = ExceptionGroup("group", [raised(KeyError("member")), ExceptionGroup("inner", [inner])])
    assert sanitize_cause(raised(group), []) is group
    assert group.exceptions[0].__traceback__ is inner.__traceback__ is group.__traceback__ is None


@pytest.mark.parametrize("exceptions", [["vault a is down"], None, 3])
def test_an_error_may_have_an_attribute_of_the_name_of_the_members_of_a_group(exceptions: object) -> None:
    class SeveralFailed(Exception):
        pass

    cause = SeveralFailed("vaults")
    cause.exceptions = exceptions  # type: ignore[attr-defined]
    assert sanitize_cause(cause, []) is cause


def test_an_error_keeps_a_bounded_excerpt_of_the_body() -> None:
    data = b"x" * MAX_ERROR_BODY_BYTES
    body = World().error(READ, [Reply(400, data + b"y")], settings=make_settings(retries=0)).body
    assert body == f"{data.decode()}..."
    assert World().error(READ, [Reply(400, data)], settings=make_settings(retries=0)).body == data.decode()


def test_masking_of_twice_the_text_takes_about_twice_the_time() -> None:
    secret = Secret(f"{'aA1&' * 5}-secret")

    def cpu(size: int) -> float:
        text = f"{'aA1&' * 3}a" * size
        begun = time.process_time()
        masked(text, [secret])
        return time.process_time() - begun

    cpu(100)
    ratios = [cpu(8_000) / cpu(2_000) for _ in range(5)]
    assert min(ratios) < 10
