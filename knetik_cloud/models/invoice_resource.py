"""The schema `InvoiceResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field


class InvoiceResource(Model):
    """An invoice for one or more SKUs, with the status of its payment and delivery. All prices are in
    `currency`.
    """

    additional_properties: dict[str, models.Property] | None = field("dict[str, Property]")
    """Custom values by name. With a `template`, they are checked against its property definitions."""

    billing_address1: str | None = field("str")
    """First line of the billing address, or null if unknown."""

    billing_address2: str | None = field("str")
    """Second line of the billing address."""

    billing_city_name: str | None = field("str")
    """City of the billing address."""

    billing_country_name: str | None = field("str")
    """Country of the billing address."""

    billing_full_name: str | None = field("str")
    """Name in the billing address."""

    billing_postal_code: str | None = field("str")
    """Postal code of the billing address."""

    billing_state_name: str | None = field("str")
    """State or province of the billing address."""

    cart_id: str | None = field("str")
    """Id (a GUID) of the cart that the invoice was created from, or null if there was none."""

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of creation in epoch seconds. The service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    currency: str | None = field("str")
    """Currency code of all prices."""

    current_fulfillment_status: str | None = field("str")
    """Status of the delivery. Treat unknown values as "not finished yet", because others may be added.
    Known values (others may be added): `unfulfilled`, `fulfilled`, `not fulfillable`, `failed`,
    `processing`, `failed_permanent`, `delayed`.
    """

    current_payment_status: str | None = field("str")
    """Status of the payment. The service also sends values that are not listed. Known values (others may
    be added): `new`, `paid`, `hold`, `canceled`, `payment failed`, `partial refund`, `refund`.
    """

    discount: float | None = field("float")
    """Discount from coupons, in `currency`."""

    email: str | None = field("str")
    """E-mail address of the customer, or null if unknown."""

    external_ref: str | None = field("str")
    """Reference to an external system, for use as a filter, or null if there is none."""

    fed_tax: float | None = field("float")
    """Federal tax, in `currency`."""

    grand_total: float | None = field("float")
    """Total amount due, in `currency`: the subtotal minus the discount, plus shipping and taxes."""

    id: int | None = field("int32", read_only=True)
    """Invoice id. The service assigns it."""

    invoice_number: str | None = field("str")
    """Reference number printed on the invoice."""

    items: list[models.InvoiceItemResource] | None = field("list[InvoiceItemResource]")
    """Lines of the invoice."""

    name_prefix: str | None = field("str")
    """Title of the customer, such as Dr, or null if unknown."""

    order_notes: str | None = field("str")
    """Notes on the order, or null if there are none."""

    parent_invoice_id: int | None = field("int32")
    """Id of the invoice that this one was split from, or null if it was not split."""

    payment_method_id: int | None = field("int32")
    """Id of the saved payment method that was used, or null if none was."""

    phone: str | None = field("str")
    """Phone number of the customer, or null if unknown."""

    phone_number: str | None = field("str")
    """A second field with the phone number of the customer, or null if unknown."""

    remaining_balance: float | None = field("float")
    """Amount that is still due, in `currency`."""

    shipping: float | None = field("float")
    """Shipping cost, in `currency`."""

    shipping_address1: str | None = field("str")
    """First line of the shipping address, or null if unknown."""

    shipping_address2: str | None = field("str")
    """Second line of the shipping address."""

    shipping_city_name: str | None = field("str")
    """City of the shipping address."""

    shipping_country_name: str | None = field("str")
    """Country of the shipping address."""

    shipping_full_name: str | None = field("str")
    """Name in the shipping address."""

    shipping_postal_code: str | None = field("str")
    """Postal code of the shipping address."""

    shipping_state_name: str | None = field("str")
    """State or province of the shipping address."""

    sort: int | None = field("int32")
    """Weight for ordering invoices in a list. Defaults to 500."""

    state_tax: float | None = field("float")
    """State tax, in `currency`."""

    subtotal: float | None = field("float")
    """Sum of the lines, before shipping, coupons and taxes, in `currency`."""

    template: str | None = field("str")
    """Id of the template that the invoice is checked against, or null for no checks."""

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """Time of the last change in epoch seconds. The service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""

    user: models.SimpleUserResource | None = field("SimpleUserResource")
    """The user who owns the invoice."""

    vendor_id: int | None = field("int32")
    """Id of the vendor, or null if there is none."""

    vendor_name: str | None = field("str")
    """Name of the vendor, or null if there is none."""
