"""The schema `InvoiceItemResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class InvoiceItemResource(Model):
    """A line of an invoice. Its prices are in the invoice's `currency`."""

    bundle_sku: str | None = field("str")
    """SKU of the bundle that the line belongs to, or null if it was sold separately."""

    current_fulfillment_status: str | None = field("str")
    """Status of the delivery. Treat unknown values as "not finished yet", because others may be added.
    Known values (others may be added): `unfulfilled`, `fulfilled`, `not fulfillable`, `failed`,
    `processing`, `failed_permanent`, `delayed`.
    """

    discount: models.Discount | None = field("Discount")
    """The discount on the line, or null if there is none."""

    gift_target: int | None = field("int32")
    """Id of the user who receives the item as a gift, or null if it isn't a gift."""

    id: int | None = field("int32")
    """Id of the line."""

    invoice_id: int | None = field("int32")
    """Id of the invoice."""

    item_id: int | None = field("int32")
    """Id of the item sold."""

    item_name: str | None = field("str")
    """Name of the item sold."""

    notes: str | None = field("str")
    """Notes on the line, or null if there are none."""

    original_total_price: float | None = field("float")
    """Price of the whole line before the sale."""

    original_unit_price: float | None = field("float")
    """Price per unit before the sale."""

    qty: int | None = field("int32")
    """Number of units sold."""

    sale_name: str | None = field("str")
    """Name of the sale that lowered the price, or null if there was none."""

    sku: str | None = field("str")
    """SKU sold."""

    sku_description: str | None = field("str")
    """Label of the SKU."""

    system_price: float | None = field("float")
    """Price in the platform's own currency."""

    total_price: float | None = field("float")
    """Price of the whole line."""

    type_hint: str | None = field("str")
    """Type of the item sold."""

    unit_price: float | None = field("float")
    """Price per unit."""
