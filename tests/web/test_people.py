"""People in Chromium, without JavaScript: claim, invite, accept, sign out, come back by mail, leave."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.mailbox import Mail, in_outbox
from tests.processes import Served, bash, serving
from tests.web.conftest import Watch
from tests.web.test_browser import claim

BOB = "bob@acme.example"
PATIENCE = 20_000


def new_page(browser: Browser, watch: Watch | None = None) -> Page:
    """A browser of its own: no cookie is shared."""
    context = browser.new_context(java_script_enabled=False)
    return (watch.over(context) if watch else context).new_page()


def mail_to(page: Page, server: Served, email: str, count: int = 1) -> Mail:
    """The last of so many mails to the email; the mail is delivered a moment after the page."""
    for _ in range(PATIENCE // 50):
        found = [mail for mail in in_outbox(server.folder / "data" / "outbox") if mail.to == email]
        if len(found) >= count:
            return found[-1]
        page.wait_for_timeout(50)
    raise AssertionError(f"no mail to {email}")


def ask_for_link(page: Page, server: Served, email: str) -> None:
    page.goto(f"{server.url}/app/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")


def test_from_claim_to_the_second_visit_of_who_was_invited(browser: Browser, server: Served, claim_link: str) -> None:
    watch = Watch()
    ada = new_page(browser, watch)
    claim(ada, claim_link)
    ada.get_by_role("link", name="Acme Rail").click()
    ada.get_by_label("Email").fill(BOB)
    ada.get_by_label("Role").last.select_option("admin")
    ada.get_by_role("button", name="Invite").click()
    expect(ada.get_by_role("status")).to_contain_text(f"{BOB} is invited.")
    expect(ada.get_by_label("Link")).to_contain_text(f"{server.url}/app/invitations/sbi_")

    bob = new_page(browser, watch)
    bob.goto(mail_to(bob, server, BOB).link)
    expect(bob.get_by_role("heading", level=1)).to_have_text("Join Acme Rail")
    bob.get_by_label("Your name").fill("Bob")
    bob.get_by_role("button", name="Accept").click()
    expect(bob).to_have_url(f"{server.url}/app/")
    expect(bob.get_by_role("heading", level=1)).to_have_text("Hello, Bob")
    bob.get_by_role("button", name="Sign out").click()

    ask_for_link(bob, server, BOB.upper())
    link = mail_to(bob, server, BOB, 2).link
    elsewhere = new_page(browser, watch)
    elsewhere.goto(link)  # as a scanner of mail would: nothing happens before the button is pressed
    expect(elsewhere.get_by_role("button", name="Sign in")).to_be_visible()
    bob.goto(link)
    expect(bob).to_have_url(f"{server.url}/app/")
    expect(bob.get_by_role("heading", level=1)).to_have_text("Hello, Bob")
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere.get_by_role("alert")).to_contain_text("The sign-in link has already been used")
    assert len(watch.hosts) == 1
    assert watch.complaints == []


def test_an_owner_manages_people(browser: Browser, server: Served, claim_link: str) -> None:
    ada, bob = new_page(browser), new_page(browser)
    claim(ada, claim_link)
    members = f"{server.url}/app/orgs/acme-rail/members"
    ada.goto(members)
    for _ in range(2):  # the second time it is refused
        ada.get_by_label("Email").fill(BOB)
        ada.get_by_role("button", name="Invite").click()
    expect(ada.get_by_role("alert")).to_contain_text("An invitation is already pending")
    bob.goto(mail_to(bob, server, BOB).link)
    bob.get_by_role("button", name="Accept").click()
    bob.goto(members)
    expect(bob.get_by_role("button", name="Invite")).to_have_count(0)

    ada.goto(members)
    row = ada.get_by_role("listitem").filter(has_text=BOB)
    row.get_by_label("Role").select_option("admin")
    row.get_by_role("button", name="Change").click()
    bob.goto(members)
    expect(bob.get_by_role("button", name="Invite")).to_have_count(0)
    bob.get_by_role("button", name="Mail me a link").click()
    expect(bob.get_by_role("heading", level=1)).to_have_text("Check your mail")
    bob.goto(mail_to(bob, server, BOB, 2).link)
    expect(bob).to_have_url(f"{server.url}/app/")
    bob.goto(members)
    expect(bob.get_by_role("button", name="Invite")).to_be_visible()
    expect(bob.get_by_role("button", name="Mail me a link")).to_have_count(0)

    own = ada.get_by_role("listitem").filter(has_text="(you)")
    own.get_by_text("Leave…").click()
    own.get_by_role("button", name="Leave").click()
    expect(ada.get_by_role("alert")).to_contain_text("The last owner cannot be demoted or removed")
    row.get_by_text("Remove…").click()
    row.get_by_role("button", name="Remove").click()
    expect(ada.get_by_role("status")).to_contain_text("is no longer a member")
    bob.goto(members)
    expect(bob.get_by_role("heading", level=1)).to_have_text("Not found")


def test_who_is_known_finds_the_invitation_at_home(browser: Browser, server: Served, claim_link: str) -> None:
    ada, bob = new_page(browser), new_page(browser)
    claim(ada, claim_link)
    invite(ada, server, "acme-rail", BOB)
    bob.goto(mail_to(bob, server, BOB).link)
    bob.get_by_role("button", name="Accept").click()
    ask_for_link(bob, server, BOB)  # until then nobody knows whether the mailbox is theirs
    bob.goto(mail_to(bob, server, BOB, 2).link)
    ada.goto(f"{server.url}/app/orgs")
    ada.get_by_label("Name").fill("Beta")
    ada.get_by_label("Slug").fill("beta")
    ada.get_by_role("button", name="Create").click()
    expect(ada).to_have_url(f"{server.url}/app/orgs/beta/members")
    invite(ada, server, "beta", BOB)

    stranger = new_page(browser)
    stranger.goto(mail_to(bob, server, BOB, 3).link)
    expect(stranger.get_by_text("If you have an account, sign in first")).to_be_visible()
    stranger.get_by_role("button", name="Accept").click()
    expect(stranger.get_by_role("alert")).to_be_visible()
    ada.goto(mail_to(bob, server, BOB, 3).link)
    expect(ada.get_by_text("the invitation is for a different email")).to_be_visible()
    bob.goto(f"{server.url}/app/")
    bob.get_by_role("button", name="Accept").click()
    expect(bob.get_by_role("link", name="Beta")).to_be_visible()


def invite(page: Page, server: Served, slug: str, email: str) -> None:
    page.goto(f"{server.url}/app/orgs/{slug}/members")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_be_visible()


def test_an_account_shows_its_sessions_and_is_deleted(browser: Browser, server: Served, claim_link: str) -> None:
    ada, other, third = (new_page(browser) for _ in range(3))
    claim(ada, claim_link)
    invite(ada, server, "acme-rail", BOB)
    ada.goto(mail_to(ada, server, BOB).link)
    ada.get_by_role("button", name="Sign out").first.click()
    ada.goto(mail_to(ada, server, BOB).link)
    ada.get_by_role("button", name="Accept").click()
    for page in (other, third):
        page.goto(bash(f"signalbox sign-in {BOB} --base-url {server.url}", server.folder).strip())
        expect(page).to_have_url(f"{server.url}/app/")
    ada.get_by_role("link", name="bob", exact=True).click()
    expect(ada).to_have_url(f"{server.url}/app/account")
    expect(ada.get_by_text("(this browser)")).to_contain_text("Chrome on Linux")
    ada.get_by_role("button", name="End", exact=True).first.click()
    expect(ada.get_by_role("button", name="End", exact=True)).to_have_count(1)
    expect(ada.get_by_role("button", name="End all others")).to_have_count(0)
    other.goto(f"{server.url}/app/account")
    expect(other).to_have_url(f"{server.url}/app/signin?next=/app/account")
    expect(other.get_by_text("your session has ended")).to_be_visible()
    third.goto(f"{server.url}/app/account")
    third.get_by_role("textbox", name="Your name").fill("Robert")
    third.get_by_role("button", name="Change").click()
    expect(third.get_by_role("link", name="Robert", exact=True)).to_be_visible()

    ada.get_by_label("Your email, to confirm").fill("ada@acme.example")
    ada.get_by_role("button", name="Delete my account").click()
    expect(ada.get_by_role("alert")).to_contain_text("The confirmation does not match")
    ada.get_by_label("Your email, to confirm").fill(BOB)
    ada.get_by_role("button", name="Delete my account").click()
    expect(ada).to_have_url(f"{server.url}/app/signin")


def test_people_sign_up_on_a_hosted_instance(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, SIGNALBOX_MODE="hosted") as server:
        eve = new_page(browser)
        eve.goto(f"{server.url}/app/signup")
        eve.get_by_label("Name", exact=True).fill("Eve Ltd.")
        eve.get_by_label("Slug").fill("eve")
        eve.get_by_label("Email").fill("eve@example.com")
        eve.get_by_role("button", name="Mail me the link").click()
        eve.goto(mail_to(eve, server, "eve@example.com").link)
        expect(eve.get_by_role("link", name="Eve Ltd.")).to_be_visible()

        ask_for_link(nobody := new_page(browser), server, "nobody@example.com")
        nobody.goto(mail_to(nobody, server, "nobody@example.com").link)
        expect(nobody).to_have_url(re.compile("error=no_invitation"))
        expect(nobody.get_by_role("alert")).to_contain_text("There is no invitation for this email")


def test_there_is_no_signup_page_where_people_are_invited(browser: Browser, server: Served) -> None:
    page = new_page(browser)
    page.goto(f"{server.url}/app/signup")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
