"""Modules and descriptions that are loaded when they are first needed, so that imports stay cheap."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable


class LazyModule:
    """A module that is imported when an attribute of it is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value


class LazyDoc:
    """The `__doc__` of a class, which is built when it is read.

    Args:
        doc: The docstring of the class itself.
        of_class: Builds the docstring from `doc` and the class. None means `doc`.
        of_instance: Builds the docstring of an instance. None means that of the class.
    """

    def __init__(
        self,
        doc: str,
        of_class: Callable[[str, Any], str] | None = None,
        of_instance: Callable[[Any], str] | None = None,
    ) -> None:
        self._doc = doc
        self._of_class = of_class
        self._of_instance = of_instance

    def __get__(self, instance: Any, owner: type) -> str:
        if instance is not None and self._of_instance is not None:
            return self._of_instance(instance)
        return self._doc if self._of_class is None else self._of_class(self._doc, owner)

    def __set__(self, instance: Any, text: str | None) -> None:
        """Ignore an assignment, such as that of the getter's docstring by `property`."""


class LazySignature:
    """The signature of a function, which is built when it is read.

    It passes for an `inspect.Signature`, whose module is expensive to import. Its copies are real ones.

    Args:
        build: Builds the signature.
    """

    def __init__(self, build: Callable[[], inspect.Signature]) -> None:
        self._build = build

    @property
    def __class__(self) -> type:
        import inspect

        return inspect.Signature

    @__class__.setter
    def __class__(self, kind: type) -> None:
        raise TypeError("the class of a signature can't be changed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._build(), name)

    def __eq__(self, other: object) -> bool:
        return self._build() == other

    def __hash__(self) -> int:
        return hash(self._build())

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        return self._build().__reduce_ex__(protocol)  # copies and pickles are plain signatures

    def __repr__(self) -> str:
        return repr(self._build())

    def __str__(self) -> str:
        return str(self._build())
