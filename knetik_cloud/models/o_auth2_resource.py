"""The schema `OAuth2Resource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class OAuth2Resource(Model):
    """An access token, and for how long it is good."""

    access_token: str | None = field("str", read_only=True, secret=True)
    """Token to send as `Authorization: Bearer ...` with each call. Treat it as a password."""

    expires_in: int | str | None = field("int | str", read_only=True)
    """Seconds from now until the token expires. The service sends a number; a text of digits is to be
    expected too.
    """

    refresh_token: str | None = field("str", read_only=True, secret=True)
    """Token to get the next access token with, for grants that give one. Treat it as a password."""

    scope: str | None = field("str", read_only=True)
    """What the token may be used for, words separated by spaces. It can be ignored."""

    token_type: str | None = field("str", read_only=True)
    """How to present the token: `bearer`, in any case of letters."""
