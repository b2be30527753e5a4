"""5,000 idle event streams on a server: what each takes of its memory, and when all have heard of a change."""

import asyncio
import json
import resource
import sys
import time
from contextlib import AsyncExitStack

from scripts._bench import API, Line, Served, served

STREAMS, OF_ONE_TOKEN = 5_000, 100
MOST_KIB, MOST_SECONDS = 18.0, 1.0
CHANGES = 5
OK, CREATED = 200, 201
_AT_ONCE = 200


class Listener(asyncio.Protocol):
    """A client that reads nothing but which version it was told last."""

    def __init__(self, hears: "Listeners", request: bytes) -> None:
        self._hears = hears
        self._request = request
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"HTTP/1.1 ") and not line.startswith(b"HTTP/1.1 200"):
                sys.exit(f"a stream was refused: {line.decode()}")
            if line.startswith(b"id: "):
                self._hears.note(int(line[4:]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self._hears.closing:
            sys.exit("a stream has ended")


class Listeners:
    """All of them: how many have heard of a version, and when the last did."""

    def __init__(self) -> None:
        self.closing = False
        self.heard: dict[int, int] = {}
        self.all_heard: dict[int, asyncio.Future[float]] = {}
        self.progress = asyncio.Event()

    def expect(self, version: int) -> "asyncio.Future[float]":
        return self.all_heard.setdefault(version, asyncio.get_running_loop().create_future())

    def note(self, version: int) -> None:
        self.heard[version] = self.heard.get(version, 0) + 1
        self.progress.set()
        if self.heard[version] == STREAMS:
            self.expect(version).set_result(time.perf_counter())


async def begin(owner: Line) -> tuple[str, list[str]]:
    """An environment with a flag, and tokens that may read it."""
    project = (await owner.call("POST", f"{API}/orgs/acme/projects", {"key": "web", "name": "Web"})).body["id"]
    made = await owner.call("POST", f"{API}/projects/{project}/environments", {"key": "live", "name": "Live"})
    environment = str(made.body["id"])
    flag = {"key": "checkout", "type": "boolean", "defaultValue": False}
    assert (await owner.call("POST", f"{API}/projects/{project}/flags", flag)).status == CREATED
    tokens = []
    for number in range(STREAMS // OF_ONE_TOKEN):
        token = {"name": f"sdk {number}", "level": "observer", "environments": {"envs": [environment]}}
        made = await owner.call("POST", f"{API}/orgs/acme/api-keys", {**token, "resources": ["*"]})
        tokens.append(str(made.body["token"]))
    return environment, tokens


async def opened(server: Served, stack: AsyncExitStack, requests: list[bytes], listeners: Listeners) -> None:
    """All streams, a few at a time. The first event of each tells version 1."""
    loop = asyncio.get_running_loop()
    for at in range(0, len(requests), _AT_ONCE):
        piece = requests[at : at + _AT_ONCE]
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda one=one: Listener(listeners, one), "127.0.0.1", server.port)
                for one in piece
            )
        )
        for transport, _ in made:
            stack.callback(transport.close)
        while listeners.heard.get(1, 0) < at + len(piece):
            listeners.progress.clear()
            await listeners.progress.wait()


async def change(server: Served, owner: Line, environment: str, number: int) -> float:
    """A write; gives the moment at which it was answered."""
    path = f"{API}/envs/{environment}/flags/checkout"
    async with server.line(owner) as line:
        answer = await line.call("PATCH", path, {"defaultValue": number % 2 == 0})
    assert answer.status == OK, json.dumps(answer.body)
    return time.perf_counter()


async def main() -> None:
    """Fails beyond what one stream may take, or what one change may."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with served() as server:
        async with server.line() as owner, AsyncExitStack() as stack:
            await server.claim(owner)
            environment, tokens = await begin(owner)
            path = f"{API}/envs/{environment}/ruleset/stream"
            requests = [
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                "Accept: text/event-stream\r\nUser-Agent: bench\r\n\r\n".encode()
                for token in tokens
                for _ in range(OF_ONE_TOKEN)
            ]
            listeners = Listeners()
            first = listeners.expect(1)
            before = server.megabytes
            began = time.perf_counter()
            await opened(server, stack, requests, listeners)
            print(f"{STREAMS:,} streams were opened in {await first - began:.1f} s", flush=True)
            kib = (server.megabytes - before) * 1024 / STREAMS
            print(
                f"each takes {kib:5.1f} KiB of the server ({before:.0f} MB before)   at most {MOST_KIB:.0f}", flush=True
            )
            waits = []
            for number in range(CHANGES):
                heard = listeners.expect(number + 2)
                answered = await change(server, owner, environment, number)
                waits.append(await heard - answered)
            print(
                f"all heard of a change {', '.join(f'{one * 1000:.0f}' for one in waits)} ms after it was answered, in"
            )
            print(f"{CHANGES} changes   at most {MOST_SECONDS * 1000:.0f}", flush=True)
            cpu = server.cpu_seconds
            await asyncio.sleep(15)
            print(f"idle, all of them take {(server.cpu_seconds - cpu) / 15:.1%} of a core")
            listeners.closing = True
    if kib > MOST_KIB or max(waits) > MOST_SECONDS:
        sys.exit("beyond a limit")


if __name__ == "__main__":
    asyncio.run(main())
