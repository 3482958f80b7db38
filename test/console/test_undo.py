"""Undo: what each button brings back, and which actions are in effect after it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.console.difference import difference
from test.console.conftest import Pages
from test.sandbox.web import Reply

BANNER = re.compile(r'<div class="did" role="status">\s*<p>(.*?)</p>.*?name="point" value="(\d+)"', re.DOTALL)
BUTTON = re.compile(r'name="point" value="(\d+)">\s*<button class="first">Undo “(.*?)”</button>')
ROW = re.compile(r"data-row>(\d+)</a></th>\s*<td>.*?</td>\s*<td>.*?</td>\s*<td>(.*?)</td>", re.DOTALL)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of its own, because the points to return to survive a reset."""
    with Sandbox() as sandbox:
        yield sandbox


def act(pages: Pages) -> list[str]:
    """Freeze the clock, set it, and arm a fault. Return the addresses of the pages that report it."""
    actions: list[tuple[str, dict[str, str]]] = [
        ("clock", {"do": "freeze"}),
        ("clock", {"do": "set", "when": "2030-01-01T00:00:00Z"}),
        ("faults", {"operation": "*", "kind": "503"}),
    ]
    return [location(pages.send(f"/console/{path}", **form)) for path, form in actions]


def location(reply: Reply) -> str:
    assert reply.status == 303, reply.body.decode()
    return reply.headers["location"]


def banner(pages: Pages, address: str) -> tuple[str, str] | None:
    """Return the text of the banner of a page and the point of its button, or None without a banner."""
    page = pages.page(address)
    found = BANNER.search(page)
    assert found is not None or 'class="did"' not in page
    return (html.unescape(found[1]), found[2]) if found else None


def offered(pages: Pages) -> tuple[str, str] | None:
    """Return the point and the action that the button of the Undo page undoes, or None."""
    found = BUTTON.search(pages.page("/console/undo"))
    return (found[1], found[2]) if found else None


def undo(pages: Pages, point: str) -> str:
    """Press the button of the banner or of the Undo page. Return the address of the next page."""
    return location(pages.send("/console/undo/last", point=point))


def undone(pages: Pages) -> list[int]:
    """List the points that are marked as undone."""
    return sorted(int(number) for number, state in ROW.findall(pages.page("/console/undo")) if state)


def is_as_after_act(sandbox: Sandbox) -> bool:
    return sandbox.now() == 1_893_456_000 and [fault.status for fault in sandbox.faults] == [503]


def test_return_undoes_all_later_actions(sandbox: Sandbox, pages: Pages) -> None:
    act(pages)

    location(pages.send("/console/undo/2"))

    assert sandbox.faults == []
    assert sandbox.now() < 1_893_456_000
    assert undone(pages) == [2, 3]
    assert offered(pages) == ("1", "Clock frozen")
    location(pages.send("/console/undo/1"))
    assert {1, 2, 3} <= {*undone(pages)}
    assert offered(pages) is None


def test_banner_of_a_return_undoes_the_return(sandbox: Sandbox, pages: Pages) -> None:
    act(pages)
    shown = banner(pages, location(pages.send("/console/undo/1")))
    assert shown is not None
    assert shown[0] == "Return to before “Clock frozen”"

    again = banner(pages, undo(pages, shown[1]))

    assert is_as_after_act(sandbox)
    assert undone(pages) == [4]
    assert again is not None
    assert again[0] == "Return to before no. 4"
    undo(pages, again[1])
    assert sandbox.faults == []
    assert {1, 2, 3} <= {*undone(pages)}


def test_repeated_undo_goes_back_one_action_at_a_time(sandbox: Sandbox, pages: Pages) -> None:
    act(pages)
    names = []
    while (next_one := offered(pages)) is not None:
        names.append(next_one[1].split(":")[0])
        undo(pages, next_one[0])

    assert names == ["Fault armed", "Clock set to 2030-01-01T00", "Clock frozen"]
    assert undone(pages)[:3] == [1, 2, 3]


def test_action_after_a_return_is_undone_by_itself(sandbox: Sandbox, pages: Pages) -> None:
    act(pages)
    location(pages.send("/console/undo/2"))
    shown = banner(pages, location(pages.send("/console/faults", operation="*", kind="500")))
    assert shown is not None

    undo(pages, shown[1])

    assert sandbox.faults == []
    assert undone(pages) == [2, 3, 5]
    assert offered(pages) == ("1", "Clock frozen")


def test_buttons_of_older_pages_undo_nothing_else(sandbox: Sandbox, pages: Pages) -> None:
    addresses = act(pages)
    assert banner(pages, addresses[0]) is None
    assert banner(pages, addresses[1]) is None
    assert banner(pages, addresses[2]) is not None

    for point in ("1", "2", "99", "x", "9" * 5000):
        assert pages.send("/console/undo/last", point=point).status in (400, 404)
    assert pages.send("/console/undo/last").status == 404
    assert is_as_after_act(sandbox)
    undo(pages, "3")
    assert pages.send("/console/undo/last", point="3").status == 400
    assert banner(pages, addresses[2]) is None
    assert sandbox.now() == 1_893_456_000


def test_difference_shows_no_token() -> None:
    row = {"access_token": "canary", "client_id": "knetik", "username": None, "expires": 9}
    changes = difference({"rows": {}}, {"rows": {"tokens": [row]}})
    assert [(table.name, table.total) for table in changes] == [("tokens", 1)]
    assert [change.key for change in changes[0].changes] == ["***"]
