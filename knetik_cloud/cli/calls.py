"""The operations of the contract, by the words of their commands, and the methods that call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from knetik_cloud.core.operation import Operation

if TYPE_CHECKING:
    from knetik_cloud.api_client import Api
    from knetik_cloud.data.model import Model


@cache
def operations() -> Mapping[str, Operation[Any]]:
    """Return the operations by the words of their commands, such as `inventory list`."""
    from knetik_cloud import operations as definitions

    found = (value for value in vars(definitions).values() if isinstance(value, Operation))
    return {operation.cli: operation for operation in found if operation.cli}


@cache
def by_id() -> Mapping[str, Operation[Any]]:
    """Return the operations by their ids, which are the names of their methods."""
    return {operation.id: operation for operation in operations().values()}


@cache
def groups() -> Mapping[str, Mapping[str, Operation[Any]]]:
    """Return the operations by the first word of their commands, then by the second one."""
    found: dict[str, dict[str, Operation[Any]]] = {}
    for words, operation in sorted(operations().items()):
        group, _, name = words.partition(" ")
        found.setdefault(group, {})[name] = operation
    return found


def api_class(operation: Operation[Any]) -> type[Api]:
    """Return the class whose method calls an operation."""
    from knetik_cloud import apis

    classes: list[type[Api]] = [getattr(apis, name) for name in apis.__all__]
    return next(each for each in classes if hasattr(each, operation.id))


def pager_name(operation: Operation[Any]) -> str:
    """Return the name of the method that reads all pages of a list."""
    return f"iter_{operation.id.removeprefix('get_').removeprefix('list_')}"


def row_model(operation: Operation[Any]) -> type[Model] | None:
    """Return the model of the rows that an operation returns, or None if there are none."""
    from knetik_cloud.data.expressions import Reference

    returned = operation.returned
    if not isinstance(returned, Reference):
        return None
    if operation.pages is None:
        model: type[Model] = returned.model
        return model
    items = next(each for each in returned.model._fields.values() if each.wire == operation.pages.items)
    return model_in(items.expression, operation)


def model_in(expression: str, operation: Operation[Any]) -> type[Model] | None:
    """Return the model that a type expression names, alone or as the elements of a list."""
    from knetik_cloud.data.expressions import Reference, parse

    inner = expression[5:-1] if expression.startswith("list[") else expression
    found = parse(inner, operation.models)
    return found.model if isinstance(found, Reference) else None


def body_of(operation: Operation[Any]) -> Any:
    """Return the parameter that is the body of an operation, or None."""
    return next((each for each in operation.parameters if each.place == "body"), None)


class Columns(NamedTuple):
    """The fields of rows: their names, those that hold epoch seconds, and their types.

    The fields of objects have a type, too, under names such as `user.id`.
    """

    names: list[str]
    epochs: frozenset[str] = frozenset()
    kinds: Mapping[str, str] = {}


def columns_of(operation: Operation[Any]) -> Columns:
    """Return the fields of the rows that an operation returns."""
    model = row_model(operation)
    fields = [] if model is None else list(model._fields.values())
    return Columns(
        [each.wire for each in fields],
        frozenset(each.wire for each in fields if each.epoch),
        _kinds(fields),
    )


def _kinds(fields: Iterable[Any], prefix: str = "") -> dict[str, str]:
    from knetik_cloud.data.expressions import Reference

    found: dict[str, str] = {}
    for each in fields:
        name = f"{prefix}{each.wire}"
        found[name] = each.expression
        if isinstance(each.type, Reference):
            found |= _kinds(each.type.model._fields.values(), f"{name}.")
    return found


def find(text: str) -> Operation[Any]:
    """Return the operation that is named by the words of its command or by its method, in either spelling.

    Raises:
        click.UsageError: If there is none.
    """
    words = " ".join(text.split())
    found = operations().get(words) or by_id().get(words.replace("-", "_"))
    if found is None:
        from difflib import get_close_matches

        import click

        known = [*operations(), *by_id()]
        matches = get_close_matches(words, known, 3)
        hint = f"did you mean {' or '.join(map(repr, matches))}?" if matches else "`knetik --help` lists them"
        raise click.UsageError(f"there is no operation {text!r}; {hint}")
    return found
