"""The package uses no private name of another package, which may change without notice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import grimp

FOREIGN = {
    "_call_connection_lost": "asyncio closes a transport of a closed loop that was closing in no other way",
    "_client": "an executor of Dask has no public name for its client, which knows the workers",
    "_max_workers": "an executor of Python has no public name for the number of its workers",
    "_self_wrapper": "a function that wrapt wraps has no public name for the one that runs in its place",
}
"""Private names of other packages, each with the reason why no public one does."""
DOCUMENTED = {"_asdict", "_fields", "_mapping", "_replace"}
"""Names that Python documents for named tuples, and SQLAlchemy for rows."""
GET_BY_NAME = {"attrgetter", "delattr", "getattr", "hasattr", "methodcaller", "setattr"}


def defined(node: ast.AST) -> Iterator[str]:
    """Yield what a part of a module defines: functions, classes, variables and attributes."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name


def used(node: ast.AST) -> Iterator[str]:
    """Yield the names that a part of a module takes from something: an object or another module."""
    match node:
        case ast.Attribute(attr=name) | ast.alias(name=name) | ast.ImportFrom(module=str(name)):
            yield from name.split(".")


def used_by_name(node: ast.AST) -> Iterator[str]:
    """Yield the names that a function such as `getattr` takes from an object other than `self`."""
    match node:
        case ast.Call(func=ast.Name(id=function), args=arguments) if function in GET_BY_NAME:
            if not (isinstance(arguments[0], ast.Name) and arguments[0].id == "self"):
                yield from (str(each.value) for each in arguments if isinstance(each, ast.Constant))


def private(names: Iterator[str]) -> set[str]:
    return {name for name in names if name.startswith("_") and not name.endswith("__") and name.strip("_")}


def test_no_private_name_of_another_package_is_used() -> None:
    graph = grimp.build_graph("knetik_cloud", cache_dir=None)
    nodes = {}
    for module in graph.modules:
        spec = find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        nodes[module] = list(ast.walk(ast.parse(Path(spec.origin).read_text("utf-8"))))
    own = {module: {name for node in nodes[module] for name in defined(node)} for module in nodes}
    found = set()
    for module in nodes:
        # All modules get models, also those that do not import them.
        known = own["knetik_cloud.data.model"] | DOCUMENTED
        found |= private(name for node in nodes[module] for name in used_by_name(node)) - known
        known = known.union(own[module], *(own[below] for below in graph.find_upstream_modules(module)))
        found |= private(name for node in nodes[module] for name in used(node)) - known
    assert found == set(FOREIGN)
