"""The schema `ErrorResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import Any

from knetik_cloud.data.model import Model
from knetik_cloud.data.model import field as model_field


class ErrorResource(Model):
    """A problem with a request."""

    details: Any | None = model_field("object")
    """Details of the error in any format, or null."""

    field: Any | None = model_field("object")
    """The JSON key that caused the error, in any format, or null."""

    message: str | None = model_field("str", read_only=True)
    """Description of the error."""
