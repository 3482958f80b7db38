"""The life of a call: authorize, send, judge, wait, try again, decode, give up.

Written once, as a generator that yields what it wants done and is sent the outcome: `ApiClient` drives it
over blocking connections, `aio.ApiClient` over those of an event loop, a test with a plain list.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from knetik_cloud.core import retry, writes
from knetik_cloud.core.auth import TokenStore, missing_token_error
from knetik_cloud.core.causes import sanitize_cause
from knetik_cloud.core.failure import deadline_passed
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
    Headers,
    exception_class,
)
from knetik_cloud.secret import MASK, Secret, masked

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

MAX_REDIRECTS = 3
CHARSETS = re.compile(
    r"utf-?(8|16|32)([-_]?(le|be|sig))?|iso-?8859-?[0-9]{1,2}|latin-?1|(windows-|cp)125[0-8]"
)
"""Character sets that are decoded. Python knows others that take ages, or run code of their own."""
REDIRECTS = frozenset((301, 302, 303, 307, 308))
Log = Callable[[str], None]


class CallResult(NamedTuple):
    """What a call came to: the decoded data, the response, and the tries that it took."""

    data: Any
    response: Response
    attempts: tuple[Attempt, ...]


Steps = Generator[Command, Any, CallResult]


class Engine:
    """What all calls of a client share: origin, tokens, retry budget, clocks.

    Args:
        origin: scheme, host and port, such as `https://sandbox.knetikcloud.com`.
        base_path: what comes before the operations' paths, without a slash at its end.
        tokens: where tokens come from; None calls without one.
        log: takes a line for each request and answer; None for silence.
        clock: gives monotonic seconds.
        now: gives epoch seconds.
        random: gives a number from 0 to 1.
    """

    def __init__(
        self,
        origin: str,
        base_path: str = "",
        tokens: TokenStore | None = None,
        *,
        log: Log | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.origin = origin
        self.base_path = base_path
        self.tokens = tokens
        self.budget = retry.Budget()
        self.clock = clock
        self._log = log
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
            ApiException: whatever went wrong; nothing else.
        """
        request = build(operation, arguments, self.base_path, settings.headers)
        deadline = self.clock() + settings.deadline
        state = _CallState(operation, arguments, request, self.origin)
        tokens = None if "Authorization" in request.headers or not operation.authenticated else self.tokens
        rejected: Secret | None = None
        retries = redirects = 0
        while True:
            if tokens is not None:
                token = tokens.fresh(self.clock(), rejected)
                if token is None:
                    token = yield from state.authenticate(ObtainToken(tokens, rejected, deadline))
                request.headers["Authorization"] = token
            outcome: Response | Failure = yield Send(
                request, settings.connect, settings.read, deadline, stream
            )
            if self._log is not None:
                self._log(state.log_line(outcome))
            if not isinstance(outcome, Failure):
                if 200 <= outcome.status < 300:
                    self.budget.earn()
                    return state.complete(outcome, stream)
                state.record_response(outcome)
                if state.is_done_delete(outcome):
                    return CallResult(outcome if stream else None, outcome, tuple(state.attempts))
                if outcome.status == 401 and tokens is not None and rejected is None and tokens.is_renewable:
                    rejected = token
                    continue
                if redirects < MAX_REDIRECTS and self._follow(request, outcome):
                    redirects += 1
                    continue
            else:
                outcome = self._apply_deadline(outcome, deadline, settings.deadline)
                state.record_failure(outcome)
            decision = self._decide_retry(operation, outcome)
            wait = decision.retry_after
            if wait is None:
                wait = retry.backoff(retries, decision.throttled, self._random)
            if (
                not decision.retryable
                or retries >= settings.retries
                or wait > retry.MAX_RETRY_AFTER_SECONDS
                or self.clock() + wait >= deadline
                or not self.budget.spend(decision.cost)
            ):
                raise state.error(decision.retry_after)
            retries += 1
            state.attempts[-1] = state.attempts[-1]._replace(waited=wait)
            yield Sleep(wait)

    def renew(
        self, command: ObtainToken, settings: Settings, operation: Operation[Any]
    ) -> Generator[Command, Any, Secret]:
        """Get the token that a call asked for, once for all calls that wait for it.

        The driver runs this while it holds the client's token lock. Whoever waited for the lock finds the
        token that was fetched meanwhile, or the failure, which isn't repeated at once.

        Args:
            command: what the call asked for.
            settings: what the token operation runs by.
            operation: the token operation.

        Raises:
            ApiException: no token can be had, and the old one is no longer good.
        """
        tokens = command.tokens
        fresh = tokens.fresh(self.clock(), command.rejected)
        if fresh is not None:
            return fresh
        failure = tokens.recent_failure(self.clock())
        if failure is None:
            try:
                return (yield from self._fetch(command, settings, operation))
            except ApiException as error:
                tokens.failed(error, self.clock())
                failure = error
        usable = tokens.valid(self.clock(), command.rejected)
        if usable is not None:
            return usable
        raise failure

    def _fetch(
        self, command: ObtainToken, settings: Settings, operation: Operation[Any]
    ) -> Generator[Command, Any, Secret]:
        """Fetch a token: from the provider, else by the refresh token, else by the credentials."""
        tokens = command.tokens
        if tokens.provider is not None:
            token = tokens.store_provided(
                (yield CallProvider(tokens.provider, command.deadline)), self.clock()
            )
            if token is None:
                raise missing_token_error()
            return token
        while True:
            left = max(command.deadline - self.clock(), 0.001)
            token_settings = settings.with_options({"_deadline": left})
            try:
                token = tokens.store_grant(
                    (yield from self.call(operation, tokens.grant(), token_settings)).data, self.clock()
                )
            except ApiException as error:
                if error.status not in (400, 401) or not tokens.discard_refresh_token():
                    raise
                continue
            if token is None:
                raise missing_token_error()
            return token

    def _apply_deadline(self, failure: Failure, deadline: float, seconds: float) -> Failure:
        """Tell a timeout that came of the call's deadline from one that came of its own limit."""
        if issubclass(failure.error, ApiTimeoutException) and self.clock() >= deadline:
            return deadline_passed(failure, seconds)
        return failure

    def _decide_retry(self, operation: Operation[Any], outcome: Response | Failure) -> _RetryDecision:
        """Say whether what came of a try allows another one, and at what price."""
        if isinstance(outcome, Failure):
            cost = retry.COST_AFTER_TIMEOUT if issubclass(outcome.error, ApiTimeoutException) else retry.COST
            return _RetryDecision(
                outcome.retryable and (operation.retry != "once" or not outcome.written), cost
            )
        throttled = outcome.status == retry.THROTTLED
        return _RetryDecision(
            retry.is_retryable_status(operation.retry, outcome.status),
            retry.COST_AFTER_THROTTLING if throttled else retry.COST,
            retry.retry_after(outcome.getheader("Retry-After"), self._now),
            throttled,
        )

    def _follow(self, request: Request, response: Response) -> bool:
        """Point a read at where it was redirected, if that is at the same origin."""
        location = response.getheader("Location") if response.status in REDIRECTS else None
        if request.method != "GET" or not location:
            return False
        try:
            url = urlsplit(urljoin(self.origin + request.target, location))
        except ValueError:
            return False
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        if f"{url.scheme}://{url.netloc.lower()}" != self.origin or not (
            target.isascii() and target.isprintable()
        ):
            return False
        request.target = target.replace(" ", "%20")
        return True


class _RetryDecision(NamedTuple):
    retryable: bool
    cost: int
    retry_after: float | None = None
    throttled: bool = False


class _CallState:
    """What has come of a call so far."""

    def __init__(
        self, operation: Operation[Any], arguments: Mapping[str, Any], request: Request, origin: str
    ) -> None:
        self._operation = operation
        self._arguments = arguments
        self._write = writes.LOG.add(operation, arguments, origin) if operation.read_back else None
        self._request = request
        self._origin = origin
        self._last: Response | Failure
        self._ambiguous = False
        self.attempts: list[Attempt] = []

    def masked(self, text: str) -> str:
        """Give a text without the request's secrets, should the service have echoed them."""
        return masked(text, self._request.secrets())

    def log_line(self, outcome: Response | Failure) -> str:
        """Give the line of the log on a try."""
        said = outcome.reason if isinstance(outcome, Failure) else f"{outcome.status} {outcome.reason}"
        return f"{self._request.method} {self._origin}{self._request.target}: {self.masked(said)}"

    def authenticate(self, command: ObtainToken) -> Generator[Command, Any, Secret]:
        """Get a token for the next try.

        Raises:
            ApiException: there is none to be had; the tries before it may have acted all the same.
        """
        try:
            token: Secret = yield command
        except ApiException as error:
            error.operation = error.operation or self._operation.id
            error.may_have_applied = self._ambiguous
            error.attempts = (*self.attempts, *error.attempts)
            raise
        return token

    def record_failure(self, failure: Failure) -> None:
        """Take note of a try that got no answer."""
        self._last = failure
        self._ambiguous |= failure.written and self._operation.retry != "safe"
        self.attempts.append(Attempt(failure.reason))

    def record_response(self, response: Response) -> None:
        """Take note of an answer that isn't a success."""
        self._last = response
        self._ambiguous |= retry.is_ambiguous(self._operation.retry, response.status)
        self.attempts.append(Attempt(f"{response.status} {response.reason}".rstrip(), response.status))

    def is_done_delete(self, response: Response) -> bool:
        """Tell whether a 404 means that an earlier try of a DELETE was applied; note it if so."""
        if response.status != 404 or self._operation.method != "DELETE" or not self._ambiguous:
            return False
        self.attempts[-1] = Attempt("404: gone, an earlier try deleted it", 404)
        return True

    def complete(self, response: Response, stream: bool) -> CallResult:
        """Read a successful answer.

        Raises:
            ApiResponseError: it can't be read; a write has been applied all the same.
        """
        self.attempts.append(Attempt(f"{response.status} {response.reason}".rstrip(), response.status))
        attempts = tuple(self.attempts)
        if self._write is not None:
            self._write.end("applied")
        if stream:
            return CallResult(response, response, attempts)
        try:
            return CallResult(read(self._operation, response), response, attempts)
        except ApiResponseError as unreadable:
            reason = self.masked(unreadable.reason or "")  # at once: this frame is one of the error's own
        except RecursionError:
            reason = "the response can't be read: it is nested too deeply"
        response.discard_connection()
        self._last = response
        self._ambiguous = self._operation.retry != "safe"
        if self._is_hidden(response):  # what was found in place of the token may be one
            reason = f"the response can't be read as {self._operation.returns}"
        error = ApiResponseError(response.status, reason)
        error.__cause__ = ValueError(error.reason)  # the codec's own error holds the whole body
        raise self._describe(error, response)

    def error(self, retry_after: float | None) -> ApiException:
        """Build the error for the last try."""
        last = self._last
        if isinstance(last, Failure):
            last.reason = self.masked(last.reason)
            last.cause = sanitize_cause(last.cause, self._request.secrets())
            return self._describe(last.to_exception(), None)
        error = exception_class(last.status)(last.status, self.masked(last.reason or ""))
        error.retry_after = retry_after
        return self._describe(error, last)

    def _is_hidden(self, response: Response) -> bool:
        """Tell whether an answer is one that grants secrets."""
        return response.status < 300 and any(parameter.secret for parameter in self._operation.parameters)

    def _describe(self, error: ApiException, response: Response | None) -> ApiException:
        error.operation = self._operation.id
        error.attempts = tuple(
            attempt._replace(outcome=self.masked(attempt.outcome)) for attempt in self.attempts
        )
        error.may_have_applied = self._ambiguous
        if self._write is not None:
            error._write = self._write
            if self._ambiguous:
                self._write.end_unknown(self._arguments)
            else:
                self._write.end("absent")
        error._curl = self.masked(self._request.as_curl(self._origin))
        if response is not None:
            body = MASK if self._is_hidden(response) else response.data.decode("utf-8", "replace")
            pairs = [(self.masked(name), self.masked(value)) for name, value in response.headers.items()]
            error._load_response(self.masked(body), Headers(pairs))
        return error


def read(operation: Operation[Any], response: Response) -> Any:
    """Read a successful answer as what the operation returns.

    Raises:
        ApiResponseError: it is something else.
    """
    data = response.data
    if not data or data.isspace():
        if operation.returns is None or operation.empty_result or response.status == 204:
            return None
        raise ApiResponseError(reason=f"the answer is empty where {operation.returns} is due")
    media = response.getheader("Content-Type")
    charset = None if media is None else _charset(media)
    returned = operation.returned
    if returned is None:
        if data.lstrip()[:1] == b"<":
            raise ApiResponseError(reason="the answer is a page of HTML or XML where none is due")
        return None
    value = codec.decode(data if charset is None else codec.text(data, charset))
    if value is None and operation.empty_result:
        return None
    if value is None:
        raise ApiResponseError(reason=f"the answer is null where {operation.returns} is due")
    place = operation.returns or ""
    returned.check([value], place, 2)
    return returned.view(value, place)


@lru_cache(maxsize=64)
def _charset(media: str) -> str | None:
    """Give the character set that a media type names, None for UTF-8.

    Raises:
        ApiResponseError: the media type is none that holds JSON; unnamed and plain ones may.
    """
    kind, *parameters = (part.strip().lower() for part in media.split(";"))
    if not kind.endswith("json") and kind not in ("", "text/plain", "application/octet-stream"):
        raise ApiResponseError(reason=f"the response isn't JSON: it says that it is {media!r}")
    named = [part.partition("=")[2].strip(" \"'") for part in parameters if part.startswith("charset")]
    if not named or named[0] in ("", "utf-8", "utf8", "us-ascii", "ascii"):
        return None
    if not CHARSETS.fullmatch(named[0]):
        raise ApiResponseError(reason=f"the response isn't JSON in a character set that is known: {media!r}")
    return named[0]
