"""Tokens: which credentials are used, when a token is renewed, and what happens when that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from knetik_cloud import AccessToken, AsyncTokenProvider, Configuration, TokenProvider
from knetik_cloud.core.auth import TokenStore, seconds
from knetik_cloud.core.outcome import Failure
from knetik_cloud.exceptions import (
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiValueError,
    DeadlineExceeded,
    UnauthorizedException,
)
from knetik_cloud.models import OAuth2Resource
from knetik_cloud.secret import Secret
from test.core.lists import ONCE, READ, READ_TIMEOUT, RESET, WRITE, Reply, World, granted, make_settings

OK = Reply(200, b'{"id": 5}')


def credentials() -> TokenStore:
    return TokenStore(
        grant={"grant_type": "client_credentials", "client_id": "me", "client_secret": Secret("s3cret-x")}
    )


class Provider:
    """Provides tokens that the world of the test holds ready."""

    def get_token(self) -> str:
        raise AssertionError("the driver asks, not the engine")


def test_a_program_and_its_type_checkers_at_run_time_recognize_a_provider() -> None:
    assert isinstance(Provider(), TokenProvider)
    assert isinstance(Provider(), AsyncTokenProvider)
    assert not isinstance(object(), (TokenProvider, AsyncTokenProvider))


def test_a_call_without_credentials_sends_no_authorization() -> None:
    world = World()
    world.call(READ, [OK])
    assert world.authorizations == [None]


def test_a_fixed_token_goes_with_every_call() -> None:
    world = World(TokenStore(Secret("fixed-token")))
    world.call(READ, [OK])
    assert world.authorizations == ["Bearer fixed-token"]


def test_a_fixed_token_that_is_rejected_is_an_error() -> None:
    assert isinstance(
        World(TokenStore(Secret("fixed-token"))).error(READ, [Reply(401)]), UnauthorizedException
    )


def test_a_token_is_fetched_once_and_kept() -> None:
    world = World(credentials())
    world.call(READ, [granted(), OK])
    world.call(READ, [OK])
    assert world.targets == ["POST /base/oauth/token", "GET /base/things/5", "GET /base/things/5"]
    assert world.authorizations == [None, "Bearer first-token", "Bearer first-token"]
    assert world.bodies[0] == "grant_type=client_credentials&client_id=me&client_secret=s3cret-x"


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"), [(1000, 940), (100, 90), (10, 9), ("100", 90), (100.5, 90.45)]
)
def test_a_token_is_renewed_ahead_of_its_expiry(lifetime: object, renewed_after: float) -> None:
    world = World(credentials())
    world.call(READ, [granted(expires_in=lifetime), OK])
    world.now += renewed_after - 0.1
    world.call(READ, [OK])
    world.now += 0.2
    world.call(READ, [granted("second-token"), OK])
    assert world.authorizations[-1] == "Bearer second-token"


@pytest.mark.parametrize("lifetime", [None, "soon", [], {}, "nan", "inf", float("inf"), 10**400])
def test_a_malformed_lifetime_is_none(lifetime: object) -> None:
    assert seconds(lifetime) == float("inf")


def test_a_token_has_expired_at_its_very_end_and_never_for_less_than_no_time() -> None:
    tokens = credentials()
    tokens.store_provided(AccessToken("a-token", 10), 100.0)
    assert tokens.valid(109.9) is not None
    assert tokens.valid(110.0) is None
    tokens.store_provided(AccessToken("a-token", -5), 110.0)
    assert tokens.expires_in(110.0) == 0.0


def test_a_token_that_has_expired_already_is_used_once() -> None:
    world = World(credentials())
    world.call(READ, [granted(expires_in=0), OK])
    world.call(READ, [granted("second-token", expires_in=-5), OK])
    assert world.authorizations == [None, "Bearer first-token", None, "Bearer second-token"]


def test_a_rejected_token_is_renewed_and_the_call_replayed_once() -> None:
    world = World(credentials())
    world.call(ONCE, [granted(), Reply(401), granted("second-token"), OK])
    assert world.authorizations == [None, "Bearer first-token", None, "Bearer second-token"]
    assert world.waits == []


def test_a_call_is_replayed_no_more_than_once() -> None:
    world = World(credentials())
    error = world.error(ONCE, [granted(), Reply(401), granted("second-token"), Reply(401)])
    assert isinstance(error, UnauthorizedException)
    assert not error.may_have_applied


def test_a_replay_does_not_count_as_a_retry() -> None:
    world = World(credentials())
    response = world.call(
        READ,
        [granted(), Reply(401), granted("second-token"), Reply(503), OK],
        settings=make_settings(retries=1),
    )
    assert [attempt.status for attempt in response.attempts] == [401, 503, 200]


def test_a_call_with_its_own_authorization_needs_no_token() -> None:
    world = World(credentials())
    error = world.error(
        READ, [Reply(401)], settings=make_settings(headers={"Authorization": Secret("Basic abcdefg")})
    )
    assert error.operation == "read"
    assert world.authorizations == ["Basic abcdefg"]


def test_the_refresh_token_comes_before_the_credentials() -> None:
    world = World(credentials())
    world.call(READ, [granted(refresh_token="refresh-1"), Reply(401), granted("second-token"), OK])
    assert (
        world.bodies[2]
        == "grant_type=refresh_token&client_id=me&client_secret=s3cret-x&refresh_token=refresh-1"
    )


@pytest.mark.parametrize("more", [{}, {"refresh_token": ""}])
def test_a_refresh_token_is_kept_until_another_one_is_returned(more: dict[str, str]) -> None:
    world = World(credentials())
    world.call(READ, [granted(refresh_token="refresh-1"), Reply(401), granted("second-token", **more), OK])
    world.now += 5000
    world.call(READ, [granted("third-token"), OK])
    assert "refresh_token=refresh-1" in world.bodies[4]


def test_a_refresh_token_that_is_not_text_is_ignored() -> None:
    response = OAuth2Resource.from_dict({"access_token": "first-token", "refresh_token": 5})
    assert credentials().store_grant(response, 0.0) == Secret("Bearer first-token")


@pytest.mark.parametrize("status", [400, 401])
def test_an_expired_refresh_token_is_discarded_for_the_credentials(status: int) -> None:
    world = World(credentials())
    world.call(
        READ, [granted(refresh_token="refresh-1"), Reply(401), Reply(status), granted("second-token"), OK]
    )
    assert "grant_type=client_credentials" in world.bodies[3]


def test_a_refresh_token_outlives_a_failure_that_does_not_concern_it() -> None:
    world = World(credentials())
    world.error(READ, [granted(refresh_token="refresh-1"), Reply(401), Reply(404)])
    world.now += 5000
    world.call(READ, [granted("second-token"), OK])
    assert "refresh_token=refresh-1" in world.bodies[-2]


def test_no_time_may_be_left_for_the_credentials_after_an_expired_refresh_token() -> None:
    world = World(credentials())
    world.call(READ, [granted(refresh_token="refresh-1"), OK])
    world.now, world.tries = world.now + 5000, 5.0
    assert type(world.error(READ, [Reply(400)], settings=make_settings(deadline=4.0))) is DeadlineExceeded


def test_an_expired_refresh_token_does_not_discard_its_replacement() -> None:
    tokens = credentials()
    world = World(tokens)

    def outcomes() -> Iterator[Reply]:
        yield granted(refresh_token="refresh-1")
        yield Reply(401)
        replacement = {"access_token": "second-token", "expires_in": 1000, "refresh_token": "refresh-2"}
        tokens.store_grant(OAuth2Resource.from_dict(replacement), world.now)  # of another event loop
        yield Reply(400)
        yield granted("third-token")
        yield OK

    world.call(READ, outcomes())
    assert [body.rpartition("refresh_token=")[2] for body in world.bodies[2:4]] == ["refresh-1", "refresh-2"]
    assert world.authorizations[-1] == "Bearer third-token"


def test_a_failed_renewal_leaves_the_old_token_in_use() -> None:
    world = World(credentials())
    world.call(READ, [granted(expires_in=1000), OK])
    world.now += 950
    world.call(READ, [Reply(400), OK])
    assert world.authorizations[-1] == "Bearer first-token"


def test_a_failed_renewal_is_not_retried_immediately() -> None:
    world = World(credentials())
    first = world.error(READ, [Reply(401, b'{"error": "invalid_client"}')])
    second = world.error(READ, [])
    assert type(first) is type(second) is UnauthorizedException
    assert second.errors == first.errors
    assert second is not first
    assert second.__traceback__ is not first.__traceback__


def test_renewal_is_allowed_again_at_the_very_end_of_its_pause() -> None:
    tokens = credentials()
    tokens.failed(ApiException(reason="down"), 100.0, is_usable=False)
    assert tokens.recent_failure(100.9) is not None
    assert tokens.recent_failure(101.0) is None


def test_failed_renewals_back_off_exponentially() -> None:
    world = World(credentials())
    for pause in (1, 2, 4, 8, 16, 30, 30):
        world.error(READ, [Reply(401)])
        world.now += pause - 0.1
        world.error(READ, [])
        world.now += 0.2
    world.call(READ, [granted(), OK])
    world.now += 2000
    world.error(READ, [Reply(401)])
    world.now += 1.1
    world.call(READ, [granted(), OK])


def test_a_passed_deadline_does_not_delay_the_next_renewal() -> None:
    world = World(credentials(), tries=5.0)
    world.error(READ, [READ_TIMEOUT], settings=make_settings(deadline=4.0))
    world.call(READ, [granted(), OK])


def test_call_has_time_to_use_a_token_that_cannot_be_renewed() -> None:
    world = World(credentials(), tries=5.0)
    world.call(READ, [granted(), OK])
    world.now += 950  # the token is still valid for 45 seconds
    settings = make_settings(deadline=12.0)
    sent = len(world.sent)
    world.call(READ, [READ_TIMEOUT, READ_TIMEOUT, OK], settings=settings)
    assert [command.deadline - 1000.0 for command in world.sent[sent:]] == [966.0, 966.0, 972.0]
    world.now = 1971.0
    world.call(READ, [OK], settings=settings)  # the next renewal waits for a second
    assert world.authorizations[-2:] == ["Bearer first-token"] * 2


def test_renewal_that_took_too_long_delays_no_call_after_the_token_has_expired() -> None:
    world = World(credentials(), tries=0.2)
    world.call(READ, [granted(), OK])
    short = make_settings(deadline=0.3, retries=0)
    world.now = 1999.5  # the token expires at 2000.2
    for _ in range(2):
        world.error(READ, [READ_TIMEOUT, READ_TIMEOUT], settings=short)
        world.tries = 0.0
    world.now = 2000.3
    world.call(READ, [granted("second-token"), OK])
    assert world.authorizations[-1] == "Bearer second-token"


def test_token_that_will_have_expired_does_not_shorten_its_renewal() -> None:
    world = World(credentials(), tries=0.2)
    world.call(READ, [granted(), OK])
    world.now = 1999.0
    world.call(READ, [granted("second-token"), OK], settings=make_settings(deadline=10.0))
    assert world.sent[-2].deadline == 2009.0


def test_write_is_not_sent_if_its_token_takes_until_the_deadline() -> None:
    world = World(credentials(), tries=4.0)
    error = world.error(ONCE, [granted()], settings=make_settings(deadline=4.0))
    assert type(error) is DeadlineExceeded
    assert error.operation == "once"
    assert not error.may_have_applied
    assert [command.request.operation.id for command in world.sent] == ["token"]


def test_a_write_before_its_token_expired_may_have_been_applied() -> None:
    world = World(credentials())
    world.call(READ, [granted(), OK])
    error = world.error(WRITE, [RESET, Reply(401), Reply(400)])
    assert error.may_have_applied
    assert [attempt.outcome for attempt in error.attempts] == ["reset", "401 Reason", "400 Reason"]
    assert error.operation == "token"


def test_attempts_show_no_token_that_the_service_echoed() -> None:
    echo = Reply(401, reason="no Bearer first-token")
    error = World(credentials()).error(READ, [granted(), echo, Reply(400)])
    assert [attempt.outcome for attempt in error.attempts] == ["401 no Bearer ***", "400 Reason"]
    error = World(credentials()).error(READ, [granted(), echo, granted("second-token"), Reply(400)])
    assert "first-token" not in str(error)
    lost = Failure(ApiConnectionException, "no first-token", True, OSError("no first-token"))
    replies = [granted(), Reply(503, reason="no first-token"), lost, Reply(200, reason="first-token")]
    response = World(credentials()).call(READ, replies)
    assert [attempt.outcome for attempt in response.attempts] == ["503 no ***", "no ***", "200 ***"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"access_token": ""}',
        b'{"access_token": 5}',
        b'{"access_token": "a\\nb"}',
        b'{"access_token": "\\u2603"}',
        b'{"access_token": null}',
    ],
)
def test_a_response_without_a_token_is_an_error(body: bytes) -> None:
    assert isinstance(World(credentials()).error(READ, [Reply(200, body)]), ApiResponseError)


def test_an_empty_response_is_a_missing_token() -> None:
    assert isinstance(World(credentials()).error(READ, [Reply(204, b"")]), ApiResponseError)


@pytest.mark.parametrize(
    "given",
    [
        "provided-token",
        Secret("provided-token"),
        AccessToken("provided-token"),
        AccessToken("provided-token", 5),
        ("provided-token", None),
    ],
)
def test_a_provider_returns_tokens(given: Any) -> None:
    world = World(TokenStore(provider=Provider()))
    world.from_provider = [given]
    world.call(READ, [OK])
    assert world.authorizations == ["Bearer provided-token"]


NO_TOKEN = "must provide the token as a str or a Secret, not"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, f"{NO_TOKEN} NoneType"),
        (5, f"{NO_TOKEN} int"),
        (b"bytes", f"{NO_TOKEN} bytes"),
        ([], f"{NO_TOKEN} list"),
        ({"access_token": "a"}, f"{NO_TOKEN} dict"),
        (object(), f"{NO_TOKEN} object"),
        (("a", 5, 6), f"{NO_TOKEN} tuple"),
        ((), f"{NO_TOKEN} tuple"),
        (AccessToken(b"bytes"), f"{NO_TOKEN} bytes"),  # type: ignore[arg-type]
        ("", "provided an empty token"),
        (Secret(""), "provided an empty token"),
        ("a\n", "provided a token with a line break: strip it"),
        ("a\r", "provided a token with a line break: strip it"),
        (AccessToken("a\r\nb"), "provided a token with a line break: strip it"),
        (Secret("a\nb"), "provided a token with a line break: strip it"),
        ("\N{SNOWMAN}", "provided a token with a character that a header can't contain"),
        ("a\0", "provided a token with a character that a header can't contain"),
    ],
)
def test_a_provider_that_returns_no_token_is_an_error(given: Any, reason: str) -> None:
    world = World(TokenStore(provider=Provider()))
    world.from_provider = [given]
    error = world.error(READ, [])
    assert type(error) is ApiResponseError
    assert error.reason == f"the token provider Provider {reason}"


class Promise:
    """An awaitable that isn't a coroutine, as a future is."""

    def __await__(self) -> Iterator[None]:
        yield


async def token_later() -> str:
    return "token"


@pytest.mark.parametrize("promise", [Promise, token_later])
def test_a_provider_that_must_be_awaited_is_for_the_other_client(promise: Any) -> None:
    with pytest.raises(ApiValueError, match=r"use knetik_cloud\.aio"):
        TokenStore(provider=Provider()).store_provided(promise(), 0)


def test_an_exception_of_a_provider_becomes_an_api_exception() -> None:
    world = World(TokenStore(provider=Provider()))
    world.from_provider = [KeyError("vault")]
    error = world.error(READ, [])
    assert type(error) is ApiException
    assert isinstance(error.__cause__, KeyError)
    assert error.operation == "read"


def test_credentials_have_an_order() -> None:
    everything = {"access_token": "fixed", "client_secret": "secret", "username": "robin", "password": "pass"}
    chosen = [
        Configuration(**everything, token_provider=Provider()).tokens(),
        Configuration(**everything).tokens(),
        Configuration(**{**everything, "access_token": None}).tokens(),
        Configuration(client_secret="secret").tokens(),
    ]
    assert chosen[0] is not None
    assert chosen[0].provider is not None
    assert chosen[1] is not None
    assert not chosen[1].is_renewable
    assert [store.grant()["grant_type"] for store in chosen[2:] if store] == [
        "password",
        "client_credentials",
    ]
    assert Configuration().tokens() is None


def test_a_username_needs_a_password() -> None:
    with pytest.raises(ApiValueError, match="password"):
        Configuration(username="robin").tokens()
