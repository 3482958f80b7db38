"""OpenTelemetry: a span per call, a child span per attempt, and metrics, from the hooks of the SDK."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import Token
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from knetik_cloud.hooks import Attempt, Call, Hook, TokenEvent, default_hooks
from knetik_cloud.requirements import explain_missing
from knetik_cloud.version import __version__

with explain_missing("otel"):
    from opentelemetry import context, metrics, propagate, trace
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled

NAME = "knetik_cloud"
DURATION = "http.client.request.duration"
RETRIES = "knetik_cloud.client.retries"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The bounds in seconds that the conventions recommend."""

Attributes = dict[str, Any]


class KnetikCloudInstrumentor(BaseInstrumentor):
    """Traces and measures the calls of all clients of this process.

        KnetikCloudInstrumentor().instrument()

    `instrument` takes a `tracer_provider` for spans and a `meter_provider` for metrics. None means the global
    one. `uninstrument` ends it.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return the packages that are instrumented."""
        return ("knetik_cloud",)

    def _instrument(self, **providers: Any) -> None:
        hook = OpenTelemetryHook(providers.get("tracer_provider"), providers.get("meter_provider"))
        if self.__dict__.setdefault("_hook", hook) is hook:  # threads that call it at once add one
            default_hooks.append(hook)

    def _uninstrument(self, **_: Any) -> None:
        hook = self.__dict__.pop("_hook", None)
        if hook in default_hooks:
            default_hooks.remove(hook)


class OpenTelemetryHook(Hook):
    """A hook that traces and measures the calls of one configuration.

    Pass it in `Configuration(hooks=[...])` to trace only some clients. Names and attributes come
    from the contract, so they hold no ids, no query values and no bodies. Those of `ApiClient.call_api` have
    its path as it was written, so pass ids as `path_params`.

    Args:
        tracer_provider: The provider of spans. None means the global one.
        meter_provider: The provider of metrics. None means the global one.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._duration = meter.create_histogram(
            DURATION, "s", "Duration of the attempts of calls.", explicit_bucket_boundaries_advisory=BUCKETS
        )
        self._retries = meter.create_counter(RETRIES, "{attempt}", "Attempts after the first one of a call.")

    def on_call_start(self, call: Call) -> None:
        """Start the span of a call, which is the current one until the call ends."""
        if not is_instrumentation_enabled():
            return
        span = self._tracer.start_span(_name(call), attributes=_attributes(call.operation, *_target(call)))
        call.context[self] = _Spans(span, context.attach(trace.set_span_in_context(span)))

    def on_attempt_start(self, attempt: Attempt) -> None:
        """Start the span of an attempt, and send its trace context."""
        spans = attempt.call.context.get(self)
        if not isinstance(spans, _Spans):
            return
        attributes = _attributes(attempt.operation, *_target(attempt.call))
        if attempt.number > 1:
            self._retries.add(1, attributes)
            attributes = {**attributes, "http.request.resend_count": attempt.number - 1}
        spans.attempt = span = self._tracer.start_span(
            _name(attempt.call),
            trace.set_span_in_context(spans.call),
            trace.SpanKind.CLIENT,
            attributes,
        )
        propagate.inject(attempt.headers, trace.set_span_in_context(span))

    def on_attempt_end(self, attempt: Attempt) -> None:
        """End the span of an attempt, and record its duration."""
        spans = attempt.call.context.get(self)
        if not isinstance(spans, _Spans) or spans.attempt is None:
            return
        span, spans.attempt = spans.attempt, None
        found: Attributes = {}
        if attempt.status is not None:
            found["http.response.status_code"] = attempt.status
            if attempt.status >= 400:
                found["error.type"] = str(attempt.status)
        elif attempt.error is not None:
            found["error.type"] = _type(attempt.error)
        attributes = _attributes(attempt.operation, *_target(attempt.call))
        self._duration.record(attempt.seconds, {**attributes, **found}, trace.set_span_in_context(span))
        if span.is_recording():
            if attempt.request_id is not None:
                found["knetik_cloud.request_id"] = attempt.request_id
            if attempt.retry_in is not None:
                found["knetik_cloud.retry_in"] = attempt.retry_in
            if attempt.may_have_applied:
                found["knetik_cloud.may_have_applied"] = True
            _end(span, found)

    def on_call_end(self, call: Call) -> None:
        """End the span of a call."""
        spans = call.context.pop(self, None)
        if not isinstance(spans, _Spans):
            return
        context.detach(spans.token)
        found: Attributes = {"knetik_cloud.attempts": call.attempts}
        if call.error is not None:
            found["error.type"] = _error_type(call.error)
            found["knetik_cloud.may_have_applied"] = call.may_have_applied
        _end(spans.call, found)

    def on_token(self, event: TokenEvent) -> None:
        """Record a token as an event of the call that needed it."""
        if not is_instrumentation_enabled():
            return
        found: Attributes = {"knetik_cloud.token.renewed": event.renewed}
        if event.expires_in is not None:
            found["knetik_cloud.token.expires_in"] = event.expires_in
        if event.error is not None:
            found["error.type"] = _error_type(event.error)
        trace.get_current_span().add_event("knetik_cloud.token", found)


class _Spans:
    """The spans of a call in progress, and the token that restores the context before it."""

    __slots__ = ("attempt", "call", "token")

    def __init__(self, call: trace.Span, token: Token[Any]) -> None:
        self.call = call
        self.token = token
        self.attempt: trace.Span | None = None


def _end(span: trace.Span, found: Attributes) -> None:
    span.set_attributes(found)
    if "error.type" in found:
        span.set_status(trace.StatusCode.ERROR)
    span.end()


def _name(call: Call) -> str:
    return f"{call.method} {call.url_template}"


def _target(call: Call) -> tuple[str, str, str]:
    return call.method, call.url_template, call.origin


@lru_cache(maxsize=256)
def _attributes(operation: str, method: str, url_template: str, origin: str) -> Attributes:
    """Build the attributes that all spans and measurements of an operation share."""
    url = urlsplit(origin)
    return {
        "http.request.method": method,
        "url.template": url_template,
        "url.scheme": url.scheme,
        "server.address": url.hostname or "",
        "server.port": url.port or (443 if url.scheme == "https" else 80),
        "knetik_cloud.operation": operation,
    }


def _error_type(error: BaseException) -> str:
    """Return the status of an error if it is one from 400 on, otherwise the name of its class."""
    status = getattr(error, "status", None)
    return str(status) if status is not None and status >= 400 else _type(error)


def _type(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
