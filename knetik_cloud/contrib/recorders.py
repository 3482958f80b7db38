"""vcrpy and pytest-recording: calls inside of a cassette are recorded and replayed, without secrets.

vcrpy patches HTTP libraries. The SDK uses none, so it asks the active cassette itself.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from knetik_cloud.core.outcome import Failure, Response, Send
from knetik_cloud.data import expressions
from knetik_cloud.exceptions import ApiConnectionException, ApiValueError, Headers
from knetik_cloud.secret import MASK, Secret, masked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DECODED = frozenset(("content-encoding", "content-length", "transfer-encoding"))
"""Headers that don't fit the decoded body, which is what is recorded."""


class RecordedResponse:
    """A response from a cassette."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        body = recorded["body"]["string"]
        self.status: int = recorded["status"]["code"]
        self.reason: str | None = recorded["status"]["message"]
        self.data: bytes = body.encode() if isinstance(body, str) else body
        self.headers = Headers(
            [
                (name, value)
                for name, values in recorded["headers"].items()
                for value in ([values] if isinstance(values, str) else values)
            ]
        )

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return one header, in any letter case."""
        return self.headers.get(name, default)

    def discard_connection(self) -> None:
        """Do nothing, since there is no connection."""


def active_cassette() -> Any:
    """Return the cassette of the block in which the program is, or None."""
    return getattr(http.client.HTTPConnection, "cassette", None)


async def exchange(
    send: Callable[[Send], Awaitable[Response | Failure]], command: Send, origin: str
) -> Response | Failure:
    """Replay the response to a request from the active cassette, or send the request and record both.

    Args:
        send: Sends a request.
        command: The request.
        origin: The scheme, host and port of the service.
    """
    cassette = active_cassette()
    if cassette is None:
        return await send(command)
    if command.stream:
        reason = "vcrpy can't record a streamed response: call the method without streaming"
        return Failure(ApiValueError, reason, written=False, retryable=False)
    from vcr.request import Request

    sent = command.request
    body = sent.shown_body if sent.shown_body is not None else sent.content()
    headers = {name: str(value) for name, value in sent.headers.items()}  # a Secret as its mask
    url = masked(origin + sent.target, sent.secrets())
    request = Request(sent.method, url, body, headers)
    if cassette.can_play_response_for(request):
        return RecordedResponse(cassette.play_response(request))
    if cassette.write_protected and cassette.filter_request(request):
        reason = (
            f"the cassette {cassette._path} has no response to {sent.method} {url} left: "
            f"record it with record_mode='new_episodes', or use the sandbox instead"
        )
        return Failure(ApiConnectionException, reason, written=False, retryable=False)
    outcome = await send(command)
    if not isinstance(outcome, Failure):
        cassette.append(request, _recorded(command, outcome))
    return outcome


def _recorded(command: Send, response: Response) -> dict[str, Any]:
    """Return a response as vcrpy stores it, without the secrets that it holds or echoes."""
    secrets = command.request.secrets()
    text = response.data.decode("utf-8", "replace")
    shown = masked(text, [*secrets, *_granted(command, response)])
    headers = {
        name: [masked(value, secrets)]
        for name, value in response.headers.items()
        if name.lower() not in DECODED
    }
    return {
        "status": {"code": response.status, "message": masked(response.reason or "", secrets)},
        "headers": headers,
        "body": {"string": response.data if shown == text else shown.encode()},
    }


def _granted(command: Send, response: Response) -> list[Secret]:
    """List the secrets that a response grants, such as a token."""
    returned = command.request.operation.returned
    if not isinstance(returned, expressions.Reference):
        return []
    fields = [field.wire for field in returned.model._fields.values() if field.secret]
    if not fields:
        return []
    try:
        found = json.loads(response.data)
    except ValueError:
        return []
    values = [found.get(name) for name in fields] if isinstance(found, dict) else []
    return [Secret(value) for value in values if isinstance(value, str) and value != MASK]
