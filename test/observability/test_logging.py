"""The log has the facts of attempts as fields, and values of players only with `debug=True`."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from knetik_cloud import ApiClient, ApiException, Configuration, Hook, UsersInventoryApi, aio
from knetik_cloud.core import retry
from knetik_cloud.hooks import Attempt, Call
from test.faults.connection import closes
from test.faults.security import redirect
from test.faults.server import TOKEN_RESPONSE, FaultServer, healthy, http_response, keeps
from test.observability.scenarios import CREDENTIALS, Scenario, run

PLAYER = "player-data"
GRANTED = TOKEN_RESPONSE["access_token"]
BUSY = keeps(http_response({"message": PLAYER}, status="503 X"))
LIST = Scenario("get_users_inventory", (), (BUSY,), [], [], [])
FIELDS = {
    "operation": "get_user_inventory",
    "method": "GET",
    "url_template": "/users/{user_id}/inventory/{id}",
    "number": 1,
    "status": 503,
    "error": None,
    "request_id": "trace-1",
    "may_have_applied": False,
}
KINDS = ["blocking", "asyncio"]


@pytest.mark.parametrize("kind", KINDS)
def test_records_have_the_facts_as_fields(kind: str) -> None:
    busy = keeps(http_response({"request_id": "trace-1"}, status="503 X"))
    seen = run(Scenario("get_user_inventory", (56, 57), (busy, closes), [], [], []), kind)
    debug, warning, closed, *_ = seen.records
    for record in (debug, warning):
        assert {name: vars(record)[name] for name in FIELDS} == FIELDS
        assert 0 < vars(record)["seconds"] < 5
        assert 0 <= vars(record)["retry_in"] < 0.1
    assert (debug.levelname, warning.levelname) == ("DEBUG", "WARNING")
    assert (vars(closed)["status"], vars(closed)["error"]) == (None, "ApiConnectionException")
    assert vars(seen.records[-1])["retry_in"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_fields_that_the_program_sets_itself_are_kept(kind: str) -> None:
    class Record(logging.LogRecord):
        """A record that a program gives its own request id and status."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.request_id, self.status = "of the program", "fine"

    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Record)
    try:
        seen = run(Scenario("get_user_inventory", (56, 57), (BUSY, healthy), [], [], []), kind)
    finally:
        logging.setLogRecordFactory(factory)
    assert [record.levelname for record in seen.records] == ["DEBUG", "WARNING", "DEBUG"]
    for record in seen.records:
        kept = [vars(record)[name] for name in ("request_id", "status", "operation")]
        assert kept == ["of the program", "fine", "get_user_inventory"]


class Broken(logging.Handler):
    """A handler that raises, such as one that sends its records to a server that is down."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self.error


class FailingHook(Hook):
    """A hook that raises, and adds a header that can't be sent. Both are logged."""

    def on_attempt_start(self, attempt: Attempt) -> None:
        attempt.headers["a b"] = "c"
        raise RuntimeError("the hook failed")


def use(kind: str, configuration: Configuration) -> None:
    """Use an item with a client of a kind."""
    if kind == "blocking":
        with ApiClient(configuration) as client:
            UsersInventoryApi(client).use_user_entitlement_item(56, 57)
        return

    async def main() -> None:
        async with aio.ApiClient(configuration) as client:
            await aio.UsersInventoryApi(client).use_user_entitlement_item(56, 57)

    asyncio.run(main())


@contextmanager
def logging_with(handler: logging.Handler) -> Iterator[None]:
    """Log everything of the SDK with a handler."""
    package = logging.getLogger("knetik_cloud")
    level = package.level
    package.addHandler(handler)
    package.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["handler", "filter"])
def test_exception_in_a_handler_or_a_filter_never_reaches_the_caller(
    kind: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Broken(ConnectionError("the log server is down"))
    handler: logging.Handler = broken
    if place == "filter":
        handler = logging.Handler()
        handler.addFilter(lambda record: bool(broken.emit(record)))
    busy = keeps(http_response(b"", "Retry-After: 0", status="429 X"))
    with logging_with(handler), FaultServer([busy]) as server:
        use(kind, Configuration(server.url, access_token=GRANTED, hooks=[FailingHook()], verify_ssl=False))
        assert len(server.requests) == 2
    shown = capsys.readouterr().err
    of_settings, of_attempts, of_retries, of_hooks = 1, 2, 1, 4
    count = shown.count("ConnectionError: the log server is down")
    assert count == of_settings + of_attempts + of_retries + of_hooks
    assert GRANTED not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_handler_gets_a_record_once_if_another_one_fails_with_a_key_error(
    kind: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_with(caplog.handler), logging_with(Broken(KeyError("tenant"))), FaultServer() as server:
        use(kind, Configuration(server.url, access_token=GRANTED))
    attempts = [record for record in caplog.records if record.levelno == logging.DEBUG]
    assert len(attempts) == 1
    assert capsys.readouterr().err.count("KeyError: 'tenant'") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_exception_in_a_handler_never_reaches_a_caller_whose_stderr_is_closed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with logging_with(Broken(ConnectionError("the log server is down"))), FaultServer() as server:
        use(kind, Configuration(server.url, access_token=GRANTED))
        assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_interruption_of_a_handler_reaches_the_caller(kind: str) -> None:
    with logging_with(Broken(KeyboardInterrupt())), FaultServer() as server, pytest.raises(KeyboardInterrupt):
        use(kind, Configuration(server.url, access_token=GRANTED))


@pytest.mark.parametrize("kind", KINDS)
def test_json_formatter_accepts_the_fields(kind: str) -> None:
    seen = run(Scenario("get_user_inventory", (56, 57), (), [], [], []), kind)
    usual = vars(logging.makeLogRecord({})).keys()
    for record in seen.records:
        json.dumps({name: value for name, value in vars(record).items() if name not in usual})


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_query_and_bodies_appear_with_debug_only(kind: str, debug: bool) -> None:
    def call(configuration: Configuration) -> None:
        with ApiClient(configuration) as client:
            api = UsersInventoryApi(client)
            api.get_users_inventory(filter_username=PLAYER)
            api.update_user_inventory_status(56, 57, inventory_status=PLAYER)

    async def call_async(configuration: Configuration) -> None:
        async with aio.ApiClient(configuration) as client:
            api = aio.UsersInventoryApi(client)
            await api.get_users_inventory(filter_username=PLAYER)
            await api.update_user_inventory_status(56, 57, inventory_status=PLAYER)

    lines = logged(kind, debug, call, call_async, [BUSY, keeps(http_response({"content": []}))])
    assert (PLAYER in "\n".join(lines)) is debug
    if debug:
        assert any(f"filter_username={PLAYER}" in line for line in lines)
        assert any('received \'{"message":' in line for line in lines)
        assert any("sent " in line and PLAYER in line for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_url_of_a_redirect_is_logged_for_its_own_attempt_and_masked(kind: str) -> None:
    redirects = redirect(f"/login?t={GRANTED}")
    scenario = Scenario("get_user_inventory", (56, 57), (healthy, redirects), [], [], [], CREDENTIALS)
    seen = run(scenario, kind, debug=True)
    messages = [record.getMessage() for record in seen.records]
    assert seen.server.requests[-1].target == f"/login?t={GRANTED}"
    assert messages[1].startswith(f"GET {seen.server.url}/users/56/inventory/57: 302 Found in ")
    assert messages[2].startswith(f"GET {seen.server.url}/login?t=***: 200 OK in ")
    assert GRANTED not in "".join(messages)


def logged(kind: str, debug: bool, call: Any, call_async: Any, scripts: Any) -> list[str]:
    """Call, and return all that was logged: messages and fields."""
    logger, records = logging.getLogger("knetik_cloud"), list[logging.LogRecord]()
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with FaultServer([healthy, *scripts]) as server:
            configuration = Configuration(server.url, debug=debug, **CREDENTIALS)
            call(configuration) if kind == "blocking" else asyncio.run(call_async(configuration))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    return [f"{record.getMessage()} {vars(record)}" for record in records]


def test_long_bodies_are_cut() -> None:
    long = keeps(http_response({"id": 1, "item_name": "x" * 9999}))
    seen = run(Scenario("get_user_inventory", (56, 57), (long,), [], [], []), "blocking", debug=True)
    assert len(seen.records[-1].getMessage()) < 3000


def test_newlines_of_a_body_forge_no_line() -> None:
    forged = keeps(http_response(b'{"id":\n1}'))
    seen = run(Scenario("get_user_inventory", (56, 57), (forged,), [], [], []), "blocking", debug=True)
    assert "\n" not in seen.records[-1].getMessage()


@pytest.mark.parametrize("kind", KINDS)
def test_exhausted_retry_budget_is_logged(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry.Budget.__init__, "__defaults__", (retry.COST,))
    seen = run(Scenario("get_user_inventory", (56, 57), (BUSY, BUSY), [], [], []), kind)
    (record,) = [record for record in seen.records if "budget" in record.getMessage()]
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "get_user_inventory: attempt 2 failed (503 X), not retried because the retry budget is exhausted"
    )
    assert vars(record)["retry_in"] is None


def test_renewal_that_fails_while_the_token_is_valid_is_logged() -> None:
    token = keeps(http_response({"access_token": "x", "expires_in": 600}))
    ok, busy = keeps(http_response({"id": 1})), keeps(http_response(b"", status="400 X"))
    with FaultServer([token, ok, busy, ok]) as server:
        records: list[logging.LogRecord] = []
        handler = logging.Handler()
        handler.emit = records.append  # type: ignore[method-assign]
        logging.getLogger("knetik_cloud").addHandler(handler)
        try:
            with ApiClient(Configuration(server.url, **CREDENTIALS)) as client:
                UsersInventoryApi(client).get_user_inventory(56, 57)
                # It is renewed 60 s ahead. Waiting would race with its expiry on a busy machine.
                engine = client._shared._built[0]
                assert engine is not None
                engine.clock = lambda: time.monotonic() + 570
                UsersInventoryApi(client).get_user_inventory(56, 57)
        finally:
            logging.getLogger("knetik_cloud").removeHandler(handler)
    assert [record.getMessage() for record in records] == [
        "a new token could not be obtained (400 X), using the current one until it expires"
    ]


@pytest.mark.filterwarnings("ignore:verify_ssl")
def test_connections_that_are_not_verified_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with (
        FaultServer(tls="good") as server,
        ApiClient(Configuration(server.url, verify_ssl=False)) as client,
    ):
        UsersInventoryApi(client).get_user_inventory(56, 57)
        UsersInventoryApi(client).get_user_inventory(56, 57)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == f"verify_ssl is False: connections to {server.url} can be intercepted"


def test_retries_are_shown_by_a_program_that_configures_no_logging() -> None:
    code = """
import sys
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
with ApiClient(Configuration(sys.argv[1])) as client:
    UsersInventoryApi(client).get_user_inventory(56, 57)
import logging
assert not logging.getLogger("knetik_cloud").handlers and not logging.getLogger().handlers
"""
    with FaultServer([BUSY]) as server:
        result = subprocess.run(
            [sys.executable, "-c", code, server.url], capture_output=True, text=True, check=True
        )
    assert result.stderr.startswith("get_user_inventory: attempt 1 failed (503 X), retrying in ")
    assert PLAYER not in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_hook_that_turns_debug_on_gets_the_records_of_its_call(kind: str) -> None:
    package = logging.getLogger("knetik_cloud")

    class Chosen(Hook):
        """Logs the calls of one operation in detail."""

        def on_call_start(self, call: Call) -> None:
            package.setLevel(logging.DEBUG if call.operation == "get_user_inventory" else logging.INFO)

    root, level = logging.getLogger(), package.level
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    root.addHandler(handler)
    try:
        with FaultServer() as server:
            configuration = Configuration(server.url, access_token="a", hooks=[Chosen()])
            if kind == "blocking":
                with ApiClient(configuration) as client:
                    UsersInventoryApi(client).get_user_inventory(56, 57)
                    UsersInventoryApi(client).get_users_inventory()
            else:

                async def main() -> None:
                    async with aio.ApiClient(configuration) as client:
                        await aio.UsersInventoryApi(client).get_user_inventory(56, 57)
                        await aio.UsersInventoryApi(client).get_users_inventory()

                asyncio.run(main())
    finally:
        root.removeHandler(handler)
        package.setLevel(level)
    assert [vars(record)["operation"] for record in records if record.name == "knetik_cloud"] == [
        "get_user_inventory"
    ]


def test_failed_call_that_is_logged_is_freed_with_its_error() -> None:
    package = logging.getLogger("knetik_cloud")
    level = package.level
    package.setLevel(logging.DEBUG)
    gc.collect()
    gc.disable()
    try:
        with FaultServer([BUSY]) as server, ApiClient(Configuration(server.url, retries=0)) as client:
            try:
                UsersInventoryApi(client).get_user_inventory(56, 57)
            except ApiException as error:
                left = weakref.ref(error)
        assert left() is None
    finally:
        gc.enable()
        package.setLevel(level)
