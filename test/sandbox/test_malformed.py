"""Requests that are wrong in unusual ways: none is a defect, on either database."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from knetik_cloud.contract import Contract
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.control_api import contract as control_contract
from knetik_cloud.sandbox.control_api import routes
from knetik_cloud.sandbox.errors import ServiceError
from knetik_cloud.sandbox.rules.definitions import RULES
from test.sandbox.web import Web

LONG = "9" * 5000
DEEP = b"[" * 200_000


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A server on disk, shared by the tests of this module."""
    if request.param == "sqlite":
        database = str(tmp_path_factory.mktemp("database") / "sandbox.db")
    else:
        database = request.getfixturevalue("module_postgresql_url")
    with Sandbox(database=database) as sandbox:
        yield sandbox


@pytest.fixture
def client(running: Sandbox) -> Iterator[Web]:
    running.reset()
    client = Web(running.url)
    yield client
    client.close()


def item(**behavior: Any) -> dict[str, Any]:
    return {"type_hint": "entitlement", "name": "x", "behaviors": [{"type_hint": "consumable", **behavior}]}


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"),
    [
        ("GET", "/entitlements?order=" + ",".join(["id:ASC"] * 3000), ..., {200}),
        ("GET", "/entitlements/templates?order=" + ",".join(["id:ASC", "name:DESC"] * 1000), ..., {200}),
        ("GET", f"/users/56/inventory?filter_date=GT,{LONG}", ..., {400}),
        ("GET", "/users/56/inventory?filter_date=" + ",".join(["GT,1"] * 4000), ..., {400}),
        ("GET", f"/users/{LONG}/entitlements/56/check", ..., {404}),
        ("GET", f"/users/{LONG}/inventory", ..., {400, 404}),
        ("GET", f"/users/me{LONG}/inventory", ..., {400}),
        ("GET", f"/entitlements/{LONG}", ..., {400}),
        ("GET", f"/entitlements?page={LONG}", ..., {400}),
        ("GET", f"/users/56/inventory?filter_item_id={LONG}", ..., {400}),
        ("GET", f"/inventories?filter_item_name={LONG}&filter_username={LONG}", ..., {200}),
        ("GET", "/entitlements?page=2147483647&size=2147483647", ..., {200, 400}),
        ("POST", "/entitlements", item(item_ids=[{"a": 1}]), {201}),
        ("POST", "/entitlements", item(item_ids=5), {201}),
        ("POST", "/entitlements", item(item_ids=[2**70]), {201}),
        ("POST", "/entitlements", item(group="x", group_name=[1], price=None), {201}),
        ("POST", "/entitlements", {**item(), "unique_key": "é" * 5000}, {400}),
        ("POST", "/entitlements", {**item(), "template": "é" * 5000}, {400}),
        ("POST", "/users/56/inventory", {"sku": "x" * 5000, "note": "n"}, {400}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unusual_requests_cause_no_defects(
    client: Web, method: str, path: str, body: Any, statuses: set[int]
) -> None:
    reply = client.call(method, path, body)
    assert reply.status in statuses, reply.body
    # A message repeats the start of a long value, not all of it.
    assert len(reply.body) < 20_000


def test_long_lists_of_prerequisites_are_checked(client: Web) -> None:
    behaviors = [{"type_hint": "pre_req_entitlement", "item_ids": [*range(1000, 71_000)]}]
    reply = client.post("/entitlements", {"type_hint": "entitlement", "name": "x", "behaviors": behaviors})
    assert reply.status == 400
    assert "and 69980 more" in reply.problem["message"]
    behaviors[0]["item_ids"] = [56] * 40_000
    reply = client.post("/entitlements", {"type_hint": "entitlement", "name": "x", "behaviors": behaviors})
    assert reply.status == 201
    assert client.grant(56, reply.json["id"]).status == 202


@pytest.mark.parametrize(
    "behavior",
    [
        {
            "type_hint": "limited_gettable",
            "group": {"name": "é" * 5000, "active_only": False, "owned_limit": 1},
        },
        {
            "type_hint": "time_period_gettable",
            "group_name": "é" * 5000,
            "get_limit": 1,
            "time_length": 1,
            "unit_of_time": "day",
        },
    ],
)
def test_long_names_of_groups_are_rejected(client: Web, behavior: dict[str, Any]) -> None:
    reply = client.post("/entitlements", {"type_hint": "entitlement", "name": "x", "behaviors": [behavior]})
    assert reply.status == 400
    assert "at most 500 characters, not 5000" in reply.problem["message"]


ODD = [None, True, -1, 0, 2**31, 2**70, 1.5, 1e308, "", "x", "é" * 3000, [], [1], [{}], {}, {"a": [1]}]


def test_stray_fields_of_other_types_are_kept_or_rejected(client: Web) -> None:
    """Send every behavior and property with odd values in the fields of all the others."""
    chance = random.Random(20170815)
    contract = Contract.load()
    fields = sorted(
        {
            name
            for schema in contract.schemas
            for name in contract.fields(schema)
            if name not in ("type_hint", "type")
        }
    )
    properties = sorted(contract.discriminator("Property").mapping)  # type: ignore[union-attr]
    for _ in range(300):
        behavior = {name: chance.choice(ODD) for name in chance.sample(fields, 6)}
        behavior["type_hint"] = chance.choice([*RULES])
        value = {name: chance.choice(ODD) for name in chance.sample(fields, 4)}
        value["type"] = chance.choice(properties)
        body = {
            "type_hint": "entitlement",
            "name": "x",
            "behaviors": [behavior],
            "additional_properties": {"p": value},
            **{name: chance.choice(ODD) for name in chance.sample(fields, 2)},
        }
        reply = client.post("/entitlements", body)
        assert reply.status in (201, 400), (body, reply.body)
        if reply.status == 201:
            assert client.grant(56, reply.json["id"]).status in (202, 400)
            assert client.use(56, reply.json["id"]).status in (200, 403)
            assert client.get(f"/entitlements/{reply.json['id']}").status == 200
        definition = {**value, "name": "p", "required": chance.choice([True, False])}
        template = {"name": "t", "properties": [definition], "behaviors": chance.choice(ODD)}
        assert client.post("/entitlements/templates", template).status in (201, 400)


# The control API


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *(("GET", f"/_sandbox/wallets/{user}", ...) for user in ("9" * 30, LONG, "-1", "x", "%00", "%D9%A3")),
        *(("POST", "/_sandbox/faults", {"operation": each, "status": 503}) for each in (5, [1], None, {})),
        *(("POST", "/_sandbox/faults", body) for body in (DEEP, b"", b"{", b"\xff", b"NaN", b"9" * 5000)),
        *(("POST", "/_sandbox/seed", body) for body in (b"", DEEP, b"!!int ''", b"!!timestamp '2020-99-99'")),
        *(
            ("POST", "/_sandbox/seed", b"users: [{id: 10, username: kim, groups: %s}]" % each)
            for each in (b"[[a]]", b"{a: b}", b"!!set {a}", b"[a, a]", b"[!!timestamp 2020-2-2]", b'["\\0"]')
        ),
        *(
            ("POST", "/_sandbox/clock/advance", body)
            for body in (
                {"days": True},
                {"days": None},
                {"days": "1"},
                {"days": 3_650_000},
                {"days": -30_000},
                b'{"days": NaN}',
                b'{"days": Infinity}',
                b'{"days": 1e999}',
                DEEP,
                {"weeks": 1e18},
            )
        ),
        *(
            ("PUT", "/_sandbox/clock", body)
            for body in (
                {"now": 253_402_300_800},
                {"now": -1},
                {"now": 1e300},
                {"now": None},
                {"now": [1]},
                {"frozen": 1},
                {"frozen": "true"},
                {"later": 1},
                b'{"now": NaN}',
                DEEP,
                {"now": "9999-12-31T23:59:59-10:00"},
                {"now": "0001-01-01T00:00:00+10:00"},
            )
        ),
        *(("PUT", f"/_sandbox/snapshots/{name}", ...) for name in ("%00", "a%0ab", "x" * 201)),
        *(("POST", f"/_sandbox/snapshots/{name}/restore", ...) for name in ("%00", "x" * 5000)),
        ("GET", "/_sandbox/journal?operation=%00", ...),
    ],
    ids=lambda value: str(value)[:50],
)
def test_malformed_control_calls_are_rejected(
    client: Web, running: Sandbox, method: str, path: str, body: Any
) -> None:
    before = running.export()
    raw = body if isinstance(body, bytes) else None
    reply = client.call(method, path, ... if raw is not None else body, body=raw)
    assert reply.status in (400, 404), reply.body
    assert reply.json["result"][0]["message"]
    assert running.export() == before
    assert abs(running.now() - client.get("/_sandbox/clock").json["now"]) < 60


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"items": [{"type_hint": "entitlement", "name": "x", "extra": float("nan")}]}, "must be finite"),
        ({"items": [{"type_hint": "entitlement", "name": "x", "extra": {1: 2}}]}, "keys of the seed must be"),
        ({"items": [{"type_hint": "entitlement", "name": "x", "extra": "a\0b"}]}, "can't be stored"),
        ({"items": [{"type_hint": "entitlement", "name": "x", "extra": "\ud800"}]}, "can't be stored"),
        (
            {"items": [{"type_hint": "entitlement", "name": "x", "extra": b"x"}]},
            "JSON values only, not bytes",
        ),
        ({"items": [{"type_hint": "entitlement", "name": "x", "extra": 2**20_000}]}, "at most 10000 bits"),
        ({"items": [{"type_hint": "entitlement", "name": "x", "unique_key": "x" * 501}]}, "at most 500"),
        ({"items": [{"id": 2**31 - 1, "type_hint": "entitlement", "name": "x"}]}, "2000000000 or less"),
        ({"users": [{"id": 2**31 - 1, "username": "x"}]}, "2000000000 or less"),
        ({"users": [{"username": "x" * 501}]}, "at most 500 characters"),
        ({"items": [{"type_hint": "entitlement", "name": "x", "template": "x" * 501}]}, "at most 500"),
        ({"skus": [{"sku": "x", "item_id": 56, "price": 10**400}]}, r"skus\[0\].price must be .* or less"),
        ({"wallets": [{"user_id": 1, "currency_code": "USD", "balance": 2**63}]}, "balance must be from"),
        ({"users": {(1, 2): 3}}, r"users must be a list, not {\(1, 2\): 3}"),
    ],
)
def test_seeds_that_can_not_be_stored_are_rejected(running: Sandbox, seed: Any, message: str) -> None:
    before = running.export()
    with pytest.raises(ValueError, match=message):
        running.seed(seed)
    assert running.export() == before


def test_references_that_multiply_a_seed_are_rejected(client: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from knetik_cloud.sandbox import seed

    monkeypatch.setattr(seed, "MAX_VALUES", 10_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    text = "templates: [{id: t, name: t, bomb: {" + ", ".join(lines) + "}}]"
    reply = client.call("POST", "/_sandbox/seed", body=text.encode())
    assert reply.status == 400
    assert "at most 10000 values" in reply.problem["message"]


def test_references_in_a_key_do_not_multiply_it() -> None:
    from knetik_cloud.sandbox import seed

    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError, match="unhashable key"):
            seed.parse("\n".join([*lines, "? *a5", ": 1"]))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_balance_beyond_64_bits_is_rejected(client: Web, running: Sandbox) -> None:
    running.seed({"wallets": [{"user_id": 56, "currency_code": "GEM", "balance": 2**63 - 5}]})
    coins = [
        {"type_hint": "fulfillable", "type_name": "wallet"},
        {"type_hint": "spendable", "currency_code": "GEM", "value": 3},
    ]
    purse = client.create_item(*coins)
    assert client.grant(56, purse).status == 202
    assert client.grant(56, purse).status == 400
    assert running.wallet(56)["GEM"] == 2**63 - 2
    assert len(client.entries(56, purse)) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 450.5}, "status must be a whole number"),
        ({"status": True}, "status must be a whole number"),
        ({"status": "503"}, "status must be a whole number"),
        ({"status": 600}, "from 400 to 599"),
        ({"status": 503, "times": 1.5}, "times must be a whole number"),
        ({"status": 503, "times": True}, "times must be a whole number"),
        ({"delay": float("nan")}, "delay must be from 0 to 3600"),
        ({"delay": True}, "delay must be a number"),
        ({"delay": "1"}, "delay must be a number"),
        ({"status": 503, "applied": 1}, "applied must be true or false"),
        ({"reset": "yes"}, "reset must be true or false"),
        ({"status": 503, "headers": {"Retry After": "1"}}, "names without spaces"),
        ({"status": 503, "headers": {"": "1"}}, "names without spaces"),
        ({"status": 503, "headers": {"X": " 1"}}, "outer spaces"),
        ({"status": 503, "headers": {"X": "é"}}, "printable ASCII"),
        ({"status": 503, "headers": {"X": 5}}, "a map of names to strings"),
        ({"status": 503, "headers": {"content-length": "5"}}, "the server computes it"),
        ({"status": 503, "headers": {"Transfer-Encoding": "chunked"}}, "the server computes it"),
    ],
    ids=str,
)
def test_faults_that_can_not_be_applied_are_rejected(
    client: Web, running: Sandbox, fault: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        running.fail("*", **fault)
    body = json.dumps({"operation": "*", **fault}).encode()
    assert client.call("POST", "/_sandbox/faults", body=body).status == 400
    assert running.faults == []
    assert client.get("/entitlements/56").status == 200


def test_headers_of_a_fault_reach_the_client(client: Web, running: Sandbox) -> None:
    running.fail("get_entitlement_item", delay=0.001, headers={"X-Trace": "a b", "Empty": ""})
    reply = client.get("/entitlements/56")
    assert (reply.status, reply.headers["x-trace"], reply.headers["empty"]) == (200, "a b", "")


@pytest.mark.parametrize("seconds", [3_650_000 * 86_400, -30_000 * 86_400, float("nan"), float("inf")])
def test_the_clock_rejects_times_that_it_can_not_show(running: Sandbox, seconds: float) -> None:
    running.freeze("2030-01-01T00:00:00Z")
    with pytest.raises(ValueError, match=r"clock must be from 1970 to 9999|too long|finite"):
        running.advance(seconds=seconds)
    assert running.now() == 1_893_456_000
    running.set_time(253_402_300_799)
    running.resume()
    with pytest.raises(ValueError, match="clock must be from 1970 to 9999"):
        running.advance(days=1)
    assert running.now() <= 253_402_300_799
    running.reset()


# Its contract


def test_the_contract_of_the_control_api_describes_every_route(sandbox: Sandbox) -> None:
    assert sandbox._service is not None
    served = {
        (method, route.path_format)
        for route in routes(sandbox._service)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (method.upper(), path)
        for path, operations in control_contract()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert served == described


def test_the_contract_of_the_control_api_is_valid_and_served(web: Web) -> None:
    from openapi_spec_validator import validate

    document = web.get("/_sandbox/openapi.json").json
    validate(document)
    assert document == json.loads(json.dumps(control_contract()))
