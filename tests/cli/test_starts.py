"""A start that cannot succeed ends with one line that names what to change, and exit status 1; never a traceback."""

import inspect
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.cli import commands
from app.cli.commands import cli
from app.cli.data_folder import OTHERS
from app.settings import Settings
from app.store.migrations import HEAD
from tests.cli.conftest import Command
from tests.factories import Workspace
from tests.postgres import KeptDatabase
from tests.processes import Process, environment, serving

Arrange = Callable[[Path], None]


def start(folder: Path, *options: str, **variables: str) -> str:
    """What a start says that does not succeed."""
    process = Process(["serve", "--port", "0", *options], folder, variables)
    with closing(process):
        assert process.wait() == 1
        assert process.read() == b""
    (line,) = (folder / "stderr.log").read_text("utf-8").splitlines()
    assert "Traceback" not in line
    return line


def a_file(folder: Path) -> None:
    (folder / "data").write_text("")


def a_database_that_is_none(folder: Path) -> None:
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "signalbox.db").write_text("Dear diary, this is long enough to be looked at. " * 100)


def a_folder_for_a_database(folder: Path) -> None:
    (folder / "data" / "signalbox.db").mkdir(mode=0o700, parents=True)
    (folder / "data").chmod(0o700)


def nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("arrange", "options", "said"),
    [
        (a_file, [], "SIGNALBOX_DATA_DIR: cannot keep data in data: It is a file. Choose a folder "),
        (a_file, ["--data-dir", "data/below"], "SIGNALBOX_DATA_DIR: cannot keep data in data/below: Not a directory."),
        (nothing, ["--data-dir", "/proc/nope"], "SIGNALBOX_DATA_DIR: cannot keep data in /proc/nope: "),
        (a_database_that_is_none, [], "SIGNALBOX_DATA_DIR: cannot open the database "),
        (a_folder_for_a_database, [], "SIGNALBOX_DATA_DIR: cannot open the database "),
        (nothing, ["--host", "nowhere.invalid"], "SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on nowhere.invalid"),
        (nothing, ["--host", "x" * 64], "SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on xxx"),
        (nothing, ["--host", "192.0.2.1"], "SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on 192.0.2.1 port 0: "),
        (nothing, ["--host", ""], "--host: "),
        (nothing, ["--workers", "2"], "SIGNALBOX_WORKERS: more than one worker needs SIGNALBOX_REDIS_URL"),
        (nothing, ["--port", "70000"], "--port: "),
    ],
)
def test_folders_hosts_and_workers(tmp_path: Path, arrange: Arrange, options: list[str], said: str) -> None:
    arrange(tmp_path)
    before = set(tmp_path.rglob("*"))
    assert start(tmp_path, *options).startswith(said)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "stderr.log", tmp_path / "data" / "signalbox.lock"}


def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    unprivileged = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
        unprivileged = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    ended = subprocess.run(
        [*unprivileged, sys.executable, "-m", "app", "serve", "--port", "0"],
        check=False,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("SIGNALBOX_DATA_DIR: cannot keep data in data: Permission denied. Choose a folder that ")


@pytest.mark.parametrize("option", ["port", "workers"])
def test_a_number_that_is_none(tmp_path: Path, option: str) -> None:
    assert start(tmp_path, f"--{option}", "abc") == f"--{option}: must be a whole number"


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = start(tmp_path, "--port", port)
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use. Choose others with --host" in line
    assert not (tmp_path / "data").exists()


def test_a_database_of_a_newer_version(tmp_path: Path, installed: Path) -> None:
    with closing(sqlite3.connect(installed / "signalbox.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [f"{int(HEAD) + 1:04}"])
    line = start(tmp_path)
    assert line.startswith("SIGNALBOX_DATA_DIR: ")
    assert "is from a newer version of Signalbox, so update this one" in line


@contextmanager
def listening(answers: list[bytes]) -> Iterator[int]:
    """Something at a port that says this, and closes."""

    def answer() -> None:
        with socket_.accept()[0] as connection:
            for one in answers:
                connection.recv(4096)
                connection.sendall(one)

    with socket.create_server(("127.0.0.1", 0)) as socket_:
        thread = threading.Thread(target=answer)
        thread.start()
        yield socket_.getsockname()[1]
        thread.join()


def error_of_postgres(code: str, message: str) -> bytes:
    fields = b"".join(part.encode() + b"\0" for part in ("SFATAL", f"C{code}", f"M{message}"))
    return b"E" + (len(fields) + 5).to_bytes(4, "big") + fields + b"\0"


REFUSED = error_of_postgres("28P01", 'password authentication failed for user "flags"')


@pytest.mark.parametrize(
    ("answers", "said"),
    [([b"N", REFUSED], 'password authentication failed for user "flags"'), ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "")],
    ids=["password", "no database"],
)
def test_a_database_that_refuses(tmp_path: Path, answers: list[bytes], said: str) -> None:
    with listening(answers) as port:
        where = f"127.0.0.1:{port}/db"
        line = start(tmp_path, SIGNALBOX_DATABASE_URL=f"postgresql://flags:hush@{where}?sslmode=prefer")
    assert line.startswith(f"SIGNALBOX_DATABASE_URL: cannot open the database postgresql://{where}: {said}")
    assert "hush" not in line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://flags:hush@127.0.0.1:1/db", "cannot open the database postgresql://127.0.0.1:1/db: "),
        ("postgresql://flags:hush@nowhere.invalid/db", "cannot open the database postgresql://nowhere.invalid/db: "),
        ("postgresql://127.0.0.1/db?password=hush&sslmode=x", "cannot open the database postgresql://127.0.0.1/db: "),
        ("postgresql://[::1/db", "must be sqlite:///path or postgresql://"),
        ("sqlite:///", "must be sqlite:///path or postgresql://"),
        ("sqlite:////proc/nope/signalbox.db", "cannot open the database /proc/nope/signalbox.db: "),
    ],
)
def test_a_database_that_cannot_be_reached(tmp_path: Path, url: str, said: str) -> None:
    line = start(tmp_path, SIGNALBOX_DATABASE_URL=url)
    assert line.startswith(f"SIGNALBOX_DATABASE_URL: {said}")
    assert "hush" not in line


def test_a_database_that_does_not_exist(tmp_path: Path, server: tuple[KeptDatabase, Workspace]) -> None:
    line = start(tmp_path, SIGNALBOX_DATABASE_URL=f"{server[0].address}-not")
    assert line.startswith("SIGNALBOX_DATABASE_URL: cannot open the database postgresql://127.0.0.1:")
    assert line.endswith('database "signalbox-not" does not exist. Check the address and the server.')


def test_a_variable_that_does_not_exist_is_named_with_the_likeliest(tmp_path: Path, command: Command) -> None:
    variables = {"SIGNALBOX_PROT": "1", "SIGNALBOX_NONE_OF_OURS": "1"}
    lines = (
        "SIGNALBOX_NONE_OF_OURS does not exist and is ignored.",
        "SIGNALBOX_PROT does not exist and is ignored. Did you mean SIGNALBOX_PORT?",
    )
    with serving(tmp_path, SIGNALBOX_LOG_FORMAT="json", **variables) as served:
        told = [json.loads(line) for line in served.log.splitlines()]
        assert command("mail", **variables).stderr.splitlines() == list(lines)
    assert [line["event"] for line in told if line["level"] == "warning"] == list(lines)


def test_each_option_of_the_server_is_a_variable_as_well() -> None:
    (serve,) = [one for one in cli.registered_commands if one.callback is commands.serve]
    assert set(inspect.signature(serve.callback).parameters) <= Settings.model_fields.keys()


def test_the_links_of_a_server_that_listens_everywhere_can_be_opened(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert "0.0.0.0" not in served.greeting


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_nobody_else_can_look_into_the_data(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    variables = {}
    if engine == "postgres":
        kept = request.getfixturevalue("server")[0]
        kept.restore("migrated")
        variables["SIGNALBOX_DATABASE_URL"] = kept.address
    with serving(tmp_path, **variables) as served:
        files = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
        assert tmp_path / "data" / "server.json" in files
        assert [path for path in files if path.stat().st_mode & OTHERS] == []
        assert "open to other users" not in served.log


def test_a_folder_and_a_lock_that_others_can_open_are_told_and_mended(tmp_path: Path, installed: Path) -> None:
    installed.chmod(0o755)
    (installed / "signalbox.lock").touch(mode=0o644)
    with serving(tmp_path) as served:
        (line,) = [one for one in served.log.splitlines() if "open to other users" in one]
        assert "chmod 700 " in line
        assert (installed / "signalbox.lock").stat().st_mode & 0o777 == 0o600


def test_json_logs_say_where_it_started(tmp_path: Path) -> None:
    with serving(tmp_path, SIGNALBOX_LOG_FORMAT="json") as served:
        served.wait_for_log('"started"')  # it is written after the greeting, at the end of the loop's turn
        (line,) = [one for one in served.log.splitlines() if '"started"' in one]
        assert f'"url": "{served.url}"' in line
