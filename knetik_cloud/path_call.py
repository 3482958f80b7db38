"""Calls of paths that the contract doesn't list: the arguments of `call_api` as an operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knetik_cloud.core.operation import Operation, Parameter
from knetik_cloud.core.options import CallOptions, headers, override_headers, unknown_parameter_error
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.extensions import Retry
from knetik_cloud.secret import Secret

RETRY_BY_METHOD: Mapping[str, Retry] = {
    "GET": "safe",
    "PUT": "idempotent",
    "DELETE": "idempotent",
    "POST": "once",
    "PATCH": "once",
}
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/{}-]*")
PARAMETERS = (
    "resource_path",
    "method",
    "path_params",
    "query_params",
    "header_params",
    "body",
    "response_type",
)
RESULT_OPTIONS = ("async_req", "_preload_content", "_return_http_data_only")


def prepare_path_call(
    resource_path: str,
    method: str,
    path_params: Mapping[str, Any] | None,
    query_params: Mapping[str, Any] | None,
    header_params: Mapping[str, str | Secret] | None,
    body: Any,
    response_type: str | None,
    options: dict[str, Any],
) -> tuple[Operation[Any], dict[str, Any], dict[str, Any]]:
    """Return the operation, the arguments and the options of a call of a path.

    Raises:
        ApiValueError: If the method or the path can't be sent, or the type of the response is unknown.
        TypeError: If no method has an option of that name.
    """
    for name in options:
        if name not in CallOptions.__annotations__ and name not in RESULT_OPTIONS:
            raise unknown_parameter_error(name, "call_api", PARAMETERS)
    if not types.is_text(method) or method.upper() not in RETRY_BY_METHOD:
        raise types.invalid_value_error("method", f"one of {', '.join(RETRY_BY_METHOD)}", method)
    method = method.upper()
    in_path, in_query = _named("path_params", path_params), _named("query_params", query_params)
    _check_path(resource_path, in_path)
    resource_path = str.__str__(resource_path)
    if response_type is not None and not types.is_text(response_type):
        raise types.invalid_value_error(
            "response_type", "the name of a model, 'list[T]', 'dict[str, T]' or 'object'", response_type
        )
    parameters = [
        *(Parameter(f"path {name}", "path", "object", required=True, wire=name) for name in in_path),
        *(Parameter(f"query {name}", "query", "object", wire=name) for name in in_query),
        Parameter("body", "body", "object"),
    ]
    arguments = {f"path {name}": value for name, value in in_path.items()}
    arguments |= {f"query {name}": value for name, value in in_query.items()} | {"body": body}
    operation: Operation[Any] = Operation(
        f"{method} {resource_path}",
        method,
        resource_path,
        parameters,
        returns=response_type,
        retry=RETRY_BY_METHOD[method],
    )
    if operation.returned is not None:
        operation.returned.resolve()
    if header_params:
        later = headers("_headers", options.get("_headers") or {})
        options = {**options, "_headers": override_headers(headers("header_params", header_params), later)}
    return operation, arguments, options


def _named(name: str, values: Any) -> Mapping[Any, Any]:
    """Check path or query parameters, and return them by plain names. None means that there are none."""
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise types.invalid_value_error(name, "a dict of names to values", values)
    for key in values:
        if not types.is_text(key):
            raise types.invalid_value_error(f"a name in {name}", "a str", key)
    return {str.__str__(key): value for key, value in values.items()}


def _check_path(path: str, path_params: Mapping[str, Any]) -> None:
    """Check a path, and that its parameters are those that are passed.

    Raises:
        ApiValueError: If it can't be sent, or if a parameter is missing or unknown.
    """
    if not types.is_text(path) or not PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        expected = "a path such as /users/{id}, percent-encoded where necessary"
        raise types.invalid_value_error("resource_path", expected, path)
    names = set(re.findall(r"{([^}]*)}", path))
    if names != set(path_params):
        raise ApiValueError(f"{path} takes the path parameters {sorted(names)}, not {sorted(path_params)}")
