"""The engine that runs one API call: authenticate, send, retry and decode, without doing I/O itself.

It is a generator that yields commands and is sent their outcomes. `ApiClient` drives it over blocking
connections, `aio.ApiClient` over those of an event loop, and tests with a list.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from knetik_cloud.core import retry
from knetik_cloud.core.auth import TokenStore
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import Operation
from knetik_cloud.core.options import Settings
from knetik_cloud.core.outcome import (
    CallProvider,
    Command,
    Failure,
    ObtainToken,
    Response,
    Send,
    Sleep,
)
from knetik_cloud.core.request import Request, build
from knetik_cloud.data import codec
from knetik_cloud.exceptions import (
    ApiException,
    ApiResponseError,
    ApiTimeoutException,
    Attempt,
    DeadlineExceeded,
    Headers,
    exception_class,
)
from knetik_cloud.hooks import TokenEvent
from knetik_cloud.secret import MASK, Secret, masked

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

MAX_REDIRECTS = 3
MAX_ERROR_BODY_BYTES = 4 << 20
"""The number of bytes of a body that an error keeps."""
CHARSETS = re.compile(
    r"utf-?(8|16|32)([-_]?(le|be|sig))?|iso-?8859-?[0-9]{1,2}|latin-?1|(windows-|cp)125[0-8]"
)
"""The supported character sets. Python has others that are slow, or that run code."""
REDIRECTS = frozenset((301, 302, 303, 307, 308))
USUAL_OUTCOMES = frozenset(("200", "200 OK", "201", "201 Created", "204", "204 No Content"))
"""Outcomes of attempts that are not searched for secrets."""


class CallResult(NamedTuple):
    """The result of a call: the decoded data, the response, and the attempts."""

    data: Any
    response: Response
    attempts: tuple[Attempt, ...]


Steps = Generator[Command, Any, CallResult]
Reports = Generator[Command, Any, None]


class Observation(Protocol):
    """The observer of one call. Its steps may wait for hooks."""

    def watch(self, steps: Steps) -> Steps:
        """Run the steps of the call, and report its start and its end."""

    def start_attempt(self, request: Request) -> Reports:
        """Report the start of an attempt, and add the headers of hooks to its request."""

    def end_attempt(self, state: CallState, retry_in: float | None) -> Reports:
        """Report the last attempt, and the seconds until the next one, or None if there is none."""


class Observer(Protocol):
    """The observer of the calls of an engine."""

    def observe(self, operation: Operation[Any]) -> Observation | None:
        """Return the observation of a call that begins, or None if there is none."""

    def report_retry(self, state: CallState, retry_in: float | None) -> None:
        """Report a failed attempt, and the seconds until the next one, or None if the budget is exhausted."""

    def report_token(self, event: TokenEvent, is_usable: bool = False) -> Reports:
        """Report that a token was obtained or could not be, and whether the one before can still be used."""


class RecordedWrite(Protocol):
    """The record of a write, which the engine completes when the call ends."""

    @property
    def state(self) -> str:
        """The result of the call, or `"open"` while it is running."""

    def end(self, state: str) -> None:
        """Record the result of the call."""

    def end_unknown(self, arguments: Mapping[str, Any]) -> None:
        """Record that the result is unknown, and what was sent."""


LimitCall = Callable[[float, str], tuple[float, str | None]]
"""A function that limits a call, from its own deadline in seconds and the id of its operation.

It returns the limit, and the reason of the error that ends the call if that is not its own deadline."""
RecordWrite = Callable[[Operation[Any], Mapping[str, Any], str], RecordedWrite]
"""A function that records a write about to be sent: its operation, its arguments and the service's URL."""


class Engine:
    """The state shared by all calls of a client: origin, tokens, retry budget and clocks.

    Args:
        origin: The scheme, host and port, such as `https://sandbox.knetikcloud.com`.
        base_path: The path before the paths of the operations, without a slash at its end.
        tokens: The source of tokens. None means calls without tokens.
        observer: Observes the calls.
        max_json_values: The maximum number of JSON values in a response. None means no limit.
        record_write: Records each write whose outcome can be read back. None means no record.
        limit: Limits each call further than its own deadline.
        clock: Returns monotonic seconds.
        now: Returns epoch seconds.
        random: Returns a number from 0 to 1.
    """

    def __init__(
        self,
        origin: str,
        base_path: str = "",
        tokens: TokenStore | None = None,
        *,
        observer: Observer,
        max_json_values: int | None = None,
        record_write: RecordWrite | None = None,
        limit: LimitCall = lambda seconds, operation: (seconds, None),
        clock: Callable[[], float] = monotonic,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.origin = origin
        self.base_path = base_path
        self.tokens = tokens
        self.budget = retry.Budget()
        self.clock = clock
        self._observer = observer
        self.max_json_values = max_json_values
        self.record_write = record_write
        self._limit = limit
        self._now = now
        self._random = random

    def call(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        settings: Settings,
        stream: bool = False,
    ) -> Steps:
        """Run one call of an operation.

        Raises:
            ApiException: If the call fails for any reason.
        """
        observation = self._observer.observe(operation)
        steps = self._run(operation, arguments, settings, stream, observation)
        return steps if observation is None else observation.watch(steps)

    def _run(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        settings: Settings,
        stream: bool,
        observation: Observation | None,
    ) -> Steps:
        request = build(operation, arguments, self.base_path, settings.headers)
        limit, reason = self._limit(settings.deadline, operation.id)
        deadline = self.clock() + limit
        tokens = None if "Authorization" in request.headers or not operation.authenticated else self.tokens
        state, is_sending = CallState(operation, arguments, request, self, stream), False
        try:
            while True:
                if tokens is not None:
                    token = tokens.fresh(self.clock(), state.rejected)
                    if token is None:
                        token = yield from state.authenticate(ObtainToken(tokens, state.rejected, deadline))
                    request.headers["Authorization"] = state.token = token
                headers = request.headers  # those of hooks are for one attempt only
                if observation is not None:
                    yield from observation.start_attempt(request)
                started = self.clock()
                outcome: Response | Failure
                if started < deadline:
                    is_sending = True
                    outcome = yield Send(request, settings.connect, settings.read, deadline, stream)
                else:  # the token, a hook or the wait took too long
                    outcome = Failure(DeadlineExceeded, "", written=False)
                state.seconds = self.clock() - started
                if isinstance(outcome, Failure):
                    failure = outcome.masked(request.secrets())  # before it is in the frame of an error
                    outcome = self._apply_deadline(failure, deadline, settings.deadline, reason)
                state.record(outcome)
                is_sending = False
                retries = state.retries
                state.target = request.target  # which a redirect changes
                retry_in = self._next_attempt(state, outcome, settings, deadline)
                if observation is not None:
                    request.headers = headers
                    yield from observation.end_attempt(state, retry_in)
                if retry_in is None:
                    return state.finish(outcome)
                if state.retries > retries:  # not after a redirect, nor for a new token
                    self._observer.report_retry(state, retry_in)
                    yield Sleep(retry_in)
        except BaseException:
            state.abandon(is_sending)
            raise

    def _next_attempt(
        self, state: CallState, outcome: Response | Failure, settings: Settings, deadline: float
    ) -> float | None:
        """Return the seconds until the next attempt, or None if the outcome is final."""
        if not isinstance(outcome, Failure):
            if 200 <= outcome.status < 300:
                self.budget.earn()
                return None
            may_renew = self.tokens is not None and self.tokens.is_renewable
            if outcome.status == 401 and may_renew and state.token is not None and state.rejected is None:
                state.rejected = state.token
                return 0.0
            if state.redirects < MAX_REDIRECTS and self._follow(state.request, outcome):
                state.redirects += 1
                return 0.0
        return self._retry_in(state, outcome, settings, deadline)

    def _retry_in(
        self, state: CallState, outcome: Response | Failure, settings: Settings, deadline: float
    ) -> float | None:
        """Return the seconds until a retry, or None if there is none."""
        kind, wait, cost, throttled = state.operation.retry, None, retry.COST, False
        if isinstance(outcome, Failure):
            may_retry = outcome.retryable and (kind != "once" or not outcome.written)
            if issubclass(outcome.error, ApiTimeoutException):
                cost = retry.COST_AFTER_TIMEOUT
        else:
            may_retry = retry.is_retryable_status(kind, outcome.status)
            wait = retry.retry_after(outcome.getheader("Retry-After"), self._now)
            if throttled := outcome.status == retry.THROTTLED:
                cost = retry.COST_AFTER_THROTTLING
        state.retry_after = wait
        if wait is None:
            wait = retry.backoff(state.retries, throttled, self._random)
        if (
            not may_retry
            or state.retries >= settings.retries
            or wait > retry.MAX_RETRY_AFTER_SECONDS
            or self.clock() + wait >= deadline
        ):
            return None
        if not self.budget.spend(cost):
            self._observer.report_retry(state, None)
            return None
        state.retries += 1
        state.attempts[-1] = state.attempts[-1].with_changes(waited=wait)
        return wait

    def renew(
        self, command: ObtainToken, settings: Settings, operation: Operation[Any]
    ) -> Generator[Command, Any, Secret]:
        """Obtain a token, once for all calls that wait for it.

        The driver runs this while it holds the client's token lock. A call that waited for the lock finds
        the token that another call fetched, or its failure, which is not retried immediately.

        Args:
            command: The command of the call.
            settings: The settings of the token operation.
            operation: The token operation.

        Raises:
            ApiException: If no token can be obtained, and the old one has expired.
        """
        tokens = command.tokens
        fresh = tokens.fresh(self.clock(), command.rejected)
        if fresh is not None:
            return fresh
        failure = tokens.recent_failure(self.clock())
        if failure is None:
            was_renewed = tokens.has_token
            try:
                token = yield from self._fetch(command, settings, operation)
            except ApiException as error:
                failure = error
                is_usable = tokens.valid(self.clock(), command.rejected) is not None
                tokens.failed(error, self.clock(), is_usable)
                yield from self._observer.report_token(TokenEvent(error, renewed=was_renewed), is_usable)
            else:
                event = TokenEvent(expires_in=tokens.expires_in(self.clock()), renewed=was_renewed)
                yield from self._observer.report_token(event)
                return token
        usable = tokens.valid(self.clock(), command.rejected)
        if usable is not None:
            return usable
        raise failure

    def _fetch(
        self, command: ObtainToken, settings: Settings, operation: Operation[Any]
    ) -> Generator[Command, Any, Secret]:
        """Fetch a token from the provider, with the refresh token, or with the credentials, in this order."""
        tokens, deadline = command.tokens, command.deadline
        half = (self.clock() + deadline) / 2
        if tokens.valid(half, command.rejected) is not None:  # which the call can still use then
            deadline = half
        if tokens.provider is not None:
            return tokens.store_provided((yield CallProvider(tokens.provider, deadline)), self.clock())
        while True:
            left = max(deadline - self.clock(), 0.001)
            token_settings, grant = settings.with_options({"_deadline": left}), tokens.grant()
            try:
                token = tokens.store_grant(
                    (yield from self.call(operation, grant, token_settings)).data, self.clock()
                )
            except ApiException as error:
                used = grant.get("refresh_token")
                if error.status not in (400, 401) or not tokens.discard_refresh_token(used):
                    raise
                continue
            if token is None:
                raise ApiResponseError(reason="the token response contains no usable access token")
            return token

    def _apply_deadline(
        self, failure: Failure, deadline: float, seconds: float, reason: str | None
    ) -> Failure:
        """Replace a timeout that the deadline of the call caused, and not its own limit."""
        if issubclass(failure.error, ApiTimeoutException) and self.clock() >= deadline:
            reason = reason or f"the call exceeded its deadline of {seconds:.3g} s (increase _deadline)"
            reason += "" if failure.written else ": this attempt was not sent"
            return failure._replace(error=DeadlineExceeded, reason=reason)
        return failure

    def _follow(self, request: Request, response: Response) -> bool:
        """Change the target of a read to that of a redirect, if it has the same origin."""
        location = response.getheader("Location") if response.status in REDIRECTS else None
        if request.method != "GET" or not location:
            return False
        try:
            url = urlsplit(urljoin(self.origin + request.target, location))
        except ValueError:
            return False
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        if origin(url) != origin(urlsplit(self.origin)) or not (target.isascii() and target.isprintable()):
            return False
        request.target = target.replace(" ", "%20")
        return True


def origin(url: SplitResult) -> tuple[str, str]:
    """Return the scheme of a URL, and its user, host and port unless that is the usual one."""
    usual = ":443" if url.scheme == "https" else ":80"
    return url.scheme, url.netloc.lower().removesuffix(usual).rstrip(":")


class CallState:
    """The state of a call: its attempts, last outcome, and whether a write may have been applied."""

    last: Response | Failure
    """The outcome of the last attempt."""
    text: str
    """The outcome of the last attempt in a few words, with secrets masked."""
    _ambiguous = _is_deleted = False
    is_last_ambiguous = False
    seconds = 0.0
    """The duration of the last attempt."""
    token: Secret | None = None
    rejected: Secret | None = None
    """The token that the service rejected with a 401."""
    retry_after: float | None = None
    """Seconds that the last response asked to wait."""
    retries = redirects = 0
    _write: RecordedWrite | None = None

    def __init__(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        request: Request,
        engine: Engine,
        stream: bool,
    ) -> None:
        self.operation = operation
        self._arguments = arguments
        self.request = request
        self._engine = engine
        self.is_streamed = stream
        self.target = request.target
        """The target that the last attempt requested."""
        self.attempts: list[Attempt] = []
        if operation.read_back and engine.record_write is not None:
            self._write = engine.record_write(operation, arguments, engine.origin + engine.base_path)

    def masked(self, text: str) -> str:
        """Return a text with the secrets of the request masked, which the service may have echoed."""
        return masked(text, self.request.secrets())

    def authenticate(self, command: ObtainToken) -> Generator[Command, Any, Secret]:
        """Obtain a token for the next attempt.

        Raises:
            ApiException: If no token can be obtained. Earlier attempts may have been applied.
        """
        try:
            token: Secret = yield command
        except ApiException as error:
            error.operation = error.operation or self.operation.id
            error.may_have_applied = self._ambiguous
            error.attempts = (*self.attempts, *error.attempts)
            raise
        return token

    def record(self, outcome: Response | Failure) -> None:
        """Record the outcome of an attempt, with the secrets of its request masked."""
        self.last, retry_class = outcome, self.operation.retry
        status = None
        if isinstance(outcome, Failure):
            text, is_ambiguous = outcome.reason, outcome.written and retry_class != "safe"
        else:
            status = outcome.status
            text, is_success = f"{status} {outcome.reason}".rstrip(), 200 <= status < 300
            if is_success and self._write is not None:
                self._write.end("applied")
            is_ambiguous = not is_success and retry.is_ambiguous(retry_class, status)
            if status == 404 and self.operation.method == "DELETE" and self._ambiguous:
                text, self._is_deleted = "404: already deleted by an earlier attempt", True
        self.text = text if text in USUAL_OUTCOMES else self.masked(text)
        attempt = Attempt(self.text, status)
        attempt.seconds = self.seconds
        self.attempts.append(attempt)
        self.is_last_ambiguous = is_ambiguous
        self._ambiguous |= is_ambiguous

    def abandon(self, is_sending: bool) -> None:
        """Record the result of a write whose call ends with an error or is interrupted.

        Args:
            is_sending: Whether an attempt was interrupted, so that its outcome is not recorded.
        """
        if self._write is None:
            return
        if is_sending or self._ambiguous:
            self._write.end_unknown(self._arguments)
        elif self._write.state == "open":
            self._write.end("absent")

    def finish(self, outcome: Response | Failure) -> CallResult:
        """Return the result of the final attempt.

        Raises:
            ApiException: If it failed, or if a successful response can't be decoded.
        """
        if not isinstance(outcome, Failure):
            if 200 <= outcome.status < 300:
                return self._complete(outcome)
            if self._is_deleted:
                return CallResult(outcome if self.is_streamed else None, outcome, tuple(self.attempts))
        raise self._error()

    def _complete(self, response: Response) -> CallResult:
        """Decode a successful response.

        Raises:
            ApiResponseError: If the response can't be decoded. A write has still been applied.
        """
        attempts = tuple(self.attempts)
        if self.is_streamed:
            return CallResult(response, response, attempts)
        try:
            return CallResult(
                read(self.operation, response, self._engine.max_json_values), response, attempts
            )
        except ApiResponseError as unreadable:
            reason = self.masked(unreadable.reason or "")  # here, in a frame of the error
        except RecursionError:
            reason = "the response can't be read: it is nested too deeply"
        response.discard_connection()
        self._ambiguous = self.operation.retry != "safe"
        if self.is_hidden(response):  # the value in place of the token may be a token
            reason = f"the response can't be read as {self.operation.returns}"
        error = ApiResponseError(response.status, reason)
        error.__cause__ = ValueError(error.reason)  # the codec's own error holds the whole body
        raise self._describe(error, response)

    def _error(self) -> ApiException:
        """Build the error for the last attempt."""
        last = self.last
        if isinstance(last, Failure):
            return self._describe(last.to_exception(), None)
        error = exception_class(last.status)(last.status, self.masked(last.reason or ""))
        error.retry_after = self.retry_after
        return self._describe(error, last)

    def is_hidden(self, response: Response) -> bool:
        """Return whether a response contains secrets that the service grants."""
        return response.status < 300 and any(parameter.secret for parameter in self.operation.parameters)

    def _describe(self, error: ApiException, response: Response | None) -> ApiException:
        error.operation = self.operation.id
        error.attempts = tuple(self.attempts)
        error.may_have_applied = self._ambiguous
        error._write = self._write
        error._curl = self.masked(self.request.as_curl(self._engine.origin))
        if response is not None:
            body = MASK if self.is_hidden(response) else _excerpt(response.data)
            pairs = [(self.masked(name), self.masked(value)) for name, value in response.headers.items()]
            error._load_response(self.masked(body), Headers(pairs))
        return error


def _excerpt(data: bytes) -> str:
    """Return the start of a body as text, for an error. What is kept is searched for secrets."""
    text = data[:MAX_ERROR_BODY_BYTES].decode("utf-8", "replace")
    return text if len(data) <= MAX_ERROR_BODY_BYTES else f"{text}..."


def read(operation: Operation[Any], response: Response, max_json_values: int | None = None) -> Any:
    """Decode a successful response as the type that the operation returns.

    Args:
        operation: The operation.
        response: The response.
        max_json_values: The maximum number of JSON values in the response, or None.

    Raises:
        ApiResponseError: If the response does not have that type.
    """
    data = response.data
    if not data or data.isspace():
        if operation.returns is None or operation.empty_result or response.status == 204:
            return None
        raise ApiResponseError(reason=f"the response is empty; expected {operation.returns}")
    media = response.getheader("Content-Type")
    charset = None if media is None else _charset(media)
    returned = operation.returned
    if returned is None:
        if data.lstrip()[:1] == b"<":
            raise ApiResponseError(reason="expected an empty response, got HTML or XML")
        return None
    document = data if charset is None else codec.text(data, charset)
    if max_json_values is not None and len(document) > max_json_values:  # otherwise it can't have more
        codec.check_count(document, max_json_values)
    value = codec.decode(document)
    if value is None and operation.empty_result:
        return None
    if value is None:
        raise ApiResponseError(reason=f"the response is null; expected {operation.returns}")
    place = operation.returns or ""
    returned.check([value], place, 2)
    return returned.view(value, place)


@lru_cache(maxsize=64)
def _charset(media: str) -> str | None:
    """Return the character set of a media type, or None for UTF-8.

    Raises:
        ApiResponseError: If the media type is not that of JSON, of plain text, or unspecified.
    """
    kind, *parameters = (part.strip().lower() for part in media.split(";"))
    if not kind.endswith("json") and kind not in ("", "text/plain", "application/octet-stream"):
        raise ApiResponseError(reason=f"the response isn't JSON: its content type is {media!r}")
    named = [part.partition("=")[2].strip(" \"'") for part in parameters if part.startswith("charset")]
    if not named or named[0] in ("", "utf-8", "utf8", "us-ascii", "ascii"):
        return None
    if not CHARSETS.fullmatch(named[0]):
        raise ApiResponseError(reason=f"the response has an unsupported character set: {media!r}")
    return named[0]
