"""The page at /: where the console, the contract and the control API are."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from knetik_cloud.sandbox import access, console, control_api, docs
from knetik_cloud.sandbox.service import Service


def routes(service: Service) -> list[Route]:
    """Return the route of the page, which redirects browsers to the console and returns JSON to programs."""
    places = {"docs": docs.PREFIX, "contract": docs.DOCUMENT}
    if service.settings.control != control_api.OFF:
        places |= {"console": console.PREFIX, "control": access.CONTROL_PREFIX}
    home = places.get("console", docs.PREFIX)

    async def page(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(home, headers={"Vary": "Accept"})
        return Response(json.dumps(places), headers={"Vary": "Accept"}, media_type="application/json")

    return [Route("/", page)]
