"""The hooks with which a program observes calls, attempts and tokens, and adds headers to requests."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from knetik_cloud.exceptions import ApiException
from knetik_cloud.secret import Secret


class Call:
    """One call of an operation, from its start until its result or its error.

    Attributes:
        operation: The id of the operation, such as `get_user_inventory`, or method and path for `call_api`.
        method: The HTTP method.
        url_template: The path with its parameters' names, such as `/users/{user_id}/inventory/{id}`, or that
            of `call_api` as it was written.
        origin: The scheme, host and port of the service.
        attempts: The number of attempts so far.
        seconds: The duration, waits included. 0.0 until the call ends.
        error: The error that the call raises, or None.
        may_have_applied: True if a write was sent and its effect is unknown.
        context: A dict in which hooks can keep values until the call ends, each under its own key.
    """

    __slots__ = (
        "_attempt",
        "attempts",
        "context",
        "error",
        "may_have_applied",
        "method",
        "operation",
        "origin",
        "seconds",
        "url_template",
    )

    def __init__(self, operation: str, method: str, url_template: str, origin: str) -> None:
        self.operation = operation
        self.method = method
        self.url_template = url_template
        self.origin = origin
        self.attempts = 0
        self.seconds = 0.0
        self.error: BaseException | None = None
        self.may_have_applied = False
        self._attempt: Attempt | None = None  # the one that is running
        self.context: dict[object, object] = {}


class Attempt:
    """One HTTP request of a call, and its outcome.

    Attributes:
        call: The call that the attempt belongs to.
        number: 1 for the first attempt.
        headers: Additional headers to send, which `on_attempt_start` may fill. They are checked as usual.
        status: The HTTP status of the response, or None without a response.
        error: The error of an attempt without a response, or None. If the call was cancelled, this is the
            exception that cancelled it.
        seconds: The duration of the attempt. 0.0 until it ends.
        retry_in: Seconds until the next attempt, or None if this is the last one.
        may_have_applied: True if the attempt was a write that may have been applied.
    """

    __slots__ = (
        "_request_id",
        "_started",
        "call",
        "error",
        "headers",
        "may_have_applied",
        "number",
        "retry_in",
        "seconds",
        "status",
    )

    _started: float

    def __init__(self, call: Call, number: int) -> None:
        self.call = call
        self.number = number
        self.headers: dict[str, str | Secret] = {}
        self.status: int | None = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self._request_id: str | tuple[Any, ...] | None = None
        """The id, or a function that finds it and its arguments."""
        self.retry_in: float | None = None
        self.may_have_applied = False

    @property
    def request_id(self) -> str | None:
        """The service's trace id, or None."""
        found = self._request_id
        if isinstance(found, tuple):
            find, *arguments = found
            self._request_id = found = find(*arguments)
        return found

    def __getstate__(self) -> object:
        """Return the state for a pickle or a copy, with the id instead of the response that contains it."""
        self._request_id = self.request_id
        return super().__getstate__()

    @property
    def operation(self) -> str:
        """The id of the operation."""
        return self.call.operation

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.call.method

    @property
    def url_template(self) -> str:
        """The path with its parameters' names."""
        return self.call.url_template


class TokenEvent:
    """A token that was obtained or could not be obtained.

    Attributes:
        error: The error, or None if a token was obtained.
        expires_in: Seconds until the token expires, or None if unknown.
        renewed: True if the token replaces an earlier one.
    """

    __slots__ = ("error", "expires_in", "renewed")

    def __init__(
        self, error: ApiException | None = None, expires_in: float | None = None, renewed: bool = False
    ) -> None:
        self.error = error
        self.expires_in = expires_in
        self.renewed = renewed


class Hook:
    """The base class of hooks. Override the methods that you need.

    Pass hooks in `Configuration(hooks=[...])`.

    The asyncio client also accepts coroutine methods and awaits them. An exception in a hook is logged and
    never reaches the caller. No argument holds a secret.
    """

    def on_call_start(self, call: Call) -> Awaitable[None] | None:
        """Run before the first attempt of a call."""

    def on_attempt_start(self, attempt: Attempt) -> Awaitable[None] | None:
        """Run before each attempt. Entries put into `attempt.headers` are sent."""

    def on_attempt_end(self, attempt: Attempt) -> Awaitable[None] | None:
        """Run after each attempt, once it is known whether another one follows."""

    def on_call_end(self, call: Call) -> Awaitable[None] | None:
        """Run once per call, after its last attempt."""

    def on_token(self, event: TokenEvent) -> Awaitable[None] | None:
        """Run after a token was obtained, or could not be."""


default_hooks: list[Hook] = []
"""Hooks that apply to every configuration, before its own."""
