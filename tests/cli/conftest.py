"""The command line without a process of its own, which costs two seconds: for commands that do not serve."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import cli

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`signalbox` with the arguments and variables; its data are in `tmp_path / "data"`."""
    none: dict[str, str | None] = {name: None for name in os.environ if name.startswith("SIGNALBOX_")}

    def run(*arguments: str, **variables: str) -> Result:
        data_dir = {"SIGNALBOX_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(cli, arguments, env={**none, **data_dir, **variables})

    return run


@pytest.fixture
def installed(tmp_path: Path, migrated: Path) -> Path:
    """The data folder of a server that has been started once, and is not running."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    Path(shutil.copy(migrated, folder / "signalbox.db")).chmod(0o600)
    return folder
