"""Drives the engine with a list of outcomes in place of a network, and a clock that only moves when told."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from knetik_cloud.core.auth import TokenStore
from knetik_cloud.core.call import CallResult, Engine
from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.core.options import Settings
from knetik_cloud.core.outcome import CallProvider, Command, Failure, ObtainToken, Send, Sleep
from knetik_cloud.exceptions import (
    ApiConnectionException,
    ApiException,
    ApiTimeoutException,
    Headers,
)
from knetik_cloud.hooks import Hook
from knetik_cloud.observation import Observer
from knetik_cloud.secret import Secret

R = TypeVar("R")

READ: Operation[Any] = Operation(
    "read", "GET", "/things/{id}", (Parameter("id", "path", "int32", required=True),), returns="object"
)
WRITE: Operation[None] = Operation(
    "write", "PUT", "/things/{id}", (Parameter("id", "path", "int32", required=True),), retry="idempotent"
)
REMOVE: Operation[None] = Operation(
    "remove", "DELETE", "/things/{id}", (Parameter("id", "path", "int32", required=True),), retry="idempotent"
)
ONCE: Operation[Any] = Operation(
    "once",
    "POST",
    "/things",
    (Parameter("id", "query", "int32"),),
    retry="once",
    returns="object",
    empty_result=True,
)
TOKEN: Operation[Any] = Operation(
    "token",
    "POST",
    "/oauth/token",
    (
        Parameter("grant_type", "form", "str"),
        Parameter("client_id", "form", "str"),
        Parameter("client_secret", "form", "str", secret=True),
        Parameter("username", "form", "str"),
        Parameter("password", "form", "str", secret=True),
        Parameter("refresh_token", "form", "str", secret=True),
    ),
    returns="OAuth2Resource",
    authenticated=False,
)


class Reply:
    """A response, as a transport would return it."""

    def __init__(
        self, status: int = 200, data: bytes = b"{}", reason: str = "Reason", **headers: str
    ) -> None:
        self.status = status
        self.data = data
        self.reason: str | None = reason
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.headers = Headers(named)
        self.is_discarded = False

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header."""
        return self.headers.get(name, default)

    def discard_connection(self) -> None:
        """Record that the response was invalid."""
        self.is_discarded = True


REFUSED = Failure(ApiConnectionException, "refused", False, ConnectionRefusedError("refused"))
RESET = Failure(ApiConnectionException, "reset", True, ConnectionResetError("reset"))
READ_TIMEOUT = Failure(ApiTimeoutException, "slow", True, TimeoutError("slow"))
CONNECT_TIMEOUT = Failure(ApiTimeoutException, "slow", False, TimeoutError("slow"))
BAD_CERTIFICATE = Failure(ApiConnectionException, "TLS", False, retryable=False)


class World:
    """An engine, its clock, and what it asked for.

    Args:
        tokens: the store of the engine's tokens.
        random: what its randomness gives.
        tries: seconds that each try takes.
        late: seconds that each wait takes in addition.
        hooks: what observes its calls.
    """

    def __init__(
        self,
        tokens: TokenStore | None = None,
        *,
        random: float = 1.0,
        tries: float = 0.0,
        late: float = 0.0,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.now = 1000.0
        self.tries = tries
        self.late = late
        self.sent: list[Send] = []
        self.waits: list[float] = []
        self.targets: list[str] = []
        self.authorizations: list[str | None] = []
        self.bodies: list[str] = []
        self.from_provider: list[Any] = []
        self.engine = Engine(
            "http://service",
            "/base",
            tokens,
            observer=Observer("http://service", hooks, clock=lambda: self.now),
            clock=lambda: self.now,
            now=lambda: 1_500_000_000.0,
            random=lambda: random,
        )

    def call(
        self,
        operation: Operation[Any],
        outcomes: Iterable[Reply | Failure],
        *,
        stream: bool = False,
        settings: Settings | None = None,
        **arguments: Any,
    ) -> CallResult:
        """Run a call against a list of outcomes, all of which must be met."""
        chosen = settings or make_settings()
        given = iter(outcomes)
        response = self.drive(
            self.engine.call(operation, {"id": 5, **arguments}, chosen, stream), given, chosen
        )
        assert next(given, None) is None, "not all outcomes were met"
        return response

    def error(
        self, operation: Operation[Any], outcomes: Iterable[Reply | Failure], **options: Any
    ) -> ApiException:
        """Run a call that fails, and return its error."""
        try:
            self.call(operation, outcomes, **options)
        except ApiException as error:
            return error
        raise AssertionError("the call succeeded")

    def drive(self, steps: Generator[Command, Any, R], outcomes: Iterable[Any], settings: Settings) -> R:
        """Do what the engine asks for."""
        given = iter(outcomes)
        outcome: Any = None
        try:
            while True:
                command = steps.send(outcome)
                if isinstance(command, Send):
                    self._note(command)
                    outcome = next(given)
                    self.now += self.tries
                elif isinstance(command, Sleep):
                    self.waits.append(command.seconds)
                    self.now += command.seconds + self.late
                    outcome = None
                elif isinstance(command, CallProvider):
                    outcome = self.from_provider.pop(0)
                else:
                    assert isinstance(command, ObtainToken)
                    try:
                        outcome = self.drive(self.engine.renew(command, settings, TOKEN), given, settings)
                    except ApiException as error:
                        steps.throw(error)
                        raise
        except StopIteration as stop:
            result: R = stop.value
            return result

    def _note(self, command: Send) -> None:
        self.sent.append(command)
        self.targets.append(f"{command.request.method} {command.request.target}")
        held = command.request.headers.get("Authorization")
        self.authorizations.append(held.reveal() if isinstance(held, Secret) else held)
        self.bodies.append((command.request.content() or b"").decode())


def make_settings(
    *, deadline: float = 30.0, retries: int = 2, headers: Mapping[str, str | Secret] | None = None
) -> Settings:
    """Make the settings of a call."""
    return Settings(5.0, 10.0, deadline, retries, headers or {})


def granted(token: str = "first-token", expires_in: object = 1000, **more: str) -> Reply:
    """Return the token operation's response."""
    import json

    return Reply(200, json.dumps({"access_token": token, "expires_in": expires_in, **more}).encode())
