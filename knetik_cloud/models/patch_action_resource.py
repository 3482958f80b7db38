"""The schema `PatchActionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import Any

from knetik_cloud.data.model import Model, field


class PatchActionResource(Model):
    """One change to a resource, as in JSON Patch."""

    op: str | None = field("str", required=True, enum=("replace", "add", "remove", "test"))
    """What to do at `path`: `add` or `replace` a value, `remove` it, or `test` that it equals `value`."""

    path: str | None = field("str", required=True)
    """JSON Pointer of the value to change, such as `/name` or `/properties/0`."""

    value: Any | None = field("object")
    """The new or expected value, of any type. Omit it for `remove`."""
