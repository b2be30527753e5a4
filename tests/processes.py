"""The product as its users start it: `python -m app` in a process of its own, and bash lines as they paste them."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

TOP = Path(__file__).resolve().parent.parent
PATIENCE = 60
LAST_LINE = b"Press Ctrl+C to stop."


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: where it is, what it greeted with, and the folder that it was started in."""

    url: str
    greeting: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def claim_code(self) -> str:
        """The code that claims it."""
        return (self.folder / "data" / "claim-code").read_text("utf-8").strip()

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        return _log(self.folder).read_text("utf-8")

    def wait_for_log(self, text: str) -> None:
        """Returns once the text is in the log."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log}"
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it and gives its exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


def environment(**variables: str) -> dict[str, str]:
    """The variables of a process: ours without the product's, and the given ones."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")}
    return {**ours, "PYTHONPATH": str(TOP), **variables}


@contextmanager
def serving(folder: Path, *options: str, **variables: str) -> Iterator[Served]:
    """`signalbox serve` in the folder, on a free port, from its greeting on."""
    with _log(folder).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0", *options],
            cwd=folder,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with process:
        try:
            greeting = _greeting(process, folder)
            url = re.search(r"http://\S+", greeting)[0]
            yield Served(url, greeting, folder, process)
        finally:
            process.terminate()


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


def _greeting(process: subprocess.Popen[bytes], folder: Path) -> str:
    output, deadline = b"", time.monotonic() + PATIENCE
    while LAST_LINE not in output:
        ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
        read = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert read, f"the server did not start:\n{output.decode()}\n{_log(folder).read_text('utf-8')}"
        output += read
    return output.decode()
