"""A game shop that keeps what players own in the Knetik inventory: the code under test."""

from __future__ import annotations

from knetik_cloud import ApiClient, EntitlementGrantRequest, UsersInventoryApi
from knetik_cloud.exceptions import ForbiddenException

DENIED_BY_A_RULE = 1007
"""The code of such a 403 in the sandbox. The service doesn't document its own, so find it out."""


class Shop:
    """Sells lives and passes to players."""

    def __init__(self, client: ApiClient, life_id: int, pass_id: int) -> None:
        self._api = UsersInventoryApi(client)
        self._life_id = life_id
        self._pass_id = pass_id

    def sell_life(self, player_id: int) -> None:
        """Grant a player a life."""
        self._api.grant_user_entitlement(player_id, EntitlementGrantRequest(entitlement_id=self._life_id))

    def sell_pass(self, player_id: int) -> None:
        """Grant a player a pass for a week."""
        self._api.grant_user_entitlement(player_id, EntitlementGrantRequest(entitlement_id=self._pass_id))

    def spend_life(self, player_id: int, level: str) -> bool:
        """Use one life of a player. Return False if none is left."""
        try:
            self._api.use_user_entitlement_item(player_id, self._life_id, info=level)
        except ForbiddenException as error:
            if error.code != DENIED_BY_A_RULE:  # such as a missing permission
                raise
            return False
        return True

    def may_enter(self, player_id: int) -> bool:
        """Return whether a player has a valid pass."""
        try:
            self._api.check_user_entitlement_item(player_id, self._pass_id)
        except ForbiddenException as error:
            if error.code != DENIED_BY_A_RULE:  # such as a missing permission
                raise
            return False
        return True
