"""Requests of the journal as code: the copied code runs, and does what the requests did."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from knetik_cloud import ApiClient, ApiException, Configuration, UsersInventoryApi
from knetik_cloud.sandbox import Sandbox
from test.console.conftest import Pages

HELD = {"consumable": {"use_count": 9}}


def code(pages: Pages, sandbox: Sandbox, form: str, *numbers: int) -> str:
    """Return the code of requests, all of the journal by default."""
    rows = numbers or [exchange.number for exchange in sandbox.journal()]
    page = pages.page(f"/console/journal/code?as={form}&" + "&".join(f"row={number}" for number in rows))
    found = re.search(r'<pre id="code"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1]).removeprefix("\n")


def note(pages: Pages, *numbers: int) -> str:
    """Return what the page says about a test."""
    page = pages.page("/console/journal/code?as=pytest&" + "&".join(f"row={number}" for number in numbers))
    return " ".join(re.sub("<[^>]+>", " ", page[page.index("The test starts") :][:600]).split())


def run(*command: str, host: str | None = None, cwd: Path | None = None) -> str:
    """Run a program in a clean environment, and return its output. It must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KNETIK_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if host is not None:
        environment["KNETIK_CLOUD_HOST"] = host
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=100)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def run_test(tmp_path: Path, text: str) -> None:
    """Run a copied test with pytest."""
    path = tmp_path / "test_copied.py"
    path.write_text(text, encoding="utf-8")
    # Warnings are errors in it, as in the tests of a careful project.
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "-c",
        os.devnull,
    )
    output = run(*command, f"--rootdir={tmp_path}", str(path))
    assert "1 passed" in output


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[UsersInventoryApi]:
    with ApiClient(Configuration(host=sandbox.url, retries=0)) as client:
        yield UsersInventoryApi(client)


def fails(call: Callable[[], Any]) -> None:
    with pytest.raises(ApiException):
        call()


def use_up(api: UsersInventoryApi) -> None:
    """Use an item up, be denied, and look at what is left."""
    api.update_user_inventory_behavior_data(56, 56, data=HELD)
    api.use_user_entitlement_item(56, 56, info="the last sip")
    fails(lambda: api.use_user_entitlement_item(56, 56))
    api.get_user_inventories(56, inactive=True, filter_item_id=56)
    api.get_user_inventory_log(56, 56)


def every_kind(api: UsersInventoryApi) -> None:
    """Make requests of every kind: with bodies, filters, texts that need quoting, and errors."""
    item = api.create_entitlement_item(
        entitlement_item={
            "type_hint": "entitlement",
            "name": "O'Neil's \"Light\" \\ $HOME `ls` ☃",
            "short_description": "two\nlines",
            "behaviors": [{"type_hint": "consumable", "max_use": 1}],
        }
    )
    api.grant_user_entitlement(3, {"entitlement_id": item.id})
    api.use_user_entitlement_item(3, item.id, info="'; DROP TABLE users; -- ☃")
    api.get_users_inventory(filter_username="filter_username_example", filter_date="GT,1500000000")
    api.get_entitlement_items(size=2, page=1, order="name:DESC")
    api.update_user_inventory_status(56, 56, inventory_status="inactive")
    api.update_user_inventory_expires(56, 56, timestamp=1893456000)
    request = {"sku": "coins_100", "note": "-x", "skip_invoice": False, "overrides": []}
    api.add_item_to_user_inventory(56, user_inventory_add_request=request)
    api.delete_entitlement_item(item.id)
    fails(lambda: api.get_entitlement_item(item.id))
    fails(lambda: api.grant_user_entitlement(56, {"entitlement_id": 3}))


@pytest.mark.parametrize("act", [use_up, every_kind])
def test_copied_test_passes_and_asserts_what_was_recorded(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path, act: Callable[..., None]
) -> None:
    act(api)

    text = code(pages, sandbox, "pytest")

    assert "responded as recorded" in note(pages, *[exchange.number for exchange in sandbox.journal()])
    assert "SEED" not in text
    run_test(tmp_path, text)


def test_copied_test_fails_if_the_sandbox_behaves_differently(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    use_up(api)

    text = code(pages, sandbox, "pytest").replace("use_count': 9", "use_count': 1")

    with pytest.raises(AssertionError, match="DID NOT RAISE"):
        run_test(tmp_path, text)


def test_earlier_writes_that_led_to_a_request_are_repeated(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    api.grant_user_entitlement(1, {"entitlement_id": 5})
    api.grant_user_entitlement(56, {"entitlement_id": 2})
    fails(lambda: api.grant_user_entitlement(56, {"entitlement_id": 2}))

    text = code(pages, sandbox, "pytest", 3)

    assert "runs 1 earlier write" in note(pages, 3)
    assert "grant_user_entitlement(1," not in text
    assert 'details["behavior"] == "time_period_gettable"' in text
    run_test(tmp_path, text)


def test_copied_test_starts_with_a_seed_if_the_journal_does_not_hold_what_led_there(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    sandbox.seed({"users": [{"id": 90, "username": "kim"}], "inventory": [{"user_id": 90, "item_id": 5}]})
    api.get_user_inventories(90)

    text = code(pages, sandbox, "pytest")

    assert "SEED = {" in text
    assert "responded as recorded" in note(pages, 1)
    run_test(tmp_path, text)


def test_copied_test_starts_with_the_first_data_if_there_is_a_lot(tmp_path: Path) -> None:
    with Sandbox(generate={"users": 300, "entries": 300}) as sandbox:
        pages = Pages(sandbox.url)
        pages.create_item()
        pages.grant(400, pages.create_item())

        text = code(pages, sandbox, "pytest")
        pages.close()

    assert "SEED = {" in text
    run_test(tmp_path, text)


def test_copied_test_sets_the_clock(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    api.grant_user_entitlement(56, {"entitlement_id": 2})
    sandbox.advance(days=2)
    api.grant_user_entitlement(56, {"entitlement_id": 2})
    sandbox.set_time("2101-01-01T00:00:00Z")
    fails(lambda: api.check_user_entitlement_item(56, 56))

    text = code(pages, sandbox, "pytest")

    assert text.count("sandbox.freeze(") == 3
    assert 'details["behavior"] == "expirable"' in text
    run_test(tmp_path, text)


FAULTS: list[dict[str, Any]] = [
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 500, "applied": True},
    {"reset": True},
    {"reset": True, "applied": True},
    {"truncate": True},
    {"delay": 0.05},
]


def test_copied_test_arms_the_faults_that_requests_met(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    for fault in FAULTS:
        operation = "get_user_inventory" if "truncate" in fault else "use_user_entitlement_item"
        sandbox.fail(operation, **fault)
        if "truncate" in fault:
            fails(lambda: api.get_user_inventory(56, 56))
        elif "delay" in fault:
            api.use_user_entitlement_item(56, 56)
        else:
            fails(lambda: api.use_user_entitlement_item(56, 56))
    sandbox.fail("delete_entitlement_item", truncate=True)
    api.delete_entitlement_item(5)  # whose empty response has no half
    api.get_user_inventory_log(56, 56)

    text = code(pages, sandbox, "pytest")

    assert text.count("sandbox.fail(") == len(FAULTS) + 1
    run_test(tmp_path, text)


def test_copied_test_uses_the_credentials_of_the_callers(tmp_path: Path) -> None:
    with Sandbox(require_auth=True) as sandbox:
        pages = Pages(sandbox.url)
        user = {"username": "user_id_example", "password": "password_example"}
        client = {"client_secret": "client_secret_example"}
        for credentials in ({**client, **user}, client):
            configuration = Configuration(host=sandbox.url, client_id="knetik", **credentials)
            with ApiClient(configuration) as made:
                api = UsersInventoryApi(made)
                api.check_user_entitlement_item("56" if credentials is client else "me", 56)
                if credentials is not client:
                    fails(lambda api=api: api.grant_user_entitlement(56, {"entitlement_id": 2}))  # type: ignore[misc]

        text = code(pages, sandbox, "pytest")
        pages.close()

    assert "password_example" not in text
    assert "client_secret_example" not in text
    assert text.count("It is left out: the client requests tokens by itself.") == 2
    run_test(tmp_path, text)


SEED: dict[str, Any] = {
    "users": [
        {"id": 9, "username": "kim", "password": "seeded_password", "permissions": ["INVENTORY_ADMIN"]},
        {"id": 8, "username": "lee"},
    ],
    "clients": [
        {"client_id": "app", "client_secret": "seeded_secret", "permissions": ["INVENTORY_ADMIN"]},
        {"client_id": "web", "client_secret": ""},
    ],
    "items": [{"id": 5, "type_hint": "entitlement", "name": "Lamp", "api_token": "seeded_token"}],
    "inventory": [{"id": 7, "user_id": 9, "item_id": 5, "behavior_data": {"password": "seeded_word"}}],
}


@pytest.mark.parametrize("is_first", [True, False])
def test_copied_test_with_a_seed_has_its_callers_but_no_secrets(tmp_path: Path, is_first: bool) -> None:
    with Sandbox(require_auth=True, **{"seed": SEED} if is_first else {"empty": True}) as sandbox:
        if not is_first:
            sandbox.seed(SEED)
        pages = Pages(sandbox.url)
        client = {"client_id": "app", "client_secret": "seeded_secret"}
        for credentials in ({**client, "username": "kim", "password": "seeded_password"}, client):
            with ApiClient(Configuration(host=sandbox.url, **credentials)) as made:
                UsersInventoryApi(made).get_user_inventory(9, 7)
                UsersInventoryApi(made).get_entitlement_item(5)

        text = code(pages, sandbox, "pytest")
        noted = note(pages, *[exchange.number for exchange in sandbox.journal()])
        pages.close()

    assert "SEED = {" in text
    assert "seeded_" not in text
    assert "responded as recorded" in noted
    run_test(tmp_path, text)


@pytest.mark.parametrize("act", [use_up, every_kind])
@pytest.mark.parametrize("form", ["python", "curl", "knetik"])
def test_copied_code_sends_the_same_requests(
    sandbox: Sandbox,
    pages: Pages,
    api: UsersInventoryApi,
    tmp_path: Path,
    form: str,
    act: Callable[..., None],
) -> None:
    act(api)
    recorded = [(each.operation, each.path, each.query, each.json, each.status) for each in sandbox.journal()]
    text = code(pages, sandbox, form)
    sandbox.reset()

    if form == "python":
        path = tmp_path / "copied.py"
        path.write_text(text, encoding="utf-8")
        run(sys.executable, "-W", "error", str(path))
    else:
        run("bash", "-c", text + "\ntrue\n")

    repeated = [(each.operation, each.path, each.query, each.json, each.status) for each in sandbox.journal()]
    assert [plain(each) for each in repeated] == [plain(each) for each in recorded]


@pytest.mark.parametrize("form", ["curl", "knetik"])
def test_copied_lines_read_no_file_that_a_client_names(
    sandbox: Sandbox, pages: Pages, tmp_path: Path, form: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    statuses = ["@secret.txt", "@-", "-", "@", "--help", "@it's ☃\x1b"]
    for status in statuses:
        pages.put("/users/56/inventory/56/status", status)
    text = code(pages, sandbox, form)
    sandbox.reset()

    run("bash", "-c", text + "\ntrue\n", cwd=tmp_path, host=sandbox.url)

    assert [each.json for each in sandbox.journal()] == statuses
    pages.put("/users/56/inventory/56/status", "@secret.txt ")
    assert "the command would strip its body" in code(pages, sandbox, "knetik", len(statuses) + 1)


def test_copied_curl_lines_send_unusual_requests_unchanged(sandbox: Sandbox, pages: Pages) -> None:
    pages.call("HEAD", "/entitlements/56")
    pages.get("/entitlements?order={id,name}&a[1]=[1-3]")
    pages.get("/users/56/../56/inventory/..")
    pages.call("GET", "/entitlements/56", body=b"@secret.txt")
    pages.put("/users/56/inventory/56/behavior-data", body=b"a\r\nb", headers={"Content-Type": "text/plain"})
    recorded = [(each.method, each.path, each.query, each.body, each.status) for each in sandbox.journal()]
    text = code(pages, sandbox, "curl")
    sandbox.clear_journal()

    run("bash", "-c", text)

    repeated = [(each.method, each.path, each.query, each.body, each.status) for each in sandbox.journal()]
    assert repeated == recorded


def test_copied_curl_line_of_an_incomplete_body_has_a_note(sandbox: Sandbox, pages: Pages) -> None:
    masked = b'{"token": "%s", "note": "%s"}' % (b"t" * 10_000, b"x" * 10_000)
    for body in (b"\xff", b"x" * 20_000, masked):
        pages.put("/users/56/inventory/56/behavior-data", body=body)
    text = code(pages, sandbox, "curl")
    assert "# Its body is not UTF-8 text" in text
    assert text.count("# The journal keeps only the beginning of its body") == 2


@pytest.mark.parametrize("form", ["pytest", "python", "curl", "knetik"])
def test_copied_code_has_a_note_where_secrets_are_masked(sandbox: Sandbox, pages: Pages, form: str) -> None:
    pages.put("/users/56/inventory/56/behavior-data", {"token": "hush", "name": "***"})
    pages.put("/users/56/inventory/56/behavior-data", {"token": None, "name": "***"})

    text = code(pages, sandbox, form)

    assert re.findall(r"# Request (\d) .+ Its secrets are masked: replace \*\*\*\.", text) == ["1"]


def plain(exchange: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a request without the spelling of its query, which may differ."""
    operation, path, query, body, status = exchange
    return operation, path, sorted(query.replace("%3A", ":").replace("%2C", ",").split("&")), body, status


def test_request_that_the_sdk_cannot_send_is_left_out_with_the_reason(sandbox: Sandbox, pages: Pages) -> None:
    pages.get("/nowhere")
    pages.post("/users/56/entitlements", body=b"{nope", headers={"Content-Type": "application/json"})
    pages.get("/users/56/inventory?size=many")

    for form in ("pytest", "python", "knetik"):
        text = code(pages, sandbox, form)
        for reason in ("no operation has its path", "its body is not JSON", "would reject its parameters"):
            assert reason in text
    curl = code(pages, sandbox, "curl")
    assert "left out" not in curl
    assert "{nope" in curl


CURL_ONLY: list[tuple[str, str, str | None]] = [
    ("POST", "/users/56/entitlements", "{}"),
    ("POST", "/users/56/entitlements", "[]"),
    ("POST", "/entitlements", '{"type_hint":"entitlement"}'),
    ("POST", "/entitlements", '{"type_hint":"entitlement","name":"x","sort":NaN}'),
    ("POST", "/entitlements", "null"),
    ("GET", "/entitlements/99999999999", None),
    ("HEAD", "/entitlements/56", None),
    ("GET", "/users/56/inventory?size=1_0", None),
    ("GET", "/users/56/inventory/%2056", None),
    ("GET", "/entitlements/templates/%2E%2E", None),
    ("PUT", "/users/56/inventory/56/status", '{"value":"inactive"}'),
    ("PUT", "/users/56/inventory/56/expires", '{"value":1893456000}'),
    ("PUT", "/users/56/inventory/56/expires", "null"),
    ("PUT", "/users/56/inventory/56/expires", '"2030-01-01T00:00:00Z"'),
]
"""Requests that the SDK rejects, or would send in another form."""


def send_curl_only(pages: Pages) -> None:
    for method, path, body in CURL_ONLY:
        content = None if body is None else body.encode()
        pages.call(method, path, body=content, headers={"Content-Type": "application/json"} if body else {})


@pytest.mark.parametrize("form", ["pytest", "python", "knetik"])
def test_request_that_the_sdk_would_send_differently_is_a_curl_line_only(
    sandbox: Sandbox, pages: Pages, form: str
) -> None:
    send_curl_only(pages)
    pages.post(
        "/users/56/entitlements", body=b'{"entitlement_id":56}', headers={"Content-Type": "text/plain"}
    )

    text = code(pages, sandbox, form)

    assert text.count("It is left out: ") == len(CURL_ONLY) + 1
    curl = code(pages, sandbox, "curl")
    assert all(path in curl and (body or "") in curl for _, path, body in CURL_ONLY)


def test_copied_test_passes_without_the_requests_that_the_sdk_cannot_send(
    sandbox: Sandbox, pages: Pages, api: UsersInventoryApi, tmp_path: Path
) -> None:
    send_curl_only(pages)
    api.update_user_inventory_expires(56, 56, timestamp=1893456000)
    api.get_user_inventory(56, 56)

    text = code(pages, sandbox, "pytest")

    numbers = [exchange.number for exchange in sandbox.journal()]
    assert "responded as recorded" in note(pages, *numbers)
    run_test(tmp_path, text)


@pytest.mark.parametrize("empty", [Sandbox.reset, Sandbox.clear_journal])
def test_forms_of_pages_from_before_a_reset_take_no_later_requests(
    sandbox: Sandbox, pages: Pages, empty: Callable[[Sandbox], None]
) -> None:
    pages.use(56, 56)
    listing, request = pages.page("/console/journal"), pages.page("/console/journal/1")
    selected = pages.page("/console/journal/code?as=curl&row=1")
    runs = [re.findall('name="run" value="([^"]+)"', page) for page in (listing, request, selected)]
    assert list(map(len, runs)) == [1, 3, 1]

    for status in (200, 404):
        for (run,) in map(set, runs):
            for address in (
                "/console/journal/code?as=python&row=1",
                "/console/faults?from=1",
                "/console/try/use_user_entitlement_item?from=1",
            ):
                assert pages.get(f"{address}&run={run}").status == status
        empty(sandbox)
        pages.get("/entitlements/2")


def test_selection_that_the_journal_no_longer_holds_is_reported(pages: Pages) -> None:
    assert pages.get("/console/journal/code?row=99").status == 404
    assert pages.get("/console/journal/code").status == 400
    assert pages.get("/console/journal/code?row=1&as=cobol").status == 400
