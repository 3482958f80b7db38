"""The schema `EntitlementGrantRequest` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class EntitlementGrantRequest(Model):
    """A request to add an entitlement to a user's inventory."""

    entitlement_id: int | None = field("int32", required=True)
    """Id of the entitlement item to grant."""
