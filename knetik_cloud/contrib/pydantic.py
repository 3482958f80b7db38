"""Models as pydantic 2 fields: how they are validated, serialized and described as JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import PydanticCustomError, SchemaSerializer, core_schema

from knetik_cloud.data import codec, description, expressions, types
from knetik_cloud.exceptions import ApiException, ApiValueError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

    from knetik_cloud.data.model import Field, Model

BASE = "base"
"""The tag of an object whose discriminator names no known subclass."""

_in_progress: ContextVar[tuple[type, ...]] = ContextVar("_in_progress", default=())


def build_schema(model: type[Model], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """Build the schema by which pydantic validates and serializes a model.

    Types and required fields are checked, below as well. Unknown fields and unknown values of an enum are
    kept, as in a response. A model is returned as it is. Validation copies a dict, and never changes it.
    """
    reference = f"{model.__module__}.{model.__qualname__}:{id(model)}"
    if model in _in_progress.get():
        return core_schema.definition_reference_schema(reference)
    with _building(model):
        fields = _subclasses(model, handler) or _fields(model, handler)

    def validate(value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> Model:
        if isinstance(value, model):
            return value
        if not isinstance(value, Mapping):
            return cast("Model", check(value))  # it raises: an object is needed
        try:
            read = model.from_dict(value)
            codec.encode(read)
        except ApiException as error:
            reason = str(error).replace("{", "{{").replace("}", "}}")
            raise PydanticCustomError("knetik_cloud_json", reason) from None
        checked, named = codec.plain(read), read._json.get(model._discriminator or "")
        if model._discriminator_value and isinstance(named, str) and named not in (model._mapping or {}):
            checked[model._discriminator] = model._discriminator_value  # an unknown type is kept
        check(checked)
        return read

    validate.__name__ = model.__name__  # the title of its errors
    return core_schema.no_info_wrap_validator_function(
        validate,
        fields,
        ref=reference,
        serialization=core_schema.plain_serializer_function_ser_schema(_serialize, info_arg=True),
    )


def _serialize(model: Any, info: core_schema.SerializationInfo) -> Any:
    """Return the JSON object that is sent, or a copy if it has values that only pydantic can represent."""
    if info.mode == "json":
        with suppress(ApiValueError):
            return codec.decode(codec.encode(model))
    return codec.plain(model)


def _serialize_inferred(model: Model, info: core_schema.SerializationInfo) -> Any:
    """Return the JSON object with secrets masked, as no annotation asks for the model, or else the model."""
    return _serialize(vars(model), info) if info.mode == "json" else model


inferring_serializer = SchemaSerializer(
    core_schema.any_schema(
        serialization=core_schema.plain_serializer_function_ser_schema(_serialize_inferred, info_arg=True)
    )
)
"""The serializer of models in values without a type: `Any`, `dict`, or a field with `serialize_as_any`."""


def describe(
    model: type[Model], schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
) -> dict[str, Any]:
    """Describe a model as JSON schema, with the contract's descriptions of its fields."""
    described = handler(schema)
    target = handler.resolve_ref_schema(described)
    target["title"] = model.__name__
    if model.__doc__:
        target["description"] = _unwrap(model.__doc__)
    choices = target.pop("oneOf", None)
    if choices is not None:
        target["anyOf"] = choices  # not oneOf: an object of a subclass also fits the base class
    properties = (target if choices is None else choices[0])["properties"]
    for declared in model._fields.values():
        _annotate(properties[declared.wire], declared)
    return described


@contextmanager
def _building(model: type) -> Iterator[None]:
    """Mark a model as being described, so that one which contains itself refers to its definition."""
    token = _in_progress.set((*_in_progress.get(), model))
    try:
        yield
    finally:
        _in_progress.reset(token)


def _subclasses(model: type[Model], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema | None:
    """Build the choice between a base class and its subclasses, or None for a model without subclasses."""
    wire, mapping = model._discriminator, model._mapping or {}
    found = {value: _model(name, model) for value, name in mapping.items()}
    found = {value: kind for value, kind in found.items() if issubclass(kind, model) and kind is not model}
    if wire is None or not found:
        return None

    def tag(value: Any) -> str:
        named = value.get(wire) if isinstance(value, dict) else None
        return named if isinstance(named, str) and named in found else BASE

    return core_schema.tagged_union_schema(
        {
            BASE: _fields(model, handler),
            **{value: handler.generate_schema(kind) for value, kind in found.items()},
        },
        tag,
    )


def _model(name: str, sibling: type[Model]) -> type[Model]:
    found = expressions.parse(name, sibling._package())
    assert isinstance(found, expressions.Reference)
    model: type[Model] = found.model
    return model


def _fields(model: type[Model], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    fields = {}
    for declared in model._fields.values():
        schema = _own_type(model) if declared.wire == model._discriminator else None
        schema = schema or _of_type(declared.type, handler)
        if not declared.required:
            schema = _or_null(schema)
        fields[declared.wire] = core_schema.typed_dict_field(schema, required=declared.required)
    return core_schema.typed_dict_schema(fields, extra_behavior="allow")


def _own_type(model: type[Model]) -> core_schema.CoreSchema | None:
    """Build the schema of the discriminator of a subclass, or None for a base, which accepts any value.

    It is a literal, by which pydantic finds the subclass in a union with a discriminator.
    """
    own, mapping = model._discriminator_value, model._mapping or {}
    if own is None:
        return None
    same = [value for value, name in mapping.items() if name == mapping.get(own)]
    return core_schema.literal_schema(same or [own])  # a program's own subclass may have a value of its own


def _of_type(kind: types.Type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """Build the schema of a type. Nothing is converted, so what is sent is what was validated."""
    if isinstance(kind, expressions.Reference):
        return handler.generate_schema(kind.model)
    if isinstance(kind, expressions.ListOf):
        return core_schema.list_schema(_or_null(_of_type(kind.element, handler)))
    if isinstance(kind, expressions.MapOf):
        value = _or_null(_of_type(kind.element, handler))
        return core_schema.dict_schema(core_schema.str_schema(strict=True), value)
    if isinstance(kind, expressions.Either):
        return core_schema.union_schema([_of_type(choice, handler) for choice in kind.choices])
    if isinstance(kind, types.Integer):
        bound = 1 << kind.bits - 1
        return core_schema.int_schema(strict=True, ge=-bound, le=bound - 1)
    if isinstance(kind, types.Boolean):
        return core_schema.bool_schema(strict=True)
    if isinstance(kind, types.Float):
        return core_schema.float_schema(strict=True, allow_inf_nan=False)
    if isinstance(kind, (types.Text, types.Date)):
        return core_schema.str_schema(strict=True)
    return core_schema.any_schema()


def _or_null(schema: core_schema.CoreSchema) -> core_schema.CoreSchema:
    return schema if schema["type"] == "any" else core_schema.nullable_schema(schema)


FORMATS = {"date": "date", "datetime": "date-time", "int32": "int32", "int64": "int64", "float": "double"}


def _annotate(schema: dict[str, Any], declared: Field) -> None:
    """Add the contract's description to a property."""
    schema.pop("title", None)
    details = description.attribute_docstring(declared)
    if details is not None:
        schema["description"] = _unwrap(details)
    if declared.read_only:
        schema["readOnly"] = True
    for literal in ("const", "enum"):  # of a discriminator, whose unknown values are kept
        if schema.pop(literal, None):
            schema["type"] = "string"  # not every version of pydantic has it beside a literal
    inner = next((choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"), schema)
    if declared.enum is not None:
        inner["enum"] = list(declared.enum)
    if declared.expression in FORMATS:
        inner["format"] = FORMATS[declared.expression]
        if declared.expression.startswith("int"):
            for limit in ("minimum", "maximum"):
                inner.pop(limit, None)


def _unwrap(text: str) -> str:
    """Join the lines of each paragraph of a docstring."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()
