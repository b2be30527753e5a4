"""The REST reference in Chromium: it renders our document and tries a call, without a byte from another host."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.processes import Served
from tests.web.conftest import Watch
from tests.web.test_browser import claim

ME = "/docs#tag/signing-in/GET/api/v1/auth/me"


def try_it(page: Page) -> None:
    """Sends the call that the reference shows."""
    page.get_by_role("button", name="get /api/v1/auth/me").click()
    page.get_by_role("button", name="Send get request to").click()


def test_a_call_can_be_tried_with_the_session(browser: Browser, server: Served, claim_link: str) -> None:
    watch = Watch()
    page = watch.over(browser.new_context()).new_page()
    claim(page, claim_link)
    page.goto(server.url + ME)
    expect(page.get_by_role("heading", name="Signalbox", level=1)).to_be_visible()
    with page.expect_response("**/api/v1/auth/me") as answered:
        try_it(page)
    assert answered.value.status == 200
    assert answered.value.request.header_value("authorization") is None
    expect(page.get_by_role("dialog")).to_contain_text("ada@acme.example")
    assert watch.hosts == {urlsplit(server.url).netloc}
    assert watch.complaints == []


def test_without_a_session_the_refusal_is_shown(browser: Browser, server: Served) -> None:
    page = browser.new_page()
    page.goto(server.url + ME)
    try_it(page)
    expect(page.get_by_role("dialog")).to_contain_text("unauthorized")
