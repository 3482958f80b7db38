"""The schema `PreReqEntitlement` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class PreReqEntitlement(Behavior, discriminator_value="pre_req_entitlement"):
    """A player must hold other items before getting this one.

    The constructor sets `type_hint` to `pre_req_entitlement`.
    """

    item_ids: list[int] | None = field("list[int32]", required=True)
    """Ids of the items that the player must already hold."""
