"""Checks the contract's extensions: the shapes of their values, and that the fields they name exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from codegen.contract import Contract, Operation
from codegen.types import BUILDERS, Type
from knetik_cloud.cli.command import OWN
from knetik_cloud.contract import Node
from knetik_cloud.data.types import did_you_mean
from knetik_cloud.extensions import Pages, ReadBack, Waiter

SHAPES = {
    "x-added": str,
    "x-cli": str,
    "x-codegen-request-body-name": str,
    "x-empty-result": bool,
    "x-epoch-seconds": bool,
    "x-instant": str,
    "x-known-values": tuple[str, ...],
    "x-marker": str,
    "x-pagination": Pages,
    "x-permissions": tuple[str, ...],
    "x-python-type": str,
    "x-read-back": tuple[ReadBack, ...],
    "x-retry": str,
    "x-waiter": Mapping[str, Waiter],
}
"""The types of the extensions' values. A named tuple stands for a mapping, whose key is the `name`."""

FORMATS = {
    "x-added": (r"\d+\.\d+\.\d+", "a version such as 1.2.0"),
    "x-cli": (r"[a-z][a-z0-9-]* [a-z][a-z0-9-]*", "two words such as `items list`"),
    "x-python-type": (
        r"({0})( \| ({0}))*".format("|".join(("int", "str", "float", "bool", *BUILDERS))),
        "Python types such as `int | str`",
    ),
}
"""The formats of texts, with their descriptions."""


def check_shapes(node: Node) -> None:
    """Check the shapes of all extensions in a document, or in a part of it.

    Raises:
        ContractError: If a value does not have the shape or the format of its extension.
    """
    if isinstance(node.value, dict):
        for key in node.value:
            child = node.required_child(key)
            if key in SHAPES:
                _check(child, SHAPES[key])
                pattern, expected = FORMATS.get(key, ("", ""))
                if pattern and not re.fullmatch(pattern, child.value):
                    raise child.error(f"should be {expected}, not {child.value!r}")
            elif key != "example":
                check_shapes(child)
    elif isinstance(node.value, list):
        for element in node.listed():
            check_shapes(element)


def _check(node: Node, shape: Any) -> None:
    if get_origin(shape) is UnionType:
        shape = get_args(shape)[0]
    origin, inner = get_origin(shape), get_args(shape)
    if shape in (str, bool):
        node.require(shape, "a text" if shape is str else "true or false")
    elif origin is tuple:
        for element in node.listed():
            _check(element, inner[0])
    elif origin is not None:
        node.require(dict, "a mapping")
        for key in node.value:
            _check(node.required_child(key), inner[1])
    elif shape is not Any:
        hints = {name: hint for name, hint in get_type_hints(shape).items() if name != "name"}
        node.require(dict, "a mapping")
        for key in node.value:
            if key not in hints:
                raise node.error(f"{key!r} is unknown{did_you_mean(str(key), hints)}")
            _check(node.required_child(key), hints[key])
        for name in hints:
            if name not in shape._field_defaults:
                node.required_child(name)


def check_references(contract: Contract, nodes: Mapping[str, Node]) -> None:
    """Check what the extensions of operations refer to.

    Args:
        contract: The contract.
        nodes: The operations in the document, by the names of their methods.

    Raises:
        ContractError: If a field, or something else that an extension needs, does not exist.
    """
    commands: dict[str, Node] = {}
    for operation in contract.operations:
        node = nodes[operation.name]
        if operation.cli and commands.setdefault(operation.cli, node) is not node:
            raise node.error(f"its x-cli is also that of {commands[operation.cli].pointer}")
        if operation.cli and operation.cli.split()[0] in OWN:
            raise node.error(f"its x-cli would hide the command {operation.cli.split()[0]!r}")
        if operation.pages:
            _check_pages(contract, operation, node.required_child("x-pagination"))
        if operation.retry != "once" and (operation.marker or operation.read_back):
            raise node.error("x-marker and x-read-back are for operations with `x-retry: once`")
        if operation.marker:
            _check_marker(operation, node)
    for operation in contract.operations:
        _check_read_backs(contract, operation, nodes[operation.name])
        _check_waiters(contract, operation, nodes[operation.name])


def _check_pages(contract: Contract, operation: Operation, node: Node) -> None:
    assert operation.pages is not None
    fields = _fields(contract, operation.returns)
    for key in ("items", "total", "pages"):
        if key in node.value or key == "items":
            _require(node, getattr(operation.pages, key), fields)
    assert operation.returns is not None
    rows = contract.all_fields(contract.schemas[operation.returns.name])
    items = next(field.type for _, field in rows if field.wire == operation.pages.items)
    if items.name != "list" or items.model is None:
        raise node.error(f"the field {operation.pages.items!r} should be a list of objects")


def _check_marker(operation: Operation, node: Node) -> None:
    if not any(p.name == operation.marker and p.type.expression == "str" for p in operation.parameters):
        raise node.error("its x-marker should be a parameter of the type `string`")
    if not any("$marker" in read_back.match.values() for read_back in operation.read_back):
        raise node.error("its x-marker should come back: match a field with `$marker` in x-read-back")


def _check_read_backs(contract: Contract, operation: Operation, node: Node) -> None:
    bodies = {each.name: each.type for each in operation.parameters if each.place == "body"}
    lists = {each.name: each for each in contract.operations}
    item: Type | None = None
    for read_back, found in zip(operation.read_back, node.elements("x-read-back"), strict=True):
        texts = [*read_back.arguments.values(), *read_back.match.values(), *read_back.null_if.values()]
        for name, dot, field in (text[1:].partition(".") for text in texts if str(text).startswith("$")):
            holder = item if name == "item" else bodies.get(name)
            if dot or (holder is not None and holder.is_model):
                _require(found, field, _fields(contract, holder))
        item = contract.item(lists[read_back.list])
        fields = _fields(contract, item)
        for name in (*read_back.match, *read_back.null_if, *read_back.doubtful):
            _require(found, name, fields)
        if read_back.since:
            _require(found, read_back.since, fields)


def _check_waiters(contract: Contract, operation: Operation, node: Node) -> None:
    for waiter in operation.waiters:
        found = node.required_child("x-waiter").required_child(waiter.name)
        in_path = any(each.place == "path" for each in operation.parameters)
        if not (in_path and operation.returns and operation.returns.is_model):
            raise found.error("its operation should return an object, which its path identifies")
        if not waiter.success or set(waiter.success) & set(waiter.failure):
            raise found.error("success should have values, and none of them should be in failure")
        for name in (waiter.field, *waiter.find, *([waiter.since] if waiter.since else [])):
            _require(found, name, _fields(contract, operation.returns))


def _fields(contract: Contract, type_: Type | None) -> set[str]:
    """Return the names of all fields in the objects of a type, including those of its subclasses."""
    if type_ is None or not type_.is_model:
        return set()
    schema = contract.schemas[type_.name]
    below = (_fields(contract, subclass.type) for subclass in contract.subclasses(schema))
    return {field.wire for _, field in contract.all_fields(schema)}.union(*below)


def _require(node: Node, name: str, fields: Iterable[str]) -> None:
    if name not in fields:
        raise node.error(f"there is no field {name!r}{did_you_mean(name, fields)}")
