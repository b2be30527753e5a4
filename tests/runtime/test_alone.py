"""One server on a database: another one would change what the first holds in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.main import open_database
from app.settings import Settings
from app.store.engines import InUse
from tests.processes import environment, serving


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_a_database_is_one_servers_until_that_ends(settings: Settings) -> None:
    first, second = open_database(settings), open_database(settings)
    try:
        async with first.alone():
            with pytest.raises(InUse):
                async with second.alone():
                    pass
        async with second.alone():
            pass
    finally:
        await first.close()
        await second.close()


def test_a_second_server_ends_with_one_line_and_the_first_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "serve", "--port", "0"]
    with serving(tmp_path) as served:
        second = subprocess.run(
            command, check=False, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=30
        )
        assert second.returncode != 0
        assert second.stdout == ""
        (line,) = second.stderr.splitlines()
        assert line.startswith("SIGNALBOX_DATA_DIR: ")
        assert line.endswith(" is already in use by another server.")
        assert served.process.poll() is None
