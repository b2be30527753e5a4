"""Rules that refer to other flags: what they may refer to, what follows from it, and what may not be deleted then."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from app.domain.preconditions import IfMatch
from app.services import flags
from tests.behaviour.test_turns import as_member, at_its_turn
from tests.clients import Reply
from tests.factories import Instance, Workspace

AT = "rules.0.if.$flag"
MAX_CHAIN = 20


def following(key: str, value: Any = "open", wanted: Any = True) -> list[dict[str, Any]]:
    """Rules that give the value where the flag of the key is what is wanted."""
    return [{"if": {"$flag": key, "$equals": wanted}, "value": value}]


async def refer(workspace: Workspace, key: str, to: str, value: Any = "open") -> Any:
    """Makes the flag's rules refer to another flag."""
    state = {"environmentId": workspace.environment_id, "key": key}
    return await workspace.org.editor.make("updateFlagState", **state, rules=following(to, value))


async def create(instance: Instance, workspace: Workspace, created: Iterable[dict[str, Any]]) -> None:
    """Boolean flags, all in one unit of work."""
    async with instance.node.unit("req_test", await as_member(workspace.org.editor)) as uow:
        for one in created:
            await flags.FLAGS.create(
                uow, workspace.project_id, {"type": "boolean", "defaultValue": True, "rules": [], **one}
            )


async def delete(workspace: Workspace, key: str) -> Reply:
    return await workspace.org.editor.do("deleteFlag", projectId=workspace.project_id, key=key)


async def in_use(workspace: Workspace, key: str) -> dict[str, str]:
    """What refers to the flag, as the refusal of a delete names it."""
    reply = await delete(workspace, key)
    assert (reply.code, reply.status) == ("in_use", 409)
    return reply.fields


@pytest.mark.parametrize("operation", ["createFlag", "updateFlagState", "replaceFlagState"])
async def test_a_flag_follows_the_flag_that_its_rules_refer_to(workspace: Workspace, operation: str) -> None:
    editor, key = workspace.org.editor, "banner"
    rules = following("checkout")
    if operation == "createFlag":
        key = "title"
        flag = {"key": key, "type": "string", "defaultValue": "hello", "rules": rules}
        await editor.make("createFlag", projectId=workspace.project_id, **flag)
    else:
        whole = {"defaultValue": "hello"} if operation == "replaceFlagState" else {}
        assert (await editor.make(operation, **workspace.banner, rules=rules, **whole))["rules"] == rules
    matched = {"value": "open", "defaultValue": "hello", "reason": {"kind": "rule_match", "ruleIndex": 0}}
    default = {"value": "hello", "defaultValue": "hello", "reason": {"kind": "default"}}
    assert await workspace.evaluated(key) == matched
    await editor.make("killFlag", **workspace.checkout)  # a killed boolean flag is false
    assert await workspace.evaluated(key) == default
    await editor.make("restoreFlag", **workspace.checkout)
    assert await workspace.evaluated(key) == matched
    await editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    assert await workspace.evaluated(key) == default


async def test_a_trace_tells_what_the_other_flag_was(workspace: Workspace) -> None:
    await refer(workspace, "banner", "checkout")
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    asked = {"environmentId": workspace.environment_id, "context": {}, "keys": ["banner"], "verboseReason": True}
    answer = await workspace.org.viewer.make("evaluate", **asked)
    (entry,) = answer["evaluations"]["banner"]["reason"]["trace"]
    condition = entry["condition"]
    assert (entry["outcome"], condition["flag"], condition["result"]) == ("condition_false", "checkout", False)
    assert (condition["actual"], condition["reason"]["kind"]) == (False, "killed")


@pytest.mark.parametrize("operation", ["updateFlagState", "replaceFlagState"])
@pytest.mark.parametrize("to", ["none", "checkout", "banner"])
async def test_a_reference_that_leads_nowhere_or_in_a_cycle_is_refused_where_it_stands(
    instance: Instance, workspace: Workspace, operation: str, to: str
) -> None:
    """To a flag that is not there; to the flag itself; and to one that refers back to it."""
    await refer(workspace, "banner", "checkout")
    rules = [{"value": True, "rolloutPercent": 0}, {"if": {"$not": following(to)[0]["if"]}, "value": True}]
    async with instance.unchanged():
        reply = await workspace.org.editor.do(operation, **workspace.checkout, defaultValue=False, rules=rules)
    why = "There is no flag or config 'none' in this environment." if to == "none" else "Creates a reference cycle."
    assert (reply.code, reply.status, reply.fields) == ("invalid_request", 400, {"rules.1.if.$not.$flag": why})


@pytest.mark.parametrize("to", ["none", "title"])
async def test_a_new_flag_refers_to_flags_that_are_there(instance: Instance, workspace: Workspace, to: str) -> None:
    """And not to itself, nor to another project's flags."""
    other = await instance.workspace(workspace.org, "other")
    await create(instance, other, [{"key": "none"}])
    flag: dict[str, Any] = {"key": "title", "type": "string", "defaultValue": "hello", "rules": following(to)}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createFlag", projectId=workspace.project_id, **flag)
    assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {AT})


@pytest.mark.parametrize("to", ["none", "title"])
async def test_a_project_without_environments_refuses_references_that_lead_nowhere_too(
    instance: Instance, workspace: Workspace, to: str
) -> None:
    project = await workspace.org.editor.make("createProject", orgSlug=workspace.org.slug, key="bare", name="Bare")
    flag: dict[str, Any] = {"key": "title", "type": "string", "defaultValue": "hello", "rules": following(to)}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createFlag", projectId=project["id"], **flag)
    assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {AT})


async def test_a_chain_has_at_most_twenty_references(instance: Instance, workspace: Workspace) -> None:
    """It is counted as a whole: what refers to the saved flag and what that refers to."""
    chain: list[dict[str, Any]] = [{"key": "flag-0"}]
    chain += [{"key": f"flag-{n}", "rules": following(f"flag-{n - 1}", True)} for n in range(1, MAX_CHAIN + 1)]
    await create(instance, workspace, chain)
    assert (await workspace.evaluated(f"flag-{MAX_CHAIN}"))["reason"]["kind"] == "rule_match"
    why = {AT: "Creates a chain of more than 20 references."}
    first = {"environmentId": workspace.environment_id, "key": "flag-0", "rules": following("checkout", True)}
    last = {"key": "more", "type": "boolean", "defaultValue": True, "rules": following(f"flag-{MAX_CHAIN}", True)}
    async with instance.unchanged():
        for operation, asked in (
            ("updateFlagState", first),
            ("createFlag", {"projectId": workspace.project_id, **last}),
        ):
            reply = await workspace.org.editor.do(operation, **asked)
            assert (reply.code, reply.status, reply.fields) == ("invalid_request", 400, why), operation
    await refer(workspace, "banner", f"flag-{MAX_CHAIN - 1}")  # not longer than the chain that is there


@pytest.mark.raises_codes("in_use")
async def test_a_flag_that_others_refer_to_is_not_deleted_until_they_no_longer_do(
    instance: Instance, workspace: Workspace
) -> None:
    await refer(workspace, "banner", "checkout")
    await create(instance, workspace, [{"key": "footer", "rules": following("checkout", True)}])
    both = {"flag.banner": "Refers to it in prod.", "flag.footer": "Refers to it in prod."}
    async with instance.unchanged():
        assert await in_use(workspace, "checkout") == both
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=[])
    async with instance.unchanged():
        assert await in_use(workspace, "checkout") == {"flag.footer": "Refers to it in prod."}
    (await delete(workspace, "footer")).unwrap()
    (await delete(workspace, "checkout")).unwrap()
    assert await workspace.evaluated("checkout") is None


@pytest.mark.raises_codes("in_use")
async def test_a_flag_stays_in_use_while_the_rules_that_refer_to_it_stay(
    instance: Instance, workspace: Workspace
) -> None:
    editor = workspace.org.editor
    await create(instance, workspace, [{"key": "footer"}])
    await refer(workspace, "banner", "checkout")
    for operation, change in (("updateFlagState", {"defaultValue": "bye"}), ("killFlag", {}), ("restoreFlag", {})):
        await editor.make(operation, **workspace.banner, **change)
        async with instance.unchanged():
            assert await in_use(workspace, "checkout") == {"flag.banner": "Refers to it in prod."}, operation
    await editor.make("replaceFlagState", **workspace.banner, defaultValue="hello", rules=following("footer"))
    async with instance.unchanged():
        assert await in_use(workspace, "footer") == {"flag.banner": "Refers to it in prod."}
    (await delete(workspace, "checkout")).unwrap()


@pytest.mark.raises_codes("in_use")
async def test_a_copied_environment_has_copied_references(instance: Instance, workspace: Workspace) -> None:
    editor = workspace.org.editor
    await refer(workspace, "banner", "checkout")
    asked = {"projectId": workspace.project_id, "key": "dev", "name": "Dev"}
    dev = await editor.make("createEnvironment", **asked, copyFromEnvId=workspace.environment_id)
    await editor.make("createEnvironment", **{**asked, "key": "blank"})  # has nothing that refers
    async with instance.unchanged():
        assert await in_use(workspace, "checkout") == {"flag.banner": "Refers to it in dev, prod."}
    await editor.make("updateFlagState", **workspace.banner, rules=[])
    async with instance.unchanged():
        assert await in_use(workspace, "checkout") == {"flag.banner": "Refers to it in dev."}
    await workspace.org.admin.make("deleteEnvironment", environmentId=dev["id"], confirm="dev")
    (await delete(workspace, "checkout")).unwrap()


@pytest.mark.raises_codes("token_resource_out_of_scope")
async def test_a_token_refers_only_to_what_its_resources_cover(instance: Instance, workspace: Workspace) -> None:
    """Whether the other flag is there makes no difference, or the token would learn it."""
    resources = ["checkout", "footer", "title", "config:banner"]  # which is a flag
    caller = await instance.token(workspace.org, resources=resources)
    new: dict[str, Any] = {"projectId": workspace.project_id, "key": "title", "type": "boolean", "defaultValue": True}
    async with instance.unchanged():
        for operation, asked in (
            ("updateFlagState", workspace.checkout),
            ("replaceFlagState", {**workspace.checkout, "defaultValue": True}),
            ("createFlag", new),
        ):
            for key in ("banner", "none"):
                reply = await caller.do(operation, **asked, rules=following(key, True))
                found = (reply.code, reply.status, reply.fields)
                fields = {AT: "The token's resources do not match this."}
                assert found == ("token_resource_out_of_scope", 403, fields), (operation, key)
        reply = await caller.do("updateFlagState", **workspace.checkout, rules=following("footer", True))
        assert (reply.code, set(reply.fields)) == ("invalid_request", {AT})  # it is covered, and not there
    await create(instance, workspace, [{"key": "footer"}])
    (await caller.do("createFlag", **new, rules=following("footer", False))).unwrap()


@pytest.mark.raises_codes("token_resource_out_of_scope")
async def test_what_the_live_rules_refer_to_stays_allowed_to_a_token(instance: Instance, workspace: Workspace) -> None:
    await create(instance, workspace, [{"key": "secret"}])
    await refer(workspace, "banner", "checkout")
    caller = await instance.token(workspace.org, resources=["banner"])
    kept = following("checkout", "more")
    assert (await caller.make("updateFlagState", **workspace.banner, rules=kept))["rules"] == kept
    async with instance.unchanged():
        reply = await caller.do("updateFlagState", **workspace.banner, rules=[*kept, *following("secret")])
        assert (reply.code, set(reply.fields)) == ("token_resource_out_of_scope", {"rules.1.if.$flag"})
    await caller.make("updateFlagState", **workspace.banner, rules=[])
    async with instance.unchanged():
        reply = await caller.do("updateFlagState", **workspace.banner, rules=kept)
        assert (reply.code, set(reply.fields)) == ("token_resource_out_of_scope", {AT})


@pytest.mark.raises_codes("in_use")
async def test_a_token_does_not_learn_of_flags_beyond_its_resources_from_what_is_in_use(
    instance: Instance, workspace: Workspace
) -> None:
    await create(instance, workspace, [{"key": "payments.card", "rules": following("checkout", True)}])
    caller = await instance.token(workspace.org, resources=["checkout", "banner"])
    asked = {"projectId": workspace.project_id, "key": "checkout"}
    async with instance.unchanged():
        reply = await caller.do("deleteFlag", **asked)
    assert (reply.code, reply.status, "flag.banner" in reply.fields) == ("in_use", 409, False)
    assert "payments" not in f"{reply.fields} {reply.message}"
    await refer(workspace, "banner", "checkout")
    async with instance.unchanged():
        reply = await caller.do("deleteFlag", **asked)
    assert (reply.code, reply.status, reply.fields["flag.banner"]) == ("in_use", 409, "Refers to it in prod.")
    assert "payments" not in f"{reply.fields} {reply.message}"


@pytest.mark.all_pairs
@pytest.mark.raises_codes("invalid_request")
async def test_who_waits_to_refer_to_a_flag_that_is_being_deleted_is_refused(
    instance: Instance, workspace: Workspace
) -> None:
    async with instance.node.unit("req_other", await as_member(workspace.org.owner)) as other:
        await flags.FLAGS.delete(other, workspace.project_id, "checkout", {}, IfMatch())
        change = workspace.org.editor.do("updateFlagState", **workspace.banner, rules=following("checkout"))
        waiting = await at_its_turn(instance, change)
    reply = await waiting
    assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {AT})
    assert (await instance.audited())[-1].action == "delete_primitive"
    assert (await workspace.evaluated("banner"))["value"] == "hello"


@pytest.mark.all_pairs
@pytest.mark.raises_codes("in_use")
async def test_who_waits_to_delete_a_flag_that_is_being_referred_to_is_refused(
    instance: Instance, workspace: Workspace
) -> None:
    async with instance.node.unit("req_other", await as_member(workspace.org.owner)) as other:
        body = {"rules": following("checkout")}
        await flags.FLAGS.update_state(other, workspace.environment_id, "banner", body, IfMatch())
        waiting = await at_its_turn(instance, delete(workspace, "checkout"))
    reply = await waiting
    assert (reply.code, reply.status) == ("in_use", 409)
    assert reply.fields == {"flag.banner": "Refers to it in prod."}
    assert (await instance.audited())[-1].action == "update_state"
    assert (await workspace.evaluated("banner"))["value"] == "open"


@pytest.mark.all_pairs
async def test_of_two_references_at_once_that_make_a_cycle_exactly_one_wins(
    instance: Instance, workspace: Workspace
) -> None:
    before = len(await instance.audited())
    replies = await asyncio.gather(
        workspace.org.editor.do("updateFlagState", **workspace.checkout, rules=following("banner", False, "open")),
        workspace.org.admin.do("updateFlagState", **workspace.banner, rules=following("checkout")),
    )
    (lost,) = [reply for reply in replies if reply.code is not None]
    assert (lost.code, lost.fields) == ("invalid_request", {AT: "Creates a reference cycle."})
    assert len(await instance.audited()) == before + 1


@pytest.mark.all_pairs
async def test_of_a_delete_and_a_reference_at_once_exactly_one_wins(instance: Instance, workspace: Workspace) -> None:
    before = len(await instance.audited())
    refused = {"in_use": "open", "invalid_request": "hello"}  # and what the other one made of the flag
    deleted, referred = await asyncio.gather(
        delete(workspace, "checkout"),
        workspace.org.admin.do("updateFlagState", **workspace.banner, rules=following("checkout")),
    )
    (lost,) = [reply.code for reply in (deleted, referred) if reply.code is not None]
    assert lost in refused
    assert (lost == "in_use") is (deleted.code is not None)
    assert len(await instance.audited()) == before + 1
    assert (await workspace.evaluated("banner"))["value"] == refused[lost]


async def test_a_proposed_reference_is_listed_at_its_path_in_the_state(workspace: Workspace) -> None:
    rules = [{"if": {"$segment": "staff"}, "value": True}]
    change = {"kind": "set_rules_flag", "resourceKey": "checkout", "diff": {"rules": rules}}
    proposal = await workspace.org.editor.make("createProposal", envId=workspace.environment_id, **change)
    await workspace.org.owner.make("applyProposal", proposalId=proposal["id"])
    (found,) = await workspace.org.viewer.make("segmentReferences", projectId=workspace.project_id, key="staff")
    assert found["paths"] == ["rules.0.if.$segment"]
