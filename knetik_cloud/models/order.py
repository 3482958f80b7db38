"""The schema `Order` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class Order(Model):
    """A sort key of a list."""

    ascending: bool | None = field("bool")
    """Whether `direction` is `ASC`."""

    descending: bool | None = field("bool")
    """Whether `direction` is `DESC`."""

    direction: str | None = field("str", enum=("ASC", "DESC"))
    """`ASC` for ascending or `DESC` for descending order."""

    ignore_case: bool | None = field("bool")
    """Whether sorting ignores case."""

    null_handling: str | None = field("str", enum=("NATIVE", "NULLS_FIRST", "NULLS_LAST"))
    """Position of items without a value: first, last, or the database's default (`NATIVE`)."""

    _property: str | None = field("str", wire="property")
    """Name of the sort field."""
