"""The schema `PatchResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.data.model import Model, field

if TYPE_CHECKING:
    from knetik_cloud.models.patch_action_resource import PatchActionResource


class PatchResource(Model):
    """Changes to a resource."""

    patch_actions: list[PatchActionResource] | None = field("list[PatchActionResource]", required=True)
    """The changes, which are applied in order."""
