"""Tokens and permissions, enforced or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from knetik_cloud.contract import FORM, Contract
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.bodies import MAX_BODY_BYTES
from test.sandbox.web import Web

CLIENT = {"grant_type": "client_credentials", "client_id": "knetik", "client_secret": "client_secret_example"}
USER = {
    "grant_type": "password",
    "client_id": "knetik",
    "username": "user_id_example",
    "password": "password_example",
}


@pytest.fixture(scope="module")
def guarded_server() -> Iterator[Sandbox]:
    with Sandbox(require_auth=True, token_lifetime=600) as sandbox:
        yield sandbox


@pytest.fixture
def guarded(guarded_server: Sandbox) -> Iterator[Web]:
    guarded_server.reset()
    client = Web(guarded_server.url)
    yield client
    client.close()


def test_a_client_gets_a_token(web: Web) -> None:
    response = web.post("/oauth/token", form=CLIENT).json
    assert len(response.pop("access_token")) == 36
    assert response == {"token_type": "bearer", "expires_in": 43_200, "scope": "write read"}


def test_a_user_gets_a_token_that_can_be_refreshed(web: Web) -> None:
    first = web.post("/oauth/token", form=USER).json
    form = {"grant_type": "refresh_token", "client_id": "knetik", "refresh_token": first["refresh_token"]}
    second = web.post("/oauth/token", form=form).json
    assert second["access_token"] != first["access_token"]
    assert web.check("me", 56, token=second["access_token"]).status == 200


def test_the_parameters_may_come_in_the_query_string(web: Web) -> None:
    assert web.call("POST", "/oauth/token", query=USER).status == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({**CLIENT, "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "knetik"}, 401, "invalid_client"),
        ({**CLIENT, "client_id": "nobody"}, 401, "invalid_client"),
        ({**USER, "password": "wrong"}, 400, "invalid_grant"),
        ({**USER, "username": "nobody"}, 400, "invalid_grant"),
        ({**USER, "client_secret": "wrong"}, 401, "invalid_client"),
        (
            {"grant_type": "password", "client_id": "knetik", "username": "user_id_example"},
            400,
            "invalid_request",
        ),
        ({"grant_type": "refresh_token", "client_id": "knetik"}, 400, "invalid_request"),
        ({"grant_type": "client_credentials", "client_secret": "x"}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "knetik", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "facebook", "client_id": "knetik", "token": "x"}, 400, "unsupported_grant_type"),
    ],
)
def test_invalid_credentials_are_rejected_in_the_form_of_oauth(
    web: Web, form: dict[str, str], status: int, error: str
) -> None:
    reply = web.post("/oauth/token", form=form)
    assert (reply.status, reply.json["error"]) == (status, error)
    assert set(reply.json) == {"error", "error_description"}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"grant_type=%FF", FORM),
        (b"\xff=1", FORM),
        (b"a&" * 200, FORM),
        (b"a" * (MAX_BODY_BYTES + 1), FORM),
        (b"{}", "application/json"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_a_malformed_form_is_rejected_in_the_form_of_oauth(web: Web, body: bytes, media_type: str) -> None:
    reply = web.call("POST", "/oauth/token", body=body, headers={"Content-Type": media_type})
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert set(reply.json) == {"error", "error_description"}


def test_without_enforcement_any_token_is_accepted(web: Web) -> None:
    assert web.get("/inventories", token="made-up").status == 200
    assert web.get("/inventories", headers={"Authorization": "Basic abc"}).status == 200


def test_each_operation_requires_a_token_where_the_contract_has_permissions(guarded: Web) -> None:
    for operation in Contract.load().operations.values():
        path = operation.path
        for parameter in operation.parameters:
            path = path.replace(f"{{{parameter.name}}}", "56")
        reply = guarded.call(operation.method, path)
        if operation.permissions:
            assert (operation.id, reply.status) == (operation.id, 401)
            assert reply.json["error"] == "unauthorized"
            assert reply.headers["www-authenticate"].startswith("Bearer")
        elif not operation.issues_tokens:
            assert reply.status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_matched_in_any_case(guarded: Web, scheme: str) -> None:
    token = guarded.token()
    assert guarded.get("/inventories", headers={"Authorization": f"{scheme} {token}"}).status == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic abc", "x"])
def test_an_invalid_token_is_rejected_even_where_none_is_needed(guarded: Web, header: str) -> None:
    reply = guarded.get("/entitlements", headers={"Authorization": header})
    assert (reply.status, reply.json["error"]) == (401, "invalid_token")


def test_a_token_ends_by_the_clock(guarded: Web, guarded_server: Sandbox) -> None:
    token = guarded.token()
    guarded_server.advance(seconds=599)
    assert guarded.get("/inventories", token=token).status == 200
    guarded_server.advance(seconds=2)
    reply = guarded.get("/inventories", token=token)
    assert (reply.status, reply.json["error"]) == (401, "invalid_token")
    assert "expired" in reply.json["error_description"]


def test_tokens_can_be_ended_and_refreshed(guarded: Web, guarded_server: Sandbox) -> None:
    response = guarded.post("/oauth/token", form=USER).json
    assert guarded_server.expire_tokens() == 1
    assert guarded_server.expire_tokens() == 0  # those that have ended are not counted again
    assert guarded.check("me", 56, token=response["access_token"]).status == 401
    form = {"grant_type": "refresh_token", "refresh_token": response["refresh_token"]}
    assert guarded.check("me", 56, token=guarded.token(**form)).status == 200


@pytest.mark.parametrize(("grant", "kept"), [(CLIENT, 1), (USER, 2)])
def test_token_that_has_expired_is_stored_only_while_it_can_be_refreshed(
    tmp_path: Path, grant: dict[str, str], kept: int
) -> None:
    path = tmp_path / "x.db"
    with Sandbox(database=str(path), token_lifetime=600) as sandbox, closing(Web(sandbox.url)) as client:
        for _ in range(2):
            assert client.post("/oauth/token", form=grant).status == 200
            sandbox.advance(seconds=601)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT COUNT(*) FROM tokens").fetchone() == (kept,)


def test_a_refresh_token_ends_after_thirty_days(guarded: Web, guarded_server: Sandbox) -> None:
    response = guarded.post("/oauth/token", form=USER).json
    guarded_server.advance(days=30)
    form = {"grant_type": "refresh_token", "client_id": "knetik", "refresh_token": response["refresh_token"]}
    assert guarded.post("/oauth/token", form=form).json["error"] == "invalid_grant"


def test_owners_may_do_what_the_contract_permits(guarded: Web) -> None:
    token = guarded.token(**{key: value for key, value in USER.items() if key != "client_id"})
    assert guarded.get("/users/56/inventory", token=token).status == 200
    assert guarded.use(56, 56, token=token).status == 200
    for rejected in (
        guarded.get("/users/3/inventory", token=token),
        guarded.get("/inventories", token=token),
        guarded.get("/users/56/inventory/56", token=token),
        guarded.delete("/entitlements/56", token=token),
    ):
        assert rejected.status == 403
        assert "INVENTORY_ADMIN" in rejected.problem["message"]
        assert rejected.json["code"] == 1005


def test_a_client_without_permissions_may_do_little(guarded: Web) -> None:
    form = {"grant_type": "client_credentials", "client_id": "game", "client_secret": "game_secret"}
    token = guarded.post("/oauth/token", form=form).json["access_token"]
    assert guarded.get("/entitlements", token=token).status == 200
    assert guarded.get("/entitlements/templates", token=token).status == 403


def test_the_token_is_checked_before_the_request_is_read(guarded: Web) -> None:
    assert guarded.post("/entitlements", {"name": 1}).status == 401
    assert guarded.put("/users/x/inventory/y/status", "z").status == 401
