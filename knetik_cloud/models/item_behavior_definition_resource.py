"""The schema `ItemBehaviorDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.behavior import Behavior


class ItemBehaviorDefinitionResource(Model):
    """A behavior that a template defines for its items."""

    behavior: Behavior | None = field("Behavior", required=True)
    """The behavior, with its default values."""

    modifiable: bool | None = field("bool", required=True)
    """Whether an item may change the default values."""

    required: bool | None = field("bool", required=True)
    """Whether items must keep the behavior."""
