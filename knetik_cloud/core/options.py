"""The options of a call, and the settings that they resolve to."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
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

OWN_SPELLING = {name.lower(): name for name in ("Accept", "Authorization", "Content-Type")}
"""The headers that the SDK sets itself, in the spelling in which the caller's replace them."""


class CallOptions(TypedDict, total=False):
    """The keyword options that every method takes in addition to its own parameters.

    They override `with_options(...)`, which overrides the `Configuration`. None keeps the setting.
    """

    _request_timeout: float | tuple[float, float] | None
    """Seconds to wait for a connection and for each receive, or a (connect, read) pair."""
    _deadline: float | None
    """Seconds for the whole call, including the token, attempts and waits. `math.inf` means no limit."""
    _retries: int | None
    """The maximum number of retries. 0 means a single attempt."""
    _headers: Mapping[str, str | Secret] | None
    """Headers to send in addition to the SDK's own headers, or in place of them."""


class Settings(NamedTuple):
    """The settings of one call, resolved from its options, its view and the configuration."""

    connect: float
    read: float
    deadline: float
    retries: int
    headers: Mapping[str, str | Secret]

    def with_options(
        self, options: Mapping[str, Any], method: str = "with_options", parameters: Iterable[str] = ()
    ) -> Settings:
        """Return the settings with options resolved. None keeps a setting.

        Args:
            options: The options.
            method: The name of the method that they were passed to, for the error.
            parameters: The names of the method's own parameters, for the error.

        Raises:
            TypeError: If there is no option of that name.
            ApiValueError: If a value is out of range.
        """
        connect, read, deadline, retries, sent = self
        for name, value in options.items():
            if name not in CallOptions.__annotations__:
                raise unknown_parameter_error(name, method, parameters)
            if value is None:
                continue
            if name == "_request_timeout":
                connect, read = timeouts(name, value)
            elif name == "_deadline":
                deadline = time_limit(name, value)
            elif name == "_retries":
                retries = integer(name, value, 0)
            else:
                sent = override_headers(dict(sent), headers(name, value))
        return Settings(connect, read, deadline, retries, sent)


def override_options(options: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with later ones, which replace them. None keeps an option, and headers are merged."""
    given = {name: value for name, value in later.items() if value is not None}
    if "_headers" in given and "_headers" in options:
        given["_headers"] = override_headers(dict(options["_headers"]), given["_headers"])
    return {**options, **given}


def override_headers(
    sent: dict[str, str | Secret], later: Mapping[str, str | Secret]
) -> dict[str, str | Secret]:
    """Set later headers in `sent`, which is returned. Each replaces that of its name, in any letter case."""
    own = {name.lower(): name for name in sent}
    for name, value in later.items():
        sent.pop(own.get(name.lower(), name), None)
        own[name.lower()] = name
        sent[name] = value
    return sent


def unknown_parameter_error(name: str, method: str, parameters: Iterable[str], advice: str = "") -> TypeError:
    """Build the error for an unknown keyword.

    Args:
        name: The keyword.
        method: The name of the method.
        parameters: The names of its own parameters.
        advice: The remedy. By default, `submit` or a similar name is suggested.
    """
    parameters = tuple(parameters)
    if name in ("async", "async_req", "callback"):  # of other SDKs of this family
        advice = advice or "run the call in the background with client.submit(method, ...)."
    taken = ", ".join((*parameters, "and the options" if parameters else "the options"))
    advice = (
        f": {advice}" if advice else types.did_you_mean(name, (*parameters, *CallOptions.__annotations__))
    )
    return TypeError(
        f"{method}() has no parameter or option {name!r}{advice or '.'} "
        f"It takes {taken} {', '.join(CallOptions.__annotations__)}"
    )


def time_limit(name: str, value: Any) -> float:
    """Check a time limit, a number above 0. `math.inf` means no limit.

    Raises:
        ApiValueError: If the value is anything else.
    """
    expected = "a number of seconds above 0 (math.inf for no limit)"
    limit = types.to_float(value)
    if limit is None or not (0 < limit <= sys.float_info.max or limit == math.inf):
        raise types.invalid_value_error(name, expected, value)
    return float(limit)


def timeouts(name: str, value: Any) -> tuple[float, float]:
    """Check a timeout: one number for connecting and for each receive, or a pair of numbers."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise types.invalid_value_error(name, "a number of seconds or a (connect, read) pair", value)
        return time_limit(f"{name}[0]", value[0]), time_limit(f"{name}[1]", value[1])
    limit = time_limit(name, value)
    return limit, limit


def integer(name: str, value: Any, least: int, most: float = math.inf) -> int:
    """Check an int from `least` to `most`. Integers of other libraries are accepted.

    Raises:
        ApiValueError: If the value is anything else.
    """
    number = types.to_int(value)
    if number is None or not least <= number <= most:
        wanted = f"an int of {least} or more" if most == math.inf else f"an int from {least} to {most}"
        raise types.invalid_value_error(name, wanted, value)
    return number


def headers(name: str, values: Any) -> dict[str, str | Secret]:
    """Check headers from the caller. `Authorization` and similar headers are stored as secrets.

    A member of an enum or another subclass of `str` is converted to a plain string, since its formatted text
    may differ from what was checked.

    Raises:
        ApiValueError: If a name can't be sent, a value has a line break, or the transport sets the header.
    """
    if not isinstance(values, Mapping):
        raise ApiValueError(f"{name} must be a dict of header names to strings, not {type(values).__name__}")
    checked: dict[str, str | Secret] = {}
    for header, value in values.items():
        if not types.is_text(header) or not HEADER_NAME.fullmatch(header):
            expected = "a token of ASCII letters, digits and hyphens"
            raise types.invalid_value_error(f"a header name in {name}", expected, header)
        if header.lower() in FRAMING:
            raise ApiValueError(f"{name} can't set {header}: the transport sets it")
        secret = isinstance(value, Secret) or is_secret_header(header)
        if not _can_be_sent(value):
            shown = "a secret" if secret else types.short_repr(value)
            raise ApiValueError(f"{name}[{header!r}] must be a Latin-1 str without line breaks, not {shown}")
        header = OWN_SPELLING.get(header.lower()) or str.__str__(header)
        if isinstance(value, str):
            value = Secret(value) if secret else str.__str__(value)
        checked[header] = value
    return checked


def _can_be_sent(value: Any) -> bool:
    return is_header_text(value.reveal() if isinstance(value, Secret) else value)


def is_secret_header(name: str) -> bool:
    """Return whether the value of a header must stay out of logs."""
    return name.lower() in ("authorization", "proxy-authorization", "cookie", "x-api-key")


def is_header_text(value: object) -> bool:
    """Return whether a value is a string that can be sent in a header unchanged."""
    return types.is_text(value) and HEADER_TEXT.fullmatch(value) is not None
