"""The schema `InvoiceItemResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class InvoiceItemResource(Model):
    """One line of an invoice. Its prices are in the invoice's `currency`."""

    bundle_sku: str | None = field("str")
    """SKU of the bundle that the line came with; null when it was sold by itself."""

    current_fulfillment_status: str | None = field("str")
    """How far delivery has come. The set is open: read a word you do not know as "not finished yet". Known
    values, others may come: `unfulfilled`, `fulfilled`, `not fulfillable`, `failed`, `processing`,
    `failed_permanent`, `delayed`.
    """

    id: int | None = field("int32")
    """Id of the line."""

    invoice_id: int | None = field("int32")
    """Id of the invoice that the line belongs to."""

    item_id: int | None = field("int32")
    """Id of the item sold."""

    item_name: str | None = field("str")
    """Name of the item sold."""

    original_total_price: float | None = field("float")
    """Price of the whole line before a sale was applied."""

    original_unit_price: float | None = field("float")
    """Price of one piece before a sale was applied."""

    qty: int | None = field("int32")
    """How many pieces were sold."""

    sale_name: str | None = field("str")
    """Name of the sale that lowered the price; null when there was none."""

    sku: str | None = field("str")
    """SKU sold."""

    sku_description: str | None = field("str")
    """Label of the SKU."""

    system_price: float | None = field("float")
    """Price in the currency that the platform itself counts in."""

    total_price: float | None = field("float")
    """Price of the whole line."""

    type_hint: str | None = field("str")
    """Kind of the item sold."""

    unit_price: float | None = field("float")
    """Price of one piece."""
