"""The console as an application: its pages by path, and the checks that all of them share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from inspect import isawaitable, iscoroutinefunction
from urllib.parse import parse_qsl

from sqlalchemy.exc import DataError
from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from knetik_cloud.sandbox.connections import read_body
from knetik_cloud.sandbox.console import PREFIX
from knetik_cloud.sandbox.console.assets import load_assets
from knetik_cloud.sandbox.console.page import Action, Context, Outcome, Page, Redirect, Visit
from knetik_cloud.sandbox.console.rendering import Renderer
from knetik_cloud.sandbox.console.security import HEADERS, Rejected, check_sender, check_write
from knetik_cloud.sandbox.errors import ServiceError
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.storage import UnusableDatabase

logger = logging.getLogger("knetik_cloud.sandbox")

MAX_FORM_BYTES = 8 * 2**20
"""The size of the largest form that is read: a seed or a request's body may be in it."""


class _IdConvertor(IntegerConvertor):
    regex = "[0-9]{1,10}"  # as many digits as MAX_ID has


register_url_convertor("knetik_id", _IdConvertor())


class Console:
    """The pages of one sandbox's console."""

    def __init__(self, service: Service) -> None:
        from knetik_cloud.sandbox.console import pages

        self._service = service
        self._assets = load_assets(f"{PREFIX}/static")
        self._renderer = Renderer(
            service, service.console_token, {name: each.path for name, each in self._assets.items()}
        )
        self._context = Context(service, self._renderer)
        self._router = Router(
            [
                *(Route(asset.path, asset.response) for asset in self._assets.values()),
                *(self._route(PREFIX + path, methods) for path, methods in pages.PAGES.items()),
            ],
            redirect_slashes=False,
            default=self._not_found,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            check_sender(request, self._service.settings)
        except Rejected as rejected:
            await PlainTextResponse(f"{rejected}\n", 403, HEADERS)(scope, receive, send)
            return
        # This router must not see the match of the outer one.
        await self._router({**scope, "path_params": {}}, receive, send)

    def _route(self, path: str, methods: Mapping[str, Action]) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._respond(request, methods)

        return Route(path, endpoint, methods=sorted(methods))

    async def _respond(self, request: Request, methods: Mapping[str, Action]) -> Response:
        visit = Visit(request, request.path_params, dict(request.query_params), {}, [])
        action = methods["GET" if request.method == "HEAD" else request.method]
        try:
            if request.method == "POST":
                await self._read_form(request, visit)
            if self._service.database.single_threaded or iscoroutinefunction(action):
                result = action(self._context, visit)
            else:
                result = await run_in_threadpool(action, self._context, visit)
            outcome = await result if isawaitable(result) else result
            return await self._finish(request, visit, outcome)
        except Rejected as rejected:
            page = Page("problem.html", {"title": "Rejected", "messages": [str(rejected)]}, 403)
        except ServiceError as error:
            messages = [problem.message for problem in error.problems]
            page = Page("problem.html", {"title": "That did not work", "messages": messages}, error.status)
        except DataError:  # PostgreSQL has no texts with U+0000, so it holds none like this
            message = (
                "A value is outside the range that can be stored, such as a text with the character U+0000"
            )
            page = Page("problem.html", {"title": "That did not work", "messages": [message]}, 400)
        except Exception as error:
            page = self._failure(request, error)
        return await self._finish(request, visit, page)

    def _failure(self, request: Request, error: Exception) -> Page:
        """Return the page for an unexpected error, or for a database that can't be used."""
        if isinstance(error, UnusableDatabase):
            return Page("problem.html", {"title": "That did not work", "messages": [str(error)]}, 503)
        logger.exception("the console failed at %s", request.url.path)
        message = f"The console failed: {type(error).__name__}. The sandbox's output has the traceback."
        return Page("problem.html", {"title": "The console failed", "messages": [message]}, 500)

    async def _read_form(self, request: Request, visit: Visit) -> None:
        body = await read_body(request, MAX_FORM_BYTES)
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10_000)
        visit.pairs.extend(pairs)
        visit.form.update(pairs)
        check_write(request, visit.form, self._service.console_token)

    async def _finish(self, request: Request, visit: Visit, outcome: Outcome) -> Response:
        if isinstance(outcome, Redirect):
            return Response(status_code=303, headers={**HEADERS, "Location": outcome.location})
        if isinstance(outcome, Page):
            if self._service.database.single_threaded:
                return self._renderer.response(request, outcome)
            return await run_in_threadpool(self._renderer.response, request, outcome)
        outcome.headers.update(HEADERS)
        return outcome

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        page = Page(
            "problem.html", {"title": "Not found", "messages": [f"Nothing is at {scope['path']}"]}, 404
        )
        response = await self._finish(request, Visit(request, {}, {}, {}, []), page)
        await response(scope, receive, send)
