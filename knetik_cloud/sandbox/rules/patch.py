"""Apply patch actions (`PatchResource`) to a document, as JSON Patch (RFC 6902) specifies them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any


class PatchError(ValueError):
    """A patch action that can't be applied. The message starts with the name of its field."""


def apply(document: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> Any:
    """Return a copy of a document after all actions.

    Raises:
        PatchError: If an action can't be applied. Nothing is changed in that case.
    """
    root: list[Any] = [copy.deepcopy(document)]
    for number, action in enumerate(actions):
        try:
            _apply(root, action)
        except PatchError as error:
            raise PatchError(f"patch_actions[{number}].{error}") from None
    return root[0]


def _apply(root: list[Any], action: Mapping[str, Any]) -> None:
    op, path = action["op"], action["path"]
    if path and not path.startswith("/"):
        raise PatchError(f"path must be empty or start with '/', not {path!r}")
    if op != "remove" and "value" not in action:
        raise PatchError(f"value is required for {op}")
    parent, key = _find(root, path, adds=op == "add")
    if op == "test":
        if not _equal(parent[key], action["value"]):
            raise PatchError(f"value differs from the value at {path!r}")
    elif op == "remove":
        if not path:
            raise PatchError("path must not be empty for remove")
        del parent[key]
    elif op == "add" and isinstance(parent, list) and parent is not root:
        parent.insert(key, copy.deepcopy(action["value"]))
    else:
        parent[key] = copy.deepcopy(action["value"])


def _find(root: list[Any], path: str, adds: bool) -> tuple[Any, Any]:
    """Return the container and the key that a JSON Pointer leads to. If `adds`, the last key may be new."""
    parent, key = root, 0
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    for number, step in enumerate(steps):
        parent, is_new = parent[key], adds and number == len(steps) - 1
        if isinstance(parent, dict):
            key = step  # type: ignore[assignment]
            found = is_new or step in parent
        elif isinstance(parent, list):
            key = _index(step, len(parent), is_new)
            found = key >= 0
        else:
            found = False
        if not found:
            raise PatchError(f"path {path!r} leads nowhere: there is no {step!r}")
    return parent, key


def _index(step: str, length: int, is_new: bool) -> int:
    """Return the index that a step means in a list of a length, or -1 if it means none."""
    if step == "-" and is_new:
        return length
    if not (step == "0" or (step.isascii() and step.isdecimal() and step[0] != "0" and len(step) <= 9)):
        return -1
    index = int(step)
    return index if index < length + is_new else -1


def _equal(left: Any, right: Any) -> bool:
    """Return whether two JSON values are equal. Booleans and numbers differ."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
