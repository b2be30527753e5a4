"""Mail about proposals, as people get it."""

from datetime import timedelta
from typing import Any

import pytest

from app.services import users
from app.services.proposal_news import GATHERED
from tests.clock import SetClock
from tests.factories import Instance, Workspace
from tests.mailbox import Mail

OWNER, ADMIN, EDITOR = "acme-owner@example.com", "acme-admin@example.com", "acme-editor@example.com"
SECRET = "k3pt-secret"


class Inbox:
    """What has been mailed since somebody last looked."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._seen = 0

    async def new(self) -> list[Mail]:
        """The new mails, by email."""
        mails = await self._instance.mails()
        new, self._seen = mails[self._seen :], len(mails)
        return sorted(new, key=lambda mail: mail.to)

    async def subjects(self) -> dict[str, str]:
        """The subjects of the new mails, by email; each got one at most."""
        new = await self.new()
        subjects = {mail.to: mail.subject for mail in new}
        assert len(subjects) == len(new)
        return subjects


@pytest.fixture
def inbox(instance: Instance) -> Inbox:
    """Everybody's."""
    return Inbox(instance)


@pytest.fixture
async def workspace(workspace: Workspace) -> Workspace:
    """One whose environment is protected."""
    await workspace.org.owner.make("updateEnvironment", environmentId=workspace.environment_id, protected=True)
    return workspace


async def propose(workspace: Workspace, key: str = "banner", **asked: Any) -> dict[str, Any]:
    """A change by the editor, which is diverted."""
    state = {"environmentId": workspace.environment_id, "key": key, "defaultValue": SECRET, **asked}
    return dict(await workspace.org.editor.make("updateFlagState", **state))


async def test_reviewers_hear_of_a_proposal_and_of_no_value(
    inbox: Inbox, workspace: Workspace, clock: SetClock
) -> None:
    proposal = await propose(workspace, reason="The old one is\nboring")
    mails = await inbox.new()
    assert [mail.to for mail in mails] == [ADMIN, OWNER]
    for mail in mails:
        assert mail.subject == "acme-editor proposes to change the default value of banner in Production"
        assert mail.link.endswith("/app/")
        text = mail.part("plain")
        for line in ("Organisation: Acme", "Project: Web", "Flag: banner", "Reason: The old one is boring"):
            assert line in text.splitlines()
        assert f"Proposal: {proposal['id']}" in text
        for part in (text, mail.part("html")):
            assert SECRET not in part
            assert "hello" not in part
    await propose(workspace, reason="The old one is\nboring")
    clock.ahead += GATHERED
    assert await inbox.subjects() == {}, "it is the same proposal"


async def test_a_promotion_is_told_by_its_keys_and_where_it_comes_from(inbox: Inbox, workspace: Workspace) -> None:
    editor, asked = workspace.org.editor, {"projectId": workspace.project_id, "key": "dev", "name": "Development"}
    dev = (await editor.make("createEnvironment", **asked, copyFromEnvId=workspace.environment_id))["id"]
    for operation, key, change in (
        ("updateFlagState", "banner", {"defaultValue": SECRET}),
        ("updateFlagState", "checkout", {"defaultValue": False}),
        ("updateConfigState", "limits", {"defaultValue": {"a": 2}}),
        ("updateSegmentState", "staff", {"allowList": ["u-1"]}),
    ):
        await editor.make(operation, environmentId=dev, key=key, **change)
    await editor.make("promote", environmentId=workspace.environment_id, fromEnvId=dev)
    (mail,) = [mail for mail in await inbox.new() if mail.to == OWNER]
    keys = "limits, banner, checkout and 1 more"
    assert mail.subject == f"acme-editor proposes to promote {keys} in Production (from Development)"
    for line in (f"Promotion: {keys}", "Environment: Production", "From: Development"):
        assert line in mail.part("plain").splitlines()
    assert SECRET not in mail.part("plain") + mail.part("html")


async def test_the_proposer_hears_what_others_make_of_it(inbox: Inbox, workspace: Workspace, clock: SetClock) -> None:
    org = workspace.org
    proposal, other = await propose(workspace), await propose(workspace, defaultValue="another")
    assert (await inbox.subjects()).keys() == {OWNER, ADMIN}
    await org.owner.make(
        "reviewProposal", proposalId=proposal["id"], verdict="request_changes", comment="Not on a\nFriday"
    )
    (mail,) = await inbox.new()
    what = "your proposal to change the default value of banner in Production"
    assert (mail.to, mail.subject) == (EDITOR, f"acme-owner requested changes to {what}")
    assert "Comment: Not on a Friday" in mail.part("plain").splitlines()
    clock.ahead += GATHERED
    await inbox.new()
    await org.owner.make("reviewProposal", proposalId=proposal["id"], verdict="approve")
    assert await inbox.subjects() == {EDITOR: f"acme-owner approved {what}"}
    for deed, name, one in (("applyProposal", "applied", proposal), ("cancelProposal", "cancelled", other)):
        clock.ahead += GATHERED
        await org.admin.make(deed, proposalId=one["id"], reason="As we said")
        (mail,) = await inbox.new()
        assert (mail.to, mail.subject) == (EDITOR, f"acme-admin {name} {what}")
        assert "Comment: As we said" in mail.part("plain").splitlines()


async def test_what_one_does_oneself_is_no_news(inbox: Inbox, workspace: Workspace) -> None:
    proposal = await propose(workspace)
    assert (await inbox.subjects()).keys() == {OWNER, ADMIN}
    await workspace.org.editor.make("cancelProposal", proposalId=proposal["id"])
    assert await inbox.subjects() == {}


async def test_who_created_a_token_hears_of_its_proposals(
    inbox: Inbox, instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    org, environment = workspace.org, workspace.environment_id
    token = await instance.token(org, name="agent", approvalRequired=True)
    proposal = await token.make("updateFlagState", environmentId=environment, key="banner", defaultValue=SECRET)
    what = "to change the default value of banner in Production"
    assert await inbox.subjects() == dict.fromkeys((OWNER, EDITOR), f"agent proposes {what}"), "the admin created it"
    await org.owner.make("cancelProposal", proposalId=proposal["id"])
    (mail,) = await inbox.new()
    assert (mail.to, mail.subject) == (ADMIN, f"acme-owner cancelled your proposal {what}")
    assert "Proposed by: agent" in mail.part("plain").splitlines()
    await org.owner.make("updateEnvironment", environmentId=environment, protected=False, breakGlass="To see")
    await token.make("updateFlagState", environmentId=environment, key="banner", defaultValue="other")
    clock.ahead += GATHERED
    assert await inbox.subjects() == {}, "nothing is protected"


async def test_what_somebody_has_switched_off_is_not_mailed(
    inbox: Inbox, workspace: Workspace, clock: SetClock
) -> None:
    org = workspace.org
    await org.admin.make("updateMe", notify={"proposed": False})
    await org.editor.make("updateMe", notify={"reviewed": False, "cancelled": False})
    proposal = await propose(workspace)
    assert (await inbox.subjects()).keys() == {OWNER}
    await org.admin.make("reviewProposal", proposalId=proposal["id"], verdict="approve")
    assert await inbox.subjects() == {}
    await org.admin.make("applyProposal", proposalId=proposal["id"])
    assert (await inbox.subjects()).keys() == {EDITOR}
    await org.admin.make("cancelProposal", proposalId=(await propose(workspace, defaultValue="another"))["id"])
    clock.ahead += GATHERED
    assert await inbox.subjects() == {}, "the owner's has ended"


async def test_of_many_proposals_the_first_is_mailed_and_then_all_others_at_once(
    instance: Instance, inbox: Inbox, workspace: Workspace, clock: SetClock
) -> None:
    keys = [f"flag-{number}" for number in range(9)]
    await instance.create_flags(workspace.org, workspace.project_id, keys)
    await propose(workspace)
    assert (await inbox.subjects()).keys() == {OWNER, ADMIN}
    proposals = [await propose(workspace, key, defaultValue=False) for key in keys]
    assert await inbox.subjects() == {}
    clock.ahead += GATHERED
    digests = await inbox.new()
    assert [(mail.to, mail.subject) for mail in digests] == [
        (to, "Updates on 9 proposals in Acme") for to in (ADMIN, OWNER)
    ]
    for mail in digests:
        lines = [line for line in mail.part("plain").splitlines() if line.startswith("- ")]
        assert lines == [
            f"- acme-editor proposes to change the default value of {key} in Production (Acme, Web): {proposal['id']}"
            for key, proposal in zip(keys, proposals, strict=True)
        ]
    clock.ahead += GATHERED + timedelta(seconds=1)
    assert await inbox.subjects() == {}


async def test_a_purged_user_gets_no_mail_that_was_gathered(
    instance: Instance, inbox: Inbox, workspace: Workspace, clock: SetClock
) -> None:
    for value in ("one", "two"):
        await propose(workspace, defaultValue=value)
        await inbox.new()
    assert {len((await instance.rows())[table]) for table in ("news_recipient", "queued_mail")} == {2}
    async with instance.node.unit("req_purge") as uow:
        await users.purge(uow, ADMIN)
    assert {len((await instance.rows())[table]) for table in ("news_recipient", "queued_mail")} == {1}
    clock.ahead += GATHERED
    assert (await inbox.subjects()).keys() == {OWNER}
