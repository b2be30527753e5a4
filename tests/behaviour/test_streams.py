"""What event streams tell, to whom, and what ends them. What happens is done over both transports."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col
from starlette.applications import Starlette

from app.domain.ids import digest
from app.models import Session
from app.services.throttling import STREAMS
from tests.clients import Api
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace
from tests.listening import PATIENCE, Listener, Refused, listening
from tests.sockets import headers_of

NONE: dict[str, list[str]] = {"flags": [], "configs": [], "segments": []}


def keys(**some: list[str]) -> dict[str, list[str]]:
    return {**NONE, **some}


def of(workspace: Workspace, called: str | None = None) -> str:
    return f"/api/v1/envs/{called or workspace.environment_id}/ruleset/stream"


async def test_changes_are_told_by_key(app: Starlette, workspace: Workspace) -> None:
    editor = workspace.org.editor
    async with listening(app, of(workspace, "acme:web:prod"), headers_of(workspace.org.viewer)) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        nothing = {"version": 2, "changed": NONE, "removed": NONE, "complete": True}
        assert await stream.event() == ("2", "ruleset", nothing)
        assert stream.retries == [3000]
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        assert await stream.event() == ("3", "ruleset", {**nothing, "version": 3, "changed": keys(flags=["checkout"])})
        await editor.make("createConfig", projectId=workspace.project_id, key="size", type="number", defaultValue=1)
        assert (await stream.event()).data["changed"] == keys(configs=["size"])
        await workspace.org.admin.make("deleteConfig", projectId=workspace.project_id, key="size")
        assert (await stream.event()).data == {**nothing, "version": 5, "removed": keys(configs=["size"])}
        await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="accountId")
        assert (await stream.event()).data == {**nothing, "version": 6}


async def test_what_was_missed_is_told_in_one_event(app: Starlette, workspace: Workspace) -> None:
    editor, caller = workspace.org.editor, headers_of(workspace.org.viewer)
    await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    await editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="banner")
    async with listening(app, of(workspace), {**caller, "last-event-id": "2"}) as stream:
        told = (await stream.event()).data
        assert told == {
            "version": 5,
            "changed": keys(flags=["checkout"]),
            "removed": keys(flags=["banner"]),
            "complete": True,
        }


@pytest.mark.parametrize("unknown", ["99", "x", "-1", "9" * 40])
async def test_what_is_no_version_gets_all_that_there_is(app: Starlette, workspace: Workspace, unknown: str) -> None:
    ruleset = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    async with listening(app, of(workspace), {**headers_of(workspace.org.viewer), "last-event-id": unknown}) as stream:
        event = await stream.event()
        assert (event.id, event.data["complete"]) == ("2", False)
        assert event.data["changed"] == {name: sorted(ruleset[name]) for name in NONE}


async def test_a_client_that_does_not_read_is_told_later_at_once(app: Starlette, workspace: Workspace) -> None:
    editor = workspace.org.editor
    async with listening(app, of(workspace), headers_of(workspace.org.viewer)) as stream:
        await stream.event()
        stream.is_full = True
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        await editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
        stream.read_on()
        event = await stream.event()
        assert (event.id, event.data["changed"]) == ("4", keys(flags=["banner", "checkout"]))


async def test_an_environment_that_was_never_written_to_has_a_stream(app: Starlette, workspace: Workspace) -> None:
    made = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    async with listening(app, of(workspace, made["id"]), headers_of(workspace.org.viewer)) as stream:
        assert (await stream.event()).data == {"version": 0, "changed": NONE, "removed": NONE, "complete": True}
        flag = {"environmentId": made["id"], "key": "checkout"}
        await workspace.org.editor.make("updateFlagState", **flag, defaultValue=False)
        told = (await stream.event()).data
        assert (told["version"], told["changed"]["flags"], told["complete"]) == (1, ["banner", "checkout"], True)


async def test_a_token_is_told_of_what_it_may_read_and_that_needs(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    editor = workspace.org.editor
    rules = [{"if": {"$segment": "staff"}, "value": "hi"}]
    await editor.make("updateFlagState", **workspace.banner, rules=rules)
    caller = await instance.token(workspace.org, resources=["flag:banner"], level="observer")
    async with listening(app, of(workspace), headers_of(caller)) as stream:
        await stream.event()
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        await editor.make("updateAllowList", **workspace.staff, add=["u-9"])
        event = await stream.event()
        assert (event.id, event.data["changed"]) == ("5", keys(segments=["staff"]))


Ending = Callable[[Instance, Workspace, Any], Awaitable[None]]


async def _revoke(instance: Instance, workspace: Workspace, minted: Any) -> None:
    await workspace.org.admin.make("revokeApiKey", orgSlug=workspace.org.slug, apiKeyId=minted["id"])


async def _delete_environment(instance: Instance, workspace: Workspace, minted: Any) -> None:
    await workspace.org.admin.make("deleteEnvironment", environmentId=workspace.environment_id, confirm="prod")


async def _delete_project(instance: Instance, workspace: Workspace, minted: Any) -> None:
    await workspace.org.admin.make("deleteProject", projectId=workspace.project_id, confirm="web")


async def _delete_org(instance: Instance, workspace: Workspace, minted: Any) -> None:
    await workspace.org.owner.make("deleteOrg", slug=workspace.org.slug, confirm=workspace.org.slug)


@pytest.mark.parametrize("ending", [_revoke, _delete_environment, _delete_project, _delete_org])
async def test_the_stream_of_a_token_ends(
    app: Starlette, instance: Instance, workspace: Workspace, ending: Ending
) -> None:
    minted = await instance.minted(workspace.org, level="observer")
    async with listening(app, of(workspace), {"authorization": f"Bearer {minted['token']}"}) as stream:
        await stream.event()
        await ending(instance, workspace, minted)
        with pytest.raises(EOFError):
            await stream.event()
        assert len(app.state.node.event_streams) == 0


async def test_the_stream_of_a_token_ends_when_it_expires(
    app: Starlette, instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    minted = await instance.minted(workspace.org, level="observer", expiresInSeconds=60)
    async with listening(app, of(workspace), {"x-api-key": minted["token"]}) as stream:
        await stream.event()
        clock.ahead = timedelta(seconds=61)
        await app.state.node.event_streams.beat()
        with pytest.raises(EOFError):
            await stream.event()


async def _log_out(instance: Instance, workspace: Workspace, caller: Api) -> None:
    await caller.make("logout")


async def _remove(instance: Instance, workspace: Workspace, caller: Api) -> None:
    me = (await caller.make("me"))["actor"]["id"]
    await workspace.org.owner.make("removeMember", orgSlug=workspace.org.slug, userId=me)


@pytest.mark.parametrize("ending", [_log_out, _remove])
async def test_the_stream_of_a_person_ends(
    app: Starlette, instance: Instance, workspace: Workspace, ending: Ending
) -> None:
    caller = workspace.org.viewer
    async with listening(app, of(workspace), headers_of(caller)) as stream:
        await stream.event()
        await ending(instance, workspace, caller)
        with pytest.raises(EOFError):
            await stream.event()


async def test_a_session_that_another_process_ends_ends_its_stream(
    app: Starlette, instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    caller = headers_of(workspace.org.viewer)
    async with listening(app, of(workspace), caller) as stream:
        await stream.event()
        secret = caller["cookie"].partition("=")[2]
        query = update(Session).where(col(Session.secret_hash) == digest(secret))
        async with instance.node.database.writing() as session:
            await session.execute(query.values(expires_at=now()))
            await session.commit()
        clock.ahead = timedelta(seconds=2)
        for _ in range(20):
            await app.state.node.event_streams.beat()
        with pytest.raises(EOFError):
            await stream.event()


async def test_heartbeats_come_while_nothing_happens(app: Starlette, workspace: Workspace) -> None:
    async with listening(app, of(workspace), headers_of(workspace.org.viewer)) as stream:
        await stream.event()
        for _ in range(30):
            await app.state.node.event_streams.beat()
        assert stream.text == ":\n\n:\n\n"


async def test_a_stream_that_begins_does_not_have_all_others_looked_at(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    async with listening(app, of(workspace), headers_of(workspace.org.viewer)) as stream:
        await stream.event()
        await app.state.node.event_streams.beat()
        await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        await stream.event()
        before = app.state.node.callers.sessions.looked_up
        caller = headers_of(await instance.token(workspace.org, level="observer"))
        async with listening(app, of(workspace), caller) as another:
            assert (await another.event()).id == "3"
            await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
            assert app.state.node.callers.sessions.looked_up == before


class Broken:
    """A lease on the database that cannot be looked at."""

    is_valid = True

    def __init__(self) -> None:
        self.looked_at = asyncio.Event()

    async def require(self) -> None:
        self.looked_at.set()
        raise RuntimeError


async def test_what_could_not_be_told_is_told_at_the_next_beat(
    app: Starlette, instance: Instance, workspace: Workspace
) -> None:
    caller, node = headers_of(await instance.token(workspace.org, level="observer")), app.state.node
    async with listening(app, of(workspace), caller) as stream:
        await stream.event()
        stream.is_full = True
        await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
        await node.event_streams.beat()
        node.database.lease = broken = Broken()
        stream.read_on()
        async with asyncio.timeout(PATIENCE):
            await broken.looked_at.wait()
        assert stream.text == ""
        node.database.lease = None
        await node.event_streams.beat()
        assert (await stream.event()).data["changed"] == keys(flags=["checkout"])


async def test_an_actor_has_so_many_streams(app: Starlette, instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org, level="observer")
    caller = {"authorization": f"Bearer {minted['token']}"}
    open_streams = [listening(app, of(workspace), caller) for _ in range(STREAMS)]
    for one in open_streams:
        await one.__aenter__()
    with pytest.raises(Refused) as refused:
        async with listening(app, of(workspace), caller):
            pass
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.headers["retry-after"] == "1"
    await open_streams[0].__aexit__(None, None, None)
    async with listening(app, of(workspace), caller) as stream:
        await stream.event()
    for one in open_streams[1:]:
        await one.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("level", "where", "code"),
    [
        ("client", None, "token_action_denied"),
        ("observer", "acme:web:nowhere", "not_found"),
        (None, None, "unauthorized"),
    ],
)
async def test_who_may_not_read_gets_an_answer_and_no_stream(
    app: Starlette, instance: Instance, workspace: Workspace, level: str | None, where: str | None, code: str
) -> None:
    caller = {} if level is None else headers_of(await instance.token(workspace.org, level=level))
    with pytest.raises(Refused) as refused:
        async with listening(app, of(workspace, where), caller):
            pass
    assert refused.value.code == code
    assert len(app.state.node.event_streams) == 0


async def test_unknown_parameters_are_refused(app: Starlette, workspace: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        async with listening(app, f"{of(workspace)}?since=1", headers_of(workspace.org.viewer)):
            pass
    assert refused.value.code == "invalid_request"


class TestTickets:
    async def test_a_ticket_opens_one_stream_as_its_maker(self, app: Starlette, workspace: Workspace) -> None:
        made = await workspace.org.viewer.make("createStreamTicket", environmentId="acme:web:prod")
        address = f"{of(workspace)}?ticket={made['ticket']}"
        async with listening(app, address) as stream:
            await stream.event()
            with pytest.raises(Refused) as refused:
                async with listening(app, address):
                    pass
            assert refused.value.code == "unauthorized"
            await workspace.org.viewer.make("logout")
            with pytest.raises(EOFError):
                await stream.event()

    async def test_a_ticket_is_good_for_a_minute_and_one_environment(
        self, app: Starlette, workspace: Workspace, clock: SetClock
    ) -> None:
        editor = workspace.org.editor
        other = await editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
        first, second = [
            (await editor.make("createStreamTicket", environmentId=workspace.environment_id))["ticket"]
            for _ in range(2)
        ]
        with pytest.raises(Refused) as refused:
            async with listening(app, f"{of(workspace, other['id'])}?ticket={first}"):
                pass
        assert refused.value.code == "unauthorized"
        clock.ahead = timedelta(seconds=61)
        with pytest.raises(Refused) as refused:
            async with listening(app, f"{of(workspace)}?ticket={second}"):
                pass
        assert refused.value.code == "unauthorized"

    @pytest.mark.parametrize("ticket", ["x", "AQ", "é", "A" * 100, ""])
    async def test_what_is_no_ticket_opens_nothing(self, app: Starlette, workspace: Workspace, ticket: str) -> None:
        with pytest.raises(Refused) as refused:
            async with listening(app, f"{of(workspace)}?ticket={ticket}"):
                pass
        assert refused.value.code == "unauthorized"

    async def test_a_changed_ticket_opens_nothing(self, app: Starlette, workspace: Workspace) -> None:
        made = await workspace.org.viewer.make("createStreamTicket", environmentId=workspace.environment_id)
        for at in range(0, len(made["ticket"]) - 1, 7):
            ticket = made["ticket"]
            changed = ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]
            with pytest.raises(Refused):
                async with listening(app, f"{of(workspace)}?ticket={changed}"):
                    pass

    async def test_a_ticket_is_tied_to_its_tokens_networks(
        self, app: Starlette, instance: Instance, workspace: Workspace
    ) -> None:
        minted = await instance.minted(workspace.org, level="observer", ipAllowlist=["127.0.0.1/32"])
        made = await instance.bearer(minted["token"]).make("createStreamTicket", environmentId=workspace.environment_id)
        address = f"{of(workspace)}?ticket={made['ticket']}"
        with pytest.raises(Refused) as refused:
            async with listening(app, address, peer="198.51.100.1"):
                pass
        assert (refused.value.status, refused.value.code) == (403, "token_ip_denied")
        assert len(app.state.node.event_streams) == 0


class TestOpenFeature:
    async def address(self, caller: Api, workspace: Workspace) -> str:
        answer = await caller.client.post(
            "/ofrep/v1/evaluate/flags", json={}, headers={"X-Signalbox-Env": workspace.environment_id}
        )
        (stream,) = answer.json()["eventStreams"]
        assert stream["type"] == "sse"
        return str(stream["endpoint"]["requestUri"])

    async def test_clients_are_told_to_ask_again_at_an_address_that_stays(
        self, app: Starlette, instance: Instance, workspace: Workspace
    ) -> None:
        caller = await instance.token(workspace.org, level="client")
        address = await self.address(caller, workspace)
        async with listening(app, address) as stream, listening(app, address) as second:
            first = await stream.event()
            assert (first.id, first.name, first.data["type"]) == ("2", "message", "refetchEvaluation")
            await second.event()
            await workspace.org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
            told = await stream.event()
            assert (told.id, told.data["etag"], type(told.data["lastModified"])) == ("3", '"3"', int)
            assert (await second.event()).id == "3"
            assert await self.address(caller, workspace) == address

    async def test_a_revoked_token_ends_it_and_its_ticket(
        self, app: Starlette, instance: Instance, workspace: Workspace
    ) -> None:
        minted = await instance.minted(workspace.org, level="client")
        address = await self.address(instance.bearer(minted["token"]), workspace)
        async with listening(app, address) as stream:
            await stream.event()
            await _revoke(instance, workspace, minted)
            with pytest.raises(EOFError):
                await stream.event()
        with pytest.raises(Refused) as refused:
            async with listening(app, address):
                pass
        assert refused.value.code == "unauthorized"

    async def test_its_ticket_opens_no_other_stream(self, app: Starlette, workspace: Workspace) -> None:
        address = await self.address(workspace.org.admin, workspace)
        with pytest.raises(Refused) as refused:
            async with listening(app, f"{of(workspace)}?{address.partition('?')[2]}"):
                pass
        assert refused.value.code == "unauthorized"


async def test_all_changes_are_told_however_often_a_client_comes_back(app: Starlette, workspace: Workspace) -> None:
    editor, caller = workspace.org.editor, headers_of(workspace.org.viewer)
    known, told = "2", set[str]()
    for number in range(6):
        await editor.make("updateFlagState", **workspace.checkout, defaultValue=number % 2 == 1)
        headers = {**caller, "last-event-id": known}
        async with listening(app, of(workspace), headers) as stream:
            event = await _noted(stream, told)
            await editor.make("updateFlagState", **workspace.banner, defaultValue=f"{number}")
            if number % 3:
                event = await _noted(stream, told)
            known = event.id
        assert "checkout" in told
        assert number % 3 == 0 or "banner" in told
        told.clear()
    async with listening(app, of(workspace), {**caller, "last-event-id": known}) as stream:
        assert (await stream.event()).id == "14"


async def _noted(stream: Listener, told: set[str]) -> Any:
    event = await stream.event()
    told.update(event.data["changed"]["flags"])
    return event
