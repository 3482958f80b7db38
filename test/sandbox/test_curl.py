"""The curl lines of the journal: they send exactly what was recorded, and read no file."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.curl import OMITTED_HEADERS

GET = b"GET /users/56/inventory HTTP/1.1\r\n"
PUT = b"PUT /users/56/inventory/56/behavior-data HTTP/1.1\r\n"
RESENT: list[tuple[bytes, bytes]] = [
    (PUT + b"Content-Type: application/json\r\n", b"@secret.txt"),
    (PUT + b"Content-Type: application/json\r\n", b"-"),
    (PUT + b"Content-Type: text/plain\r\n", b"a\r\nb\n\n"),
    (PUT, b"without a media type"),
    (PUT + b"Content-Type: application/json\r\n", '{"text": "\\\\ \' \x1b[31m \u202e ☃"}'.encode()),
    (PUT + b"Content-Type: application/json\r\n", b"\xff\xfe\x00'%\\ \r\n\x80"),
    (PUT + b"Content-Type: application/json\r\n", '{"wide": "☃"}'.encode("utf-16")),
    (PUT.replace(b"PUT", b"POST"), b""),
    (GET, b'{"a": 1}'),
    (GET.replace(b"GET", b"HEAD"), b""),
    (GET.replace(b"GET", b"HEAD"), b"@secret.txt"),
    (GET.replace(b"inventory ", b"inventory?order={id,name}&a[1]=[1-3] "), b""),
    (GET.replace(b"/inventory ", b"/../56/./inventory/.. "), b""),
    (GET.replace(b"/inventory ", b"/inventory/%2e%2e/x?y=/../z "), b""),
    (GET.replace(b"inventory ", b"inventory?a=\"|^`<>\\$HOME'\\'' "), b""),
    (GET + b"X-Empty:\r\nX-At: @secret.txt\r\nX-Text: \xe2\x98\x83 \xff '\"$HOME\r\n", b""),
]
"""The heads of requests without the fields of their length, and their bodies."""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("head", "body"), RESENT, ids=[str(number) for number in range(len(RESENT))])
def test_curl_line_sends_the_same_request(sandbox: Sandbox, tmp_path: Path, head: bytes, body: bytes) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    url = urlsplit(sandbox.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        fields = b"Host: %b\r\nConnection: close\r\n" % url.netloc.encode()
        connection.sendall(head + fields + length + b"\r\n" + body)
        assert b"".join(iter(lambda: connection.recv(65536), b""))
    (recorded,) = _recorded(sandbox)

    line = sandbox.journal()[0].curl
    assert line.isprintable() or "\n" in line
    result = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, timeout=60)

    assert result.returncode == 0, (line, result.stderr)
    assert _recorded(sandbox) == [recorded, recorded], line


def _recorded(sandbox: Sandbox) -> list[tuple[Any, ...]]:
    """Return the bytes of the recorded requests, without the fields that curl sends by itself."""
    assert sandbox._service is not None
    journal = sandbox._service.controls.journal
    return [
        (each.method, each.path, each.query, each.body, sorted(_own_fields(each.headers)))
        for each in journal._kept()
    ]


def _own_fields(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in fields if name.decode() not in OMITTED_HEADERS]
