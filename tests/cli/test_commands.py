"""What the operator can say."""

import shutil
import signal
import socket
import sqlite3
import stat
import tomllib
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from app.store.migrations import REVISIONS
from tests.cli.conftest import Command
from tests.processes import TOP, owner_of, serving


def test_the_claim_code_is_shown_and_kept_for_its_owner_only(installed: Path, command: Command) -> None:
    shown = command("claim-code")
    kept = installed / "claim-code"
    assert shown.stdout == kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert command("claim-code").stdout == shown.stdout


def test_a_lost_claim_code_is_made_anew(installed: Path, command: Command) -> None:
    kept = installed / "claim-code"
    first = command("claim-code").stdout
    kept.unlink()
    second = command("claim-code").stdout
    assert first != second == kept.read_text("utf-8")


def test_a_printed_link_signs_in_once_whoever_opens_it(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served:
        with owner_of(served):
            pass
        link = command("sign-in", "Ada@Acme.Example").stdout.strip()
        assert link.startswith(f"{served.url}/auth/link?t=")

        looked = httpx2.head(link)
        assert (looked.status_code, "set-cookie" in looked.headers) == (200, False)
        redeemed = httpx2.get(link)
        assert (redeemed.status_code, redeemed.headers["location"]) == (303, "/app/")
        cookie = redeemed.headers["set-cookie"].partition(";")[0]
        me = httpx2.get(f"{served.url}/api/v1/auth/me", headers={"Cookie": cookie})
        assert me.json()["email"] == "ada@acme.example"

        again = httpx2.get(link)
        assert (again.status_code, again.headers["location"]) == (303, "/app/signin?error=magic_link_used")
    done = command("claim-code")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "This instance is already claimed.\n")


@pytest.mark.usefixtures("installed")
def test_nobody_is_signed_in_who_has_no_account(command: Command) -> None:
    done = command("sign-in", "stranger@example.com")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "There is no such user.\n")


@pytest.mark.parametrize(
    ("arguments", "variables", "reported"),
    [
        (["--port", "70000"], {}, "--port: "),
        ([], {"SIGNALBOX_PORT": "eighty"}, "SIGNALBOX_PORT: "),
        ([], {"SIGNALBOX_MODE": "cloud"}, "SIGNALBOX_MODE: Input should be 'self_hosted' or 'hosted'"),
        ([], {"SIGNALBOX_LOG_FORMAT": "xml"}, "SIGNALBOX_LOG_FORMAT: Input should be 'console' or 'json'"),
        ([], {"SIGNALBOX_BASE_URL": "flags.example.com"}, "SIGNALBOX_BASE_URL: must be a URL such as https://"),
        ([], {"SIGNALBOX_BASE_URL": "https://u:p@f.example"}, "SIGNALBOX_BASE_URL: must be a URL such as https://"),
        ([], {"SIGNALBOX_BASE_URL": "https://f.example:x"}, "SIGNALBOX_BASE_URL: must be a URL such as https://"),
        ([], {"SIGNALBOX_BASE_URL": "https://f .example"}, "SIGNALBOX_BASE_URL: must be a URL such as https://"),
        ([], {"SIGNALBOX_BASE_URL": "https://f.example/?a=1"}, "SIGNALBOX_BASE_URL: must not have a query"),
        ([], {"SIGNALBOX_BASE_URL": "https://f.example/#a"}, "SIGNALBOX_BASE_URL: must not have a query"),
        ([], {"SIGNALBOX_CORS_ORIGINS": "https://*.example.com"}, "SIGNALBOX_CORS_ORIGINS: must be a comma-separated"),
        ([], {"SIGNALBOX_CORS_ORIGINS": "*"}, "SIGNALBOX_CORS_ORIGINS: must be a comma-separated"),
        ([], {"SIGNALBOX_CORS_ORIGINS": "https://shop.example/"}, "SIGNALBOX_CORS_ORIGINS: must be a comma-separated"),
        ([], {"SIGNALBOX_TRUSTED_PROXIES": "10.0.0.0"}, "SIGNALBOX_TRUSTED_PROXIES: must be a comma-separated"),
        ([], {"SIGNALBOX_MAX_RATE_PER_MIN": "0"}, "SIGNALBOX_MAX_RATE_PER_MIN: "),
        ([], {"SIGNALBOX_DATABASE_URL": "mysql://db/flags"}, "SIGNALBOX_DATABASE_URL: must be sqlite:///path"),
        ([], {"SIGNALBOX_CLAIM_CODE": "short"}, "SIGNALBOX_CLAIM_CODE: "),
        ([], {"SIGNALBOX_SMTP_URL": "mail.example.com"}, "SIGNALBOX_SMTP_URL: must be smtp://"),
        ([], {"SIGNALBOX_SMTP_URL": "smtp://mail.example.com:x"}, "SIGNALBOX_SMTP_URL: must be smtp://"),
        ([], {"SIGNALBOX_MAIL_FROM": "Signalbox"}, "SIGNALBOX_MAIL_FROM: must be an address such as"),
        (["--workers", "2"], {}, "SIGNALBOX_WORKERS: more than one worker needs SIGNALBOX_REDIS_URL"),
        (["--host", "nowhere.invalid"], {}, "SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on nowhere.invalid"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    command: Command, arguments: list[str], variables: dict[str, str], reported: str
) -> None:
    done = command("serve", *arguments, **variables)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(reported)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["claim-code"], ["sign-in", "a@b.example"], ["users", "list"], ["users", "purge", "a@b.example"], ["mail"]],
)
def test_a_command_makes_no_database(tmp_path: Path, command: Command, arguments: list[str]) -> None:
    for place in (tmp_path / "data", tmp_path):
        done = command(*arguments, "--data-dir", str(place))
        assert (done.exit_code, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"SIGNALBOX_DATA_DIR: there is no database of Signalbox in {place}")
        assert "--data-dir" in line
    assert list(tmp_path.iterdir()) == []


def test_a_command_brings_no_database_up_to_date(installed: Path, command: Command) -> None:
    database = installed / "signalbox.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [min(REVISIONS)])
    before = dump(database)
    done = command("users", "list")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is from an earlier version of Signalbox. Start the server" in done.stderr
    assert dump(database) == before


def test_a_link_leads_to_the_server_that_runs_and_not_to_one_that_crashed(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served:
        with owner_of(served):
            pass
        given = command("sign-in", "ada@acme.example", "--base-url", "https://flags.example.com")
        assert given.stdout.startswith("https://flags.example.com/auth/link?t=")
        served.stop(signal.SIGKILL)
    assert (tmp_path / "data" / "server.json").exists()
    done = command("sign-in", "ada@acme.example", SIGNALBOX_PORT="4711")
    assert done.stdout.startswith("http://127.0.0.1:4711/auth/link?t=")
    assert done.stderr.startswith("No server runs on this data folder.")
    with serving(tmp_path) as served:
        assert command("sign-in", "ada@acme.example").stdout.startswith(f"{served.url}/auth/link?t=")
        served.stop()
    assert not (tmp_path / "data" / "server.json").exists()


def test_the_claim_code_goes_with_the_claim(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "claim-code"
    with serving(tmp_path) as served:
        assert kept.exists()
        with owner_of(served):
            assert not kept.exists()
        served.stop()
    kept.write_text("left behind by an earlier version")
    with serving(tmp_path):
        assert not kept.exists()


def test_its_version_is_that_of_the_product(command: Command) -> None:
    declared = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert command("--version").stdout == f"signalbox {declared}\n"


def test_a_database_of_another_version_is_reported_in_one_line_and_not_changed(
    tmp_path: Path, migrated: Path, command: Command
) -> None:
    (tmp_path / "data").mkdir()
    database = Path(shutil.copy(migrated, tmp_path / "data" / "signalbox.db"))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    before = dump(database)
    done = command("claim-code")
    assert (done.exit_code, done.stdout) == (1, "")
    where = f"{tmp_path / 'data' / 'signalbox.db'}"
    assert (
        done.stderr == f"SIGNALBOX_DATA_DIR: {where} is from another version of Signalbox, so use another database.\n"
    )
    assert dump(database) == before


def test_a_taken_port_is_told_in_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("serve", "--port", str(port))
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr


def test_a_backup_is_made_while_the_server_writes_and_can_be_started_from(tmp_path: Path, command: Command) -> None:
    copied = tmp_path / "backup.db"
    with serving(tmp_path) as served, owner_of(served) as owner:
        owner.post("/api/v1/orgs/acme/projects", json={"key": "before", "name": "Before"}).raise_for_status()
        done = command("backup", str(copied))
        assert (done.exit_code, done.stderr) == (0, "")
        owner.post("/api/v1/orgs/acme/projects", json={"key": "after", "name": "After"}).raise_for_status()
        cookies = owner.cookies
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    restored = tmp_path / "elsewhere" / "data"
    restored.mkdir(mode=0o700, parents=True)
    copied.rename(restored / "signalbox.db")
    with serving(restored.parent) as served:
        projects = httpx2.get(f"{served.url}/api/v1/orgs/acme/projects", cookies=cookies).json()
    assert [project["key"] for project in projects] == ["before"]


def test_a_backup_has_no_contexts_that_were_sampled(tmp_path: Path, command: Command) -> None:
    copied, mark = tmp_path / "backup.db", b"zebra-crossing-7741"
    with serving(tmp_path) as served, owner_of(served) as owner:
        web = {"key": "web", "name": "Web"}
        owner.post("/api/v1/orgs/acme/projects", json=web).raise_for_status()
        owner.post("/api/v1/projects/acme:web/environments", json={"key": "prod", "name": "P"}).raise_for_status()
        flag = {"key": "new", "type": "boolean", "defaultValue": True}
        owner.post("/api/v1/projects/acme:web/flags", json=flag).raise_for_status()
        here = "/api/v1/envs/acme:web:prod"
        owner.put(f"{here}/traffic-sample", json={"size": 500, "fields": ["plan"]}).raise_for_status()
        for n in range(300):
            context = {"plan": f"{mark.decode()} {n}"}
            owner.post(f"{here}/evaluate", json={"context": context}).raise_for_status()
    assert mark in (tmp_path / "data" / "signalbox.db").read_bytes(), "the stop has written it"
    done = command("backup", str(copied))
    assert (done.exit_code, done.stderr) == (0, "")
    assert mark not in copied.read_bytes()
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup.db"]
    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("SELECT size, fields FROM traffic_sample").fetchall() == [(500, '["plan"]')]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_backup_overwrites_nothing(tmp_path: Path, installed: Path, command: Command) -> None:
    taken = tmp_path / "taken"
    taken.write_text("precious")
    for target, why in ((taken, "File exists"), (tmp_path / "none" / "file", "No such file or directory")):
        done = command("backup", str(target))
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"Cannot copy {installed / 'signalbox.db'} to {target}: {why}.\n"
    assert taken.read_text() == "precious"
    nothing = command("backup", str(tmp_path / "new"), "--data-dir", str(tmp_path))
    assert (nothing.exit_code, nothing.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "new").exists()
    elsewhere = command("backup", str(tmp_path / "new"), SIGNALBOX_DATABASE_URL="postgresql://127.0.0.1/db")
    assert (elsewhere.exit_code, elsewhere.stderr) == (
        1,
        "SIGNALBOX_DATABASE_URL: PostgreSQL is backed up with pg_dump.\n",
    )


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())
