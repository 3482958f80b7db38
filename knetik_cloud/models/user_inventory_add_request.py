"""The schema `UserInventoryAddRequest` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class UserInventoryAddRequest(Model):
    """Asks for what an SKU stands for to be put into a user's inventory."""

    note: str | None = field("str", required=True)
    """Remark kept with the invoice or the transaction, for those who audit it later."""

    overrides: list[str] | None = field("list[str]")
    """Kinds of behavior (their `type_hint`) that are not to be applied this once, such as
    `limited_gettable` to exceed a limit.
    """

    skip_invoice: bool | None = field("bool", required=True)
    """True delivers at once and without a cart and an invoice; false goes through an invoice and delivers
    asynchronously.
    """

    sku: str | None = field("str", required=True)
    """SKU to add."""
