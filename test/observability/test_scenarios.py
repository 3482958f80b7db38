"""The same scenarios over both clients give exactly these hook calls, log records and spans."""

from __future__ import annotations

import pytest

from test.faults.connection import closes, holds
from test.faults.server import TOKEN_RESPONSE, healthy, http_response, keeps
from test.observability.scenarios import CREDENTIALS, Scenario, run

READ = "GET /users/{user_id}/inventory/{id}"
USE = "POST /users/{user_id}/entitlements/{item_id}/use"
TOKEN = "POST /oauth/token"
BUSY = keeps(http_response(b"", status="503 Service Unavailable"))
REJECTED = keeps(http_response(b"", status="401 Unauthorized"))
MISSING = keeps(http_response({"code": 404, "request_id": "trace-1"}, status="404 Not Found"))
GRANT = keeps(http_response(TOKEN_RESPONSE))

SCENARIOS = {
    "success": Scenario(
        "get_user_inventory",
        (56, 57),
        (healthy,),
        [
            f"call get_user_inventory {READ}",
            "attempt 1",
            "attempt 1: 200",
            "end of get_user_inventory after 1: done",
        ],
        [f"DEBUG {READ}: 200 OK in T s"],
        [READ, f"  {READ}, 200"],
    ),
    "retry": Scenario(
        "get_user_inventory",
        (56, 57),
        (BUSY, closes, healthy),
        [
            f"call get_user_inventory {READ}",
            "attempt 1",
            "attempt 1: 503, again",
            "attempt 2",
            "attempt 2: ApiConnectionException, again",
            "attempt 3",
            "attempt 3: 200",
            "end of get_user_inventory after 3: done",
        ],
        [
            f"DEBUG {READ}: 503 Service Unavailable in T s",
            "WARNING get_user_inventory: attempt 1 failed (503 Service Unavailable), retrying in T s",
            f"DEBUG {READ}: {{closed}} in T s",
            "WARNING get_user_inventory: attempt 2 failed ({closed}), retrying in T s",
            f"DEBUG {READ}: 200 OK in T s",
        ],
        [
            READ,
            f"  {READ}, 503, error 503",
            f"  {READ}, resend 1, error ApiConnectionException",
            f"  {READ}, resend 2, 200",
        ],
    ),
    "token renewal": Scenario(
        "get_user_inventory",
        (56, 57),
        (GRANT, REJECTED, GRANT, healthy),
        [
            f"call get_user_inventory {READ}",
            f"call get_o_auth_token {TOKEN}",
            "attempt 1",
            "attempt 1: 200",
            "end of get_o_auth_token after 1: done",
            "token",
            "attempt 1",
            "attempt 1: 401, again at once",
            f"call get_o_auth_token {TOKEN}",
            "attempt 1",
            "attempt 1: 200",
            "end of get_o_auth_token after 1: done",
            "token, renewed",
            "attempt 2",
            "attempt 2: 200",
            "end of get_user_inventory after 2: done",
        ],
        [
            f"DEBUG {TOKEN}: 200 OK in T s",
            f"DEBUG {READ}: 401 Unauthorized in T s",
            f"DEBUG {TOKEN}: 200 OK in T s",
            f"DEBUG {READ}: 200 OK in T s",
        ],
        [
            f"{READ}, knetik_cloud.token, knetik_cloud.token",
            f"  {TOKEN}",
            f"    {TOKEN}, 200",
            f"  {READ}, 401, error 401",
            f"  {TOKEN}",
            f"    {TOKEN}, 200",
            f"  {READ}, resend 1, 200",
        ],
        CREDENTIALS,
    ),
    "token that can't be obtained": Scenario(
        "get_user_inventory",
        (56, 57),
        (REJECTED,),
        [
            f"call get_user_inventory {READ}",
            f"call get_o_auth_token {TOKEN}",
            "attempt 1",
            "attempt 1: 401",
            "end of get_o_auth_token after 1: UnauthorizedException",
            "UnauthorizedException",
            "end of get_user_inventory after 0: UnauthorizedException",
        ],
        [
            f"DEBUG {TOKEN}: 401 Unauthorized in T s",
            "WARNING a new token could not be obtained (401 Unauthorized)",
        ],
        [
            f"{READ}, error 401, knetik_cloud.token",
            f"  {TOKEN}, error 401",
            f"    {TOKEN}, 401, error 401",
        ],
        CREDENTIALS,
    ),
    "ambiguous write": Scenario(
        "use_user_entitlement_item",
        (56, 57),
        (closes,),
        [
            f"call use_user_entitlement_item {USE}",
            "attempt 1",
            "attempt 1: ApiConnectionException, may have applied",
            "end of use_user_entitlement_item after 1: ApiConnectionException, may have applied",
        ],
        [f"DEBUG {USE}: {{closed}} in T s"],
        [
            f"{USE}, error ApiConnectionException",
            f"  {USE}, error ApiConnectionException",
        ],
    ),
    "rejected write": Scenario(
        "use_user_entitlement_item",
        (56, 57),
        (MISSING,),
        [
            f"call use_user_entitlement_item {USE}",
            "attempt 1",
            "attempt 1: 404",
            "end of use_user_entitlement_item after 1: NotFoundException",
        ],
        [f"DEBUG {USE}: 404 Not Found in T s"],
        [f"{USE}, error 404", f"  {USE}, 404, error 404"],
    ),
    "cancellation": Scenario(
        "use_user_entitlement_item",
        (56, 57),
        (holds,),
        [
            f"call use_user_entitlement_item {USE}",
            "attempt 1",
            "attempt 1: {interruption}, may have applied",
            "end of use_user_entitlement_item after 1: {interruption}, may have applied",
        ],
        [],
        [f"{USE}, error {{interruption}}", f"  {USE}, error {{interruption}}"],
        is_interrupted=True,
    ),
    "invalid argument": Scenario(
        "get_user_inventory",
        ("", 57),
        (),
        [
            f"call get_user_inventory {READ}",
            "end of get_user_inventory after 0: ApiValueError",
        ],
        [],
        [f"{READ}, error ApiValueError"],
    ),
}


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "coroutines"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_is_seen_in_hooks_logs_and_spans(name: str, kind: str) -> None:
    scenario = SCENARIOS[name]
    seen = run(scenario, kind)
    port = seen.server.port
    words = {
        "interruption": "Interrupted" if kind == "blocking" else "CancelledError",
        "closed": f"127.0.0.1:{port} closed the connection without a response",
    }

    def filled(lines: list[str]) -> list[str]:
        for word, text in words.items():
            lines = [line.replace(f"{{{word}}}", text) for line in lines]
        return lines

    assert seen.hooks == filled(scenario.hooks)
    assert seen.logs == filled(scenario.logs)
    assert seen.telemetry.described() == filled(scenario.spans)
