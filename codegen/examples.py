"""Spells the contract's examples as Python expressions; the formatter lays them out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from codegen.contract import Contract, Parameter, Schema
from codegen.types import Type
from knetik_cloud.contract import ContractError


def python_expression(contract: Contract, package: str, type_: Type, value: Any) -> str:
    """Format an example of a type: `knetik_cloud.Consumable(max_use=3)`, `datetime.date(2017, 8, 1)`."""
    if value is None:
        return "None"
    if type_.is_model:
        return _constructor_call(contract, package, contract.schemas[type_.name], value)
    if type_.name == "list" and type_.inner:
        return f"[{', '.join(python_expression(contract, package, type_.inner, each) for each in value)}]"
    if type_.name == "dict" and type_.inner:
        inner = type_.inner
        pairs = (
            f"{key!r}: {python_expression(contract, package, inner, each)}" for key, each in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if type_.name == "datetime":
        return repr(datetime.fromisoformat(value))
    if type_.name == "date":
        return repr(date.fromisoformat(value))
    if type_.takes_numbers and isinstance(value, str) and value.isdecimal():
        return value
    return repr(value)


def example_of(contract: Contract, package: str, value: Schema | Parameter) -> str:
    """Format the example of a schema or a parameter in the contract."""
    if value.example is None:
        raise ContractError(f"{value.name} has no example; the reference pages show one")
    return python_expression(contract, package, value.type, value.example)


def _constructor_call(contract: Contract, package: str, declared: Schema, value: dict[str, Any]) -> str:
    """Format the constructor call for an example, without optional arguments that add nothing.

    That is what the service fills in (read-only fields) and the discriminator of a subclass, which its
    constructor adds.
    """
    schema = contract.class_for(declared, value)
    known = {field.wire: field for _, field in contract.all_fields(schema)}
    discriminator = contract.discriminator_of(schema) if schema.discriminator_value else None
    arguments = [
        f"{field.name}={python_expression(contract, package, field.type, value[wire])}"
        for wire in value
        if (field := known.get(wire)) and not field.read_only and wire != discriminator
    ]
    return f"{package}.{schema.name}({', '.join(arguments)})"
