"""The schema `Result` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class Result(Model):
    """An error as reported by the service."""

    code: int | None = field("int32", read_only=True)
    """The service's own error number, which is not the HTTP status."""

    request_id: str | None = field("str", read_only=True)
    """Id under which the service logged the request. Include it in support requests."""

    result: list[models.ErrorResource] | None = field("list[ErrorResource]")
    """The individual errors."""
