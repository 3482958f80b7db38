"""Type expressions: dates, nested lists and maps, unions; what is refused, and by which name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from knetik_cloud import ApiResponseError, ApiValueError
from knetik_cloud.data import codec, expressions
from knetik_cloud.data.model import Model

from .library import Author, Book

NOON = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)


def test_date_is_kept_as_its_text_and_read_as_a_date() -> None:
    author = Author(born=dt.date(1960, 2, 29))
    assert author.to_json() == '{"born":"1960-02-29"}'
    assert author.born == dt.date(1960, 2, 29)
    author.born = "1961-03-01"  # type: ignore[assignment]
    assert author.born == dt.date(1961, 3, 1)
    assert Author.from_json('{"born":null}').born is None


def test_datetime_is_kept_as_its_text_and_read_aware() -> None:
    book = Book(added=NOON)
    assert book.to_json() == '{"added":"2026-08-01T12:00:00+00:00"}'
    assert book.added == NOON
    book.added = "2026-08-01T14:00:00+02:00"  # type: ignore[assignment]
    assert book.added == NOON


@pytest.mark.parametrize("value", [NOON, "tomorrow", 5, True])
def test_assignment_rejects_anything_but_a_date(value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"Author\.born must be a date"):
        Author(born=value)


@pytest.mark.parametrize("value", [dt.datetime(2026, 8, 1), dt.date(2026, 8, 1), "soon", 1.5])
def test_assignment_rejects_a_naive_datetime_and_anything_but_a_datetime(value: Any) -> None:
    with pytest.raises(ApiValueError, match=r"Book\.added must be an aware datetime"):
        Book(added=value)


@pytest.mark.parametrize("value", ['"soon"', "5", "[]", '""', '"2026-13-01"'])
def test_malformed_date_of_a_response_is_rejected_when_it_is_read(value: str) -> None:
    author = Author.from_json(f'{{"name":"n","born":{value}}}')
    assert author.name == "n"
    with pytest.raises(ApiResponseError, match=r"Author\.born should be a date"):
        _ = author.born
    assert "name='n'" in repr(author)


def test_date_is_parsed_at_each_read_so_that_the_json_keeps_its_text() -> None:
    text = '{"born":"19600229"}'
    author = Author.from_json(text)
    assert author.born == dt.date(1960, 2, 29)
    assert author.to_json() == text


def test_nested_lists_and_maps_are_wrapped_in_place() -> None:
    text = '{"shelves":[[{"name":"a"}],[],null],"by_role":{"editor":[{"name":"b"}],"none":null}}'
    book = Book.from_json(text)
    assert book.shelves is not None
    assert book.by_role is not None
    assert book.shelves is book.shelves
    assert book.shelves[0][0].name == "a"
    assert book.by_role["editor"][0].name == "b"
    assert book.shelves[0][0] is (book.shelves or [])[0][0]
    assert book.to_json() == text


def test_place_of_a_wrong_value_deep_inside_is_named() -> None:
    book = Book.from_json('{"shelves":[[],[{"name":"a"},5]],"by_role":{"editor":[7]}}')
    with pytest.raises(ApiResponseError, match=r"Book\.shelves\[1\]\[1\] should be an object, not 5"):
        _ = book.shelves
    with pytest.raises(ApiResponseError, match=r"Book\.by_role\['editor'\]\[0\] should be an object"):
        _ = book.by_role
    with pytest.raises(ApiValueError, match=r"Book\.shelves\[0\]\[0\] must be an Author or a dict"):
        book.shelves = [[5]]  # type: ignore[list-item]


@pytest.mark.parametrize("value", ["A5", 5, 2**63 - 1])
def test_union_accepts_a_value_of_any_of_its_types(value: Any) -> None:
    assert Book(size=value).size == value


def test_union_rejects_a_value_of_another_type() -> None:
    with pytest.raises(ApiValueError, match=r"Book\.size must be an int of 64 bits or a str, not 1\.5"):
        Book(size=1.5)  # type: ignore[arg-type]


def test_union_reads_any_value_of_a_response() -> None:
    for text in ('{"cover":5}', '{"cover":["a"]}', '{"cover":{"odd":1}}', '{"cover":null}'):
        book = Book.from_json(text)
        _ = book.cover
        assert book.to_json() == text


def test_integer_too_long_for_a_text_is_named_by_its_length() -> None:
    with pytest.raises(ApiValueError, match="an int of 16610 bits"):
        Book(pages=10**5000)


def test_missing_fields_are_named_by_their_path_here_and_below() -> None:
    book = Book(authors=[Author(name="a"), Author()], shelves=[[Author()]], by_role={"e": [Author()]})
    assert book._missing_fields("book") == [
        "book.authors[1].name",
        "book.shelves[0][0].name",
        "book.by_role['e'][0].name",
    ]
    assert Book.from_json('{"authors":[null],"shelves":[null]}')._missing_fields("book") == []
    assert Book()._missing_fields("book") == ["book.authors"]


@pytest.mark.parametrize("expression", ["", "list[", "list of str", "dict[int, str]", "a-b"])
def test_malformed_expression_is_rejected(expression: str) -> None:
    with pytest.raises(ApiValueError, match="is not a type"):
        expressions.parse(expression, "test.models.library")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", float("nan"), {"a": {1}}, {(1, 2): 3}])
def test_value_that_json_cannot_represent_is_rejected(value: Any) -> None:
    with pytest.raises(ApiValueError, match="can't be formatted as JSON"):
        codec.encode(value)


def test_cycle_and_endless_depth_are_rejected() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ApiValueError, match="can't be formatted as JSON"):
        codec.encode(cycle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ApiValueError, match="can't be formatted as JSON"):
        codec.encode(deep)
    while deep:  # taken apart from the outside: freeing it at once would recurse as deep
        deep = deep[0]


def test_wrong_row_put_into_a_list_in_place_is_rejected_when_sent() -> None:
    book = Book(authors=[Author(name="a")])
    assert book.authors is not None
    book.authors.append(object())  # type: ignore[arg-type]
    with pytest.raises(ApiValueError, match="object is not a JSON value"):
        book.to_json()


def test_columns_of_maps_are_checked() -> None:
    kind = expressions.parse("dict[str, list[Author]]", "test.models.library")
    kind.check([{"a": [], "b": None}, None], "x", 2)
    with pytest.raises(ApiResponseError, match=r"x\[\] should be a list, not 5"):
        kind.check([{"a": []}, {"b": 5}], "x", 2)


def test_model_module_outside_a_package_names_itself() -> None:
    assert Model._package() == "knetik_cloud.data"
    assert Book._package() == "test.models.library"
