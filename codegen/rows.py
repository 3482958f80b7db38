"""Writes the definitions of operations and fields that the engine reads, without default values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from codegen.contract import Contract, Field, Operation, Parameter, Schema
from knetik_cloud.extensions import Pages, ReadBack, Waiter


def parameter_row(parameter: Parameter) -> str:
    """Format a parameter: `Parameter("id", "path", "int32", required=True)`."""
    return _call(
        "Parameter",
        parameter.name,
        parameter.place,
        "epoch" if parameter.epoch else parameter.type.expression,
        required=parameter.required,
        wire=parameter.wire if parameter.wire != parameter.name else None,
        secret=parameter.secret,
    )


def function(schema: Schema, name: str) -> str:
    """Return the name under which a module imports `field` or `instant`, which may also be an attribute's."""
    attributes = {attribute for field in schema.fields for attribute in (field.name, field.instant)}
    return f"model_{name}" if name in attributes else name


def field_row(schema: Schema, field: Field) -> str:
    """Format a field: `field("int32", read_only=True)`."""
    return _call(
        function(schema, "field"),
        field.type.expression,
        wire=field.wire if field.wire != field.name else None,
        required=field.required,
        read_only=field.read_only,
        enum=field.enum,
        epoch=field.epoch,
        secret=field.secret,
    )


def pages_row(pages: Pages) -> str:
    """Format the paging of a list, without the default names: `Pages(order="order")`."""
    usual = Pages()._asdict()
    return _call("Pages", **{name: value for name, value in pages._asdict().items() if value != usual[name]})


def read_back_row(read_back: ReadBack) -> str:
    """Return the source of a `ReadBack`."""
    return _call(
        "ReadBack",
        read_back.list,
        read_back.arguments,
        match=read_back.match,
        since=read_back.since,
        null_if=read_back.null_if,
        doubtful=read_back.doubtful,
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
        find=waiter.find,
        since=waiter.since,
    )


def argument_annotation(parameter: Parameter) -> str:
    """Return the annotation of a parameter. Instants and secrets are accepted in several forms."""
    if parameter.epoch:
        return "int | str | dt.datetime"
    code = parameter.type.argument_code
    return f"{code} | Secret" if parameter.secret else code


def result_annotation(operation: Operation) -> str:
    """Return the annotation of what a method returns."""
    if operation.returns is None:
        return "None"
    return f"{operation.returns.code} | None" if operation.empty_result else operation.returns.code


def pager_annotation(contract: Contract, operation: Operation, package: str) -> str:
    """Return the annotation of what the method that reads all pages returns, from a package's `Pager`."""
    return f"{package}.Pager[{contract.item(operation).code}, {result_annotation(operation)}]"


def names_in(annotations: Iterable[str]) -> set[str]:
    """Return the names that annotations refer to, each without its attributes."""
    return set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", " ".join(annotations)))


def _call(name: str, *values: Any, **options: Any) -> str:
    """Format a call, without options that are None, False or empty."""
    arguments = [repr(value) for value in values]
    arguments += [f"{option}={value!r}" for option, value in options.items() if value]
    return f"{name}({', '.join(arguments)})"
