"""A proposal shows what it would do to contexts: its own, or those that the environment keeps."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

ADA, BOB = {"userId": "u-1", "n": 2**64 - 1}, {"userId": "u-2"}
DEFAULT, FIRST = {"kind": "default"}, {"kind": "rule_match", "ruleIndex": 0}


@pytest.fixture
async def kept(workspace: Workspace) -> Workspace:
    """The workspace, which keeps two contexts; its banner depends on the segment, and its flag on the banner."""
    editor = workspace.org.editor
    await editor.make("setSpotChecks", environmentId=workspace.environment_id, contexts=[ADA, BOB])
    await editor.make("updateFlagState", **workspace.banner, rules=[{"if": {"$segment": "staff"}, "value": "ours"}])
    rules = [{"if": {"$flag": "banner", "$equals": "ours"}, "value": False}]
    await editor.make("updateFlagState", **workspace.checkout, rules=rules)
    return workspace


async def test_an_edit_of_a_segment_shows_what_it_does_to_flags(instance: Instance, kept: Workspace) -> None:
    await instance.protect(kept.environment_id)
    proposal = await kept.org.editor.make("updateAllowList", **kept.staff, add=["u-1"])
    evaluations = {
        "banner": {
            "live": {"value": "hello", "reason": DEFAULT},
            "proposed": {"value": "ours", "reason": FIRST},
            "flips": True,
        },
        "checkout": {
            "live": {"value": True, "reason": DEFAULT},
            "proposed": {"value": False, "reason": FIRST},
            "flips": True,
        },
    }
    radius = {
        "version": await kept.version(),
        "contexts": 2,
        "results": [
            {"envId": kept.environment_id, "context": ADA, "evaluations": evaluations},
            {"envId": kept.environment_id, "context": BOB, "evaluations": {}},
        ],
        "flips": {"banner": 1, "checkout": 1},
        "truncated": False,
    }
    assert proposal["blastRadius"] == radius
    assert (await kept.evaluated("banner"))["value"] == "hello"

    await kept.org.editor.make("setSpotChecks", environmentId=kept.environment_id, contexts=[])
    assert (await kept.org.viewer.make("proposal", proposalId=proposal["id"]))["blastRadius"] == radius
    reader = await instance.token(kept.org, level="observer", resources=["segment:staff", "flag:checkout"])
    seen = (await reader.make("proposal", proposalId=proposal["id"]))["blastRadius"]
    assert [set(result["evaluations"]) for result in seen["results"]] == [{"checkout"}, set()]
    assert seen["flips"] == {"checkout": 1}
    (listed,) = await reader.make("environmentProposals", environmentId=kept.environment_id)
    assert listed["blastRadius"] == seen


async def test_a_proposal_may_bring_contexts_of_its_own(kept: Workspace) -> None:
    asked = {"envId": kept.environment_id, "kind": "kill_flag", "resourceKey": "checkout", "diff": {}}
    for contexts, flips in (([{}], {"checkout": 1}), ([], {}), (None, {"checkout": 2})):
        more: dict[str, Any] = {} if contexts is None else {"spotCheck": contexts}
        proposal = await kept.org.editor.make("createProposal", **asked, **more)
        assert proposal["blastRadius"]["flips"] == flips
        await kept.org.editor.make("cancelProposal", proposalId=proposal["id"])


async def test_a_delete_shows_what_each_environment_loses(instance: Instance, kept: Workspace) -> None:
    project = {"projectId": kept.project_id}
    dev = await kept.org.editor.make("createEnvironment", **project, key="dev", name="Dev")
    await kept.org.editor.make("setSpotChecks", environmentId=dev["id"], contexts=[{}])
    await instance.protect(kept.environment_id)
    proposal = await kept.org.editor.make("deleteConfig", **project, key="limits")
    gone = {"limits": {"live": {"value": {"a": 1}, "reason": DEFAULT}, "proposed": None, "flips": True}}
    assert proposal["blastRadius"] == {
        "version": None,
        "contexts": 3,
        "results": [
            {"envId": kept.environment_id, "context": ADA, "evaluations": gone},
            {"envId": kept.environment_id, "context": BOB, "evaluations": gone},
            {"envId": dev["id"], "context": {}, "evaluations": gone},
        ],
        "flips": {"limits": 3},
        "truncated": False,
    }
