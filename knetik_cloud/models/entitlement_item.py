"""The schema `EntitlementItem` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.models.item import Item


class EntitlementItem(Item, discriminator_value="entitlement"):
    """An item that gives its holder access to something, such as a potion, a season pass or a level. Its
    behaviors define how often, for how long and by whom it can be obtained and used.

    The constructor sets `type_hint` to `entitlement`.
    """
