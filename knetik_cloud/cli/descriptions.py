"""The contract's descriptions, defaults, values and examples, for the help of the operations' commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import click

from knetik_cloud.cli import bodies, calls
from knetik_cloud.contract import Contract

if TYPE_CHECKING:
    from knetik_cloud.core.operation import Operation


class DescribedCommand(Protocol):
    """The command of an operation, as far as it is described here."""

    operation: Operation[Any]
    help: str | None
    epilog: str | None

    def own_params(self) -> list[click.Parameter]:
        """Return the parameters of the operation."""


def body_example(operation: Operation[Any]) -> Any:
    """Return the contract's example of an operation's body."""
    contract = Contract.load()
    body = contract.operations[operation.id].body
    assert body is not None
    return body.example if body.example is not None else contract.resolve(body.schema).get("example")


def describe(command: DescribedCommand) -> None:
    """Fill in the help of a command and of its parameters."""
    operation = command.operation
    contract = Contract.load()
    declared = contract.operations[operation.id]
    command.help = (
        f"{operation.summary}.\n\n{declared.description}\n\n{_permissions(declared.permissions)}".rstrip()
    )
    command.epilog = f"\b\nExample:\n  {example(operation)}"
    names = _names(operation)
    schemas: dict[str, tuple[str, Mapping[str, Any]]] = {
        names[each.name]: (each.node.text("description"), each.schema) for each in declared.parameters
    }
    body = calls.body_of(operation)
    if body is not None and declared.body is not None:
        properties = contract.merged(declared.body.schema).get("properties", {})
        for name, field in bodies.fields_of(operation).items():
            schema = contract.resolve(properties[field.wire])
            schemas.setdefault(name, (str(schema.get("description", "")), schema))
        how = "" if body.type in bodies.SCALARS else " JSON, @FILE, or - for stdin."
        details = f"{declared.body.node.text('description')}{how}"
        schemas[bodies.argument_name(body)] = (details, contract.resolve(declared.body.schema))
    for parameter in command.own_params():
        if parameter.name in schemas:
            parameter.help = _help(parameter, *schemas[parameter.name])


def example(operation: Operation[Any]) -> str:
    """Return a command line that runs the operation with the contract's examples."""
    import shlex

    declared = Contract.load().operations[operation.id]
    words = ["knetik", *(operation.cli or operation.id.replace("_", "-")).split()]
    required = (each for each in declared.parameters if each.required and each.place != "form")
    words += [str(each.example) for each in required]
    if operation.pages is not None:
        return shlex.join([*words, "--all", "-o", "csv"])
    options = [
        word
        for each in declared.parameters
        if each.place == "query" and not each.required
        for word in _option_words(_names(operation)[each.name], each.example)
    ]
    body = calls.body_of(operation)
    if body is None:
        return shlex.join([*words, *options])
    content = body_example(operation)
    if body.type in bodies.SCALARS:
        return shlex.join([*words, str(content), *options])
    fields = bodies.fields_of(operation)
    simple = {field.wire: name for name, field in fields.items() if not bodies.takes_json(field)}
    if not fields or not content.keys() <= simple.keys():
        return f"{shlex.join(words)} --skeleton | {shlex.join([*words, '-', *options])}"
    options += [word for wire, value in content.items() for word in _option_words(simple[wire], value)]
    return shlex.join([*words, *options])


def _names(operation: Operation[Any]) -> Mapping[str, str]:
    """Return the Python names of an operation's parameters by their names in the contract."""
    return {each.wire: each.name for each in operation.parameters}


def _option_words(name: str, value: Any) -> list[str]:
    """Return an option with its value."""
    option = bodies.dashed(name)
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [word for each in values for word in (f"--{option}", str(each))]


def _permissions(permissions: tuple[str, ...]) -> str:
    needed = [each for each in permissions if each != "owner"]
    if not needed:
        return ""
    kind = "the permission" if len(needed) == 1 else "one of the permissions"
    owner = " The owner of the inventory needs none." if "owner" in permissions else ""
    return f"Needs {kind} {', '.join(needed)}.{owner}"


def _help(parameter: click.Parameter, text: str, schema: Mapping[str, Any]) -> str:
    """Return the help of a parameter: its description, the values in use, and the service's default."""
    details = " ".join(text.split())
    values = ", ".join(map(str, schema.get("enum") or schema.get("x-known-values") or ()))
    if values and not isinstance(parameter.type, click.Choice):
        details += f" One of {values}." if "enum" in schema else f" Known: {values}."
    default = schema.get("default")
    if default is not None:
        details += f" [default: {str(default).lower() if isinstance(default, bool) else default}]"
    return details
