"""The pages in Chromium: what a person does on the first day, without a byte from another host."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.processes import Served, bash, serving
from tests.servers import free_port
from tests.web.conftest import Watch

# What each tab of GraphiQL answers, when they are run from left to right on a new instance.
TOUR = {
    "WhoAmI": '"email": "ada@acme.example"',
    "LookAround": '"slug": "acme-rail"',
    "CreateProject": '"key": "kiosk"',
    "CreateEnvironment": '"key": "production"',
    "CreateFlag": '"key": "new-checkout"',
    "TurnOnForSome": '"rolloutPercent": 50',
    "Evaluate": '"ruleName": "half of the pro plan"',
    "CreateSegment": '"name": "Early access"',
    "ChangeAllowList": '"allowListSize": 2',
    "CreateConfig": '"type": "JSON"',
    "ReadConfig": '"ruleName": "early access to the new checkout"',
    "KillFlag": '"killed": true',
    "RestoreFlag": '"killed": false',
    "FollowEnvironment": '"environmentChanged"',
}

NARROW = ("/app/", "/app/account", "/app/orgs", "/app/signin", "/docs/errors", "/docs/rules", "/nowhere")


def claim(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Name", exact=True).fill("Acme Rail")
    page.get_by_label("Slug").fill("acme-rail")
    page.get_by_label("Email").fill("ada@acme.example")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Claim and sign in").click()


def test_from_the_claim_link_to_a_killed_flag(browser: Browser, server: Served, claim_link: str) -> None:
    watch = Watch()
    page = watch.over(browser.new_context()).new_page()
    claim(page, claim_link)
    expect(page).to_have_url(f"{server.url}/app/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada")

    page.get_by_role("link", name="GraphiQL", exact=True).first.click()
    expect(page.locator("#who")).to_have_text("Ada")
    for tab, answer in TOUR.items():
        page.get_by_role("tab", name=tab).click()
        page.locator(".graphiql-execute-button").click()
        expect(page.locator(".graphiql-response")).to_contain_text(answer)

    killed = page.request.post(f"{server.url}/api/v1/envs/acme-rail:kiosk:production/flags/new-checkout/kill", data={})
    assert killed.status == 200
    expect(page.locator(".graphiql-response")).to_contain_text('"new-checkout"')

    page.goto(f"{server.url}/docs/errors")
    expect(page.locator("#key_collision")).to_contain_text("The key already exists")
    assert watch.hosts == {urlsplit(server.url).netloc}
    assert watch.complaints == []


def test_an_example_opens_by_its_address(browser: Browser, server: Served, claim_link: str) -> None:
    page = browser.new_page()
    claim(page, claim_link)
    page.goto(f"{server.url}/graphql#create-a-flag")
    expect(page.get_by_role("tab", name="CreateFlag")).to_have_attribute("aria-selected", "true")
    page.locator(".graphiql-execute-button").click()
    expect(page.locator(".graphiql-response")).to_contain_text("There is no projectId yet: create a project first")


def test_a_subscription_runs_below_a_path(browser: Browser, tmp_path: Path) -> None:
    port, watch = free_port(), Watch()
    base = f"http://127.0.0.1:{port}/flags"
    with serving(tmp_path, "--port", str(port), SIGNALBOX_BASE_URL=base) as served:
        page = watch.over(browser.new_context()).new_page()
        claim(page, f"{base}/app/claim?code={served.claim_code}")
        api = f"{base}/api/v1"
        for path, key in (("orgs/acme-rail/projects", "web"), ("projects/acme-rail:web/environments", "prod")):
            assert page.request.post(f"{api}/{path}", data={"key": key, "name": key}).status == 201
        page.goto(f"{base}/graphql#follow-the-environment")
        expect(page.get_by_role("tab", name="FollowEnvironment")).to_have_attribute("aria-selected", "true")
        page.locator(".graphiql-execute-button").click()
        expect(page.locator(".graphiql-response")).to_contain_text('"version": 0')
        flag = {"key": "checkout", "type": "boolean", "defaultValue": True}
        assert page.request.post(f"{api}/projects/acme-rail:web/flags", data=flag).status == 201
        expect(page.locator(".graphiql-response")).to_contain_text('"version": 1')
        page.goto("about:blank")
    assert watch.complaints == []


def test_without_javascript_a_fault_is_told_and_the_claim_works(
    browser: Browser, server: Served, claim_link: str
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    claim(page, f"{server.url}/app/claim?code=wrong")
    expect(page.get_by_role("alert")).to_contain_text("The claim code is incorrect.")
    expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Email")).to_have_value("ada@acme.example")

    claim(page, claim_link)
    expect(page).to_have_url(f"{server.url}/app/")
    page.goto(claim_link)
    expect(page).to_have_url(f"{server.url}/app/")

    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{server.url}/app/signin")
    link = bash(f"signalbox sign-in ada@acme.example --base-url {server.url}", server.folder).strip()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada")
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("The sign-in link has already been used")


def test_no_page_is_wider_than_a_phone(browser: Browser, server: Served, claim_link: str) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    claim(page, claim_link)
    org = f"{server.url}/app/orgs/acme-rail"
    for address in (f"{org}/members", f"{org}/tokens", *(server.url + path for path in NARROW)):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, address
