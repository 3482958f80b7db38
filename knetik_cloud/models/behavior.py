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
    """A rule attached to an item: the fields that all types of behaviors share. `type_hint` specifies the
    type, and the sender sets it. An unknown type is read as a Behavior with all its data.

    `type_hint` selects the subclass. An object with an unknown value is read as Behavior, with all its
    data.
    """

    description: str | None = field("str")
    """Text for the people who maintain the item."""

    type_hint: str | None = field("str", required=True)
    """Type of behavior, which selects the schema. Known values (others may be added): `consumable`,
    `expirable`, `fulfillable`, `guest_playable`, `limited_gettable`, `pre_req_entitlement`,
    `price_overridable`, `spendable`, `time_period_gettable`, `time_period_usable`.
    """
