"""Fixtures of the console's tests: a sandbox, plain requests, and a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from knetik_cloud.sandbox import Sandbox
from test.sandbox.web import Reply, Web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    OpenPage = Callable[..., Page]


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


# Not for the session: while Playwright runs, other tests of this thread can't run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    from scripts.browser import CHROMIUM, launch

    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, sandbox: Sandbox) -> Iterator[OpenPage]:
    """Open a page of the console in a browser. Errors on its console fail the test."""
    contexts = []
    problems: list[str] = []

    def open_one(
        path: str = "/console", width: int = 1280, scheme: str = "light", script: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            base_url=sandbox.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    expected = ("Failed to load resource", "net::ERR_")
    assert [each for each in problems if not each.startswith(expected)] == []


@pytest.fixture(
    params=[
        "mouse",
        pytest.param("keyboard", marks=pytest.mark.slow),
        pytest.param("no script", marks=pytest.mark.slow),
    ]
)
def act_on(request: pytest.FixtureRequest, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open a page on which a test acts with the mouse, by keyboard only, or without JavaScript."""
    if request.param == "keyboard":
        from playwright.sync_api import Locator

        monkeypatch.setattr(Locator, "click", _press)
        monkeypatch.setattr(Locator, "fill", _type)
    return partial(open_page, script=False) if request.param == "no script" else open_page


def _tab_to(target: Locator) -> None:
    target.wait_for()
    for _ in range(300):
        if target.evaluate("element => element === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def _press(target: Locator) -> None:
    _tab_to(target)
    target.press("Enter")


def _type(target: Locator, text: str) -> None:
    _tab_to(target)
    target.press("Control+A")
    target.page.keyboard.type(text)
