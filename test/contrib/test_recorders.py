"""With vcrpy and pytest-recording, calls are recorded and replayed without secrets, or rejected clearly."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import vcr

from knetik_cloud import (
    AccessTokenApi,
    ApiClient,
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiValueError,
    Configuration,
    NotFoundException,
    UsersInventoryApi,
    aio,
)
from test.faults.connection import closes
from test.faults.server import ENTRY, TOKEN_RESPONSE, FaultServer, http_response, keeps

KINDS = ["blocking", "asyncio"]
CREDENTIALS = {"username": "robin", "password": "password-canary", "client_secret": "secret-canary"}


def call(kind: str, configuration: Configuration, method: str = "get_user_inventory", *arguments: Any) -> Any:
    """Call a method with a client of a kind."""
    arguments = arguments or (56, 57)
    if kind == "blocking":
        with ApiClient(configuration) as client:
            return getattr(UsersInventoryApi(client), method)(*arguments)

    async def main() -> Any:
        async with aio.ApiClient(configuration) as client:
            return await getattr(aio.UsersInventoryApi(client), method)(*arguments)

    return asyncio.run(main())


@pytest.mark.parametrize("replaying", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_are_recorded_and_replayed(kind: str, replaying: str, tmp_path: Path) -> None:
    path = str(tmp_path / "cassette.yaml")
    missing = keeps(
        http_response({"code": 404, "request_id": "trace-1"}, "X-Seen: 1", status="404 Not Found")
    )
    with FaultServer() as server:
        configuration = Configuration(server.url, **CREDENTIALS)
        with vcr.use_cassette(path):
            assert call(kind, configuration).id == 56
            call(kind, configuration, "use_user_entitlement_item", 56, 57)
            server.play_next(keeps(http_response(TOKEN_RESPONSE)))
            server.play_next(missing)
            with pytest.raises(NotFoundException):
                call(kind, Configuration(server.url), "get_user_inventory", 56, 99)
        sent = len(server.requests)
        with vcr.use_cassette(path, record_mode="none") as cassette:
            assert call(replaying, configuration).id == 56
            call(replaying, configuration, "use_user_entitlement_item", 56, 57)
            with pytest.raises(NotFoundException) as caught:
                call(replaying, Configuration(server.url), "get_user_inventory", 56, 99)
            assert cassette.all_played
        assert len(server.requests) == sent
    assert (caught.value.request_id, caught.value.headers["x-seen"]) == ("trace-1", "1")


@pytest.mark.parametrize("kind", KINDS)
def test_cassette_holds_no_secret(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    token = "granted-token-canary"
    echo = keeps(http_response({**ENTRY, "item_name": f"Bearer {token}"}, f"X-Echo: {token}"))
    grant = keeps(http_response({**TOKEN_RESPONSE, "refresh_token": "refresh-canary"}))
    redirect = keeps(http_response(b"", f"Location: /there?t={token}", status=f"302 {token}"))
    with FaultServer([grant, redirect, echo]) as server:
        configuration = Configuration(server.url, **CREDENTIALS)
        with vcr.use_cassette(str(path)):
            call(kind, configuration)
        with vcr.use_cassette(str(path), record_mode="none"):
            assert call(kind, configuration).id == 56
    assert "canary" not in path.read_text()
    assert "/there?t=***" in path.read_text()


@pytest.mark.parametrize(
    "response",
    [
        http_response(b"access_token=token-canary&token_type=bearer"),
        http_response("token-canary"),
        http_response(["token-canary"]),
        http_response({"access_token": ["token-canary"]}),
        http_response({"accessToken": "token-canary"}),
        http_response({"data": {"access_token": "token-canary"}}),
        http_response({**TOKEN_RESPONSE, "id_token": "token-canary"}),
        http_response(b'{"access_token": "token-canary", "access_token": "granted-token"}'),
        http_response(TOKEN_RESPONSE, "X-Token: granted-token-canary"),
        http_response(TOKEN_RESPONSE, "Set-Cookie: session=cookie-canary"),
    ],
)
def test_no_form_of_a_token_is_in_a_cassette(response: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with (
        FaultServer([keeps(response)]) as server,
        vcr.use_cassette(str(path)),
        suppress(ApiResponseError),
    ):
        call("blocking", Configuration(server.url, client_secret="secret"))
    assert "canary" not in path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_call_that_is_not_recorded_is_rejected_in_one_sentence(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "streaming.yaml")
    with FaultServer() as server, vcr.use_cassette(path, record_mode="none"):
        with pytest.raises(ApiConnectionException) as caught:
            call(kind, Configuration(server.url))
        assert server.requests == []
    assert caught.value.reason == (
        f"the cassette {path} has no response to GET {server.url}/users/56/inventory/57 left: record it with "
        "record_mode='new_episodes', or use the sandbox instead"
    )
    assert not caught.value.may_have_applied
    assert len(caught.value.attempts) == 1


def test_streamed_response_is_rejected_in_one_sentence(tmp_path: Path) -> None:
    with FaultServer() as server, vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        with ApiClient(Configuration(server.url)) as client, pytest.raises(ApiValueError) as caught:
            client.raw(UsersInventoryApi(client).get_user_inventory, 56, 57)
        assert server.requests == []
    assert caught.value.reason == (
        "vcrpy can't record a streamed response: call the method without streaming"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", ["503 Busy", "401 Unauthorized"])  # such as of the masked token
def test_new_episodes_of_a_call_that_is_sent_again_are_recorded(
    failure: str, kind: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "cassette.yaml")
    with FaultServer() as server:
        configuration = Configuration(server.url, **CREDENTIALS)
        with vcr.use_cassette(path):
            call(kind, configuration)
        server.play_next(keeps(http_response(b"", status=failure)))
        with vcr.use_cassette(path, record_mode="new_episodes"):
            assert call(kind, configuration, "get_user_inventory", 56, 58).id == 56
        sent = len(server.requests)
        with vcr.use_cassette(path, record_mode="none") as cassette:
            assert call(kind, configuration, "get_user_inventory", 56, 58).id == 56
            assert call(kind, Configuration(server.url)).id == 56
            assert cassette.all_played
        assert len(server.requests) == sent
    assert "canary" not in Path(path).read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_calls_outside_of_a_cassette_and_failures_are_not_recorded(kind: str, tmp_path: Path) -> None:
    with FaultServer([closes]) as server:
        configuration = Configuration(server.url, retries=0)
        with vcr.use_cassette(str(tmp_path / "cassette.yaml")) as cassette:
            with pytest.raises(ApiException):
                call(kind, configuration)
            assert len(cassette) == 0
        assert call(kind, configuration).id == 56
        assert call(kind, configuration).id == 56
        assert len(server.requests) == 3


def test_cassette_of_another_client_needs_no_reason_phrase(tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    request = {"method": "GET", "uri": "http://service/users/56/inventory/57", "body": None, "headers": {}}
    response = {"status": {"code": 404, "message": None}, "headers": {}, "body": {"string": ""}}
    path.write_text(json.dumps({"version": 1, "interactions": [{"request": request, "response": response}]}))
    with vcr.use_cassette(str(path), serializer="json"), pytest.raises(NotFoundException) as caught:
        call("blocking", Configuration("http://service"))
    assert [attempt.outcome for attempt in caught.value.attempts] == ["404"]


def test_filters_and_ignored_hosts_of_vcrpy_apply(tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    recorder = vcr.VCR(filter_query_parameters=["filter_username"], ignore_localhost=False)
    empty = keeps(http_response({"content": []}))
    with FaultServer([empty]) as server, ApiClient(Configuration(server.url)) as client:
        with recorder.use_cassette(str(path)):
            UsersInventoryApi(client).get_users_inventory(filter_username="robin")
        assert "robin" not in path.read_text()
        with vcr.use_cassette(str(tmp_path / "other.yaml"), record_mode="none", ignore_localhost=True):
            assert UsersInventoryApi(client).get_user_inventory(56, 57).id == 56


@pytest.mark.parametrize("kind", KINDS)
def test_response_of_an_ignored_request_is_streamed(kind: str, tmp_path: Path) -> None:
    async def read(configuration: Configuration) -> bytes:
        async with aio.ApiClient(configuration) as client:
            return await (await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 57)).read()

    path = str(tmp_path / "cassette.yaml")
    with FaultServer() as server, vcr.use_cassette(path, ignore_localhost=True) as cassette:
        configuration = Configuration(server.url)
        if kind == "asyncio":
            body = asyncio.run(read(configuration))
        else:
            with ApiClient(configuration) as client:
                body = client.raw(UsersInventoryApi(client).get_user_inventory, 56, 57).read()
        assert b'"id"' in body
        assert len(cassette) == 0


def test_token_operation_called_by_hand_is_replayed_masked(tmp_path: Path) -> None:
    path = str(tmp_path / "cassette.yaml")
    with FaultServer() as server, ApiClient(Configuration(server.url)) as client:
        for expected in (TOKEN_RESPONSE["access_token"], "***"):
            with vcr.use_cassette(path):
                token = AccessTokenApi(client).get_o_auth_token(client_secret="secret")
                assert token.access_token == expected


def test_empty_token_is_replayed_as_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "cassette.yaml")
    granted = keeps(http_response({**TOKEN_RESPONSE, "refresh_token": ""}))
    with FaultServer([granted]) as server, ApiClient(Configuration(server.url)) as client:
        for _ in range(2):
            with vcr.use_cassette(path):
                assert AccessTokenApi(client).get_o_auth_token(client_secret="secret").refresh_token == ""


PYTEST_RECORDING = """
import pytest
from knetik_cloud import ApiClient, ApiException, Configuration, UsersInventoryApi

@pytest.mark.vcr
@pytest.mark.block_network
def test_replays():
    with ApiClient(Configuration({host!r})) as client:
        assert UsersInventoryApi(client).get_user_inventory(56, 57).id == 56

@pytest.mark.block_network
def test_does_not_call():
    with ApiClient(Configuration({host!r})) as client, pytest.raises(Exception, match="Network is disabled"):
        UsersInventoryApi(client).get_user_inventory(56, 57)
"""


def test_pytest_recording_records_and_replays(tmp_path: Path) -> None:
    with FaultServer() as server:
        module = tmp_path / "test_shop.py"
        module.write_text(PYTEST_RECORDING.format(host=server.url))
        plugins = ["-p", "pytest_recording.plugin", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", *plugins, str(module)]
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others load slowly
        record = [*command, "--record-mode=once", "-k", "replays"]
        subprocess.run(record, cwd=tmp_path, env=environment, capture_output=True, check=True)
        recorded = len(server.requests)
        result = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert "2 passed" in result.stdout, result.stdout
        assert len(server.requests) == recorded == 1
