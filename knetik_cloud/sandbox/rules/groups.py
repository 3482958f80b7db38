"""Groups that items share by name: the limits of `limited_gettable` and `time_period_gettable`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knetik_cloud.sandbox.rules import limited_gettable, time_period_gettable
from knetik_cloud.sandbox.rules.using import find

RULES = {rule.NAME: rule for rule in (limited_gettable, time_period_gettable)}
NAME_FIELDS = {limited_gettable.NAME: "group.name", time_period_gettable.NAME: "group_name"}


@dataclass(frozen=True, slots=True)
class GroupUse:
    """A behavior's use of a group: its kind and name, the settings it asks for, the field that names it."""

    kind: str
    name: str
    settings: Mapping[str, Any]
    field: str


def named(behaviors: Sequence[dict[str, Any]], before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Set the names of unnamed groups to those that the item's groups had before, if any."""
    result = []
    for behavior in behaviors:
        rule = RULES.get(behavior["type_hint"])
        if rule is not None and rule.has_group(behavior) and rule.group_name(behavior) is None:
            known = find((before or {}).get("behaviors") or (), rule.NAME)
            name = rule.group_name(known) if known is not None else None
            behavior = rule.with_group_name(behavior, name) if name else behavior
        result.append(behavior)
    return result


def with_names(behaviors: Sequence[dict[str, Any]], item_id: int) -> list[dict[str, Any]]:
    """Set unique names of unnamed groups, made from the item's id."""
    result = []
    for behavior in behaviors:
        rule = RULES.get(behavior["type_hint"])
        if rule is not None and rule.has_group(behavior) and rule.group_name(behavior) is None:
            behavior = rule.with_group_name(behavior, f"item-{item_id}-{rule.NAME}")
        result.append(behavior)
    return result


def uses(behaviors: Sequence[Mapping[str, Any]]) -> list[GroupUse]:
    """List the groups that an item's behaviors name."""
    found = []
    for number, behavior in enumerate(behaviors):
        rule = RULES.get(behavior["type_hint"])
        if rule is not None and rule.has_group(behavior) and (name := rule.group_name(behavior)) is not None:
            field = f"behaviors[{number}].{NAME_FIELDS[rule.NAME]}"
            found.append(GroupUse(rule.NAME, name, rule.settings(behavior), field))
    return found


def with_settings(behaviors: Sequence[dict[str, Any]], use: GroupUse) -> list[dict[str, Any]]:
    """Copy another item's behaviors with the settings of a group replaced by those of a use of it."""
    rule = RULES[use.kind]
    return [
        rule.with_settings(behavior, use.settings)
        if behavior["type_hint"] == use.kind
        and rule.has_group(behavior)
        and rule.group_name(behavior) == use.name
        else behavior
        for behavior in behaviors
    ]
