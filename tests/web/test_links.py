"""Links that stand in mails, as browsers, scanners of mail and programs open them."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlmodel import col
from starlette.applications import Starlette

from app.domain.ids import digest
from app.models import Invitation, MagicLink, User
from app.services.links import make_link
from app.settings import Mode
from tests.clients import RestApi
from tests.clock import now
from tests.conftest import client_of
from tests.factories import Instance
from tests.logged import logged

BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}
OVER_PLAIN_HTTP = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}  # to a LAN address no browser says more
ADA = "ada@example.com"


@pytest.fixture
def mode() -> Mode:
    """Hosted, where every code can be met."""
    return Mode.HOSTED


@pytest.fixture
def instance(app: Starlette) -> Instance:
    """The instance; pages are neither REST nor GraphQL."""
    return Instance(app, RestApi, client_of)


async def asked(instance: Instance, client: httpx2.AsyncClient, email: str = ADA, **headers: str) -> str:
    """The path of the link that was mailed."""
    await client.post("/api/v1/auth/magic-link", json={"email": email}, headers=headers)
    return "/auth/link?t=" + (await instance.mail(email)).secret


def is_button(answer: httpx2.Response) -> bool:
    return answer.status_code == 200 and '<form class="card" method="post" action="/auth/link"' in answer.text


def leads(answer: httpx2.Response) -> tuple[int, str, bool]:
    return answer.status_code, answer.headers.get("location", ""), "signalbox_session" in answer.cookies


SIGNED_IN, GOES_ON, BUTTON = (303, "/app/", True), (303, "/app/", False), (200, "", False)
THIS_BROWSER = "sbb_of-the-browser-that-asked"
OPENERS = {
    "scanner": ("HEAD", {"Accept": "*/*"}),
    "asking browser, HEAD": ("HEAD", BROWSER),
    "asking browser, ahead": ("GET", {**BROWSER, "Sec-Purpose": "prefetch;prerender"}),
    "asking browser, image": ("GET", {**BROWSER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
    "other browser": ("GET", BROWSER),
    "other browser over plain HTTP": ("GET", OVER_PLAIN_HTTP),
    "program": ("GET", {"Accept": "*/*"}),
    "asking browser": ("GET", BROWSER),
}
DEAD = {
    "used": "magic_link_used",
    "ended by a sibling": "magic_link_expired",
    "expired": "magic_link_expired",
    "unknown": "magic_link_invalid",
    "of a deleted user": "magic_link_invalid",
    "no invitation": "no_invitation",
    "slug taken": "slug_unavailable",
}
OVER_FOR_THE_PERSON = {"live", "printed", "used", "ended by a sibling", "expired"}


def expected(opener: str, state: str, viewer: str) -> tuple[int, str, bool]:
    """Contract: who opens which link, and who is signed in there."""
    if viewer == "the person" and state in OVER_FOR_THE_PERSON:
        return GOES_ON
    if state in DEAD:
        return 303, f"/app/signin?error={DEAD[state]}", False
    if opener == "asking browser" or (state == "printed" and opener.startswith(("other", "program"))):
        return SIGNED_IN
    return BUTTON


async def link_in(state: str, instance: Instance, user: User) -> str:
    """The path of a link in the state, asked for by `THIS_BROWSER`."""
    async with instance.node.unit("req_test") as uow:
        await uow.begin_write()
        signup = {"orgName": "Acme", "orgSlug": "acme"} if state in {"slug taken", "signup"} else None
        email = "nobody@example.com" if state == "no invitation" else user.email
        mailed = {"mailed": True, "browser_hash": digest(THIS_BROWSER)} if state != "printed" else {}
        secret = make_link(uow, email, signup=signup, **mailed)
        sibling = make_link(uow, email, mailed=True) if state == "ended by a sibling" else None
    if state == "used":
        await instance.anonymous().make("redeemLink", token=secret)
    if sibling is not None:
        await instance.anonymous().make("redeemLink", token=sibling)
    if state == "expired":
        await instance.execute(
            update(MagicLink).where(col(MagicLink.secret_hash) == digest(secret)).values(expires_at=now())
        )
    return f"/auth/link?t={secret}{'x' if state == 'unknown' else ''}"


@pytest.mark.parametrize("viewer", ["nobody", "the person", "somebody else"])
@pytest.mark.parametrize("state", ["live", "signup", "printed", *DEAD])
async def test_who_opens_a_link_in_which_state_and_who_is_signed_in(
    app: Starlette, instance: Instance, state: str, viewer: str
) -> None:
    user, person = await instance.person("ada")
    _, somebody = await instance.person("bob")
    if state == "slug taken":
        await instance.org("acme")
    if state == "of a deleted user":
        await person.make("deleteMe", confirm=ADA)
    cookie = {"the person": person, "somebody else": somebody}.get(viewer)
    session = None if cookie is None else cookie.client.cookies.get("signalbox_session")
    for opener, (method, headers) in OPENERS.items():
        link = await link_in(state, instance, user)
        async with client_of(app, session) as client:
            if opener.startswith("asking"):
                client.cookies.set("signalbox_browser", THIS_BROWSER)
            outcome = expected(opener, state, viewer)
            if outcome == SIGNED_IN:
                assert leads(await client.request(method, link, headers=headers)) == outcome, opener
                assert (await client.get("/api/v1/auth/me")).json()["email"] == ADA
            else:
                async with instance.unchanged():
                    answer = await client.request(method, link, headers=headers)
                assert leads(answer) == outcome, opener
                assert is_button(answer) == (outcome == BUTTON and method == "GET"), opener
    await instance.close()


async def test_the_button_says_whom_it_signs_in_and_whose_session_ends(app: Starlette, instance: Instance) -> None:
    user, _ = await instance.person("ada")
    _, bob = await instance.person("bob")
    link = await link_in("live", instance, user)
    async with client_of(app) as nobody:
        shown = (await nobody.get(link, headers=BROWSER)).text
        assert ADA in shown
        assert "That session ends" not in shown
    shown = (await bob.client.get(link, headers=BROWSER)).text
    assert "bob@example.com</strong>. That session ends" in shown
    pressed = await bob.client.post("/auth/link", data={"token": link.partition("=")[2]}, headers=BROWSER)
    assert leads(pressed) == SIGNED_IN
    assert (await bob.client.get("/api/v1/auth/me")).json()["email"] == ADA
    again = await bob.client.post("/auth/link", data={"token": link.partition("=")[2]}, headers=BROWSER)
    assert leads(again) == GOES_ON  # a second press, or a page gone back to
    await instance.close()


async def test_who_is_signed_in_still_proves_their_mailbox_by_a_mailed_link(app: Starlette, instance: Instance) -> None:
    user, ada = await instance.person("ada")
    await instance.execute(update(User).values(email_verified_at=None))
    link = await link_in("live", instance, user)
    assert is_button(await ada.client.get(link, headers=BROWSER))
    assert leads(await ada.client.post("/auth/link", data={"token": link.partition("=")[2]})) == SIGNED_IN
    await instance.close()


@pytest.mark.parametrize("browser", [BROWSER, OVER_PLAIN_HTTP], ids=["https", "http"])
async def test_the_browser_that_asked_redeems_at_once_and_another_presses_a_button(
    app: Starlette, instance: Instance, client: httpx2.AsyncClient, browser: dict[str, str]
) -> None:
    await instance.person("ada")
    link = await asked(instance, client, **browser)
    async with client_of(app) as other, instance.unchanged():
        assert is_button(await other.get(link, headers=browser))
        assert is_button(await client.get(link, headers={**browser, "Sec-Purpose": "prefetch"}))
    assert leads(await client.get(link, headers=browser)) == (303, "/app/", True)
    second = await asked(instance, client, **browser)  # by the secret that the browser has already
    async with client_of(app) as other:
        pressed = await other.post("/auth/link", data={"token": second.partition("=")[2]}, headers=browser)
        assert leads(pressed) == (303, "/app/", True)


async def test_what_is_no_browser_gets_no_cookie_for_having_asked(client: httpx2.AsyncClient) -> None:
    for headers, names in (({}, set()), (BROWSER, {"signalbox_browser"})):
        answer = await client.post("/api/v1/auth/magic-link", json={"email": ADA}, headers=headers)
        assert set(answer.cookies) == names
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


async def test_a_button_pressed_from_elsewhere_does_nothing(instance: Instance, client: httpx2.AsyncClient) -> None:
    await instance.person("ada")
    link = await asked(instance, client)
    async with instance.unchanged():
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = await client.post("/auth/link", data={"token": link.partition("=")[2]}, headers=headers)
            assert answer.json()["code"] == "forbidden"


@pytest.mark.parametrize(
    "code", ["magic_link_invalid", "magic_link_used", "magic_link_expired", "no_invitation", "slug_unavailable"]
)
async def test_a_link_that_does_not_sign_in_leads_to_the_reason(
    instance: Instance, client: httpx2.AsyncClient, code: str
) -> None:
    if code == "slug_unavailable":
        body = {"email": ADA, "orgName": "Acme", "orgSlug": "acme"}
        await client.post("/api/v1/auth/signup", json=body)
        link = "/auth/link?t=" + (await instance.mail(ADA)).secret
        await instance.org("acme")
    else:
        if code != "no_invitation":
            await instance.person("ada")
        link = await asked(instance, client)
    if code == "magic_link_used":
        await instance.anonymous().make("redeemLink", token=link.partition("=")[2])
    if code == "magic_link_expired":
        await instance.execute(update(MagicLink).values(expires_at=now()))
    if code == "magic_link_invalid":
        link += "x"
    async with instance.unchanged():
        assert leads(await client.get(link)) == (303, f"/app/signin?error={code}", False)
        shown = await client.get(f"/app/signin?error={code}")
        assert shown.status_code == 200
        assert f"/docs/errors#{code}" in shown.text
    await instance.close()


async def test_a_reason_that_nobody_knows_is_not_shown(client: httpx2.AsyncClient) -> None:
    shown = await client.get("/app/signin?error=<script>")
    assert shown.status_code == 200
    assert "<script>" not in shown.text
    assert 'role="alert"' not in shown.text


@pytest.mark.parametrize("closed", ["used", "expired", "revoked"])
async def test_an_invitation_that_is_closed_says_why(
    instance: Instance, client: httpx2.AsyncClient, closed: str
) -> None:
    org = await instance.org()
    made = await org.admin.make("createInvitation", orgSlug=org.slug, email="bob@example.com", role="viewer")
    path = made["acceptUrl"].removeprefix(instance.node.settings.public_url)
    if closed == "used":
        await instance.anonymous().make("acceptInvitation", token=path.rpartition("/")[2])
    if closed == "expired":
        await instance.execute(update(Invitation).values(expires_at=now()))
    if closed == "revoked":
        await org.admin.make("revokeInvitation", orgSlug=org.slug, invitationId=made["id"])
    await instance.mails()
    async with instance.unchanged():
        for answer in (
            await client.get(path, headers=BROWSER),
            await client.post(path, headers={"Accept": "text/html"}),
        ):
            assert answer.status_code == (404 if closed == "revoked" else 410)
            assert ("Not found" if closed == "revoked" else f"invitation_{closed}") in answer.text
    await instance.close()


async def test_a_refusal_of_too_many_links_is_shown_on_the_page(client: httpx2.AsyncClient) -> None:
    answers = [await client.post("/app/signin", data={"email": ADA}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 3500
    assert "rate_limited" in answers[-1].text


async def test_no_log_line_holds_a_secret_of_a_link(
    instance: Instance, client: httpx2.AsyncClient, request_lines: list[str]
) -> None:
    org = await instance.org()
    made: dict[str, Any] = await org.admin.make(
        "createInvitation", orgSlug=org.slug, email="bob@example.com", role="viewer"
    )
    path = made["acceptUrl"].removeprefix(instance.node.settings.public_url)
    with logged(request_lines) as logs:
        link = await asked(instance, client)
        await client.get(link)
        await client.get(path)
        await client.get("/api/v1/invitations/" + path.rpartition("/")[2])
    reported = repr(logs)
    assert "/app/invitations/{token}" in reported
    assert "/api/v1/invitations/{token}" in reported
    for secret in ("sbl_", "sbi_"):
        assert secret not in reported
    await instance.close()


async def test_a_link_asked_for_over_graphql_is_the_browsers_too(
    app: Starlette, instance: Instance, client: httpx2.AsyncClient
) -> None:
    await instance.person("ada")
    document = 'mutation { requestMagicLink(input: {email: "ada@example.com"}) { sent } }'
    answer = await client.post(
        "/graphql", json={"query": document}, headers={**BROWSER, "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.json() == {"data": {"requestMagicLink": {"sent": True}}}
    link = "/auth/link?t=" + (await instance.mail("ada@example.com")).secret
    assert leads(await client.get(link, headers=BROWSER)) == (303, "/app/", True)


async def test_an_invitation_does_not_tell_who_has_an_account(app: Starlette, instance: Instance) -> None:
    org = await instance.org()
    await instance.person("bob")
    shown = []
    for email in ("bob@example.com", "eve@example.com"):
        made = await org.admin.make("createInvitation", orgSlug=org.slug, email=email, role="viewer")
        path = made["acceptUrl"].removeprefix(instance.node.settings.public_url)
        async with client_of(app) as anybody:
            shown.append((await anybody.get(path, headers=BROWSER)).text.replace(email, "").replace(path, ""))
    assert shown[0] == shown[1]
    assert "If you have an account" in shown[0]
    assert "If you are new" in shown[0]
    await instance.close()
