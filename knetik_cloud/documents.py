"""The strict parsing of handwritten JSON and YAML: nothing in it is dropped silently."""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

BOOLEAN, TIMESTAMP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"


class RepeatedNameError(ValueError):
    """A name that occurs twice in an object."""


def reject_constant(name: str) -> Any:
    """Reject `NaN` and `Infinity`, as the `parse_constant` of a decoder.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not a JSON number")


def finite(digits: str) -> float:
    """Return a number that a float can hold, as the `parse_float` of a decoder.

    Raises:
        ValueError: If a float can't hold it.
    """
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise RepeatedNameError(f"{repeated!r} occurs twice in an object")
    return found


_decode = json.JSONDecoder(
    parse_constant=reject_constant, parse_float=finite, object_pairs_hook=_unique_names
).decode


def parse_json(text: str) -> Any:
    """Parse JSON. A byte order mark is skipped.

    Raises:
        RepeatedNameError: If a name occurs twice in an object, because the value of one would be lost.
        ValueError: If it is malformed.
    """
    try:
        return _decode(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_document(text: str) -> Any:
    """Parse JSON or YAML. Dates stay the strings that JSON would contain.

    Raises:
        RepeatedNameError: If a name occurs twice in an object. The message names the place in YAML.
        ValueError: If it is malformed as well as YAML. The message names the place.
    """
    repeated = None
    try:
        return parse_json(text)  # YAML is a hundred times as slow, and reads some escapes differently
    except RepeatedNameError as error:
        repeated = error  # for YAML to name its place, unless JSON's escapes end it before
    except ValueError:
        pass
    try:
        return _load_yaml(text, _loader("tTfFyYnNoO"))
    except RepeatedNameError:
        raise
    except RecursionError:
        reason = "it is nested too deeply"
    except Exception as error:  # of any type: a malformed value, such as !!int "", fails to be converted
        reason = str(error) or type(error).__name__
    raise repeated or ValueError(reason)


def load_document(file: Path | Traversable) -> Any:
    """Load a contract from a YAML file. Dates, and words such as `no`, stay the strings of JSON.

    Raises:
        RepeatedNameError: If a key occurs twice in an object.
    """
    return _load_yaml(file.read_bytes(), _loader("tTfF"))


def _load_yaml(text: bytes | str, loader: Any) -> Any:
    """Load a YAML document with a class of loaders.

    Raises:
        RepeatedNameError: If a key occurs twice in an object, because one of the values would be lost.
    """
    reader = loader(text)
    try:
        root = reader.get_single_node()
        _check_keys(root)
        return None if root is None else reader.construct_document(root)
    finally:
        reader.dispose()


def _check_keys(root: Any) -> None:
    from yaml import MappingNode, ScalarNode, SequenceNode

    pending, found = [root], set()  # by identity, because references lead to a node again
    while pending:
        node = pending.pop()
        if node in found:
            continue
        found.add(node)
        if isinstance(node, SequenceNode):
            pending += node.value
        elif isinstance(node, MappingNode):
            keys = set()
            for key, value in node.value:
                pending += (key, value)
                # Several merge keys (<<) add up. References can make the text of a list endless.
                if key.tag.endswith(":merge") or not isinstance(key, ScalarNode):
                    continue
                if (key.tag, key.value) in keys:
                    raise RepeatedNameError(f"{key.value!r} occurs twice in an object\n{key.start_mark}")
                keys.add((key.tag, key.value))


@cache
def _loader(booleans: str) -> Any:
    """Return a loader that leaves dates as strings.

    Args:
        booleans: The first letters of the Booleans, which are `true`, `no`, `off` and so on in YAML 1.1.
    """
    import yaml

    # libyaml's loader is ten times as fast as the one in Python; few installations lack it.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012  # as PyYAML declares it
            first: [
                (tag, pattern)
                for tag, pattern in resolvers
                if tag != TIMESTAMP and (tag != BOOLEAN or first in booleans)
            ]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader
