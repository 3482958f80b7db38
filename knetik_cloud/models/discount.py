"""The schema `Discount` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class Discount(Model):
    """A discount on a line of an invoice, in the invoice's `currency`."""

    description: str | None = field("str")
    """Description of the discount."""

    item_id: int | None = field("int32")
    """Id of the item that grants the discount, such as a coupon."""

    name: str | None = field("str")
    """Name of the discount."""

    sku: str | None = field("str")
    """SKU that grants the discount."""

    unique_key: str | None = field("str")
    """Unique key of the discount."""

    value: float | None = field("float")
    """Amount of the discount."""
