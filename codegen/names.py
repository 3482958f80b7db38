"""Turns the contract's names into Python's: modules, methods, parameters and attributes."""

from __future__ import annotations

import keyword
import re

import knetik_cloud
from knetik_cloud.api_client import Api
from knetik_cloud.core.options import FRAMING, HEADER_NAME, OWN_SPELLING, CallOptions
from knetik_cloud.data.page import Page
from knetik_cloud.path_call import RESULT_OPTIONS

_WORD_START = re.compile(r"(.)([A-Z][a-z]+)")
_CAPITAL_AFTER_SMALL = re.compile(r"([a-z0-9])([A-Z])")
_NOT_IN_NAMES = re.compile(r"[^0-9a-zA-Z_]+")

ANNOTATION_NAMES = frozenset({"Any", "bool", "datetime", "dict", "float", "int", "list", "models", "str"})
"""What the annotations of a model class refer to; an attribute of that name would hide it from them."""

DECORATORS = frozenset({"classmethod", "property", "staticmethod"})
"""Built-in decorators; an attribute of that name would hide them from the methods below it."""

MODEL_METHODS = frozenset(name for name in dir(Page) if not name.startswith("_"))
"""What every model can do; an attribute of that name would take it away."""

MODEL_INTERNALS = frozenset(name for ancestor in Page.__mro__ for name in vars(ancestor)) - MODEL_METHODS
"""What every model is made of; no attribute can have that name."""

API_MEMBERS = frozenset(name for name in dir(Api) if not name.startswith("_")) | {"api_client"}
"""What every API class has; an operation can't have that name."""

OPTIONS = frozenset({"self", "options", *CallOptions.__annotations__, *RESULT_OPTIONS})
"""What every method takes; an argument can't have that name."""

PAGER_ARGUMENTS = frozenset({"deadline", "limit", "page_size", "prefetch", "start_page"})
"""What a method that reads all pages takes; an argument of its list can't have that name."""

WAITER_ARGUMENTS = frozenset({"deadline", "find", "found", "since", "sleep"})
"""What a method that waits takes or defines; an argument of its operation can't have that name."""

CLASS_NAMES = frozenset(
    {
        *knetik_cloud._MODULES,
        *ANNOTATION_NAMES,
        *("date", "epoch", "object"),
        *("LazyModule", "Model", "Page", "TYPE_CHECKING", "field", "instant", "model_field", "model_instant"),
    }
)
"""What the package, the modules of models and type expressions define; a model can't have that name."""


def is_name(name: str) -> bool:
    """Return whether Python code can define a name."""
    return name.isidentifier() and not keyword.iskeyword(name)


def is_header(name: str) -> bool:
    """Return whether a parameter can be a header of that name, which nothing else sets."""
    return HEADER_NAME.fullmatch(name) is not None and name.lower() not in {*FRAMING, *OWN_SPELLING}


def snake_case(name: str) -> str:
    """Convert a class name or a camelCase name to snake_case: `OAuth2Resource` is `o_auth2_resource`."""
    name = _NOT_IN_NAMES.sub("_", name)
    name = _WORD_START.sub(r"\1_\2", name)
    return _CAPITAL_AFTER_SMALL.sub(r"\1_\2", name).replace("__", "_").lower()


def parameter_name(wire: str) -> str:
    """Return the name of a parameter. Keywords and names in every method get a leading underscore."""
    name = snake_case(wire)
    return f"_{name}" if keyword.iskeyword(name) or name in ("self", "options") else name


def attribute_name(wire: str) -> str:
    """Return the name of an attribute. One that would hide a name of the class gets a leading underscore.

    `property` is `_property`, and so it goes for the other built-in decorators, keywords, the names that
    annotations refer to (`list`, `str`, ...) and the methods of every model (`to_dict`, ...).
    """
    name = snake_case(wire)
    hides = name in DECORATORS or name in ANNOTATION_NAMES or name in MODEL_METHODS or keyword.iskeyword(name)
    return f"_{name}" if hides else name


def class_name(tag: str) -> str:
    """Return the name of the API class of a tag: `UsersInventory` is `UsersInventoryApi`."""
    words = _NOT_IN_NAMES.split(tag)
    return "".join(word[:1].upper() + word[1:] for word in words) + "Api"


def pager_name(method: str) -> str:
    """Return the name of the method that reads all pages: `iter_users_inventory`."""
    return f"iter_{method.removeprefix('get_').removeprefix('list_')}"


def instant_name(attribute: str) -> str:
    """Return the name of the datetime for a field of epoch seconds: `created_at`."""
    return f"{attribute.removesuffix('_date')}_at"


def constant_name(method: str) -> str:
    """Return the name of the definition of an operation: `GET_USER_INVENTORY`."""
    return method.upper()
