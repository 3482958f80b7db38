"""The HTTP of the sandbox: the contract's operations, and a Starlette application for all other paths."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import formatdate
from typing import Any, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knetik_cloud.contract import Operation
from knetik_cloud.sandbox import access, bodies, connections, console, control_api, docs, index
from knetik_cloud.sandbox.errors import (
    INJECTED,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    Problem,
    ServiceError,
    unavailable_error,
)
from knetik_cloud.sandbox.faults import Fault
from knetik_cloud.sandbox.journal import Facts, Recorded
from knetik_cloud.sandbox.routing import Routes
from knetik_cloud.sandbox.service import Request as ServiceRequest
from knetik_cloud.sandbox.service import Service, ServiceResponse
from knetik_cloud.sandbox.storage import UnusableDatabase

logger = logging.getLogger("knetik_cloud.sandbox")

_ABSOLUTE = re.compile("https?://[^/]*/?", re.IGNORECASE)
"""What comes before the path in a target with scheme and host."""

P = ParamSpec("P")
T = TypeVar("T")


def create_app(service: Service) -> ASGIApp:
    """Build the application that serves a sandbox."""
    app = Starlette(
        routes=[
            *control_api.routes(service),
            *console.routes(service),
            *docs.routes(service),
            *index.routes(service),
        ],
        exception_handlers={
            404: _unknown(service),
            405: _unknown(service),
            UnusableDatabase: _unavailable(service),
            Exception: _handle_crash(service),
        },
    )
    # Starlette would redirect; the service takes a trailing slash as it comes.
    app.router.redirect_slashes = False
    # The console sends requests of its own.
    app.state.operations = _operations(service, app)
    gate = access.Gate(app.state.operations, access.Access(service.settings))
    dates = _Dates(service)

    async def entrance(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = dates.added_to(send)
            if _ABSOLUTE.match(scope["path"]):
                # Clients send such targets to proxies. httptools reports their paths only.
                scope["path"] = _ABSOLUTE.sub("/", scope["path"])
                scope["raw_path"] = _ABSOLUTE.sub("/", _raw_path(scope).decode("latin-1")).encode("latin-1")
            path = scope["path"]
            # An encoded slash belongs to the last part of the path.
            if len(path) > 1 and path.endswith("/") and _raw_path(scope).endswith(b"/"):
                scope["path"] = path[:-1]
        try:
            await gate(scope, receive, send)
        except asyncio.CancelledError:
            # The server stops while this request is in progress, such as one that a fault delays.
            connections.abort(scope["knetik.exchange"])

    return entrance


class _Dates:
    """Adds a `Date` header in the sandbox's own time, by which clients relate its instants to theirs."""

    def __init__(self, service: Service) -> None:
        self._controls = service.controls
        self._formatted = (-1, b"")

    def added_to(self, send: Send) -> Send:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                # A fault may have set one, such as of another clock.
                if all(name != b"date" for name, _ in headers):
                    message["headers"] = [*headers, (b"date", self._now())]
            await send(message)

        return dated

    def _now(self) -> bytes:
        second = int(self._controls.clock.now())
        if self._formatted[0] != second:
            self._formatted = (second, formatdate(second, usegmt=True).encode())
        return self._formatted[1]


def _operations(service: Service, others: ASGIApp) -> ASGIApp:
    """Return the application that serves the operations, and leaves other paths to `others`."""
    routes = Routes(service.contract.operations.values())
    unknown, unavailable, handle_crash = _unknown(service), _unavailable(service), _handle_crash(service)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        found = routes.find(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await others(scope, receive, send)
            return
        operations, scope["path_params"] = found
        request = Request(scope, receive)
        # The server leaves out the body of a response to HEAD.
        operation = operations.get("GET" if request.method == "HEAD" else request.method)
        try:
            if operation is None:
                headers = {"Allow": ", ".join(_allowed(operations))}
                response = await unknown(request, HTTPException(405, headers=headers))
            else:
                response = await _serve(service, operation, request)
        except UnusableDatabase as error:
            response = await unavailable(request, error)
        except Exception as error:
            logger.exception("%s %s failed", request.method, scope["path"])
            response = await handle_crash(request, error)
        await response(scope, receive, send)

    return serve


def _allowed(operations: Iterable[str]) -> list[str]:
    """List the methods of a path: those of its operations, and HEAD in addition to GET."""
    methods = set(operations)
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _serve(service: Service, operation: Operation, request: Request) -> Response:
    """Respond to a call of an operation, and record the exchange in the journal."""
    started = time.perf_counter()
    fault = await _run_shared(service, service.controls.take_fault, operation.id)
    facts = Facts()
    body, result = await _respond(service, operation, request, fault, facts)
    response = _response(result)
    response = _apply_fault(response, fault) if fault else response
    await _record(service, operation.id, request, body, response, started, fault, facts)
    return response


async def _respond(
    service: Service, operation: Operation, request: Request, fault: Fault | None, facts: Facts
) -> tuple[bytes, ServiceResponse]:
    """Read a request's body and run the operation. Return the body and the response."""
    delay = fault.delay if fault is not None else 0
    # A fault that applies the operation does so even if the caller disconnects during the delay. Otherwise
    # the body is read afterwards, which fails if the caller is gone.
    reads_first = fault is not None and fault.applied
    clock = await _run_shared(service, service.controls.current_clock) if delay else None
    try:
        if delay and not reads_first:
            await asyncio.sleep(delay)
        body = await connections.read_body(request, bodies.MAX_BODY_BYTES)
        if delay and reads_first:
            await asyncio.sleep(delay)
    except ServiceError as error:
        return b"", service.error_response(error, operation)
    if clock is not None and (await _run_shared(service, service.controls.current_clock)).era != clock.era:
        problem = Problem("The data was replaced while a fault of the sandbox delayed this request")
        return body, service.error_response(ServiceError(503, INJECTED, [problem]))
    if fault is not None and not fault.executes:
        return body, _injected(service, fault)
    call = ServiceRequest(request.path_params, request.query_params, request.headers, body, facts)
    try:
        return body, await _run(service, service.execute, operation, call)
    except Exception as error:
        # Here and not in the framework, which would close the connection and leave no line in the journal.
        logger.exception("%s failed", operation.id)
        return body, service.error_response(_internal_error(error))


async def _run(service: Service, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that may wait for the database, in a thread unless the database has only one."""
    if service.database.single_threaded:
        # There is one connection, so another thread would gain nothing.
        return function(*args, **kwargs)
    return await run_in_threadpool(function, *args, **kwargs)


async def _run_shared(service: Service, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function on what processes share. Only if there are several is it in the database."""
    if service.settings.workers > 1:
        return await _run(service, function, *args, **kwargs)
    return function(*args, **kwargs)


def _injected(service: Service, fault: Fault) -> ServiceResponse:
    status = fault.status or 503
    problem = Problem(f"Injected by a fault of the sandbox, {fault.met} time(s) so far")
    response = service.error_response(ServiceError(status, INJECTED, [problem]))
    return ServiceResponse(status, response.body, fault.headers)


def _response(response: ServiceResponse) -> Response:
    if response.body is None and not response.has_body:
        return Response(None, response.status, dict(response.headers or {}))
    text = json.dumps(response.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode(), response.status, dict(response.headers or {}), "application/json")


def _apply_fault(response: Response, fault: Fault) -> Response:
    """Replace or change a response as a fault specifies."""
    if fault.reset:
        return connections.ResetResponse()
    if fault.status is not None and fault.applied:
        return Response(b"", fault.status, dict(fault.headers))
    response.headers.update(fault.headers)
    # Half of an empty body is all of it, after which the connection stays open.
    return connections.TruncatedResponse(response) if fault.truncate and response.body else response


async def _record(
    service: Service,
    operation: str | None,
    request: Request,
    body: bytes,
    response: Response,
    started: float,
    fault: Fault | None,
    facts: Facts | None = None,
) -> None:
    """Record an exchange in the journal. The response gets through even if that fails."""
    scope, sent = request.scope, not isinstance(response, connections.ResetResponse)
    recorded = Recorded(
        time=service.controls.clock.now(),
        operation=operation,
        scheme=scope["scheme"],
        server=scope.get("server"),
        method=request.method,
        path=_raw_path(scope),
        query=scope["query_string"],
        headers=scope["headers"],
        body=body,
        status=response.status_code if sent else None,
        answer_headers=response.raw_headers if sent else (),
        answer=bytes(response.body),
        seconds=time.perf_counter() - started,
        fault=fault.to_dict() if fault else None,
        facts=facts,
    )
    try:
        await _run_shared(service, service.controls.journal.record, recorded)
    except UnusableDatabase as error:
        logger.error("the journal could not record %s %s: %s", request.method, scope["path"], error)
    except Exception:
        logger.exception("the journal could not record %s %s", request.method, scope["path"])


def _raw_path(scope: Mapping[str, Any]) -> bytes:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0]


def _unknown(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Respond to requests that match no operation, with the service's errors."""

    async def respond(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        if error.status_code == 405:
            message, code = f"{request.method} is not supported for {path}", METHOD_NOT_ALLOWED
        else:
            message, code = f"Nothing is at {path}", NOT_FOUND
        denial = service.error_response(ServiceError(error.status_code, code, [Problem(message)]))
        response = _response(denial)
        response.headers.update(error.headers or {})
        if not path.startswith((access.CONTROL_PREFIX, docs.PREFIX)):
            await _record(service, None, request, b"", response, time.perf_counter(), None)
        return response

    return respond


def _unavailable(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Respond with 503 if the database can't be used."""

    async def respond(request: Request, error: Exception) -> Response:
        return _response(service.error_response(unavailable_error(error)))

    return respond


def _handle_crash(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Respond with 500 to a defect outside the operations. The server prints its traceback."""

    async def respond(request: Request, error: Exception) -> Response:
        return _response(service.error_response(_internal_error(error)))

    return respond


def _internal_error(error: Exception) -> ServiceError:
    """Build the error for a defect of the sandbox itself. The log has the traceback."""
    message = f"The sandbox failed: {type(error).__name__}. Its output contains the traceback."
    return ServiceError(500, INTERNAL, [Problem(message)])
