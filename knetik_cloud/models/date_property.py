"""The schema `DateProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.instant import instant
from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class DateProperty(Property, discriminator_value="date"):
    """A point in time.

    The constructor sets `type` to `date`.
    """

    value: int | None = field("int64", epoch=True)
    """The instant, in epoch seconds."""

    value_at = instant("value")
    """`value` as an aware `datetime` in UTC; see `Instant`."""
