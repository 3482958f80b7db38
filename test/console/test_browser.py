"""The console in a browser: live, by keyboard, without JavaScript, and with every action."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

import pytest

from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.journal import Recorded
from test.console.conftest import Pages
from test.console.visits import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

    from test.console.conftest import OpenPage

pytestmark = pytest.mark.browser

SECONDS = 20_000


def rows(page: Page) -> list[str]:
    """List the numbers of the requests that the journal shows."""
    return page.locator("[data-rows] [data-row]").all_inner_texts()


def wait_for_row(page: Page, number: int) -> None:
    page.locator(f"#row-{number}").wait_for(state="attached", timeout=SECONDS)


def wait_until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true. The page's policy doesn't let `wait_for_function` poll."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition} stayed false")


KEYS = ["50% off?", "a/b", "a/", "/a", "//", ".", "..", "/..", "a/../b", "#1 & ☃", "%2F", "a\\b", "+ +"]


def test_links_lead_to_rows_with_any_key(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    sandbox.seed({"skus": [{"sku": key, "item_id": 56} for key in KEYS]})
    sandbox.seed({"templates": [{"id": key, "name": key} for key in KEYS]})
    for key in KEYS:
        pages.post("/users/56/inventory", {"sku": key})
    assert pages.get("/entitlements/templates/50%25%20off%3F").status == 200
    page = open_page()
    requests = [f"/console/journal/{number}" for number in range(1, len(KEYS) + 2)]

    for source in ("/console/data/skus", "/console/data/templates", *requests):
        page.goto(source)
        links = page.locator("a[href^='/console/data/skus/'], a[href^='/console/data/templates/']")
        addresses = links.evaluate_all("links => links.map(link => [link.textContent, link.href])")
        assert len(addresses) >= (1 if source in requests else len(KEYS)), source
        for label, address in addresses:
            response = page.goto(address)
            assert response is not None
            assert response.status == 200, (source, label)
            assert label.split(" ", 1)[-1] in page.locator("h1").inner_text()


# The live journal


def test_new_requests_appear_by_themselves_newest_first(pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_text("No requests yet").wait_for()

    pages.get("/entitlements/56")
    pages.use(3, 56)

    wait_for_row(page, 2)
    assert rows(page) == ["2", "1"]
    assert "403" in page.locator("#row-2").inner_text()
    assert page.get_by_text("No requests yet").count() == 0


@pytest.mark.performance
def test_requests_appear_within_three_tenths_of_a_second(pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.locator("[data-pause]").wait_for()
    delays = []
    for number in range(1, 31):
        # The browser notes the time by itself, so that only its clock counts and not the test's.
        page.evaluate(
            """number => { window.seen = new Promise(resolve => {
                const look = () => document.getElementById(`row-${number}`)
                    ? resolve(performance.timeOrigin + performance.now()) : setTimeout(look, 2);
                look();
            }); }""",
            number,
        )
        pages.get("/entitlements/56")
        responded = time.time()
        delays.append(page.evaluate("window.seen") / 1000 - responded)

    assert median(delays) < 0.3, delays


def test_filters_apply_to_new_requests(pages: Pages, open_page: OpenPage) -> None:
    page = open_page("/console/journal?status=4xx&user=3")

    pages.get("/entitlements/56")
    pages.use(56, 404)
    pages.use(3, 56)

    wait_for_row(page, 3)
    assert rows(page) == ["3"]


def test_filters_update_the_list_while_typing(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    pages.get("/inventories")
    page = open_page()

    page.get_by_label("Search").fill("inventories")

    page.locator("#row-1").wait_for(state="detached")
    assert rows(page) == ["2"]
    assert "q=inventories" in page.url
    pages.get("/inventories?size=3")
    wait_for_row(page, 3)


@pytest.mark.parametrize("address", ["/console/journal", "/console/data/items"])
def test_list_follows_the_last_filter_while_responses_are_slow(
    pages: Pages, open_page: OpenPage, address: str
) -> None:
    pages.get("/entitlements/56")
    pages.get("/inventories")
    page = open_page(address)
    page.route(re.compile("q=(i|in)(&|$)"), lambda route: None)  # which never responds

    for text in ("i", "in", "nothing-like-this"):
        with page.expect_request(re.compile(f"q={text}(&|$)")):
            page.get_by_role("searchbox").fill(text)

    page.locator("#results .empty").wait_for()
    assert page.locator("#results [data-row]").count() == 0
    assert page.url.partition("q=")[2].startswith("nothing-like-this")


@pytest.mark.parametrize("address", ["/console/journal", "/console/data/items"])
def test_list_shows_why_a_filter_failed_and_the_next_one_works(
    pages: Pages, browser: Browser, address: str
) -> None:
    pages.get("/entitlements/2")
    context = browser.new_context(base_url=pages.origin)
    page = context.new_page()
    page.goto(address)
    search, results = page.get_by_role("searchbox"), page.locator("#results")

    page.route("**/console/**", lambda route: route.abort())
    search.fill("first")
    page.get_by_text("The sandbox did not respond").wait_for()
    search.fill("second")
    page.unroute("**/console/**")
    problem = pages.get("/console/nope").body
    page.route("**q=third*", lambda route: route.fulfill(status=503, body=problem, content_type="text/html"))
    search.fill("third")
    results.get_by_text("Nothing is at /console/nope").wait_for()
    search.fill("2")
    results.locator("[data-row]").first.wait_for()

    assert results.get_by_role("alert").count() == 0
    context.close()


@pytest.mark.parametrize("address", ["/console/journal", "/console/data/items"])
def test_search_field_keeps_its_text_when_a_browser_resets_its_form(
    pages: Pages, open_page: OpenPage, address: str
) -> None:
    pages.get("/entitlements/56")
    page = open_page(address)
    search = page.get_by_role("searchbox")
    search.fill("nothing-like-this")
    page.locator("#results .empty").wait_for()

    search.evaluate("each => each.form.reset()")  # as Safari does when Back shows a page that it kept

    assert search.input_value() == "nothing-like-this"


def test_return_to_the_journal_selects_no_other_request(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    pages.get("/entitlements/56")
    page = open_page()
    page.locator("#row-1 input").check()
    page.goto("/console/clock")
    pages.get("/inventories")

    page.go_back()

    wait_for_row(page, 3)
    assert page.locator("[data-rows] input:checked").count() == 0


def test_pausing_holds_new_requests_back(pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Pause").click()

    pages.get("/entitlements/56")

    page.get_by_text("new requests are waiting").wait_for()
    assert rows(page) == []
    page.get_by_role("button", name="Resume").click()
    wait_for_row(page, 1)


def test_resuming_shows_no_requests_from_before_a_reset(
    sandbox: Sandbox, pages: Pages, open_page: OpenPage
) -> None:
    pages.get("/entitlements/56")
    page = open_page()
    page.get_by_role("button", name="Pause").click()
    for _ in range(2):
        pages.get("/entitlements/56")
    page.get_by_text("new requests are waiting").wait_for()

    sandbox.reset()
    page.get_by_text("No requests yet").wait_for()
    page.get_by_role("button", name="Resume").click()
    pages.get("/inventories")

    page.locator("#row-1", has_text="get_users_inventory").wait_for()
    assert len(rows(page)) == 1


def test_focus_and_selection_stay_while_rows_arrive(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = open_page()
    page.locator("#row-1 input").check()
    page.locator("#row-1 [data-row]").focus()

    for _ in range(60):
        pages.get("/entitlements/56")

    wait_for_row(page, 61)
    assert page.evaluate("document.activeElement.textContent") == "1"
    assert page.locator("#row-1 input").is_checked()
    assert page.locator("[data-rows] tr").count() <= 52


@pytest.mark.parametrize("earlier", [0, 60])
def test_older_continues_behind_the_last_row_of_the_live_journal(
    pages: Pages, open_page: OpenPage, earlier: int
) -> None:
    for _ in range(earlier):
        pages.get("/entitlements/56")
    page = open_page()
    page.locator("[data-pause]").wait_for()
    for _ in range(70):
        pages.get("/entitlements/56")
    wait_for_row(page, earlier + 70)

    listed = rows(page)
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newest").wait_for()

    assert [*listed, *rows(page)][:70] == [str(number) for number in range(earlier + 70, earlier, -1)]


HIDDEN = """Object.defineProperty(
    document, 'hidden', { configurable: true, get: () => window.name === 'hidden' });"""
"""Lets a test hide a page, since all pages of a headless browser are visible."""


def show(page: Page, is_shown: bool) -> None:
    """Show or hide the tab of a page."""
    page.evaluate("name => { window.name = name; }", "" if is_shown else "hidden")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_hidden_tabs_keep_no_connection(pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.context.add_init_script(HIDDEN)
    tabs = [page.context.new_page() for _ in range(8)]
    for tab in tabs:
        tab.goto("/console/journal")
        tab.locator("[data-pause]").wait_for()
        show(tab, False)

    pages.get("/entitlements/56")
    page.goto("/console/clock")
    for tab in tabs[:2]:
        assert rows(tab) == []
        show(tab, True)
        wait_for_row(tab, 1)


def test_tab_that_is_shown_again_has_all_requests(pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.context.add_init_script(HIDDEN)
    page.reload()
    pages.get("/entitlements/56")
    wait_for_row(page, 1)

    for first in (2, 5):
        show(page, False)
        for _ in range(3):
            pages.get("/entitlements/56")
        show(page, True)
        wait_for_row(page, first + 2)
        assert rows(page) == [str(number) for number in range(first + 2, 0, -1)]


def test_tab_that_is_shown_again_notices_a_reset(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    page.context.add_init_script(HIDDEN)
    page.reload()
    pages.get("/entitlements/56")
    wait_for_row(page, 1)

    show(page, False)
    sandbox.reset()
    show(page, True)

    page.get_by_text("No requests yet").wait_for()


def test_stream_resumes_after_a_restart_of_the_sandbox(open_page: OpenPage) -> None:
    first = Sandbox().start()
    port = int(first.url.rpartition(":")[2])
    page = open_page(f"{first.url}/console")
    urllib.request.urlopen(f"{first.url}/entitlements/56").read()
    wait_for_row(page, 1)
    first.stop()
    page.get_by_text("Connection lost").wait_for()

    with Sandbox(port=port) as second:
        urllib.request.urlopen(f"{second.url}/inventories").read()
        page.locator("#row-1", has_text="get_users_inventory").wait_for(timeout=SECONDS)


@pytest.mark.parametrize("script", [True, False])
def test_form_of_a_page_from_before_a_restart_can_be_sent_again(open_page: OpenPage, script: bool) -> None:
    first = Sandbox().start()
    port = int(first.url.rpartition(":")[2])
    page = open_page(f"{first.url}/console/faults", script=script)
    first.stop()

    with Sandbox(port=port) as second:
        page.get_by_role("button", name="Arm").click()
        page.get_by_text("Go back, reload that page and send the form again").wait_for()
        page.go_back()
        page.reload()
        page.get_by_role("button", name="Arm").click()
        page.get_by_text("Fault armed").wait_for()
        assert len(second.faults) == 1


def test_reset_of_the_sandbox_empties_the_list(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = open_page()
    wait_for_row(page, 1)

    sandbox.reset()

    page.get_by_text("No requests yet").wait_for()


def test_open_console_does_not_delay_the_stop_of_the_sandbox(open_page: OpenPage) -> None:
    sandbox = Sandbox().start()
    open_page(f"{sandbox.url}/console").locator("[data-pause]").wait_for()
    stopping = threading.Thread(target=sandbox.stop)

    stopping.start()
    stopping.join(10)

    assert not stopping.is_alive()


# The keyboard


def test_everything_is_reached_by_keyboard(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    pages.use(3, 56)
    page = open_page()
    wait_for_row(page, 2)
    press = page.keyboard.press

    press("j")
    press("j")
    assert page.evaluate("document.activeElement.textContent") == "1"
    press("k")
    press("x")
    assert page.locator("#row-2 input").is_checked()
    press("Enter")
    page.wait_for_url("**/journal/2")
    press("Escape")
    page.wait_for_url("**/console*")
    wait_until(page, "document.activeElement.textContent === '2'")
    press("?")
    page.get_by_role("dialog").wait_for()
    press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    press("/")
    page.keyboard.type("jj?")
    assert page.get_by_label("Search").input_value() == "jj?"
    for key, title in zip(
        "dwcfutj", ("Data", "Could", "Clock", "Faults", "Undo", "Try", "Journal"), strict=True
    ):
        page.evaluate("document.activeElement.blur()")
        press("g")
        press(key)
        page.get_by_role("heading", level=1, name=re.compile(title)).wait_for()


def test_escape_leaves_the_search_field_and_keeps_its_text(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Search").fill("inventories")

    options = "{key: 'Escape', bubbles: true, cancelable: true}"
    is_left_to_the_browser = page.get_by_label("Search").evaluate(
        f"each => each.dispatchEvent(new KeyboardEvent('keydown', {options}))"
    )

    assert page.evaluate("document.activeElement === document.body")
    assert is_left_to_the_browser is False, "Firefox empties the field"


@pytest.mark.parametrize("address", ["/console/journal/1", "/console/journal/code?row=1&as=curl"])
@pytest.mark.parametrize("later", [49, 50])
def test_escape_returns_to_the_row_of_a_page_that_was_opened_by_its_address(
    pages: Pages, open_page: OpenPage, address: str, later: int
) -> None:
    for _ in range(1 + later):
        pages.get("/entitlements/56")
    page = open_page(address)

    page.keyboard.press("Escape")

    wait_for_row(page, 1)
    wait_until(page, "document.activeElement.textContent === '1'")


def test_form_is_filled_in_and_sent_by_keyboard(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = open_page("/console/clock")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(40):
        if page.evaluate("document.activeElement.textContent") == "Freeze":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Clock frozen").wait_for()

    before = sandbox.now()
    time.sleep(0.01)
    assert sandbox.now() == before


def test_arrow_keys_still_scroll(pages: Pages, open_page: OpenPage) -> None:
    for _ in range(60):
        pages.get("/entitlements/56")
    page = open_page()
    wait_for_row(page, 60)

    page.keyboard.press("PageDown")

    wait_until(page, "window.scrollY > 0")


# Without JavaScript


def test_console_works_without_javascript(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    pages.use(3, 56)
    pages.get("/entitlements/56")
    page = open_page(script=False)
    assert rows(page) == ["2", "1"]

    page.get_by_role("combobox", name="Status").fill("4xx")
    page.get_by_role("button", name="Filter").click()
    assert rows(page) == ["1"]
    page.locator("#row-1 input").check()
    page.get_by_role("button", name="as a pytest test").click()
    assert "def test_use_user_entitlement_item_responds_403" in page.locator("#code").inner_text()
    page.get_by_role("link", name="Journal").first.click()
    page.locator("#row-1 [data-row]").click()
    assert "max_use is 10" in page.get_by_role("region", name="Rules").inner_text()
    page.get_by_role("button", name="Fail the next one like this").click()
    page.get_by_role("button", name="Fail the next one like this").click()
    assert sandbox.faults[0].status == 403
    page.get_by_role("button", name="Undo").click()
    assert sandbox.faults == []
    page.get_by_role("link", name="Try").click()
    page.get_by_role("link", name="grant_user_entitlement").click()
    page.get_by_label("user_id").fill("3")
    page.get_by_role("button", name="Send").click()
    assert "202" in page.locator("dl.facts").inner_text()
    page.get_by_role("link", name="Keyboard shortcuts").click()
    page.get_by_role("heading", name="Keyboard shortcuts").wait_for()


# Actions


def test_clock_is_frozen_set_stepped_and_undone(sandbox: Sandbox, act_on: OpenPage) -> None:
    page = act_on("/console/clock")

    page.get_by_role("button", name="Freeze").click()
    page.get_by_label("Set to").fill("2030-01-01T00:00:00Z")
    page.get_by_role("button", name="Set", exact=True).click()
    assert sandbox.now() == 1_893_456_000
    page.get_by_role("button", name="+ 1 day").click()
    assert sandbox.now() == 1_893_456_000 + 86_400
    page.get_by_label("Step by").fill("2")
    page.get_by_label("Unit").select_option("hours")
    page.get_by_role("button", name="Back", exact=True).click()
    assert sandbox.now() == 1_893_456_000 + 86_400 - 7200
    page.get_by_role("button", name="Undo").click()
    assert sandbox.now() == 1_893_456_000 + 86_400
    page.goto("/console/undo")
    page.get_by_role("button", name=re.compile("^Undo ")).click()
    assert sandbox.now() == 1_893_456_000
    page.goto("/console/clock")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Back to real time").click()
    assert abs(sandbox.now() - time.time()) < 60


def test_clock_moves_to_the_next_thing_that_happens(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    sandbox.freeze("2030-01-01T00:00:00Z")
    request = {"sku": "season_pass", "note": "x", "skip_invoice": False, "overrides": []}
    assert pages.post("/users/3/inventory", request).status == 201
    pages.grant(56, 2)
    page = act_on("/console/clock")
    listed = page.get_by_role("region", name="Upcoming events").inner_text()
    assert "The invoice of user 3 is fulfilled: Season Pass becomes active" in listed
    assert "User 56 can get Daily Gift again" in listed
    assert "Potion of Speed of user 56 expires" in listed

    page.get_by_role("button", name="Go to the next event").click()

    assert sandbox.now() == 1_893_456_001
    assert pages.entries(3, 1)[0]["status"] == "active"
    page.get_by_role("button", name=re.compile("Move the clock to: User 56 can get")).click()
    assert pages.grant(56, 2).status == 202


def test_fault_is_armed_from_a_request_and_seen_when_it_is_applied(
    sandbox: Sandbox, pages: Pages, act_on: OpenPage
) -> None:
    sandbox.fail("use_user_entitlement_item", reset=True, applied=True)
    with pytest.raises(ConnectionError):
        pages.use(56, 56)
    page = act_on("/console/journal/1")
    assert "runs the operation, resets the connection" in page.locator("dl.facts").inner_text()

    page.get_by_role("button", name="Fail the next one like this").click()
    page.get_by_role("button", name="Fail the next one like this").click()

    armed = sandbox.faults[-1]
    assert (armed.operation, armed.reset, armed.applied) == ("use_user_entitlement_item", True, True)
    assert "1" in page.get_by_role("region", name="Armed faults").inner_text()
    assert page.get_by_role("region", name="Requests that met a fault").get_by_role(
        "link"
    ).all_inner_texts() == ["1"]
    page.get_by_role("button", name="Clear all faults").click()
    assert sandbox.faults == []


def test_writes_of_the_console_go_through_the_operations_and_can_be_undone(
    sandbox: Sandbox, pages: Pages, act_on: OpenPage
) -> None:
    before = sandbox.export()
    page = act_on("/console/data/entries/56")

    page.get_by_role("link", name="Set the status").click()
    page.get_by_label("inventory_status").fill('"inactive"')
    page.get_by_role("button", name="Send").click()

    page.get_by_role("heading", name="update_user_inventory_status").wait_for()
    assert [each.operation for each in sandbox.journal()] == ["update_user_inventory_status"]
    assert sandbox.export()["inventory"] != before["inventory"]
    page.get_by_role("link", name="entry 56").click()
    assert "status" in page.get_by_role("region", name="Logs").inner_text()
    page.go_back()
    page.get_by_role("button", name="Undo").click()
    assert sandbox.export() == before


def test_second_click_does_not_repeat_an_action(sandbox: Sandbox, open_page: OpenPage) -> None:
    sandbox.fail("use_user_entitlement_item", delay=1, times=None)
    page = open_page("/console/try/use_user_entitlement_item?user_id=56&item_id=56")
    page.get_by_role("button", name="Send").dblclick(delay=50)

    page.get_by_role("heading", name="Request 1").wait_for()
    assert len(sandbox.journal("use_user_entitlement_item")) == 1

    page.go_back()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Request 2").wait_for()


def test_button_works_again_after_loading_was_stopped(sandbox: Sandbox, open_page: OpenPage) -> None:
    sandbox.fail("use_user_entitlement_item", delay=1)
    page = open_page("/console/try/use_user_entitlement_item?user_id=56&item_id=56")
    send = "document.querySelector('form[method=post] button').click()"
    page.evaluate(f"{send}; setTimeout(() => window.stop(), 100); setTimeout(() => {{ {send} }}, 200)")

    page.get_by_role("heading", name=re.compile("Request [12]")).wait_for()


def test_button_asks_in_a_browser_that_does_not_report_that_loading_was_stopped(
    sandbox: Sandbox, open_page: OpenPage
) -> None:
    sandbox.fail("use_user_entitlement_item", delay=5)
    page = open_page()
    page.add_init_script("delete Window.prototype.navigation; delete window.navigation")
    page.goto("/console/try/use_user_entitlement_item?user_id=56&item_id=56")
    questions: list[str] = []
    replies = iter([False, True])

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept() if next(replies) else dialog.dismiss()

    page.on("dialog", answer)
    send = "document.querySelector('form[method=post] button').click()"
    page.evaluate(f"{send}; setTimeout(() => window.stop(), 100)")
    page.wait_for_timeout(1200)
    page.evaluate(send)
    page.wait_for_timeout(500)
    assert page.url.endswith("item_id=56")
    page.evaluate(f"setTimeout(() => {{ {send} }})")

    page.get_by_role("heading", name=re.compile("Request [12]")).wait_for()
    assert questions == ["The last action has no response yet. Send it again?"] * 2


def test_button_asks_again_after_its_action_was_sent_again(sandbox: Sandbox, open_page: OpenPage) -> None:
    sandbox.fail("use_user_entitlement_item", delay=5, times=None)
    page = open_page("/console/try/use_user_entitlement_item?user_id=56&item_id=56")
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.accept() if len(questions) == 1 else dialog.dismiss()

    page.on("dialog", answer)
    send = "document.querySelector('form[method=post] button').click()"
    page.evaluate(f"for (const time of [0, 1200, 1500, 2600]) setTimeout(() => {{ {send} }}, time)")
    page.wait_for_timeout(3500)
    assert len(questions) == 2


def test_try_form_uses_the_credentials_of_the_data(act_on: OpenPage) -> None:
    with Sandbox(require_auth=True) as sandbox:
        page = act_on(f"{sandbox.url}/console/try/get_users_inventory")
        assert page.get_by_label("filter_item_name").input_value() == ""
        page.get_by_role("button", name="Send").click()
        assert "200" in page.locator("dl.facts").inner_text()
        page.goto(f"{sandbox.url}/console/try/check_user_entitlement_item")
        page.get_by_label("user_id").fill("me")
        page.get_by_label("Send as").select_option("user:56")
        page.get_by_role("button", name="Send").click()
        assert "200" in page.locator("dl.facts").inner_text()
        assert [each.caller for each in sandbox.journal()][1::2] == ["client:knetik", "user:56"]
        page.goto(f"{sandbox.url}/console/try/get_o_auth_token")
        page.get_by_label("Credentials").select_option("user:56")
        page.get_by_role("button", name="Fill in").click()
        assert page.get_by_label("password", exact=True).input_value() == "password_example"
        page.get_by_role("button", name="Send").click()
        assert "access_token" in page.get_by_label("Response body").inner_text()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2030-07-01", "2030-07-01T00:00:00-03:00"),
        (" 2030-07-01T12:00 ", "2030-07-01T12:00:00-03:00"),
        ("2030-01-01 12:00:30", "2030-01-01T12:00:30-03:00"),
        ("2030-01-01 12:00:30.5", "2030-01-01T12:00:30.5-03:00"),
        ("2030-01-01 12:00+0200", "2030-01-01T12:00:00+02:00"),
        ("1893456000", "2030-01-01T00:00:00+00:00"),
    ],
)
def test_times_in_forms_are_in_the_time_zone_of_the_browser(
    sandbox: Sandbox, browser: Browser, given: str, meant: str
) -> None:
    context = browser.new_context(base_url=sandbox.url, timezone_id="America/Sao_Paulo")
    page = context.new_page()
    instant = datetime.fromisoformat(meant).timestamp()
    sandbox.freeze()
    page.goto("/console/clock")

    page.get_by_label("Set to").fill(given)
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("status").wait_for()
    now = sandbox.now()
    page.goto("/console/why?user=56&item=56")
    page.get_by_label("at (now if empty)").fill(given)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**at=*")
    verdict = page.locator("main time").first.get_attribute("datetime")
    context.close()

    assert now == instant
    assert verdict is not None
    assert datetime.fromisoformat(verdict).timestamp() == int(instant)


def test_time_zone_with_seconds_is_shown_and_read(sandbox: Sandbox, browser: Browser) -> None:
    context = browser.new_context(base_url=sandbox.url, timezone_id="Africa/Monrovia")
    page = context.new_page()
    sandbox.freeze(0)
    page.goto("/console/clock")
    shown = page.locator("main time").first.inner_text()

    page.get_by_label("Set to").fill("1970-01-01 12:00")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("status").wait_for()
    context.close()

    assert shown == "1969-12-31 23:15:30 -004430"
    assert sandbox.now() == 12 * 3600 + 44 * 60 + 30


def test_snapshots_are_saved_compared_restored_and_deleted(
    sandbox: Sandbox, pages: Pages, act_on: OpenPage
) -> None:
    before = sandbox.export()
    page = act_on("/console/undo")
    page.get_by_label("Name").fill("before <b>")
    page.get_by_role("button", name="Save a snapshot").click()
    pages.use(56, 56)
    page.get_by_role("link", name="before <b>").click()
    changes = page.get_by_role("region", name="Changes of inventory", exact=True).inner_text()
    assert '"use_count": 3' in changes.replace("'", '"')
    page.goto("/console/undo")

    with page.expect_navigation():
        page.get_by_role("button", name="Restore before <b>").click()

    assert sandbox.export() == before
    page.get_by_role("button", name="Delete before <b>").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Delete before <b>").click()
    page.get_by_role("heading", name="Delete snapshot “before <b>”").wait_for()
    assert "before <b>" in json.loads(pages.get("/_sandbox/snapshots").body)["snapshots"]
    page.get_by_role("button", name="Delete it").click()
    page.get_by_role("button", name="Delete before <b>").wait_for(state="detached")
    assert "before <b>" not in json.loads(pages.get("/_sandbox/snapshots").body)["snapshots"]


def test_snapshot_is_replaced_after_asking(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    sandbox.freeze(1_800_000_000)
    sandbox.snapshot("mine")
    before = sandbox.export()
    pages.use(56, 56)
    used = sandbox.export()
    page = act_on("/console/undo")
    page.get_by_label("Name").fill(" mine ")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("heading", name="Replace snapshot “mine”").wait_for()
    sandbox.restore("mine")
    assert sandbox.export() == before
    pages.use(56, 56)
    page.get_by_role("button", name="Replace it").click()
    page.get_by_role("heading", name="Named snapshots").wait_for()
    sandbox.restore("mine")
    assert sandbox.export()["inventory"] == used["inventory"]


def test_reset_seed_and_tokens_can_be_undone(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    pages.use(56, 56)
    used = sandbox.export()
    page = act_on("/console/undo")

    page.get_by_role("button", name="Reset the sandbox").click()
    assert sandbox.export() != used
    page.get_by_role("button", name="Undo", exact=True).click()
    assert sandbox.export() == used
    page.goto("/console/data")
    page.get_by_label("YAML or JSON").fill("users: [{id: 90, username: kim}]")
    page.get_by_role("button", name="Load").click()
    assert 90 in [row["id"] for row in sandbox.export()["users"]]
    page.get_by_role("button", name="Expire all access tokens").click()
    page.goto("/console/undo")
    page.get_by_role("button", name="Return to before Seed loaded").first.click()
    assert sandbox.export() == used


def test_why_form_responds_for_now_and_for_later(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    pages.grant(56, 2)
    before = sandbox.export()
    page = act_on("/console/why")
    page.get_by_label("User").fill("56")
    page.get_by_label("may").select_option("get")
    page.get_by_label("Item").fill("2")
    page.get_by_role("button", name="Ask").click()
    assert page.get_by_role("heading", level=2).inner_text().startswith("No")
    assert "its get_limit is 1" in page.get_by_role("region", name="Rules").inner_text()

    page.get_by_label("at (now").fill("2031-01-01")
    page.get_by_role("button", name="Ask").click()

    assert page.get_by_role("heading", level=2).inner_text().startswith("Yes")
    assert sandbox.export() == before


def test_data_is_linked_in_both_directions(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    fill(sandbox, pages)
    page = act_on("/console/data/users/56")

    for name in ("56 Potion of Speed", "sku_example"):
        page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name="56", exact=True).first.click()
    page.get_by_role("heading", name="Item 56").wait_for()
    page.get_by_role("region", name="Entries").get_by_role("link", name="56 user_id_example").first.click()
    page.get_by_role("heading", name="User 56").wait_for()
    requests = page.get_by_role("region", name="Requests").get_by_role("link").all_inner_texts()
    assert {"2", "3", "4", "5"} <= set(requests)
    for of_row, other in (
        ("Log of their entries", "56 Potion of Speed"),
        ("Log of its entries", "56 user_id_example"),
    ):
        page.get_by_role("link", name=of_row).click()
        page.get_by_role("heading", name="Logs").wait_for()
        page.get_by_role("link", name=other).first.click()
    page.get_by_role("heading", name="User 56").wait_for()


def test_journal_is_cleared_after_asking(sandbox: Sandbox, pages: Pages, act_on: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = act_on()
    page.get_by_role("button", name="Clear the journal").click()
    assert len(sandbox.journal()) == 1
    page.get_by_role("button", name="Clear it").click()
    assert sandbox.journal() == []


def test_code_is_copied(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = open_page("/console/journal/code?row=1&as=python")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy").click()

    page.get_by_role("button", name="Copied").wait_for()
    assert "api.get_entitlement_item(56)" in page.evaluate("navigator.clipboard.readText()")


def test_code_is_selected_if_the_browser_denies_copying(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = open_page("/console/journal/code?row=1&as=curl")
    page.context.grant_permissions([])

    page.get_by_role("button", name="Copy").click()

    page.get_by_role("button", name="Selected, as the browser denies copying").wait_for()
    assert page.evaluate("getSelection().toString()").strip() == page.locator("#code").inner_text().strip()


def test_page_without_a_clipboard_has_no_button_to_copy(pages: Pages, open_page: OpenPage) -> None:
    pages.get("/entitlements/56")
    page = open_page("/console/journal/code?row=1&as=python")
    copy = page.locator("[data-copy]")
    assert copy.is_visible()

    # As on pages of other machines without HTTPS.
    page.context.add_init_script("delete Navigator.prototype.clipboard")
    page.reload()

    assert page.evaluate("navigator.clipboard") is None
    assert not copy.is_visible()


# A hostile journal


HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "javascript:window.hacked=1",
    "{{ 7 * 7 }}",
    "\u202e\u2066evil\u200f\u200b\ufeff",
    "\x1b[31m\x07",
    "Z\u0351\u0350\u034f" * 200,
    "&lt;b&gt;",
]


def test_data_of_clients_is_shown_harmlessly(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    page = open_page()
    for text in HOSTILE:
        pages.use(56, 56, query={"info": text})
        pages.get("/inventories", query={"filter_item_name": text})
        pages.post("/entitlements", {"type_hint": "entitlement", "name": text, "behaviors": []})
    pages.get("/entitlements/%3Cscript%3E", headers={"X-Odd": "<script>window.hacked = 1</script>"})
    pages.get("/entitlements/56", headers={"X-Bytes": bytes(range(0xA0, 0x100)).decode("latin-1")})
    big = pages.get("/entitlements/56", headers={"X-Big": "<b>" + "x" * 55_000})
    assert big.status == 200
    last = len(sandbox.journal())
    wait_for_row(page, last)
    created = [row["id"] for row in sandbox.export()["items"] if row["id"] > 56]

    addresses = [f"/console/journal/{number}" for number in range(1, last + 1)]
    addresses += [f"/console/data/items/{number}" for number in created]
    addresses += ["/console", "/console/data/items", "/console/data/logs", "/console/data/users/56"]
    for form in ("pytest", "python", "curl", "knetik"):
        addresses.append(
            f"/console/journal/code?as={form}&" + "&".join(f"row={n}" for n in range(1, last + 1))
        )
    for address in addresses:
        page.goto(address)
        assert page.evaluate("window.hacked") is None, address
        assert page.locator("main script, main img").count() == 0, address
        shown = page.locator("main").inner_text()
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200f\x07\x1b]", shown), address
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, address


def test_header_of_100_kib_is_rejected(pages: Pages) -> None:
    assert pages.get("/entitlements/56", headers={"X-Big": "x" * 100 * 1024}).status in (400, 431)


def test_header_of_100_kib_is_shown_cut(sandbox: Sandbox, pages: Pages, open_page: OpenPage) -> None:
    # No server here lets one through, but the journal doesn't rely on that.
    big = b"<script>window.hacked = 1</script>" + b"x" * 100 * 1024
    headers = [(b"host", b"localhost"), (b"x-big", big), (big, b"y")]
    assert sandbox._service is not None
    sandbox._service.controls.journal.record(
        Recorded(
            time=1e9,
            operation="get_entitlement_item",
            scheme="http",
            server=("127.0.0.1", 80),
            method="GET",
            path=b"/entitlements/56",
            query=b"",
            headers=headers,
            body=b"",
            status=200,
            answer_headers=headers,
            answer=b"{}",
            seconds=0.001,
        )
    )
    page = open_page("/console/journal/1")
    assert "more characters" in page.get_by_role("region", name="Request headers").inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert len(page.content()) < 200_000
