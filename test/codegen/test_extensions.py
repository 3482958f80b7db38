"""A wrong value of an extension is rejected, and the error names its place in the contract."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.__main__ import main
from codegen.reader import read_contract
from knetik_cloud.contract import ContractError
from knetik_cloud.documents import load_document

LIBRARY = Path(__file__).with_name("library.yaml")
PAGES = {"page": "page-number", "size": "per_page", "items": "found", "total": "count", "pages": "page_count"}
READ_BACK = {"list": "listMedia", "match": {"title": "$medium.title"}, "since": "bought_at"}
WAITER = {"field": "kind", "success": ["book"], "list": "listMedia", "find": ["title"]}
LIST, ADD, GET = "/media get", "/media post", "/media/{id} get"


def changed(tmp_path: Path, operation: str, extensions: dict[str, Any]) -> Path:
    """Write the library's contract, with a method that reads a medium, and extensions of one operation."""
    document = copy.deepcopy(load_document(LIBRARY))
    medium = {"application/json": {"schema": {"$ref": "#/components/schemas/Medium"}}}
    document["paths"]["/media/{id}"] = {
        "get": {
            "operationId": "getMedium",
            "tags": ["Shelf"],
            "x-retry": "safe",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "responses": {"200": {"description": "It.", "content": medium}},
        }
    }
    path, _, method = operation.partition(" ")
    document["paths"][path][method] |= extensions
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.mark.parametrize(
    ("operation", "extensions", "place", "message"),
    [
        (LIST, {"x-pagination": {**PAGES, "sizes": "per_page"}}, "x-pagination", "did you mean 'size'?"),
        (LIST, {"x-pagination": ["page"]}, "x-pagination", "should be a mapping"),
        (LIST, {"x-pagination": {**PAGES, "items": "fund"}}, "x-pagination", "did you mean 'found'?"),
        (LIST, {"x-pagination": {**PAGES, "total": "size"}}, "x-pagination", "there is no field 'size'"),
        (LIST, {"x-pagination": {**PAGES, "items": "count"}}, "x-pagination", "should be a list of objects"),
        (LIST, {"x-permissions": "owner"}, "x-permissions", "should be a list"),
        (LIST, {"x-permissions": [1]}, "x-permissions/0", "should be a text"),
        (LIST, {"x-empty-result": "no"}, "x-empty-result", "should be true or false"),
        (LIST, {"x-added": 1.2}, "x-added", "should be a text"),
        (LIST, {"x-added": "1.2"}, "x-added", "should be a version such as 1.2.0, not '1.2'"),
        (LIST, {"x-cli": ["media", "list"]}, "x-cli", "should be a text"),
        (LIST, {"x-cli": "media"}, "x-cli", "should be two words such as `items list`, not 'media'"),
        (LIST, {"x-cli": "sandbox list"}, "", "its x-cli would hide the command 'sandbox'"),
        (ADD, {"x-marker": ["X-Branch"]}, "x-marker", "should be a text"),
        (ADD, {"x-marker": "medium"}, "", "its x-marker should be a parameter of the type `string`"),
        (LIST, {"x-marker": "bought-since"}, "", "are for operations with `x-retry: once`"),
        (ADD, {"x-marker": "X-Branch", "x-read-back": [READ_BACK]}, "", "its x-marker should come back"),
        (ADD, {"x-read-back": READ_BACK}, "x-read-back", "should be a list"),
        (ADD, {"x-read-back": [{**READ_BACK, "nullif": {}}]}, "x-read-back/0", "did you mean 'null_if'?"),
        (ADD, {"x-read-back": [{**READ_BACK, "match": []}]}, "x-read-back/0/match", "should be a mapping"),
        (
            ADD,
            {"x-read-back": [{**READ_BACK, "match": {"titles": "$medium.title"}}]},
            "x-read-back/0",
            "there is no field 'titles': did you mean 'title'?",
        ),
        (
            ADD,
            {"x-read-back": [{**READ_BACK, "match": {"title": "$medium.titles"}}]},
            "x-read-back/0",
            "there is no field 'titles': did you mean 'title'?",
        ),
        (
            ADD,
            {"x-read-back": [{**READ_BACK, "match": {"title": "$medium"}}]},
            "x-read-back/0",
            "no field ''",
        ),
        (ADD, {"x-read-back": [{**READ_BACK, "since": "bought"}]}, "x-read-back/0", "no field 'bought'"),
        (ADD, {"x-read-back": [{**READ_BACK, "doubtful": {"a": 1}}]}, "x-read-back/0", "no field 'a'"),
        (GET, {"x-waiter": {"ready": {"field": "kind"}}}, "x-waiter/ready", "'success' is missing"),
        (GET, {"x-waiter": {"ready": {**WAITER, "success": "book"}}}, "x-waiter/ready/success", "a list"),
        (GET, {"x-waiter": {"ready": {**WAITER, "success": []}}}, "x-waiter/ready", "should have values"),
        (GET, {"x-waiter": {"ready": {**WAITER, "failure": ["book"]}}}, "x-waiter/ready", "in failure"),
        (GET, {"x-waiter": {"ready": {**WAITER, "field": "knd"}}}, "x-waiter/ready", "no field 'knd'"),
        (GET, {"x-waiter": {"ready": {**WAITER, "find": ["titles"]}}}, "x-waiter/ready", "no field 'titles'"),
        (GET, {"x-waiter": {"ready": {**WAITER, "since": "made"}}}, "x-waiter/ready", "no field 'made'"),
        (LIST, {"x-waiter": {"ready": WAITER}}, "x-waiter/ready", "which its path identifies"),
    ],
)
def test_a_wrong_value_is_rejected(
    tmp_path: Path, operation: str, extensions: dict[str, Any], place: str, message: str
) -> None:
    file = changed(tmp_path, operation, extensions)
    with pytest.raises(ContractError, match=re.escape(message)) as caught:
        read_contract(file)
    pointer = "#/paths/" + operation.replace("/", "~1").replace(" ", "/")
    assert str(caught.value).startswith(f"{pointer}/{place}: " if place else f"{pointer}: ")


def test_two_operations_of_one_command_are_rejected(tmp_path: Path) -> None:
    file = changed(tmp_path, LIST, {"x-cli": "media list"})
    document = load_document(file)
    document["paths"]["/media"]["post"]["x-cli"] = "media list"
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(ContractError, match="its x-cli is also that of"):
        read_contract(file)


@pytest.mark.parametrize("value", ["integer", "int|str", "models.Card"])
def test_a_python_type_that_the_generated_code_lacks_is_rejected(tmp_path: Path, value: str) -> None:
    parameters = [{"name": "a", "in": "query", "schema": {"type": "string", "x-python-type": value}}]
    file = changed(tmp_path, ADD, {"parameters": parameters})
    with pytest.raises(ContractError, match="post/parameters/0/schema/x-python-type: should be Python types"):
        read_contract(file)


def test_right_values_are_accepted(tmp_path: Path) -> None:
    read_contract(changed(tmp_path, ADD, {"x-read-back": [READ_BACK], "x-cli": "media add"}))
    contract = read_contract(changed(tmp_path, GET, {"x-waiter": {"medium_ready": WAITER}}))
    (waiter,) = next(each.waiters for each in contract.operations if each.name == "get_medium")
    assert waiter.find == ("title",)


def test_the_command_reports_a_wrong_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("")
    file = changed(tmp_path, LIST, {"x-pagination": ["page"]})
    assert main(["--contract", str(file), "--output", str(tmp_path), "--package", "library"]) == 2
    assert capsys.readouterr().err == "codegen: #/paths/~1media/get/x-pagination: should be a mapping\n"
