"""`signalbox doctor`: what is wrong, each with what to do; it sends nothing and changes nothing."""

from pathlib import Path

import pytest

from app.cli import doctor
from app.settings import load
from tests.cli.conftest import Command
from tests.mail.servers import MailServer
from tests.processes import owner_of, serving


def test_nothing_is_wrong_with_a_server_that_runs(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served):
        done = command("doctor")
        assert (done.exit_code, done.stderr) == (0, "")
        assert f"runs at {served.url}" in done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["server", "folder", "database", "mail", "proxies"]
    assert {line.split()[0] for line in lines} == {"ok"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SIGNALBOX_BASE_URL": "https://flags.example.com"}, "SIGNALBOX_TRUSTED_PROXIES"),
        ({"SIGNALBOX_TRUSTED_PROXIES": "10.0.0.0/8, 0.0.0.0/0"}, "trusts everybody"),
        ({"SIGNALBOX_HOST": "0.0.0.0"}, "SIGNALBOX_BASE_URL is not set"),
        ({"SIGNALBOX_HOST": "0.0.0.0", "SIGNALBOX_BASE_URL": "http://flags.example.com"}, "no https"),
        ({"SIGNALBOX_SMTP_URL": "smtp://127.0.0.1:1"}, "SIGNALBOX_SMTP_URL: "),
        ({"SIGNALBOX_DATABASE_URL": "postgresql://127.0.0.1:1/db"}, "SIGNALBOX_DATABASE_URL: cannot open"),
        ({"SIGNALBOX_DATA_DIR": "/proc/nope"}, "--data-dir"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_what_is_wrong_is_said_with_what_to_do(command: Command, variables: dict[str, str], said: str) -> None:
    done = command("doctor", **variables)
    assert done.exit_code == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert said in "\n".join(wrong)


def test_a_wrong_setting_is_all_that_is_said(command: Command) -> None:
    done = command("doctor", SIGNALBOX_MODE="cloud")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("SIGNALBOX_MODE: ")


def test_files_that_others_can_open_are_wrong(installed: Path, command: Command) -> None:
    installed.chmod(0o755)
    (installed / "signalbox.db").chmod(0o644)
    done = command("doctor")
    assert done.exit_code == 1
    assert f"chmod 700 {installed}" in done.stdout
    assert f"chmod 600 {installed / 'signalbox.db'}" in done.stdout


async def test_the_mail_server_is_greeted_and_gets_no_mail(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = MailServer(auth_required=False)
    await mail.start()
    monkeypatch.setenv("SIGNALBOX_SMTP_URL", f"smtp://127.0.0.1:{mail.port}")
    found = {one.of: one for one in await doctor.examine(load(data_dir=installed))}
    assert not found["mail"].is_wrong
    assert found["mail"].text.startswith("127.0.0.1 would take mail from ")
    assert (mail.received, mail.tries) == ([], 0)
    await mail.stop()
