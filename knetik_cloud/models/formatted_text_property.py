"""The schema `FormattedTextProperty` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import field
from knetik_cloud.models.property import Property


class FormattedTextProperty(Property, discriminator_value="formatted_text"):
    """Formatted text.

    The constructor sets `type` to `formatted_text`.
    """

    value: str | None = field("str")
    """The text, with its markup."""
