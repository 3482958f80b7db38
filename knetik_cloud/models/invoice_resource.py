"""The schema `InvoiceResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.invoice_item_resource import InvoiceItemResource
    from knetik_cloud.models.simple_user_resource import SimpleUserResource


class InvoiceResource(Model):
    """A bill for one or more SKUs, with what is known of its payment and delivery. All prices are in
    `currency`.
    """

    billing_address1: str | None = field("str")
    """First line of the billing address; null when none is known, as for the lines below."""

    billing_address2: str | None = field("str")
    """Second line of the billing address."""

    billing_city_name: str | None = field("str")
    """City of the billing address."""

    billing_country_name: str | None = field("str")
    """Country of the billing address."""

    billing_full_name: str | None = field("str")
    """Name of the person billed."""

    billing_postal_code: str | None = field("str")
    """Postal code of the billing address."""

    billing_state_name: str | None = field("str")
    """State or province of the billing address."""

    cart_id: str | None = field("str")
    """Id (a GUID) of the cart that the invoice was made from; null when there was none."""

    created_date: int | None = field("int64", read_only=True, epoch=True)
    """When it was created, in epoch seconds; the service sets it."""

    created_at = instant("created_date")
    """`created_date` as an aware `datetime` in UTC; see `Instant`."""

    currency: str | None = field("str")
    """Code of the currency of all prices."""

    current_fulfillment_status: str | None = field("str")
    """How far delivery has come. The set is open: read a word you do not know as "not finished yet". Known
    values, others may come: `unfulfilled`, `fulfilled`, `not fulfillable`, `failed`, `processing`,
    `failed_permanent`, `delayed`.
    """

    current_payment_status: str | None = field("str")
    """How far payment has come. The set is open: the service also sends words beyond those listed. Known
    values, others may come: `new`, `paid`, `hold`, `canceled`, `payment failed`, `partial refund`,
    `refund`.
    """

    discount: float | None = field("float")
    """What coupons took off, in `currency`."""

    email: str | None = field("str")
    """E-mail address of the customer; null when none is known."""

    external_ref: str | None = field("str")
    """Reference into a system outside the platform, usable as a filter there; null when there is none."""

    fed_tax: float | None = field("float")
    """Federal tax, in `currency`."""

    grand_total: float | None = field("float")
    """Amount due in the end, in `currency`: subtotal, less discount, plus shipping and taxes."""

    id: int | None = field("int32", read_only=True)
    """Invoice id; the service assigns it."""

    invoice_number: str | None = field("str")
    """Reference printed on the invoice, for people."""

    items: list[InvoiceItemResource] | None = field("list[InvoiceItemResource]")
    """Lines of the invoice."""

    name_prefix: str | None = field("str")
    """Title of the customer, such as Dr; null when none is known."""

    order_notes: str | None = field("str")
    """Remarks on the order; null when there are none."""

    parent_invoice_id: int | None = field("int32")
    """Id of the invoice that this one was split from; null when it was not split."""

    payment_method_id: int | None = field("int32")
    """Id of the customer's saved payment method that was used; null when none was."""

    phone: str | None = field("str")
    """Phone number of the customer; null when none is known."""

    phone_number: str | None = field("str")
    """Phone number of the customer, in a second field of the service; null when none is known."""

    shipping: float | None = field("float")
    """Shipping cost, in `currency`."""

    shipping_address1: str | None = field("str")
    """First line of the shipping address; null when none is known, as for the lines below."""

    shipping_address2: str | None = field("str")
    """Second line of the shipping address."""

    shipping_city_name: str | None = field("str")
    """City of the shipping address."""

    shipping_country_name: str | None = field("str")
    """Country of the shipping address."""

    shipping_full_name: str | None = field("str")
    """Name of the person to ship to."""

    shipping_postal_code: str | None = field("str")
    """Postal code of the shipping address."""

    shipping_state_name: str | None = field("str")
    """State or province of the shipping address."""

    sort: int | None = field("int32")
    """Weight for ordering invoices in a list; 500 unless it was set."""

    state_tax: float | None = field("float")
    """State tax, in `currency`."""

    subtotal: float | None = field("float")
    """Sum of the lines, before shipping, coupons and taxes, in `currency`."""

    updated_date: int | None = field("int64", read_only=True, epoch=True)
    """When it was last changed, in epoch seconds; the service sets it."""

    updated_at = instant("updated_date")
    """`updated_date` as an aware `datetime` in UTC; see `Instant`."""

    user: SimpleUserResource | None = field("SimpleUserResource")
    """The user whom the invoice belongs to."""

    vendor_id: int | None = field("int32")
    """Id of the vendor who sells the items; null when there is none."""

    vendor_name: str | None = field("str")
    """Name of the vendor who sells the items; null when there is none."""
