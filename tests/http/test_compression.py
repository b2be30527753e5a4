"""What is compressed and what never is; under which tag; and that it is read back as it was."""

import gzip

import httpx2
import pytest

from app.rest.app import PREFIX
from tests.factories import Instance, Workspace

SCRIPT, OPENAPI, CATALOGUE = "/static/vendor/scalar/standalone.js", f"{PREFIX}/openapi.json", f"{PREFIX}/errors"
STYLE = "/static/app.css"
GZIP, PLAIN = {"Accept-Encoding": "br;q=1, gzip;q=0.9"}, {"Accept-Encoding": "gzip;q=0, br"}
VARY = {PREFIX: "Authorization, X-API-Key, Cookie, Accept-Encoding", "/static": "Accept-Encoding"}


@pytest.fixture
async def ruleset(workspace: Workspace, instance: Instance) -> str:
    """A ruleset that is long enough to be worth it."""
    await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{number}" for number in range(20)])
    return f"{PREFIX}/envs/{workspace.environment_id}/ruleset"


async def raw(client: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx2.Response, bytes]:
    """An answer and its body as it came, which nothing else has read."""
    client.event_hooks = {}
    async with client.stream("GET", path, headers=headers) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


async def check(client: httpx2.AsyncClient, path: str) -> None:
    plain, body = await raw(client, path, PLAIN)
    small, packed = await raw(client, path, GZIP)
    assert (plain.status_code, small.status_code) == (200, 200)
    assert gzip.decompress(packed) == body
    assert len(packed) < len(body) / 2
    tag = plain.headers["etag"]
    assert small.headers["etag"] == f'{tag[:-1]}-gzip"'
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    for response, asked in ((plain, PLAIN), (small, GZIP)):
        assert response.headers["vary"] == next(vary for start, vary in VARY.items() if path.startswith(start))
        for has in (tag, small.headers["etag"], f"W/{tag}"):
            again, nothing = await raw(client, path, {**asked, "If-None-Match": has})
            assert (again.status_code, nothing) == (304, b"")
            assert again.headers["etag"] == response.headers["etag"]
            assert again.headers["vary"] == response.headers["vary"]


@pytest.mark.parametrize("path", [SCRIPT, STYLE, OPENAPI, CATALOGUE])
async def test_what_everybody_gets_alike_is_compressed(path: str, client: httpx2.AsyncClient) -> None:
    await check(client, path)


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
async def test_a_ruleset_is_compressed(ruleset: str, workspace: Workspace, instance: Instance) -> None:
    await check(workspace.org.viewer.client, ruleset)
    limited = await instance.token(
        workspace.org, level="observer", resources=["flag-1.*", *(f"flag-{n}" for n in range(15))]
    )
    await check(limited.client, ruleset)


@pytest.mark.parametrize("instance", ["rest"], indirect=True)
async def test_a_write_shows_in_what_is_compressed(ruleset: str, workspace: Workspace) -> None:
    viewer = workspace.org.viewer.client
    before, packed = await raw(viewer, ruleset, GZIP)
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    after, repacked = await raw(viewer, ruleset, {**GZIP, "If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert gzip.decompress(packed) != gzip.decompress(repacked)


async def test_pages_and_what_is_sent_back_are_never_compressed(workspace: Workspace) -> None:
    owner = workspace.org.owner.client
    evaluate = f"{PREFIX}/envs/{workspace.environment_id}/evaluate"
    long = {"context": {"userId": "x" * 5_000}, "verboseReason": True}
    answers = [
        await owner.get(path, headers={**GZIP, "Accept": "text/html"})
        for path in ("/app/account", "/app/orgs/acme/members", "/docs/errors", "/graphql")
    ]
    answers += [
        await owner.post(evaluate, json=long, headers=GZIP),
        await owner.post("/graphql", json={"query": "{ errorCatalog { code meaning } }"}, headers=GZIP),
        await owner.get(f"{PREFIX}/auth/me", headers=GZIP),
        await owner.get(f"{PREFIX}/orgs", headers=GZIP),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


async def test_what_is_short_is_not_worth_it(client: httpx2.AsyncClient) -> None:
    response, body = await raw(client, "/static/favicon.svg", GZIP)
    assert (response.headers["vary"], "content-encoding" in response.headers) == ("Accept-Encoding", False)
    assert int(response.headers["content-length"]) == len(body)


async def test_static_files_are_kept_for_good_under_their_digest_alone(client: httpx2.AsyncClient) -> None:
    tag = (await client.get(STYLE, headers=PLAIN)).headers["etag"].strip('"')
    kept, stale = await client.get(f"{STYLE}?v={tag}"), await client.get(f"{STYLE}?v=old")
    assert "immutable" in kept.headers["cache-control"]
    assert stale.headers["cache-control"] == "no-cache"
