"""The session cookie: set and cleared alike on both transports, and out of reach of scripts and other sites."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

from app.settings import Settings
from tests.clients import Api, Reply
from tests.conftest import CLAIM_CODE
from tests.factories import Instance

CLAIM = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
THIRTY_DAYS = str(30 * 24 * 3600)


async def cookies_of(caller: Api, operation: str, **arguments: Any) -> "tuple[Reply, list[Morsel[str]]]":
    """The answer, and the cookies that it sets."""
    found: list[Morsel[str]] = []

    async def look(response: Any) -> None:
        for header in response.headers.get_list("set-cookie"):
            found.extend(SimpleCookie(header).values())

    caller.client.event_hooks["response"].append(look)
    return await caller.do(operation, **arguments), found


async def cookie_of(caller: Api, operation: str, **arguments: Any) -> "Morsel[str]":
    """The cookie that a success sets."""
    reply, (cookie,) = await cookies_of(caller, operation, **arguments)
    reply.unwrap()
    return cookie


async def test_the_cookie_is_for_the_browser_alone(instance: Instance) -> None:
    cookie = await cookie_of(instance.anonymous(), "installClaim", **CLAIM)
    assert cookie.key == "signalbox_session"
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "lax", "/")
    assert (cookie["max-age"], cookie["domain"], cookie["secure"]) == (THIRTY_DAYS, "", "")
    assert len(cookie.value) > 40


async def test_signing_out_clears_it(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    cookie = await cookie_of(ada, "logout")
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")


async def test_reading_sets_no_cookie(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    with pytest.raises(ValueError, match="not enough values"):
        await cookie_of(ada, "me")


async def test_of_several_cookies_the_first_live_one_counts(instance: Instance) -> None:
    (_, ada), (_, bob) = await instance.person("ada"), await instance.person("bob")
    secrets = [one.client.cookies["signalbox_session"] for one in (ada, bob)]
    both = "; ".join(f"signalbox_session={secret}" for secret in ("sbs_stale", *secrets, "sbs_last"))
    caller = instance.anonymous()
    caller.client.headers = {"Cookie": both}
    assert (await caller.make("me"))["email"] == "ada@example.com"


async def test_a_request_cannot_have_any_number_of_cookies_looked_up(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    secrets = [*(f"sbs_{number}" for number in range(100)), ada.client.cookies["signalbox_session"]]
    caller = instance.anonymous()
    caller.client.headers = {"Cookie": "; ".join(f"signalbox_session={secret}" for secret in secrets)}
    assert (await caller.do("me")).code == "unauthorized"


@pytest.mark.raises_codes("unauthorized")
async def test_a_cookie_whose_session_has_ended_counts_as_none_and_is_cleared(instance: Instance) -> None:
    for operation, code in (("errorCatalog", None), ("me", "unauthorized")):
        caller = instance.anonymous("sbs_ended")
        reply, (cookie,) = await cookies_of(caller, operation)
        assert reply.code == code
        assert (cookie.key, cookie.value, cookie["max-age"]) == ("signalbox_session", "", "0")


@pytest.mark.parametrize(
    ("base_url", "name", "path"),
    [
        ("https://flags.example.com", "__Host-signalbox_session", "/"),
        ("https://example.com/flags", "__Secure-signalbox_session", "/flags"),
    ],
)
class TestBehindHttps:
    """An instance that people reach over https."""

    @pytest.fixture
    def settings(self, settings: Settings, base_url: str) -> Settings:
        """Its address says so."""
        return settings.model_copy(update={"base_url": base_url})

    @pytest.fixture
    def caller(self, instance: Instance, path: str) -> Api:
        """Who calls below the path of the address."""
        caller = instance.anonymous()
        caller.client.base_url = f"http://signalbox.test{path}"
        return caller

    async def test_the_cookie_is_secure_and_no_sibling_domain_can_set_it(
        self, caller: Api, name: str, path: str
    ) -> None:
        cookie = await cookie_of(caller, "installClaim", **CLAIM)
        assert (cookie.key, cookie["secure"], cookie["path"], cookie["domain"]) == (name, True, path, "")
        caller.client.cookies.clear()
        for sent, code in ((name, None), ("signalbox_session", "unauthorized")):
            caller.client.headers = {"Cookie": f"{sent}={cookie.value}"}
            assert (await caller.do("me")).code == code

    async def test_signing_out_clears_it(self, caller: Api, name: str, path: str) -> None:
        made = await cookie_of(caller, "installClaim", **CLAIM)
        caller.client.headers = {"Cookie": f"{name}={made.value}"}
        reply, cookies = await cookies_of(caller, "logout")
        reply.unwrap()
        assert (cookies[-1].key, cookies[-1].value, cookies[-1]["path"]) == (name, "", path)
