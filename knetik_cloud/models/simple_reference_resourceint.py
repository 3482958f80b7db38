"""The schema `SimpleReferenceResourceint` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class SimpleReferenceResourceint(Model):
    """A reference to an object with a numeric id."""

    id: int | None = field("int32", required=True)
    """Id of the object."""

    name: str | None = field("str", read_only=True)
    """Name of the object."""
