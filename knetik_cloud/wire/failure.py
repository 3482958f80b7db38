"""Maps errors below HTTP to what they mean to a caller: the same words and verdicts for every transport."""

from __future__ import annotations

import sys
from types import CodeType, TracebackType

from knetik_cloud.core.causes import without_tracebacks
from knetik_cloud.core.outcome import Failure
from knetik_cloud.exceptions import (
    ApiConnectionException,
    ApiException,
    ApiResponseError,
    ApiTimeoutException,
    ApiValueError,
)
from knetik_cloud.wire.response import ClosedEarlyError, FramingError, TruncatedError

MAX_SHOWN = 200
UNKNOWN_ISSUER = (18, 19, 20, 21)
"""OpenSSL's codes for certificates that no trusted CA has issued."""
NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""OpenSSL's reasons, in different versions, for a response in plain HTTP to the start of a handshake."""
LIBRARIES = (
    "asyncio", "builtins", "certifi", "concurrent", "encodings", "eventlet", "gevent", "knetik_cloud",
    "select", "selectors", "socket", "ssl", "threading", "urllib3", "uvloop", "zlib",
)  # fmt: skip
"""The packages whose errors the exchange translates: this one, and those that it calls."""
SWITCHES = ("eventlet.hubs.hub", "gevent._gevent_c_greenlet_primitives", "gevent._greenlet_primitives")
"""Modules in which a greenlet waits. An error from there was thrown into it, such as that of a time limit."""


def is_foreign(error: BaseException, *libraries: str) -> bool:
    """Return whether an error was raised by code that the exchange did not call.

    A signal handler, a debugger or a task's time limit may raise any error at any moment. Its class shows
    nothing: handlers raise `TimeoutError`, too. The frame that raised it does.

    Args:
        error: The error.
        libraries: More packages whose errors are translated.
    """
    known = {*LIBRARIES, *libraries}
    is_of_library = type(error).__module__.partition(".")[0] in known
    if isinstance(error, OSError):
        known.add("importlib")  # an import that found no free file descriptor
    elif not is_of_library:
        return True
    # A resolver of the program's own may raise this one.
    traceback = None if type(error).__name__ == "gaierror" else error.__traceback__
    is_known = True
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        is_known = module not in SWITCHES and module.partition(".")[0] in known
        if not is_known and _replaces_socket(traceback.tb_frame.f_code):
            return False
        traceback = traceback.tb_next
    return not (is_of_library and is_known)


def _replaces_socket(code: CodeType) -> bool:
    """Return whether the program, or a tool, has put a function or an object in place of one of `socket`."""
    module = sys.modules.get("socket")
    for place in (module, getattr(module, "socket", None)):
        for name in ("getaddrinfo", "socket", "connect", "send", "recv"):
            function = getattr(place, name, None)
            # In this order: a function, a partial one, one that wrapt wraps, and an object such as a mock.
            called = (function, getattr(function, "func", None), getattr(function, "_self_wrapper", None))
            if any(getattr(each, "__code__", None) is code for each in (*called, type(function).__call__)):
                return True
    return False


def reject_foreign(error: BaseException) -> None:
    """Raise an error again if it was raised by code that the exchange did not call."""
    if is_foreign(error):
        raise error


def foreign_traceback(error: BaseException) -> TracebackType | None:
    """Return the part of a traceback behind the frames of this package, whose locals hold the token."""
    traceback = found = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").startswith("knetik_cloud."):
            found = traceback.tb_next
        traceback = traceback.tb_next
    return found


def map_error(cause: BaseException, written: bool, host: str, trust: str = "") -> Failure:
    """Map a low-level error to what it means to the engine.

    Args:
        cause: The error. It loses its traceback, whose frames hold the token.
        written: Whether any of the request may have reached the service.
        host: The host that the request was for, or the proxy.
        trust: The certificate authorities that the client trusts.
    """
    # Names, not the classes of `socket` and `ssl`: without a free file descriptor, an import fails.
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    error: type[ApiException] = ApiConnectionException
    retryable = True
    if isinstance(cause, (ApiResponseError, ApiValueError)):
        error, reason, retryable = type(cause), cause.reason or "", False
    elif isinstance(cause, FramingError):
        error, reason = ApiResponseError, f"{host} sent an invalid HTTP response: {shorten(cause)}"
    elif isinstance(cause, TruncatedError) or (written and "SSLEOFError" in kinds):
        reason = f"the response of {host} was truncated"
    elif isinstance(cause, ClosedEarlyError):
        reason = f"{host} closed the connection without a response"
    elif isinstance(cause, TimeoutError):
        message = f"{host} did not respond in time" if written else f"timed out connecting to {host}"
        error, reason = ApiTimeoutException, f"{message} (increase _request_timeout)"
    elif isinstance(cause, UnicodeError) or "gaierror" in kinds:
        reason = f"the host {host} could not be found: {shorten(cause)}"
    elif "SSLError" in kinds and kinds.isdisjoint(("SSLEOFError", "SSLZeroReturnError")):
        hint, retryable = "", False
        if getattr(cause, "verify_code", 0) in UNKNOWN_ISSUER:
            hint = f" (if you trust its CA, pass the CA's file as ssl_ca_cert; trusted now: {trust})"
        elif getattr(cause, "reason", "") in NOT_TLS:
            hint = " (if it doesn't use TLS, its URL must begin with http://)"
        reason = f"no secure connection to {host}: {shorten(cause)}{hint}"
    elif isinstance(cause, OSError):
        event = "was lost" if written else "could not be made"
        reason = f"the connection to {host} {event}: {shorten(cause)}"
    else:
        reason = f"the exchange with {host} failed: {type(cause).__name__} {shorten(cause)}".rstrip()
    return Failure(error, reason, written, without_tracebacks(cause), retryable)


def shorten(cause: BaseException) -> str:
    """Return an error's text, shortened."""
    text = str(cause)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
