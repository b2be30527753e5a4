"""What the operator does about people and mail."""

import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from tests.cli.conftest import Command
from tests.mailbox import in_outbox
from tests.processes import Served, environment, owner_of, serving

ADA, BOB = "ada@acme.example", "bob@acme.example"


@contextmanager
def with_bob(served: Served, owner: httpx2.Client) -> Iterator[httpx2.Client]:
    """Somebody who was invited and came."""
    invited = owner.post("/api/v1/orgs/acme/invitations", json={"email": BOB, "role": "editor"}).json()
    token = invited["acceptUrl"].rpartition("/")[2]
    with httpx2.Client(base_url=served.url) as bob:
        bob.post(f"/api/v1/invitations/{token}/accept", json={"displayName": "Bob"}).raise_for_status()
        yield bob


def prove_all(folder: Path) -> None:
    """As if everybody had signed in by a mailed link."""
    with closing(sqlite3.connect(folder / "data" / "signalbox.db")) as connection, connection:
        connection.execute("UPDATE user SET email_verified_at = created_at")


def test_users_are_listed_with_what_they_are(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner, with_bob(served, owner) as bob:
        first, second = command("users", "list").stdout.splitlines()
        assert first.startswith(f"{ADA}\t")
        assert first.endswith("\tacme: owner")
        assert second == f"{BOB}\tBob\tacme: editor"
        prove_all(tmp_path)
        bob.request("DELETE", "/api/v1/auth/me", json={"confirm": BOB})
        today = datetime.now(UTC).date().isoformat()
        assert command("users", "list").stdout.splitlines()[1] == f"{BOB}\tBob\tdeleted {today}"


def test_a_purged_user_is_gone_and_may_be_invited_again(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner, with_bob(served, owner) as bob:
        assert bob.get("/api/v1/auth/me").status_code == 200
        done = command("users", "purge", BOB.upper(), "--yes")
        assert (done.exit_code, done.stdout) == (0, f"{BOB} has been erased.\n")
        assert bob.get("/api/v1/auth/me").status_code == 401
        assert [member["email"] for member in owner.get("/api/v1/orgs/acme/members").json()] == [ADA]
        with with_bob(served, owner) as again:
            prove_all(tmp_path)
            again.request("DELETE", "/api/v1/auth/me", json={"confirm": BOB})
        refused = owner.post("/api/v1/orgs/acme/invitations", json={"email": BOB, "role": "editor"})
        assert refused.json()["code"] == "invitation_email_locked"
        command("users", "purge", BOB, "--yes")
        with with_bob(served, owner):
            assert BOB in command("users", "list").stdout


def test_the_audit_shows_changes_sign_ins_and_refusals_of_deleted_organisations_too(
    tmp_path: Path, command: Command
) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner, with_bob(served, owner) as bob:
        owner.post("/api/v1/orgs", json={"slug": "gone", "name": "Gone"}).raise_for_status()
        owner.request("DELETE", "/api/v1/orgs/gone", json={"confirm": "gone", "reason": "No longer used"})
        bob.post("/api/v1/auth/link", json={"token": "sbl_unknown"})
        lines = [line.split("\t") for line in command("audit").stdout.splitlines()]
        actions = [line[2] for line in lines]
        assert {"sign_in", "create_org", "claim", "accept_invitation", "delete_org"} <= set(actions)
        assert next(line for line in lines if line[2] == "accept_invitation")[5] == "unproven: yes"
        gone = [line.split("\t") for line in command("audit", "--org", "gone").stdout.splitlines()]
        assert [(line[1], line[2]) for line in gone] == [("gone", "create_org"), ("gone", "delete_org")]
        assert "reason: No longer used" in gone[1]
        assert command("audit", "--since", "2999-01-01").stdout == ""
        unknown = command("audit", "--org", "never")
        assert (unknown.exit_code, unknown.stderr) == (1, "There is no such organisation.\n")
    stopped = command("audit").stdout
    assert "sign_in_failed" in stopped, "what was refused is written before the server ends"


def test_the_audit_shows_broken_glass_and_who_approved(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner, with_bob(served, owner) as bob:
        prove_all(tmp_path)
        owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Website"}).raise_for_status()
        prod, flags = {"key": "prod", "name": "Production"}, "/api/v1/projects/acme:web/flags"
        owner.post("/api/v1/projects/acme:web/environments", json=prod).raise_for_status()
        owner.post(flags, json={"key": "new", "type": "boolean", "defaultValue": False}).raise_for_status()
        there = "/api/v1/envs/acme:web:prod"
        owner.patch(there, json={"protected": True}).raise_for_status()
        glass = {"X-Break-Glass": "The shop is down"}
        owner.patch(f"{there}/flags/new", json={"defaultValue": True}, headers=glass).raise_for_status()
        proposal = bob.patch(f"{there}/flags/new", json={"defaultValue": False}).json()["id"]
        owner.post(f"/api/v1/proposals/{proposal}/apply", json={}).raise_for_status()
        lines = {line.split("\t")[2]: line.split("\t") for line in command("audit").stdout.splitlines()}
        assert lines["update_state"][5:7] == ["break glass: yes", "reason: The shop is down"]
        assert lines["apply_proposal"][5] == "approvers: ada"


def test_the_last_owner_is_not_purged(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner:
        done = command("users", "purge", ADA, "--yes")
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", "The last owner cannot be demoted or removed.\n")
        assert owner.get("/api/v1/auth/me").status_code == 200
    done = command("users", "purge", "stranger@example.com", "--yes")
    assert (done.exit_code, done.stderr) == (1, "There is no such user.\n")


def test_nobody_is_purged_without_a_yes(tmp_path: Path, command: Command) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner, with_bob(served, owner):
        before = command("users", "list").stdout
        done = command("users", "purge", BOB)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == "Nobody can be asked here whether this is meant: add --yes.\n"
        assert command("users", "list").stdout == before
        code, said = at_a_terminal(["users", "purge", BOB], tmp_path, "n")
        assert code == 1
        assert said.startswith("Erase bob@acme.example (Bob, acme: editor), with all sessions, links and memberships?")
        assert command("users", "list").stdout == before
        code, said = at_a_terminal(["users", "purge", BOB], tmp_path, "y")
        assert (code, BOB in command("users", "list").stdout) == (0, False), said


def at_a_terminal(arguments: list[str], folder: Path, answer: str) -> tuple[int, str]:
    """The command's exit code, and the first line that it shows to somebody who sits there and answers."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "app", *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    ) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        with suppress(OSError):  # the terminal is closed
            while read := os.read(ours, 4096):
                shown += read
        os.close(ours)
    lines = [line for line in shown.decode().splitlines() if line != answer]
    return process.returncode, lines[0]


def test_mail_that_waits_is_listed_with_the_reason(tmp_path: Path, command: Command) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "outbox").write_text("a file stands in the way")
    with serving(tmp_path) as served, owner_of(served) as owner:
        assert command("mail").stdout == "No mail is waiting.\n"
        owner.post("/api/v1/auth/magic-link", json={"email": ADA})
        while "Cannot write" not in (listed := command("mail").stdout):
            pass
    _, kind, email, tries, state, why = listed.strip().split("\t")
    assert (kind, email) == ("sign_in", ADA)
    assert tries.startswith("tries: ")
    assert state.startswith("next try 20")
    assert why.startswith("Cannot write to ")


def test_links_are_printed_where_only_this_machine_can_come(tmp_path: Path) -> None:
    with serving(tmp_path) as served, owner_of(served) as owner:
        owner.post("/api/v1/auth/magic-link", json={"email": ADA})
        printed = served.process.stdout.readline().decode()
        while ADA not in printed:
            printed = served.process.stdout.readline().decode()
        (mail,) = in_outbox(tmp_path / "data" / "outbox")
        assert printed == f"  Mail to {ADA}: {mail.link}\n"
        assert "sbl_" not in served.log
