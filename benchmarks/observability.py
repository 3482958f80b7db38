"""The cost of a hook over none, and of spans over urllib3 with its own instrumentation."""

from __future__ import annotations

from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider

from benchmarks import baseline
from benchmarks.calls import caller, configuration
from benchmarks.comparison import Ratio, compare
from benchmarks.server import Server
from knetik_cloud import ApiClient, Hook, UsersInventoryApi
from knetik_cloud.contrib.opentelemetry import OpenTelemetryHook
from knetik_cloud.hooks import Attempt, Call


class Counts(Hook):
    """A hook that uses all callbacks of a call, as one that measures does."""

    def __init__(self) -> None:
        self.calls = self.attempts = 0
        self.seconds = 0.0

    def on_call_start(self, call: Call) -> None:
        """Count a call."""
        self.calls += 1

    def on_attempt_start(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self.attempts += 1

    def on_attempt_end(self, attempt: Attempt) -> None:
        """Add the duration of an attempt."""
        self.seconds += attempt.seconds

    def on_call_end(self, call: Call) -> None:
        """Add the duration of a call."""
        self.seconds += call.seconds


def measure(rounds: int) -> list[Ratio]:
    """Compare calls of one entry."""
    provider, instrumentor = TracerProvider(), URLLib3Instrumentor()
    with Server() as server:
        plain, hooked, traced = (ApiClient(configuration(server.url)) for _ in range(3))
        hooked.configuration.hooks = [Counts()]
        traced.configuration.hooks = [OpenTelemetryHook(provider)]
        with plain, hooked, traced:
            calls = [caller(UsersInventoryApi(client), 1) for client in (plain, hooked, traced)]
            ratios = [compare("call: one hook, over none", calls[1], calls[0], rounds=rounds)]
            instrumentor.instrument(tracer_provider=provider)
            try:
                bare = baseline.caller(server.port, 1)
                name = "call: spans, over urllib3 with its own"
                ratios.append(compare(name, calls[2], bare, rounds=rounds))
            finally:
                instrumentor.uninstrument()
    return ratios
