"""Models: typed views of JSON objects.

A model holds only the dict. A read of a field reads the dict. A nested object or list is wrapped when it is
first read, and stored in its place, so that edits reach the JSON, and all keys are sent back in their order,
known or not.
"""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from itertools import repeat
from operator import methodcaller
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, dataclass_transform

from knetik_cloud import upward
from knetik_cloud.data import codec, expressions, types
from knetik_cloud.exceptions import ApiException, ApiResponseError, ApiValueError
from knetik_cloud.lazy import LazyDoc, LazyModule
from knetik_cloud.secret import MASK

P = ParamSpec("P")

description = LazyModule("knetik_cloud.data.description")

WIDTH = 80
MAX_REPR_CHARACTERS = 20_000
"""Characters after which `repr` leaves out the rest. A page of 25 entries fits. `str` returns everything."""
LEGACY = frozenset(("swagger_types", "attribute_map"))
"""Attributes that are kept for old programs, and left out of completion."""


class Field(property):
    """A field of a model: its type expression, its wire name, its getter and its setter.

    Args:
        expression: The type expression; see `knetik_cloud.data.expressions`.
        wire: The name in the JSON. None means the name of the attribute.
        required: True if the field must be present when the model is sent.
        read_only: True if the service assigns the field.
        enum: The strings that may be assigned. None means any.
        epoch: True for an integer of epoch seconds.
        secret: True if the value is masked in `repr` and `to_str`.
    """

    __doc__ = LazyDoc(__doc__ or "", of_instance=lambda field: description.of_field(field))

    def __init__(
        self,
        expression: str,
        *,
        wire: str | None = None,
        required: bool = False,
        read_only: bool = False,
        enum: tuple[str, ...] | None = None,
        epoch: bool = False,
        secret: bool = False,
    ) -> None:
        self.expression = expression
        self.wire = wire or ""
        self.required = required
        self.read_only = read_only
        self.enum = enum
        self.epoch = epoch
        self.secret = secret
        self.name = ""
        self.owner: type[Model] | None = None

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self.name, self.owner = name, owner
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
                return
            except ApiValueError as caught:
                error = caught
            if self.secret:  # the error names the type in place of the value
                kind = type(value).__name__
                error = ApiValueError(f"{self._where} must be {self.type.expected}, not {kind}")
            raise _named_by(self, model, error) from None

        def remove(model: Model) -> None:
            model._json.pop(wire, None)

        super().__init__(read_typed if typed else read, assign, remove)

    def __dir__(self) -> list[str]:  # a sealed mock of the model would visit the model again, from here
        return dir(property)

    def enable_subclass_check(self) -> None:
        """Reject values that select another subclass than the model's. Unknown values are still accepted."""
        assign: Any = self.fset

        def assign_checked(model: Model, value: Any) -> None:
            model._check_subclass(value)
            assign(model, value)

        super().__init__(self.fget, assign_checked, self.fdel)

    @cached_property
    def type(self) -> types.Type:
        """The type, parsed from its expression when it is first needed."""
        assert self.owner is not None
        if self.epoch and self.expression in types.INTEGERS:
            return types.Seconds()
        return expressions.parse(self.expression, self.owner._package())

    def convert(self, value: Any) -> Any:
        """Check a value from the caller, and convert it to JSON."""
        value = self.type.convert(value, self._where)
        if self.enum is not None and value not in self.enum:
            raise types.invalid_value_error(self._where, f"one of {', '.join(map(repr, self.enum))}", value)
        return value

    def _view(self, model: Model, value: Any) -> Any:
        """Convert a value for the reader, and store a model in place of the dict that it views."""
        type_ = self.type
        try:
            seen = type_.view(value, self._where)
        except ApiResponseError as error:
            raise _named_by(self, model, error) from None
        if seen is not value and type_.wraps:
            model._json[self.wire] = seen
        if type_.is_stable:
            self._stable_types.add(type(seen))  # at most as many as the model has subclasses
        return seen


def _named_by(declared: Field, model: Model, error: ApiException) -> ApiException:
    """Return the error with the model's own class in place of the base that declares the field."""
    place = f"{type(model).__name__}.{declared.name}"
    return type(error)(reason=(error.reason or "").replace(declared._where, place, 1))


SCALARS = frozenset((*types.INTEGERS, "float", "bool", "str", "object", "int | str"))


def _as_value(declare: Callable[P, Field]) -> Callable[P, Any]:
    """Return a class, for type checkers as a function whose result may be assigned to any annotation."""
    return declare


field = _as_value(Field)
"""The function that declares a field of a model; see `Field`."""


if not TYPE_CHECKING:  # a checker that sees the metaclass would no longer know the constructors' arguments

    class ModelType(type):
        """The class of models, which have no instance dict: a misspelled attribute is an AttributeError."""

        def __new__(mcls, name, bases, namespace, **options):
            namespace.setdefault("__slots__", ())
            return super().__new__(mcls, name, bases, namespace, **options)

        def __dir__(cls):
            shown = (name for name in type.__dir__(cls) if name not in LEGACY)
            return [name for name in shown if not name.startswith("_") or name.startswith("__")]

        @property
        def __signature__(cls):
            if cls.__init__ is not Model.__init__:  # of a program's subclass
                raise AttributeError("__signature__")
            return description.signature(cls)

else:
    ModelType = type


@dataclass_transform(kw_only_default=True)
class Model(metaclass=ModelType):
    """The base of all models: a typed view of one JSON object.

    A field is absent (`del x.f`), null (`x.f = None`) or has a value. Absent and null fields read as None. In
    the constructor, None means absent.
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
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        if own:  # else those of the base, as fields can't be pickled with a class of a notebook or a script
            cls._fields = {**cls._fields, **own}
            cls.swagger_types = {name: f.expression for name, f in cls._fields.items()}
            cls.attribute_map = {name: f.wire for name, f in cls._fields.items()}
        if discriminator_value is not None:
            cls._discriminator_value = discriminator_value
        if discriminator is not None:
            cls._discriminator, cls._mapping = discriminator, mapping
            for declared in own.values():
                if declared.wire == discriminator:
                    declared.enable_subclass_check()

    if not TYPE_CHECKING:

        def __init__(self, **values):
            self._json = json = {}
            if self._discriminator_value is not None:
                json[self._discriminator] = self._discriminator_value
            for name, value in values.items():
                if (declared := self._fields.get(name)) is None:
                    hint = types.did_you_mean(name, self._fields) or f"; it has {', '.join(self._fields)}"
                    raise TypeError(f"{type(self).__name__} has no field {name!r}{hint}")
                if value is not None:
                    declared.fset(self, value)

    @classmethod
    def _check_subclass(cls, value: Any) -> None:
        """Check a discriminator from the caller.

        Raises:
            ApiValueError: If it selects another subclass.
        """
        own = cls._discriminator_value
        name = None if own is None or not isinstance(value, str) else (cls._mapping or {}).get(value)
        if name is not None and value != own:
            raise ApiValueError(
                f"{cls.__name__}.{cls._discriminator} must be {own!r}, not {value!r}, the type of {name}: "
                f"use {types.with_article(name)} instead"
            )

    @classmethod
    def _package(cls) -> str:
        """Return the name of the package with the models of this contract.

        A subclass in a program uses the package of the model that it extends.
        """
        for base in reversed(cls.__mro__):
            package = base.__module__.rpartition(".")[0]
            if base.__name__ in getattr(sys.modules.get(package), "__all__", ()):
                return package
        return sys.modules[cls.__module__].__package__ or cls.__module__

    @classmethod
    def _wrap(cls, json: dict[str, Any]) -> Self:
        """Wrap a JSON object in this class, or in the subclass that its discriminator selects."""
        mapping = cls._mapping
        if mapping is not None:
            cls = cls._subclass(mapping, json)
        model = object.__new__(cls)
        model._json = json
        return model

    @classmethod
    def _wrap_all(cls, rows: list[dict[str, Any]]) -> list[Self]:
        """Wrap many JSON objects of a class without subclasses in the contract."""
        models = [*map(object.__new__, repeat(cls, len(rows)))]
        for model, json in zip(models, rows, strict=True):
            model._json = json
        return models

    @classmethod
    def _subclass(cls, mapping: Mapping[str, str], json: dict[str, Any]) -> type[Self]:
        value = json.get(cls._discriminator or "")
        name = mapping.get(value) if isinstance(value, str) else None
        if name is None or name == cls.__name__:
            return cls
        found = expressions.parse(name, cls._package())
        named = found.model if isinstance(found, expressions.Reference) else cls
        return named if issubclass(named, cls) else cls

    if TYPE_CHECKING:
        _json: dict[str, Any]

    def _missing_fields(self, where: str) -> list[str]:
        """List the paths of required fields that are absent or null, here and in nested models."""
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
        """Return a new dict of all declared fields by Python name.

        Nested models are converted. Absent fields are None.
        """
        return {name: codec.plain(getattr(self, name), lambda part: part.to_dict()) for name in self._fields}

    def to_json(self) -> str:
        """Return the exact JSON: every key that was received or set, in its order.

        Raises:
            ApiValueError: If JSON can't represent a value.
        """
        return codec.encode(self, type(self).__name__)

    def to_str(self) -> str:
        """Return a readable text of all present fields, with secrets masked."""
        return _pretty(self, 0, _Room(math.inf))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Create a model of a copy of a JSON object. Its keys are wire names or Python names.

        Raises:
            ApiValueError: If `data` is not a dict, or contains itself.
        """
        if not isinstance(data, Mapping):
            raise types.invalid_value_error(f"the data of {cls.__name__}", "a dict", data)
        try:
            model = cls._wrap(codec.plain(data))
            model._rename_keys()
            return model
        except RecursionError:
            raise ApiValueError(f"{cls.__name__} is nested too deeply, or contains itself") from None

    def _rename_keys(self) -> None:
        """Rename keys that are Python names, as in `to_dict`, to wire names, here and in nested models."""
        for name, declared in self._fields.items():
            if name != declared.wire and name in self._json and declared.wire not in self._json:
                self._json = {declared.wire if key == name else key: v for key, v in self._json.items()}
            if declared.type.wraps:
                for model in _models_in(readable(self, declared)):
                    model._rename_keys()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Create a model of the text of a JSON object.

        Raises:
            ApiResponseError: If the text is not a JSON object.
            ApiValueError: If `text` is neither a str nor bytes.
        """
        if not isinstance(text, (str, bytes)):
            raise types.invalid_value_error(f"the text of {cls.__name__}", "a str or bytes", text)
        data = codec.decode(text, "the text")
        if type(data) is not dict:
            raise types.invalid_response_error(cls.__name__, "an object", data, "the text")
        return cls._wrap(data)

    def __repr__(self) -> str:
        return _pretty(self, 0, _Room(MAX_REPR_CHARACTERS))

    def __str__(self) -> str:
        return self.to_str()

    def __dir__(self) -> list[str]:
        return dir(type(self))

    def _repr_html_(self) -> str:
        """Return the card that notebooks show."""
        return upward.load("cards").model_card(self)  # type: ignore[no-any-return]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return upward.load("pydantic").build_schema(cls, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        return upward.load("pydantic").describe(cls, schema, handler)

    if not TYPE_CHECKING:
        __pydantic_serializer__ = upward.Attribute("pydantic", "inferring_serializer", "pydantic_core")

        @property
        def __dict__(self):
            """A copy of the JSON object, secrets masked, for encoders that use `vars()` of any object."""
            return _visible(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return type(self) is type(other) and codec.plain(self) == codec.plain(other)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> Any:
        """Return all attributes as slots, with those that a program's subclass adds."""
        state: Any = super().__getstate__()
        return None, {**(state[0] or {}), **state[1], "_json": dict(self._json)}

    def __setstate__(self, state: Any) -> None:
        for name, value in state[1].items():
            setattr(self, name, value)

    def __copy__(self) -> Self:
        return self.__deepcopy__({}, lambda state, memo: state)

    def __deepcopy__(self, memo: dict[int, Any], copied: Callable[..., Any] = copy.deepcopy) -> Self:
        memo[id(self)] = twin = self._restore({})  # first, as attributes may refer back to this model
        twin.__setstate__(copied(self.__getstate__(), memo))
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__getstate__()
        json = {"_json": codec.plain(self._json, partial(_pickled, self._package()))}
        # Not `type(self)._restore`: cloudpickle and dill send the code of a class method, not its name.
        restore = methodcaller("_restore", {})
        return (restore, (type(self),), (None, state[1] | json) if isinstance(state, tuple) else state)

    @classmethod
    def _restore(cls, json: dict[str, Any]) -> Self:
        model = object.__new__(cls)
        model._json = json
        return model


def _pickled(package: str, model: Model) -> Any:
    """Return the JSON of a nested model of a package, which is shorter, or a model of any other class."""
    is_own = type(model).__module__.rpartition(".")[0] != package
    return model if is_own else codec.plain(model._json, partial(_pickled, package))


def _visible(model: Model) -> dict[str, Any]:
    """Copy the dict that a model views, with secrets masked, here and in nested models."""
    by_wire = {declared.wire: declared for declared in model._fields.values()}
    copied = {}
    for wire, part in model._json.items():
        declared = by_wire.get(wire)
        if declared is not None and declared.secret and part is not None:
            part = MASK
        elif declared is not None and declared.type.wraps:
            part = readable(model, declared)
        copied[wire] = codec.plain(part, _visible)
    return copied


def _models_in(value: Any) -> list[Model]:
    if isinstance(value, Model):
        return [value]
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [model for row in rows for model in _models_in(row)]


class _Room:
    """The number of characters that may still be printed."""

    def __init__(self, left: float) -> None:
        self.left = left

    def fit(self, text: str) -> str:
        """Return a text, or its beginning if there is too little room, and use the room up."""
        left, self.left = self.left, self.left - len(text)
        if len(text) <= left:
            return text
        return f"{text[: int(left)]}... ({len(text) - int(left)} more characters)" if left > 0 else "..."


def _pretty(value: Any, indent: int, room: _Room) -> str:
    """Format a value on one line if it fits, otherwise with one line for each part."""
    if isinstance(value, Model):
        opening, closing = f"{type(value).__name__}(", ")"
        parts = _listed(_shown_fields(value, indent + 4, room), len(value._json), indent, room)
    elif isinstance(value, list):
        opening, closing = "[", "]"
        parts = _listed((_pretty(row, indent + 4, room) for row in value), len(value), indent, room)
    elif isinstance(value, dict):
        opening, closing = "{", "}"
        rows = (f"{room.fit(repr(name))}: {_pretty(row, indent + 4, room)}" for name, row in value.items())
        parts = _listed(rows, len(value), indent, room)
    elif isinstance(value, str) and len(value) > room.left > 0:
        kept, room.left = int(room.left), 0
        return f"{value[:kept]!r}... ({len(value) - kept} more characters)"
    else:
        return room.fit(repr(value))
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) + indent <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{opening}\n{inner}{' ' * indent}{closing}"


def _listed(parts: Iterator[str], count: int, indent: int, room: _Room) -> list[str]:
    """Collect parts while there is room, and count those that are left out."""
    listed = []
    for number in range(count):
        if room.left <= 0:
            listed.append(f"... ({count - number} more)")
            break
        listed.append(next(parts))
        room.left -= indent + 6
    return listed


def _shown_fields(model: Model, indent: int, room: _Room) -> Iterator[str]:
    by_wire = {declared.wire: declared for declared in model._fields.values()}
    for wire, value in model._json.items():
        if (declared := by_wire.get(wire)) is None:
            yield f"{room.fit(repr(str(wire))[1:-1])}={_pretty(value, indent, room)}"
        elif declared.secret and value is not None:
            yield f"{declared.name}={MASK}"
        else:
            room.left -= len(declared.name)
            yield f"{declared.name}={_pretty(readable(model, declared), indent, room)}"


def readable(model: Model, declared: Field) -> Any:
    """Return the value of a field for printing. A value of the wrong shape is unchanged."""
    try:
        return getattr(model, declared.name)
    except (ApiResponseError, ApiValueError):
        return model._json.get(declared.wire)
