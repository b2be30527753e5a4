"""An environment's version: raised by one with each transaction that changes any of its states, by nothing else."""

import asyncio

from tests.factories import Instance, Place


async def test_each_kind_of_write_raises_the_version_by_one(place: Place) -> None:
    version = await place.version()
    assert version == 2  # two flags were made
    for operation, arguments in (
        ("updateFlagState", {**place.banner, "defaultValue": "bye"}),
        ("killFlag", place.banner),
        ("restoreFlag", place.banner),
        ("createFlag", {"projectId": place.project_id, "key": "new", "type": "boolean", "defaultValue": False}),
    ):
        await place.org.editor.make(operation, **arguments)
        version += 1
        assert await place.version() == version, operation


async def test_a_version_is_the_environments_own(place: Place) -> None:
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    await place.org.editor.make("killFlag", **place.banner)
    assert (await place.org.viewer.make("environment", environmentId=dev["id"]))["version"] == 0
    await place.org.editor.make("createFlag", projectId=place.project_id, key="new", type="boolean", defaultValue=True)
    assert (await place.org.viewer.make("environment", environmentId=dev["id"]))["version"] == 1
    assert await place.version() == 4


async def test_200_concurrent_writes_raise_the_version_by_exactly_200(instance: Instance, place: Place) -> None:
    before = await place.version()
    replies = await asyncio.gather(
        *(place.org.editor.do("updateFlagState", **place.banner, defaultValue=f"write {n}") for n in range(200))
    )
    assert [(reply.code, reply.status) for reply in replies] == [(None, 200)] * 200
    assert sorted(reply.data["version"] for reply in replies) == list(range(before + 1, before + 201))
    assert await place.version() == before + 200
    last = max(replies, key=lambda reply: reply.data["version"])
    assert (await place.evaluated("banner"))["value"] == last.data["defaultValue"]
    assert len([event for event in await instance.audited() if event.action == "update_state"]) == 200


async def test_of_concurrent_writes_to_two_flags_none_is_lost(place: Place) -> None:
    before = await place.version()
    await asyncio.gather(
        *(place.org.editor.make("updateFlagState", **place.banner, defaultValue=f"write {n}") for n in range(20)),
        *(place.org.editor.make("killFlag" if n % 2 else "restoreFlag", **place.checkout) for n in range(20)),
    )
    states = await place.org.viewer.make("flagStates", environmentId=place.environment_id)
    assert await place.version() == max(state["version"] for state in states)
    assert await place.version() >= before + 20
