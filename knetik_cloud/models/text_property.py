"""The schema `TextProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class TextProperty(Property, discriminator_value="text"):
    """Plain text.

    The constructor sets `type` to `text`.
    """

    value: str | None = field("str")
    """The text."""
