"""The schema `GuestPlayable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class GuestPlayable(Behavior, discriminator_value="guest_playable"):
    """The item can be used by guests, that is, by players without an account.

    The constructor sets `type_hint` to `guest_playable`.
    """

    allowed: bool | None = field("bool")
    """True lets guests use the item; left out, they may not."""

    leaderboard: bool | None = field("bool")
    """True lets guests appear on the leaderboard; left out, they do not."""
