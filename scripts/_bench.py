"""What benchmarks of the whole product share: a server in a process of its own, and a client that costs little."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.cli import server
from app.cli.commands import cli

API = "/api/v1"
BARE = "/bare"
_TICKS = os.sysconf("SC_CLK_TCK")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON."""
        return json.loads(self.content)


@dataclass(slots=True)
class Line:
    """A connection that is kept open, with its headers."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request and its answer."""
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"Host": "localhost", **self.headers, **headers, "Content-Length": str(len(content))}
        if content:
            sent["Content-Type"] = "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        return await self._answer()

    async def _answer(self) -> Answer:
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(
            int(status.split(" ")[1]), headers, await self.reader.readexactly(int(headers.get("content-length", 0)))
        )

    def become(self, answer: Answer) -> None:
        """Goes on with the session that the answer has set."""
        self.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers."""

    port: int
    folder: Path
    process: subprocess.Popen[str]

    @property
    def cpu_seconds(self) -> float:
        """What its threads have computed so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def megabytes(self) -> float:
        """What it has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @asynccontextmanager
    async def line(self, like: Line | None = None) -> AsyncIterator[Line]:
        """A connection, with the credentials of another."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        try:
            yield Line(reader, writer, dict(like.headers) if like else {})
        finally:
            writer.close()

    async def claim(self, line: Line) -> None:
        """Makes the line the owner's of the organisation `acme`."""
        code = (self.folder / "data" / "claim-code").read_text("utf-8").strip()
        claim = {"email": "owner@acme.example", "orgName": "Acme", "orgSlug": "acme", "claimCode": code}
        line.become(await line.call("POST", f"{API}/auth/install-claim", claim))


@contextmanager
def served() -> Iterator[Served]:
    """A fresh instance, served as `signalbox serve` does, with a bare ASGI answer at BARE beside it."""
    with tempfile.TemporaryDirectory() as name, served_from(Path(name)) as server:
        yield server


@contextmanager
def served_from(folder: Path, program: str = "scripts._bench", **settings: str) -> Iterator[Served]:
    """The instance whose data is in the folder, or a fresh one there; served so, too, with settings by their names."""
    top, named = str(Path(__file__).resolve().parent.parent), {f"SIGNALBOX_{name}": settings[name] for name in settings}
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program, "serve", "--port", "0"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": top, "SIGNALBOX_LOG_FORMAT": "json", **named},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            try:
                assert process.stdout is not None
                port = next(found[1] for line in process.stdout if (found := re.search(r"http://\S+?:(\d+)", line)))
                yield Served(int(port), folder, process)
            finally:
                process.terminate()


def beside_bare(app: ASGIApp) -> ASGIApp:
    """The app, and what uvicorn alone costs."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != BARE:
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"40")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 40})

    return answer


if __name__ == "__main__":
    make = server.create_app

    def make_both(*given: Any, **named: Any) -> Any:
        made: Any = make(*given, **named)
        both: Any = beside_bare(made)
        both.state = made.state
        return both

    server.create_app = make_both
    cli()
