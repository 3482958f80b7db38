"""Models: typed views of the JSON objects that they came from.

A model holds one thing, the dict. Reading a field reads the dict; a nested object or list is wrapped at
first touch and put back in its place, so that every edit reaches the JSON and every key that came in,
known or not, goes out again in its order.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform

from knetik_cloud import upward
from knetik_cloud.data import codec, types
from knetik_cloud.exceptions import ApiResponseError, ApiValueError
from knetik_cloud.secret import MASK

E = TypeVar("E", ApiResponseError, ApiValueError)

WIDTH = 80
LEGACY = frozenset(("swagger_types", "attribute_map"))
"""Attributes that are kept for old programs, and left out of completion."""


class LazyDoc:
    """The `__doc__` of a class whose instances have one each, which is made when it is asked for."""

    def __init__(self, said_of_class: str) -> None:
        self._said_of_class = said_of_class

    def __get__(self, field: Field | None, owner: type[Field]) -> str:
        return self._said_of_class if field is None else field._describe()

    def __set__(self, field: Field, text: str | None) -> None:
        """Ignore what `property` would have it be: the getter's text."""


class Field(property):
    """One field of a model: its type expression, its wire name, and how it is read and assigned."""

    __doc__ = LazyDoc(__doc__)

    def __init__(
        self,
        expression: str,
        wire: str | None,
        required: bool,
        read_only: bool,
        enum: tuple[str, ...] | None,
        epoch: bool,
        secret: bool,
    ) -> None:
        self.expression = expression
        self.wire = wire or ""
        self.required = required
        self.read_only = read_only
        self.enum = enum
        self.epoch = epoch
        self.secret = secret
        self.name = ""
        self._owner: type[Model] | None = None
        self._where: str
        self._stable_types: set[type]

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self.name, self._owner = name, owner
        self.wire = wire = self.wire or name
        self._where = f"{owner.__name__}.{name}"
        self._stable_types = stable = set[type]()
        typed = self.expression not in SCALARS

        def read(model: Model) -> Any:
            return model._json.get(wire)

        def read_typed(model: Model) -> Any:
            value = model._json.get(wire)
            return value if type(value) in stable else self._view(model, value)

        def assign(model: Model, value: Any) -> None:
            try:
                model._json[wire] = None if value is None else self.convert(value)
            except ApiValueError as error:
                refused = _named_by(self, model, error)
                raise refused from None

        def remove(model: Model) -> None:
            model._json.pop(wire, None)

        super().__init__(read_typed if typed else read, assign, remove)

    def enable_subclass_check(self) -> None:
        """Refuse, from now on, values that name another subclass than the model's; unknown ones stay free."""
        assign = self.fset
        assert assign is not None

        def assign_kind(model: Model, value: Any) -> None:
            if value is not None:
                type(model)._check_subclass(value)
            assign(model, value)

        super().__init__(self.fget, assign_kind, self.fdel)

    @cached_property
    def type(self) -> types.Type:
        """The type, read from its expression when it is first needed."""
        assert self._owner is not None
        if self.epoch and self.expression in INTEGERS:
            from knetik_cloud.data.instant import SECONDS

            return SECONDS
        return types.parse(self.expression, self._owner._package())

    def _describe(self) -> str:
        from knetik_cloud.data import description

        return description.of_field(self, self._owner)

    def convert(self, value: Any) -> Any:
        """Check a value that the caller gives, and turn it into JSON."""
        value = self.type.convert(value, self._where)
        if self.enum is not None and value not in self.enum:
            raise types.invalid_value_error(self._where, f"one of {', '.join(map(repr, self.enum))}", value)
        return value

    def _view(self, model: Model, value: Any) -> Any:
        """Turn a value into what a read gives, and put a model in the place of the dict that it views."""
        kind = self.type
        try:
            seen = kind.view(value, self._where)
        except ApiResponseError as error:
            unreadable = _named_by(self, model, error)
            raise unreadable from None
        if seen is not value and kind.wraps:
            model._json[self.wire] = seen
        if kind.is_stable:
            self._stable_types.add(type(seen))  # at most as many as the model has subclasses
        return seen


def _named_by(declared: Field, model: Model, error: E) -> E:
    """Let an error name the model's own class, in place of the base that declares the field."""
    place = f"{type(model).__name__}.{declared.name}"
    if place == declared._where:
        return error
    return type(error)(reason=(error.reason or "").replace(declared._where, place, 1))


INTEGERS = ("int", "int32", "int64")
SCALARS = frozenset((*INTEGERS, "float", "bool", "str", "object", "int | str"))


def field(
    expression: str,
    *,
    wire: str | None = None,
    required: bool = False,
    read_only: bool = False,
    enum: tuple[str, ...] | None = None,
    epoch: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a field of a model.

    Args:
        expression: its type, as `knetik_cloud.data.types` reads them.
        wire: its name in the JSON, where that differs from the attribute's.
        required: it must be there when the model is sent.
        read_only: the service assigns it.
        enum: the closed set of texts that may be assigned.
        epoch: an integer of epoch seconds.
        secret: its value is masked in `repr` and `to_str`.
    """
    return Field(expression, wire, required, read_only, enum, epoch, secret)


if not TYPE_CHECKING:  # a checker that sees the metaclass would no longer know the constructors' arguments

    class ModelType(type):
        """Make classes without an instance dict, so that a misspelt attribute is an AttributeError."""

        def __new__(mcls, name, bases, namespace, **options):
            namespace.setdefault("__slots__", ())
            return super().__new__(mcls, name, bases, namespace, **options)

        @property
        def __signature__(cls):
            from knetik_cloud.data import description

            return description.signature(cls)

else:
    ModelType = type


@dataclass_transform(kw_only_default=True)
class Model(metaclass=ModelType):
    """The base of all models: a typed view of one JSON object.

    Three states of a field are told apart: absent (`del x.f`), null (`x.f = None`) and a value; reading the
    first two gives None. In the constructor, None means left out.
    """

    if not TYPE_CHECKING:
        __slots__ = ("_json",)

    _fields: ClassVar[Mapping[str, Field]] = {}
    _discriminator: ClassVar[str | None] = None
    _discriminator_value: ClassVar[str | None] = None
    _mapping: ClassVar[Mapping[str, str] | None] = None

    swagger_types: ClassVar[Mapping[str, str]] = {}
    attribute_map: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(
        cls,
        *,
        discriminator: str | None = None,
        mapping: Mapping[str, str] | None = None,
        discriminator_value: str | None = None,
    ) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls._fields = {**cls._fields, **own}
        cls._discriminator_value = discriminator_value
        if discriminator is not None:
            cls._discriminator, cls._mapping = discriminator, mapping
            for declared in own.values():
                if declared.wire == discriminator:
                    declared.enable_subclass_check()
        cls.swagger_types = {name: f.expression for name, f in cls._fields.items()}
        cls.attribute_map = {name: f.wire for name, f in cls._fields.items()}

    if not TYPE_CHECKING:

        def __init__(self, **values):
            self._json = json = {}
            if self._discriminator_value is not None:
                json[self._discriminator] = self._discriminator_value
            for name, value in values.items():
                declared = self._fields.get(name)
                if declared is None:
                    raise TypeError(self._unknown(name))
                if value is not None:
                    declared.fset(self, value)

    @classmethod
    def _check_subclass(cls, value: Any) -> None:
        """Check a discriminator that the caller gives.

        Raises:
            ApiValueError: it names another subclass, as which the object would be read.
        """
        own = cls._discriminator_value
        name = None if own is None or not isinstance(value, str) else (cls._mapping or {}).get(value)
        if name is not None and name != cls.__name__:
            raise ApiValueError(
                f"{cls.__name__}.{cls._discriminator} must be {own!r}, not {value!r}, the kind of {name}: "
                f"make {types.with_article(name)} instead"
            )

    @classmethod
    def _unknown(cls, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, cls._fields, 1)
        hint = f": did you mean {near[0]!r}?" if near else f"; it has {', '.join(cls._fields)}"
        return f"{cls.__name__} has no field {name!r}{hint}"

    @classmethod
    def _package(cls) -> str:
        """Name the package that the models of this contract live in."""
        module = sys.modules[cls.__module__]
        return module.__package__ or cls.__module__

    @classmethod
    def _container_fields(cls) -> list[Field]:
        """List the fields that hold objects or lists: those whose shape an answer is checked for."""
        found = cls.__dict__.get("_containers")
        if found is None:
            found = [f for f in cls._fields.values() if f.type.container is not None]
            cls._containers = found
        return found

    _containers: ClassVar[list[Field]]

    @classmethod
    def _wrap(cls, json: dict[str, Any]) -> Self:
        """View a JSON object, as the subclass that its discriminator names if that is one of this class."""
        mapping = cls._mapping
        if mapping is not None:
            cls = cls._subclass(mapping, json)
        model = object.__new__(cls)
        model._json = json
        return model

    @classmethod
    def _wrap_all(cls, rows: list[dict[str, Any]]) -> list[Self]:
        """View many JSON objects, as `_wrap` does one."""
        if cls._mapping is not None:
            return [cls._wrap(json) for json in rows]
        models = [*map(object.__new__, repeat(cls, len(rows)))]
        for model, json in zip(models, rows, strict=True):
            model._json = json
        return models

    @classmethod
    def _subclass(cls, mapping: Mapping[str, str], json: dict[str, Any]) -> type[Self]:
        kind = json.get(cls._discriminator or "")
        name = mapping.get(kind) if isinstance(kind, str) else None
        if name is None or name == cls.__name__:
            return cls
        found = types.parse(name, cls._package())
        named = found.model if isinstance(found, types.Reference) else cls
        return named if issubclass(named, cls) else cls

    if TYPE_CHECKING:
        _json: dict[str, Any]

    def _missing_fields(self, where: str) -> list[str]:
        """List the required fields that are absent or null, here and below, as paths."""
        missing = []
        for declared in self._fields.values():
            value = self._json.get(declared.wire)
            path = f"{where}.{declared.name}"
            if value is None:
                if declared.required:
                    missing.append(path)
            elif declared.type.wraps:
                missing += declared.type.missing_fields(value, path)
        return missing

    def to_dict(self) -> dict[str, Any]:
        """Give a new dict of every declared field by its Python name, absent ones None, nested ones too."""
        return {name: _to_dict(getattr(self, name)) for name in self._fields}

    def to_json(self) -> str:
        """Give the exact JSON: every key that came in or was set, in its order.

        Raises:
            ApiValueError: a value that JSON can't hold.
        """
        return codec.encode(self)

    def to_str(self) -> str:
        """Give a readable text of what is present, over several lines if it is long, secrets masked."""
        return _pretty(self, 0)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make a model of a copy of a JSON object (its keys are wire names; Python names are taken too).

        Raises:
            ApiValueError: `data` is no dict.
        """
        if not isinstance(data, Mapping):
            raise types.invalid_value_error(f"the data of {cls.__name__}", "a dict", data)
        model = cls._wrap(codec.plain(data))
        model._take_python_names()
        return model

    def _take_python_names(self) -> None:
        """Turn keys that are Python names, as `to_dict` gives them, into wire names, here and below."""
        for name, declared in self._fields.items():
            if name != declared.wire and name in self._json and declared.wire not in self._json:
                self._json = {declared.wire if key == name else key: v for key, v in self._json.items()}
            if declared.type.wraps:
                for model in _models_in(_readable(self, declared)):
                    model._take_python_names()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Make a model of the text of a JSON object.

        Raises:
            ApiResponseError: the text is no JSON object.
        """
        data = codec.decode(text, "the text")
        if type(data) is not dict:
            raise types.invalid_response_error(cls.__name__, "an object", data, "the text")
        return cls._wrap(data)

    def __repr__(self) -> str:
        return self.to_str()

    def __dir__(self) -> list[str]:
        shown = (name for name in dir(type(self)) if name not in LEGACY)
        return [name for name in shown if not name.startswith("_") or name.startswith("__")]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return upward.load("pydantic").build_schema(cls, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        return upward.load("pydantic").describe(cls, schema, handler)

    if not TYPE_CHECKING:

        @property
        def __dict__(self):
            """A copy of the JSON object, secrets masked, for encoders that use `vars()` of any object."""
            return _visible(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return type(self) is type(other) and codec.plain(self) == codec.plain(other)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self._restore(dict(self._json))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._restore(copy.deepcopy(self._json, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self)._restore, (codec.plain(self),))

    @classmethod
    def _restore(cls, json: dict[str, Any]) -> Self:
        model = object.__new__(cls)
        model._json = json
        return model


def _visible(value: Any) -> Any:
    """Copy a value with its models turned into the dicts that they view, except for secrets."""
    if isinstance(value, Model):
        by_wire = {declared.wire: declared for declared in value._fields.values()}
        copied = {}
        for wire, part in value._json.items():
            declared = by_wire.get(wire)
            if declared is not None and declared.secret and part is not None:
                part = MASK
            elif declared is not None and declared.type.wraps:
                part = _readable(value, declared)
            copied[wire] = _visible(part)
        return copied
    if isinstance(value, list):
        return [_visible(row) for row in value]
    if isinstance(value, dict):
        return {name: _visible(row) for name, row in value.items()}
    return value


def _models_in(value: Any) -> list[Model]:
    if isinstance(value, Model):
        return [value]
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [model for row in rows for model in _models_in(row)]


def _to_dict(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, list):
        return [_to_dict(row) for row in value]
    if isinstance(value, dict):
        return {name: _to_dict(row) for name, row in value.items()}
    return value


def _pretty(value: Any, indent: int) -> str:
    """Print a value on one line where it fits, else one line a part."""
    if isinstance(value, Model):
        opening, closing, parts = f"{type(value).__name__}(", ")", _shown_fields(value, indent + 4)
    elif isinstance(value, list):
        opening, closing, parts = "[", "]", [_pretty(row, indent + 4) for row in value]
    elif isinstance(value, dict):
        opening, closing = "{", "}"
        parts = [f"{name!r}: {_pretty(row, indent + 4)}" for name, row in value.items()]
    else:
        return repr(value)
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) + indent <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{opening}\n{inner}{' ' * indent}{closing}"


def _shown_fields(model: Model, indent: int) -> list[str]:
    by_wire = {declared.wire: declared for declared in model._fields.values()}
    shown = []
    for wire, value in model._json.items():
        declared = by_wire.get(wire)
        if declared is None:
            shown.append(f"{wire}={_pretty(value, indent)}")
        elif declared.secret and value is not None:
            shown.append(f"{declared.name}={MASK}")
        else:
            shown.append(f"{declared.name}={_pretty(_readable(model, declared), indent)}")
    return shown


def _readable(model: Model, declared: Field) -> Any:
    """Give a field's value for printing; one of a wrong shape is shown as it came."""
    try:
        return getattr(model, declared.name)
    except (ApiResponseError, ApiValueError):
        return model._json.get(declared.wire)
