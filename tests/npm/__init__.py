"""What tests take from npm: installed once, by the lock, beside pytest's other caches."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers import missing

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 300


def run(script: str, *arguments: str, cache: pytest.Cache) -> Any:
    """What the script prints as JSON. Skips loudly without node and npm; on CI that is a failure."""
    for program, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(program) is None:
            missing(program, package)
    folder = _installed(cache)
    shutil.copy(HERE / script, folder)
    return json.loads(_output(["node", script, *arguments], folder))


def _installed(cache: pytest.Cache) -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache.mkdir(f"npm-{hashlib.sha256(lock).hexdigest()[:12]}")
    if not (folder / "complete").exists():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _output(["npm", "ci", "--no-audit", "--no-fund"], folder)
        (folder / "complete").touch()
    return folder


def _output(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
