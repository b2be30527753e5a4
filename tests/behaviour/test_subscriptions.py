"""What subscriptions tell, to whom, and what ends them. Over WebSocket; what happens is done over both transports."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import update
from sqlmodel import col
from starlette.applications import Starlette

from app.domain.errors import AppError
from app.domain.ids import digest
from app.graphql.pace import Turns
from app.graphql.websocket import Handshake, Patience
from app.http.requests import Requests
from app.models import Session
from app.runtime.followers import MOST
from app.settings import Settings
from app.store.engines.lease import Lease
from tests.clients import Api
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace
from tests.sockets import Closed, Socket, speaking

KEYS = "{ flags configs segments }"
ENVIRONMENT = f"""subscription($id: ID!) {{ environmentChanged(envId: $id) {{
    environmentId version environment {{ key version }} changed {KEYS} removed {KEYS} complete }} }}"""
PROPOSALS = """subscription($id: ID!) { proposalsChanged(envId: $id) {
    environment { key } proposalIds proposals { id status kind } complete } }"""
PROJECT = f"""subscription($id: ID!) {{ projectChanged(projectId: $id) {{
    project {{ name }} environments {{ environmentId version changed {KEYS} removed {KEYS} }}
    changed {KEYS} removed {KEYS}
    settings proposalIds members complete }} }}"""
NONE: dict[str, list[str]] = {"flags": [], "configs": [], "segments": []}


async def following(socket: Socket, document: str, called: str) -> Any:
    """The first event of a subscription."""
    await socket.subscribe("1", document, id=called)
    return await socket.event()


def keys(**some: list[str]) -> dict[str, list[str]]:
    return {**NONE, **some}


async def test_an_environments_versions_are_told_with_the_keys_that_changed(
    app: Starlette, workspace: Workspace
) -> None:
    editor, environment_id = workspace.org.editor, workspace.environment_id
    async with speaking(app, workspace.org.viewer) as socket:
        first = await following(socket, ENVIRONMENT, "acme:web:prod")
        assert first == {
            "environmentId": environment_id,
            "version": 2,
            "environment": {"key": "prod", "version": 2},
            "changed": NONE,
            "removed": NONE,
            "complete": True,
        }
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        told = await socket.event()
        assert (told["version"], told["environment"]["version"]) == (3, 3)
        assert (told["changed"], told["removed"]) == (keys(flags=["checkout"]), NONE)
        await editor.make("createConfig", projectId=workspace.project_id, key="size", type="number", defaultValue=1)
        assert (await socket.event())["changed"] == keys(configs=["size"])
        await workspace.org.admin.make("deleteConfig", projectId=workspace.project_id, key="size")
        told = await socket.event()
        assert (told["version"], told["changed"], told["removed"]) == (5, NONE, keys(configs=["size"]))


async def test_what_changes_nothing_is_not_told(app: Starlette, workspace: Workspace) -> None:
    editor = workspace.org.editor
    async with speaking(app, workspace.org.viewer) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=True)
        await editor.make("updateFlag", projectId=workspace.project_id, key="checkout", description="Pay")
        await editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Development")
        assert await socket.silent()


async def test_what_happens_in_quick_succession_is_told_at_once(app: Starlette, workspace: Workspace) -> None:
    editor = workspace.org.editor
    async with speaking(app, workspace.org.viewer) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        await editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=True)
        seen: set[str] = set()
        while (told := await socket.event())["version"] < 5:
            seen |= set(told["changed"]["flags"])
        assert seen | set(told["changed"]["flags"]) == {"checkout", "banner"}


async def test_too_much_to_be_named_is_told_as_that(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{number}" for number in range(MOST)])
    async with speaking(app, workspace.org.viewer) as socket:
        before = (await following(socket, PROJECT, workspace.project_id))["environments"]
        body = {"projectId": workspace.project_id, "key": "copy", "name": "Copy"}
        await workspace.org.admin.make("createEnvironment", **body, copyFromEnvId=workspace.environment_id)
        told = await socket.event()
        assert (told["complete"], told["settings"], told["changed"]) == (False, [], NONE)
        assert told["environments"][0] == before[0]
        (copy,) = told["environments"][1:]
        assert (copy["version"], copy["changed"]) == (1, NONE)


async def test_a_token_is_told_of_what_it_may_read(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org, resources=["flag:banner"], level="observer")
    async with speaking(app, caller) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        told = await socket.event()
        assert (told["version"], told["changed"]) == (3, NONE)
        await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
        assert (await socket.event())["changed"] == keys(flags=["banner"])


async def test_what_happens_to_proposals_is_told(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    await instance.protect(workspace.environment_id)
    async with speaking(app, workspace.org.viewer) as socket:
        first = await following(socket, PROPOSALS, workspace.environment_id)
        assert first == {"environment": {"key": "prod"}, "proposalIds": [], "proposals": [], "complete": True}
        proposed = await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        one = proposed["id"]
        told = await socket.event()
        assert told["proposals"] == [{"id": one, "status": "PENDING", "kind": "SET_DEFAULT_VALUE_FLAG"}]
        await workspace.org.owner.make("reviewProposal", proposalId=one, verdict="approve")
        assert (await socket.event())["proposalIds"] == [one]
        await workspace.org.owner.make("applyProposal", proposalId=one)
        assert (await socket.event())["proposals"][0]["status"] == "APPLIED"
        deleting = await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="banner")
        assert (await socket.event())["proposals"] == [
            {"id": deleting["id"], "status": "PENDING", "kind": "DELETE_FLAG"}
        ]
        await workspace.org.admin.make("cancelProposal", proposalId=deleting["id"])
        assert (await socket.event())["proposals"][0]["status"] == "CANCELLED"


async def test_a_project_is_told_of_in_one_stream(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    org, project_id, environment_id = workspace.org, workspace.project_id, workspace.environment_id
    at_first = {"environmentId": environment_id, "version": 2, "changed": NONE, "removed": NONE}
    nothing = {
        "project": {"name": "Web"},
        "environments": [],
        "changed": NONE,
        "removed": NONE,
        "settings": [],
        "proposalIds": [],
        "members": False,
        "complete": True,
    }
    async with speaking(app, org.viewer) as socket:
        assert await following(socket, PROJECT, "acme:web") == {**nothing, "environments": [at_first]}

        await org.editor.make("updateFlag", projectId=project_id, key="checkout", description="Pay")
        assert await socket.event() == {**nothing, "changed": keys(flags=["checkout"])}

        await org.editor.make("createSegment", projectId=project_id, key="beta")
        made = {**at_first, "version": 3, "changed": keys(segments=["beta"])}
        assert await socket.event() == {**nothing, "changed": keys(segments=["beta"]), "environments": [made]}

        await org.admin.make("deleteSegment", projectId=project_id, key="beta")
        gone = {**at_first, "version": 4, "removed": keys(segments=["beta"])}
        assert await socket.event() == {**nothing, "removed": keys(segments=["beta"]), "environments": [gone]}

        added = await org.admin.make("createEnvironment", projectId=project_id, key="dev", name="Development")
        assert await socket.event() == {**nothing, "settings": [added["id"]]}
        await org.admin.make("updateEnvironment", environmentId=added["id"], color="red")
        assert await socket.event() == {**nothing, "settings": [added["id"]]}
        await org.admin.make("deleteEnvironment", environmentId=added["id"], confirm="dev")
        assert await socket.event() == {**nothing, "settings": [added["id"]]}
        await org.admin.make("updateProject", projectId=project_id, name="Shop")
        nothing["project"] = {"name": "Shop"}
        assert await socket.event() == {**nothing, "settings": [project_id]}

        await instance.protect(environment_id)
        proposed = await org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        assert await socket.event() == {**nothing, "proposalIds": [proposed["id"]]}

        await org.admin.make("createInvitation", orgSlug=org.slug, email="bob@example.com", role="viewer")
        assert await socket.event() == {**nothing, "members": True}
        await org.owner.make("updateMember", **workspace.guest, role="editor")
        assert await socket.event() == {**nothing, "members": True}


async def test_each_event_is_held_to_the_limits_of_a_document(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    await instance.create_flags(workspace.org, workspace.project_id, [f"flag-{number}" for number in range(1000)])
    for lists, is_too_much in ((8, False), (16, True)):
        flags = " ".join(f"a{number}: flags(first: 1000) {{ nodes {{ id }} }}" for number in range(lists))
        document = f"subscription($id: ID!) {{ projectChanged(projectId: $id) {{ members project {{ {flags} }} }} }}"
        async with speaking(app, workspace.org.viewer) as socket:
            await socket.subscribe("1", document, id=workspace.project_id)
            for number in range(2):  # neither of which takes of the other's
                message = await socket.hear()
                codes = {one["extensions"]["code"] for one in message["payload"].get("errors", ())}
                assert (message["type"], codes) == ("next", {"invalid_request"} if is_too_much else set())
                await workspace.org.admin.make(
                    "updateProject", projectId=workspace.project_id, name=f"{lists}.{number}"
                )


async def test_other_projects_and_organisations_are_not_told_of(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    other = await instance.workspace(await instance.org("globex"))
    beside = await workspace.org.admin.make("createProject", orgSlug="acme", key="app", name="App")
    async with speaking(app, workspace.org.viewer) as socket:
        await following(socket, PROJECT, workspace.project_id)
        await other.org.editor.make("updateFlagState", **other.checkout, defaultValue=False)
        await other.org.admin.make("createInvitation", orgSlug="globex", email="bob@example.com", role="viewer")
        await workspace.org.editor.make(
            "createFlag", projectId=beside["id"], key="f", type="boolean", defaultValue=True
        )
        assert await socket.silent()
        for document, called in (
            (ENVIRONMENT, other.environment_id),
            (PROPOSALS, "globex:web:prod"),
            (PROJECT, other.project_id),
            (PROJECT, "no id"),
        ):
            await socket.subscribe("2", document, id=called)
            assert (await socket.error())["code"] == "not_found"


FOLLOWED: dict[str, Callable[[Workspace], tuple[str, str]]] = {
    "environmentChanged": lambda workspace: (ENVIRONMENT, workspace.environment_id),
    "proposalsChanged": lambda workspace: (PROPOSALS, workspace.environment_id),
    "projectChanged": lambda workspace: (PROJECT, workspace.project_id),
}
followed = pytest.mark.parametrize("called", FOLLOWED.values(), ids=FOLLOWED)


async def ended(socket: Socket) -> tuple[str, int | None]:
    """How a subscription is refused, and the connection closed, if it is."""
    code = (await socket.error())["code"]
    try:
        return code, None if await socket.silent() else 0
    except Closed as closed:
        return code, closed.code


Ending = Callable[[Instance, Workspace, Api], Awaitable[Any]]


async def revoke(instance: Instance, workspace: Workspace, caller: Api) -> None:
    await workspace.org.admin.make("revokeApiKey", **workspace.key_of_api)


async def delete_project(instance: Instance, workspace: Workspace, caller: Api) -> None:
    await workspace.org.admin.make("deleteProject", projectId=workspace.project_id, confirm="web")


async def delete_org(instance: Instance, workspace: Workspace, caller: Api) -> None:
    await workspace.org.owner.make("deleteOrg", slug="acme", confirm="acme")


async def sign_out(instance: Instance, workspace: Workspace, caller: Api) -> None:
    await caller.make("logout")


async def remove(instance: Instance, workspace: Workspace, caller: Api) -> None:
    viewer = (await workspace.org.viewer.make("me"))["actor"]["id"]
    await workspace.org.owner.make("removeMember", orgSlug="acme", userId=viewer)


@followed
@pytest.mark.parametrize(
    ("by_token", "ending", "outcome"),
    [
        (True, revoke, ("unauthorized", 4401)),
        (True, delete_project, ("not_found", None)),
        (True, delete_org, ("unauthorized", 4401)),
        (False, sign_out, ("unauthorized", 4401)),
        (False, remove, ("not_found", None)),
        (False, delete_project, ("not_found", None)),
        (False, delete_org, ("not_found", None)),
    ],
)
async def test_what_ends_the_right_to_follow_ends_the_subscription(
    app: Starlette,
    instance: Instance,
    workspace: Workspace,
    called: Callable[[Workspace], tuple[str, str]],
    ending: Ending,
    outcome: tuple[str, int | None],
    *,
    by_token: bool,
) -> None:
    caller = instance.bearer(workspace.api_key["token"]) if by_token else workspace.org.viewer
    async with speaking(app, caller) as socket:
        await following(socket, *called(workspace))
        await ending(instance, workspace, caller)
        assert await ended(socket) == outcome


@pytest.mark.parametrize("document", [ENVIRONMENT, PROPOSALS])
async def test_an_environment_that_is_deleted_ends_what_follows_it(
    app: Starlette, workspace: Workspace, document: str
) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        await following(socket, document, "acme:web:prod")
        await workspace.org.admin.make("deleteEnvironment", environmentId=workspace.environment_id, confirm="prod")
        assert await ended(socket) == ("not_found", None)


async def expire_session(instance: Instance, api: Api) -> None:
    secret_hash = digest(api.client.cookies["signalbox_session"])
    past = now() - timedelta(seconds=1)
    await instance.execute(update(Session).where(col(Session.secret_hash) == secret_hash).values(expires_at=past))


@followed
@pytest.mark.parametrize("by_token", [True, False], ids=["token", "session"])
async def test_who_has_expired_is_told_nothing_more(
    app: Starlette,
    instance: Instance,
    workspace: Workspace,
    clock: SetClock,
    called: Callable[[Workspace], tuple[str, str]],
    *,
    by_token: bool,
) -> None:
    org = workspace.org
    caller = await instance.token(org, expiresInSeconds=3600) if by_token else org.viewer
    async with speaking(app, caller) as socket:
        await following(socket, *called(workspace))
        if by_token:
            clock.ahead += timedelta(hours=2)
        else:
            await expire_session(instance, caller)
            clock.ahead += timedelta(seconds=2)  # for which sessions are trusted
        await org.admin.make("createInvitation", orgSlug="acme", email="bob@example.com", role="viewer")
        assert await ended(socket) == ("unauthorized", 4401)


async def test_who_has_expired_is_let_go_though_nothing_happens(
    instance: Instance, workspace: Workspace, clock: SetClock, settings: Settings
) -> None:
    handshake = Handshake(instance.node, Turns(), Patience(looks_seconds=0.01))
    async with speaking(Requests(handshake, settings), workspace.org.viewer) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        await expire_session(instance, workspace.org.viewer)
        clock.ahead += timedelta(seconds=2)
        assert await ended(socket) == ("unauthorized", 4401)


async def test_a_role_that_is_lost_but_not_all_of_it_ends_nothing(app: Starlette, workspace: Workspace) -> None:
    editor = (await workspace.org.editor.make("me"))["actor"]["id"]
    async with speaking(app, workspace.org.editor) as socket:
        await following(socket, PROJECT, workspace.project_id)
        await workspace.org.owner.make("updateMember", orgSlug="acme", userId=editor, role="viewer")
        assert (await socket.event())["members"] is True


class Broken:
    """A lease on the database that cannot be looked at."""

    is_valid = True

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    async def require(self) -> None:
        raise self._fault


@pytest.mark.parametrize("fault", [AppError("unavailable"), RuntimeError("of ours")])
async def test_who_cannot_be_looked_at_may_come_again_and_leaves_nothing_behind(
    instance: Instance, workspace: Workspace, settings: Settings, fault: Exception
) -> None:
    handshake, node = Handshake(instance.node, Turns(), Patience(looks_seconds=0.01)), instance.node
    async with speaking(Requests(handshake, settings), workspace.org.viewer) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        node.database.lease = cast(Lease, Broken(fault))
        with pytest.raises(Closed) as closed:
            await socket.hear()
        assert closed.value.code == 1013
    node.database.lease = None
    assert (len(node.followers), len(node.streams)) == (0, 0)


async def test_a_node_that_closes_ends_all(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        await following(socket, ENVIRONMENT, workspace.environment_id)
        instance.node.followers.close()
        with pytest.raises(Closed) as closed:  # upon which clients subscribe again
            await socket.hear()
        assert closed.value.code == 1013


async def test_nobody_is_kept_who_has_left(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    async with speaking(app, workspace.org.viewer) as socket:
        for document, called in (FOLLOWED[name](workspace) for name in FOLLOWED):
            await following(socket, document, called)
            await socket.say("complete", id="1")
        assert await socket.silent()
        await following(socket, ENVIRONMENT, workspace.environment_id)
        assert len(instance.node.followers) == 1
    assert len(instance.node.followers) == 0
