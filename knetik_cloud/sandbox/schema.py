"""Checks of JSON bodies against the contract, with messages that name the problem and the remedy.

The contract's schemas are first put into plain JSON Schema: what a subclass inherits is merged into it,
fields that only the service sets are taken out (they are ignored in requests), and a base with a
discriminator becomes a switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from knetik_cloud.contract import Contract, Discriminator, Node, discriminator_of
from knetik_cloud.sandbox.acceptance import RANGES, SWITCH, Accept, Acceptance
from knetik_cloud.sandbox.errors import Problem

KEPT = (
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)

NOUNS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}

MAX_SHOWN = 60
"""The maximum number of characters of a wrong value in a message."""


class BodyCheck:
    """Checks of request bodies, one validator per schema of the contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._validators: dict[int, Any] = {}
        self._accepts: dict[int, Accept] = {}

    def problems(self, schema: Mapping[str, Any], body: Any, name: str) -> list[Problem]:
        """List the problems of a body, up to one per field. A valid body has none.

        `name` is what the body as a whole is called.
        """
        key = id(schema)
        accept = self._accepts.get(key)
        if accept is None:
            accept = self._accepts[key] = self._acceptance.of(self._root(schema))
        if accept(body):
            return []
        if key not in self._validators:
            root = {**self._root(schema), "components": {"schemas": self._plain_schemas}}
            self._validators[key] = _validator_class()(root)
        return _problems(self._validators[key], body, name)

    @cached_property
    def _acceptance(self) -> Acceptance:
        return Acceptance(self._plain_schemas)

    def _root(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return self._plain(self._contract.merged(schema))

    @cached_property
    def _plain_schemas(self) -> dict[str, Any]:
        return {
            name: self._plain(self._contract.merged(schema))
            for name, schema in self._contract.schemas.items()
        }

    def _plain(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            return self._family(schema["$ref"]) or {"$ref": schema["$ref"]}
        found = discriminator_of(Node(schema, "#", self._contract.document))
        if found is not None:
            return _switch(found)
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self._plain(schema["allOf"][0])
        plain = {key: schema[key] for key in KEPT if key in schema}
        if schema.get("nullable") and "type" in plain:
            plain["type"] = [plain["type"], "null"]
            if "enum" in plain:
                plain["enum"] = [*plain["enum"], None]
        if "items" in schema:
            plain["items"] = self._plain(schema["items"])
        if isinstance(schema.get("additionalProperties"), Mapping):
            plain["additionalProperties"] = self._plain(schema["additionalProperties"])
        fields = {
            name: field
            for name, field in schema.get("properties", {}).items()
            if not self._contract.resolve(field).get("readOnly")
        }
        if fields:
            plain["properties"] = {name: self._plain(field) for name, field in fields.items()}
        required = [name for name in schema.get("required", ()) if name in fields]
        if required:
            plain["required"] = required
        return plain

    def _family(self, reference: str) -> dict[str, Any] | None:
        """Return the switch among a subschema and those below it, or None for any other schema."""
        name = reference.rsplit("/", 1)[-1]
        found = self._contract.discriminator(name)
        if found is None or self._contract.lineage(name) == [name]:
            return None
        return _switch(found)


def _switch(found: Discriminator) -> dict[str, Any]:
    mapping = {value: f"#/components/schemas/{name}" for value, name in found.mapping.items()}
    return {SWITCH: {"property": found.property, "mapping": mapping}}


def problems(schema: Mapping[str, Any], value: Any, name: str) -> list[Problem]:
    """List the problems of the value `name` by plain JSON Schema, up to one per field."""
    if Acceptance({}).of(schema)(value):
        return []
    return _problems(_validator_class()(schema), value, name)


def _problems(validator: Any, value: Any, name: str) -> list[Problem]:
    found: dict[str, Problem] = {}
    for error in sorted(validator.iter_errors(value), key=_rank):
        problem = _problem(error, name)
        # A value of the wrong type also violates the enum. The first problem is enough.
        found.setdefault(problem.field or name, problem)
    return list(found.values())


def short_json(value: Any) -> str:
    """Format a value for a message: as JSON, cut if it is long."""
    import json
    import reprlib

    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):  # it isn't JSON, such as a list that contains itself
        text = reprlib.repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def joined(path: Any) -> str | None:
    """Format a path into a body: `behaviors[0].group.name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or None


def _validator_class() -> Any:
    # Loading jsonschema takes longer than all else of the first request together: only a wrong body needs it.
    from jsonschema import Draft4Validator, ValidationError
    from jsonschema.validators import extend

    def check_format(validator: Any, name: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        if name in RANGES and validator.is_type(value, "integer"):
            low, high = RANGES[name]
            if not low <= value <= high:
                yield ValidationError(f"must be from {low} to {high}, not {value}")

    def check_switch(validator: Any, switch: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        if not validator.is_type(value, "object"):
            yield ValidationError(f"must be an object, not {short_json(value)}")
            return
        name = switch["property"]
        kind = value.get(name)
        if not isinstance(kind, str) or kind not in switch["mapping"]:
            message = "is required" if kind is None else f"is not known: {short_json(kind)}"
            yield ValidationError(f"{message}; use one of {', '.join(switch['mapping'])}", path=[name])
            return
        yield from validator.descend(value, {"$ref": switch["mapping"][kind]})

    return extend(Draft4Validator, {"format": check_format, SWITCH: check_switch})  # type: ignore[no-untyped-call]


def _rank(error: Any) -> tuple[list[str], bool]:
    """Return the sort key of an error: by its place, with errors of type first."""
    return [str(step) for step in error.absolute_path], error.validator != "type"


def _problem(error: Any, name: str) -> Problem:
    path = list(error.absolute_path)
    if error.validator == "required":
        # One error per missing name, but the name is in the message only.
        missing = next(name for name in error.validator_value if f"'{name}'" in error.message)
        field = joined([*path, missing])
        return Problem(f"{field} is required", field)
    field = joined(path) or name
    return Problem(f"{field} {_reason(error)}", field)


def _reason(error: Any) -> str:
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "type":
            kinds = [NOUNS.get(kind, "null") for kind in ([wanted] if isinstance(wanted, str) else wanted)]
            return f"must be {' or '.join(kinds)}, not {short_json(value)}"
        case "enum":
            choices = ", ".join(choice for choice in wanted if choice is not None)
            return f"must be one of {choices}, not {short_json(value)}"
        case "maxLength":
            return f"must have at most {wanted} characters, not {len(value)}"
        case "minimum":
            return f"must be {wanted} or more, not {value}"
        case "maximum":
            return f"must be {wanted} or less, not {value}"
        case "pattern":
            return f"must match {wanted}, which {short_json(value)} does not"
        case "additionalProperties":
            unknown = ", ".join(sorted(map(str, set(value) - set(error.schema.get("properties", ())))))
            return f"has no {unknown}; it may have {', '.join(error.schema.get('properties', ()))}"
        case _:
            return str(error.message)
