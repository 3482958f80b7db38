"""The snippets of the API's original page run as they stand, and each comes to its expected outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import RunScript

SNIPPETS = Path(__file__).parent / "reference_snippets"

OUTCOMES: dict[str, str] = {
    # What the script prints (a part of it). "" is a success that prints nothing.
    "add_item_to_user_inventory": ": user_inventory_add_request.note",
    "check_user_entitlement_item": "",
    "create_entitlement_item": ": entitlement_item.name missing",
    "create_entitlement_template": ": template.name missing",
    "delete_entitlement_item": "",
    "delete_entitlement_template": "(400)",  # 'cascade_example' is not 'detach', and the template is in use
    "get_entitlement_item": "EntitlementItem(",
    "get_entitlement_items": "PageResourceEntitlementItem(",
    "get_entitlement_template": "ItemTemplateResource(",
    "get_entitlement_templates": "PageResourceItemTemplateResource(",
    "get_user_inventories": "(400)",  # 'filter_date_example' is no operator and epoch
    "get_user_inventory": "UserInventoryResource(",
    "get_user_inventory_log": "PageResourceUserItemLogResource(",
    "get_users_inventory": "(400)",  # 'filter_date_example', likewise
    "grant_user_entitlement": ": grant_request.entitlement_id missing",
    "update_entitlement_item": ": entitlement_item.name missing",
    "update_entitlement_template": ": template.name missing",
    "update_user_inventory_behavior_data": "",
    "update_user_inventory_expires": "",
    "update_user_inventory_status": "(400)",  # 'inventory_status_example' is no status
    "use_user_entitlement_item": "",
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_snippet_has_its_outcome(name: str, run_script: RunScript) -> None:
    run = run_script(_with_names((SNIPPETS / f"{name}.py").read_text()))

    assert run.returncode == 0
    assert run.stderr == ""
    if OUTCOMES[name]:
        assert OUTCOMES[name] in run.stdout
    else:
        assert run.stdout == ""


def test_every_snippet_has_its_outcome() -> None:
    assert {path.stem for path in SNIPPETS.glob("*.py")} == set(OUTCOMES)


def _with_names(snippet: str) -> str:
    """Define the page's `false` and `NULL`, behind the future import, which must stand first."""
    future, rest = snippet.split("\n", 1)
    assert future == "from __future__ import print_function"
    return f"{future}\nfalse = False; NULL = None\n{rest}"
