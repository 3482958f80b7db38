"""Operations: each one row of data, from which requests are built and answers read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError, Attempt, Headers
from knetik_cloud.extensions import Pages as Pages
from knetik_cloud.extensions import Place, Retry
from knetik_cloud.extensions import ReadBack as ReadBack
from knetik_cloud.extensions import Waiter as Waiter

T = TypeVar("T")

RETRY_BY_METHOD: Mapping[str, Retry] = {
    "GET": "safe",
    "PUT": "idempotent",
    "DELETE": "idempotent",
    "POST": "once",
    "PATCH": "once",
}
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/{}-]*")


class Parameter:
    """One parameter of an operation: its Python name, where it goes, its type, its name on the wire."""

    __slots__ = ("name", "place", "required", "secret", "type", "wire")

    def __init__(
        self,
        name: str,
        place: Place,
        type: str,
        *,
        required: bool = False,
        wire: str | None = None,
        secret: bool = False,
    ) -> None:
        self.name = name
        self.place = place
        self.type = type
        self.required = required
        self.wire = wire or name
        self.secret = secret


class Operation(Generic[T]):
    """What the contract says of one operation.

    Args:
        id: the operation's id, which is the method's name.
        method: the HTTP method.
        path: the path, with `{wire}` where a path parameter goes.
        parameters: in the order of the method's arguments.
        returns: the type of a successful answer; None for an operation that answers nothing.
        retry: `safe` and `idempotent` may be repeated; `once` only where the service can't have acted.
        empty_result: an empty answer is fine, and None.
        authenticated: a token is sent when there is one.
        pages: how it pages, for a list.
        models: the package that the named models live in.
        summary: The first line of the method's documentation.
        cli: The words of the operation's command.
        marker: The argument that identifies a write and can be read back, or None.
        read_back: The lists that show whether a write was applied, each read for every item of the last.
        waiters: The states that an item of this operation reaches later.
    """

    __slots__ = (
        "_returned",
        "authenticated",
        "cli",
        "empty_result",
        "id",
        "marker",
        "method",
        "models",
        "pages",
        "parameters",
        "path",
        "read_back",
        "retry",
        "returns",
        "summary",
        "waiters",
    )

    def __init__(
        self,
        id: str,
        method: str,
        path: str,
        parameters: Sequence[Parameter] = (),
        *,
        returns: str | None = None,
        retry: Retry = "safe",
        empty_result: bool = False,
        authenticated: bool = True,
        pages: Pages | None = None,
        models: str = "knetik_cloud.models",
        summary: str = "",
        cli: str | None = None,
        marker: str | None = None,
        read_back: Sequence[ReadBack] = (),
        waiters: Sequence[Waiter] = (),
    ) -> None:
        self.id = id
        self.method = method
        self.path = path
        self.parameters = parameters
        self.returns = returns
        self.retry: Retry = retry
        self.empty_result = empty_result
        self.authenticated = authenticated
        self.pages = pages
        self.models = models
        self.summary = summary
        self.cli = cli
        self.marker = marker
        self.read_back = read_back
        self.waiters = waiters
        self._returned: types.Type | None = None

    def __repr__(self) -> str:
        return f"<Operation {self.id}: {self.method} {self.path}>"

    @classmethod
    def for_path(
        cls,
        path: str,
        method: str,
        path_params: Mapping[str, Any],
        query_params: Mapping[str, Any],
        body: Any,
        returns: str | None,
    ) -> tuple[Operation[Any], dict[str, Any]]:
        """Make the row and the arguments of a call that the contract doesn't list.

        Raises:
            ApiValueError: the method or the path can't be sent, or the type of the answer isn't known.
        """
        for name, values in (("path_params", path_params), ("query_params", query_params)):
            if not isinstance(values, Mapping):
                raise types.invalid_value_error(name, "a dict of names to values", values)
            for key in values:
                if not isinstance(key, str):
                    raise types.invalid_value_error(f"a name in {name}", "a str", key)
        if returns is not None and not isinstance(returns, str):
            raise types.invalid_value_error(
                "response_type", "the name of a model, 'list[T]', 'dict[str, T]' or 'object'", returns
            )
        method = method.upper() if isinstance(method, str) else method
        if method not in RETRY_BY_METHOD:
            raise types.invalid_value_error("method", f"one of {', '.join(RETRY_BY_METHOD)}", method)
        if not isinstance(path, str) or not PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            raise types.invalid_value_error(
                "resource_path", "a path such as /users/{id}, with nothing to be encoded", path
            )
        filled = set(re.findall(r"{([^}]*)}", path))
        if filled != set(path_params):
            raise ApiValueError(
                f"{path} takes the path parameters {sorted(filled)}, not {sorted(path_params)}"
            )
        parameters = [
            Parameter(f"path {name}", "path", "object", required=True, wire=name) for name in path_params
        ]
        parameters += [Parameter(f"query {name}", "query", "object", wire=name) for name in query_params]
        parameters.append(Parameter("body", "body", "object"))
        arguments = {f"path {name}": value for name, value in path_params.items()}
        arguments |= {f"query {name}": value for name, value in query_params.items()} | {"body": body}
        row: Operation[Any] = cls(
            f"{method} {path}", method, path, parameters, returns=returns, retry=RETRY_BY_METHOD[method]
        )
        if row.returned is not None:
            row.returned.resolve()
        return row, arguments

    @property
    def returned(self) -> types.Type | None:
        """The type of a successful answer, read when it is first needed."""
        if self._returned is None and self.returns is not None:
            from knetik_cloud.data import (
                expressions,
            )  # here, since a program that only lists names needs none

            self._returned = expressions.parse(self.returns, self.models)
        return self._returned


class _Answered(NamedTuple, Generic[T]):
    data: T
    status: int
    headers: Headers


class ApiResponse(_Answered[T]):
    """A method's data with what HTTP said of it: a named tuple of (data, status, headers).

    `attempts` lists the tries that it took, the last one included.
    """

    attempts: tuple[Attempt, ...] = ()
