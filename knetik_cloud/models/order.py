"""The schema `Order` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class Order(Model):
    """One key that a list is sorted by."""

    ascending: bool | None = field("bool")
    """True when `direction` is `ASC`."""

    descending: bool | None = field("bool")
    """True when `direction` is `DESC`."""

    direction: str | None = field("str", enum=("ASC", "DESC"))
    """`ASC` sorts small to large, `DESC` large to small."""

    ignore_case: bool | None = field("bool")
    """True when capitals and small letters sort alike."""

    null_handling: str | None = field("str", enum=("NATIVE", "NULLS_FIRST", "NULLS_LAST"))
    """Where records without a value go: first, last, or wherever the database puts them (`NATIVE`)."""

    _property: str | None = field("str", wire="property")
    """Name of the field that is sorted on."""
