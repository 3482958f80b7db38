"""The schema `PatchResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class PatchResource(Model):
    """Changes to a resource."""

    patch_actions: list[models.PatchActionResource] | None = field("list[PatchActionResource]", required=True)
    """The changes, which are applied in order."""
