"""OpenTelemetry gets the attributes of the conventions, and services get the trace context."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from importlib.metadata import entry_points

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from knetik_cloud import ApiClient, Configuration, Hook, UsersInventoryApi, aio
from knetik_cloud.contrib.opentelemetry import KnetikCloudInstrumentor, OpenTelemetryHook
from knetik_cloud.hooks import default_hooks
from test.faults.connection import closes
from test.faults.server import FaultServer, Request, healthy, http_response, keeps
from test.observability.scenarios import Scenario, Telemetry, instrumented, run

KINDS = ["blocking", "asyncio"]
BUSY = keeps(http_response({"request_id": "trace-1"}, "Retry-After: 0", status="503 X"))


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_those_of_the_conventions(kind: str) -> None:
    seen = run(Scenario("get_user_inventory", (56, 57), (BUSY, healthy), [], [], []), kind)
    call, first, second = seen.telemetry.spans
    shared = {
        "http.request.method": "GET",
        "url.template": "/users/{user_id}/inventory/{id}",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": seen.server.port,
        "knetik_cloud.operation": "get_user_inventory",
    }
    assert dict(call.attributes or {}) == {**shared, "knetik_cloud.attempts": 2}
    assert dict(first.attributes or {}) == {
        **shared,
        "http.response.status_code": 503,
        "error.type": "503",
        "knetik_cloud.request_id": "trace-1",
        "knetik_cloud.retry_in": 0.0,
    }
    assert dict(second.attributes or {}) == {
        **shared,
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert [span.kind.name for span in (call, first, second)] == ["INTERNAL", "CLIENT", "CLIENT"]
    assert [span.status.status_code.name for span in (call, first, second)] == ["UNSET", "ERROR", "UNSET"]


@pytest.mark.parametrize("kind", KINDS)
def test_ambiguous_write_is_marked(kind: str) -> None:
    seen = run(Scenario("use_user_entitlement_item", (56, 57), (closes,), [], [], []), kind)
    for span in seen.telemetry.spans:
        assert (span.attributes or {})["knetik_cloud.may_have_applied"] is True
        assert (span.attributes or {})["error.type"] == "knetik_cloud.exceptions.ApiConnectionException"
        assert not span.events  # an exception's text may hold a player's data


@pytest.mark.parametrize("kind", KINDS)
def test_each_attempt_sends_its_own_trace_context(kind: str) -> None:
    seen = run(Scenario("get_user_inventory", (56, 57), (BUSY, healthy), [], [], []), kind)
    _, *attempts = seen.telemetry.spans
    assert [sent_context(request) for request in seen.server.requests] == [
        (span.context.trace_id, span.context.span_id, True) for span in attempts
    ]


def sent_context(request: Request) -> tuple[int, int, bool]:
    """Return the trace, the span and whether it is sampled, as a request says."""
    _, trace_id, span_id, flags = request.headers["traceparent"].split("-")
    return int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & 1)


@pytest.mark.parametrize("kind", KINDS)
def test_durations_and_retries_are_counted_by_operation_and_status(kind: str) -> None:
    seen = run(Scenario("get_user_inventory", (56, 57), (BUSY, closes, healthy), [], [], []), kind)
    assert seen.telemetry.metrics() == {
        "http.client.request.duration": {
            ("get_user_inventory", 503): 1,
            ("get_user_inventory", "knetik_cloud.exceptions.ApiConnectionException"): 1,
            ("get_user_inventory", 200): 1,
        },
        "knetik_cloud.client.retries": {("get_user_inventory", None): 2},
    }


def test_calls_are_children_of_the_current_span_in_threads_and_tasks_too() -> None:
    with FaultServer() as server, instrumented() as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("test")
        with tracer.start_as_current_span("mine") as mine, ApiClient(Configuration(server.url)) as client:
            api = UsersInventoryApi(client)
            api.get_user_inventory(56, 57)
            client.submit(api.get_user_inventory, 56, 57).result()
            api.get_user_inventory(56, 57, async_req=True).get()  # type: ignore[call-overload]

            async def main() -> None:
                async with aio.ApiClient(client.configuration) as asynchronous:
                    read = aio.UsersInventoryApi(asynchronous).get_user_inventory
                    await asyncio.gather(read(56, 57), asynchronous.submit(read, 56, 57))

            asyncio.run(main())
            assert trace.get_current_span() is mine
        calls = [span for span in telemetry.spans if span.kind.name == "INTERNAL" and span.name != "mine"]
        assert len(calls) == 5
        for span in calls:
            assert span.parent is not None
            assert span.parent.span_id == mine.get_span_context().span_id


@pytest.mark.parametrize("event", ["on_call_start", "on_attempt_end", "on_call_end"])
def test_span_of_a_call_that_is_interrupted_in_another_hook_ends(event: str) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    interrupted = Hook()
    setattr(interrupted, event, interrupt)
    telemetry = Telemetry()
    traced = OpenTelemetryHook(telemetry.tracer_provider, telemetry.meter_provider)
    hooks = [traced, interrupted]  # ends are reported in reverse
    with FaultServer() as server, ApiClient(Configuration(server.url, hooks=hooks)) as client:
        with pytest.raises(KeyboardInterrupt):
            UsersInventoryApi(client).get_user_inventory(56, 57)
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert len(telemetry.spans) == (1 if event == "on_call_start" else 2)


def test_concurrent_calls_do_not_mix_their_spans() -> None:
    with FaultServer() as server, instrumented() as telemetry:

        async def main() -> None:
            async with aio.ApiClient(Configuration(server.url)) as client:
                read = aio.UsersInventoryApi(client).get_user_inventory
                await asyncio.gather(*(read(56, 57) for _ in range(20)))

        asyncio.run(main())
        spans = telemetry.spans
    roots = {span.context.span_id: span for span in spans if span.parent is None}
    assert len(roots) == 20
    assert sorted(span.parent.span_id for span in spans if span.parent is not None) == sorted(roots)


def test_hooks_with_contexts_of_their_own_enclose_each_other() -> None:
    inner = Telemetry()
    hooks = [OpenTelemetryHook(inner.tracer_provider, inner.meter_provider)]
    with FaultServer() as server, instrumented() as outer:
        with ApiClient(Configuration(server.url, hooks=hooks)) as client:
            UsersInventoryApi(client).get_user_inventory(56, 57)
        assert trace.get_current_span() is trace.INVALID_SPAN
        for telemetry in (outer, inner):
            call, attempt = telemetry.spans
            assert attempt.parent is not None
            assert attempt.parent.span_id == call.context.span_id
        assert inner.spans[0].parent is not None
        assert inner.spans[0].parent.span_id == outer.spans[0].context.span_id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 599])
def test_error_type_of_a_status_is_its_number(kind: str, status: int) -> None:
    response = keeps(http_response(b"", status=f"{status} X"))
    seen = run(Scenario("get_user_inventory", (56, 57), (response,), [], [], []), kind)
    for span in seen.telemetry.spans:
        assert (span.attributes or {})["error.type"] == str(status)


@pytest.mark.parametrize("kind", KINDS)
def test_error_type_of_an_unreadable_success_is_its_class(kind: str) -> None:
    seen = run(
        Scenario("get_user_inventory", (56, 57), (keeps(http_response("no object")),), [], [], []), kind
    )
    call, _ = seen.telemetry.spans
    assert (call.attributes or {})["error.type"] == "knetik_cloud.exceptions.ApiResponseError"


def test_baggage_is_sent() -> None:
    with FaultServer() as server, instrumented(), ApiClient(Configuration(server.url)) as client:
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        try:
            UsersInventoryApi(client).get_user_inventory(56, 57)
        finally:
            context.detach(token)
    assert server.requests[0].headers["baggage"] == "tenant=acme"


def test_suppressed_instrumentation_makes_no_spans_and_no_events() -> None:
    with (
        FaultServer() as server,
        instrumented() as telemetry,
        ApiClient(Configuration(server.url, client_secret="secret")) as client,
        telemetry.tracer_provider.get_tracer("test").start_as_current_span("mine"),
        suppress_instrumentation(),
    ):
        UsersInventoryApi(client).get_user_inventory(56, 57)
    (mine,) = telemetry.spans
    assert mine.events == ()
    assert "traceparent" not in server.requests[0].headers


def test_call_that_is_not_sampled_still_sends_its_context() -> None:
    hook = OpenTelemetryHook(TracerProvider(sampler=ALWAYS_OFF))
    with FaultServer() as server, ApiClient(Configuration(server.url, hooks=[hook])) as client:
        UsersInventoryApi(client).get_user_inventory(56, 57)
    assert sent_context(server.requests[0])[2] is False


def test_one_configuration_can_be_traced_by_itself() -> None:
    telemetry = Telemetry()
    hook = OpenTelemetryHook(telemetry.tracer_provider, telemetry.meter_provider)
    with FaultServer() as server:
        for hooks in ([hook], []):
            with ApiClient(Configuration(server.url, hooks=hooks)) as client:
                UsersInventoryApi(client).get_user_inventory(56, 57)
    assert len(telemetry.spans) == 2


def test_instrumentor_is_found_by_its_entry_point_and_can_be_taken_off() -> None:
    (found,) = entry_points(group="opentelemetry_instrumentor", name="knetik_cloud")
    assert found.load() is KnetikCloudInstrumentor
    with instrumented():
        assert len(default_hooks) == 1
    assert default_hooks == []


def test_threads_that_instrument_at_the_same_time_add_one_hook() -> None:
    instrumentor = KnetikCloudInstrumentor()
    together = threading.Barrier(8)

    def instrument() -> None:
        together.wait(20)
        instrumentor._instrument()  # `instrument` calls it more than once if threads are as fast

    threads = [threading.Thread(target=instrument) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(default_hooks) == 1
    instrumentor._uninstrument()
    assert default_hooks == []


def test_missing_opentelemetry_is_named_with_its_extra() -> None:
    code = "import sys; sys.modules['opentelemetry'] = None; import knetik_cloud.contrib.opentelemetry"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.endswith(
        'opentelemetry is not installed. It comes with an extra: pip install "knetik_cloud[otel]"\n'
    )


def test_opentelemetry_is_not_imported_by_us() -> None:
    code = """
import sys
from knetik_cloud import ApiClient, Configuration, UsersInventoryApi
with ApiClient(Configuration(sys.argv[1])) as client:
    UsersInventoryApi(client).get_user_inventory(56, 57)
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    with FaultServer() as server:
        subprocess.run([sys.executable, "-c", code, server.url], check=True)
