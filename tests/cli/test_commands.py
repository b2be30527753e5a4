"""What the operator can say."""

import shutil
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import Command
from tests.processes import owner_of, serving


def test_the_claim_code_is_shown_and_kept_for_its_owner_only(tmp_path: Path, command: Command) -> None:
    shown = command("claim-code")
    kept = tmp_path / "data" / "claim-code"
    assert shown.stdout == kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert command("claim-code").stdout == shown.stdout


def test_a_lost_claim_code_is_made_anew(tmp_path: Path, command: Command) -> None:
    kept = tmp_path / "data" / "claim-code"
    first = command("claim-code").stdout
    kept.unlink()
    second = command("claim-code").stdout
    assert first != second == kept.read_text("utf-8")


def test_a_printed_link_signs_in_once_whoever_opens_it(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served:
        with owner_of(served):
            pass
        link = command("sign-in", "Ada@Acme.Example", "--base-url", served.url).stdout.strip()

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


def test_a_database_that_cannot_be_opened_is_told_in_one_line(tmp_path: Path, command: Command) -> None:
    (tmp_path / "data").write_text("", "utf-8")
    done = command("claim-code")
    assert done.exit_code == 1
    assert done.stderr == f"SIGNALBOX_DATA_DIR: cannot keep the database in {tmp_path / 'data'}: File exists\n"


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
    assert done.stderr == f"SIGNALBOX_DATA_DIR: {tmp_path / 'data'} has the schema of another version of Signalbox.\n"
    assert dump(database) == before


def test_a_taken_port_is_told_in_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("serve", "--port", str(port))
    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())
