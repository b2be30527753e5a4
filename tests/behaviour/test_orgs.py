"""Organisations: made by anybody who is signed in, read by members, renamed by admins."""

import pytest

from app.models import DEFAULT_RATE_PER_MIN
from tests.factories import Instance, Org


async def test_who_creates_an_org_owns_it(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    org = await ada.make("createOrg", slug="acme", name="Acme")
    assert (org["slug"], org["name"]) == ("acme", "Acme")
    assert (org["defaultTargetIdField"], org["maxRateLimitPerMin"]) == (None, DEFAULT_RATE_PER_MIN)
    assert org["createdAt"] == org["updatedAt"]
    assert org["createdAt"].endswith("Z")
    me = await ada.make("me")
    assert [(one["org"]["id"], one["role"]) for one in me["orgs"]] == [(org["id"], "owner")]
    assert await ada.make("org", slug="acme") == org


@pytest.mark.provokes("slug_unavailable")
async def test_a_slug_is_unique_on_the_instance(instance: Instance, org: Org) -> None:
    _, stranger = await instance.person("stranger")
    async with instance.unchanged():
        for caller in (stranger, org.owner):
            reply = await caller.do("createOrg", slug=org.slug, name="Mine")
            assert (reply.code, reply.status) == ("slug_unavailable", 409)


@pytest.mark.parametrize("slug", ["", "Acme", "-acme", ".acme", "a b", "ä", "a" * 129, "acme\n", "a/b"])
async def test_a_slug_has_its_grammar(instance: Instance, slug: str) -> None:
    _, ada = await instance.person("ada")
    async with instance.unchanged():
        reply = await ada.do("createOrg", slug=slug, name="Acme")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"slug"})


@pytest.mark.parametrize("slug", ["0", "a" * 128, "a.b_c-d"])
async def test_the_longest_and_the_oddest_slugs_work_in_paths_too(instance: Instance, slug: str) -> None:
    _, ada = await instance.person("ada")
    await ada.make("createOrg", slug=slug, name="Acme")
    assert (await ada.make("org", slug=slug))["slug"] == slug


@pytest.mark.parametrize(
    ("name", "good"), [("", False), ("  ", False), ("x" * 201, False), ("\0", False), ("é" * 200, True)]
)
async def test_a_name_has_up_to_200_characters(org: Org, name: str, good: bool) -> None:
    reply = await org.admin.do("updateOrg", slug=org.slug, name=name)
    assert (reply.code, set(reply.fields)) == ((None, set()) if good else ("invalid_request", {"name"}))


async def test_an_org_is_renamed(org: Org) -> None:
    before = await org.viewer.make("org", slug=org.slug)
    renamed = await org.admin.make("updateOrg", slug=org.slug, name="Acme and Daughters")
    assert renamed["name"] == "Acme and Daughters"
    assert renamed["updatedAt"] > before["updatedAt"]
    assert {**renamed, "name": before["name"], "updatedAt": before["updatedAt"]} == before
    assert await org.viewer.make("org", slug=org.slug) == renamed


async def test_the_orgs_listed_are_ones_own(instance: Instance) -> None:
    mine, theirs = await instance.org("mine"), await instance.org("theirs")
    await mine.viewer.make("createOrg", slug="second", name="Second")
    assert [org["slug"] for org in await mine.viewer.make("orgs")] == ["mine", "second"]
    assert [org["slug"] for org in await theirs.owner.make("orgs")] == ["theirs"]
    _, nobody = await instance.person("nobody")
    assert await nobody.make("orgs") == []
