"""What needs no caller still must not be sent by another site's page: it signs nobody in and mails nothing."""

from typing import Any

import pytest

from app.settings import Mode, Settings
from tests.clients import ENDPOINTS
from tests.conftest import CLAIM_CODE
from tests.factories import Instance

ADA = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme"}
BODIES: dict[str, dict[str, Any]] = {
    "installClaim": {**ADA, "claimCode": CLAIM_CODE},
    "requestMagicLink": {"email": "ada@example.com"},
    "signUp": ADA,
    "logout": {},
}
WITH_SECRETS = {"redeemLink", "acceptInvitation"}


@pytest.fixture
def mode() -> Mode:
    """Where all of them can be called."""
    return Mode.HOSTED


async def body_of(instance: Instance, operation: str) -> dict[str, Any]:
    """What the call would succeed with."""
    if operation == "redeemLink":
        user, _ = await instance.person("ada")
        return {"token": await instance.link_for(user)}
    if operation == "acceptInvitation":
        org = await instance.org()
        asked = {"orgSlug": org.slug, "email": "ada@example.com", "role": "viewer"}
        made = await org.admin.make("createInvitation", **asked)
        await instance.mails()
        return {"token": made["acceptUrl"].rpartition("/")[2]}
    return BODIES[operation]


def test_every_public_call_that_changes_something_is_tried() -> None:
    public = {name for name, endpoint in ENDPOINTS.items() if endpoint.public and not endpoint.safe}
    assert public == set(BODIES) | WITH_SECRETS


@pytest.mark.parametrize("operation", [*BODIES, *sorted(WITH_SECRETS)])
@pytest.mark.raises_codes("forbidden")
async def test_a_public_call_from_another_origin_does_nothing(instance: Instance, operation: str) -> None:
    body, caller = await body_of(instance, operation), instance.anonymous()
    async with instance.unchanged():
        for elsewhere in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            caller.client.headers = elsewhere
            reply = await caller.do(operation, **body)
            assert (reply.code, reply.status) == ("forbidden", 403), elsewhere
            assert not caller.client.cookies
    caller.client.headers = {"Sec-Fetch-Site": "same-origin"}
    (await caller.do(operation, **body)).unwrap()


class TestBehindTls:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"base_url": "https://signalbox.test"})

    @pytest.mark.raises_codes("forbidden")
    async def test_only_pages_of_the_base_url_are_our_own(self, instance: Instance) -> None:
        """Not those that somebody serves without TLS in our name."""
        caller, body = instance.anonymous(), BODIES["requestMagicLink"]
        for elsewhere in ("http://signalbox.test", "https://signalbox.test:8443", "null"):
            caller.client.headers = {"Origin": elsewhere}
            assert (await caller.do("requestMagicLink", **body)).code == "forbidden"
        caller.client.headers = {"Origin": "https://signalbox.test"}
        (await caller.do("requestMagicLink", **body)).unwrap()
