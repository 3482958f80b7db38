"""The control API under /_sandbox/: reset, seeds, snapshots, the clock, the journal, faults."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from knetik_cloud.sandbox import seed
from knetik_cloud.sandbox.access import CONTROL_PREFIX
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.connections import read_body
from knetik_cloud.sandbox.errors import ServiceError, conflict_error, invalid_error, not_found_error
from knetik_cloud.sandbox.faults import Fault
from knetik_cloud.sandbox.instants import duration, instant
from knetik_cloud.sandbox.service import Service
from knetik_cloud.version import __version__

OFF = "off"
MAX_BODY_BYTES = 64 * 2**20
"""The size of the largest body that is read: a seed may be large."""

Action = Callable[[Service, Request, bytes], Any]


def routes(service: Service) -> list[Route]:
    """Give the routes of the control API; none when it is switched off."""
    if service.settings.control == OFF:
        return []
    return [
        Route(f"{CONTROL_PREFIX}{path}", _endpoint(service, action), methods=[method])
        for method, path, action in (
            ("GET", "", _about),
            ("POST", "/stop", _stop),
            ("POST", "/reset", _reset),
            ("POST", "/seed", _seed),
            ("GET", "/export", _export),
            ("GET", "/snapshots", _snapshots),
            ("PUT", "/snapshots/{name}", _snapshot),
            ("POST", "/snapshots/{name}/restore", _restore),
            ("GET", "/clock", _clock),
            ("PUT", "/clock", _set_clock),
            ("POST", "/clock/advance", _advance),
            ("GET", "/journal", _journal),
            ("DELETE", "/journal", _clear_journal),
            ("GET", "/faults", _faults),
            ("POST", "/faults", _fail),
            ("DELETE", "/faults", _clear_faults),
            ("POST", "/tokens/expire", _expire_tokens),
            ("GET", "/wallets/{user_id:int}", _wallet),
        )
    ]


def _endpoint(service: Service, action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request, MAX_BODY_BYTES)
            if service.database.single_threaded:
                result = action(service, request, body)
            else:
                result = await run_in_threadpool(action, service, request, body)
        except ServiceError as error:
            denial = service.error_response(error)
            return _json(denial.body, denial.status)
        return Response(status_code=204) if result is None else _json(result, 200)

    return endpoint


def _json(value: Any, status: int) -> Response:
    return Response(json.dumps(value, ensure_ascii=False).encode(), status, media_type="application/json")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise invalid_error("the body must be a JSON object") from None
    if not isinstance(value, dict):
        raise invalid_error("the body must be a JSON object")
    return value


def _about(service: Service, request: Request, body: bytes) -> Any:
    settings = service.settings
    return {
        "version": __version__,
        "now": service.controls.current_clock().now(),
        "require_auth": settings.require_auth,
        "fulfillment_delay": settings.fulfillment_delay,
        "token_lifetime": settings.token_lifetime,
        "operations": sorted(service.contract.operations),
    }


def _stop(service: Service, request: Request, body: bytes) -> None:
    if service.stop is None:
        raise conflict_error("this sandbox is part of a program: stop it there, or end the program")
    service.stop()


def _reset(service: Service, request: Request, body: bytes) -> None:
    service.controls.reset()


def _seed(service: Service, request: Request, body: bytes) -> None:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_error("the seed must be UTF-8") from None
    service.controls.seed(seed.parse(text))


def _export(service: Service, request: Request, body: bytes) -> Any:
    return service.controls.export()


def _snapshots(service: Service, request: Request, body: bytes) -> Any:
    return {"snapshots": service.controls.snapshots()}


def _snapshot(service: Service, request: Request, body: bytes) -> None:
    try:
        service.controls.snapshot(request.path_params["name"])
    except ValueError as error:
        raise invalid_error(str(error), "name") from None


def _restore(service: Service, request: Request, body: bytes) -> None:
    try:
        service.controls.restore(request.path_params["name"])
    except KeyError as error:
        raise not_found_error(str(error.args[0]), "name") from None


def _clock(service: Service, request: Request, body: bytes) -> Any:
    clock = service.controls.current_clock()
    return {"now": clock.now(), "frozen": clock.frozen}


def _set_clock(service: Service, request: Request, body: bytes) -> Any:
    wanted = _object(body)
    try:
        target = instant(wanted["now"], "now") if "now" in wanted else None
    except (TypeError, ValueError) as error:
        raise invalid_error(str(error), "now") from None
    frozen = wanted.get("frozen")
    if frozen not in (None, True, False):
        raise invalid_error(f"frozen must be true or false, not {frozen!r}", "frozen")

    def change(clock: Clock) -> None:
        # Stopped first, it shows the very instant that it is set to.
        if frozen:
            clock.freeze()
        if target is not None:
            clock.set(target)
        if frozen is False:
            clock.resume()

    return _changed_clock(service, change)


def _changed_clock(service: Service, change: Callable[[Clock], None]) -> Any:
    try:
        clock = service.controls.change_clock(change)
    except ValueError as error:
        raise invalid_error(str(error)) from None
    return {"now": clock.now(), "frozen": clock.frozen}


def _advance(service: Service, request: Request, body: bytes) -> Any:
    try:
        seconds = duration(**_object(body))
    except (TypeError, ValueError) as error:
        raise invalid_error(str(error)) from None
    return _changed_clock(service, lambda clock: clock.advance(seconds))


def _journal(service: Service, request: Request, body: bytes) -> Any:
    try:
        exchanges = service.controls.exchanges(request.query_params.get("operation"))
    except ValueError as error:
        raise invalid_error(str(error), "operation") from None
    return {"exchanges": [exchange.to_dict() for exchange in exchanges]}


def _clear_journal(service: Service, request: Request, body: bytes) -> None:
    service.controls.journal.clear()


def _faults(service: Service, request: Request, body: bytes) -> Any:
    return {"faults": [fault.to_dict() for fault in service.controls.armed_faults()]}


def _fail(service: Service, request: Request, body: bytes) -> Any:
    fault = read_fault(_object(body))
    try:
        service.controls.arm(fault)
    except ValueError as error:
        raise invalid_error(str(error), "operation") from None
    return fault.to_dict()


def read_fault(wanted: Mapping[str, Any]) -> Fault:
    """Make a fault of its JSON; raise ServiceError with what is wrong with it."""
    known = [each.name for each in fields(Fault) if each.name != "met"]
    for name in wanted:
        if name not in known:
            raise invalid_error(f"a fault has no {name!r}; use {', '.join(known)}", name)
    try:
        return Fault(**wanted)
    except (TypeError, ValueError, AttributeError) as error:
        raise invalid_error(f"that is no fault: {error}") from None


def _clear_faults(service: Service, request: Request, body: bytes) -> None:
    service.controls.clear_faults()


def _expire_tokens(service: Service, request: Request, body: bytes) -> Any:
    return {"expired": service.controls.expire_tokens()}


def _wallet(service: Service, request: Request, body: bytes) -> Any:
    return service.controls.wallet(request.path_params["user_id"])
