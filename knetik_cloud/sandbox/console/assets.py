"""The console's scripts and styles: compressed once, and cached by browsers under a hash of their content."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
NAMES: Final = ("console.css", "console.js", "htmx.min.js", "icon.svg")
FOREVER: Final = "public, max-age=31536000, immutable"
MIN_COMPRESSED_BYTES: Final = 1024
"""Size of the smallest body worth compressing."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that browsers keep: its content, plain and compressed, and its address."""

    path: str
    media_type: str
    plain: bytes
    compressed: bytes

    async def response(self, request: Request) -> Response:
        """Build the response with the file."""
        headers = {
            "Cache-Control": FOREVER,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        body = self.plain
        if accepts_gzip(request):
            headers["Content-Encoding"], body = "gzip", self.compressed
        return Response(body, headers=headers, media_type=self.media_type)


def load_assets(prefix: str) -> dict[str, Asset]:
    """Read all files, and return them by name. Their addresses start with `prefix`."""
    return {name: _load(prefix, name) for name in NAMES}


def _load(prefix: str, name: str) -> Asset:
    content = resources.files(__package__).joinpath("static", name).read_bytes()
    stem, dot, extension = name.rpartition(".")
    digest = sha256(content).hexdigest()[:16]
    return Asset(
        f"{prefix}/{stem}-{digest}{dot}{extension}",
        MEDIA_TYPES[dot + extension],
        content,
        gzip.compress(content, 9, mtime=0),
    )


def accepts_gzip(request: Request) -> bool:
    """Return whether the response may be compressed."""
    return "gzip" in request.headers.get("accept-encoding", "")
