"""What a context received over 100 versions, of an environment with 1,000 versions and with 10,000."""

import asyncio
import statistics
import time

from scripts._bench import API, Line, served

FLAGS = 1_000
FEW, MANY, WINDOW = 1_000, 10_000, 100
ASKED = 12
OK, CREATED = 200, 201
CONTEXT = {"userId": "u-1", "plan": "pro"}


async def seed(owner: Line) -> str:
    """A project with flags and an environment, which has no version yet; gives the environment's path."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body
    rules = [{"if": {"field": "plan", "$equals": "pro"}, "value": "pro", "rolloutPercent": 50}]
    for n in range(FLAGS):
        flag = {"key": f"flag-{n}", "type": "string", "defaultValue": "", "rules": rules}
        assert (await owner.call("POST", f"{API}/projects/{project['id']}/flags", flag)).status == CREATED
    made = await owner.call("POST", f"{API}/projects/{project['id']}/environments", {"key": "prod", "name": "Prod"})
    return f"{API}/envs/{made.body['id']}"


async def write(owner: Line, environment: str, first: int, last: int, times: dict[int, str]) -> None:
    """The versions from the first to the last, and when each was made."""
    for version in range(first, last + 1):
        path = f"{environment}/flags/flag-{version % FLAGS}"
        answer = await owner.call("PATCH", path, {"defaultValue": f"take {version}"})
        assert (answer.status, answer.body["version"]) == (OK, version), answer
        times[version] = answer.body["updatedAt"]


async def measure(owner: Line, environment: str, first: int, times: dict[int, str]) -> float:
    """Milliseconds for windows from about this version on, none of which has been asked for before."""
    taken = []
    for start in range(first, first + ASKED):
        asked = {"context": CONTEXT, "since": times[start], "until": times[start + WINDOW + 1]}
        started = time.perf_counter()
        answer = await owner.call("POST", f"{environment}/evaluate/history", asked)
        taken.append((time.perf_counter() - started) * 1000)
        assert answer.status == OK, answer
        assert len(answer.body["primitives"]) == FLAGS
    return statistics.median(taken)


async def main() -> None:
    with served() as server:
        async with server.line() as owner:
            await server.claim(owner)
            environment, times = await seed(owner), dict[int, str]()
            await write(owner, environment, 1, FEW, times)
            few = await measure(owner, environment, FEW // 2, times)
            await write(owner, environment, FEW + 1, MANY, times)
            for name, first in (("old", FEW // 2 + 2 * ASKED), ("new", MANY - WINDOW - ASKED - 1)):
                many = await measure(owner, environment, first, times)
                print(f"{FEW:6,} versions              {few:8.2f} ms")
                print(f"{MANY:6,} versions, {name} ones    {many:8.2f} ms, {many / few:.2f} times as long")


if __name__ == "__main__":
    asyncio.run(main())
