"""Spells what the engine reads: rows of operations and fields, saying only what differs from its defaults."""

from __future__ import annotations

from typing import Any

from codegen.contract import Field, Parameter, Schema
from knetik_cloud.extensions import Pages, ReadBack, Waiter


def parameter_row(parameter: Parameter) -> str:
    """Spell a parameter: `Parameter("id", "path", "int32", required=True)`."""
    return _call(
        "Parameter",
        parameter.name,
        parameter.place,
        "epoch" if parameter.epoch else parameter.type.expression,
        required=parameter.required,
        wire=parameter.wire if parameter.wire != parameter.name else None,
        secret=parameter.secret,
    )


def field_function(schema: Schema) -> str:
    """Name the engine's `field` as a model's module imports it, which an attribute may be called too."""
    return "model_field" if any(field.name == "field" for field in schema.fields) else "field"


def field_row(schema: Schema, field: Field) -> str:
    """Spell a field: `field("int32", read_only=True)`."""
    return _call(
        field_function(schema),
        field.type.expression,
        wire=field.wire if field.wire != field.name else None,
        required=field.required,
        read_only=field.read_only,
        enum=field.enum,
        epoch=field.epoch,
        secret=field.secret,
    )


def pages_row(pages: Pages) -> str:
    """Spell how a list is paged, names that it shares with most lists left out: `Pages(order="order")`."""
    usual = Pages()._asdict()
    return _call("Pages", **{name: value for name, value in pages._asdict().items() if value != usual[name]})


def read_back_row(read_back: ReadBack) -> str:
    """Return the source of a `ReadBack`."""
    return _call(
        "ReadBack", read_back.list, read_back.arguments, match=read_back.match, since=read_back.since
    )


def waiter_row(waiter: Waiter) -> str:
    """Return the source of a `Waiter`."""
    return _call(
        "Waiter",
        waiter.name,
        waiter.field,
        waiter.success,
        failure=waiter.failure,
        list=waiter.list,
        arguments=waiter.arguments,
    )


def argument_annotation(parameter: Parameter) -> str:
    """Spell what a method takes for a parameter: an instant as people say it, a secret wrapped or not."""
    if parameter.epoch:
        return "int | str | dt.datetime"
    return f"{parameter.type.argument} | Secret" if parameter.secret else parameter.type.argument


def argument_imports(parameter: Parameter) -> frozenset[str]:
    """Name what that needs imported besides models."""
    return frozenset({"dt"}) if parameter.epoch else parameter.type.imports


def _call(name: str, *values: Any, **options: Any) -> str:
    """Spell a call, leaving out options that are None, False or empty."""
    spelled = [repr(value) for value in values]
    spelled += [f"{option}={value!r}" for option, value in options.items() if value]
    return f"{name}({', '.join(spelled)})"
