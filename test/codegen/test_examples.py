"""Examples of the contract are spelled as Python that makes the same value."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from codegen.contract import Contract
from codegen.examples import python_expression
from codegen.types import Type

EMPTY = Contract(title="", version="", server="", operations=(), schemas={}, tags={}, security_schemes=())
TEXT = Type("str")


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (TEXT, None, None),
        (TEXT, 'say "no"\n', 'say "no"\n'),
        (Type("bool"), False, False),
        (Type("date"), "2017-08-01", dt.date(2017, 8, 1)),
        (
            Type("datetime"),
            "2017-08-01T09:30:00Z",
            dt.datetime(2017, 8, 1, 9, 30, tzinfo=dt.UTC),
        ),
        (Type("list", inner=Type("date")), ["2017-08-01"], [dt.date(2017, 8, 1)]),
        (Type("dict", inner=TEXT), {"a": "b"}, {"a": "b"}),
        (Type("object"), {"a": [None, True]}, {"a": [None, True]}),
        (Type("str", python="int | str"), "56", 56),
        (Type("str", python="int | str"), "me", "me"),
        (TEXT, "56", "56"),
    ],
)
def test_a_value_is_formatted_as_python(type_: Type, value: Any, expected: Any) -> None:
    expression = python_expression(EMPTY, "library", type_, value)
    assert eval(expression, {"datetime": dt}) == expected
