"""The schema `SimpleReferenceResourceint` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class SimpleReferenceResourceint(Model):
    """A reference to something that has a number for an id."""

    id: int | None = field("int32", required=True)
    """Id of what is referred to."""

    name: str | None = field("str", read_only=True)
    """Name of what is referred to."""
