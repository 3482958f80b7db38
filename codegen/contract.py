"""The contract as plain objects: operations with their parameters, schemas with their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codegen import names
from codegen.types import Type
from knetik_cloud.contract import Discriminator, Failure
from knetik_cloud.extensions import Pages, Place, ReadBack, Retry, Waiter


@dataclass(frozen=True, kw_only=True)
class Value:
    """The common part of a parameter and a field.

    `name` is the Python name, `wire` the contract's. `default` is what the service takes when the value is
    left out, None when it has no default. `enum` is closed, `known_values` is open.
    """

    name: str
    wire: str
    type: Type
    description: str
    required: bool
    example: Any
    default: Any = None
    enum: tuple[str, ...] = ()
    known_values: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    epoch: bool = False
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Parameter(Value):
    """A parameter of an operation; the request's body is one too.

    `in_example` is whether an example call passes it. The example of a form may omit some.
    """

    place: Place
    in_example: bool = True

    @property
    def python_default(self) -> Any:
        """The default in the Python signature. Only a required parameter has the contract's own."""
        return self.default if self.required else None


@dataclass(frozen=True, kw_only=True)
class Field(Value):
    """A property of a schema."""

    read_only: bool
    instant: str | None = None
    """The attribute that returns the field's epoch seconds as a datetime."""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """An object schema: a model class. `fields` are its own; `base` names the class it inherits from."""

    name: str
    description: str
    fields: tuple[Field, ...]
    example: Any
    base: str | None = None
    discriminator: Discriminator | None = None
    discriminator_value: str | None = None

    @property
    def module(self) -> str:
        """The name of the module with the class."""
        return names.snake_case(self.name)

    @property
    def type(self) -> Type:
        """The type of a value of this schema."""
        return Type(self.name, is_model=True)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation: a method of its tag's class."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    returns: Type | None
    returns_description: str
    failures: tuple[Failure, ...]
    retry: Retry
    permissions: tuple[str, ...]
    security: tuple[str, ...]
    content_type: str | None
    pages: Pages | None = None
    empty_result: bool = False
    added: str | None = None
    """The version that added the operation, or None for the documented ones, which come first."""
    cli: str | None = None
    marker: str | None = None
    read_back: tuple[ReadBack, ...] = ()
    waiters: tuple[Waiter, ...] = ()

    @property
    def added_version(self) -> tuple[int, ...]:
        """`added` as numbers, in the order of releases."""
        return tuple(map(int, self.added.split("."))) if self.added else ()

    @property
    def example_parameters(self) -> tuple[Parameter, ...]:
        """Pick the parameters that an example call passes, in the order of the signature."""
        return tuple(parameter for parameter in self.signature if parameter.in_example)

    @property
    def item_parameter(self) -> Parameter:
        """The parameter that identifies the item of an operation that reads one: the last one of the path."""
        return [parameter for parameter in self.signature if parameter.place == "path"][-1]

    @property
    def constant(self) -> str:
        """The name of the operation's definition."""
        return names.constant_name(self.name)

    @property
    def pager(self) -> str:
        """The name of the method that reads all pages of a list: `iter_users_inventory`."""
        return names.pager_name(self.name)

    @property
    def filters(self) -> tuple[Parameter, ...]:
        """Pick the parameters that filter or sort a list, without those for paging."""
        paging = (self.pages.page, self.pages.size) if self.pages else ()
        return tuple(parameter for parameter in self.signature if parameter.wire not in paging)

    @property
    def result(self) -> str:
        """The Python type that the method returns."""
        if self.returns is None:
            return "None"
        return f"{self.returns.annotation} | None" if self.empty_result else self.returns.annotation

    @property
    def signature(self) -> tuple[Parameter, ...]:
        """Order the parameters as the method takes them: required ones first, those with a default last."""
        return tuple(sorted(self.parameters, key=lambda p: (not p.required, p.python_default is not None)))

    @property
    def secrets(self) -> tuple[Parameter, ...]:
        """Pick the parameters that no traceback may show."""
        return tuple(parameter for parameter in self.parameters if parameter.secret)


@dataclass(frozen=True, kw_only=True)
class SecurityScheme:
    """A way to get access: `flow` is OAuth's name for it, such as `clientCredentials`."""

    name: str
    flow: str
    token_url: str
    scopes: dict[str, str]
    description: str


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Everything that is generated comes from here."""

    title: str
    version: str
    server: str
    operations: tuple[Operation, ...]
    schemas: dict[str, Schema]
    tags: dict[str, str]
    security_schemes: tuple[SecurityScheme, ...]

    def operations_of(self, tag: str) -> list[Operation]:
        """List a tag's operations by name, those that a later version added at the end."""
        found = (operation for operation in self.operations if operation.tag == tag)
        return sorted(found, key=lambda operation: (operation.added_version, operation.name))

    def item(self, operation: Operation) -> Type:
        """Return the type of the items of a list operation."""
        assert operation.pages is not None
        assert operation.returns is not None
        page = self.schemas[operation.returns.name]
        items = operation.pages.items
        listed = next(field.type.inner for _, field in self.all_fields(page) if field.wire == items)
        assert listed is not None
        return listed

    def items_field(self, schema: Schema) -> str | None:
        """Return the wire name of the items if the schema is a page of a list, else None."""
        for operation in self.operations:
            if operation.pages and operation.returns and operation.returns.name == schema.name:
                return operation.pages.items
        return None

    def waiter_fields(self, operation: Operation, waiter: Waiter) -> list[Field]:
        """Return the fields of an operation's item by which a waiter can find it."""
        assert operation.returns is not None
        fields = {field.wire: field for _, field in self.all_fields(self.schemas[operation.returns.name])}
        return [fields[wire] for wire in waiter.find]

    def ancestors(self, schema: Schema) -> Iterator[Schema]:
        """Walk from a schema's base class up to the root of its family."""
        while schema.base:
            schema = self.schemas[schema.base]
            yield schema

    def subclasses(self, schema: Schema) -> list[Schema]:
        """List the schemas that name this one as their base."""
        return [other for other in self.schemas.values() if other.base == schema.name]

    def all_fields(self, schema: Schema) -> list[tuple[Schema, Field]]:
        """List the fields of a model with the schema that declares each, inherited ones first."""
        lineage = [*reversed(list(self.ancestors(schema))), schema]
        return [(owner, field) for owner in lineage for field in owner.fields]

    def request_models(self) -> set[str]:
        """Return the names of the models in requests, including nested models and subclasses."""
        found: set[str] = set()
        ahead = {p.type.model for o in self.operations for p in o.parameters if p.type.model}
        while ahead:
            name = ahead.pop()
            found.add(name)
            schema = self.schemas[name]
            inside = {field.type.model for _, field in self.all_fields(schema) if field.type.model}
            ahead |= (inside | {subclass.name for subclass in self.subclasses(schema)}) - found
        return found

    def operations_with(self, schema: Schema) -> list[Operation]:
        """List the operations that take or return a model themselves, by name."""
        return [
            operation
            for operation in sorted(self.operations, key=lambda operation: operation.name)
            if schema.name
            in {t.model for t in (operation.returns, *(p.type for p in operation.parameters)) if t}
        ]

    def schemas_with(self, schema: Schema) -> list[Schema]:
        """List the schemas that have a field of a model."""
        return [s for s in self.schemas.values() if schema.name in {field.type.model for field in s.fields}]

    def discriminator_of(self, schema: Schema) -> str | None:
        """Return the property that selects the class in a schema's family, or None without a family."""
        for member in (schema, *self.ancestors(schema)):
            if member.discriminator:
                return member.discriminator.property
        return None

    def attribute(self, schema: Schema, wire: str) -> str:
        """Return the name of the attribute for a property of the contract."""
        return next(field.name for _, field in self.all_fields(schema) if field.wire == wire)

    def class_for(self, declared: Schema, value: dict[str, Any]) -> Schema:
        """Pick the class that a value is read as: the declared one, or the subclass that it names."""
        wire = self.discriminator_of(declared)
        if wire is None or wire not in value:
            return declared
        named = [s for s in self.schemas.values() if s.discriminator_value == value[wire]]
        return next((s for s in named if declared in (s, *self.ancestors(s))), declared)
