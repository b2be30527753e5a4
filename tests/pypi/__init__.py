"""What tests take from PyPI, but not into our own environment: installed once, by a lock, beside pytest's caches."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import alone

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 300


def environment(lock: str, cache: pytest.Cache) -> Path:
    """The folder of programs of an environment that holds what the lock pins."""
    pinned = HERE / lock
    folder = Path(cache.mkdir(f"pypi-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]}"))
    programs = folder / "bin"
    with alone(folder):
        if not (folder / "complete").exists():
            output([sys.executable, "-m", "venv", str(folder)], HERE)
            install = [
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "--only-binary",
                ":all:",
            ]
            output([str(programs / "python"), "-m", "pip", *install, "-r", str(pinned)], HERE)
            (folder / "complete").touch()
    return programs


def output(command: list[str], folder: Path, given: str = "", **environment: str) -> str:
    """What the program prints. It is a failure if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env=environment or None,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
