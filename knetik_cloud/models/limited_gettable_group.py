"""The schema `LimitedGettableGroup` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class LimitedGettableGroup(Model):
    """A limit on how many a player can own, over all items that name the same group."""

    active_only: bool | None = field("bool", required=True)
    """True counts only active inventory entries against the limit; false counts spent and expired ones
    too.
    """

    name: str | None = field("str")
    """Name under which items share the limit; null makes the service choose a unique one, so that nothing
    is shared.
    """

    owned_limit: int | None = field("int32", required=True)
    """Most that one player can obtain."""
