"""A value of the contract together with where it stands, so that every error can name the place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codegen.contract import ContractError


@dataclass(frozen=True)
class Node:
    """A value inside the document `root`; `pointer` is its place, such as `#/paths/~1items/get`."""

    value: Any
    pointer: str
    root: Any

    def error(self, message: str) -> ContractError:
        """Make the error that says what is wrong here."""
        return ContractError(f"{self.pointer}: {message}")

    def find(self, key: str) -> Node | None:
        """Step to a key or, in a list, an index; None when there is no such key."""
        self._require(dict, "a mapping")
        if key not in self.value:
            return None
        return self._child(key, self.value[key])

    def at(self, key: str) -> Node:
        """Step to a key that has to be there."""
        child = self.find(key)
        if child is None:
            raise self.error(f"lacks {key!r}")
        return child

    def get(self, key: str, default: Any = None) -> Any:
        """Read the value of a key, `default` when there is no such key."""
        child = self.find(key)
        return default if child is None else child.value

    def text(self, key: str) -> str:
        """Read a text without the white space around it, empty when there is none."""
        return str(self.get(key, "")).strip()

    def entries(self, key: str) -> Iterator[tuple[str, Node]]:
        """Walk over the mapping under a key; nothing when there is no such key."""
        child = self.find(key)
        if child is not None:
            child._require(dict, "a mapping")
            for name in child.value:
                yield str(name), child.at(name)

    def elements(self, key: str) -> Iterator[Node]:
        """Walk over the list under a key; nothing when there is no such key."""
        child = self.find(key)
        if child is not None:
            child._require(list, "a list")
            for index, value in enumerate(child.value):
                yield child._child(str(index), value)

    def resolved(self) -> Node:
        """Follow `$ref`, and again, to what it refers to inside the document."""
        node = self
        while isinstance(node.value, dict) and "$ref" in node.value:
            node = node._target(str(node.value["$ref"]))
        return node

    def reference(self) -> str | None:
        """Name the component that this node refers to: the last part of its `$ref`; None without one."""
        reference = self.get("$ref")
        return None if reference is None else str(reference).rsplit("/", 1)[-1]

    def refuse_unknown(self, known: str) -> None:
        """Refuse a key that is not among `known`, names with spaces between; extensions (`x-...`) pass."""
        for key in self.value:
            if key not in known.split() and not str(key).startswith("x-"):
                raise self.error(f"{key!r} can't be expressed by the generator")

    def _require(self, kind: type, described: str) -> None:
        if not isinstance(self.value, kind):
            raise self.error(f"should be {described}")

    def _target(self, reference: str) -> Node:
        if not reference.startswith("#/"):
            raise self.error(f"{reference!r} points outside the contract")
        node = Node(self.root, "#", self.root)
        for part in reference[2:].split("/"):
            found = node.find(part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise self.error(f"{reference!r} points nowhere")
            node = found
        return node

    def _child(self, key: str, value: Any) -> Node:
        return Node(value, f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", self.root)
