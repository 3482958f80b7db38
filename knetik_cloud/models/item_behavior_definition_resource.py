"""The schema `ItemBehaviorDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.behavior import Behavior


class ItemBehaviorDefinitionResource(Model):
    """A behavior that a template prescribes for its items."""

    behavior: Behavior | None = field("Behavior", required=True)
    """The behavior, with its default values."""

    modifiable: bool | None = field("bool", required=True)
    """True lets an item change the default values."""

    required: bool | None = field("bool", required=True)
    """True keeps the behavior from being removed from an item; false makes it a mere suggestion."""
