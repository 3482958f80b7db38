"""The options that every method takes, and how they are settled before a call starts."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
CALL_API_PARAMETERS = (
    "resource_path",
    "method",
    "path_params",
    "query_params",
    "header_params",
    "body",
    "response_type",
)
"""What `call_api` takes."""
FRAMING = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


class CallOptions(TypedDict, total=False):
    """The keyword options that every method takes beside its own parameters.

    They come before `with_options(...)`, which comes before the `Configuration`.
    """

    _request_timeout: float | tuple[float, float] | None
    """Seconds to wait for a connection and for each receive, or a (connect, read) pair."""
    _deadline: float | None
    """Seconds for the whole call: token, tries and waits; `math.inf` sets no limit."""
    _retries: int | None
    """How often the call may be repeated; 0 sends it once."""
    _headers: Mapping[str, str | Secret] | None
    """Headers to send beside the SDK's own, or instead of them."""


class Settings:
    """What one call runs by: options, view and configuration, settled."""

    __slots__ = ("connect", "deadline", "headers", "read", "retries")

    def __init__(
        self,
        connect: float,
        read: float,
        deadline: float,
        retries: int,
        headers: Mapping[str, str | Secret],
    ) -> None:
        self.connect = connect
        self.read = read
        self.deadline = deadline
        self.retries = retries
        self.headers = headers

    def with_options(
        self, options: Mapping[str, Any], method: str = "with_options", parameters: Iterable[str] = ()
    ) -> Settings:
        """Settle options over these settings; None leaves a setting as it is.

        Args:
            options: the options.
            method: the method that was given them, for the error.
            parameters: the method's own parameters.

        Raises:
            TypeError: an option that no method has.
            ApiValueError: a value out of range.
        """
        settled = Settings(self.connect, self.read, self.deadline, self.retries, self.headers)
        for name, value in options.items():
            if name not in CallOptions.__annotations__:
                raise unknown_parameter_error(name, method, parameters)
            if value is None:
                continue
            if name == "_request_timeout":
                settled.connect, settled.read = timeouts(name, value)
            elif name == "_deadline":
                settled.deadline = time_limit(name, value)
            elif name == "_retries":
                settled.retries = count(name, value)
            else:
                settled.headers = {**self.headers, **headers(name, value)}
        return settled


def unknown_parameter_error(name: str, method: str, parameters: Iterable[str], advice: str = "") -> TypeError:
    """Build the error for a keyword that a method doesn't have.

    Args:
        name: the keyword.
        method: the method's name; the id of a call that has no method stands for `call_api`.
        parameters: what it takes beside the options.
        advice: what to write instead; without it, the name that comes closest is proposed.
    """
    if not method.isidentifier():
        method, parameters = "call_api", CALL_API_PARAMETERS
    parameters = tuple(parameters)
    taken = ", ".join((*parameters, "and the options" if parameters else "the options"))
    advice = (
        f": {advice}" if advice else types.did_you_mean(name, (*parameters, *CallOptions.__annotations__))
    )
    return TypeError(
        f"{method}() has no parameter or option {name!r}{advice or '.'} "
        f"It takes {taken} {', '.join(CallOptions.__annotations__)}"
    )


def time_limit(name: str, value: Any) -> float:
    """Read a time limit: a number above 0, `math.inf` for none.

    Raises:
        ApiValueError: anything else.
    """
    expected = "a number of seconds above 0 (math.inf for no limit)"
    if isinstance(value, (bool, str, bytes)):
        raise types.invalid_value_error(name, expected, value)
    try:
        limit = float(value)
    except (TypeError, ValueError, OverflowError):
        limit = 0.0
    if not limit > 0:
        raise types.invalid_value_error(name, expected, value)
    return limit


def timeouts(name: str, value: Any) -> tuple[float, float]:
    """Read a timeout: one number for connecting and for each receive, or a pair of them."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise types.invalid_value_error(name, "a number of seconds or a (connect, read) pair", value)
        return time_limit(f"{name}[0]", value[0]), time_limit(f"{name}[1]", value[1])
    limit = time_limit(name, value)
    return limit, limit


def count(name: str, value: Any) -> int:
    """Read a number of repeats: an int of 0 or more."""
    return integer(name, value, 0)


def integer(name: str, value: Any, least: int) -> int:
    """Read an int of at least `least`, also one of another library's.

    Raises:
        ApiValueError: anything else.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise types.invalid_value_error(name, f"an int of {least} or more", value)
    return number


def headers(name: str, values: Any) -> dict[str, str | Secret]:
    """Check headers that the caller gives; `Authorization` and its like are held as secrets.

    What was checked is what is sent: a text of a class of its own (an enum's member), which may say something
    else when it is formatted, is made a plain one.

    Raises:
        ApiValueError: no such name can be sent, a value has a line break, or it frames the message.
    """
    if not isinstance(values, Mapping):
        raise types.invalid_value_error(name, "a dict of header names to texts", values)
    checked: dict[str, str | Secret] = {}
    for header, value in values.items():
        if not isinstance(header, str) or not HEADER_NAME.fullmatch(header):
            raise types.invalid_value_error(
                f"a header name in {name}", "a token of ASCII letters, digits and hyphens", header
            )
        if header.lower() in FRAMING:
            raise ApiValueError(f"{name} can't set {header}: that header is the transport's own work")
        secret = isinstance(value, Secret) or is_secret_header(header)
        if not _can_be_sent(value):
            told = "a secret" if secret else types.short_repr(value)
            raise ApiValueError(
                f"{name}[{header!r}] must be a text of Latin-1 without line breaks, not {told}"
            )
        # One spelling, by which the engine knows a call that brings its own credentials.
        header = "Authorization" if header.lower() == "authorization" else str.__str__(header)
        if isinstance(value, str):
            value = Secret(value) if secret else str.__str__(value)
        checked[header] = value
    return checked


def _can_be_sent(value: Any) -> bool:
    text = value.reveal() if isinstance(value, Secret) else value
    return isinstance(text, str) and is_header_text(text)


def is_secret_header(name: str) -> bool:
    """Tell whether a header's value is one that no log may show."""
    return name.lower() in ("authorization", "proxy-authorization", "cookie", "x-api-key")


def is_header_text(text: str) -> bool:
    """Tell whether a text can stand in a header as it is."""
    return HEADER_TEXT.fullmatch(text) is not None
