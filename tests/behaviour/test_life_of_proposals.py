"""The whole life of a proposal, for every kind: made by hand and by diversion, seen, reviewed, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.domain.proposals import ProposalKind
from app.jobs.housekeeping import housekeeping_job
from tests.clients import Api, RestApi
from tests.clock import SetClock
from tests.factories import Instance, Workspace

RULES = [{"if": {"field": "plan", "$equals": "pro"}, "value": False}]
CONFIG_RULES = [{"if": {"field": "plan", "$equals": "pro"}, "value": {"a": 3}}]
SEGMENT_RULES = [{"if": {"field": "plan", "$equals": "pro"}}]
EMPTY_SEGMENT: Mapping[str, Any] = {"rules": [], "allowList": [], "denyList": []}


@dataclass(frozen=True)
class Case:
    """One kind of proposal: what it changes, `diff` by hand and as it is shown, and the writes with the same effect."""

    kind: str
    key: str
    diff: Mapping[str, Any]
    shown: Mapping[str, Any]
    writes: Mapping[str, Mapping[str, Any]]

    @property
    def promotes(self) -> bool:
        """Whether it may change many."""
        return self.kind == "promote"

    @property
    def primitive(self) -> str:
        """Flag, config or segment; of a promotion that of `key`."""
        return "flag" if self.promotes else self.kind.rpartition("_")[2]

    @property
    def resource_key(self) -> str | None:
        """What the proposal says of that: a promotion has no one key."""
        return None if self.promotes else self.key

    @property
    def wanted(self) -> dict[str, Any]:
        """What `key` has afterwards, by dimension."""
        shown = self.shown["flags"][self.key] if self.promotes else self.shown
        return {name: change["to"] for name, change in shown.items()}

    @property
    def deletes(self) -> bool:
        """Whether it is the project's."""
        return self.kind.startswith("delete_")

    def place(self, workspace: Workspace) -> dict[str, str]:
        """Where it is proposed by hand."""
        if self.deletes:
            return {"projectId": workspace.project_id}
        return {"envId": workspace.environment_id}

    def named(self, workspace: Workspace) -> dict[str, str]:
        """What it changes."""
        if self.deletes:
            return {"projectId": workspace.project_id, "key": self.key}
        return {"environmentId": workspace.environment_id, "key": self.key}

    def by_hand(self, workspace: Workspace) -> dict[str, Any]:
        """The body that proposes it."""
        key = {} if self.promotes else {"resourceKey": self.key}
        return {**self.place(workspace), "kind": self.kind, **key, "diff": dict(self.diff)}

    async def prepare(self, workspace: Workspace) -> None:
        """What has to be so before."""
        if self.kind == "restore_flag":
            await workspace.org.owner.make("killFlag", **self.named(workspace))
        if self.promotes:
            editor, copied = workspace.org.editor, {"copyFromEnvId": workspace.environment_id}
            asked = {"projectId": workspace.project_id, "key": "dev", "name": "Development", **copied}
            dev = (await editor.make("createEnvironment", **asked))["id"]
            await editor.make("updateFlagState", environmentId=dev, key=self.key, defaultValue=False, rules=RULES)


def _set(kind: str, key: str, dimension: str, change: tuple[Any, Any], writes: Mapping[str, Any]) -> Case:
    before, after = change
    return Case(kind, key, {dimension: after}, {dimension: {"from": before, "to": after}}, writes)


def _delete(primitive: str, key: str) -> Case:
    return Case(f"delete_{primitive}", key, {}, {}, {f"delete{primitive.title()}": {}})


CASES = {
    one.kind: one
    for one in (
        _set(
            "set_default_value_flag",
            "checkout",
            "defaultValue",
            (True, False),
            {"updateFlagState": {"defaultValue": False}, "replaceFlagState": {"defaultValue": False, "rules": []}},
        ),
        _set(
            "set_rules_flag",
            "checkout",
            "rules",
            ([], RULES),
            {"updateFlagState": {"rules": RULES}, "replaceFlagState": {"defaultValue": True, "rules": RULES}},
        ),
        Case("kill_flag", "checkout", {}, {"killed": {"from": False, "to": True}}, {"killFlag": {}}),
        Case("restore_flag", "checkout", {}, {"killed": {"from": True, "to": False}}, {"restoreFlag": {}}),
        _delete("flag", "checkout"),
        _set(
            "set_default_value_config",
            "limits",
            "defaultValue",
            ({"a": 1}, {"a": 2}),
            {
                "updateConfigState": {"defaultValue": {"a": 2}},
                "replaceConfigState": {"defaultValue": {"a": 2}, "rules": []},
            },
        ),
        _set(
            "set_rules_config",
            "limits",
            "rules",
            ([], CONFIG_RULES),
            {
                "updateConfigState": {"rules": CONFIG_RULES},
                "replaceConfigState": {"defaultValue": {"a": 1}, "rules": CONFIG_RULES},
            },
        ),
        _delete("config", "limits"),
        _set(
            "set_rules_segment",
            "staff",
            "rules",
            ([], SEGMENT_RULES),
            {
                "updateSegmentState": {"rules": SEGMENT_RULES},
                "replaceSegmentState": {**EMPTY_SEGMENT, "rules": SEGMENT_RULES},
            },
        ),
        *(
            _set(
                f"set_{name}_list_segment",
                "staff",
                f"{name}List",
                ([], ["u-1", "u-2"]),
                {
                    "updateSegmentState": {f"{name}List": ["u-1", "u-2"]},
                    "replaceSegmentState": {**EMPTY_SEGMENT, f"{name}List": ["u-2", "u-1"]},
                    f"update{name.title()}List": {"add": ["u-1", "u-2"], "remove": ["u-3"]},
                },
            )
            for name in ("allow", "deny")
        ),
        _delete("segment", "staff"),
        Case(
            "promote",
            "checkout",
            {"fromEnvId": "acme:web:dev"},
            {"flags": {"checkout": {"defaultValue": {"from": True, "to": False}, "rules": {"from": [], "to": RULES}}}},
            {
                "promoteFlag": {"fromEnvId": "acme:web:dev"},
            },
        ),
    )
}
every_kind = pytest.mark.parametrize("kind", CASES)


def test_every_kind_has_a_case() -> None:
    assert CASES.keys() == set(ProposalKind)


@pytest.fixture
async def case(workspace: Workspace, kind: str) -> Case:
    """The kind's, with what has to be so before it."""
    await CASES[kind].prepare(workspace)
    return CASES[kind]


async def state_of(workspace: Workspace, case: Case) -> dict[str, Any] | None:
    """What the primitive is now in the environment; None once it was deleted."""
    api, named = workspace.org.viewer, {"environmentId": workspace.environment_id, "key": case.key}
    reply = await api.do(f"{case.primitive}State", **named)
    if reply.code == "not_found":
        return None
    lists = {}
    if case.primitive == "segment":
        lists = {name: await api.make(name, **named) for name in ("allowList", "denyList")}
    return {**reply.unwrap(), **lists}


OF_A_WRITE = ("version", "updatedAt", "updatedBy", "summary", "allowListSize", "denyListSize")


def dimensions_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without what every write changes."""
    return {name: value for name, value in state.items() if name not in OF_A_WRITE}


async def diverted(case: Case, workspace: Workspace, by: Api, reason: str) -> dict[str, Any]:
    """The one proposal that a proposal by hand and each of the writes come to."""
    made = [await by.make("createProposal", **case.by_hand(workspace), reason=reason)]
    for operation, arguments in case.writes.items():
        reply = await by.do(operation, **case.named(workspace), **arguments)
        assert reply.status == (202 if isinstance(by, RestApi) else 200)
        made.append(reply.unwrap())
    assert {one["id"] for one in made} == {made[0]["id"]}
    return dict(made[0])


async def pending(workspace: Workspace, by: Api | None = None) -> list[str]:
    """What waits besides the workspace's own."""
    found = await (by or workspace.org.viewer).make("proposals", status=["pending"])
    return [one["id"] for one in found if one["id"] != workspace.proposal_id]


@every_kind
@pytest.mark.raises_codes("approval_missing", "forbidden")
@pytest.mark.parametrize("proposer", ["a token that requires approval", "an editor where it is protected"])
async def test_a_change_is_proposed_seen_reviewed_and_applied(
    instance: Instance, workspace: Workspace, case: Case, proposer: str
) -> None:
    org = workspace.org
    if proposer.startswith("a token"):
        by = await instance.token(org, approvalRequired=True, name="agent")
    else:
        by = org.editor
        await org.admin.make("updateEnvironment", environmentId=workspace.environment_id, protected=True)
    state, version = await state_of(workspace, case), await workspace.version()
    assert state is not None

    if case.kind == "kill_flag" and by is org.editor:  # a kill by a person is never held up
        proposal = await by.make("createProposal", **case.by_hand(workspace), reason="They asked for it")
    else:
        proposal = await diverted(case, workspace, by, "They asked for it")
    assert proposal["diff"] == case.shown
    assert (proposal["kind"], proposal["resourceKey"], proposal["status"]) == (case.kind, case.resource_key, "pending")
    assert (proposal["envId"], proposal["proposedVersion"]) == (
        (None, None) if case.deletes else (workspace.environment_id, version)
    )
    assert proposal["proposedVersions"] == [{"envId": workspace.environment_id, "version": version}]
    assert (proposal["reason"], proposal["actor"]) == ("They asked for it", (await by.make("me"))["actor"])
    assert await org.viewer.make("proposal", proposalId=proposal["id"]) == proposal
    for operation, arguments in (
        ("proposals", {}),
        ("projectProposals", {"projectId": workspace.project_id}),
        ("environmentProposals", {"environmentId": workspace.environment_id}),
    ):
        assert (await org.viewer.make(operation, **arguments, status=["pending"]))[0] == proposal
    waiting = {**state, "openProposals": state["openProposals"] + 1}
    assert (await state_of(workspace, case), await workspace.version()) == (waiting, version)

    it = {"proposalId": proposal["id"]}
    async with instance.unchanged():
        assert (await by.do("applyProposal", **it)).code == "forbidden"
        assert (await by.do("reviewProposal", **it, verdict="approve")).code == "forbidden"
    await org.owner.make("reviewProposal", **it, verdict="request_changes", comment="Not before noon")
    async with instance.unchanged():
        assert (await org.admin.do("applyProposal", **it)).code == "approval_missing"
    review = await org.owner.make("reviewProposal", **it, verdict="approve", comment="It is noon")
    assert [one["verdict"] for one in await org.viewer.make("reviews", **it)] == ["request_changes", "approve"]
    assert (await org.viewer.make("proposal", **it))["approvers"] == [review["reviewer"]]

    # The admin has created the token, which counts as theirs in a protected environment alone.
    applied = await org.admin.make("applyProposal", **it)
    admin = (await org.admin.make("me"))["actor"]
    assert (applied["status"], applied["endedBy"], applied["diff"]) == ("applied", admin, case.shown)
    assert applied["appliedVersion"] == (None if case.deletes else version + 1)
    assert await org.viewer.make("proposal", **it) == applied
    now = await state_of(workspace, case)
    assert (now is None) == case.deletes
    if now is not None:
        assert dimensions_of(now) == {**dimensions_of(state), **case.wanted}
        assert (now["version"], now["updatedBy"], now["openProposals"]) == (version + 1, admin, state["openProposals"])
    assert await workspace.version() == version + 1

    proposed, *reviewed, last = [one for one in await instance.audited() if one.proposal_id == proposal["id"]]
    assert (proposed.action, proposed.reason, proposed.actor) == ("propose", "They asked for it", proposal["actor"])
    assert [(one.action, one.reason) for one in reviewed] == [
        ("review_proposal", "Not before noon"),
        ("review_proposal", "It is noon"),
    ]
    assert (last.action, last.reason, last.actor) == ("apply_proposal", "They asked for it", admin)
    assert last.approvers == [review["reviewer"], admin] == applied["approvers"]
    assert (last.resource_type, last.resource_key) == (case.primitive, case.key)
    recorded = {"kind": case.kind, "proposedBy": proposal["actor"], "fromEnvId": proposal["fromEnvId"]}
    assert orjson.loads(last.new_value or "") == {name: value for name, value in recorded.items() if value}


@every_kind
@pytest.mark.raises_codes("version_drift", "proposal_gone")
async def test_a_proposal_drifts_is_cancelled_and_expires(
    instance: Instance, workspace: Workspace, clock: SetClock, case: Case
) -> None:
    org, version = workspace.org, await workspace.version()
    proposer = await instance.token(org, level="proposer")
    drifted = await proposer.make("createProposal", **case.by_hand(workspace))
    await org.editor.make("updateFlagState", **workspace.banner, defaultValue="meanwhile")
    it = {"proposalId": drifted["id"]}
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **it)
    where = {"environmentId": workspace.environment_id} if case.deletes else {}
    assert reply.code == "version_drift"
    assert reply.extra == {"liveVersion": version + 1, "proposedVersion": version, **where}

    fresh = await proposer.make("createProposal", **case.by_hand(workspace), expiresInSeconds=60)
    assert fresh["id"] != drifted["id"]
    cancelled = await proposer.make("cancelProposal", **it, reason="It has drifted")
    assert (cancelled["status"], cancelled["endedBy"]["name"]) == ("cancelled", "ci")
    assert await org.viewer.make("proposal", **it) == cancelled
    assert await pending(workspace) == [fresh["id"]]

    clock.ahead = timedelta(seconds=60)
    it = {"proposalId": fresh["id"]}
    expired = await org.viewer.make("proposal", **it)
    assert (expired["status"], await pending(workspace)) == ("expired", [])
    for ended in (drifted, fresh):
        async with instance.unchanged():
            for operation, more in (
                ("applyProposal", {}),
                ("cancelProposal", {}),
                ("reviewProposal", {"verdict": "approve"}),
            ):
                reply = await org.owner.do(operation, proposalId=ended["id"], **more)
                assert reply.code == "proposal_gone"
    await housekeeping_job(instance.node).run()
    swept = await org.viewer.make("proposal", **it)
    assert swept == {**expired, "endedAt": expired["expiresAt"]}
    assert [one["id"] for one in await org.viewer.make("proposals", status=["expired"])] == [fresh["id"]]
    actions = [(one.action, one.actor_kind) for one in await instance.audited() if one.proposal_id == fresh["id"]]
    assert actions == [("propose", "token"), ("expire_proposal", "system")]
    assert await workspace.version() == version + 1
