"""The page at /: where the contract and the control API are."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from knetik_cloud.sandbox import access, control_api, swagger
from knetik_cloud.sandbox.service import Service


def routes(service: Service) -> list[Route]:
    """Give the route of the page: browsers go on to the contract, programs get the addresses as JSON."""
    places = {"docs": swagger.PREFIX, "contract": f"{swagger.PREFIX}/openapi.json"}
    if service.settings.control != control_api.OFF:
        places["control"] = access.CONTROL_PREFIX

    async def page(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(swagger.PREFIX, headers={"Vary": "Accept"})
        return Response(json.dumps(places), headers={"Vary": "Accept"}, media_type="application/json")

    return [Route("/", page)]
