"""Previews and proposals say how many of the people seen in the last day a change would reach."""

from collections import Counter
from typing import Any

import pytest

from app.jobs.traffic import write_chosen
from tests.factories import Instance, Workspace

PEOPLE: list[dict[str, Any]] = [
    {"userId": f"u-{n}", "plan": ("free", "pro", "team")[n % 3], "beta": n % 4 == 0} for n in range(24)
]
DRAFT = [
    {"if": {"field": "plan", "$equals": "pro"}, "value": "hello pro"},
    {"if": {"field": "beta", "$equals": True}, "value": "hello beta"},
    {"rolloutPercent": 30, "value": "lucky"},
]
KEPT = ["plan", "userId"]
"""Not whether they are in the beta."""


@pytest.fixture
async def sampled(instance: Instance, workspace: Workspace) -> Workspace:
    """The workspace, which has sampled two fields of all people. Its flag depends on the banner, and its config on the
    segment."""
    editor, here = workspace.org.editor, {"environmentId": workspace.environment_id}
    rules = [{"if": {"$flag": "banner", "$equals": "hello pro"}, "value": False}]
    await editor.make("updateFlagState", **workspace.checkout, rules=rules)
    rules = [{"if": {"$segment": "staff"}, "value": {"a": 2}}]
    await editor.make("updateConfigState", **workspace.limits, rules=rules)
    await workspace.org.admin.make("setTrafficSample", **here, size=100, fields=KEPT)
    for person in PEOPLE:
        await workspace.org.viewer.make("evaluate", **here, context=person, keys=["banner"])
    await write_chosen(instance.node)
    return workspace


async def values(workspace: Workspace) -> list[dict[str, Any]]:
    """What each of the people gets, as far as they are known to the sample, which does not take these for traffic."""
    kept = [{name: person[name] for name in KEPT} for person in PEOPLE]
    here = {"environmentId": workspace.environment_id}
    now = {**here, "asOf": "2099-01-01T00:00:00Z"}
    answers = [await workspace.org.viewer.make("evaluate", **now, context=person) for person in kept]
    return [{key: one["value"] for key, one in answer["evaluations"].items()} for answer in answers]


def flips_between(before: list[dict[str, Any]], after: list[dict[str, Any]], *keys: str) -> dict[str, Any]:
    """What is to be told of it."""
    flipping = [[key for key in keys if one[key] != other[key]] for one, other in zip(before, after, strict=True)]
    flips = Counter(key for one in flipping for key in one)
    share = sum(1 for one in flipping if one) / len(before)
    return {"contexts": len(before), "flips": dict(flips), "share": round(share, 4)}


async def preview(workspace: Workspace, caller: Any = None, **more: Any) -> dict[str, Any]:
    ruleset = {"flags": {"banner": {"rules": DRAFT}}}
    asked = {"environmentId": workspace.environment_id, "spotCheck": [], "ruleset": ruleset, **more}
    return dict(await (caller or workspace.org.viewer).make("preview", **asked))


async def test_a_preview_counts_what_an_evaluation_of_each_would_show(instance: Instance, sampled: Workspace) -> None:
    found = await preview(sampled, sample=True)
    assert (found["results"], found["flips"]) == ([], {}), "the sample is apart from the spot-checks"
    assert (await preview(sampled)).get("sampled") is None
    token = await instance.token(sampled.org, level="observer", resources=["flag:banner"])
    of_some = await preview(sampled, token, sample=True)
    before = await values(sampled)
    await sampled.org.editor.make("updateFlagState", **sampled.banner, rules=DRAFT)
    after = await values(sampled)
    assert found["sampled"] == flips_between(before, after, "banner", "checkout", "limits")
    assert found["sampled"]["flips"]["checkout"] == 8
    assert 8 < found["sampled"]["flips"]["banner"] < 24
    assert "hello beta" not in [one["banner"] for one in after], "a rule on a field that is not kept does not match"
    assert of_some["sampled"] == flips_between(before, after, "banner")


async def test_a_proposal_says_it_as_it_was_when_it_was_made(instance: Instance, sampled: Workspace) -> None:
    before = await values(sampled)
    await instance.protect(sampled.environment_id)
    proposal = await sampled.org.editor.make("updateFlagState", **sampled.banner, rules=DRAFT)
    told = proposal["blastRadius"]["sampled"]
    assert proposal["blastRadius"]["contexts"] == 0, "of spot-checks"
    here = {"environmentId": sampled.environment_id}
    await sampled.org.admin.make("deleteTrafficSample", **here)
    for caller in (sampled.org.viewer, sampled.org.owner):
        again = await caller.make("proposal", proposalId=proposal["id"])
        assert again["blastRadius"]["sampled"] == told
    token = await instance.token(sampled.org, level="observer", resources=["flag:banner"])
    of_some = (await token.make("proposal", proposalId=proposal["id"]))["blastRadius"]["sampled"]
    (listed,) = [one for one in await token.make("environmentProposals", **here) if one["id"] == proposal["id"]]
    await sampled.org.owner.make("applyProposal", proposalId=proposal["id"])
    after = await values(sampled)
    assert told == flips_between(before, after, "banner", "checkout")
    assert of_some == listed["blastRadius"]["sampled"] == flips_between(before, after, "banner")
    assert await contexts_kept(instance) == []


async def contexts_kept(instance: Instance) -> list[str]:
    """The tables that know anybody of the sample."""
    return [table for table, rows in (await instance.rows()).items() if "u-17" in repr(rows)]


async def test_a_proposal_by_hand_and_a_delete_say_it_too(instance: Instance, sampled: Workspace) -> None:
    editor = sampled.org.editor
    asked = {"envId": sampled.environment_id, "kind": "set_rules_segment", "resourceKey": "staff"}
    rules = [{"if": {"field": "plan", "$equals": "team"}}]
    proposal = await editor.make("createProposal", **asked, diff={"rules": rules}, spotCheck=[{}])
    assert proposal["blastRadius"]["contexts"] == 1
    assert proposal["blastRadius"]["sampled"] == {"contexts": 24, "flips": {"limits": 8}, "share": 0.3333}
    keys = ["segment:staff", "flag:*"]
    token = await instance.token(sampled.org, level="observer", resources=keys)
    of_flags = (await token.make("proposal", proposalId=proposal["id"]))["blastRadius"]["sampled"]
    assert of_flags == {"contexts": 24, "flips": {}, "share": 0.0}
    dev = await editor.make("createEnvironment", projectId=sampled.project_id, key="dev", name="Dev")
    await sampled.org.admin.make("setTrafficSample", environmentId=dev["id"], size=10, fields=["plan"])
    await instance.protect(sampled.environment_id)
    proposal = await editor.make("deleteConfig", projectId=sampled.project_id, key="limits")
    assert proposal["blastRadius"]["sampled"] == {"contexts": 24, "flips": {"limits": 24}, "share": 1.0}
    token = await instance.token(sampled.org, level="observer", environments={"envs": [dev["id"]]})
    of_dev = (await token.make("proposal", proposalId=proposal["id"]))["blastRadius"]["sampled"]
    assert of_dev == {"contexts": 0, "flips": {}, "share": None}


async def test_without_a_sample_there_is_nothing_to_tell(instance: Instance, workspace: Workspace) -> None:
    nobody = {"contexts": 0, "flips": {}, "share": None}
    assert (await preview(workspace, sample=True))["sampled"] == nobody
    asked = {"envId": workspace.environment_id, "kind": "kill_flag", "resourceKey": "checkout", "diff": {}}
    proposal = await workspace.org.editor.make("createProposal", **asked)
    assert "sampled" not in proposal["blastRadius"]
    await workspace.org.editor.make("cancelProposal", proposalId=proposal["id"])
    here = {"environmentId": workspace.environment_id}
    await workspace.org.admin.make("setTrafficSample", **here, size=10, fields=["plan"])
    proposal = await workspace.org.editor.make("createProposal", **asked)
    assert proposal["blastRadius"]["sampled"] == nobody
