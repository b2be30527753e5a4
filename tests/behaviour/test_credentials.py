"""Credentials that do not count: one code, and a message that says which mistake it was."""

import pytest

from app.domain.token_secrets import new_token_secret
from tests.clients import Api
from tests.factories import Instance

TOKEN = new_token_secret()
MISTYPED = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")


async def message_of(caller: Api) -> str:
    """What the caller is told, who is refused as unauthorized."""
    reply = await caller.do("me")
    assert (reply.code, reply.status) == ("unauthorized", 401)
    return reply.message


@pytest.mark.raises_codes("unauthorized")
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "No credentials were sent."),
        ({"Authorization": "Basic YTpi"}, "must be `Bearer`"),
        ({"Authorization": f"Token {TOKEN}"}, "must be `Bearer`"),
        ({"Authorization": TOKEN}, "must be `Bearer`"),
        ({"Authorization": "Bearer"}, "must be `Bearer`"),
        ({"Authorization": "Bearer ghp_0123456789"}, "not a token of this service"),
        ({"Authorization": "Bearer Bearer x"}, "not a token of this service"),
        ({"Authorization": "Bearer sbx_\u00e4".encode("latin-1")}, "checksum does not match"),
        ({"X-API-Key": ""}, "not a token of this service"),
        ({"Authorization": f"Bearer {MISTYPED}"}, "checksum does not match"),
        ({"Authorization": f"Bearer {TOKEN[:20]}"}, "checksum does not match"),
        ({"X-API-Key": MISTYPED}, "checksum does not match"),
        ({"Authorization": f"Bearer {TOKEN}"}, "unknown, revoked or expired"),
        ({"Cookie": "signalbox_session=sbs_ended"}, "The session has ended."),
    ],
)
async def test_the_message_says_what_is_wrong_with_them(
    instance: Instance, headers: dict[str, str | bytes], told: str
) -> None:
    caller = instance.anonymous()
    caller.client.headers = headers
    assert told in await message_of(caller)


@pytest.mark.raises_codes("unauthorized")
@pytest.mark.parametrize("parameter", ["token", "access_token", "api_key"])
async def test_a_token_in_the_query_is_told_where_it_belongs(instance: Instance, parameter: str) -> None:
    caller = instance.anonymous()
    caller.client.params = {parameter: TOKEN}
    message = await message_of(caller)
    assert "`Authorization: Bearer sbx_…`" in message
    assert "query string" in message


@pytest.mark.raises_codes("unauthorized", on="rest")
async def test_every_refusal_of_credentials_asks_for_a_bearer(instance: Instance) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"X-API-Key": TOKEN}, {"Cookie": "signalbox_session=x"}):
        response = await instance.anonymous().client.get("/api/v1/auth/me", headers=headers)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
