"""Control of the sandbox: over HTTP under /_sandbox/, and the same in Python."""

from __future__ import annotations

import errno
import http.client
import logging
import multiprocessing
import re
import signal
import socket
from collections import ChainMap, UserDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml

from knetik_cloud.sandbox import Sandbox, Settings
from knetik_cloud.sandbox.control_api import contract
from knetik_cloud.sandbox.controls import Controls
from knetik_cloud.sandbox.faults import Fault
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.settings import Options
from knetik_cloud.sandbox.storage import UnusableDatabase
from test.sandbox.web import Web


def test_reset_goes_back_to_the_first_state(web: Web, sandbox: Sandbox) -> None:
    before = web.get("/inventories", query={"inactive": "true"}).json
    web.grant(56, 56)
    web.delete("/entitlements/1")
    sandbox.advance(days=400)
    sandbox.fail("*", status=503)
    assert web.post("/_sandbox/reset").status == 204
    assert web.get("/inventories", query={"inactive": "true"}).json == before
    assert web.get("/entitlements/1").status == 200
    assert abs(sandbox.now() - datetime.now(UTC).timestamp()) < 60
    assert len(sandbox.journal()) == 2


def test_a_snapshot_is_restored_with_its_clock(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    web.grant(56, 56)
    assert web.put("/_sandbox/snapshots/before").status == 204
    before = web.get("/users/56/inventory").json
    web.delete("/entitlements/56")
    first = web.create_item()
    sandbox.advance(days=1)
    assert web.post("/_sandbox/snapshots/before/restore").status == 204
    assert web.get("/users/56/inventory").json == before
    assert sandbox.now() == datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    assert web.create_item() == first
    assert "before" in web.get("/_sandbox/snapshots").json["snapshots"]


@pytest.mark.parametrize(
    "name", ["v1.0/rc", "restore", "restore/a", "/a", "a/", "a//b", "../a", "50% off?#", "é ☃"]
)
def test_name_of_a_snapshot_may_contain_any_printable_character(
    web: Web, sandbox: Sandbox, name: str
) -> None:
    path = f"/_sandbox/snapshots/{quote(name, safe='')}"
    assert web.put(path).status == 204
    item_id = web.create_item()
    assert name in web.get("/_sandbox/snapshots").json["snapshots"]
    assert web.post(f"{path}/restore").status == 204
    assert web.get(f"/entitlements/{item_id}").status == 404
    sandbox.restore(name)


def test_name_that_ends_like_the_address_of_a_restore_is_rejected(web: Web, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"name must not be 'a/restore'.*choose another"):
        sandbox.snapshot("a/restore")
    for path in ("a/restore", "a%2Frestore"):
        reply = web.put(f"/_sandbox/snapshots/{path}")
        assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("name", [".", ".."])
def test_snapshot_without_an_address_is_rejected(web: Web, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(ValueError, match=f"name must not be '{re.escape(name)}'.*choose another"):
        sandbox.snapshot(name)
    for path in (name, name.replace(".", "%2E")):
        reply = web.put(f"/_sandbox/snapshots/{path}")
        assert (reply.status, reply.problem["field"]) == (400, "name")


def test_a_snapshot_that_does_not_exist_is_not_found(web: Web, sandbox: Sandbox) -> None:
    assert web.post("/_sandbox/snapshots/nope/restore").problem["field"] == "name"
    with pytest.raises(KeyError, match="nope"):
        sandbox.restore("nope")


SEED = """
users:
  - {id: 7, username: kim, password: secret, groups: [testers], permissions: [TEMPLATE_ADMIN]}
clients:
  - {client_id: ci, client_secret: hush}
items:
  - {id: 70, type_hint: entitlement, name: Lamp, behaviors: [{type_hint: consumable, max_use: 1}]}
skus:
  - {sku: lamp, item_id: 70, price: 2}
inventory:
  - {id: 700, user_id: 7, item_id: 70, log: [{type: grant}]}
wallets:
  - {user_id: 7, currency_code: EUR, balance: 5}
"""


def test_a_seed_adds_to_the_data(web: Web, sandbox: Sandbox) -> None:
    assert web.call("POST", "/_sandbox/seed", body=SEED.encode()).status == 204
    assert web.use(7, 70).status == 200
    assert web.use(7, 70).status == 403
    page = web.get("/inventories", query={"filter_group": "testers", "inactive": "true"}).json
    assert [entry["id"] for entry in page["content"]] == [700]
    assert web.get("/_sandbox/wallets/7").json == sandbox.wallet(7) == {"EUR": 5}
    assert web.create_item() == 71
    assert web.token(grant_type="password", username="kim", password="secret", client_id="ci")


def test_a_seed_takes_the_place_of_what_has_its_key(web: Web, sandbox: Sandbox) -> None:
    sandbox.seed({"items": [{"id": 56, "type_hint": "entitlement", "name": "Stone"}]})
    assert web.get("/entitlements/56").json["name"] == "Stone"
    assert web.get("/entitlements").json["total_elements"] == 6


def test_a_date_in_a_seed_is_the_text_that_it_would_be_in_json(web: Web, sandbox: Sandbox) -> None:
    assert web.call("POST", "/_sandbox/seed", body=b"users: [{username: 2020-02-02}]").status == 204
    assert "2020-02-02" in [user["username"] for user in sandbox.export()["users"]]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("items: [", "not valid YAML"),
        ("[1]", "a seed is a map of sections, not [1]"),
        ("planets: []", "the seed has no planets; it may have users, clients"),
        ("users: 5", "users must be a list, not 5"),
        ("users: [5]", "users[0] must be an object, not 5"),
        ("users: &list [*list]", "users[0] must be an object, not [["),
        ("users: [{id: 5}]", "users[0].username is required"),
        ("users: [{username: true}]", "users[0].username must be a text"),
        ("users: [{id: x, username: x}]", "users[0].id must be a whole number"),
        ("users: [{username: x, nmae: x}]", "users[0] has no nmae; it may have id, username"),
        ("users: [{username: x, 5: x}]", "users[0] has no 5"),
        ("items: [{type_hint: entitlement, name: a, unique_key: potion_of_speed}]", "items[0]: unique_key"),
        ("inventory: [{user_id: 1, item_id: 1, status: gone}]", "inventory[0].status must be one of"),
        ("items: [{type_hint: entitlement}]", "items[0]: name is required"),
        ("users: [{username: a}]\nusers: [{username: b}]", "'users' occurs twice in an object"),
        ("users: [{username: a, username: b}]", "'username' occurs twice in an object"),
        ('{"users": [{"username": "a"}], "users": [{"username": "b"}]}', "'users' occurs twice in an object"),
        (
            r'{"users": [{"username": "\ud83d\ude00", "username": "b"}]}',
            "'username' occurs twice in an object",
        ),
        (
            "items: [{type_hint: entitlement, name: a, behaviors: [{type_hint: consumable, max_use: 0}]}]",
            "items[0]: behaviors[0].max_use must be 1 or more",
        ),
        ("items: [{type_hint: entitlement, name: ' '}]", "items[0]: name must not be blank"),
        ("templates: [{id: a, name: ' '}]", "templates[0]: name must not be blank"),
        (
            """
templates:
  - {id: a, name: a, properties: [{name: b, type: long, required: true, min: 2, max: 1}]}
""",
            "templates[0]: properties[0].max must not be below min: 1 is less than 2",
        ),
        (
            """
templates:
  - id: a
    name: a
    behaviors: [{behavior: {type_hint: consumable, max_use: 0}, required: true, modifiable: true}]
""",
            "templates[0]: behaviors[0].behavior.max_use must be 1 or more",
        ),
    ],
)
def test_an_invalid_seed_is_rejected_and_changes_nothing(
    web: Web, sandbox: Sandbox, seed: str, message: str
) -> None:
    before = sandbox.export()
    reply = web.call("POST", "/_sandbox/seed", body=seed.encode())
    assert reply.status == 400
    assert message in reply.json["result"][0]["message"]
    assert sandbox.export() == before


def test_seed_may_refer_to_its_own_maps(web: Web, sandbox: Sandbox) -> None:
    text = """
users:
  - &kim {id: 7, username: kim, groups: [testers]}
  - &lee {<<: *kim, id: 8, username: lee}
  - {<<: *lee, <<: *kim, id: 9, username: sam}
"""
    assert web.call("POST", "/_sandbox/seed", body=text.encode()).status == 204
    found = {user["username"]: user.get("groups") for user in sandbox.export()["users"]}
    assert [found[name] for name in ("kim", "lee", "sam")] == [["testers"]] * 3


def test_a_json_seed_may_have_a_byte_order_mark_and_escapes(
    web: Web, sandbox: Sandbox, tmp_path: Path
) -> None:
    text = r'{"items": [{"id": 9, "type_hint": "entitlement", "name": "\ud83d\ude00 Torch"}]}'
    path = tmp_path / "seed.json"
    path.write_text(text, "utf-8-sig")
    sandbox.seed(path)
    assert web.get("/entitlements/9").json["name"] == "\U0001f600 Torch"
    sandbox.reset()
    assert web.call("POST", "/_sandbox/seed", body=path.read_bytes()).status == 204
    assert web.get("/entitlements/9").json["name"] == "\U0001f600 Torch"


def test_an_invalid_seed_in_python_is_a_value_error(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="planets"):
        sandbox.seed({"planets": []})
    with pytest.raises(FileNotFoundError):
        sandbox.seed(tmp_path / "missing.yaml")


@pytest.mark.parametrize("kind", [MappingProxyType, UserDict, ChainMap])
def test_a_seed_may_be_a_map_of_any_type(sandbox: Sandbox, kind: Callable[[Any], Mapping[str, Any]]) -> None:
    seed = kind({"users": [{"id": 10, "username": "kim"}]})
    sandbox.seed(seed)
    with Sandbox(seed=seed) as other:
        assert [user["id"] for user in other.export()["users"]] == [10]


def test_an_export_is_a_seed(web: Web, sandbox: Sandbox, tmp_path: Path) -> None:
    web.grant(3, 1)
    exported = sandbox.export()
    assert exported == web.get("/_sandbox/export").json
    path = tmp_path / "seed.yaml"
    path.write_text(yaml.safe_dump(exported))
    with Sandbox(seed=path) as other:
        assert other.export() == exported


def test_an_empty_sandbox_has_nothing() -> None:
    with Sandbox(empty=True) as sandbox:
        client = Web(sandbox.url)
        assert client.get("/entitlements").json["total_elements"] == 0
        sandbox.reset()
        assert client.create_item() == 1
        client.close()


# The clock


@pytest.mark.parametrize(
    ("body", "seconds"),
    [({"days": 3}, 259_200), ({"hours": 1, "minutes": 1, "seconds": 1.5}, 3661.5), ({"weeks": -1}, -604_800)],
)
def test_time_is_advanced(web: Web, body: dict[str, Any], seconds: float) -> None:
    before = web.get("/_sandbox/clock").json["now"]
    after = web.post("/_sandbox/clock/advance", body).json["now"]
    assert after - before == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("body", [{"years": 1}, {"days": "x"}, [1], {"days": 1e300}])
def test_an_invalid_duration_is_rejected(web: Web, body: Any) -> None:
    assert web.post("/_sandbox/clock/advance", body).status == 400


def test_time_is_set_and_stopped(web: Web, sandbox: Sandbox) -> None:
    reply = web.put("/_sandbox/clock", {"now": "2020-02-02T00:00:00+00:00", "frozen": True})
    assert reply.json == {"now": 1_580_601_600.0, "frozen": True}
    assert sandbox.now() == 1_580_601_600
    sandbox.advance(seconds=5)
    assert sandbox.now() == 1_580_601_605
    assert web.put("/_sandbox/clock", {"frozen": False}).json["frozen"] is False
    sandbox.set_time(datetime(2021, 1, 1, tzinfo=UTC))
    assert sandbox.now() == pytest.approx(1_609_459_200, abs=5)


@pytest.mark.parametrize(
    "body", [{"now": True}, {"now": -1}, {"now": "noon"}, {"now": 1e20}, {"frozen": "yes"}, 5]
)
def test_an_invalid_time_is_rejected(web: Web, body: Any) -> None:
    assert web.put("/_sandbox/clock", body).status == 400


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("tomorrow", "when must be epoch seconds, an aware datetime or ISO 8601 with a UTC offset, such as"),
        (None, "when must be epoch seconds"),
        ("2030-01-01", "not '2030-01-01': write '2030-01-01T00:00:00Z' for UTC"),
        (datetime(2030, 1, 1), "write tzinfo=datetime.UTC for UTC"),
        ("1950-01-01T00:00:00Z", "when must be from 1970 to 9999"),
    ],
)
def test_a_naive_or_invalid_instant_is_rejected(sandbox: Sandbox, when: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^when") as caught:
        sandbox.set_time(when)
    assert message in str(caught.value)


def test_a_naive_instant_is_rejected_over_http(web: Web) -> None:
    problem = web.put("/_sandbox/clock", {"now": "2030-01-01"}).problem
    assert problem["field"] == "now"
    assert problem["message"].startswith("now must have a UTC offset")


def test_the_clock_runs_on_after_a_rejected_instant_to_freeze_at(web: Web, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="offset"):
        sandbox.freeze("2030-01-01")
    assert web.get("/_sandbox/clock").json["frozen"] is False


# The journal


def test_the_journal_holds_requests_and_responses(web: Web, sandbox: Sandbox) -> None:
    web.post("/entitlements", {"name": "Lamp", "type_hint": "entitlement"}, query={"cascade": "true"})
    (exchange,) = sandbox.journal()
    assert (exchange.operation, exchange.method, exchange.path, exchange.query, exchange.status) == (
        "create_entitlement_item",
        "POST",
        "/entitlements",
        "cascade=true",
        201,
    )
    assert exchange.json == {"name": "Lamp", "type_hint": "entitlement"}
    assert exchange.answer is not None
    assert '"id":57' in exchange.answer
    assert exchange.curl == (
        f"curl -X POST '{sandbox.url}/entitlements?cascade=true' -H 'content-type: application/json' "
        """--data-raw '{"name": "Lamp", "type_hint": "entitlement"}'"""
    )
    assert web.get("/_sandbox/journal").json["exchanges"] == [exchange.to_dict()]


def test_the_old_names_of_to_dict_are_deprecated(web: Web, sandbox: Sandbox) -> None:
    web.get("/entitlements/56")
    for kind, held in (("Exchange", sandbox.journal()[0]), ("Fault", sandbox.fail("*", status=503))):
        message = rf"^{kind}\.resource\(\) is deprecated: use to_dict\(\). Version 2\.0\.0 removes it$"
        with pytest.warns(DeprecationWarning, match=message) as warned:
            assert held.resource() == held.to_dict()
        assert warned[0].filename == __file__


def test_the_journal_is_read_by_operation_and_emptied(web: Web, sandbox: Sandbox) -> None:
    web.get("/entitlements/56")
    web.get("/nope")
    assert [each.operation for each in sandbox.journal()] == ["get_entitlement_item", None]
    assert [each.number for each in sandbox.journal("get_entitlement_item")] == [1]
    assert web.delete("/_sandbox/journal").status == 204
    assert sandbox.journal() == []


def test_the_journal_of_an_unknown_operation_is_rejected(web: Web, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"'grant_user_entitlment'; did you mean grant_user_entitlement\b"):
        sandbox.journal("grant_user_entitlment")
    with pytest.raises(ValueError, match=r"no operation 'nope'; use add_item_.*, or no name for all"):
        sandbox.journal("nope")
    reply = web.get("/_sandbox/journal", query={"operation": "grant_user_entitlment"})
    assert (reply.status, reply.problem["field"]) == (400, "operation")
    assert "did you mean grant_user_entitlement" in reply.problem["message"]


def test_the_journal_keeps_the_last_exchanges() -> None:
    with Sandbox(journal_size=3) as sandbox:
        client = Web(sandbox.url)
        for _ in range(5):
            client.get("/entitlements/56")
        client.close()
        assert [each.number for each in sandbox.journal()] == [3, 4, 5]


def test_no_secret_shows_in_the_journal(web: Web, sandbox: Sandbox) -> None:
    form = {"grant_type": "password", "client_id": "knetik", "username": "user_id_example"}
    secrets = {"password": "password_example", "client_secret": "client_secret_example"}
    response = web.post("/oauth/token", form={**form, **secrets}).json
    web.call("POST", "/oauth/token", query={**form, **secrets})
    web.post("/oauth/token", form={"grant_type": "refresh_token", "refresh_token": response["refresh_token"]})
    web.get("/entitlements", token=response["access_token"])
    text = web.get("/_sandbox/journal").body.decode()
    for secret in (*secrets.values(), response["access_token"], response["refresh_token"]):
        assert secret not in text
    assert "Bearer ***" in text
    assert "password=***" in text
    assert "user_id_example" in text
    assert len(sandbox.journal()) == 4


def test_no_secret_shows_in_the_unread_journal(web: Web, sandbox: Sandbox) -> None:
    form = {"grant_type": "password", "client_id": "knetik", "username": "user_id_example"}
    web.post("/oauth/token", form={**form, "password": "password_example"})
    assert sandbox._service is not None
    for recorded in sandbox._service.controls.journal._kept():
        assert b"password_example" in recorded.body
        assert "password_example" not in f"{recorded} {recorded!r}"


# Who may control


def test_control_can_be_switched_off() -> None:
    with Sandbox(control="off") as sandbox:
        client = Web(sandbox.url)
        assert client.post("/_sandbox/reset").status == 404
        assert client.get("/entitlements").status == 200
        client.close()


def test_the_control_api_describes_the_sandbox(web: Web) -> None:
    about = web.get("/_sandbox").json
    assert about["require_auth"] is False
    assert "use_user_entitlement_item" in about["operations"]


# Its life


def test_a_stopped_sandbox_is_reported() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="with block"):
        _ = sandbox.url
    with pytest.raises(RuntimeError, match="with block"):
        sandbox.reset()
    sandbox.stop()


def test_a_sandbox_shows_its_address() -> None:
    with Sandbox() as sandbox:
        assert repr(sandbox) == f"<Sandbox at {sandbox.url}>"
    assert repr(sandbox) == "<Sandbox, stopped>"


def test_a_sandbox_that_can_not_start_is_stopped(tmp_path: Path) -> None:
    sandbox = Sandbox(database=str(tmp_path / "missing" / "x.db"))
    with pytest.raises(UnusableDatabase, match="there is no folder"):
        sandbox.start()
    assert repr(sandbox) == "<Sandbox, stopped>"


def test_a_sandbox_can_be_stopped_and_started_again() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        with sandbox:
            with pytest.raises(RuntimeError, match="already running"):
                sandbox.start()
            client = Web(sandbox.url)
            assert client.create_item() == 57
            client.close()


@pytest.fixture
def forked() -> Iterator[Callable[[], None]]:
    """A function that forks a process, which lives until the end of the test."""
    children = []

    def fork() -> None:
        child = multiprocessing.get_context("fork").Process(target=signal.pause)
        child.start()
        children.append(child)

    yield fork
    for child in children:
        child.kill()
        child.join()


def test_port_of_a_stopped_sandbox_is_free_while_a_forked_process_lives(forked: Callable[[], None]) -> None:
    sandbox = Sandbox().start()
    url = urlsplit(sandbox.url)
    forked()
    sandbox.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname, url.port), timeout=60)
    with Sandbox(port=url.port) as other:
        assert other.url == url.geturl()


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"reset": True}, ConnectionResetError), ({"truncate": True}, http.client.IncompleteRead)],
    ids=["reset", "truncate"],
)
def test_faults_close_connections_that_a_forked_process_has_seen(
    web: Web, sandbox: Sandbox, forked: Callable[[], None], fault: dict[str, Any], error: type[Exception]
) -> None:
    web.get("/entitlements/56")
    forked()
    sandbox.fail("*", **fault)
    with pytest.raises(error):
        web.get("/entitlements/56")


def test_a_port_that_is_taken_is_an_os_error(sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}: Address already in use") as caught:
        Sandbox(port=port).start()
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("host", "", "an address to listen on"),
        ("database", "", "the path of a file or a URL"),
        ("port", -1, "from 0 to 65535"),
        ("port", 65_536, "from 0 to 65535"),
        ("workers", 0, "1 or more"),
        ("journal_size", 0, "1 or more"),
        ("token_lifetime", 0, "from 1 to 2147483647 seconds"),
        ("token_lifetime", 2**31, "from 1 to 2147483647 seconds"),
        ("fulfillment_delay", -1, "from 0 to 2147483647 seconds"),
        ("fulfillment_delay", 2**31, "from 0 to 2147483647 seconds"),
    ],
)
def test_settings_out_of_range_are_rejected(setting: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{setting} must be {expected}.*, not {value!r}"):
        Sandbox(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("host", None, "a str"),
        ("port", "8080", "a whole number, from 0 to 65535"),
        ("port", True, "a whole number"),
        ("database", Path("kept.db"), "a str, the path of an SQLite file or a URL"),
        ("seed", 5, "the path of a seed file, or a map of sections"),
        ("seed", ["users"], "the path of a seed file, or a map of sections"),
        ("generate", 5, "a map such as {'users': 10, 'entries': 100}"),
        ("empty", None, "True or False"),
        ("require_auth", "false", "True or False"),
        ("allow_host", 5, "a list of host names"),
        ("allow_host", [5], "a list of host names"),
        ("allow_host", iter(["sandbox"]), "a list of host names"),
        ("workers", "2", "a whole number"),
        ("token_lifetime", 1.5, "a whole number"),
        ("fulfillment_delay", "x", "a whole number"),
        ("journal_size", None, "a whole number"),
    ],
)
def test_settings_of_a_wrong_type_are_rejected(setting: str, value: Any, expected: str) -> None:
    with pytest.raises(TypeError, match=f"^{setting} must be {re.escape(expected)}") as caught:
        Sandbox(**{setting: value})
    assert str(caught.value).endswith(f", not {value!r}")


@pytest.mark.parametrize("setting", ["database", "seed"])
@pytest.mark.parametrize(("path", "code"), [("a\0b", "0000"), ("a\ud800b", "D800")])
def test_path_that_no_file_can_have_is_rejected(setting: str, path: str, code: str) -> None:
    with pytest.raises(ValueError, match=rf"^{setting} must not hold the character U\+{code}$"):
        Sandbox(**{setting: path})


def test_an_empty_path_of_a_seed_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^seed must be the path of a seed file, or a map .*, not ''$"):
        Sandbox(seed="")


def test_workers_need_a_shared_database() -> None:
    with pytest.raises(
        ValueError, match=r"^2 workers need a database that they can share: pass a PostgreSQL"
    ):
        Sandbox(workers=2)


def test_an_unknown_setting_is_named_with_a_similar_one() -> None:
    with pytest.raises(TypeError, match=r"^Sandbox has no setting 'prt': did you mean 'port'"):
        Sandbox(prt=1)
    with pytest.raises(
        TypeError, match=r"^Sandbox has no setting 'colour'; it has host, port, database, seed"
    ):
        Sandbox(colour=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda sandbox: sandbox.seed(5), "source must be the path of a seed file, or a map of sections"),
        (lambda sandbox: sandbox.generate(users="5"), "users must be a whole number, from 0 to 10000000"),
        (lambda sandbox: sandbox.snapshot(5), "name must be a str, the name of a snapshot"),
        (lambda sandbox: sandbox.restore(5), "name must be a str, the name of a snapshot"),
        (lambda sandbox: sandbox.wallet("5"), "user_id must be a whole number, the id of a user"),
        (lambda sandbox: sandbox.advance(days="5"), "days must be a number"),
        (lambda sandbox: sandbox.advance(weeks=True), "weeks must be a number"),
        (lambda sandbox: sandbox.set_time([5]), "when must be epoch seconds, an aware datetime or ISO 8601"),
        (lambda sandbox: sandbox.freeze([5]), "when must be epoch seconds, an aware datetime or ISO 8601"),
        (lambda sandbox: sandbox.fail(5, status=500), "operation must be the name of an operation"),
        (
            lambda sandbox: sandbox.fail("*", status=500, headers=0),
            "headers must be a map of names to strings",
        ),
        (lambda sandbox: sandbox.journal(5), "operation must be a str, the name of an operation, or None"),
    ],
)
def test_methods_reject_values_of_a_wrong_type(
    sandbox: Sandbox, call: Callable[[Any], object], message: str
) -> None:
    before = sandbox.export()
    with pytest.raises(TypeError, match=f"^{message}.*, not ('?5'?|\\[5\\]|True|0)$"):
        call(sandbox)
    assert sandbox.export() == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda sandbox: sandbox.wallet(-1),
            "user_id must be the id of a user, from 0 to 2147483647, not -1",
        ),
        (lambda sandbox: sandbox.wallet(2**31), "user_id must be the id of a user, .*, not 2147483648"),
        (lambda sandbox: sandbox.advance(days=10**9), "days=1000000000 is too long: the clock can only be"),
        (lambda sandbox: sandbox.advance(hours=float("nan")), "hours must be a finite number, not nan"),
        (lambda sandbox: sandbox.set_time(10**5000), "when must be from 1970 to 9999, .*, not an int of"),
    ],
)
def test_methods_reject_values_out_of_range(
    sandbox: Sandbox, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call(sandbox)


def test_the_clock_names_the_step_that_it_can_not_take(web: Web, sandbox: Sandbox) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    message = "the clock must be from 1970 to 9999: it can't move by -3155760000.0 s from 2030-01-01T00:00:00"
    with pytest.raises(ValueError, match=f"^{message}"):
        sandbox.advance(days=-36_525)
    problem = web.post("/_sandbox/clock/advance", {"days": -36_525}).problem
    assert problem["message"].startswith(message)


@pytest.fixture
def file_database(tmp_path: Path) -> str:
    return str(tmp_path / "kept.db")


def test_a_file_keeps_data_and_clock(file_database: str) -> None:
    with Sandbox(database=file_database) as sandbox:
        client = Web(sandbox.url)
        client.grant(56, 1)
        sandbox.advance(days=100)
        client.close()
    with Sandbox(database=file_database) as sandbox:
        client = Web(sandbox.url)
        assert len(client.entries(56, 1)) == 1
        assert sandbox.now() - datetime.now(UTC).timestamp() == pytest.approx(8_640_000, abs=60)
        sandbox.reset()
        assert client.entries(56, 1) == []
        client.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "/_sandbox/seed", b"\xff\xfe", "UTF-8"),
        ("POST", "/_sandbox/faults", b"{", "Expecting property name"),
        ("POST", "/_sandbox/faults", b'{"status": 500, "status": 503}', "'status' occurs twice in an object"),
        ("POST", "/_sandbox/faults", b'{"delay": NaN}', "NaN is not a JSON number"),
        ("POST", "/_sandbox/clock/advance", b"5", "must be an object, not 5"),
        ("PUT", "/_sandbox/clock", b"", "Expecting value"),
    ],
)
def test_malformed_control_request_is_rejected_with_the_reason(
    web: Web, method: str, path: str, body: bytes, reason: str
) -> None:
    reply = web.call(method, path, body=body)
    assert reply.status == 400
    assert reason in reply.problem["message"]


def test_faults_in_python_are_checked(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"no operation 'fly'; use add_item_.*, or '\*' for all"):
        sandbox.fail("fly", status=500)
    with pytest.raises(ValueError, match="did you mean grant_user_entitlement"):
        sandbox.fail("grant_user_entitlment", status=500)


@pytest.mark.parametrize(("schema", "model"), [("Exchange", Exchange), ("ArmedFault", Fault)])
def test_the_contract_of_the_control_api_has_every_field(schema: str, model: Any) -> None:
    described = contract()["components"]["schemas"][schema]["properties"]
    assert list(described) == [field.name for field in fields(model)]


def test_the_keywords_of_a_sandbox_are_the_settings() -> None:
    assert set(Options.__annotations__) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("database", "url"),
    [
        (None, "sqlite://"),
        ("kept.db", "sqlite:///kept.db"),
        ("/tmp/kept.db", "sqlite:////tmp/kept.db"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_a_database_is_a_file_or_a_url(database: str | None, url: str) -> None:
    assert Settings(database=database).database_url == url


def test_a_sandbox_leaves_the_logging_of_its_application_alone() -> None:
    before = logging.root.handlers[:], logging.getLogger("uvicorn").handlers[:]
    with Sandbox():
        assert (logging.root.handlers, logging.getLogger("uvicorn").handlers) == before


def test_reset_that_failed_has_changed_nothing_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "sandbox.db")
    with Sandbox(database=path):
        pass
    with Sandbox(database=path) as sandbox:  # of data that exists, no copy is kept
        web = Web(sandbox.url)
        web.grant(56, 56)
        sandbox.fail("get_entitlement_items", status=503)
        before = web.get("/users/56/inventory").json
        seed_first = Controls._seed_first

        def fail_late(controls: Controls, *arguments: Any) -> None:
            seed_first(controls, *arguments)
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Controls, "_seed_first", fail_late)
            with pytest.raises(OSError, match="No space left"):
                sandbox.reset()
        assert web.get("/users/56/inventory").json == before
        assert web.get("/entitlements").status == 503
        for _ in range(2):
            sandbox.reset()
        assert web.get("/users/56/inventory").json != before
        assert sandbox.faults == []
        web.close()
