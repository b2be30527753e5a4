"""What goes wrong on our side: hidden from callers, told to the operator, and never half done."""

import asyncio
from typing import Any

import pytest
import structlog.testing

from app.models import Environment
from app.store import engines
from tests.clients import Api
from tests.factories import Instance, Place


def break_evaluation(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(environment_id: str) -> Any:
        raise ZeroDivisionError(f"the secret cause, in {environment_id}")

    monkeypatch.setattr(instance.node.rulesets, "get", broken)


async def attempt(caller: Api, place: Place) -> Any:
    return await caller.do("evaluate", environmentId=place.environment_id, context={"secret": "of the caller"})


@pytest.mark.provokes("internal")
async def test_a_bug_is_hidden_from_the_caller_and_logged_with_its_traceback(
    instance: Instance, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(instance, monkeypatch)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        reply = await attempt(place.org.viewer, place)
    assert (reply.code, reply.status, reply.fields) == ("internal", 500, {})
    assert "secret" not in reply.message
    assert "ZeroDivision" not in reply.message
    (told,) = [line for line in logs if line["log_level"] == "error"]
    assert told["requestId"] == reply.request_id
    assert isinstance(told["exc_info"], ZeroDivisionError)
    assert "of the caller" not in repr([{**line, "exc_info": None} for line in logs])


async def test_a_bug_in_a_write_leaves_nothing_behind(
    instance: Instance, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    async with instance.unchanged():
        monkeypatch.setattr("app.store.changeset.new_id", broken)
        reply = await place.org.editor.do("killFlag", **place.banner)
        assert (reply.code, reply.status) == ("internal", 500)
    assert (await place.evaluated("banner"))["reason"] == {"kind": "default"}
    monkeypatch.undo()
    assert (await place.org.editor.make("killFlag", **place.banner))["version"] == place.environment["version"] + 1


@pytest.mark.provokes("unavailable")
async def test_a_write_that_waits_too_long_for_its_turn_says_so(
    instance: Instance, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "WRITE_WAIT_SECONDS", 1)
    async with instance.unchanged(), instance.node.unit("req_other") as other:
        await other.begin_write()
        await other.lock(Environment, [place.environment_id])
        reply = await place.org.editor.do("killFlag", **place.banner)
        assert (reply.code, reply.status) == ("unavailable", 503)
    assert (await place.org.editor.make("killFlag", **place.banner))["killed"] is True


async def test_a_caller_who_leaves_in_the_middle_of_a_write_blocks_nobody(place: Place) -> None:
    async def impatient(n: int) -> None:
        async with asyncio.timeout(0.001 * n):
            await place.org.editor.do("updateFlagState", **place.banner, defaultValue=f"write {n}")

    await asyncio.gather(*(impatient(n) for n in range(20)), return_exceptions=True)
    before = await place.version()
    assert (await place.org.editor.make("killFlag", **place.banner))["version"] == before + 1
