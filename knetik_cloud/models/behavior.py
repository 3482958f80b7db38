"""The schema `Behavior` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class Behavior(
    Model,
    discriminator="type_hint",
    mapping={
        "consumable": "Consumable",
        "expirable": "Expirable",
        "fulfillable": "Fulfillable",
        "guest_playable": "GuestPlayable",
        "limited_gettable": "LimitedGettable",
        "pre_req_entitlement": "PreReqEntitlement",
        "price_overridable": "PriceOverridable",
        "spendable": "Spendable",
        "time_period_gettable": "TimePeriodGettable",
        "time_period_usable": "TimePeriodUsable",
    },
):
    """One rule attached to an item: what every kind of behavior has in common. `type_hint` says which kind
    it is, and the sender sets it; a kind unknown to the reader is still read as a Behavior, with all
    its data.

    `type_hint` tells the subclasses apart; an object with a value that none of them has is read as
    Behavior, with all its data.
    """

    description: str | None = field("str")
    """Free text for those who maintain the item."""

    type_hint: str | None = field("str")
    """Kind of behavior; selects the schema. Known values, others may come: `consumable`, `expirable`,
    `fulfillable`, `guest_playable`, `limited_gettable`, `pre_req_entitlement`, `price_overridable`,
    `spendable`, `time_period_gettable`, `time_period_usable`.
    """
