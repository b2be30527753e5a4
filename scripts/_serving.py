"""For `scripts/bench serving`: a bare server, an instance with much in it, and a client that costs little.

The client sends bytes that were made beforehand, and looks at nothing of an answer but its status and its length.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.types import Receive, Scope, Send

from app.cli.demo import Filler
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.main import open_node
from app.models import Environment
from app.runtime.node import Node
from app.services import api_keys, claim, environments, orgs, projects, traffic_sample
from app.settings import MAX_RATE_PER_MIN, Settings
from app.store.unit_of_work import Subject
from scripts._bench import beside_bare
from scripts._commit_to_servable import primitive

CODE = "claim-code-of-the-bench"
OWNER = {"email": "owner@acme.example", "orgName": "Acme", "orgSlug": "acme", "claimCode": CODE}
SAMPLE = {"size": 1000, "fields": ["plan", "country"]}
TOKENS = 64
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
_WAIT_SECONDS = 60
_PIECE = 64 * 1024
_BODY = bytearray(2 * _PIECE)  # where bodies go, that nobody looks at

Rules = Callable[[int, int], list[dict[str, Any]]]


class WrongAnswer(Exception):
    """The run counts for nothing."""


class Instance(NamedTuple):
    """The ids of environments by how many flags they have, and the secrets of the tokens that read them."""

    environments: dict[int, str]
    tokens: list[str]


async def fill(folder: Path, sizes: tuple[int, ...], rules: Rules) -> Instance:
    """Each environment is of a project of its own, and each flag has rules of its own: `rules(number, variety)`."""
    node = await open_node(Settings(data_dir=folder, claim_code=CODE, max_rate_per_min=MAX_RATE_PER_MIN))
    try:
        owner = Filler(node)
        await owner.do(claim.install_claim, OWNER)
        await owner.do(orgs.update_org, "acme", {"maxRateLimitPerMin": MAX_RATE_PER_MIN}, IfMatch())
        made = {size: await _environment(node, owner, size, rules) for size in sizes}
        for one in made.values():
            await owner.do(traffic_sample.set_traffic_sample, one, SAMPLE, IfMatch())
        asked = {"level": "observer", "environments": {"envs": list(made.values())}, "resources": ["*"]}
        tokens = [
            (
                await owner.do(
                    api_keys.create_api_key,
                    "acme",
                    {"name": f"bench {n}", "rateLimitPerMin": MAX_RATE_PER_MIN, **asked},
                )
            ).secret
            for n in range(TOKENS)
        ]
    finally:
        await node.close()
    return Instance(made, tokens)


async def _environment(node: Node, owner: Filler, size: int, rules: Rules) -> str:
    """By as many rows as requests would leave, which would take minutes."""
    project = await owner.do(projects.create_project, "acme", {"key": f"p-{size}", "name": "Project"})
    made = await owner.do(environments.create_environment, project.id, {"key": "live", "name": "Live"})
    async with node.unit("req_bench", owner.actor) as uow:
        await uow.begin_write()
        environment = await uow.session.get_one(Environment, made.id)
        flags = [primitive(project.id, number) for number in range(size)]
        for flag in flags:
            uow.add(flag)
        await uow.flush()
        for number, flag in enumerate(flags):
            values = {"default_value": "false", "rules": json.dumps(rules(number, size))}
            uow.changes.write_state(environment, flag, None, actor=owner.actor.as_json(), **values)
        uow.record(Operation.UPDATE_PROJECT, Subject(project.org_id, "project", project.id, project.key, project.id))
    return made.id


class Process(NamedTuple):
    """A server on its core."""

    port: int
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """What all its threads have computed so far, by its own clock, which Linux numbers so."""
        return time.clock_gettime(~self.pid << 3 | 2)


@contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[Process]:
    """A server that listens on a socket of ours, and logs to a file."""
    named = {f"SIGNALBOX_{name}": value for name, value in settings.items()}
    top = str(Path(__file__).resolve().parent.parent)
    port = _free_port()
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": top, **named},
            stdout=log,
            stderr=log,
        )
        os.sched_setaffinity(process.pid, {SERVER_CORE})  # before it has other threads, which get it from this one
        with process:
            try:
                _wait_for(port, process)
                yield Process(port, process.pid)
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise WrongAnswer("the server does not start: see its log")


class Line:
    """A connection with requests to send: the next as soon as the last is answered, with the status that all get."""

    def __init__(self, port: int, requests: Iterator[bytes], status: int = 200) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waits: list[float] = []
        self._requests = requests
        self._status = b"%d" % status
        self._sent = 0.0
        self._head = b""  # of an answer, as far as it has come
        self._missing = 0  # of its body

    def goes_on(self) -> bool:
        """Sends the next request, if there is one."""
        if (request := next(self._requests, None)) is None:
            return False
        self._sent = time.perf_counter()
        self.socket.sendall(request)
        return True

    def is_answered(self) -> bool:
        """Reads what has come. Raises WrongAnswer."""
        if self._missing:
            self._missing -= self.socket.recv_into(_BODY)
        else:
            self._begin(self.socket.recv(_PIECE))
        if self._head or self._missing:
            return False
        self.waits.append(time.perf_counter() - self._sent)
        return True

    def _begin(self, data: bytes) -> None:
        answer = self._head + data if self._head else data
        if (end := answer.find(b"\r\n\r\n")) < 0:
            self._head = answer
            if not data:
                raise WrongAnswer("the server has closed the connection")
        elif not answer.startswith(self._status, 9):
            raise WrongAnswer(answer.decode("latin-1"))
        else:
            self._head, self._missing = b"", end + 4 + _length(answer, end) - len(answer)


def _length(answer: bytes, end: int) -> int:
    if (at := answer.find(b"\r\ncontent-length: ", 0, end)) < 0:
        return 0  # as a 304 has none
    return int(answer[at + 18 : answer.index(b"\r", at + 18)])


def run(lines: Sequence[Line], beside: Sequence[Line] = ()) -> float:
    """Until the first are done; gives the seconds. Raises WrongAnswer for one that is not as expected."""
    by_number = {line.socket.fileno(): line for line in (*lines, *beside)}
    left = {number for number, line in by_number.items() if line in lines}
    began = time.perf_counter()
    with select.epoll() as poll, ExitStack() as stack:
        for number, line in by_number.items():
            stack.enter_context(line.socket)
            poll.register(number, select.EPOLLIN)
            line.goes_on()
        while left:
            for number, _ in poll.poll():
                if (line := by_number[number]).is_answered() and not line.goes_on():
                    left.discard(number)
    return time.perf_counter() - began


def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request; gives status, headers and body."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answer:
        connection.sendall(request)
        status = int(answer.readline().split(b" ")[1])
        lines = iter(lambda: answer.readline().decode("latin-1").rstrip(), "")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return status, headers, answer.read(int(headers.get("content-length", 0)))


def get(path: str, token: str, **headers: str) -> bytes:
    """A request without a body."""
    return _head("GET", path, token, headers)


def post(path: str, token: str, length: int, **headers: str) -> bytes:
    """The head of a request with so long a body."""
    return _head("POST", path, token, {"Content_Type": "application/json", "Content_Length": str(length), **headers})


def _head(method: str, path: str, token: str, headers: dict[str, str]) -> bytes:
    named = {"Host": "localhost", "Authorization": f"Bearer {token}", "Accept": "*/*", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


async def _nothing(_: Scope, __: Receive, ___: Send) -> None:
    """For no path but that of the bare answer."""


if __name__ == "__main__":  # the bare server: `--port N`
    uvicorn.run(
        beside_bare(_nothing),
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
