"""How long a commit takes to be servable, in a small environment and in a large one, side by side in one run."""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from app.domain.actors import Member
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.engine.kinds import Kind
from app.main import open_node
from app.models import Environment, Primitive, Project, User
from app.runtime.node import Node
from app.services import flags
from app.services.orgs import create_org_with_owner
from app.settings import Settings
from app.store.unit_of_work import Subject

SIZES = (100, 10_000)
WRITES = 60
CONTEXT = {"userId": "user-123", "plan": "free", "age": 31}  # no rule admits it


async def fill(node: Node, size: int, rules: list[dict[str, Any]]) -> tuple[Member, str]:
    """An environment of `size` flags with the rules; gives who may write there, and its id."""
    user = User(email=f"{size}@example.com", email_key=f"{size}@example.com", display_name="bench")
    member = Member(user.id, "bench", "session", proven=True)
    async with node.unit("req_bench") as uow:
        await uow.begin_write()
        uow.add(user)
        await uow.flush()
        uow.actor = member
        org = await create_org_with_owner(uow, user.id, f"org-{size}", "Bench")
        project = Project(org_id=org.id, key="p", name="P")
        uow.add(project)
        await uow.flush()
        environment = Environment(
            project_id=project.id, key="e", name="E", target_id_field="userId", version_at=uow.now
        )
        uow.add(environment)
        made = [primitive(project.id, number) for number in range(size)]
        for flag in made:
            uow.add(flag)
        await uow.flush()
        for flag in made:
            uow.changes.write_state(
                environment, flag, None, actor=member.as_json(), default_value="false", rules=json.dumps(rules)
            )
        uow.record(Operation.CREATE_PROJECT, Subject(org.id, "project", project.id, "p", project.id))
    return member, environment.id


def primitive(project_id: str, number: int) -> Primitive:
    """One flag's identity."""
    return Primitive(
        project_id=project_id,
        kind=Kind.FLAG,
        space="value",
        key=f"flag-{number}",
        value_type="boolean",
        initial_value="false",
    )


async def write_and_evaluate(node: Node, member: Member, environment_id: str, value: bool) -> float:
    """Milliseconds from the call of a write until its value is evaluated."""
    started = time.perf_counter()
    async with node.unit("req_bench", member) as uow:
        await flags.FLAGS.update_state(uow, environment_id, "flag-7", {"defaultValue": value}, IfMatch())
    ruleset = await node.rulesets.get(environment_id)
    found = ruleset.compiled.call(CONTEXT).evaluate("flag-7")
    assert found is not None
    assert found.value is value
    return (time.perf_counter() - started) * 1000


async def measure(rules: list[dict[str, Any]]) -> None:
    """Prints both medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        node = await open_node(Settings(data_dir=Path(folder), claim_code="a claim code of a benchmark"))
        places = [await fill(node, size, rules) for size in SIZES]
        for _, environment_id in places:
            await node.rulesets.get(environment_id)
        times: list[list[float]] = [[], []]
        for turn in range(WRITES):
            for taken, (member, environment_id) in zip(times, places, strict=True):
                taken.append(await write_and_evaluate(node, member, environment_id, turn % 2 == 0))
        await node.database.close()
    small, large = (statistics.median(taken) for taken in times)
    print(f"commit to servable, {SIZES[0]} flags     {small:8.2f} ms")
    print(f"commit to servable, {SIZES[1]} flags   {large:8.2f} ms, {large / small:.2f} times as long")


def run(rules: list[dict[str, Any]]) -> None:
    """Runs the measurement."""
    asyncio.run(measure(rules))
