"""What the operator can say: each command as a process of its own, beside a server that runs."""

import stat
from pathlib import Path

import httpx2
import pytest

from tests.processes import Served, command, owner_of


def test_the_claim_code_is_shown_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    shown = command(tmp_path, "claim-code")
    kept = tmp_path / "data" / "claim-code"
    assert shown.stdout == kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert command(tmp_path, "claim-code").stdout == shown.stdout


def test_a_lost_claim_code_is_made_anew(server: Served) -> None:
    first = server.claim_code
    (server.folder / "data" / "claim-code").unlink()
    assert command(server.folder, "claim-code").stdout.strip() == server.claim_code != first
    with owner_of(server) as owner:
        assert owner.get("/api/v1/auth/me").json()["email"] == "ada@acme.example"
    done = command(server.folder, "claim-code")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "This instance is claimed.\n")


def test_a_sign_in_link_works_once_and_waits_for_a_button_in_a_browser(server: Served) -> None:
    with owner_of(server):
        pass
    link = command(server.folder, "sign-in", "Ada@Acme.Example", "--base-url", server.url).stdout.strip()

    looked = httpx2.get(link, headers={"Sec-Fetch-Mode": "navigate"})
    assert (looked.status_code, "set-cookie" in looked.headers) == (200, False)
    assert '<form class="card" method="post" action="/auth/link"' in looked.text
    assert httpx2.head(link).status_code == 200

    redeemed = httpx2.get(link)
    assert (redeemed.status_code, redeemed.headers["location"]) == (303, "/app/")
    me = httpx2.get(
        f"{server.url}/api/v1/auth/me", headers={"Cookie": redeemed.headers["set-cookie"].partition(";")[0]}
    )
    assert me.json()["email"] == "ada@acme.example"

    again = httpx2.get(link)
    assert (again.status_code, again.headers["location"]) == (303, "/app/signin?error=magic_link_used")


def test_nobody_is_signed_in_who_has_no_account(tmp_path: Path) -> None:
    done = command(tmp_path, "sign-in", "stranger@example.com")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "There is no such user.\n")


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["--port", "70000"], {}, "--port"),
        ([], {"SIGNALBOX_PORT": "eighty"}, "SIGNALBOX_PORT"),
        ([], {"SIGNALBOX_MODE": "cloud"}, "SIGNALBOX_MODE: Input should be 'self_hosted' or 'hosted'"),
        ([], {"SIGNALBOX_LOG_FORMAT": "xml"}, "SIGNALBOX_LOG_FORMAT: Input should be 'console' or 'json'"),
        ([], {"SIGNALBOX_BASE_URL": "flags.example.com"}, "SIGNALBOX_BASE_URL: takes an address such as https://"),
        ([], {"SIGNALBOX_DATABASE_URL": "mysql://db/flags"}, "SIGNALBOX_DATABASE_URL: takes sqlite:///path"),
        ([], {"SIGNALBOX_CLAIM_CODE": "short"}, "SIGNALBOX_CLAIM_CODE"),
        (["--workers", "2"], {}, "SIGNALBOX_WORKERS: more than one worker needs SIGNALBOX_REDIS_URL"),
        (["--host", "nowhere.invalid"], {}, "SIGNALBOX_HOST and SIGNALBOX_PORT: cannot listen on nowhere.invalid"),
        (["--port", "0", "--data-dir", "a-file"], {}, "SIGNALBOX_DATA_DIR: cannot keep the database in a-file"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], named: str
) -> None:
    (tmp_path / "a-file").write_text("", "utf-8")
    done = command(tmp_path, "serve", *arguments, **variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(named)
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_told(server: Served) -> None:
    port = server.url.rpartition(":")[2]
    done = command(server.folder, "serve", "--port", port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr
