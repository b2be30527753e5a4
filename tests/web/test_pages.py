"""What all pages have in common: the bar, ways back, and refusals that a person can act on."""

import re

import httpx2
import pytest
from graphql import parse, validate

from app.graphql.schema import schema
from tests.factories import Workspace

ADDRESSES = ["/docs", "/docs/errors", "/graphql", "/app/signin", "/nowhere", "/app/orgs/of-others/members"]
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.mark.parametrize("address", ["/app/", "/app/account", *ADDRESSES])
async def test_every_page_says_who_is_signed_in(workspace: Workspace, address: str) -> None:
    shown = await workspace.org.owner.client.get(address, headers=BROWSER, follow_redirects=True)
    bar = shown.text.partition("</header>")[0]
    assert 'href="/app/account"' in bar
    assert "Sign out" in bar


@pytest.mark.parametrize("address", ADDRESSES)
async def test_who_is_not_signed_in_is_offered_to(client: httpx2.AsyncClient, address: str) -> None:
    shown = await client.get(address, headers=BROWSER, follow_redirects=True)
    assert "Sign out" not in shown.text
    assert 'href="/app/signin"' in shown.text or 'action="/app/signin"' in shown.text or "/app/claim" in shown.text


async def test_an_address_that_only_takes_forms_leads_back_to_their_page(workspace: Workspace) -> None:
    slug = workspace.org.slug
    owner = workspace.org.owner.client
    members, tokens = f"/app/orgs/{slug}/members", f"/app/orgs/{slug}/tokens"
    leads = {
        "/app/sign-out": "/app/",
        "/app/accept": "/app/",
        f"{members}/1": members,
        f"{members}/1/remove": members,
        f"/app/orgs/{slug}/invitations/1/revoke": members,
        f"{tokens}/1/revoke": tokens,
        "/app/account/sessions/1/end": "/app/account",
    }
    for address, page in leads.items():
        back = await owner.get(address, headers=BROWSER)
        assert (address, back.status_code, back.headers["location"]) == (address, 303, page)


async def test_a_refused_role_leaves_the_form_for_invitations_alone(workspace: Workspace) -> None:
    owner, slug = workspace.org.owner, workspace.org.slug
    me = (await owner.client.get("/api/v1/auth/me")).json()["actor"]["id"]
    refused = await owner.client.post(f"/app/orgs/{slug}/members/{me}", data={"role": "viewer"}, headers=BROWSER)
    assert refused.status_code == 409
    invite = refused.text.partition('id="invited-role"')[2].partition("</select>")[0]
    assert re.findall(r'value="(\w+)" selected', invite) == ["editor"]


async def test_a_change_says_that_it_was_made(workspace: Workspace) -> None:
    owner, slug = workspace.org.owner, workspace.org.slug
    me = (await owner.client.get("/api/v1/auth/me")).json()["actor"]["id"]
    form = {"role": "owner"}
    done = await owner.client.post(f"/app/orgs/{slug}/members/{me}", data=form, headers=BROWSER, follow_redirects=True)
    assert (done.status_code, "The role was changed." in done.text) == (200, True)


async def test_who_must_wait_is_told_how_long(client: httpx2.AsyncClient, workspace: Workspace) -> None:
    for _ in range(5):
        assert (await client.post("/app/signin", data={"email": "x@acme.example"}, headers=BROWSER)).status_code == 200
    refused = await client.post("/app/signin", data={"email": "x@acme.example"}, headers=BROWSER)
    assert refused.status_code == 429
    assert re.search(r"Try again in (a minute|\d+ minutes)\.", refused.text)
    assert "Retry-After" not in refused.text


async def test_what_graphiql_says_without_javascript_can_be_sent(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/graphql", headers=BROWSER)).text
    query = re.search(r'"query": "(.+?)"}', page)[1]
    assert validate(schema._schema, parse(query)) == []


async def test_what_is_not_checked_is_not_mailed(workspace: Workspace) -> None:
    owner = workspace.org.owner.client
    form = {"reviewed": "true", "cancelled": "true"}
    done = await owner.post("/app/account/mail", data=form, headers=BROWSER, follow_redirects=True)
    assert "Your choice of mails was saved." in done.text
    boxes = re.findall(r'type="checkbox" name="(\w+)" value="true"( checked)?', done.text)
    assert boxes == [("proposed", ""), ("reviewed", " checked"), ("applied", ""), ("cancelled", " checked")]
    assert (await owner.get("/api/v1/auth/me")).json()["notify"] == {
        "proposed": False,
        "reviewed": True,
        "applied": False,
        "cancelled": True,
    }
