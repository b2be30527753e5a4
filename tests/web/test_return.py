"""Who has to sign in first comes back to the page that they wanted, and to no other site."""

import html
import re
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import update
from starlette.applications import Starlette

from app.models import Instance as InstanceRow
from tests.clients import RestApi
from tests.clock import now
from tests.conftest import CLAIM_CODE, client_of
from tests.factories import Instance

BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
WANTED = "/app/orgs/acme/members?cursor=x"
ADA = "acme-owner@example.com"
ELSEWHERE = [
    "https://evil.example/app/",
    "//evil.example/app/",
    "/\\evil.example",
    "\\\\evil.example",
    "/app//evil.example",
    "/app/../..//evil.example",
    "/app/./x",
    "/app/%2e%2e/auth/link?t=x",
    "/app/.%2E/auth/link?t=x",
    "/app/%73ignin",
    "/app/sign%2Dout",
    "/app/%2fevil.example",
    "/app/%0d%0aSet-Cookie:x\r\n",
    "/app/\nLocation: https://evil.example",
    "/app/\t/evil",
    "app/",
    "javascript:alert(1)",
    "/application",
    "/docs",
    "/app/sign-out",
    "/app/signin",
    "/app/invitations/sbi_secret",
    "/app/claim?code=secret",
    "/app/x?next=https://evil.example#y",
    "/app/\u2028",
    "/app/" + "x" * 1024,
    "",
]


@pytest.fixture
def instance(app: Starlette) -> Instance:
    """The instance; pages are neither REST nor GraphQL."""
    return Instance(app, RestApi, client_of)


def hidden(answer: httpx2.Response) -> str | None:
    """The page to go on to, as the form has it."""
    found = re.search(r'name="next" value="([^"]*)"', answer.text)
    return None if found is None else html.unescape(found[1])


async def claimed(instance: Instance) -> None:
    await instance.org("acme")
    await instance.execute(update(InstanceRow).values(claimed_at=now()))


async def link_of(instance: Instance) -> str:
    return "/auth/link?t=" + (await instance.mail(ADA)).secret


async def test_signing_in_leads_to_the_page_that_was_wanted(
    app: Starlette, instance: Instance, client: httpx2.AsyncClient
) -> None:
    await claimed(instance)
    asked = await client.get(WANTED, headers=BROWSER)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/app/signin?next={quote(WANTED)}")
    form = await client.get(asked.headers["location"], headers=BROWSER)
    assert f"Sign in to go on to <code>{WANTED}</code>" in form.text
    assert hidden(form) == WANTED
    mistyped = await client.post("/app/signin", data={"email": "acme", "next": WANTED}, headers=BROWSER)
    assert (mistyped.status_code, hidden(mistyped)) == (400, WANTED)
    await client.post("/app/signin", data={"email": ADA, "next": WANTED}, headers=BROWSER)
    link = await link_of(instance)
    async with client_of(app) as other:  # by the button of another browser
        assert (await other.get(link, headers=BROWSER)).status_code == 200
        pressed = await other.post("/auth/link", data={"token": link.partition("=")[2]}, headers=BROWSER)
        assert (pressed.status_code, pressed.headers["location"]) == (303, WANTED)
        again = await other.get(link, headers=BROWSER)  # the mail opened once more
        assert (again.status_code, again.headers["location"]) == (303, WANTED)
    await client.post("/app/signin", data={"email": ADA, "next": WANTED}, headers=BROWSER)
    opened = await client.get(await link_of(instance), headers=BROWSER)  # at once in this one
    assert (opened.status_code, opened.headers["location"]) == (303, WANTED)
    assert (await client.get(WANTED.partition("?")[0], headers=BROWSER)).status_code == 200
    await instance.close()


async def test_claiming_leads_there_too(client: httpx2.AsyncClient) -> None:
    asked = await client.get("/app/orgs", headers=BROWSER)
    shown = await client.get(asked.headers["location"], headers=BROWSER)
    assert "/app/claim?next=/app/orgs" in shown.text
    assert hidden(await client.get("/app/claim?next=/app/orgs", headers=BROWSER)) == "/app/orgs"
    form = {"email": ADA, "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE, "next": "/app/orgs"}
    refused = await client.post("/app/claim", data={**form, "claimCode": "wrong"}, headers=BROWSER)
    assert (refused.status_code, hidden(refused)) == (400, "/app/orgs")
    claimed = await client.post("/app/claim", data=form, headers=BROWSER)
    assert (claimed.status_code, claimed.headers["location"]) == (303, "/app/orgs")


async def test_nobody_is_led_anywhere_else(instance: Instance, client: httpx2.AsyncClient) -> None:
    await claimed(instance)
    for wanted in ELSEWHERE:
        assert hidden(await client.get("/app/signin", params={"next": wanted}, headers=BROWSER)) is None, wanted
        assert (await client.get("/app/claim", params={"next": wanted})).headers["location"] == "/app/"
    for wanted in ELSEWHERE[:3]:  # five mails an hour
        await client.post("/app/signin", data={"email": ADA, "next": wanted}, headers=BROWSER)
        opened = await client.get(await link_of(instance), headers=BROWSER)
        assert (opened.status_code, opened.headers["location"]) == (303, "/app/"), wanted
        await client.post("/app/sign-out", headers=BROWSER)
    await instance.close()


async def test_a_form_posted_after_the_session_ended_leads_to_sign_in(client: httpx2.AsyncClient) -> None:
    posted = await client.post("/app/orgs/acme/tokens/x/revoke", headers=BROWSER)
    assert (posted.status_code, posted.headers["location"]) == (303, "/app/signin")
