"""What the page about tokens shows for a new token works as it stands there."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import npm, pypi
from tests.openfeature.conftest import Shop
from tests.processes import bash

PRINTED = {"Python": "True", "Node": "true"}


def create(page: Page, shop: Shop, scope: str) -> dict[str, str]:
    """What the page shows for a new token, by what it calls it."""
    page.goto(f"{shop.served.url}/app/orgs/acme/tokens")
    page.get_by_label("Name").fill("sdk")
    page.get_by_label("Environments", exact=True).select_option(label=scope)
    page.get_by_role("button", name="Create").click()
    page.get_by_label("Secret").wait_for()
    shown = page.get_by_role("status").locator("pre").all()
    return {str(one.get_attribute("aria-label")): one.text_content() or "" for one in shown}


@pytest.fixture
def page(shop: Shop, browser: Browser) -> Page:
    """A page of the owner's."""
    context = browser.new_context()
    cookie = shop.owner.cookies["signalbox_session"]
    context.add_cookies([{"name": "signalbox_session", "value": cookie, "url": shop.url}])
    return context.new_page()


@pytest.mark.parametrize("scope", ["web/production", "the whole organisation"])
def test_the_lines_for_a_new_token_work(
    shop: Shop, page: Page, packages: Path, tmp_path: Path, request: pytest.FixtureRequest, scope: str
) -> None:
    shown = create(page, shop, scope)
    assert list(shown) == ["Secret", "curl", "Variables", "Python", "Node"]
    flags = json.loads(bash(shown["curl"].replace("curl ", "curl -sS ", 1), tmp_path))["flags"]
    assert {one["key"]: one["value"] for one in flags}["checkout"] is True
    exported = bash(f'{shown["Variables"]}\necho "$OFREP_ENDPOINT $OFREP_HEADERS"', tmp_path).split()
    variables = dict(zip(("OFREP_ENDPOINT", "OFREP_HEADERS"), exported, strict=True))
    assert ("X-Signalbox-Env=acme:web:production" in exported[1]) is (scope != "web/production")
    programs = pypi.environment("openfeature.lock", request.config.cache)
    for language, name, command, folder in (
        ("Python", "program.py", str(programs / "python"), tmp_path),
        ("Node", "page.mjs", "node", packages),
    ):
        (folder / name).write_text(shown[language].replace("my-flag", "checkout"), "utf-8")
        run = pypi.output if language == "Python" else npm.output
        assert run([command, name], folder, **variables).strip() == PRINTED[language]
    page.goto(page.url)
    assert shown["Secret"].strip() not in page.content()
