"""The reports of a call to hooks and to the log: its attempts, its tokens and its end."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from knetik_cloud.core import options
from knetik_cloud.core.outcome import Await, Command, Failure, Response
from knetik_cloud.exceptions import ApiException
from knetik_cloud.hooks import Attempt, Call, Hook
from knetik_cloud.secret import MASK, Secret, masked

if TYPE_CHECKING:
    import logging

    from knetik_cloud.core.request import Request

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

DEBUG, WARNING = 10, 30
"""The levels of `logging`, which is imported when the first call starts."""
MAX_BODY_LOGGED = 2000

Callback = Callable[[Any], Awaitable[None] | None]
Callbacks = Sequence[Callback]
Steps = Generator[Command, Any, None]
Facts = Mapping[str, Any]
"""The facts of an attempt or a token, which become attributes of a log record."""


@cache
def logger() -> logging.Logger:
    """Return the logger of the SDK, which has no handlers of its own."""
    import logging

    return logging.getLogger("knetik_cloud")


class Observers(NamedTuple):
    """The callbacks of a list of hooks, by event. Methods that a hook doesn't override are left out."""

    on_call_start: Callbacks
    on_attempt_start: Callbacks
    on_attempt_end: Callbacks
    on_call_end: Callbacks
    on_token: Callbacks

    @classmethod
    def of(cls, hooks: Iterable[Hook]) -> Observers:
        """Collect the callbacks of hooks, those of ends in reverse, so that the hooks enclose each other."""
        hooks = tuple(hooks)
        ends = hooks[::-1]
        return cls(*([*_overridden(ends if "_end" in event else hooks, event)] for event in cls._fields))


def _overridden(hooks: Sequence[Hook], event: str) -> Iterable[Callback]:
    for hook in hooks:
        callback = getattr(hook, event)
        if getattr(callback, "__func__", None) is not vars(Hook)[event]:
            yield callback


def notify(callbacks: Iterable[Callback], event: object, is_end: bool = False) -> Steps:
    """Run callbacks, await the coroutines that they return, and log their exceptions.

    Args:
        callbacks: The callbacks.
        event: The argument of each.
        is_end: Whether an exception that interrupts a callback is raised only after the others have run.
    """
    interruption: BaseException | None = None
    for callback in callbacks:
        try:
            pending = callback(event)
            if pending is not None:
                yield Await(pending)
        except BaseException as error:
            if not _is_interruption(error):
                _log_failure(callback, error)
            elif not is_end:
                raise
            else:
                interruption = error
    if interruption is not None:
        raise interruption


def _is_interruption(error: BaseException) -> bool:
    """Return whether an error interrupts the call: an exit, a cancellation, or one of a signal handler."""
    if not isinstance(error, Exception):
        return True
    signal = sys.modules.get("signal")
    if signal is None:
        return False
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _log_failure(callback: Callback, error: BaseException) -> None:
    name = getattr(callback, "__qualname__", repr(callback))
    logger().error("the hook %s failed: %s", name, type(error).__name__, exc_info=error)


def start_attempt(observers: Observers, call: Call, request: Request, now: float) -> Steps:
    """Report the start of an attempt, and add the headers of hooks to its request."""
    call.attempts += 1
    call._attempt = attempt = Attempt(call, call.attempts)
    attempt._started = now
    yield from notify(observers.on_attempt_start, attempt)
    if attempt.headers:
        request.headers = _with(request.headers, attempt.headers)
        request.form_secrets += [value for value in request.headers.values() if isinstance(value, Secret)]


def end_attempt(
    observers: Observers,
    call: Call,
    request: Request,
    outcome: Response | Failure,
    seconds: float,
    ambiguous: bool,
    retry_in: float | None,
) -> Steps:
    """Report the outcome of an attempt, and when the next one follows.

    Args:
        observers: The callbacks.
        call: The call.
        request: The request that was sent.
        outcome: What came of it.
        seconds: The duration of the attempt.
        ambiguous: Whether the attempt may have been applied without the client knowing.
        retry_in: Seconds until the next attempt, or None if there is none.
    """
    attempt, call._attempt = call._attempt, None
    assert attempt is not None
    if isinstance(outcome, Failure):
        attempt.error = outcome.masked(request.secrets()).to_exception()
        attempt.error.operation = attempt.operation
        attempt.error.may_have_applied = ambiguous
    else:
        attempt.status = outcome.status
        attempt._request_id = partial(_request_id, outcome, request)
    if ambiguous:
        call.may_have_applied = attempt.may_have_applied = True
    attempt.retry_in = retry_in
    attempt.seconds = seconds
    yield from notify(observers.on_attempt_end, attempt, is_end=True)


def fail(observers: Observers, call: Call, error: BaseException, is_write: bool, now: float) -> Steps:
    """Report the end of a call that failed. An attempt that was interrupted ends with it."""
    attempt = call._attempt
    try:
        if attempt is not None:
            attempt.error = error
            attempt.may_have_applied = is_write
            attempt.seconds = now - attempt._started
            call.may_have_applied |= is_write
            yield from notify(observers.on_attempt_end, attempt, is_end=True)
    finally:
        if isinstance(error, ApiException):
            call.may_have_applied = error.may_have_applied
        call.error = error
        yield from notify(observers.on_call_end, call, is_end=True)


def _with(headers: Mapping[str, str | Secret], added: Mapping[str, Any]) -> dict[str, str | Secret]:
    """Return headers with those of hooks, which replace them. Invalid ones are logged and left out."""
    valid: dict[str, str | Secret] = {}
    for name, value in added.items():
        try:
            valid |= options.headers("attempt.headers", {name: value})
        except ApiException as error:
            logger().error("a header of a hook was not sent: %s", error)
    return options.override_headers(dict(headers), valid)


def _request_id(response: Response, request: Request) -> str | None:
    """Return the service's trace id, from the headers or from the body of an error."""
    if response.status < 400:
        found = response.getheader("X-Request-Id")
    else:
        error = ApiException()
        error._load_response(response.data.decode("utf-8", "replace"), response.headers)
        found = error.request_id
    return found if found is None else masked(found, request.secrets())


def describe_outcome(outcome: Response | Failure, secrets: Sequence[Secret]) -> str:
    """Describe an outcome in a few words, secrets masked."""
    text = outcome.reason if isinstance(outcome, Failure) else f"{outcome.status} {outcome.reason}".rstrip()
    return masked(text or "", secrets)


def log_attempt(request: Request, url: str, outcome: Response | Failure, facts: Facts, data: str) -> None:
    """Log an attempt at DEBUG. The URL and bodies appear only if bodies are passed as `data`."""
    secrets = request.secrets()
    shown = masked(url, secrets) if data else request.operation.path
    text, seconds = describe_outcome(outcome, secrets), facts["seconds"]
    _log(DEBUG, facts, "%s %s: %s in %.3f s%s", request.method, shown, text, seconds, data)


def log_failed(request: Request, outcome: Response | Failure, facts: Facts) -> None:
    """Log at WARNING that an attempt failed, and when the next one follows, or why none does."""
    wait, text = facts["retry_in"], describe_outcome(outcome, request.secrets())
    rest = "not retried because the retry budget is exhausted"
    if wait is not None:
        rest = f"retrying in {wait:.2f} s"
    message = "%s: attempt %d failed (%s), %s"
    _log(WARNING, facts, message, facts["operation"], facts["number"], text, rest)


def log_token_failure(error: ApiException, is_usable: bool) -> None:
    """Log at WARNING that no token could be obtained, and whether the current one can still be used."""
    rest = ", using the current one until it expires" if is_usable else ""
    facts = {"operation": error.operation, "status": error.status, "error": type(error).__name__}
    _log(WARNING, facts, "a new token could not be obtained (%s)%s", error.reason, rest)


def _log(level: int, facts: Facts, message: str, *arguments: object) -> None:
    """Log a message, with facts as attributes of its record that the program has not set itself."""
    try:
        logger().log(level, message, *arguments, extra=facts)
    except KeyError:  # a record factory of the program sets some of them, which `logging` rejects
        taken = vars(logger().makeRecord("", level, "", 0, "", (), None))
        rest = {name: value for name, value in facts.items() if name not in taken}
        logger().log(level, message, *arguments, extra=rest)


def facts_of(
    request: Request,
    number: int,
    outcome: Response | Failure,
    seconds: float,
    ambiguous: bool,
    retry_in: float | None,
) -> Facts:
    """Collect the facts of an attempt for the log."""
    operation, error, status, request_id = request.operation, None, None, None
    if isinstance(outcome, Failure):
        error = outcome.error.__name__
    else:
        status, request_id = outcome.status, _request_id(outcome, request)
    return {
        "operation": operation.id,
        "method": operation.method,
        "url_template": operation.path,
        "number": number,
        "status": status,
        "error": error,
        "seconds": seconds,
        "request_id": request_id,
        "retry_in": retry_in,
        "may_have_applied": ambiguous,
    }


def bodies(request: Request, outcome: Response | Failure, is_hidden: bool, stream: bool) -> str:
    """Format the bodies of a request and its response for `debug=True`, secrets masked."""
    secrets = request.secrets()
    parts = []
    sent = request.shown_body if request.shown_body is not None else request.body
    if isinstance(sent, bytes):
        sent = sent.decode("utf-8", "replace")
    if sent is not None:
        parts.append(f"sent {_shortened(masked(str(sent), secrets))}")
    if not isinstance(outcome, Failure) and not (stream and outcome.status < 300):
        received = MASK if is_hidden else masked(outcome.data.decode("utf-8", "replace"), secrets)
        parts.append(f"received {_shortened(received)}")
    return "".join(f"; {part}" for part in parts) or "; no bodies"


def _shortened(text: str) -> str:
    return repr(text) if len(text) <= MAX_BODY_LOGGED else f"{text[:MAX_BODY_LOGGED]!r}..."
