"""The schema `ErrorResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import Any

from knetik_cloud.data.model import Model
from knetik_cloud.data.model import field as model_field


class ErrorResource(Model):
    """One thing that was wrong with a request."""

    details: Any | None = model_field("object")
    """More about the error, in any shape; null when there is no more to say."""

    field: Any | None = model_field("object")
    """JSON key that was at fault, in any shape; null when it was none in particular."""

    message: str | None = model_field("str", read_only=True)
    """What was wrong, in words."""
