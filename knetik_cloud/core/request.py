"""Requests, which are built from the definition of an operation and checked arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import six

from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.core.options import override_headers
from knetik_cloud.data import codec, expressions, types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.secret import Secret, masked

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SHELL_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
INTEGRAL = (*types.INTEGERS, "int | str")
"""The types of the parameters that accept an int."""
MAX_INTEGER_BITS = 4096
"""The size of the largest integer that is sent in a URL. Python rejects the text of much longer ones."""


class Request:
    """An HTTP request, ready to be sent. Its repr and its curl command contain no secrets."""

    __slots__ = (
        "body",
        "form_secrets",
        "headers",
        "method",
        "operation",
        "shown_body",
        "target",
        "transport_secrets",
    )

    def __init__(
        self,
        operation: Operation[Any],
        target: str,
        headers: dict[str, str | Secret],
        body: bytes | Secret | None = None,
        shown_body: str | None = None,
        form_secrets: Sequence[Secret] = (),
    ) -> None:
        self.operation = operation
        self.method = operation.method
        self.target = target
        self.headers = headers
        self.body = body
        self.shown_body = shown_body
        self.form_secrets = list(form_secrets)
        self.transport_secrets: Sequence[Secret] = ()

    def content(self) -> bytes | None:
        """Return the bytes of the body, including secrets."""
        return six.ensure_binary(self.body.reveal()) if isinstance(self.body, Secret) else self.body

    def secrets(self) -> list[Secret]:
        """List the secrets of the request and of its proxy, whose echoes are masked."""
        carried = [value for value in self.headers.values() if isinstance(value, Secret)]
        return [*carried, *self.form_secrets, *self.transport_secrets]

    def as_curl(self, origin: str) -> str:
        """Format the request as a curl command, with secrets masked."""
        parts = ["curl", "-X", self.method, _shell_quoted(origin + self.target)]
        for name, value in self.headers.items():
            parts += ["-H", _shell_quoted(f"{name}: {value}")]
        shown = self.body if self.shown_body is None else self.shown_body
        if shown is not None:
            parts += [
                "--data-raw",
                _shell_quoted(str(shown) if isinstance(shown, Secret) else six.ensure_str(shown)),
            ]
        return " ".join(parts)

    def __repr__(self) -> str:
        return f"<Request {self.method} {masked(self.target, self.secrets())}>"


def _shell_quoted(text: str) -> str:
    """Quote a text as `shlex.quote` does, which an error would import: that takes a file descriptor."""
    return text if SHELL_WORD.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def build(
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    base_path: str,
    headers: Mapping[str, str | Secret],
) -> Request:
    """Build the request of a call. `headers`, as `options.headers` returns them, override the SDK's own.

    Raises:
        ApiValueError: If an argument is missing or can't be sent.
    """
    path = operation.path
    query: list[str] = []
    form: dict[str, str | Secret] = {}
    content: str | None = None
    sent: dict[str, str | Secret] = {"Accept": JSON}
    in_headers: dict[str, str | Secret] = {}
    for parameter in operation.parameters:
        value = arguments.get(parameter.name)
        if value is None:
            if parameter.required:
                raise ApiValueError(
                    f"{operation.id} requires {parameter.name}: pass a value that is not None"
                )
            continue
        place = parameter.place
        if place == "path":
            path = path.replace(f"{{{parameter.wire}}}", _encoded(parameter, value))
        elif place == "query":
            query.append(f"{_percent(parameter, parameter.wire)}={_encoded(parameter, value)}")
        elif place == "body":
            content = _body(operation, parameter, value)
            sent["Content-Type"] = JSON
        elif place == "form":
            form[parameter.wire] = _form_value(parameter, value)
            sent["Content-Type"] = FORM
        else:
            in_headers[parameter.wire] = _encoded(parameter, value)
    target = f"{base_path}{path}?{'&'.join(query)}" if query else base_path + path
    sent |= override_headers(in_headers, headers) if in_headers else headers
    if form:
        secrets = [value for value in form.values() if isinstance(value, Secret)]
        body = Secret(_form(form, lambda secret: quote(secret.reveal(), safe="")))
        return Request(operation, target, sent, body, _form(form, str), secrets)
    return Request(operation, target, sent, None if content is None else six.ensure_binary(content))


def _encoded(parameter: Parameter, value: Any) -> str:
    """Format an argument by its type, and percent-encode it."""
    if type(value) is int and 0 <= value < 1 << 31 and parameter.type in INTEGRAL:  # as most are
        return str(value)
    return _percent(parameter, _plain_text(parameter, convert(parameter, value)))


def convert(parameter: Parameter, value: Any) -> Any:
    """Convert an argument by its type. The decimal text of an integer is accepted.

    A member of an enum or another subclass of `str` is converted to a plain string, since its formatted text
    may differ from its value.

    Raises:
        ApiValueError: If the argument can't be sent.
    """
    kind = parameter.type
    if types.is_text(value):
        if kind in ("str", "int | str"):
            return value if type(value) is str else str.__str__(value)
        if kind in types.INTEGERS:
            value = _integer(parameter, value)
    elif kind == "int | str" and isinstance(value, int):
        kind = "int64"
    return expressions.parse(kind, "").convert(value, parameter.name)


def _plain_text(parameter: Parameter, value: Any) -> str:
    """Format a plain value. `call_api` accepts values of any type."""
    value = types.value_of(value)
    if types.is_boolean(value):
        return "true" if value else "false"
    if types.is_text(value):
        return str.__str__(value)
    with suppress(RecursionError):  # a list may contain itself
        if isinstance(value, (list, tuple)):
            return ",".join(_plain_text(parameter, part) for part in value)
    with suppress(Exception):  # a tzinfo is the caller's own code
        if hasattr(value, "isoformat") and value == value:  # unlike pandas.NaT
            return str(value.isoformat())
    number: Any = types.to_float(value)
    if isinstance(number, int) and number.bit_length() <= MAX_INTEGER_BITS:
        return str(int(number))
    if isinstance(number, float) and math.isfinite(number):
        return repr(number)
    expected = "a str, a finite number, a bool, a date or a list of them"
    raise types.invalid_value_error(parameter.name, expected, value)


def _integer(parameter: Parameter, text: str) -> int:
    digits = text[1:] if text[:1] == "-" else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise types.invalid_value_error(parameter.name, "an int or its decimal text", text)
    return int(text)


def _percent(parameter: Parameter, text: str) -> str:
    """Percent-encode a value. In a path or a header it is one segment, which no server reads as a path."""
    if text.isascii() and text.isalnum():  # most are numbers, and `quote` takes 1 µs
        return text
    if parameter.place in ("path", "header") and text in ("", ".", ".."):
        raise types.invalid_value_error(
            parameter.name, f"one segment of a {parameter.place}, and not empty, '.' or '..'", text
        )
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        pass
    raise types.invalid_value_error(parameter.name, "a str that UTF-8 can encode (no lone surrogates)", text)


def _body(operation: Operation[Any], parameter: Parameter, value: Any) -> str:
    kind = expressions.parse(parameter.type, operation.models)
    if isinstance(value, str) and parameter.type in types.INTEGERS:
        value = _integer(parameter, value)
    try:
        value = kind.convert(value, parameter.name)
        missing = kind.missing_fields(value, parameter.name)
    except RecursionError:
        raise ApiValueError(
            f"{operation.id} can't send its {parameter.name}: it is nested too deeply, or contains itself"
        ) from None
    if missing:
        raise ApiValueError(f"{operation.id} can't send its {parameter.name}: {', '.join(missing)} missing")
    return codec.encode(value, parameter.name)


def _form_value(parameter: Parameter, value: Any) -> str | Secret:
    """Check a field of a form. A secret stays wrapped, so that it is not in the locals of a frame."""
    if not (isinstance(value, Secret) or parameter.secret):
        return _encoded(parameter, value)
    secret = value if isinstance(value, Secret) else Secret(value)
    if not secret.is_encodable():
        raise ApiValueError(f"{parameter.name} must be a str that UTF-8 can encode (no lone surrogates)")
    return secret


def _form(form: Mapping[str, str | Secret], show: Callable[[Secret], str]) -> str:
    return "&".join(
        f"{name}={show(value) if isinstance(value, Secret) else value}" for name, value in form.items()
    )
