"""The control API under /_sandbox/: reset, seeds, snapshots, the clock, the journal and faults.

`control.yaml` is its contract. Bodies are checked against it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from knetik_cloud.documents import load_document, parse_json
from knetik_cloud.sandbox import seed
from knetik_cloud.sandbox.access import CONTROL_PREFIX
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.connections import read_body
from knetik_cloud.sandbox.errors import INVALID, ServiceError, conflict_error, invalid_error, not_found_error
from knetik_cloud.sandbox.faults import Fault
from knetik_cloud.sandbox.instants import duration, instant
from knetik_cloud.sandbox.schema import problems, short_json
from knetik_cloud.sandbox.service import Service, ServiceResponse
from knetik_cloud.version import __version__

OFF = "off"
MAX_BODY_BYTES = 64 * 2**20
"""The size of the largest body that is read: a seed may be large."""

Action = Callable[[Service, Request, bytes], Any]


def routes(service: Service) -> list[Route]:
    """Return the routes of the control API, or none if it is switched off."""
    if service.settings.control == OFF:
        return []
    by_path: dict[str, dict[str, Action]] = {}
    for method, path, action in ACTIONS:
        by_path.setdefault(path, {})[method] = action
    return [
        Route(f"{CONTROL_PREFIX}{path}", _endpoint(service, actions), methods=[*actions])
        for path, actions in by_path.items()
    ]


@cache
def contract() -> Mapping[str, Any]:
    """Return the contract of the control API, an OpenAPI 3.1 document."""
    document: Mapping[str, Any] = load_document(resources.files(__package__).joinpath("control.yaml"))
    return document


def _endpoint(service: Service, actions: Mapping[str, Action]) -> Callable[[Request], Awaitable[Response]]:
    def respond(request: Request, body: bytes) -> ServiceResponse:
        action = actions["GET" if request.method == "HEAD" else request.method]
        result = action(service, request, body)
        return ServiceResponse(204) if result is None else ServiceResponse(200, result)

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request, MAX_BODY_BYTES)
        except ServiceError as error:
            return _response(service.error_response(error))
        if service.database.single_threaded:
            return _response(service.responding(lambda: respond(request, body)))
        return _response(await run_in_threadpool(service.responding, lambda: respond(request, body)))

    return endpoint


def _response(result: ServiceResponse) -> Response:
    if result.body is None:
        return Response(status_code=result.status)
    text = json.dumps(result.body, ensure_ascii=False, default=str)
    # A message may quote half of a surrogate pair, which then stays the escape of JSON.
    return Response(text.encode(errors="backslashreplace"), result.status, media_type="application/json")


def _object(body: bytes, schema: str) -> dict[str, Any]:
    """Read a JSON body, and check it against a schema of the contract.

    Raises:
        ServiceError: If it isn't JSON, or doesn't match the schema.
    """
    try:
        value = parse_json(body.decode("utf-8"))
    except ValueError as error:
        raise invalid_error(f"the body must be a JSON object: {error}") from None
    found = problems(contract()["components"]["schemas"][schema], value, "the body")
    if found:
        raise ServiceError(400, INVALID, found)
    checked: dict[str, Any] = value
    return checked


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


def _contract(service: Service, request: Request, body: bytes) -> Any:
    return contract()


def _reset(service: Service, request: Request, body: bytes) -> None:
    service.controls.reset()


def _seed(service: Service, request: Request, body: bytes) -> None:
    if not body:
        raise invalid_error("a body is required: send the seed as JSON or YAML")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_error("the seed must be UTF-8") from None
    service.controls.seed(seed.parse(text))


def _generate(service: Service, request: Request, body: bytes) -> Any:
    amount = {"users": 0, "entries": 0, **_object(body, "Amounts")}
    try:
        service.controls.generate(**amount)
    except (TypeError, ValueError) as error:
        raise invalid_error(str(error)) from None
    return amount


def _export(service: Service, request: Request, body: bytes) -> Any:
    return service.controls.export()


class _SnapshotName(PathConvertor):
    """The name of a snapshot in a path, with slashes. `/restore` at its end belongs to the next route."""

    regex = "(?!.*/restore$).*"


register_url_convertor("knetik_snapshot", _SnapshotName())


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
    setting = _object(body, "ClockSetting")
    try:
        target = instant(setting["now"], "now") if "now" in setting else None
    except (TypeError, ValueError) as error:
        raise invalid_error(str(error), "now") from None
    frozen = setting.get("frozen")

    def change(clock: Clock) -> None:
        # Frozen first, so that it shows the very instant that it is set to.
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
        seconds = duration(**_object(body, "Duration"))
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
    fault = read_fault(_object(body, "Fault"))
    try:
        service.controls.arm(fault)
    except ValueError as error:
        raise invalid_error(str(error), "operation") from None
    return fault.to_dict()


def read_fault(wanted: Mapping[str, Any]) -> Fault:
    """Build a fault from its JSON.

    Raises:
        ServiceError: If it doesn't match the contract, or its values don't fit each other.
    """
    found = problems(contract()["components"]["schemas"]["Fault"], wanted, "the fault")
    if found:
        raise ServiceError(400, INVALID, found)
    try:
        return Fault(**wanted)
    except (TypeError, ValueError) as error:
        raise invalid_error(f"the fault can't be armed: {error}") from None


def _clear_faults(service: Service, request: Request, body: bytes) -> None:
    service.controls.clear_faults()


def _expire_tokens(service: Service, request: Request, body: bytes) -> Any:
    return {"expired": service.controls.expire_tokens()}


def _wallet(service: Service, request: Request, body: bytes) -> Any:
    text = request.path_params["user_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
        raise invalid_error(f"user_id must be the id of a user, not {short_json(text)}", "user_id")
    return service.controls.wallet(int(text))


ACTIONS: tuple[tuple[str, str, Action], ...] = (
    ("GET", "", _about),
    ("POST", "/stop", _stop),
    ("GET", "/openapi.json", _contract),
    ("POST", "/reset", _reset),
    ("POST", "/seed", _seed),
    ("POST", "/generate", _generate),
    ("GET", "/export", _export),
    ("GET", "/snapshots", _snapshots),
    ("PUT", "/snapshots/{name:knetik_snapshot}", _snapshot),
    ("POST", "/snapshots/{name:path}/restore", _restore),
    ("GET", "/clock", _clock),
    ("PUT", "/clock", _set_clock),
    ("POST", "/clock/advance", _advance),
    ("GET", "/journal", _journal),
    ("DELETE", "/journal", _clear_journal),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _fail),
    ("DELETE", "/faults", _clear_faults),
    ("POST", "/tokens/expire", _expire_tokens),
    ("GET", "/wallets/{user_id}", _wallet),
)
"""The calls of the control API: method, path below the prefix, and function."""
