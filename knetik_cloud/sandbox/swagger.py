"""Swagger UI at /docs: the contract to read and to try out, its assets from a package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from knetik_cloud.contract import Contract

PREFIX = "/docs"
ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

UNFRAMED = {"Content-Security-Policy": "frame-ancestors 'none'"}
"""Headers of a page that other pages can't show inside themselves, to have its buttons clicked."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{title}</title>
  <link rel="stylesheet" href="/docs/swagger-ui.css">
  <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script>
    SwaggerUIBundle({{url: "/docs/openapi.json", dom_id: "#swagger-ui", validatorUrl: null}});
  </script>
</body>
</html>
"""


def routes(contract: Contract) -> list[Route]:
    """Give the routes of the page, its assets and the contract as JSON."""

    async def page(request: Request) -> Response:
        return HTMLResponse(PAGE.format(title=contract.document["info"]["title"]), headers=UNFRAMED)

    async def document(request: Request) -> Response:
        # Calls go to this server, whatever servers the contract names.
        here: dict[str, Any] = {**contract.document, "servers": [{"url": "/"}]}
        return Response(json.dumps(here, default=str), media_type="application/json")

    async def asset(request: Request) -> Response:
        return FileResponse(_assets() / request.url.path.rpartition("/")[2])

    return [
        Route(PREFIX, page),
        Route(f"{PREFIX}/openapi.json", document),
        *(Route(f"{PREFIX}/{name}", asset) for name in ASSETS),
    ]


@cache
def _assets() -> Path:
    """Find the folder of the assets, whichever version of Swagger UI the package holds."""
    vendor = Path(str(resources.files("swagger_ui_bundle"))) / "vendor"
    return max(path for path in vendor.iterdir() if path.is_dir())
