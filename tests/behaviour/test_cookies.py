"""The session cookie: set and cleared alike on both transports, and out of reach of scripts and other sites."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

from app.settings import Settings
from tests.clients import Api
from tests.conftest import CLAIM_CODE
from tests.factories import Instance

CLAIM = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
THIRTY_DAYS = str(30 * 24 * 3600)


async def cookie_of(caller: Api, operation: str, **arguments: Any) -> "Morsel[str]":
    """The session cookie that the answer sets."""
    found: list[Morsel[str]] = []

    async def look(response: Any) -> None:
        for header in response.headers.get_list("set-cookie"):
            found.extend(SimpleCookie(header).values())

    caller.client.event_hooks["response"].append(look)
    await caller.make(operation, **arguments)
    (cookie,) = found
    assert cookie.key == "signalbox_session"
    return cookie


async def test_the_cookie_is_for_the_browser_alone(instance: Instance) -> None:
    cookie = await cookie_of(instance.anonymous(), "installClaim", **CLAIM)
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


class TestBehindHttps:
    """An instance that people reach over https."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Its address says so."""
        return settings.model_copy(update={"base_url": "https://flags.example.com"})

    async def test_the_cookie_is_secure(self, instance: Instance) -> None:
        cookie = await cookie_of(instance.anonymous(), "installClaim", **CLAIM)
        assert cookie["secure"] is True
