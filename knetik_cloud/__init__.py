"""The Python SDK for the inventory and entitlement API of the Knetik game platform.

    import knetik_cloud

    api = knetik_cloud.UsersInventoryApi()
    entry = api.get_user_inventory(56, 56)

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.version import __version__

if TYPE_CHECKING:
    from knetik_cloud import filters as filters
    from knetik_cloud import sorting as sorting
    from knetik_cloud.api_client import ApiClient as ApiClient
    from knetik_cloud.apis import *
    from knetik_cloud.configuration import Configuration as Configuration
    from knetik_cloud.core.auth import AccessToken as AccessToken
    from knetik_cloud.core.auth import AsyncTokenProvider as AsyncTokenProvider
    from knetik_cloud.core.auth import TokenProvider as TokenProvider
    from knetik_cloud.core.operation import ApiResponse as ApiResponse
    from knetik_cloud.core.paging import RowsMovedWarning as RowsMovedWarning
    from knetik_cloud.deadlines import deadline as deadline
    from knetik_cloud.exceptions import *
    from knetik_cloud.health import Health as Health
    from knetik_cloud.hooks import Hook as Hook
    from knetik_cloud.models import *
    from knetik_cloud.paging import Pager as Pager
    from knetik_cloud.recovery import once as once
    from knetik_cloud.secret import Secret as Secret
    from knetik_cloud.writes import Outcome as Outcome

from importlib import import_module

from knetik_cloud import apis, models

_MODULES = {
    "AccessToken": "core.auth",
    "ApiClient": "api_client",
    "ApiConnectionException": "exceptions",
    "ApiException": "exceptions",
    "ApiResponse": "core.operation",
    "ApiResponseError": "exceptions",
    "ApiTimeoutException": "exceptions",
    "ApiValueError": "exceptions",
    "AsyncTokenProvider": "core.auth",
    "BadRequestException": "exceptions",
    "Configuration": "configuration",
    "ConflictException": "exceptions",
    "DeadlineExceeded": "exceptions",
    "ForbiddenException": "exceptions",
    "Health": "health",
    "Hook": "hooks",
    "NotFoundException": "exceptions",
    "Outcome": "writes",
    "Pager": "paging",
    "RowsMovedWarning": "core.paging",
    "Secret": "secret",
    "ServiceException": "exceptions",
    "TokenProvider": "core.auth",
    "TooManyRequestsException": "exceptions",
    "UnauthorizedException": "exceptions",
    "UnprocessableEntityException": "exceptions",
    "WaitFailed": "exceptions",
    "once": "recovery",
    "deadline": "deadlines",
}

_SUBMODULES = ("aio", "bulk", "filters", "sorting", "waiting")

if not TYPE_CHECKING:  # a checker can't evaluate __all__, and would take any name for one of ours
    __all__ = ["__version__", *_MODULES, *apis.__all__, *models.__all__]

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            value = getattr(import_module(f"knetik_cloud.{_MODULES[name]}"), name)
        elif name in apis.__all__:
            value = getattr(apis, name)
        elif name in models.__all__:
            value = getattr(models, name)
        elif name in _SUBMODULES:
            value = import_module(f"knetik_cloud.{name}")
        else:
            raise AttributeError(f"module 'knetik_cloud' has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        special = (name for name in globals() if name.startswith("__"))
        return sorted({*special, *__all__, *_SUBMODULES, "exceptions", "hooks", "models"})
