"""Operation definitions, from which requests are built and responses are read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from knetik_cloud import upward
from knetik_cloud.exceptions import Attempt, Headers
from knetik_cloud.extensions import Pages as Pages
from knetik_cloud.extensions import Place, Retry
from knetik_cloud.extensions import ReadBack as ReadBack
from knetik_cloud.extensions import Waiter as Waiter

if TYPE_CHECKING:
    from knetik_cloud.data import types

T = TypeVar("T")


class Parameter:
    """A parameter of an operation: its Python name, its place, its type and its wire name."""

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
    """The definition of an operation in the contract.

    Args:
        id: The id of the operation, which is the name of its method.
        method: The HTTP method.
        path: The path, with `{wire}` in place of a path parameter.
        parameters: The parameters, in the order of the method's arguments.
        returns: The type of a successful response, or None if its body is empty.
        retry: The retry class. `once` is retried only if the service can't have acted.
        empty_result: True if an empty response is valid, and returned as None.
        authenticated: True if a token is sent when there is one.
        pages: The paging of a list, or None.
        models: The name of the package with the models.
        summary: The first line of the method's documentation.
        cli: The words of the operation's command.
        marker: The argument that identifies a write and can be read back, or None.
        read_back: The lists that show whether a write was applied, each read for every item of the last.
        waiters: The states that an item of this operation reaches later.
    """

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

    def __repr__(self) -> str:
        return f"<Operation {self.id}: {self.method} {self.path}>"

    @cached_property
    def returned(self) -> types.Type | None:
        """The type of a successful response, parsed when it is first needed."""
        # Import here, so that a program that only lists names imports less.
        expressions = upward.load("knetik_cloud.data.expressions")
        return None if self.returns is None else expressions.parse(self.returns, self.models)


class _ResponseFields(NamedTuple, Generic[T]):
    data: T
    status: int
    headers: Headers


class ApiResponse(_ResponseFields[T]):
    """The data of a call with its HTTP status and headers, as a named tuple (data, status, headers).

    `attempts` lists the attempts of the call, including the last one.
    """

    attempts: tuple[Attempt, ...] = ()
