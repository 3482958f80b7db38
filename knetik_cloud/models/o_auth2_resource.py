"""The schema `OAuth2Resource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class OAuth2Resource(Model):
    """An access token and its lifetime."""

    access_token: str | None = field("str", read_only=True, secret=True)
    """The token to send as `Authorization: Bearer ...` with each call. Treat it like a password."""

    expires_in: int | str | None = field("int | str", read_only=True)
    """Seconds until the token expires. The service sends a number, but also expect a string of digits."""

    refresh_token: str | None = field("str", read_only=True, secret=True)
    """The token for obtaining the next access token, if the grant provides one. Treat it like a password."""

    scope: str | None = field("str", read_only=True)
    """The token's scopes, separated by spaces. You can ignore them."""

    token_type: str | None = field("str", read_only=True)
    """Type of the token: `bearer`, in any letter case."""
