"""The schema `LimitedGettableGroup` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class LimitedGettableGroup(Model):
    """A limit on how many a player can own, shared by all items with the same group."""

    active_only: bool | None = field("bool", required=True)
    """Whether only active inventory entries count toward the limit. If false, used-up and expired entries
    count too.
    """

    name: str | None = field("str")
    """Name under which items share the limit. If null, the service chooses a unique name, so nothing is
    shared.
    """

    owned_limit: int | None = field("int32", required=True)
    """Maximum number that one player can obtain."""
