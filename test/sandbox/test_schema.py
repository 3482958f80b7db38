"""The messages about invalid bodies, by keyword of JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from knetik_cloud.sandbox.schema import joined, problems, short_json


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, 1.0, "size must be a whole number, not 1.0"),
        ({"type": "boolean"}, "true", 'size must be true or false, not "true"'),
        ({"type": ["string", "null"]}, 1, "size must be a text or null, not 1"),
        ({"type": "array"}, {}, "size must be a list, not {}"),
        ({"minimum": 1}, 0, "size must be 1 or more, not 0"),
        ({"maximum": 1}, 2, "size must be 1 or less, not 2"),
        ({"pattern": "^a"}, "b", 'size must match ^a, which "b" does not'),
        ({"enum": ["a", "b", None]}, "c", 'size must be one of a, b, not "c"'),
        ({"type": "string", "enum": ["a"]}, 5, "size must be a text, not 5"),
        (
            {"type": "integer", "format": "int32"},
            2**31,
            "size must be from -2147483648 to 2147483647, not 2147483648",
        ),
        ({"minItems": 1}, [], "size [] "),
        ({"type": "object", "required": ["a"]}, {}, "a is required"),
        ({"items": {"properties": {"b": {"type": "string"}}}}, [{"b": 1}], "[0].b must be a text, not 1"),
    ],
)
def test_a_problem_is_described(schema: dict[str, Any], value: Any, message: str) -> None:
    (problem,) = problems(schema, value, "size")
    assert problem.message.startswith(message)


def test_long_values_are_cut() -> None:
    assert short_json("x" * 100) == '"' + "x" * 58 + "…"


def test_a_path_is_written_as_in_code() -> None:
    assert joined(["behaviors", 0, "group", "name"]) == "behaviors[0].group.name"
    assert joined([]) is None
