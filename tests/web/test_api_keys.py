"""The page about tokens in Chromium, without JavaScript: mint, use, be refused, revoke."""

import re

from playwright.sync_api import Browser, expect

from tests.processes import Served
from tests.web.conftest import Watch
from tests.web.test_browser import claim
from tests.web.test_people import new_page


def test_a_token_is_minted_used_and_revoked(browser: Browser, server: Served, claim_link: str) -> None:
    page = new_page(browser, Watch())
    claim(page, claim_link)
    page.get_by_role("link", name="Acme Rail").click()
    page.get_by_role("link", name="Tokens").click()
    page.get_by_label("Name").fill("ci")
    page.get_by_label("Level").select_option("observer")
    page.get_by_label("Environments", exact=True).select_option("org")
    page.get_by_label("Keys").fill("payments.*, not a key!")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("Keys: key! Must be *, a key or a prefix")
    expect(page.get_by_label("Name")).to_have_value("ci")
    page.get_by_label("Keys").fill("*")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("status")).to_contain_text("ci is created.")
    secret = page.get_by_label("Secret").inner_text().strip()
    assert re.fullmatch(r"sbx_[0-9A-Za-z]{49}", secret)

    api = browser.new_context(extra_http_headers={"Authorization": f"Bearer {secret}"}).request
    answer = api.get(f"{server.url}/api/v1/auth/me")
    assert answer.json()["actor"]["name"] == "ci"
    assert answer.headers["x-ratelimit-limit"] == "600"

    page.get_by_role("link", name="Acme Rail").click()
    page.get_by_role("link", name="Tokens").click()
    assert secret not in page.content()
    expect(page.get_by_role("listitem").filter(has_text="ci")).to_contain_text("observer")
    page.get_by_text("Revoke…").click()
    page.get_by_role("button", name="Revoke ci").click()
    expect(page.get_by_role("status")).to_contain_text("The token was revoked.")
    expect(page.get_by_text("No tokens yet.")).to_be_visible()
    assert api.get(f"{server.url}/api/v1/auth/me").status == 401


def test_each_choice_names_the_refusal_that_it_leads_to(browser: Browser, server: Served, claim_link: str) -> None:
    page = new_page(browser, Watch())
    claim(page, claim_link)
    page.goto(f"{server.url}/app/orgs/acme-rail/tokens")
    codes = {
        "token_action_denied",
        "token_env_out_of_scope",
        "token_resource_out_of_scope",
        "token_ip_denied",
        "token_rate_limit",
        "approval_not_supported",
        "scope_denied",
        "forbidden",
        "unauthorized",
    }
    reported = {link.inner_text() for link in page.locator("form a[href^='/docs/errors#']").all()}
    assert reported == codes
