"""The modules above their callers: conveniences of a lower layer load them by name when they are used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from knetik_cloud.exceptions import ApiConnectionException

SHUT_DOWN = "the interpreter has shut down: call before it does, such as in an exit handler"
MODULES = {
    "arrow": "knetik_cloud.contrib.arrow",
    "cards": "knetik_cloud.contrib.cards",
    "pydantic": "knetik_cloud.contrib.pydantic",
    "recorders": "knetik_cloud.contrib.recorders",
    "recovery": "knetik_cloud.recovery",
    "aio.recovery": "knetik_cloud.aio.recovery",
    "waiting": "knetik_cloud.waiting",
    "aio.waiting": "knetik_cloud.aio.waiting",
}


def load(name: str) -> Any:
    """Import a module of `MODULES`, or of any other name, and return it.

    Raises:
        ApiConnectionException: If the interpreter has shut down, so that a finalizer can't import anything.
    """
    try:
        return import_module(MODULES.get(name, name))
    except ImportError:
        if sys.meta_path is not None:
            raise
    raise ApiConnectionException(reason=SHUT_DOWN)


class Attribute:
    """An attribute for another library. It doesn't exist until the program has imported that library.

    Args:
        module: The module of `MODULES` that defines the value.
        name: The name of the value in it.
        library: The name of the library.
    """

    def __init__(self, module: str, name: str, library: str) -> None:
        self._module = module
        self._name = name
        self._library = library

    def __get__(self, instance: object, owner: type) -> Any:
        """Return the value.

        Raises:
            AttributeError: If the program hasn't imported the library.
        """
        if self._library not in sys.modules:
            raise AttributeError(self._name)
        return getattr(load(self._module), self._name)
