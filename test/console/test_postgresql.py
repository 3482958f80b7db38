"""The console of a sandbox on PostgreSQL, with one process and with several."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.console.data import LISTINGS
from test.console.conftest import Pages
from test.console.visits import ADDRESSES, fill
from test.sandbox.conftest import postgresql_url, running_command

__all__ = ["postgresql_url"]

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


def test_token_of_the_forms_changes_with_each_start(postgresql_url: str) -> None:
    tokens = set()
    for _ in range(2):
        with running_command("--database", postgresql_url, "--workers", "2") as (_process, url):
            pages = Pages(url)
            tokens.add(pages.token())
            pages.close()
    assert len(tokens) == 2


def test_every_page_and_every_search_works(postgresql_url: str) -> None:
    searches = [f"/console/data/{table}?q={text}" for table in LISTINGS for text in ("56", "potion")]
    with Sandbox(database=postgresql_url) as sandbox:
        pages = Pages(sandbox.url)
        fill(sandbox, pages)
        statuses = {address: pages.get(address).status for address in [*ADDRESSES, *searches]}
        pages.close()
    failed = {address: status for address, status in statuses.items() if status != 200}
    assert failed == {"/console/journal/99999": 404, "/console/nope": 404}


def test_text_that_postgresql_can_not_hold_is_the_fault_of_the_request(postgresql_url: str) -> None:
    searches = [f"data/{table}?q=a%00b" for table in LISTINGS]
    rows = [f"data/{table}/a%00b" for table in ("templates", "skus", "clients")]
    others = ["journal?user=a%00b", "journal/stream?user=a%00b", "undo/difference?before=a%00b"]
    with Sandbox(database=postgresql_url) as sandbox:
        pages = Pages(sandbox.url)
        statuses = {path: pages.get(f"/console/{path}").status for path in [*searches, *rows, *others]}
        statuses["delete"] = pages.send("/console/undo/snapshots/delete", name="a\0b", sure="yes").status
        pages.close()
    assert set(statuses.values()) == {400}, statuses


def test_every_process_serves_the_same_console(postgresql_url: str) -> None:
    command = Path(sys.executable).with_name("knetik")
    process = subprocess.Popen(
        [command, "sandbox", "--port", "0", "--database", postgresql_url, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        tokens = set()
        for number in range(8):
            # A new connection each time, so that both processes respond.
            pages = Pages(url)
            tokens.add(pages.token())
            assert pages.send("/console/clock", do="step", amount=1, unit="hours").status == 303
            assert pages.use(3, 56).status == 403
            page = pages.page("/console/journal")
            newest = re.search(r'id="row-(\d+)"', page)
            assert newest is not None
            assert "max_use is 10" in pages.page(f"/console/journal/{newest[1]}")
            for address in (
                "data/entries?q=potion",
                "data/users/56",
                "data/entries/2",
                "clock",
                "undo",
                "faults",
            ):
                pages.page(f"/console/{address}")
            assert pages.page("/console/undo").count("Return to before</button>") == number + 1
            pages.close()
        pages = Pages(url)
        assert pages.send("/console/undo/last", point=8).status == 303
        assert "undone" in pages.page("/console/undo")
        pages.close()
        assert len(tokens) == 1
    finally:
        process.terminate()
        process.communicate(timeout=20)
