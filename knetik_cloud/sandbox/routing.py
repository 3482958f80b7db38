"""Finding the operations of a path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from knetik_cloud.contract import Operation

Match = tuple[Mapping[str, Operation], dict[str, str]]
"""The operations of a path by method, and the path's parameters."""


class Routes:
    """The paths of a contract. Of those that match, literal ones win, so that `templates` is never an id."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        self._literal: dict[str, Mapping[str, Operation]] = {}
        self._by_length: dict[int, list[_Route]] = {}
        for path in sorted(by_path, key=lambda path: [part.startswith("{") for part in path.split("/")]):
            route = _Route(path, by_path[path])
            if route.names:
                self._by_length.setdefault(route.length, []).append(route)
            else:
                self._literal[path] = by_path[path]

    def find(self, path: str) -> Match | None:
        """Return the operations of a path and its parameters, or None if the contract has no such path."""
        operations = self._literal.get(path)
        if operations is not None:
            return operations, {}
        parts = path.split("/")
        for route in self._by_length.get(len(parts), ()):
            if all(parts[place] == literal for place, literal in route.literals):
                values = {name: parts[place] for place, name in route.names}
                return (route.operations, values) if all(values.values()) else None
        return None


class _Route:
    """A path with parameters, by its segments."""

    __slots__ = ("length", "literals", "names", "operations")

    def __init__(self, path: str, operations: Mapping[str, Operation]) -> None:
        parts = list(enumerate(path.split("/")))
        self.length = len(parts)
        self.operations = operations
        self.names = [(place, part[1:-1]) for place, part in parts if part.startswith("{")]
        self.literals = [(place, part) for place, part in parts if not part.startswith("{")]
