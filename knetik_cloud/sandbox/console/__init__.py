"""The console at /console: pages to view and control a sandbox in a browser. Loaded by the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from knetik_cloud.sandbox.control_api import OFF

if TYPE_CHECKING:
    from knetik_cloud.sandbox.service import Service

PREFIX = "/console"


class _TextConvertor(PathConvertor):
    regex = "(?s:.*)"  # unlike Starlette's `path`, line breaks too


register_url_convertor("knetik_text", _TextConvertor())


def routes(service: Service) -> list[Route]:
    """Return the routes of the console, or none if the control API is off."""
    if service.settings.control == OFF:
        return []
    console = _LazyConsole(service)
    return [Route(PREFIX, console), Route(f"{PREFIX}/{{path:knetik_text}}", console)]


class _LazyConsole:
    """The console as an application that is imported and built by its first request."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            from knetik_cloud.requirements import explain_missing

            with explain_missing("sandbox"):
                from knetik_cloud.sandbox.console.site import Console

                self._app = Console(self._service)
        await self._app(scope, receive, send)
