"""The contract as JSON at /docs/openapi.json, and a way from /docs to its forms in the console."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from knetik_cloud.sandbox import console, control_api
from knetik_cloud.sandbox.service import Service

PREFIX = "/docs"
DOCUMENT = f"{PREFIX}/openapi.json"


def routes(service: Service) -> list[Route]:
    """Return the routes of the contract, and of the page that leads to it."""
    has_console = service.settings.control != control_api.OFF

    async def page(request: Request) -> Response:
        return RedirectResponse(f"{console.PREFIX}/try" if has_console else DOCUMENT)

    async def document(request: Request) -> Response:
        # Calls go to this server, not to the servers that the contract lists.
        here: dict[str, Any] = {**service.contract.document, "servers": [{"url": "/"}]}
        return Response(json.dumps(here, default=str), media_type="application/json")

    return [Route(PREFIX, page), Route(DOCUMENT, document)]
