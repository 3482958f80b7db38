"""The reference pages have the structure that readers of this family of SDKs know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen.contract import Contract, Operation
from codegen.reader import read_contract

ROOT = Path(__file__).resolve().parents[2]
CONTRACT: Contract = read_contract(ROOT / "knetik_cloud" / "openapi.yaml")
OPERATIONS = sorted(CONTRACT.operations, key=lambda operation: operation.name)

HEADINGS = [
    "### Example",
    "### Parameters",
    "### Return type",
    "### Authorization",
    "### HTTP request headers",
    "### Errors",
    "### Retry",
]
LINKS_BACK = (
    "[[Back to top]](#) [[Back to API list]](../README.md#documentation-for-api-endpoints) "
    "[[Back to Model list]](../README.md#documentation-for-models) [[Back to README]](../README.md)"
)


def section(operation: Operation) -> str:
    page = (ROOT / "docs" / f"{operation.tag}Api.md").read_text(encoding="utf-8")
    return page.split(f"\n## **{operation.name}**\n")[1].split("\n## **")[0]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_method_has_all_of_its_sections_in_order(operation: Operation) -> None:
    text = section(operation)
    assert [line for line in text.splitlines() if line.startswith("### ")] == HEADINGS
    assert text.rstrip().endswith(LINKS_BACK)
    assert text.startswith("> ")
    assert ("**Content-Type**" in text) == any(p.place in ("body", "form") for p in operation.parameters)


def test_the_table_lists_the_methods_in_the_order_of_the_page() -> None:
    page = (ROOT / "docs" / "UsersInventoryApi.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\[\*\*(\w+)\*\*\]\(UsersInventoryApi\.md#\1\)", page, re.MULTILINE)
    assert listed == re.findall(r"^## \*\*(\w+)\*\*$", page, re.MULTILINE)
    assert listed[:21] == sorted(listed[:21])
    assert set(listed[21:]) == {operation.name for operation in OPERATIONS if operation.added}


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        (
            "get_entitlement_templates",
            "> PageResourceItemTemplateResource get_entitlement_templates(size=size, page=page, order=order)",
        ),
        ("check_user_entitlement_item", "> check_user_entitlement_item(user_id, item_id, sku=sku)"),
        ("get_user_inventory", "> UserInventoryResource get_user_inventory(user_id, id)"),
        (
            "update_entitlement_item",
            "> update_entitlement_item(entitlement_id, cascade=cascade, entitlement_item=entitlement_item)",
        ),
        ("grant_user_entitlement", "> grant_user_entitlement(user_id, grant_request)"),
    ],
)
def test_the_signature_line_is_the_documented_one(name: str, signature: str) -> None:
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    assert section(operation).splitlines()[0] == signature


def test_defaults_are_formatted_as_python() -> None:
    page = (ROOT / "docs" / "UsersInventoryApi.md").read_text(encoding="utf-8")
    assert "[default to False]" in page
    assert not re.search(r"\b(NULL|= false|= true|= null)\b", page)


def test_a_model_page_lists_inherited_properties_and_its_family() -> None:
    item = (ROOT / "docs" / "EntitlementItem.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\*\*\w+\*\* \| ", item, re.MULTILINE)) == 14
    assert "**id** | **int** | " in item
    assert "[optional] [readonly] from [Item](Item.md)" in item
    assert (
        "Base class: [Item](Item.md). Its `type_hint` is `entitlement`, which the constructor sets." in item
    )
    behavior = (ROOT / "docs" / "Behavior.md").read_text(encoding="utf-8")
    assert "`consumable` | [Consumable](Consumable.md)" in behavior


def test_every_model_is_constructed_or_at_least_shown_as_json() -> None:
    for schema in CONTRACT.schemas.values():
        page = (ROOT / "docs" / f"{schema.name}.md").read_text(encoding="utf-8")
        assert "```json\n" in page
        assert ("```python\n" in page) == (schema.name in CONTRACT.request_models())
