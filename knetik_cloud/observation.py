"""The reports of a call to hooks and to the log: its attempts, its tokens and its end."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

from knetik_cloud.core import options
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.outcome import Await, Failure, Response
from knetik_cloud.exceptions import ApiException
from knetik_cloud.hooks import Attempt, Call, Hook, TokenEvent, default_hooks
from knetik_cloud.secret import MASK, Secret, masked

if TYPE_CHECKING:
    import logging

    from knetik_cloud.core.call import CallState, Reports, Steps
    from knetik_cloud.core.operation import Operation
    from knetik_cloud.core.request import Request

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

DEBUG, WARNING, ERROR = 10, 30, 40
"""The levels of `logging`, which is imported when there is something to log."""
MAX_BODY_LOGGED = 2000

Callback = Callable[[Any], Awaitable[None] | None]
Callbacks = Sequence[Callback]
Facts = Mapping[str, Any]
"""The facts of an attempt or a token, which become attributes of a log record."""


@cache
def logger() -> logging.Logger:
    """Return the logger of the SDK, which has no handlers of its own."""
    import logging

    return logging.getLogger("knetik_cloud")


def is_debugging() -> bool:
    """Return whether attempts are logged. They aren't before the program has loaded `logging`."""
    return "logging" in sys.modules and logger().isEnabledFor(DEBUG)


class CallbacksByEvent(NamedTuple):
    """The callbacks of a list of hooks. Methods that a hook doesn't override are left out."""

    on_call_start: Callbacks = ()
    on_attempt_start: Callbacks = ()
    on_attempt_end: Callbacks = ()
    on_call_end: Callbacks = ()
    on_token: Callbacks = ()

    @classmethod
    def of(cls, hooks: Iterable[Hook]) -> CallbacksByEvent:
        """Collect the callbacks of hooks, those of ends in reverse, so that the hooks enclose each other."""
        hooks = tuple(hooks)
        ends = hooks[::-1]
        return cls(*([*_overridden(ends if "_end" in event else hooks, event)] for event in cls._fields))


NO_CALLBACKS = CallbacksByEvent()


def _overridden(hooks: Sequence[Hook], event: str) -> Iterable[Callback]:
    for hook in hooks:
        callback = getattr(hook, event, None)  # a default hook may be of any class
        if callback is not None and getattr(callback, "__func__", None) is not vars(Hook)[event]:
            yield callback


def notify(callbacks: Iterable[Callback], event: object, is_end: bool = False) -> Reports:
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
            if pending is not None and hasattr(pending, "__await__"):
                yield Await(pending)
        except BaseException as error:
            if not is_interruption(error):
                _log_failure(callback, error)
            elif not is_end:
                raise
            else:
                interruption = error
    if interruption is not None:
        raise interruption


def is_interruption(error: BaseException) -> bool:
    """Return whether an error interrupts the call: an exit, its cancellation, or one of a signal handler."""
    if not isinstance(error, Exception):
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or not isinstance(error, asyncio.CancelledError):
            return True
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no event loop runs
            task = None
        return task is not None and task.cancelling() > 0  # otherwise a hook awaited what was cancelled
    signal = sys.modules.get("signal")
    if signal is None:
        return False
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    codes = {_code_of(handler) for handler in handlers if callable(handler)} - {None}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> object:
    """Return the code that a handler runs: a function, a method, a partial or an object with `__call__`."""
    while isinstance(handler, partial):
        handler = handler.func
    return getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)


def _log_failure(callback: Callback, error: BaseException) -> None:
    name = getattr(callback, "__qualname__", repr(callback))
    log(ERROR, {}, "the hook %s failed: %s", name, type(error).__name__, error=error)


class Observer:
    """Reports the calls of a client to hooks and to the log.

    Args:
        origin: The scheme, host and port of the service.
        hooks: The hooks of the configuration. Those in `default_hooks` come before them.
        debug: Whether query values and bodies are logged.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        origin: str,
        hooks: Sequence[Hook] = (),
        debug: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.origin = origin
        self.debug = debug
        self.clock = clock
        self._hooks = hooks
        self._known_defaults: list[Hook] = []
        self._callbacks = CallbacksByEvent.of(hooks) if hooks else NO_CALLBACKS

    def observe(self, operation: Operation[Any]) -> Observation | None:
        """Return the observation of a call, or None if there are no hooks and attempts aren't logged."""
        known, callbacks = self._known_defaults, self._callbacks
        if len(known) != len(default_hooks) or (known and not all(map(is_, known, default_hooks))):
            callbacks = self._collect()
        if callbacks is NO_CALLBACKS and not is_debugging():
            return None
        return Observation(self, callbacks, operation)

    def _collect(self) -> CallbacksByEvent:
        """Collect the callbacks of all hooks."""
        defaults = list(default_hooks)
        hooks = (*defaults, *self._hooks)
        callbacks = CallbacksByEvent.of(hooks) if hooks else NO_CALLBACKS
        self._callbacks, self._known_defaults = callbacks, defaults  # last: other threads compare them
        return callbacks

    def report_retry(self, state: CallState, retry_in: float | None) -> None:
        """Log at WARNING that an attempt failed, and when the next one follows, or why none does."""
        facts = facts_of(state, retry_in)
        rest = "not retried because the retry budget is exhausted"
        if retry_in is not None:
            rest = f"retrying in {retry_in:.2f} s"
        message = "%s: attempt %d failed (%s), %s"
        log(WARNING, facts, message, facts["operation"], facts["number"], state.text, rest)

    def report_token(self, event: TokenEvent, is_usable: bool = False) -> Reports:
        """Report to the hooks that a token was obtained or could not be, and log the latter at WARNING."""
        error = event.error
        if error is not None:
            rest = ", using the current one until it expires" if is_usable else ""
            facts = {"operation": error.operation, "status": error.status, "error": type(error).__name__}
            text = error.reason if error.status is None else f"{error.status} {error.reason}".rstrip()
            log(WARNING, facts, "a new token could not be obtained (%s)%s", text, rest)
        return notify(self._collect().on_token, event)


class Observation:
    """Reports one call.

    Args:
        observer: The observer of the client's calls.
        callbacks: The callbacks of the hooks when the call begins.
        operation: The operation.
    """

    def __init__(self, observer: Observer, callbacks: CallbacksByEvent, operation: Operation[Any]) -> None:
        self._observer = observer
        self._callbacks = callbacks
        self._is_write = operation.retry != "safe"
        self._call = Call(operation.id, operation.method, operation.path, observer.origin)

    def watch(self, steps: Steps) -> Steps:
        """Run the steps of the call, and report its start and its end."""
        callbacks = self._callbacks
        if callbacks is NO_CALLBACKS:  # only attempts are logged
            return (yield from steps)
        call, clock = self._call, self._observer.clock
        started = clock()
        try:
            yield from notify(callbacks.on_call_start, call)
            result = yield from steps
        except BaseException as error:
            now = clock()
            call.seconds = now - started
            yield from self._fail(error, now)
            raise
        call.seconds = clock() - started
        call.may_have_applied = False
        yield from notify(callbacks.on_call_end, call, is_end=True)
        return result

    def start_attempt(self, request: Request) -> Reports:
        """Report the start of an attempt, and add the headers of hooks to its request."""
        call, started = self._call, self._observer.clock()
        call.attempts += 1
        attempt = Attempt(call, call.attempts)
        attempt._started = started
        call._attempt = attempt  # last: an error that interrupts this ends no attempt
        yield from notify(self._callbacks.on_attempt_start, attempt)
        if attempt.headers:
            request.headers = _with(request.headers, attempt.headers)
            request.form_secrets += [value for value in request.headers.values() if isinstance(value, Secret)]

    def end_attempt(self, state: CallState, retry_in: float | None) -> Reports:
        """Report the last attempt, and the seconds until the next one, or None if there is none."""
        if is_debugging():  # which a hook may have changed
            log_attempt(state, retry_in, self._observer)
        call, outcome = self._call, state.last
        attempt, call._attempt = call._attempt, None
        assert attempt is not None
        if isinstance(outcome, Failure):
            attempt.error = outcome.to_exception()
            attempt.error.operation = attempt.operation
            attempt.error.may_have_applied = state.is_last_ambiguous
        else:
            attempt.status = outcome.status
            attempt._request_id = _request_id, outcome, state.request  # found when it is asked for
        if state.is_last_ambiguous:
            call.may_have_applied = attempt.may_have_applied = True
        attempt.retry_in = retry_in
        attempt.seconds = state.seconds
        return notify(self._callbacks.on_attempt_end, attempt, is_end=True)

    def _fail(self, error: BaseException, now: float) -> Reports:
        """Report the end of a call that failed. An attempt that was interrupted ends with it."""
        call, attempt, is_write = self._call, self._call._attempt, self._is_write
        try:
            if attempt is not None:
                attempt.error = error
                attempt.may_have_applied = is_write
                attempt.seconds = now - attempt._started
                call.may_have_applied |= is_write
                yield from notify(self._callbacks.on_attempt_end, attempt, is_end=True)
        finally:
            if isinstance(error, ApiException):
                call.may_have_applied = error.may_have_applied
            call.error = error
            yield from notify(self._callbacks.on_call_end, call, is_end=True)


def _with(headers: Mapping[str, str | Secret], added: Any) -> dict[str, str | Secret]:
    """Return headers with those of hooks, which replace them. Invalid ones are logged and left out."""
    valid: dict[str, str | Secret] = {}
    for part in [{name: added[name]} for name in added] if isinstance(added, Mapping) else [added]:
        try:
            valid |= options.headers("attempt.headers", part)
        except ApiException as error:
            log(ERROR, {}, "a header of a hook was not sent: %s", error)
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


def log_attempt(state: CallState, retry_in: float | None, observer: Observer) -> None:
    """Log the last attempt at DEBUG. The values of the URL and the bodies appear with `debug=True` only."""
    request, shown, data = state.request, state.operation.path, ""
    if observer.debug:
        shown, data = state.masked(f"{observer.origin}{state.target}"), bodies(state)
    facts, message = facts_of(state, retry_in), "%s %s: %s in %.3f s%s"
    log(DEBUG, facts, message, request.method, shown, state.text, state.seconds, data)


def log(
    level: int, facts: Facts, message: str, *arguments: object, error: BaseException | None = None
) -> None:
    """Log a message, with facts as attributes of its record that the program has not set itself.

    An exception in a handler or a filter of the program is shown on stderr, as `logging` shows those of its
    own handlers, and the call continues.
    """
    package = logger()
    try:
        try:
            package.log(level, message, *arguments, extra=facts, exc_info=error)
        except KeyError:  # a record factory of the program sets some of them, which `logging` rejects
            taken = vars(package.makeRecord("", level, "", 0, "", (), None))
            rest = {name: value for name, value in facts.items() if name not in taken}
            if len(rest) == len(facts):
                raise  # by a handler or a filter: others have the record already
            package.log(level, message, *arguments, extra=rest, exc_info=error)
    except BaseException as failure:
        if is_interruption(failure):
            raise
        import logging

        record = logging.LogRecord(package.name, level, "", 0, message, arguments, None)
        with suppress(Exception):  # stderr is closed
            logging.Handler().handleError(record)


def facts_of(state: CallState, retry_in: float | None) -> Facts:
    """Collect the facts of the last attempt for the log."""
    operation, outcome, error, status, request_id = state.operation, state.last, None, None, None
    if isinstance(outcome, Failure):
        error = outcome.error.__name__
    else:
        status, request_id = outcome.status, _request_id(outcome, state.request)
    return {
        "operation": operation.id,
        "method": operation.method,
        "url_template": operation.path,
        "number": len(state.attempts),
        "status": status,
        "error": error,
        "seconds": state.seconds,
        "request_id": request_id,
        "retry_in": retry_in,
        "may_have_applied": state.is_last_ambiguous,
    }


def bodies(state: CallState) -> str:
    """Format the bodies of the last attempt for `debug=True`, secrets masked."""
    request, outcome, parts = state.request, state.last, []
    sent = request.shown_body if request.shown_body is not None else request.body
    if isinstance(sent, bytes):
        sent = sent.decode("utf-8", "replace")
    if sent is not None:
        parts.append(f"sent {_shortened(state.masked(str(sent)))}")
    if not isinstance(outcome, Failure) and not (state.is_streamed and outcome.status < 300):
        is_hidden = state.is_hidden(outcome)
        received = MASK if is_hidden else state.masked(outcome.data.decode("utf-8", "replace"))
        parts.append(f"received {_shortened(received)}")
    return "".join(f"; {part}" for part in parts) or "; no bodies"


def _shortened(text: str) -> str:
    return repr(text) if len(text) <= MAX_BODY_LOGGED else f"{text[:MAX_BODY_LOGGED]!r}..."
