"""What tests take from npm: installed once, by the lock, beside pytest's other caches."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers import alone, missing

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 300


def run(script: str, *arguments: str, cache: pytest.Cache) -> Any:
    """What the script prints as JSON. Skips loudly without node and npm; on CI that is a failure."""
    folder = installed(cache)
    shutil.copy(HERE / script, folder)
    return json.loads(output(["node", script, *arguments], folder))


def installed(cache: pytest.Cache) -> Path:
    """The folder in which the packages are, for scripts that are put there. Skips loudly without node and npm."""
    for program, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(program) is None:
            missing(program, package)
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache.mkdir(f"npm-{hashlib.sha256(lock).hexdigest()[:12]}")
    with alone(folder):
        if not (folder / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            output(["npm", "ci", "--no-audit", "--no-fund"], folder)
            (folder / "complete").touch()
    return folder


def output(command: list[str], folder: Path, **environment: str) -> str:
    """What the program prints. It is a failure if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
