"""The schema `SimpleUserResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class SimpleUserResource(Model):
    """A short form of a user. Only `id` is required to refer to one."""

    avatar_url: str | None = field("str", read_only=True)
    """URL of the user's picture, or null if there is none."""

    display_name: str | None = field("str", read_only=True)
    """Name that other players see, or null if the user has not chosen one."""

    id: int | None = field("int32", required=True)
    """User id."""

    username: str | None = field("str", read_only=True)
    """Login name of the user."""
