"""Tags: reads answer 304 to who has the answer already, writes are refused to who has an old one."""

import shutil
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.etags import state_etag
from app.engine.kinds import Kind
from app.main import create_app
from app.models import Primitive, State
from app.rest.app import TABLE
from app.rest.openapi.document import accepts_if_match
from app.settings import Settings
from app.store.states import Current
from scripts._parity import graphql_name
from tests.behaviour.test_roles import FOR_ADMINS, READS, WRITES
from tests.clients import ENDPOINTS, RestApi, address
from tests.clock import SetClock
from tests.conftest import client_of
from tests.factories import Instance, Seeded, Workspace

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
OF_THE_CALLER = ("me", "orgs", "sessions", "proposals", "errorCatalog")
PATHS = {endpoint.path for endpoint in TABLE if endpoint.method == "GET" and not endpoint.is_list}
HEEDING = [graphql_name(endpoint) for endpoint in TABLE if accepts_if_match(endpoint, PATHS)]
GETS = [name for name in (*READS, *FOR_ADMINS) if ENDPOINTS[name].safe] + list(OF_THE_CALLER)


def arguments_of(operation: str, workspace: Workspace) -> dict[str, Any]:
    known = READS | FOR_ADMINS | WRITES
    return known[operation](workspace) if operation in known else {}


def test_every_read_and_every_heeding_write_is_tried() -> None:
    others = {"openapi", "invitation"}
    assert {graphql_name(endpoint) for endpoint in TABLE if endpoint.safe and not endpoint.is_stream} == {
        *GETS,
        *others,
    }
    assert set(HEEDING) <= set(WRITES)


@pytest.mark.parametrize("operation", GETS)
async def test_a_read_has_a_tag_and_answers_304_to_it(workspace: Workspace, operation: str) -> None:
    client, asked = workspace.org.owner.client, arguments_of(operation, workspace)
    path = client.build_request("GET", address(ENDPOINTS[operation], asked), params=asked).url
    got = await client.get(path)
    tag = got.headers["etag"]
    assert got.headers["cache-control"] == "private, no-cache"
    compressed = ", Accept-Encoding" if operation in {"ruleset", "errorCatalog"} else ""
    assert got.headers["vary"] == f"Authorization, X-API-Key, Cookie{compressed}"
    for has in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(path, headers={"If-None-Match": has})
        assert (again.status_code, again.content) == (304, b""), has
        kept = {"etag", "cache-control", "vary"}
        assert {name: again.headers[name] for name in kept} == {name: got.headers[name] for name in kept}
        assert "content-type" not in again.headers
    for has_not in ('"other"', "nonsense", f'{tag[:-1]}x"', ""):
        assert (await client.get(path, headers={"If-None-Match": has_not})).status_code == 200, has_not


@pytest.mark.parametrize("operation", HEEDING)
@pytest.mark.raises_codes("precondition_failed", on="rest")
async def test_a_write_honors_if_match(instance: Instance, workspace: Workspace, operation: str) -> None:
    client, endpoint = workspace.org.owner.client, ENDPOINTS[operation]
    body = arguments_of(operation, workspace)
    path = address(endpoint, body)
    read = path if endpoint.path in PATHS else path.rpartition("/")[0]
    tag = (await client.get(read)).headers["etag"]
    async with instance.unchanged():
        for stale in ('"stale"', f'W/"x{tag[1:-1]}"', '"a", "b"'):
            refused = await client.request(endpoint.method, path, json=body, headers={"If-Match": stale})
            assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed"), stale
    written = await client.request(endpoint.method, path, json=body, headers={"If-Match": f'"other", W/{tag}'})
    assert written.is_success, written.text
    unchanged = operation == "restoreFlag" or operation.startswith("promote")  # not killed, and from itself
    if endpoint.method != "DELETE" and not unchanged:
        assert written.headers["etag"] == (await client.get(read)).headers["etag"] != tag


@pytest.mark.parametrize("operation", [name for name in WRITES if ENDPOINTS[name].status == 201])
async def test_what_is_made_is_where_the_location_says(workspace: Workspace, operation: str) -> None:
    body = arguments_of(operation, workspace)
    owner, path = workspace.org.owner.client, address(ENDPOINTS[operation], body)
    made = await owner.post(path, json=body)
    assert made.status_code == 201
    location = made.headers["location"]
    assert location.startswith("/api/v1/")
    if operation == "reviewProposal":  # which is read in its list
        assert (await owner.get(location)).json() == [made.json()]
    elif operation != "createInvitation":  # which is read in its list, too, or by its link
        read = await owner.get(location)
        assert read.status_code == 200
        assert read.headers["etag"] == made.headers["etag"]
        assert read.json() == {name: value for name, value in made.json().items() if name != "token"}


async def test_a_lists_tag_tells_its_query_and_its_content(workspace: Workspace) -> None:
    owner, path = workspace.org.owner.client, f"/api/v1/envs/{workspace.environment_id}/flags"
    tags = {query: (await owner.get(path + query)).headers["etag"] for query in ("", "?type=string", "?limit=1")}
    assert len(set(tags.values())) == 3
    await workspace.org.owner.make("killFlag", **workspace.checkout)
    assert (await owner.get(path)).headers["etag"] != tags[""]
    assert (await owner.get(f"{path}?type=string")).headers["etag"] == tags["?type=string"]


async def test_no_cache_keeps_a_refusal_or_the_answer_to_a_write(workspace: Workspace) -> None:
    owner = workspace.org.owner.client
    missing = await owner.get("/api/v1/projects/none")
    written = await owner.post("/api/v1/orgs", json={"slug": "other", "name": "Other"})
    assert [one.headers["cache-control"] for one in (missing, written)] == ["no-store", "no-store"]


async def test_a_lists_tag_tells_the_query_the_next_part_and_the_token(
    instance: Instance, workspace: Workspace
) -> None:
    viewer, token = workspace.org.viewer.client, (await instance.token(workspace.org, level="observer")).client
    path = f"/api/v1/projects/{workspace.project_id}/flags"
    tags = [
        (await caller.get(f"{path}{query}")).headers["etag"]
        for caller, query in (
            *((viewer, query) for query in ("", "?limit=2", "?search=zzz", "?key=nope", "?limit=1")),
            (token, ""),
        )
    ]
    assert len(set(tags)) == len(tags)
    before = (await viewer.get(f"{path}?limit=2")).headers
    await workspace.org.editor.make(
        "createFlag", projectId=workspace.project_id, key="third", type="boolean", defaultValue=True
    )
    after = await viewer.get(f"{path}?limit=2", headers={"If-None-Match": before["etag"]})
    assert (after.status_code, "link" in after.headers, "link" in before) == (200, True, False)


async def test_no_tag_repeats_after_a_backup_is_restored(settings: Settings, seeded: Seeded, clock: SetClock) -> None:
    tags: list[str | None] = []
    for word in ("one", "two"):
        shutil.copy(seeded.database, str(settings.sqlite_path))
        app = create_app(settings, clock)
        async with app.router.lifespan_context(app):
            instance = Instance(app, RestApi, client_of)
            workspace = instance.over(seeded.workspace)
            project, environment = {"projectId": workspace.project_id}, {"environmentId": workspace.environment_id}
            owner = workspace.org.owner
            for write, arguments in (
                ("updateFlagState", workspace.banner | {"defaultValue": word}),
                ("updateFlag", project | {"key": "banner", "description": word}),
                ("updateProject", project | {"name": word}),
                ("updateEnvironment", environment | {"name": word}),
                ("updateOrg", {"slug": "acme", "name": word}),
            ):
                tags.append((await owner.do(write, **arguments)).etag)
            tags.append((await owner.do("flagState", **workspace.banner)).etag)
            named = {"X-Signalbox-Env": workspace.environment_id}
            tags.append((await owner.client.post("/ofrep/v1/evaluate/flags", headers=named)).headers["etag"])
            await instance.close()
    assert None not in tags
    assert len(set(tags)) == len(tags)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.text(max_size=2)), unique=True))
def test_a_states_tag_tells_its_content(states: list[tuple[int, int, bool, str]]) -> None:
    tags = {
        state_etag(Current(primitive(revision), state(version, killed=killed, default_value=value)))
        for version, revision, killed, value in states
    }
    assert len(tags) == len(states)


def primitive(revision: int) -> Primitive:
    return Primitive(id="p", project_id="w", kind=Kind.FLAG, space="", key="k", revision=revision, updated_at=START)


def state(version: int, **values: Any) -> State:
    values |= {"updated_at": START, "updated_by": {}, "environment_id": "e", "primitive_id": "p"}
    return State(id="s", from_version=version, **values)


async def test_tags_may_stand_on_several_lines(workspace: Workspace) -> None:
    client, path = workspace.org.editor.client, f"/api/v1/envs/{workspace.environment_id}/flags/banner"
    tag = (await client.get(path)).headers["etag"]
    several = [("If-None-Match", '"x"'), ("If-None-Match", f", {tag},")]
    assert (await client.get(path, headers=several)).status_code == 304
    for lines, status in ((['"x"', tag], 200), (['"x"', '"y"'], 412)):
        headers = [("If-Match", line) for line in lines]
        assert (await client.patch(path, json={}, headers=headers)).status_code == status


@pytest.mark.parametrize("operation", HEEDING)
async def test_a_write_ignores_if_none_match(workspace: Workspace, operation: str) -> None:
    client, body = workspace.org.owner.client, arguments_of(operation, workspace)
    endpoint = ENDPOINTS[operation]
    path = address(endpoint, body)
    read = path if endpoint.path in PATHS else path.rpartition("/")[0]
    tag = (await client.get(read)).headers["etag"]
    written = await client.request(endpoint.method, path, json=body, headers={"If-None-Match": f"{tag}, *"})
    assert written.is_success, written.text
