"""Organisations: made by anybody who is signed in, read by members, renamed by admins."""

import asyncio

import pytest

from app.models import DEFAULT_ORG_RATE_PER_MIN
from app.settings import Settings
from tests.factories import Instance, Org, Workspace


async def test_who_creates_an_org_owns_it(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    org = await ada.make("createOrg", slug="acme", name="Acme")
    assert (org["slug"], org["name"]) == ("acme", "Acme")
    assert (org["defaultTargetIdField"], org["maxRateLimitPerMin"]) == (None, DEFAULT_ORG_RATE_PER_MIN)
    assert org["createdAt"] == org["updatedAt"]
    assert org["createdAt"].endswith("Z")
    me = await ada.make("me")
    assert [(one["org"]["id"], one["role"]) for one in me["orgs"]] == [(org["id"], "owner")]
    assert await ada.make("org", slug="acme") == org


@pytest.mark.raises_codes("slug_unavailable")
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


@pytest.mark.all_pairs
@pytest.mark.raises_codes("slug_unavailable")
async def test_of_two_who_want_a_slug_at_one_moment_one_has_it(instance: Instance) -> None:
    people = [(await instance.person(name))[1] for name in ("ada", "bob", "eve")]
    replies = await asyncio.gather(*(one.do("createOrg", slug="acme", name="Acme") for one in people))
    assert sorted(reply.code or "" for reply in replies) == ["", "slug_unavailable", "slug_unavailable"]
    assert len((await instance.rows())["org"]) == 1


@pytest.mark.raises_codes("not_found")
async def test_what_is_below_a_deleted_org_is_gone_for_every_caller_at_once(
    instance: Instance, workspace: Workspace
) -> None:
    org, kept = workspace.org, await instance.workspace(await instance.org("kept"))
    token = await instance.token(org)
    made = await org.admin.make("createInvitation", orgSlug=org.slug, email="bob@example.com", role="viewer")
    await instance.mails()
    assert (await workspace.evaluated("checkout"))["value"] is True
    await org.owner.make("deleteOrg", slug=org.slug, confirm=org.slug)
    for caller in (org.owner, org.viewer):
        for operation, arguments in (
            ("org", {"slug": org.slug}),
            ("members", {"orgSlug": org.slug}),
            ("project", {"projectId": workspace.project_id}),
            ("environment", {"environmentId": workspace.environment_id}),
            ("evaluate", {"environmentId": workspace.environment_id, "context": {}}),
            ("ruleset", {"environmentId": workspace.environment_id}),
        ):
            assert (await caller.do(operation, **arguments)).code == "not_found", operation
        assert (await caller.make("me"))["orgs"] == []
    assert (await token.do("evaluate", environmentId=workspace.environment_id, context={})).code == "unauthorized"
    invited = await instance.anonymous().do("invitation", token=made["acceptUrl"].rpartition("/")[2])
    assert invited.code == "not_found"
    assert (await kept.evaluated("checkout"))["value"] is True
    await org.owner.make("createOrg", slug=org.slug, name="Again")
    assert await org.owner.make("projects", orgSlug=org.slug) == []


async def test_a_person_is_in_several_orgs_with_a_role_in_each(instance: Instance, org: Org) -> None:
    other = await instance.org("other")
    email = (await org.viewer.make("me"))["email"]
    made = await other.admin.make("createInvitation", orgSlug="other", email=email, role="admin")
    await org.viewer.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2])
    await org.viewer.make("createOrg", slug="third", name="Third")
    roles = {one["org"]["slug"]: one["role"] for one in (await org.viewer.make("me"))["orgs"]}
    assert roles == {"acme": "viewer", "other": "admin", "third": "owner"}
    assert (await org.viewer.do("updateOrg", slug="acme", name="x")).code == "insufficient_role"
    await org.viewer.make("updateOrg", slug="other", name="x")


class TestUnderTheOperatorsLimit:
    """An instance whose operator grants no organisation more than a thousand requests a minute."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The limit."""
        return settings.model_copy(update={"max_rate_per_min": 1000})

    @pytest.mark.raises_codes("invalid_request")
    async def test_an_org_grants_itself_no_more(self, instance: Instance, org: Org) -> None:
        async with instance.unchanged():
            reply = await org.admin.do("updateOrg", slug=org.slug, maxRateLimitPerMin=1001)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {"maxRateLimitPerMin"})
        changed = await org.admin.make("updateOrg", slug=org.slug, maxRateLimitPerMin=1000)
        assert changed["maxRateLimitPerMin"] == 1000
