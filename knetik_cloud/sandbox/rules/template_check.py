"""The check of an item against its template: properties, and required behaviors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knetik_cloud.sandbox.errors import Problem
from knetik_cloud.sandbox.rules import definitions, groups
from knetik_cloud.sandbox.rules.using import find

FILES = ("file", "audio", "image", "video")
"""Types of properties that are one file each."""

GROUPS = tuple(f"{kind}_group" for kind in FILES)
"""Types of properties that contain several files."""

TEXTS = ("text", "formatted_text")
NUMBERS = ("integer", "long", "double", "date")


def problems(item: Mapping[str, Any], template: Mapping[str, Any]) -> list[Problem]:
    """List where an item departs from its template. Properties that the template doesn't define are free."""
    return [*_property_problems(item, template), *_behavior_problems(item, template)]


def definition_problems(template: Mapping[str, Any]) -> list[Problem]:
    """List what is wrong with a template itself: names given twice, bounds that admit nothing, behaviors."""
    found = definitions.name_problems(template)
    seen: set[str] = set()
    for number, definition in enumerate(template.get("properties") or ()):
        path = f"properties[{number}]"
        if not definition["name"].strip():
            found.append(Problem(f"{path}.name must not be blank", f"{path}.name"))
        if definition["name"] in seen:
            found.append(Problem(f"{path}.name {definition['name']!r} occurs twice", f"{path}.name"))
        seen.add(definition["name"])
        found += [
            Problem(f"{path}.{field} {message}", f"{path}.{field}") for field, message in _bounds(definition)
        ]
    behaviors = [definition["behavior"] for definition in template.get("behaviors") or ()]
    return found + definitions.behavior_problems(behaviors, "behaviors[{}].behavior")


def _bounds(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, high in definition.items():
        if not field.startswith("max") or isinstance(high, bool) or not isinstance(high, int | float):
            continue
        low = definition.get("min" + field.removeprefix("max"))
        if isinstance(low, int | float) and low > high:
            yield field, f"must not be below min{field.removeprefix('max')}: {high} is less than {low}"
        elif field != "max" and high < 0:
            yield field, f"must be 0 or more, not {high}"


def _property_problems(item: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[Problem]:
    values = item.get("additional_properties") or {}
    for definition in template.get("properties") or ():
        name = definition["name"]
        path = f"additional_properties.{name}"
        value = values.get(name)
        if value is None:
            if definition["required"]:
                yield Problem(f"{path} is required by the template: a {definition['type']}", path)
        elif value["type"] != definition["type"]:
            yield Problem(
                f"{path}.type must be {definition['type']}, as in the template, not {value['type']}",
                f"{path}.type",
            )
        else:
            for field, message in _value_problems(definition, value):
                yield Problem(f"{path}.{field} {message}", f"{path}.{field}")


def _value_problems(definition: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List what is wrong with a value of the defined type, as (field, message)."""
    kind = definition["type"]
    if kind in FILES:
        yield from _file_problems(definition, value)
        if definition["required"] and not value.get("url"):
            yield "url", "is required by the template"
    elif kind in GROUPS:
        yield from _group_problems(definition, value)
    elif kind == "list":
        yield from _list_problems(definition, value)
    elif kind == "map":
        yield from _map_problems(definition, value)
    elif kind != "boolean":
        yield from _scalar_problems(definition, value.get("value"))


def _scalar_problems(definition: Mapping[str, Any], value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        if definition["required"]:
            yield "value", "is required by the template"
        return
    longest = definition.get("max_length")
    if definition["type"] in TEXTS and longest is not None and len(value) > longest:
        yield "value", f"must have at most {longest} characters, not {len(value)}"
    if definition["type"] in NUMBERS:
        low, high = definition.get("min"), definition.get("max")
        if low is not None and value < low:
            yield "value", f"must be {low} or more, not {value}"
        if high is not None and value > high:
            yield "value", f"must be {high} or less, not {value}"


def _file_problems(
    definition: Mapping[str, Any], value: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, str]]:
    wanted, given = definition.get("file_type"), value.get("file_type")
    if wanted is not None and given is not None and given != wanted:
        yield f"{path}file_type", f"must be {wanted!r}, not {given!r}"


def _count_problems(definition: Mapping[str, Any], field: str, count: int) -> Iterator[tuple[str, str]]:
    fewest, most = definition.get("min_count"), definition.get("max_count")
    if definition["required"] and not count:
        yield field, "is required by the template"
    if fewest is not None and count < fewest:
        yield field, f"must hold {fewest} or more, not {count}"
    if most is not None and count > most:
        yield field, f"must hold {most} or fewer, not {count}"


def _list_problems(definition: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    values = value.get("values") or []
    yield from _count_problems(definition, "values", len(values))
    expected = definition.get("value_definition")
    if expected is not None:
        for number, inner in enumerate(values):
            yield from _nested_problems(expected, inner, f"values[{number}]")


def _map_problems(definition: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    values = value.get("map") or {}
    if definition["required"] and not values:
        yield "map", "is required by the template"
    expected = {inner["name"]: inner for inner in definition.get("properties") or ()}
    for name, inner in expected.items():
        if name in values:
            yield from _nested_problems(inner, values[name], f"map.{name}")
        elif inner["required"]:
            yield f"map.{name}", f"is required by the template: a {inner['type']}"
    if definition.get("allow_additional") is False:
        for name in values.keys() - expected.keys():
            yield f"map.{name}", "is not defined by the template"


def _nested_problems(
    definition: Mapping[str, Any], value: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    if value["type"] != definition["type"]:
        yield f"{path}.type", f"must be {definition['type']}, as in the template, not {value['type']}"
        return
    for field, message in _value_problems(definition, value):
        yield f"{path}.{field}", message


def _group_problems(definition: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    files = value.get("files") or []
    yield from _count_problems(definition, "files", len(files))
    for number, file in enumerate(files):
        yield from _file_problems(definition, file, f"files[{number}].")


def _behavior_problems(item: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[Problem]:
    for definition in template.get("behaviors") or ():
        wanted = definition["behavior"]
        kind = wanted["type_hint"]
        given = find(item.get("behaviors") or (), kind)
        if given is None:
            if definition["required"]:
                yield Problem(f"behaviors is missing {kind}, which the template requires", "behaviors")
        elif not definition["modifiable"] and not _agree(given, wanted):
            yield Problem(
                f"behaviors: the template fixes the values of {kind}: send it as the template has it",
                "behaviors",
                {"template": wanted},
            )


def _agree(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a behavior has a template's values. A group without a name there may have any name."""
    rule = groups.RULES.get(wanted["type_hint"])
    both = (given, wanted)
    if rule is not None and all(map(rule.has_group, both)) and rule.group_name(wanted) is None:
        given, wanted = (rule.with_group_name(each, None) for each in both)
    return _values(given) == _values(wanted)


def _values(behavior: Mapping[str, Any]) -> dict[str, Any]:
    """Return the significant values of a behavior, without its description and null fields."""
    return {key: value for key, value in behavior.items() if key != "description" and value is not None}
