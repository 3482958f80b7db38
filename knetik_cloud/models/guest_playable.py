"""The schema `GuestPlayable` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.behavior import Behavior


class GuestPlayable(Behavior, discriminator_value="guest_playable"):
    """Guests, who are players without an account, can use the item.

    The constructor sets `type_hint` to `guest_playable`.
    """

    allowed: bool | None = field("bool")
    """Whether guests may use the item. Defaults to false."""

    leaderboard: bool | None = field("bool")
    """Whether guests appear on the leaderboard. Defaults to false."""
