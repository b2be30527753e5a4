"""The product as its users start it: the command line in a process of its own, and bash lines as they paste them."""

import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2

from app.cli import main

TOP = Path(__file__).resolve().parent.parent
PATIENCE = 60
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["app.cli.commands"])
LAST_LINE = b"Press Ctrl+C to stop."


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: where it is, what it greeted with, and the folder that it was started in."""

    url: str
    greeting: str
    folder: Path
    process: "Process"

    @property
    def claim_code(self) -> str:
        """The code that claims it."""
        return (self.folder / "data" / "claim-code").read_text("utf-8").strip()

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        return _log(self.folder).read_text("utf-8")

    def wait_for_log(self, text: str, start: int = 0) -> None:
        """Returns once the text is in the log, from its character `start` on."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.log[start:]:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log}"
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it and gives its exit code."""
        self.process.send_signal(how)
        return self.process.wait()


def environment(**variables: str) -> dict[str, str]:
    """The variables of a process: ours without the product's, and the given ones."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    return {**ours, "PYTHONPATH": str(TOP), **variables}


class Process:
    """The product's command line in a process of its own, which has its own folder, environment and output.

    The process is forked from one that has imported the product, for the imports take as long as a test.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        printed, output = FORKSERVER.Pipe(duplex=False)
        self.stdout = os.fdopen(os.dup(printed.fileno()), "rb", buffering=0)
        printed.close()
        self._process = FORKSERVER.Process(target=_run, args=(arguments, folder, environment(**variables), output))
        self._process.start()
        output.close()

    def read(self) -> bytes:
        """What it prints next; waits for it. Nothing once it has ended."""
        ready = select.select([self.stdout], [], [], PATIENCE)[0]
        assert ready, "the process prints nothing"
        return os.read(self.stdout.fileno(), 65536)

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code, when it has ended."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "the process does not end"
        return self._process.exitcode

    def close(self) -> None:
        """Ends it if it still runs."""
        if self.poll() is None:
            self._process.terminate()
        self.wait()
        self.stdout.close()
        self._process.close()


def _run(arguments: Sequence[str], folder: Path, variables: Mapping[str, str], output: Connection) -> None:
    """What the forked process does."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    with _log(folder).open("wb") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.dup2(output.fileno(), sys.stdout.fileno())
    output.close()
    sys.argv[:] = ["signalbox", *arguments]
    main()


@contextmanager
def serving(folder: Path, *options: str, **variables: str) -> Iterator[Served]:
    """`signalbox serve` in the folder, on a free port, from its greeting on."""
    process = Process(["serve", "--port", "0", *options], folder, variables)
    with closing(process):
        greeting = _greeting(process, folder)
        url = re.search(r"http://\S+", greeting)[0]
        yield Served(url, greeting, folder, process)


@contextmanager
def owner_of(served: Served) -> Iterator[httpx2.Client]:
    """The owner of the instance, who has just claimed it: ada@acme.example of the organisation `acme`."""
    claim = {"email": "ada@acme.example", "orgName": "Acme", "orgSlug": "acme", "claimCode": served.claim_code}
    with httpx2.Client(base_url=served.url) as client:
        client.post("/api/v1/auth/install-claim", json=claim).raise_for_status()
        yield client


def bash(script: str, folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """What the script prints, errors included. `signalbox` is the command line, as if it were installed."""
    installed = f'signalbox() {{ "{sys.executable}" -m app "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", installed + script],
        cwd=folder,
        env=environment(**variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _log(folder: Path) -> Path:
    return folder / "stderr.log"


def _greeting(process: Process, folder: Path) -> str:
    output = b""
    while LAST_LINE not in output:
        read = process.read()
        assert read, f"the server did not start:\n{output.decode()}\n{_log(folder).read_text('utf-8')}"
        output += read
    return output.decode()
