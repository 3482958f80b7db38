"""Reading of path, query, header and form values by the types of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knetik_cloud.contract import Operation, Parameter
from knetik_cloud.sandbox.acceptance import RANGES
from knetik_cloud.sandbox.errors import INVALID, Problem, ServiceError
from knetik_cloud.sandbox.schema import short_json

INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
BOOLEANS = dict.fromkeys(("true", "1", "on", "yes"), True) | dict.fromkeys(("false", "0", "off", "no"), False)
"""The accepted spellings of Booleans, in any letter case. Older clients send Python's `True`."""
USER = "user_id"
"""The path parameter that accepts an id or `me`. Where it does, the sandbox also accepts a user name."""


def read(operation: Operation, given: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Read an operation's parameters from the strings in `given`, by location. Absent ones get defaults.

    Raises ServiceError with every wrong or missing one.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for parameter in operation.parameters:
        name = parameter.name.lower() if parameter.place == "header" else parameter.name
        text = given[parameter.place].get(name)
        if text is None and parameter.place == "form":
            # The service takes the form's parameters in the query string as well.
            text = given["query"].get(parameter.name)
        if text == "" and parameter.schema.get("type") in ("integer", "boolean"):
            text = None  # The service's framework reads an empty number or Boolean as an absent one.
        if text is None:
            # The default of a required parameter is the caller's, not the service's.
            if parameter.required:
                problems.append(Problem(f"{parameter.name} is required", parameter.name))
            values[parameter.name] = parameter.schema.get("default")
            continue
        try:
            values[parameter.name] = _value(parameter, text)
        except ValueError as error:
            problems.append(Problem(f"{parameter.name} {error}", parameter.name))
    if problems:
        raise ServiceError(400, INVALID, problems)
    return values


def _value(parameter: Parameter, text: str) -> Any:
    """Parse one string. The message of a ValueError is the end of a sentence about it."""
    schema = parameter.schema
    if "\0" in text:
        raise ValueError("must not hold the character U+0000")
    match schema.get("type"):
        case "integer":
            return _integer(text, schema)
        case "boolean":
            if text.lower() not in BOOLEANS:
                raise ValueError(f"must be true or false, not {short_json(text)}")
            return BOOLEANS[text.lower()]
        case _:
            return text if parameter.name == USER else _text(text, parameter)


def _integer(text: str, schema: Mapping[str, Any]) -> int:
    if not INTEGER.fullmatch(text):
        raise ValueError(f"must be a whole number, not {short_json(text)}")
    value = int(text)
    low, high = RANGES[schema.get("format", "int64")]
    low, high = schema.get("minimum", low), schema.get("maximum", high)
    if not low <= value <= high:
        raise ValueError(f"must be from {low} to {high}, not {value}")
    return value


def _text(text: str, parameter: Parameter) -> str:
    schema = parameter.schema
    if "pattern" in schema and not re.search(schema["pattern"], text):
        raise ValueError(f"must look like {parameter.example}, not {short_json(text)}: {schema['pattern']}")
    if "enum" in schema and text not in schema["enum"]:
        raise ValueError(f"must be one of {', '.join(schema['enum'])}, not {short_json(text)}")
    return text
