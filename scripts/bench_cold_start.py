"""A node that starts with 100 environments of 1,000 flags: when it is ready, and how long first uses hold its loop."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, select, update

from app.domain.ids import new_id
from app.engine.batches import OFTEN
from app.models import Environment, EnvironmentVersion, Primitive, State
from scripts._bench import API, Line, Served, served_from
from scripts._heartbeat import HEARTBEAT
from scripts.bench_rules import CONTEXT, rules

ENVIRONMENTS, FLAGS, AT_ONCE = 100, 1_000, 16
MOST = 20  # milliseconds that the loop may be held at a time
OK = 200
ONE, ALL = {"context": CONTEXT, "keys": ["flag-7"]}, {"context": CONTEXT}


async def begin(owner: Line) -> str:
    """One of each thing that is copied; gives a token's secret."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body["id"]
    await owner.call("POST", f"{API}/projects/{project}/environments", {"key": "env-0", "name": "Environment"})
    flag = {"key": "flag-0", "type": "boolean", "defaultValue": False}
    await owner.call("POST", f"{API}/projects/{project}/flags", flag)
    token = {"name": "sdk", "level": "observer", "environments": {"org": True}, "resources": ["*"]}
    made = await owner.call("POST", f"{API}/orgs/acme/api-keys", {**token, "rateLimitPerMin": 60_000})
    return str(made.body["token"])


def fill(database: Path) -> list[str]:
    """As many requests would have left it. Gives the ids of the environments."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        environment, version, flag, state = (
            one(connection, of) for of in (Environment, EnvironmentVersion, Primitive, State)
        )
        flags = [flag["id"], *(new_id() for _ in range(FLAGS - 1))]
        connection.execute(
            table(Primitive).insert(), [{**flag, "id": flags[n], "key": f"flag-{n}"} for n in range(1, FLAGS)]
        )
        texts = [json.dumps(rules(n, FLAGS)) for n in range(FLAGS)]
        connection.execute(update(table(State)).values(rules=texts[0]))
        environments = [environment["id"], *(new_id() for _ in range(ENVIRONMENTS - 1))]
        for number, new in enumerate(environments):
            if number:
                connection.execute(table(Environment).insert(), {**environment, "id": new, "key": f"env-{number}"})
                connection.execute(table(EnvironmentVersion).insert(), {**version, "environment_id": new})
            states = [
                {**state, "id": new_id(), "environment_id": new, "primitive_id": of, "rules": text}
                for of, text in zip(flags, texts, strict=True)
            ]
            connection.execute(table(State).insert(), states if number else states[1:])
    engine.dispose()
    return environments


def table(of: Any) -> Table:
    found: Table = of.__table__
    return found


def one(connection: Connection, of: Any) -> dict[str, Any]:
    return dict(connection.execute(select(table(of))).mappings().one())


class Cold:
    """The server, and connections to it."""

    def __init__(self, server: Served, environments: Sequence[str], lines: Sequence[Line]) -> None:
        self.server = server
        self.environments = environments
        self._lines = lines

    async def ask(self, environment: str, body: dict[str, Any], times: int = AT_ONCE) -> None:
        """So many at one moment."""
        path = f"{API}/envs/{environment}/evaluate"
        answers = await asyncio.gather(*(line.call("POST", path, body) for line in self._lines[:times]))
        wrong = [answer for answer in answers if answer.status != OK]
        assert not wrong, wrong[0]

    async def heartbeat(self) -> dict[str, Any]:
        """What there was since it was last asked."""
        async with self.server.line() as line:
            return dict((await line.call("GET", f"{HEARTBEAT}?{','.join(self.environments)}")).body)

    async def first_uses(self, name: str, body: dict[str, Any], environments: Sequence[str]) -> None:
        """Of each environment, by many at one moment."""
        held, collected, taken = list[float](), list[float](), list[float]()
        for environment in environments:
            began = time.perf_counter()
            await self.ask(environment, body)
            taken.append((time.perf_counter() - began) * 1000)
            beat = await self.heartbeat()
            assert beat["loads"] == 1, beat
            held.append(beat["held"])
            collected.append(beat["collected"])
        over = sum(one > MOST for one in held)
        print(f"{len(environments)} environments are first asked for {name}, {AT_ONCE} times at one moment")
        print("    each was loaded once")
        print(f"    all had their answers after     {spread(taken)}")
        print(f"    the loop was held               {spread(held)}, more than {MOST} ms in {over}")
        print(f"    garbage was collected at a time {spread(collected)}", flush=True)

    async def show(self, name: str) -> dict[str, Any]:
        """What is in memory."""
        beat = await self.heartbeat()
        compiled = f"{beat['environments']} environments, {beat['generated']} of {beat['batches']} batches as source"
        held = f"the loop was held {beat['held']:.1f} ms at most, by a collection {beat['collected']:.1f}"
        print(f"{name}: {self.server.megabytes:.0f} MB with {compiled}; {held}", flush=True)
        return beat


def spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):6.1f} ms in the middle,{max(times):6.1f} ms at most"


@asynccontextmanager
async def connected(server: Served, environments: Sequence[str], like: Line) -> AsyncIterator[Cold]:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(server.line(like)) for _ in range(AT_ONCE)]
        yield Cold(server, environments, lines)


async def main() -> None:
    """Half of the environments are first asked for one flag, half for all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served_from(folder) as server:
            async with server.line() as owner:
                await server.claim(owner)
                owner.headers = {"Authorization": f"Bearer {await begin(owner)}"}
        environments = fill(folder / "data" / "signalbox.db")
        began = time.perf_counter()
        with served_from(folder, "scripts._heartbeat", MAX_RATE_PER_MIN="60000") as server:
            print(f"ready after {time.perf_counter() - began:.2f} s, its imports included")
            async with connected(server, environments, owner) as cold:
                await cold.show("when ready")
                half = ENVIRONMENTS // 2
                await cold.first_uses(f"one of {FLAGS:,} flags", ONE, environments[:half])
                await cold.first_uses(f"all {FLAGS:,} flags", ALL, environments[half:])
                await cold.show("when each was used")
                for _ in range(OFTEN):
                    for environment in environments:
                        await cold.ask(environment, ALL, 1)
                beat = await cold.show("when each was used often")
                held, collected = beat["held"], beat["collected"]
                while beat["generated"] < beat["batches"]:
                    await asyncio.sleep(1)
                    beat = await cold.heartbeat()
                    held, collected = max(held, beat["held"]), max(collected, beat["collected"])
                await cold.show("once all is source")
                print(f"meanwhile the loop was held {held:.1f} ms at most, by a collection {collected:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
