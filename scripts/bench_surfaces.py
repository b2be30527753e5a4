"""CPU time of an answer on each surface, beside a bare ASGI answer of the same uvicorn in the same run."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from scripts._bench import API, BARE, Answer, Line, Served, served

FLAGS = 100
WARM, REQUESTS, LONG = 30, 1000, 200
OK, UNCHANGED = 200, 304
EIGHT = """
    query ($id: ID!) {
      environment(id: $id) {
        flagStates(first: 100) { nodes { id defaultValue killed version updatedAt etag flag { key description } } }
      }
    }
"""
WRITE = "mutation ($input: UpdateFlagStateInput!) { updateFlagState(input: $input) { flagState { version } } }"

Ask = Callable[[Line, int], Awaitable[Answer]]


async def seed(owner: Line) -> str:
    """A project with an environment and many flags; gives the environment's id."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body
    made = await owner.call("POST", f"{API}/projects/{project['id']}/environments", {"key": "prod", "name": "Prod"})
    for n in range(FLAGS):
        flag = {"key": f"flag-{n}", "type": "string", "defaultValue": "on", "description": "One of many"}
        await owner.call("POST", f"{API}/projects/{project['id']}/flags", flag)
    return str(made.body["id"])


async def cases(owner: Line, environment: str) -> dict[str, tuple[int, int, Ask]]:
    """What is asked, how often, and with which status it is answered, by name."""
    flag = f"{API}/envs/{environment}/flags/flag-7"
    etag = (await owner.call("GET", flag)).headers["etag"]

    def get(path: str, **headers: str) -> Ask:
        return lambda line, _: line.call("GET", path, None, **headers)

    def graphql(query: str, **variables: Any) -> Ask:
        return lambda line, _: line.call("POST", "/graphql", {"query": query, "variables": variables})

    def patch(line: Line, n: int) -> Awaitable[Answer]:
        return line.call("PATCH", flag, {"defaultValue": f"rest {n}"})

    def mutate(line: Line, n: int) -> Awaitable[Answer]:
        state = {"environmentId": environment, "key": "flag-7", "defaultValue": f"graphql {n}"}
        return line.call("POST", "/graphql", {"query": WRITE, "variables": {"input": state}})

    return {
        "one flag, 200": (REQUESTS, OK, get(flag)),
        "one flag, 304": (REQUESTS, UNCHANGED, get(flag, **{"If-None-Match": etag})),
        "a list of 100": (LONG, OK, get(f"{API}/envs/{environment}/flags")),
        "GraphQL, nothing of the database": (REQUESTS, OK, graphql("{ __typename }")),
        "GraphQL, one organisation": (REQUESTS, OK, graphql('{ org(slug: "acme") { name createdAt } }')),
        "GraphQL, 100 flags of 8 fields": (LONG, OK, graphql(EIGHT, id=environment)),
        "a write over REST": (LONG, OK, patch),
        "a write over GraphQL": (LONG, OK, mutate),
    }


async def cpu(server: Served, who: Line, number: int, status: int, ask: Ask) -> float:
    """Milliseconds of the server's CPU time for one answer."""
    async with server.line(who) as line:
        for n in range(WARM):
            await ask(line, -1 - n)
        before = server.cpu_seconds
        for n in range(number):
            answer = await ask(line, n)
            assert answer.status == status, answer
            assert b'"errors"' not in answer.content, answer
        return (server.cpu_seconds - before) / number * 1000


async def main() -> None:
    """All of it, on one server."""
    with served() as server:
        async with server.line() as owner:
            await server.claim(owner)
            asked = await cases(owner, await seed(owner))
        bare = await cpu(
            server, Line(owner.reader, owner.writer), 4 * REQUESTS, OK, lambda line, _: line.call("GET", BARE)
        )
        print(f"{'a bare answer':<36}{bare:7.3f} ms")
        for name, (number, status, ask) in asked.items():
            spent = await cpu(server, owner, number, status, ask)
            print(f"{name:<36}{spent:7.3f} ms {spent / bare:7.1f} times")


if __name__ == "__main__":
    asyncio.run(main())
