"""Evaluations, writes and lists with few and with many primitives, versions and audited events, asked in turns."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from scripts._bench import API, Answer, Line, Served, served_from
from scripts._growth import RARE, RARELY, Size, fill

CALLS, WARM = 100, 10
OK, CREATED = 200, 201
PAGE = 100
OFTEN = "flag-7"
SETTINGS = {"MAX_PRIMITIVES": "1000000", "MAX_PROPOSALS": "10000"}
EVALUATION, WRITE, LIST = 1.3, 1.5, 1.5


class Instance(NamedTuple):
    """A server with an instance of some size, and where things are in it. The line is that of its owner."""

    server: Served
    line: Line
    project: str
    environment: str
    size: Size

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Instance"]:
        """On a new connection: those that nobody uses are closed after a while."""
        async with self.server.line(self.line) as line:
            yield self._replace(line=line)


Ask = Callable[[Instance, int], Awaitable[Answer]]


async def begin(owner: Line) -> tuple[str, str]:
    """One of each thing that is copied; gives the paths of the project and of the environment."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body
    below = f"{API}/projects/{project['id']}"
    made = await owner.call("POST", f"{below}/environments", {"key": "prod", "name": "Prod"})
    environment = made.body["id"]
    rules = [{"if": {"field": "plan", "$equals": "pro"}, "value": "pro", "rolloutPercent": 50}]
    flag = {"key": "flag-0", "type": "string", "defaultValue": "", "rules": rules}
    change = {"kind": "set_default_value_flag", "resourceKey": "flag-0", "diff": {"defaultValue": "later"}}
    for method, path, body, status in (
        ("POST", f"{below}/flags", flag, CREATED),
        ("PATCH", f"{API}/envs/{environment}/flags/flag-0", {"defaultValue": "take 0"}, OK),
        ("POST", f"{API}/proposals", {"envId": environment, **change}, CREATED),
    ):
        answer = await owner.call(method, path, body)
        assert answer.status == status, answer
    return below, f"{API}/envs/{environment}"


@asynccontextmanager
async def instance(size: Size) -> AsyncIterator[Instance]:
    """A server with so much. Reads so that its ruleset is compiled."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served_from(folder) as server:
            async with server.line() as owner:
                await server.claim(owner)
                paths = await begin(owner)
        began = time.perf_counter()
        fill(folder / "data" / "signalbox.db", size)
        print(f"{'':4}{size} in {time.perf_counter() - began:.0f} s", flush=True)
        with served_from(folder, **SETTINGS) as server:
            async with server.line(owner) as line:
                made = Instance(server, line, *paths, size)
                version = (await line.call("GET", made.environment)).body["version"]
                assert version == size.versions, version
                assert (await evaluation(made, 0)).status == OK
                yield made


async def evaluation(of: Instance, n: int) -> Answer:
    """One key of all that there are."""
    asked = {"context": {"userId": f"u-{n}", "plan": "pro"}, "keys": [OFTEN]}
    answer = await of.line.call("POST", f"{of.environment}/evaluate", asked)
    assert list(answer.body["evaluations"]) == [OFTEN], answer
    return answer


async def write(of: Instance, n: int) -> Answer:
    """Another value of one flag."""
    return await of.line.call("PATCH", f"{of.environment}/flags/flag-{n % 50}", {"defaultValue": f"another {n}"})


async def since(of: Instance, _: int) -> Answer:
    """What one version has changed."""
    answer = await of.line.call("GET", f"{of.environment}/ruleset?since={of.size.versions - 1}")
    assert len(answer.body["flags"]) == 1, answer
    return answer


def page(path: str, length: int = PAGE) -> Ask:
    """The first page of a list, of so many."""

    async def ask(of: Instance, _: int) -> Answer:
        answer = await of.line.call("GET", path.format(project=of.project, environment=of.environment))
        assert len(answer.body) == length, (path, answer.status, len(answer.body))
        return answer

    return ask


async def compare(name: str, ask: Ask, few: Instance, many: Instance, most: float) -> None:
    """Asks both in turn, and prints how long each takes."""
    async with few.connected() as one, many.connected() as other:
        pair: list[tuple[Instance, list[float]]] = [(one, []), (other, [])]
        for n in range(WARM + CALLS):
            for of, times in pair if n % 2 else reversed(pair):
                started = time.perf_counter()
                answer = await ask(of, n)
                times.append((time.perf_counter() - started) * 1000)
                assert answer.status == OK, answer
    small, large = (statistics.median(times[WARM:]) for _, times in pair)
    over = f"  over {most}" if large / small > most else ""
    print(f"{name:<66}{small:8.2f} ms{large:10.2f} ms{large / small:8.2f}{over}", flush=True)


LISTS: Mapping[str, Ask] = {
    "a ruleset since a version": since,
    "flags": page("{project}/flags"),
    "states": page("{environment}/flags"),
    "proposals of a project": page("{project}/proposals"),
    "proposals of an environment": page("{environment}/proposals"),
}
FILTERS: Mapping[str, int] = {
    "": PAGE,
    "resourceType=config": PAGE,
    f"resourceType={RARELY}": RARE,
    f"resourceKey={OFTEN}": PAGE,
    f"resourceKey={RARELY}": RARE,
    f"resourceType=config&resourceKey={OFTEN}": PAGE,
    "action=kill": PAGE,
    f"action={RARELY}": RARE,
    f"actorId={RARELY}": RARE,
    f"actorId={RARELY}&action={RARELY}": RARE,
    f"actorId={RARELY}&resourceType={RARELY}": RARE,
    "envId=acme:web:prod": PAGE,
    f"envId=acme:web:prod&resourceKey={OFTEN}": PAGE,
}


@asynccontextmanager
async def grown(size: Size) -> AsyncIterator[tuple[Instance, Instance]]:
    """A small instance that nobody has written to, and one of this size."""
    async with instance(Size()) as few, instance(size) as many:
        yield few, many


async def main() -> None:
    """Reads before writes, which add versions."""
    async with grown(Size(primitives=10_000)) as pair:
        await compare("100 to 10,000 primitives: an evaluation", evaluation, *pair, EVALUATION)
        await compare("100 to 10,000 primitives: a write", write, *pair, WRITE)
    async with grown(Size(primitives=100_000)) as pair:
        await compare("100 to 100,000 primitives: an evaluation", evaluation, *pair, EVALUATION)
    async with grown(Size(versions=100_000)) as pair:
        for name, ask in LISTS.items():
            await compare(f"100 to 100,000 versions: {name}", ask, *pair, LIST)
        await compare("100 to 100,000 versions: a write", write, *pair, WRITE)
    async with grown(Size(events=1_000_000)) as pair:
        for asked, length in FILTERS.items():
            ask = page(f"{API}/orgs/acme/audit?{asked}", length)
            await compare(f"1,000 to 1,000,000 events: {asked or 'the audit'}", ask, *pair, LIST)


if __name__ == "__main__":
    asyncio.run(main())
