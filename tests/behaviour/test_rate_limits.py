"""Rate limits of tokens and of people: the headers and refusals that callers see. The arithmetic has its own tests."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from app.domain.rate_limits import Bucket
from app.runtime.rate_limits import MemoryBuckets
from app.services.throttling import PER_PERSON
from tests.clients import Api
from tests.factories import Instance, Workspace

SECOND = 1_000_000
NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def bucket_clock(instance: Instance) -> Clock:
    """The clock of this instance's buckets."""
    made = Clock()
    instance.node.buckets = MemoryBuckets(made)
    return made


class Watched:
    """A caller, and the headers of its last answer."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.reported: dict[str, int] = {}
        self.status = 0
        api.client.event_hooks["response"].append(self._guard)

    async def _guard(self, response: httpx2.Response) -> None:
        self.reported = {name: int(response.headers[name]) for name in NAMES if name in response.headers}
        self.status = response.status_code

    async def ask(self, operation: str, **arguments: Any) -> tuple[str | None, list[int]]:
        reply = await self.api.do(operation, **arguments)
        return reply.code, list(self.reported.values())


async def watched(instance: Instance, workspace: Workspace, **asked: Any) -> Watched:
    return Watched(await instance.token(workspace.org, **asked))


@pytest.mark.raises_codes("token_rate_limit")
async def test_a_burst_a_refusal_and_a_refill(instance: Instance, workspace: Workspace, bucket_clock: Clock) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=3)
    where = {"environmentId": workspace.environment_id}
    assert [await caller.ask("environment", **where) for _ in range(3)] == [
        (None, [3, 2, 20]),
        (None, [3, 1, 40]),
        (None, [3, 0, 60]),
    ]
    async with instance.unchanged():
        for _ in range(3):
            assert await caller.ask("killFlag", **workspace.banner) == ("token_rate_limit", [3, 0, 60, 20])
            assert caller.status == 429
    bucket_clock.at += 19 * SECOND + 1
    assert await caller.ask("environment", **where) == ("token_rate_limit", [3, 0, 41, 1])
    bucket_clock.at += SECOND - 1
    assert await caller.ask("environment", **where) == (None, [3, 0, 60])


async def test_headers_stand_on_successes_and_not_modified_and_not_on_refusals(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=60)
    assert await caller.ask("killFlag", **workspace.banner) == (None, [60, 59, 1])
    client = caller.api.client
    path = f"/api/v1/envs/{workspace.environment_id}"
    found = await client.get(path)
    assert list(caller.reported.values()) == [60, 58, 2]
    assert (await client.get(path, headers={"If-None-Match": found.headers["etag"]})).status_code == 304
    assert list(caller.reported.values()) == [60, 57, 3]
    for method, address, status in (("GET", "/api/v1/projects/x", 404), ("POST", path, 405), ("POST", "/graphql", 400)):
        assert (await client.request(method, address, json={})).status_code == status
        assert caller.reported == {}
    await client.get(path)
    assert list(caller.reported.values()) == [60, 54, 6]  # a wrong method is reported before anybody asks who calls


async def test_a_request_that_is_refused_later_has_taken_its_share(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=2, level="observer")
    for _ in range(2):
        assert (await caller.api.do("killFlag", **workspace.banner)).code == "token_action_denied"
    assert (await caller.api.do("killFlag", **workspace.banner)).code == "token_rate_limit"


async def test_the_limit_comes_before_the_body_and_the_ids(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=1)
    await caller.api.do("orgs")
    for content in (b"{", b"x" * 2_000_000):
        for path in (f"/api/v1/projects/{workspace.project_id}", "/graphql"):
            method = "POST" if path == "/graphql" else "PATCH"
            response = await caller.api.client.request(method, path, content=content)
            assert response.status_code == 429
            body = response.json()
            assert (body if "code" in body else body["errors"][0]["extensions"])["code"] == "token_rate_limit"


async def test_the_tokens_of_an_organisation_share_its_bucket(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    await workspace.org.admin.make("updateOrg", slug=workspace.org.slug, maxRateLimitPerMin=4)
    first, second = [await watched(instance, workspace, rateLimitPerMin=3) for _ in range(2)]
    assert await first.ask("orgs") == (None, [3, 2, 20])
    assert await first.ask("orgs") == (
        None,
        [3, 1, 40],
    )  # two are left in the organisation's bucket, one in the token's
    assert await second.ask("orgs") == (None, [4, 1, 45])
    assert await second.ask("orgs") == (None, [4, 0, 60])
    assert await second.ask("orgs") == ("token_rate_limit", [4, 0, 60, 15])
    bucket_clock.at += 15 * SECOND
    assert await second.ask("orgs") == (None, [3, 0, 45])  # of a tie the token's is reported; the refusal took nothing


async def test_a_changed_limit_of_the_organisation_acts_at_once(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=100)
    assert await caller.ask("orgs") == (None, [100, 99, 1])
    await workspace.org.admin.make("updateOrg", slug=workspace.org.slug, maxRateLimitPerMin=2)
    assert await caller.ask("orgs") == (None, [2, 0, 60])
    assert await caller.ask("orgs") == ("token_rate_limit", [2, 0, 60, 30])
    await workspace.org.admin.make("updateOrg", slug=workspace.org.slug, maxRateLimitPerMin=1000)
    assert (await caller.ask("orgs"))[1][0] == 100


async def test_organisations_do_not_take_from_each_other(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    other = replace(workspace, org=await instance.org("other"))
    first, second = (
        await watched(instance, workspace, rateLimitPerMin=1),
        await watched(instance, other, rateLimitPerMin=1),
    )
    for caller in (first, second):
        assert await caller.ask("orgs") == (None, [1, 0, 60])


@pytest.mark.raises_codes("rate_limited")
async def test_a_person_has_a_bucket_for_all_sessions_and_no_headers(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller, other = Watched(workspace.org.editor), Watched(workspace.org.viewer)
    person = (await caller.api.make("me"))["actor"]["id"]
    await instance.node.buckets.take([Bucket(person, PER_PERSON)], PER_PERSON - 2)
    assert await caller.ask("orgs") == (None, [])
    async with instance.unchanged():
        assert await caller.ask("killFlag", **workspace.banner) == ("rate_limited", [1])
        assert caller.status == 429
        assert (await caller.api.client.get("/app/")).status_code == 429
    assert await other.ask("orgs") == (None, [])
    bucket_clock.at += SECOND // 100
    assert await caller.ask("killFlag", **workspace.banner) == (None, [])


async def test_callers_without_credentials_have_no_bucket(instance: Instance, bucket_clock: Clock) -> None:
    assert await Watched(instance.anonymous()).ask("errorCatalog") == (None, [])


async def test_a_bearer_pays_for_what_is_public_too(
    instance: Instance, workspace: Workspace, bucket_clock: Clock
) -> None:
    caller = await watched(instance, workspace, rateLimitPerMin=1)
    assert await caller.ask("errorCatalog") == (None, [1, 0, 60])
    assert (await caller.ask("errorCatalog"))[0] == "token_rate_limit"
