"""Who may use the console: its own pages in a browser, on this machine by default."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from knetik_cloud.sandbox.access import may_control
from knetik_cloud.sandbox.settings import Settings

TOKEN_FIELD: Final = "console_token"  # noqa: S105 - a name
"""The hidden form field that holds the console's token."""

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every page: nothing inline runs, no other site frames it, reads it or keeps it."""


class Rejected(Exception):
    """The console does not serve this request; the message is the reason."""


def check_sender(request: Request, settings: Settings) -> None:
    """Check the machine and the page that a request comes from.

    The sandbox serves pages of other origins of this machine. The console doesn't: such a page could read
    the token out of a console page. A request without `Origin` is one that a browser sends by itself, so it
    can't be read by another page.

    Raises:
        Rejected: If the request comes from another machine or from a page of another origin.
    """
    peer = request.client.host if request.client else ""
    if not may_control(settings.control, peer):
        raise Rejected("The console serves this machine only: start with --control anywhere to open it")
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Rejected("The console doesn't accept requests from pages of other origins")


def check_write(request: Request, form: Mapping[str, str], token: str) -> None:
    """Check that a write was sent by a form of the console.

    Raises:
        Rejected: If the browser doesn't report the same origin, or if the token is missing or wrong.
    """
    if "origin" not in request.headers and request.headers.get("sec-fetch-site") != "same-origin":
        raise Rejected("A write needs the header Origin or Sec-Fetch-Site of the console's own pages")
    if not hmac.compare_digest(form.get(TOKEN_FIELD, "").encode(), token.encode()):
        raise Rejected(
            "The form's token is wrong: the sandbox was restarted. Go back, reload that page "
            "and send the form again"
        )
