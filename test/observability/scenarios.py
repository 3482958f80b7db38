"""Scenarios that both clients run, and recorders of the hooks, log records and spans that come of them."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from knetik_cloud import ApiClient, ApiException, Configuration, Hook, UsersInventoryApi, aio
from knetik_cloud.contrib.opentelemetry import KnetikCloudInstrumentor
from knetik_cloud.hooks import Attempt, Call, TokenEvent
from test.faults.server import FaultServer, Script

CREDENTIALS = {"client_secret": "client-secret-canary"}


class Interrupted(Exception):
    """Raised by a signal handler, as a task queue does at its time limit."""


class Scenario(NamedTuple):
    """A call, what the service does, and what is seen of it.

    `{interruption}` in what is seen stands for the exception that interrupts a client of a kind.
    """

    method: str
    arguments: tuple[Any, ...]
    scripts: tuple[Script, ...]
    hooks: list[str]
    logs: list[str]
    spans: list[str]
    credentials: Mapping[str, str] = MappingProxyType({})
    is_interrupted: bool = False


class Recorder(Hook):
    """Notes its callbacks in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.arguments: list[Any] = []

    def note(self, what: str, argument: object) -> None:
        self.seen.append(what)
        self.arguments.append(argument)

    def on_call_start(self, call: Call) -> None:
        assert (call.attempts, call.seconds, call.error) == (0, 0.0, None)
        self.note(f"call {call.operation} {call.method} {call.url_template}", call)

    def on_attempt_start(self, attempt: Attempt) -> None:
        assert (attempt.status, attempt.error, attempt.seconds) == (None, None, 0.0)
        self.note(f"attempt {attempt.number}", attempt)

    def on_attempt_end(self, attempt: Attempt) -> None:
        assert attempt.seconds > 0
        came = attempt.status or type(attempt.error).__name__
        again = "" if attempt.retry_in is None else ", again at once" if not attempt.retry_in else ", again"
        unsure = ", may have applied" if attempt.may_have_applied else ""
        self.note(f"attempt {attempt.number}: {came}{again}{unsure}", attempt)

    def on_call_end(self, call: Call) -> None:
        assert call.seconds > 0
        came = "done" if call.error is None else type(call.error).__name__
        unsure = ", may have applied" if call.may_have_applied else ""
        self.note(f"end of {call.operation} after {call.attempts}: {came}{unsure}", call)

    def on_token(self, event: TokenEvent) -> None:
        came = "token" if event.error is None else type(event.error).__name__
        self.note(f"{came}, renewed" if event.renewed else came, event)


class CoroutineRecorder(Recorder):
    """The same, awaited."""

    async def on_call_start(self, call: Call) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        Recorder.on_call_start(self, call)

    async def on_attempt_start(self, attempt: Attempt) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        Recorder.on_attempt_start(self, attempt)

    async def on_attempt_end(self, attempt: Attempt) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        Recorder.on_attempt_end(self, attempt)

    async def on_call_end(self, call: Call) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        Recorder.on_call_end(self, call)

    async def on_token(self, event: TokenEvent) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        Recorder.on_token(self, event)


class Telemetry:
    """The data that OpenTelemetry received."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter_provider = MeterProvider([self.reader])

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in the order of their starts."""
        found: tuple[ReadableSpan, ...] = self.exporter.get_finished_spans()
        return sorted(found, key=lambda span: (span.start_time, span.parent is not None))

    def described(self) -> list[str]:
        """Describe the spans as a tree."""
        spans = self.spans
        parents = {span.context.span_id: span.parent for span in spans}
        described = []
        for span in spans:
            depth, parent = 0, span.parent
            while parent is not None:
                depth, parent = depth + 1, parents[parent.span_id]
            had = span.attributes or {}
            parts = [span.name]
            parts += [f"resend {had[name]}" for name in ("http.request.resend_count",) if name in had]
            parts += [str(had[name]) for name in ("http.response.status_code",) if name in had]
            parts += [f"error {had[name].rpartition('.')[2]}" for name in ("error.type",) if name in had]
            parts += [event.name for event in span.events]
            described.append(f"{'  ' * depth}{', '.join(parts)}")
        return described

    def metrics(self) -> dict[str, dict[tuple[Any, ...], int]]:
        """Count the measurements by metric, operation and status or error."""
        counted: dict[str, dict[tuple[Any, ...], int]] = {}
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = counted.setdefault(metric.name, {})
                    for point in metric.data.data_points:
                        had = point.attributes
                        key = (
                            had["knetik_cloud.operation"],
                            had.get("http.response.status_code", had.get("error.type")),
                        )
                        points[key] = points.get(key, 0) + int(getattr(point, "count", 0) or point.value)
        return counted


class Seen(NamedTuple):
    """The observed results of a scenario."""

    hooks: list[str]
    arguments: list[Any]
    records: list[logging.LogRecord]
    telemetry: Telemetry
    server: FaultServer
    error: BaseException | None

    @property
    def logs(self) -> list[str]:
        """The log lines, with their durations left out."""
        lines = [f"{record.levelname} {record.getMessage()}" for record in self.records]
        return [re.sub(r"\b\d+\.\d+ s\b", "T s", line) for line in lines]


@contextmanager
def instrumented() -> Iterator[Telemetry]:
    """Instrument all clients."""
    telemetry, instrumentor = Telemetry(), KnetikCloudInstrumentor()
    instrumentor.instrument(
        tracer_provider=telemetry.tracer_provider, meter_provider=telemetry.meter_provider
    )
    try:
        yield telemetry
    finally:
        instrumentor.uninstrument()


@contextmanager
def interrupting(seconds: float) -> Iterator[None]:
    """Raise `Interrupted` in the main thread after some seconds."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_blocking(scenario: Scenario, configuration: Configuration) -> BaseException | None:
    """Run a scenario with the blocking client, and return its error."""
    with ApiClient(configuration) as client:
        method: Callable[..., Any] = getattr(UsersInventoryApi(client), scenario.method)
        try:
            with interrupting(1 if scenario.is_interrupted else 60):
                method(*scenario.arguments)
        except (ApiException, Interrupted) as error:
            return error
    return None


def run_asyncio(scenario: Scenario, configuration: Configuration) -> BaseException | None:
    """Run a scenario with the asyncio client, and return its error."""

    async def main() -> BaseException | None:
        async with aio.ApiClient(configuration) as client:
            method: Callable[..., Any] = getattr(aio.UsersInventoryApi(client), scenario.method)
            task = asyncio.create_task(method(*scenario.arguments))
            if scenario.is_interrupted:
                await asyncio.sleep(1)
                task.cancel()
            with suppress(ApiException, asyncio.CancelledError):
                await task
            if task.cancelled():
                return asyncio.CancelledError()
            return task.exception()

    return asyncio.run(main())


def run(scenario: Scenario, kind: str, *, debug: bool = False) -> Seen:
    """Run a scenario with a client of a kind: `blocking`, `asyncio` or `coroutines`."""
    recorder = CoroutineRecorder() if kind == "coroutines" else Recorder()
    logger, records = logging.getLogger("knetik_cloud"), list[logging.LogRecord]()
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with FaultServer(scenario.scripts) as server, instrumented() as telemetry:
            configuration = Configuration(
                server.url, timeout=5, hooks=[recorder], debug=debug, **scenario.credentials
            )
            runner = run_blocking if kind == "blocking" else run_asyncio
            error = runner(scenario, configuration)
            assert server.met == len(scenario.scripts)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return Seen(recorder.seen, recorder.arguments, records, telemetry, server, error)
