"""Who came in and who was refused can be found out afterwards, and nobody fills the database by being refused."""

import json
from datetime import timedelta

from sqlalchemy import update

from app.jobs.refusals import refusals_job, write_refusals
from app.jobs.worker import working
from app.models import AuditEvent, MagicLink
from tests.clock import SetClock, now
from tests.factories import Instance, Org

REFUSALS = {"sign_in_failed", "claim_failed", "token_refused"}


async def refusals(instance: Instance) -> list[AuditEvent]:
    await write_refusals(instance.node)
    return [event for event in await instance.audited() if event.action in REFUSALS]


def told(event: AuditEvent) -> tuple[str, str, int]:
    new = json.loads(event.new_value or "null")
    return event.action, new["code"], new["count"]


async def test_a_sign_in_is_audited(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    reply = await instance.anonymous(address="192.0.2.7").do("redeemLink", token=await instance.link_for(user))
    event = (await instance.audited())[-1]
    assert (event.action, event.org_id, event.address) == ("sign_in", None, "192.0.2.7")
    assert (event.actor_id, event.request_id) == (user.id, reply.request_id)


async def test_failed_sign_ins_are_audited_with_the_account_and_without_a_secret(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    used = await instance.link_for(user)
    await instance.anonymous().make("redeemLink", token=used)
    late = await instance.link_for(user)
    await instance.anonymous(address="192.0.2.7").do("redeemLink", token=used)
    await instance.execute(update(MagicLink).values(expires_at=now()))
    await instance.anonymous().do("redeemLink", token=late)
    reply = await instance.anonymous().do("redeemLink", token="sbl_unknown")
    found = await refusals(instance)
    assert [told(event) for event in found] == [
        ("sign_in_failed", "magic_link_used", 1),
        ("sign_in_failed", "magic_link_expired", 1),
        ("sign_in_failed", "magic_link_invalid", 1),
    ]
    assert [(event.resource_type, event.resource_id, event.resource_key) for event in found] == [
        ("user", user.id, ""),
        ("user", user.id, ""),
        ("instance", "", ""),
    ]
    assert (found[0].address, found[2].request_id) == ("192.0.2.7", reply.request_id)
    assert {event.org_id for event in found} == {None}
    for secret in (used, late):
        assert secret not in repr(await instance.rows())


async def test_wrong_claim_codes_are_audited(instance: Instance) -> None:
    body = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": "a guess of somebody"}
    for _ in range(2):
        await instance.anonymous().do("installClaim", **body)
    (event,) = await refusals(instance)
    assert told(event) == ("claim_failed", "invalid_request", 2)
    assert "a guess" not in repr(event)


async def test_refused_tokens_are_audited_where_they_belong(instance: Instance, org: Org) -> None:
    made = await instance.minted(org, ipAllowlist=["192.0.2.0/24"])
    elsewhere = instance.bearer(made["token"], "198.51.100.1")
    assert (await elsewhere.do("org", slug=org.slug)).code == "token_ip_denied"
    await instance.bearer("sbx_unknown").do("org", slug=org.slug)
    denied, unknown = await refusals(instance)
    assert told(denied) == ("token_refused", "token_ip_denied", 1)
    assert (denied.resource_id, denied.resource_key, denied.address) == (made["id"], made["name"], "198.51.100.1")
    assert denied.org_id == (await org.owner.make("org", slug=org.slug))["id"]
    assert told(unknown) == ("token_refused", "unauthorized", 1)
    assert (unknown.org_id, unknown.resource_id) == (None, "")


async def test_being_refused_writes_a_row_an_hour(instance: Instance, clock: SetClock) -> None:
    """Whatever is sent, and from wherever."""
    for hour in range(3):
        for minute in range(4):
            clock.ahead = timedelta(hours=hour, minutes=minute + 1)
            for number in range(3):
                caller = instance.anonymous(address=f"192.0.2.{number}")
                await caller.do("redeemLink", token=f"sbl_{hour}{minute}{number}")
            await write_refusals(instance.node)
    assert [told(event)[2] for event in await refusals(instance)] == [3, 12, 12]
    clock.ahead = timedelta(hours=4)
    assert sum(told(event)[2] for event in await refusals(instance)) == 36


async def test_a_server_that_stops_in_order_loses_no_refusal(instance: Instance) -> None:
    async with working([refusals_job(instance.node)]):
        for number in range(3):
            await instance.anonymous().do("redeemLink", token=f"sbl_{number}")
        assert [told(event)[2] for event in await refusals(instance)] == [3]
        for number in range(2):
            await instance.anonymous().do("redeemLink", token=f"sbl_late{number}")
        assert [told(event)[2] for event in await refusals(instance)] == [3]
    written = [event for event in await instance.audited() if event.action in REFUSALS]
    assert [told(event)[2] for event in written] == [3, 2]


async def test_addresses_are_left_out_where_the_operator_wants_none(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    object.__setattr__(instance.node.settings, "log_addresses", False)
    await instance.anonymous(address="192.0.2.7").make("redeemLink", token=await instance.link_for(user))
    await instance.anonymous(address="192.0.2.7").do("redeemLink", token="sbl_unknown")
    assert [event.action for event in await refusals(instance)] == ["sign_in_failed"]
    assert {event.address for event in await instance.audited()} == {None}
