"""The schema `ItemBehaviorDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class ItemBehaviorDefinitionResource(Model):
    """A behavior that a template defines for its items."""

    behavior: models.Behavior | None = field("Behavior", required=True)
    """The behavior, with its default values."""

    modifiable: bool | None = field("bool", required=True)
    """Whether an item may change the default values."""

    required: bool | None = field("bool", required=True)
    """Whether items must keep the behavior."""
