"""The variants and the signatures of the generated methods."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from knetik_cloud.configuration import Configuration
from knetik_cloud.core.operation import ApiResponse
from knetik_cloud.core.options import CallOptions
from knetik_cloud.data import types
from knetik_cloud.lazy import LazySignature
from knetik_cloud.secret import Secret

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

if TYPE_CHECKING:
    import inspect

    Owner = TypeVar("Owner", contravariant=True)
    Result = TypeVar("Result", covariant=True)

    class Method(Protocol[Result, Owner, P]):
        """A method that a class assigns. Some type checkers don't bind a `Callable` to an instance.

        jedi, which completes names in editors, finds the result only as the first parameter.
        """

        @overload
        def __get__(self, instance: None, owner: type[Any], /) -> Callable[Concatenate[Owner, P], Result]: ...
        @overload
        def __get__(self, instance: Owner, owner: type[Any], /) -> Callable[P, Result]: ...


__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source


def with_http_info(method: Callable[Concatenate[A, P], T], *secrets: str) -> Method[ApiResponse[T], A, P]:
    """Return the variant of a method that also returns the HTTP status and headers.

    Args:
        method: The method.
        secrets: The names of its parameters that no traceback may show.
    """

    @wraps(method)
    def variant(self: A, /, *args: P.args, **kwargs: P.kwargs) -> ApiResponse[T]:
        for name in secrets:
            kwargs[name] = Secret.wrap(cast("Any", kwargs.get(name)))
        if kwargs.get("_return_http_data_only") is None:
            kwargs["_return_http_data_only"] = False
        return cast("ApiResponse[T]", method(self, *args, **kwargs))

    return _describe(variant, method)  # type: ignore[no-any-return]


def with_http_info_async(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]], *secrets: str
) -> Method[Coroutine[Any, Any, ApiResponse[T]], A, P]:
    """Return the variant of a coroutine method that also returns the HTTP status and headers.

    Args:
        method: The method.
        secrets: The names of its parameters that no traceback may show.
    """
    blocking: Any = with_http_info(method, *secrets)

    @wraps(method)
    async def variant(self: A, /, *args: P.args, **kwargs: P.kwargs) -> ApiResponse[T]:
        coroutine = blocking(self, *args, **kwargs)
        args, kwargs = (), {}  # type: ignore[assignment]  # they may hold secrets
        return cast("ApiResponse[T]", await coroutine)

    return _describe(variant, method)  # type: ignore[no-any-return]


def _describe(variant: Any, method: Any) -> Any:
    """Set the name, the documentation and the annotations of a variant, and return it."""
    name = method.__name__
    variant.__name__ = f"{name}_with_http_info"
    variant.__qualname__ = f"{method.__qualname__}_with_http_info"
    variant.__doc__ = f"Call `{name}`, and return its result together with the HTTP status and headers."
    annotations: dict[str, Any] = method.__annotations__
    result = ApiResponse.__class_getitem__(annotations["return"])
    variant.__annotations__ = {**annotations, "return": result}
    return variant


def with_remedy(constructor: T) -> T:
    """Return a constructor whose error for an unknown keyword names the place of a setting or an option."""
    function: Any = constructor
    parameter = function.__code__.co_varnames[1]

    @wraps(function)
    def checked(self: object, *args: Any, **kwargs: Any) -> None:
        if unknown := kwargs.keys() - {parameter}:
            kwargs = {}  # no frame of the error may hold a secret
            raise _unknown_error(type(self).__name__, min(unknown), parameter)
        function(self, *args, **kwargs)

    return cast("T", checked)


def _unknown_error(kind: str, name: str, parameter: str) -> TypeError:
    """Build the error for a keyword of a constructor that has one parameter."""
    if name in Configuration._settings:
        argument = f"Configuration({name}=...)"
        argument = argument if parameter == "configuration" else f"ApiClient({argument})"
        advice = f": write {kind}({argument})"
    elif name in CallOptions.__annotations__:
        advice = f": write {kind}(...).with_options({name}=...)"
    else:
        advice = types.did_you_mean(name, [parameter]) or f". It takes {parameter}"
    return TypeError(f"{kind}() has no parameter {name!r}{advice}")


def name_options(function: T) -> T:
    """Set a signature that names the options, if a function takes `**options: Unpack[CallOptions]`."""
    try:
        annotations = getattr(function, "__annotations__", {})
    except NameError:  # since Python 3.14, they may name what only type checkers import
        return function
    if annotations.get("options") == "Unpack[CallOptions]" and isinstance(function, FunctionType):
        function.__signature__ = LazySignature(partial(_signature, function))  # type: ignore[attr-defined]
    return function


def _signature(function: Any) -> inspect.Signature:
    import inspect
    from typing import get_type_hints

    method = inspect.unwrap(function)
    plain = FunctionType(method.__code__, method.__globals__, "method", method.__defaults__)
    plain.__kwdefaults__ = method.__kwdefaults__
    hints = {"self": inspect.Parameter.empty, **get_type_hints(function)}
    parameters = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(plain).parameters.items()
        if name != "options"
    ]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in get_type_hints(CallOptions).items()
    ]
    return inspect.Signature(parameters, return_annotation=hints["return"])
