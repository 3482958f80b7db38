"""Formats types, values and texts of the contract as Markdown for the reference pages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from codegen import names
from codegen.contract import Contract, Field, Parameter, Schema, Value
from codegen.docstrings import sentence
from codegen.types import Type


def cell(text: str) -> str:
    """Make a text fit for a table cell: on one line, with bars escaped and angle brackets shown as such."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(*heads: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """Format a table, with an empty line below it."""
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    return [*lines, *(" | ".join(row) for row in rows), ""]


def page(title: str, *lines: str) -> str:
    """Format a page."""
    return "\n".join([f"# {title}", "", *lines]).rstrip() + "\n"


def type_link(text: str, type_: Type | None) -> str:
    """Format a type in bold, with a link to the page of its model."""
    bold = f"**{cell(text)}**"
    return f"[{bold}]({type_.model}.md)" if type_ and type_.model else bold


def page_link(name: str) -> str:
    """Link a class to its page in the same folder."""
    return f"[{name}]({name}.md)"


def json_text(value: Any) -> str:
    """Format an example as JSON on several lines, in the contract's order."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def used_by(contract: Contract, schema: Schema) -> list[str]:
    """Link the methods that take or return a model and the models that have a field of it."""
    methods = [
        f"[{operation.name}]({names.class_name(operation.tag)}.md#{operation.name})"
        for operation in contract.operations_with(schema)
    ]
    return methods + [page_link(holder.name) for holder in contract.schemas_with(schema)]


def first_sentence(text: str) -> str:
    """Cut a text after its first sentence."""
    return sentence(" ".join(text.split()).split(". ")[0])


def call_arguments(parameters: Iterable[Parameter]) -> str:
    """Format the arguments of a call, with required ones by position and the others by keyword."""
    return ", ".join(p.name if p.required else f"{p.name}={p.name}" for p in parameters)


def parameter_type(parameter: Parameter) -> str:
    """Format the type of a parameter for its table."""
    return type_link(parameter.type.annotation, parameter.type)


def parameter_notes(parameter: Parameter) -> str:
    """Describe whether a parameter is optional, and its default."""
    flags = [] if parameter.required else ["[optional]"]
    if parameter.default is not None:
        flags.append(f"[default to {parameter.default}]")
    return f"{' '.join(flags)} {', '.join(_value_notes(parameter))}".strip()


def parameter_comment(parameter: Parameter) -> str:
    """Describe a parameter in a snippet: its type, its meaning in a sentence, whether it is optional."""
    description = first_sentence(parameter.description).rstrip(".")
    optional = "" if parameter.required else " (optional)"
    return f"{parameter.type.annotation} | {description}{optional}"


def field_notes(field: Field, owner: Schema, schema: Schema) -> str:
    """Describe a field for the notes of the property table."""
    flags = ["[required]" if field.required else "[optional]"]
    if field.read_only:
        flags.append("[readonly]")
    if field.default is not None:
        flags.append(f"[default to {field.default}]")
    notes = _value_notes(field)
    if field.name != field.wire:
        notes.append(f"`{field.wire}` in the JSON")
    if field.instant:
        notes.append(f"`{field.instant}` as a datetime")
    if owner is not schema:
        notes.append(f"from {page_link(owner.name)}")
    return f"{' '.join(flags)} {', '.join(notes)}".rstrip()


def _value_notes(value: Value) -> list[str]:
    notes = []
    if value.enum:
        notes.append(f"one of {_listed(value.enum)}")
    if value.known_values:
        notes.append(f"known values: {_listed(value.known_values)}")
    notes += [cell(limit) for limit in value.limits]
    return notes


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)
