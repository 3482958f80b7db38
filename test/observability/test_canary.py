"""No secret shows in a span, a metric, a log record, a hook's argument, a card or a table."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from knetik_cloud import (
    AccessTokenApi,
    ApiClient,
    ApiException,
    Configuration,
    OAuth2Resource,
    Secret,
    UsersInventoryApi,
    aio,
)
from knetik_cloud.hooks import Attempt, Call, TokenEvent
from test.faults.server import FaultServer, Script, http_response, keeps
from test.faults.table import views
from test.faults.test_canary import (
    FAILURES,
    FIXED,
    GRANT,
    PASSWORD,
    REFRESH,
    SECRET,
    TOKEN_FAILURES,
    assert_hidden,
)
from test.models.library import Loans
from test.observability.scenarios import Recorder, Telemetry, instrumented

CREDENTIALS = {"client_secret": SECRET, "username": "robin", "password": PASSWORD}
RENEWAL = [
    keeps(http_response(GRANT)),
    keeps(http_response(b"", status="401 X")),
    keeps(http_response(GRANT)),
]
SCENARIOS: dict[str, tuple[list[Script], dict[str, str]]] = {
    "success": ([keeps(http_response(GRANT))], CREDENTIALS),
    "renewal": (RENEWAL, CREDENTIALS),
    **{f"call: {name}": (scripts, {"access_token": FIXED}) for name, scripts in FAILURES.items()},
    **{f"token: {name}": (scripts, CREDENTIALS) for name, scripts in TOKEN_FAILURES.items()},
}


def call(kind: str, configuration: Configuration) -> None:
    """Call with a client of a kind, or stream the response, which may fail."""
    if kind.startswith("blocking"):
        with ApiClient(configuration) as client:
            method = UsersInventoryApi(client).get_user_inventory
            client.raw(method, 56, 56).read() if kind.endswith("stream") else method(56, 56)
        return

    async def main() -> None:
        async with aio.ApiClient(configuration) as client:
            method = aio.UsersInventoryApi(client).get_user_inventory
            if kind.endswith("stream"):
                await (await client.raw(method, 56, 56)).read()
            else:
                await method(56, 56)

    asyncio.run(main())


def of_hooks(arguments: list[Any]) -> Iterator[str]:
    """Yield what is reached from the arguments of hooks."""
    for argument in arguments:
        assert isinstance(argument, (Call, Attempt, TokenEvent))
        yield repr(argument)
        for name in type(argument).__slots__:
            value = getattr(argument, name)
            yield f"{value!r} {value}"
            if isinstance(value, ApiException):
                yield from views(value)


def of_telemetry(telemetry: Telemetry) -> Iterator[str]:
    """Yield spans and metrics as exporters see them."""
    for span in telemetry.spans:
        yield span.to_json()
    data = telemetry.reader.get_metrics_data()
    yield data.to_json() if data is not None else ""


def of_records(records: list[logging.LogRecord]) -> Iterator[str]:
    """Yield log records as formatters see them."""
    for record in records:
        yield f"{record.getMessage()} {vars(record)}"
        if record.exc_info is not None and record.exc_info[1] is not None:
            shown = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=True)
            yield from shown.format()


class FailingRecorder(Recorder):
    """Raises after it has noted, so that the log gets a traceback."""

    def note(self, what: str, argument: object) -> None:
        super().note(what, argument)
        raise RuntimeError("a hook failed")


@pytest.mark.parametrize("kind", ["blocking", "asyncio", "blocking stream", "asyncio stream"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_secret_shows(name: str, kind: str) -> None:
    recorder, failing = Recorder(), FailingRecorder()
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with FaultServer(SCENARIOS[name][0]) as server, instrumented() as telemetry:
            settings: dict[str, Any] = {"timeout": 0.2, "deadline": 1.5, "debug": True}
            configuration = Configuration(
                server.url, hooks=[recorder, failing], **settings, **SCENARIOS[name][1]
            )
            try:
                call(kind, configuration)
            except ApiException as error:
                assert_hidden("\n".join(views(error)))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert recorder.arguments
    assert telemetry.spans
    assert any(record.exc_info for record in records)
    for shown in (of_hooks(recorder.arguments), of_telemetry(telemetry), of_records(records)):
        assert_hidden("\n".join(shown))


def test_no_secret_shows_in_a_card_or_a_table() -> None:
    token = OAuth2Resource.from_dict({**GRANT, "refresh_token": REFRESH})
    page = Loans.from_dict({"loans": [{"secret": SECRET}, {"secret": [SECRET]}]})
    headers = {"X-Api-Key": Secret(SECRET), "Authorization": f"Bearer {FIXED}"}
    with ApiClient(Configuration("http://127.0.0.1:1", **CREDENTIALS)) as client:
        pager = UsersInventoryApi(client).iter_users_inventory(_headers=headers)
        shown = [token._repr_html_(), page._repr_html_(), pager._repr_html_(), repr(pager)]
    shown += [str(page.to_arrow().to_pylist()), str(page.to_pandas()), str(vars(token)), str(vars(page))]
    assert_hidden("\n".join(shown))
    assert "***" in shown[0]


def test_no_secret_shows_when_the_token_operation_is_called_by_hand() -> None:
    recorder = Recorder()
    with (
        FaultServer() as server,
        instrumented() as telemetry,
        ApiClient(Configuration(server.url, hooks=[recorder])) as client,
    ):
        AccessTokenApi(client).get_o_auth_token(client_secret=SECRET, refresh_token=Secret(REFRESH))
    assert_hidden("\n".join([*of_hooks(recorder.arguments), *of_telemetry(telemetry)]))
