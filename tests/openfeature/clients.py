"""OpenFeature's stock clients, each behind the same few calls."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

from playwright.sync_api import Page, Request

HERE = Path(__file__).resolve().parent
Details = dict[str, Any]


class Client(Protocol):
    """A client, connected with an address and headers. An evaluation gives what the SDK calls details."""

    def connect(self, address: str, headers: dict[str, str]) -> Any: ...

    def evaluate(self, value_type: str, key: str, default: Any, context: dict[str, Any]) -> Details: ...


class Program:
    """One in a process of its own, which reads a call a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def connect(self, address: str, headers: dict[str, str]) -> None:
        self._call("connect", address, headers)

    def evaluate(self, value_type: str, key: str, default: Any, context: dict[str, Any]) -> Details:
        return dict(self._call("evaluate", value_type, key, default, context))

    def fetch_all(self, address: str, headers: dict[str, str], tag: str | None = None) -> dict[str, Any]:
        """The status and the tag of all values, asked for with the client's own means."""
        return dict(self._call("fetchAll", address, headers, tag))

    def _call(self, command: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([command, arguments]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def program(command: list[str], folder: Path) -> Iterator[Program]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True) as process:
        yield Program(process)
        process.terminate()


class InPage:
    """One in a page of another origin, which asks again and again. `requests` are those that it made."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[Request] = []
        page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108 - playwright marks it

    def connect(self, address: str, headers: dict[str, str]) -> str | None:
        """What it complains about, if it does."""
        found: str | None = self.page.evaluate("given => connect(...given)", [address, headers])
        return found

    def evaluate(self, value_type: str, key: str, default: Any, context: dict[str, Any]) -> Details:
        return dict(self.page.evaluate("given => evaluate(...given)", [value_type, key, default, context]))

    def wait_for(self, value_type: str, key: str, default: Any, value: Any) -> None:
        """Returns once the client has the value, for nothing is asked of it but that."""
        self.page.wait_for_function(
            "([type, key, fallback, value]) => now(type, key, fallback).value === value",
            arg=[value_type, key, default, value],
        )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """Serves the folder, as the origin that this gives."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
