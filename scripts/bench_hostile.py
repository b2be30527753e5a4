"""What a bystander notices while somebody attacks: latency and memory, for each attack. All of it, or those named."""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts._bench import API, Line, Served, served

IDLE_SECONDS = 5
REST_SECONDS = 3
MOST_MILLISECONDS = 250
MOST_TIMES = 20
MOST_MEGABYTES = 100
ENVIRONMENTS, FLAGS = 60, 150
MEGABYTE = 1024 * 1024
MAGIC_LINK = f"{API}/auth/magic-link"


@dataclass(frozen=True, slots=True)
class Target:
    """What is attacked: a project with many environments and flags, and one of its environments."""

    server: Served
    owner: Line
    project: str
    environment: str

    async def at_once(self, number: int, *calls: Any, anonymous: bool = False) -> str:
        """So many callers, each of whom makes the calls in turn; the statuses of the answers."""

        async def caller() -> list[int]:
            async with self.server.line(None if anonymous else self.owner) as line:
                return [(await line.call(*call)).status for call in calls]

        found = await asyncio.gather(*(caller() for _ in range(number)), return_exceptions=True)
        statuses = {
            str(status) for one in found for status in ([type(one).__name__] if isinstance(one, BaseException) else one)
        }
        return ", ".join(sorted(statuses))

    async def graphql(self, number: int, query: str, *, anonymous: bool = False, **variables: Any) -> str:
        return await self.at_once(
            number, ("POST", "/graphql", {"query": query, "variables": variables}), anonymous=anonymous
        )

    async def raw(self, number: int, pieces: Callable[[], Any], *, read: bool = True) -> str:
        """So many connections that send bytes until they are closed; the first lines of the answers."""

        async def send() -> str:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=2**24)
            try:
                for piece in pieces():
                    writer.write(piece)
                    await writer.drain()
                if not read:
                    await asyncio.sleep(REST_SECONDS)
                    return "unread"
                return (await asyncio.wait_for(reader.readline(), 60)).decode("latin-1").strip() or "closed"
            except OSError:
                return "closed"
            finally:
                writer.close()

        return ", ".join(sorted(set(await asyncio.gather(*(send() for _ in range(number))))))

    async def flag(self, key: str, **state: Any) -> str:
        """A new boolean flag; the path of its state."""
        body = {"key": key, "type": "boolean", "defaultValue": False, **state}
        async with self.server.line(self.owner) as line:
            made = await line.call("POST", f"{API}/projects/{self.project}/flags", body)
        assert made.status == 201, made.content[:500]  # noqa: PLR2004
        return f"{API}/envs/{self.environment}/flags/{key}"

    async def evaluate(self, number: int, key: str, context: Any, **options: Any) -> str:
        body = {"context": context, "keys": [key], **options}
        return await self.at_once(number, ("POST", f"{API}/envs/{self.environment}/evaluate", body))


def posted(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def long_key(target: Target) -> str:
    body = b'{"' + b"k" * 500_000 + b'":[' + b"1," * 249_999 + b"1]}"
    return await target.raw(4, lambda: [posted(MAGIC_LINK, body)])


async def long_key_to_graphql(target: Target) -> str:
    body = b'{"' + b"k" * 500_000 + b'":[' + b"1," * 249_999 + b"1]}"
    return await target.raw(4, lambda: [posted("/graphql", body)])


async def faults(target: Target) -> str:
    body = b'{"' + b"k" * 500_000 + b'":[' + b",".join([b'"\\ud800"'] * 200) + b"]}"
    return await target.raw(10, lambda: [posted(MAGIC_LINK, body)], read=False)


async def head_lines(target: Target) -> str:
    lines = b"".join(b"X-%d: v\r\n" % n for n in range(1000))
    return await target.raw(6, lambda: [b"GET /healthz HTTP/1.1\r\nHost: x\r\n", *[lines] * 2000])


async def head_line(target: Target) -> str:
    return await target.raw(4, lambda: [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", *[b"A" * 65536] * 960])


async def slow_readers(target: Target) -> str:
    """Whoever makes no progress for 30 seconds is to be dropped."""
    made = []
    for _ in range(150):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.connect(("127.0.0.1", target.server.port))
        one.sendall(b"GET /static/vendor/scalar/standalone.js HTTP/1.1\r\nHost: x\r\n\r\n")
        made.append(one)
    await asyncio.sleep(40)
    still = _connections(target.server.process.pid)
    for one in made:
        one.close()
    return f"{still} descriptors after 40 s"


def _connections(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def contains(target: Target) -> str:
    rules = [{"if": {"field": "tags", "$contains": f"tag-{n}"}, "value": True} for n in range(50)]
    await target.flag("contains", rules=rules)
    return await target.evaluate(4, "contains", {"userId": "u", "tags": [0] * 32_000})


async def many_contains(target: Target) -> str:
    conditions = [{"field": "tags", "$contains": n} for n in range(9_990)]
    await target.flag("many-contains", rules=[{"if": {"$or": conditions}, "value": True}])
    return await target.evaluate(2, "many-contains", {"userId": "u", "tags": [float(n) / 7 for n in range(3_000)]})


async def patterns(target: Target) -> str:
    rules = [{"if": {"field": "text", "$matches": f"(x+x+)+y{n}.{{0,50}}"}, "value": True} for n in range(100)]
    await target.flag("patterns", rules=rules)
    return await target.evaluate(4, "patterns", {"userId": "u", "text": "x" * 60_000})


async def traces(target: Target) -> str:
    conditions = [{"field": f"field-{n}", "$equals": n} for n in range(9_990)]
    await target.flag("traces", rules=[{"if": {"$or": conditions}, "value": True}])
    context = {"userId": "u", **{f"field-{n}": ["x" * 50] for n in range(900)}}
    return await target.evaluate(4, "traces", context, verboseReason=True)


async def dear_patterns(target: Target) -> str:
    path = await target.flag("dear-patterns")

    def body(one: int) -> dict[str, Any]:
        names = (f"{one * 1000 + n:06d}" for n in range(200))
        return {"rules": [{"if": {"field": "x", "$matches": f"{name}.{{0,930}}x"}, "value": True} for name in names]}

    found = await asyncio.gather(*(target.at_once(1, ("PATCH", path, body(n))) for n in range(6)))
    return ", ".join(sorted(set(found)))


async def refused_patterns(target: Target) -> str:
    path = await target.flag("refused-patterns")
    rules = [
        {"if": {"field": "x", "$matches": f"{n}((a{{0,100}}){{0,100}}){{0,100}}"}, "value": True} for n in range(100)
    ]
    return await target.at_once(6, ("PATCH", path, {"rules": rules}))


async def many_conditions(target: Target) -> str:
    path = await target.flag("many-conditions")

    def body(one: int) -> dict[str, Any]:
        conditions = [{"field": f"field-{one}-{n}", "$equals": n} for n in range(9_990)]
        return {"rules": [{"if": {"$or": conditions}, "value": True}]}

    found = await asyncio.gather(*(target.at_once(1, ("PATCH", path, body(n))) for n in range(4)))
    return ", ".join(sorted(set(found)))


async def graphql_states(target: Target) -> str:
    query = """query ($id: ID!) { project(id: $id) { flags(first: 1000) { nodes { states {
        id viewerCan environment { id viewerCan project { id viewerCan } } } } } } }"""
    return await target.graphql(2, query, id=target.project)


async def graphql_circles(target: Target) -> str:
    query = """query ($id: ID!) { project(id: $id) {
        flags(first: 20) { nodes { states { flag { states { flag { key } } } } } } } }"""
    return await target.graphql(2, query, id=target.project)


async def graphql_pages(target: Target) -> str:
    query = """query ($id: ID!) { project(id: $id) { environments(first: 60) { nodes {
        flagStates(first: 150) { nodes { flag { project { org { id } } } } } } } } }"""
    return await target.graphql(2, query, id=target.project)


async def graphql_catalogue(target: Target) -> str:
    fields = "code title meaning causes action examples { rest graphql }"
    query = "{ " + " ".join(f"a{n}: errorCatalog {{ {fields} }}" for n in range(30)) + " }"
    return await target.graphql(10, query, anonymous=True)


async def big_create(target: Target) -> str:
    before = _stored(target)
    rules = [{"if": {"field": f"field-{n}", "$in": ["x" * 88] * 49}, "value": True} for n in range(198)]
    conditions = [
        {**rule, "if": {"field": rule["if"]["field"], "$in": [f"{n}-{'x' * 80}" for n in range(49)]}} for rule in rules
    ]  # type: ignore[index]
    size = len(json.dumps(conditions))
    await target.flag("big", rules=conditions)
    return f"{size / 1000:.0f} KB of rules: the database grew by {(_stored(target) - before) / MEGABYTE:.1f} MB"


def _stored(target: Target) -> int:
    return sum(file.stat().st_size for file in (target.server.folder / "data").glob("signalbox.db*"))


ATTACKS: dict[str, Callable[[Target], Awaitable[str]]] = {
    one.__name__: one
    for one in (
        long_key,
        long_key_to_graphql,
        faults,
        head_lines,
        head_line,
        slow_readers,
        contains,
        many_contains,
        patterns,
        traces,
        dear_patterns,
        refused_patterns,
        many_conditions,
        graphql_states,
        graphql_circles,
        graphql_pages,
        graphql_catalogue,
        big_create,
    )
}


class Bystander:
    """A process of its own that calls the server all the time."""

    def __init__(self, target: Target) -> None:
        path = f"{API}/envs/{target.environment}/evaluate"
        command = [
            sys.executable,
            "-m",
            "scripts._bystander",
            str(target.server.port),
            path,
            target.owner.headers["Cookie"],
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> list[float]:
        """The milliseconds of each call."""
        return list(json.loads(self._process.communicate()[0]))


def resident(server: Served) -> float:
    """Megabytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text("utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[98]


async def seed(server: Served, owner: Line) -> Target:
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body["id"]
    environments = []
    for n in range(ENVIRONMENTS):
        body = {"key": f"env-{n}", "name": "One of many"}
        environments.append((await owner.call("POST", f"{API}/projects/{project}/environments", body)).body["id"])
    for n in range(FLAGS):
        body = {"key": f"flag-{n}", "type": "boolean", "defaultValue": True}
        assert (await owner.call("POST", f"{API}/projects/{project}/flags", body)).status == 201  # noqa: PLR2004
    return Target(server, owner, project, environments[0])


async def watched(target: Target, doing: Awaitable[str]) -> tuple[str, list[float], float]:
    """What came of it, the milliseconds of the bystander's calls meanwhile, and the seconds it took."""
    bystander = Bystander(target)
    began = time.monotonic()
    outcome = await doing
    seconds = time.monotonic() - began
    await asyncio.sleep(0.5)
    return outcome, bystander.stop(), seconds


async def idling() -> str:
    await asyncio.sleep(IDLE_SECONDS)
    return ""


async def main(names: list[str]) -> None:
    failed = []
    with served() as server:
        async with server.line() as owner:
            await server.claim(owner)
            target = await seed(server, owner)
            _, times, _ = await watched(target, idling())
            idle = p99(times)
            print(f"idle: p99 {idle:.1f} ms, {resident(server):.0f} MB resident")
            print(f"{'attack':<20} {'p99':>8} {'times':>6} {'max':>8} {'took':>6}   {'MB before, after':<17} outcome")
            for name in names or ATTACKS:
                before = resident(server)
                outcome, times, seconds = await watched(target, ATTACKS[name](target))
                await asyncio.sleep(REST_SECONDS)
                after, worst = resident(server), p99(times)
                bad = worst > MOST_MILLISECONDS or worst > MOST_TIMES * idle or after - before > MOST_MEGABYTES
                failed += [name] if bad else []
                print(
                    f"{name:<20} {worst:8.1f} {worst / idle:6.1f} {max(times):8.1f} {seconds:5.1f}s   "
                    f"{before:6.0f} → {after:6.0f} {'! ' if bad else '  '}{outcome[:100]}",
                    flush=True,
                )
    print(f"beyond the target: {', '.join(failed)}" if failed else "all within the target")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1:]))
