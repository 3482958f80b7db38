"""Writes the contract's examples as Python expressions, which the formatter formats later."""

from __future__ import annotations

import json
import shlex
from datetime import date, datetime
from typing import Any, Final

from codegen.contract import Contract, Field, Operation, Parameter, Schema
from codegen.types import Type
from knetik_cloud.cli.bodies import dashed
from knetik_cloud.contract import ContractError

WIDTH: Final = 90
"""Columns up to which a command stays on one line."""


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
    try:
        return python_expression(contract, package, value.type, value.example)
    except (AttributeError, TypeError, ValueError) as error:
        raise ContractError(f"{value.name} has a wrong example: {error}") from None


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


def command_line(contract: Contract, operation: Operation) -> str:
    """Format the example call of an operation as a line of the `knetik` command.

    A value that doesn't fit on the line (a nested body, a secret) comes from stdin.
    """
    words, options, stdin = ["knetik", *(operation.cli or "").split()], [], ""
    for parameter in operation.example_parameters:
        if parameter.place == "body":
            body: Any = parameter.example
            fields = _simple_fields(contract, parameter.type, body)
            if fields is not None:
                options += [_option(field.name, body[field.wire]) for field in fields]
            elif isinstance(body, dict | list):
                words, stdin = [*words, "-"], json.dumps(body, indent=2, ensure_ascii=False)
            else:
                words.append(str(body))
        elif parameter.secret:
            options.append(f"--{dashed(parameter.name)}-file -")
            stdin = str(parameter.example)
        elif parameter.required:
            words.append(str(parameter.example))
        else:
            options.append(_option(parameter.name, parameter.example))
    line = shlex.join(words)
    separator = " " if len(" ".join([line, *options])) <= WIDTH else " \\\n    "
    line = separator.join([line, *options])
    return f"{line} << 'END'\n{stdin}\nEND" if stdin else line


def _simple_fields(contract: Contract, type_: Type, value: Any) -> list[Field] | None:
    """List the fields of an example that are options of the command, or None if some aren't."""
    if not type_.is_model:
        return None
    fields = {f.wire: f for _, f in contract.all_fields(contract.schemas[type_.name]) if not f.read_only}
    is_simple = all(wire in fields and not _takes_json(fields[wire].type) for wire in value)
    return [fields[wire] for wire in value] if is_simple else None


def _takes_json(type_: Type) -> bool:
    """Return whether the option for a field takes JSON: an object, a map, or a list of other than strings."""
    return type_.model is not None or (type_.inner is not None and type_.expression != "list[str]")


def _option(name: str, value: Any) -> str:
    """Format an option of the command with its value, or with each value of a list."""
    if isinstance(value, bool):
        return f"--{'' if value else 'no-'}{dashed(name)}"
    values = value if isinstance(value, list) else [value]
    return " ".join(shlex.join([f"--{dashed(name)}", str(each)]) for each in values)
