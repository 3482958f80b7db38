"""The schema `SimpleUserResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class SimpleUserResource(Model):
    """A user, in short. Only `id` is needed to refer to one."""

    avatar_url: str | None = field("str", read_only=True)
    """Where the user's picture can be fetched; null when there is none."""

    display_name: str | None = field("str", read_only=True)
    """Name that other players see; null when none was chosen."""

    id: int | None = field("int32", required=True)
    """User id."""

    username: str | None = field("str", read_only=True)
    """Name that the user logs in with."""
