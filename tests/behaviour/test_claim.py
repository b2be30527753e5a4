"""Claiming an empty instance: once, by whoever holds the code, and never again."""

import asyncio
from typing import Any

import pytest

from tests.conftest import CLAIM_CODE
from tests.factories import Instance

ADA = {
    "email": "Ada@Example.com",
    "displayName": "Ada",
    "orgName": "Acme Inc.",
    "orgSlug": "acme",
    "claimCode": CLAIM_CODE,
}


def claim_of(name: str) -> dict[str, Any]:
    return {**ADA, "email": f"{name}@example.com", "orgSlug": name}


async def test_claiming_makes_the_owner_and_signs_them_in(instance: Instance) -> None:
    ada = instance.anonymous()
    claimed = await ada.make("installClaim", **ADA)
    assert claimed["org"]["slug"] == "acme"
    assert claimed["org"]["name"] == "Acme Inc."
    me = await ada.make("me")
    assert me == claimed["me"]
    assert me["email"] == "Ada@Example.com"
    assert me["actor"] == {"kind": "member", "id": me["actor"]["id"], "name": "Ada"}
    assert [(one["org"]["slug"], one["role"]) for one in me["orgs"]] == [("acme", "owner")]
    await ada.make("createProject", orgSlug="acme", key="web", name="Web")


async def test_without_a_display_name_the_email_gives_one(instance: Instance) -> None:
    body = {name: value for name, value in ADA.items() if name != "displayName"}
    claimed = await instance.anonymous().make("installClaim", **body)
    assert claimed["me"]["actor"]["name"] == "Ada"


@pytest.mark.all_pairs
@pytest.mark.raises_codes("already_claimed")
async def test_of_two_claims_at_one_moment_one_wins(instance: Instance) -> None:
    callers = [instance.anonymous() for _ in range(2)]
    replies = await asyncio.gather(
        *(api.do("installClaim", **claim_of(name)) for api, name in zip(callers, ("ada", "bob"), strict=True))
    )
    assert sorted(reply.code or "" for reply in replies) == ["", "already_claimed"]
    rows = await instance.rows()
    assert [len(rows[table]) for table in ("org", "user", "membership", "session")] == [1, 1, 1, 1]
    winner = callers[[reply.code for reply in replies].index(None)]
    assert len((await winner.make("me"))["orgs"]) == 1


@pytest.mark.raises_codes("invalid_request")
async def test_a_wrong_code_claims_nothing(instance: Instance) -> None:
    async with instance.unchanged():
        reply = await instance.anonymous().do("installClaim", **{**ADA, "claimCode": "not-the-claim-code"})
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"claimCode"})
    await instance.anonymous().make("installClaim", **ADA)


async def test_all_faults_of_a_claim_are_told_at_once(instance: Instance) -> None:
    body = {"email": "nobody", "displayName": " ", "orgName": "", "orgSlug": "No Slug", "claimCode": "wrong"}
    async with instance.unchanged():
        reply = await instance.anonymous().do("installClaim", **body)
        assert (reply.code, reply.status) == ("invalid_request", 400)
        assert set(reply.fields) == {"email", "displayName", "orgName", "orgSlug"}


async def test_claimed_stays_claimed_whatever_becomes_of_the_org(instance: Instance) -> None:
    await instance.anonymous().make("installClaim", **ADA)
    async with instance.unchanged():
        for body in (ADA, claim_of("bob"), {**claim_of("bob"), "claimCode": "wrong"}):
            assert (await instance.anonymous().do("installClaim", **body)).code == "already_claimed"
