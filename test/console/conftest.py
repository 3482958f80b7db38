"""What the tests of the console share: a sandbox, plain requests, and a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Reply, Web


class Pages(Web):
    """A browser without JavaScript: it follows links and sends the forms of the console's pages."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.origin = url

    def page(self, path: str) -> str:
        """Return a page that must be there."""
        reply = self.get(path)
        assert reply.status == 200, (path, reply.status, reply.body[-2000:])
        return reply.body.decode()

    def token(self, **form: str) -> str:
        """Return the hidden token of the console's forms."""
        found = re.search(r'name="console_token" value="([^"]+)"', self.page("/console/undo"))
        assert found is not None
        return found[1]

    def send(self, path: str, headers: dict[str, str] | None = None, **form: Any) -> Reply:
        """Send a form as a page of the console does."""
        fields = {"console_token": self.token(), **{name: str(value) for name, value in form.items()}}
        return self.post(path, form=fields, headers={"Origin": self.origin} if headers is None else headers)


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


@pytest.fixture
def pages(sandbox: Sandbox) -> Iterator[Pages]:
    client = Pages(sandbox.url)
    yield client
    client.close()
