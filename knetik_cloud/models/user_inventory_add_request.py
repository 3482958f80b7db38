"""The schema `UserInventoryAddRequest` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class UserInventoryAddRequest(Model):
    """A request to add the item behind an SKU to a user's inventory."""

    note: str | None = field("str", required=True)
    """Note to keep with the invoice or the transaction, for audits."""

    overrides: list[str] | None = field("list[str]")
    """Types of behaviors (`type_hint`) to skip for this request, such as `limited_gettable` to exceed a
    limit.
    """

    skip_invoice: bool | None = field("bool", required=True)
    """Whether to deliver immediately without an invoice. If false, the item is delivered asynchronously
    through an invoice.
    """

    sku: str | None = field("str", required=True)
    """SKU to add."""
