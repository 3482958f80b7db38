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
        self.reason: str | None = recorded["status"]["message"] or ""
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
    send: Callable[[Send], Awaitable[Response | Failure]], origin: str, command: Send
) -> Response | Failure:
    """Replay the response to a request from the active cassette, or send the request and record both.

    Args:
        send: Sends a request.
        origin: The scheme, host and port of the service.
        command: The request.
    """
    cassette = active_cassette()
    if cassette is None:
        return await send(command)
    from vcr.request import Request

    sent = command.request
    body = sent.shown_body if sent.shown_body is not None else sent.content()
    headers = {name: str(value) for name, value in sent.headers.items()}  # a Secret as its mask
    url = masked(origin + sent.target, sent.secrets())
    request = Request(sent.method, url, body, headers)
    if cassette.filter_request(request) is None:  # of an ignored host, for example
        return await send(command)
    if command.stream:
        reason = "vcrpy can't record a streamed response: call the method without streaming"
        return Failure(ApiValueError, reason, written=False, retryable=False)
    if cassette.can_play_response_for(request):
        return RecordedResponse(cassette.play_response(request))
    if cassette.write_protected:
        path = getattr(cassette, "path", cassette)  # vcrpy has it since 9.2
        reason = (
            f"the cassette {path} has no response to {sent.method} {url} left: "
            f"record it with record_mode='new_episodes', or use the sandbox instead"
        )
        return Failure(ApiConnectionException, reason, written=False, retryable=False)
    outcome = await send(command)
    if not isinstance(outcome, Failure):
        known = len(cassette)
        cassette.append(request, _recorded(command, outcome))
        if cassette.rewound:  # it replays, and would repeat this response to the next attempt
            cassette.play_counts.update(range(known, len(cassette)))
    return outcome


def _recorded(command: Send, response: Response) -> dict[str, Any]:
    """Return a response as vcrpy stores it, without the secrets that it holds or echoes."""
    body, granted = _without_tokens(command, response)
    secrets = [*command.request.secrets(), *granted]
    text = body.decode("utf-8", "replace")
    shown = masked(text, secrets)
    headers = {
        name: [MASK if name.lower() == "set-cookie" else masked(value, secrets)]
        for name, value in response.headers.items()
        if name.lower() not in DECODED
    }
    return {
        "status": {"code": response.status, "message": masked(response.reason or "", secrets)},
        "headers": headers,
        "body": {"string": body if shown == text else shown.encode()},
    }


def _without_tokens(command: Send, response: Response) -> tuple[bytes, list[Secret]]:
    """Return the body of a response with the tokens that it grants masked, and the tokens.

    If the operation grants tokens, any text may be one, except those of declared fields that are no secrets.
    """
    returned = command.request.operation.returned
    fields = returned.model._fields.values() if isinstance(returned, expressions.Reference) else ()
    if response.status >= 300 or not any(field.secret for field in fields):
        return response.data, []
    try:
        found = json.loads(response.data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return MASK.encode(), []
    public = {field.wire for field in fields if not field.secret}
    tokens = {
        name: value
        for name, value in found.items()
        if value and name not in public and isinstance(value, (str, list, dict))
    }
    shown = json.dumps({**found, **dict.fromkeys(tokens, MASK)})
    return shown.encode(), [Secret(value) for value in tokens.values() if isinstance(value, str)]
