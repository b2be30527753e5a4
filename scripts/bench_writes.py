"""Writes on a real server: one writer and 50 at once, and an editor beside a viewer who is refused."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

from scripts._bench import API, Answer, Line, Served, served

WRITES = 1000
WRITERS = 50
ENTRIES = 200
OK, CREATED, REFUSED = 200, 201, 403


async def seed(owner: Line) -> str:
    """A project with an environment and a flag; gives the path of its state."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body
    made = await owner.call("POST", f"{API}/projects/{project['id']}/environments", {"key": "prod", "name": "Prod"})
    flag = {"key": "banner", "type": "string", "defaultValue": ""}
    await owner.call("POST", f"{API}/projects/{project['id']}/flags", flag)
    return f"{API}/envs/{made.body['id']}/flags/banner"


async def write(line: Line, path: str, mark: str, number: int) -> list[float]:
    """So many writes in turn; how long each took."""
    times = []
    for n in range(number):
        started = time.perf_counter()
        answer = await line.call("PATCH", path, {"defaultValue": f"{mark} {n}"})
        times.append(time.perf_counter() - started)
        assert answer.status == OK, answer
    return times


async def writers(server: Served, owner: Line, path: str, number: int) -> "Measured":
    """So many writers at once."""
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(server.line(owner)) for _ in range(number)]
        started, computed = time.perf_counter(), server.cpu_seconds
        done = await asyncio.gather(
            *(write(line, path, f"{number}.{n}", WRITES // number) for n, line in enumerate(lines))
        )
        rate, cpu = WRITES / (time.perf_counter() - started), (server.cpu_seconds - computed) / WRITES
        return Measured(rate, cpu * 1000, [one * 1000 for times in done for one in times])


@asynccontextmanager
async def looping(server: Served, who: Line, method: str, path: str, status: int) -> AsyncIterator[list[Answer]]:
    """Somebody who asks the same again and again, on a connection of their own."""
    answers: list[Answer] = []

    async def ask(line: Line) -> None:
        while True:
            answers.append(await line.call(method, path, {} if method == "POST" else None))
            assert answers[-1].status == status, answers[-1]

    async with server.line(who) as line:
        task = asyncio.create_task(ask(line))
        try:
            yield answers
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def viewer(owner: Line, line: Line) -> None:
    """Gives the line a token that may only read, and as often as it can."""
    asked = {"level": "observer", "environments": {"org": True}, "resources": ["*"], "rateLimitPerMin": 60_000}
    made = await owner.call("POST", f"{API}/orgs/acme/api-keys", {"name": "viewer", **asked})
    line.headers["Authorization"] = f"Bearer {made.body['token']}"


async def entries(owner: Line, path: str) -> None:
    """Adds entries to a list of 10 and to one of 10,000 in turn; each is servable when a flag has been evaluated."""
    environment = path.rpartition("/flags/")[0]
    below = f"{API}/projects/{(await owner.call('GET', f'{API}/orgs/acme/projects')).body[0]['id']}"
    times: dict[int, list[float]] = {10: [], 10_000: []}
    for size in times:
        segment = {"key": f"list-{size}", "allowList": [f"user-{n}" for n in range(size - 1)]}
        assert (await owner.call("POST", f"{below}/segments", segment)).status == CREATED
        rules = [{"if": {"$segment": f"list-{size}"}, "value": True}]
        flag = {"key": f"flag-{size}", "type": "boolean", "defaultValue": False, "rules": rules}
        assert (await owner.call("POST", f"{below}/flags", flag)).status == CREATED
    for n in range(ENTRIES):
        for size, taken in times.items():
            change = {"add": [f"new-{n}"], "remove": [f"new-{n - 1}"]}
            asked = {"context": {"userId": f"new-{n}"}, "keys": [f"flag-{size}"]}
            started = time.perf_counter()
            answer = await owner.call("POST", f"{environment}/segments/list-{size}/allow-list", change)
            assert answer.status == OK, answer
            found = (await owner.call("POST", f"{environment}/evaluate", asked)).body["evaluations"]
            taken.append((time.perf_counter() - started) * 1000)
            assert found[f"flag-{size}"]["value"] is True
    few, many = (statistics.median(taken) for taken in times.values())
    print(f"one entry of 10, to servable       {few:8.2f} ms")
    print(f"one entry of 10,000, to servable   {many:8.2f} ms, {many / few:.2f} times as long")


class Measured(NamedTuple):
    """Writes a second; the server's CPU time for one, and how long each took, in milliseconds."""

    rate: float
    cpu: float
    times: list[float]

    def show(self, name: str) -> None:
        """A line."""
        p50, p99 = statistics.median(self.times), statistics.quantiles(self.times, n=100)[98]
        print(f"{name:<42}{self.rate:6.0f} writes/s   CPU {self.cpu:5.2f} ms   p50 {p50:7.2f}   p99 {p99:7.2f}")


async def main() -> None:
    """All of it, on one server."""
    with served() as server:
        async with server.line() as owner, server.line() as guest:
            await server.claim(owner)
            path = await seed(owner)
            await viewer(owner, guest)
            await write(owner, path, "warm", 50)
            (await writers(server, owner, path, 1)).show("one writer")
            (await writers(server, owner, path, WRITERS)).show(f"{WRITERS} writers at once")
            async with looping(server, guest, "GET", path, OK) as answers:
                (await writers(server, owner, path, 1)).show("one writer, beside a viewer who reads")
            print(f"{'':4}{len(answers)} reads were answered meanwhile")
            async with looping(server, guest, "POST", f"{path}/kill", REFUSED) as answers:
                (await writers(server, owner, path, 1)).show("one writer, beside a viewer who is refused")
            print(f"{'':4}{len(answers)} writes were refused meanwhile")
            async with server.line(owner) as line:  # the owner's own was closed meanwhile
                await entries(line, path)


if __name__ == "__main__":
    asyncio.run(main())
