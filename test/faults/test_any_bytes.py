"""Any input and any response: one segment and a correct result, or an ApiException, in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knetik_cloud import ApiClient, ApiException, ApiValueError, Configuration, UsersInventoryApi
from test.faults.server import ENTRY, FaultServer, Peer, Request, http_response
from test.faults.table import Lateness, assert_is_presentable

TOKEN = "token-canary-for-any-bytes"
FEW = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Parrot(FaultServer):
    """Responds to every request with the same bytes, and closes."""

    data = b""

    def _respond(self, peer: Peer, request: Request) -> None:
        self.requests.append(request)
        peer.send(self.data)
        peer.close()


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    with Parrot() as server:
        yield server


@pytest.fixture
def api(parrot: Parrot) -> Iterator[UsersInventoryApi]:
    configuration = Configuration(
        host=parrot.url, access_token=TOKEN, timeout=1.0, deadline=2.0, retries=1, max_response_size=100_000
    )
    with ApiClient(configuration) as client:
        yield UsersInventoryApi(client)


HEADERS = st.sampled_from(
    [
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"Content-Encoding: deflate",
        b"Content-Type: text/html",
        b"Content-Type: application/json; charset=utf-16",
        b"Connection: keep-alive",
        b"Location: /x",
        b"Retry-After: 1",
        b" folded",
        b"no colon",
    ]
)
HEADS = st.builds(
    lambda status, lines, body: (
        b"HTTP/1.1 %d X\r\n%s\r\n%s" % (status, b"".join(b"%s\r\n" % line for line in lines), body)
    ),
    st.integers(100, 999) | st.just(200),
    st.lists(HEADERS, max_size=4),
    st.binary() | st.sampled_from([b"2\r\n{}\r\n0\r\n\r\n", b"{}", b"[]", b'{"id": 56}', b"0\r\n\r\n"]),
)
MUTATED = st.builds(
    lambda at, byte: http_response(ENTRY)[:at] + byte + http_response(ENTRY)[at + 1 :],
    st.integers(0, len(http_response(ENTRY)) - 1),
    st.binary(max_size=2),
)


@FEW
@given(st.binary() | HEADS | MUTATED)
def test_any_bytes_as_the_response_lead_to_a_result_or_an_exception_in_time(
    parrot: Parrot, api: UsersInventoryApi, data: bytes
) -> None:
    parrot.data = data
    started = time.monotonic()
    with Lateness() as lateness:
        for call in (api.get_user_inventory, api.use_user_entitlement_item):
            try:
                call(56, 56)
            except ApiException as error:
                assert_is_presentable(error, TOKEN)
    assert time.monotonic() - started < 4.5 + 3 * lateness.seconds


@FEW
@given(st.text(alphabet=st.characters(), min_size=0))
def test_any_text_as_a_path_value_is_one_segment_that_decodes_to_it_or_is_rejected(
    parrot: Parrot, api: UsersInventoryApi, value: str
) -> None:
    parrot.data = http_response({"id": "x"}, "Connection: close")
    before = len(parrot.requests)
    try:
        api.get_entitlement_template(value)
    except ApiValueError:
        assert len(parrot.requests) == before
        assert value in ("", ".", "..") or any("\ud800" <= character <= "\udfff" for character in value)
        return
    request = parrot.requests[-1]
    prefix, _, segment = request.target.rpartition("/")
    assert prefix == "/entitlements/templates"
    assert unquote_to_bytes(segment).decode() == value


@FEW
@given(st.text(max_size=50), st.text(max_size=50))
def test_any_header_is_sent_unchanged_or_rejected(
    parrot: Parrot, api: UsersInventoryApi, name: str, value: str
) -> None:
    parrot.data = http_response(ENTRY, "Connection: close")
    before = len(parrot.requests)
    try:
        api.get_user_inventory(56, 56, _headers={f"X-{name}": value})
    except ApiValueError:
        assert len(parrot.requests) == before
        return
    request = parrot.requests[-1]
    assert request.headers[f"x-{name}".lower()] == value.encode("latin-1").decode("latin-1").strip()
    assert set(request.headers) == {
        "accept",
        "accept-encoding",
        "authorization",
        "host",
        "user-agent",
        f"x-{name}".lower(),
    }
