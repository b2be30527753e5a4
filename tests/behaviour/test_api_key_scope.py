"""What a token may do: each call and its GraphQL twin, held to the table of the policy; each code for its reason."""

from typing import Any

import pytest

from app.domain.actors import Verb
from app.domain.policy import LEVELS, TABLE, Approval, Reach, Target, verb_of
from app.settings import Settings
from tests.behaviour.conftest import another_environment
from tests.behaviour.test_roles import CALLS, READS, WRITES
from tests.clients import ENDPOINTS
from tests.factories import Instance, Workspace

REFUSALS = {"forbidden", "token_action_denied", "token_env_out_of_scope", "token_resource_out_of_scope", "scope_denied"}
FOR_PEOPLE = [name for name in CALLS if TABLE[ENDPOINTS[name].operation].verb is None]  # type: ignore[index]
FOR_TOKENS = [name for name in CALLS if name not in FOR_PEOPLE]
UNKNOWN = "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"


def row(name: str) -> Any:
    return TABLE[ENDPOINTS[name].operation or pytest.fail(name)]


def verb(name: str) -> Verb:
    """Of the proposal that waits: that of what it changes."""
    return verb_of(row(name), Target()) or pytest.fail(name)


async def approved(workspace: Workspace) -> None:
    """A token's applying counts as nobody's approval."""
    await workspace.org.owner.make("reviewProposal", proposalId=workspace.proposal_id, verdict="approve")


async def refusal(caller: Any, operation: str, /, **arguments: Any) -> tuple[str | None, dict[str, str]]:
    reply = await caller.do(operation, **arguments)
    return reply.code, reply.fields


@pytest.mark.parametrize("name", FOR_PEOPLE)
@pytest.mark.raises_codes("forbidden")
async def test_what_is_for_people_is_forbidden_to_a_token(instance: Instance, workspace: Workspace, name: str) -> None:
    caller = await instance.token(workspace.org)
    async with instance.unchanged():
        assert await refusal(caller, name, **CALLS[name](workspace)) == ("forbidden", {})


@pytest.mark.raises_codes("forbidden")
async def test_a_token_creates_no_organisation(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org)
    async with instance.unchanged():
        assert await refusal(caller, "createOrg", slug="new", name="New") == ("forbidden", {})


async def tokens_with_and_without_each_verb(instance: Instance, workspace: Workspace) -> dict[Verb, tuple[str, str]]:
    tokens = {}
    for own in sorted({verb(name) for name in FOR_TOKENS}):
        without = sorted(set(LEVELS["admin"] | LEVELS["client"]) - {own} - ({"read"} if own == "evaluate" else set()))
        poorer = await instance.minted(workspace.org, actions=without)
        permitted = await instance.minted(workspace.org, actions=[own, *(["read"] if own == "promote" else [])])
        tokens[own] = (permitted["token"], poorer["token"])
    await approved(workspace)
    return tokens


@pytest.mark.parametrize("name", FOR_TOKENS)
@pytest.mark.filled(by=tokens_with_and_without_each_verb)
@pytest.mark.raises_codes("token_action_denied")
async def test_a_call_asks_for_its_verb(
    instance: Instance, workspace: Workspace, found: dict[Verb, tuple[str, str]], name: str
) -> None:
    permitted, poorer = map(instance.bearer, found[verb(name)])
    async with instance.unchanged():
        assert await refusal(poorer, name, **CALLS[name](workspace)) == ("token_action_denied", {})
    (await permitted.do(name, **CALLS[name](workspace))).unwrap()


async def tokens_of_environments(instance: Instance, workspace: Workspace) -> list[str]:
    """Of another project, of one environment, and of its whole project."""
    other = await instance.workspace(workspace.org, "other")
    await approved(workspace)
    covered: list[dict[str, list[str]]] = [
        {"projects": [other.project_id]},
        {"envs": [workspace.environment_id]},
        {"projects": [workspace.project_id]},
    ]
    return [(await instance.minted(workspace.org, environments=environments))["token"] for environments in covered]


@pytest.mark.parametrize("name", [name for name in FOR_TOKENS if row(name).reach is not Reach.ANYWHERE])
@pytest.mark.filled(by=tokens_of_environments)
@pytest.mark.raises_codes("token_env_out_of_scope")
async def test_a_call_asks_for_its_environments(
    instance: Instance, workspace: Workspace, found: list[str], name: str
) -> None:
    elsewhere, single, whole = map(instance.bearer, found)
    denied = "token_env_out_of_scope"
    expected = {
        Reach.ANY_ENV: (denied, None, None),
        Reach.ENV: (denied, None, None),
        Reach.PROJECT: (denied, denied, None),
        Reach.ORG: (denied, denied, denied),
    }[row(name).reach]
    for caller, code in zip((elsewhere, single, whole), expected, strict=True):
        if code is None and name in WRITES and caller is not whole:
            continue  # it would change what the next one asks for
        reply = await caller.do(name, **CALLS[name](workspace))
        assert (reply.code, reply.fields) == (code, {})


@pytest.mark.parametrize(
    "name",
    ["flag", "flagState", "updateFlag", "deleteFlag", "killFlag", "restoreFlag", "updateFlagState", "replaceFlagState"],
)
@pytest.mark.raises_codes("token_resource_out_of_scope")
async def test_a_key_outside_the_resources_is_refused_before_anybody_looks_for_it(
    instance: Instance, workspace: Workspace, name: str
) -> None:
    for resources in (["payments.*"], ["config:banner", "flag:checkout"], ["banner.*"]):
        caller = await instance.token(workspace.org, resources=resources)
        async with instance.unchanged():
            for key in ("banner", "none"):
                arguments = {**CALLS[name](workspace), "key": key}
                assert await refusal(caller, name, **arguments) == ("token_resource_out_of_scope", {})
    permitted = await instance.token(workspace.org, resources=["none", "flag:banner"])
    async with instance.unchanged():
        reply = await permitted.do(name, **{**CALLS[name](workspace), "key": "none"})
        assert (reply.code, reply.status) == ("not_found", 404)
    (await permitted.do(name, **CALLS[name](workspace))).unwrap()


async def test_the_key_of_a_flag_to_be_made_is_tested_in_the_unread_body(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, resources=["payments.*"])
    flag = {"projectId": workspace.project_id, "type": "boolean", "defaultValue": True}
    async with instance.unchanged():
        for key in ("checkout", "new", "payments"):
            for wrong in ({}, {"description": "x" * 3000}):
                found = await refusal(caller, "createFlag", **flag, key=key, **wrong)
                assert found == ("token_resource_out_of_scope", {})
        code, fields = await refusal(caller, "createFlag", **flag, key="payments.new", description="x" * 3000)
        assert (code, set(fields)) == ("invalid_request", {"description"})
    (await caller.do("createFlag", **flag, key="payments.new")).unwrap()


@pytest.mark.raises_codes("scope_denied")
async def test_two_shortfalls_at_once_are_told_together(instance: Instance, workspace: Workspace) -> None:
    other = await instance.workspace(workspace.org, "other")
    elsewhere = {"environments": {"projects": [other.project_id]}}
    for more, expected in (
        ({"actions": ["evaluate"], **elsewhere}, {"action", "environment"}),
        ({"actions": ["evaluate"], "resources": ["x"]}, {"action", "resource"}),
        ({"level": "admin", "resources": ["x"], **elsewhere}, {"environment", "resource"}),
        ({"actions": ["propose"], "resources": ["x"], **elsewhere}, {"action", "environment", "resource"}),
    ):
        caller = await instance.token(workspace.org, **more)
        async with instance.unchanged():
            for key in ("banner", "none"):
                state = {"environmentId": workspace.environment_id, "key": key}
                code, fields = await refusal(caller, "killFlag", **state, reason="x" * 3000)
                assert (code, set(fields)) == ("scope_denied", expected)


async def test_scope_comes_after_the_ids_and_before_the_body_and_the_precondition(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, level="observer")
    async with instance.unchanged():
        assert (await refusal(caller, "updateProject", projectId=UNKNOWN, name=""))[0] == "not_found"
        for wrong in ({"name": ""}, {"name": "x", "if_match": '"stale"'}):
            found = await refusal(caller, "updateProject", projectId=workspace.project_id, **wrong)
            assert found == ("token_action_denied", {})


def writes(approval: Approval) -> list[str]:
    return [name for name in FOR_TOKENS if name in WRITES and row(name).for_tokens is approval]


@pytest.mark.parametrize("name", writes(Approval.REFUSE))
@pytest.mark.raises_codes("approval_not_supported")
async def test_a_token_that_needs_approval_writes_nothing(instance: Instance, workspace: Workspace, name: str) -> None:
    caller = await instance.token(workspace.org, approvalRequired=True)
    async with instance.unchanged():
        assert await refusal(caller, name, **CALLS[name](workspace)) == ("approval_not_supported", {})


@pytest.mark.parametrize("name", writes(Approval.DIVERT))
async def test_what_such_a_token_would_write_becomes_a_proposal(
    instance: Instance, workspace: Workspace, name: str
) -> None:
    caller, asked = await instance.token(workspace.org, approvalRequired=True), CALLS[name](workspace)
    if name == "restoreFlag":
        await workspace.org.owner.make("killFlag", **workspace.banner)
    if name.startswith("promote"):
        asked["fromEnvId"] = await another_environment(workspace)
    if name == "promote":
        asked["flags"] = ["banner"]
    async with instance.only_proposed():
        reply = await caller.do(name, **asked)
        assert reply.unwrap()["status"] == "pending"
        assert reply.status == (202 if instance.transport == "rest" else 200)
        again = await caller.make(name, **asked)
    assert again == reply.data == await workspace.org.viewer.make("proposal", proposalId=reply.data["id"])


@pytest.mark.raises_codes("forbidden")
async def test_such_a_token_proposes_and_cancels_and_never_applies(instance: Instance, workspace: Workspace) -> None:
    assert set(writes(Approval.PASS)) == {"createProposal", "cancelProposal", "applyProposal"}
    caller = await instance.token(workspace.org, approvalRequired=True)
    await approved(workspace)
    async with instance.unchanged():
        found = await refusal(caller, "applyProposal", **CALLS["applyProposal"](workspace))
        assert found == ("forbidden", {})
    for name in ("createProposal", "cancelProposal"):
        (await caller.do(name, **CALLS[name](workspace))).unwrap()


async def test_what_can_never_be_proposed_is_refused_before_the_body_and_what_can_be_after_it(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, approvalRequired=True)
    async with instance.unchanged():
        assert (await refusal(caller, "updateProject", projectId=workspace.project_id, name=""))[
            0
        ] == "approval_not_supported"
        assert (await refusal(caller, "updateFlagState", **workspace.banner, defaultValue=1))[0] == "invalid_request"


@pytest.mark.parametrize(
    "actions", [["propose"], ["write", "toggle", "delete"], ["propose", "write", "toggle", "delete"]]
)
async def test_a_divertible_write_is_allowed_with_either_verb_and_changes_nothing_when_nothing_changes(
    instance: Instance, workspace: Workspace, actions: list[str]
) -> None:
    caller = await instance.token(workspace.org, actions=actions, approvalRequired=True)
    async with instance.only_proposed():
        for name, more in (("updateFlagState", {"defaultValue": "bye"}), ("killFlag", {})):
            assert (await caller.make(name, **workspace.banner, **more))["status"] == "pending"
        deleting = await caller.make("deleteFlag", projectId=workspace.project_id, key="banner")
        assert deleting["kind"] == "delete_flag"
    async with instance.unchanged():
        for name, more in (("updateFlagState", {"defaultValue": "hello"}), ("restoreFlag", {})):
            (await caller.do(name, **workspace.banner, **more)).unwrap()


async def test_a_token_that_needs_approval_reads(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org, approvalRequired=True)
    for name, arguments in READS.items():
        assert await caller.make(name, **arguments(workspace)) == await workspace.org.viewer.make(
            name, **arguments(workspace)
        )


async def test_a_single_environment_token_reads_its_project(instance: Instance, workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    caller = await instance.token(workspace.org, environments={"envs": [workspace.environment_id]}, level="maintainer")
    for name in ("project", "flags", "flag", "environment", "flagState", "flagStates", "ruleset"):
        expected = await workspace.org.viewer.make(name, **CALLS[name](workspace))
        if name == "project" and instance.transport == "graphql":
            expected["orgId"] = None
        assert await caller.make(name, **CALLS[name](workspace)) == expected
    (await caller.do("killFlag", **workspace.banner)).unwrap()
    async with instance.unchanged():
        for name in ("environment", "flagStates", "ruleset"):
            assert await refusal(caller, name, environmentId=dev["id"]) == ("token_env_out_of_scope", {})
        assert await refusal(caller, "flagState", **{**workspace.banner, "environmentId": dev["id"]}) == (
            "token_env_out_of_scope",
            {},
        )
        for name in (
            "createFlag",
            "updateFlag",
            "deleteFlag",
            "updateProject",
            "createEnvironment",
            "updateEnvironment",
        ):
            code, _ = await refusal(caller, name, **CALLS[name](workspace))
            assert code in {"token_env_out_of_scope", "scope_denied"}, name


@pytest.mark.raises_codes("token_ip_denied")
async def test_a_token_is_used_from_its_networks_only(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org, ipAllowlist=["192.0.2.0/24", "2001:db8::/32"], rateLimitPerMin=5)
    async with instance.unchanged():
        for outside in ("198.51.100.1", "2001:db9::1", "::ffff:198.51.100.1", "testclient", "fe80::1%eth0"):
            for _ in range(3):  # refused before the buckets, so nothing is taken from them
                reply = await instance.bearer(minted["token"], outside).do("project", projectId=UNKNOWN)
                assert (reply.code, reply.status) == ("token_ip_denied", 403), outside
        reply = await instance.bearer(minted["token"][:-1], "198.51.100.1").do("orgs")
        assert reply.code == "unauthorized"
    for inside in ("192.0.2.7", "2001:db8::1", "::ffff:192.0.2.8"):
        (await instance.bearer(minted["token"], inside).do("orgs")).unwrap()


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org, ipAllowlist=["192.0.2.0/24"])
    caller.client.headers["X-Forwarded-For"] = "192.0.2.1"
    assert (await caller.do("orgs")).code == "token_ip_denied"


class TestBehindAProxy:
    """An instance whose operator trusts the proxies of a network."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """`SIGNALBOX_TRUSTED_PROXIES` names it."""
        return settings.model_copy(update={"trusted_proxies": "10.0.0.0/8"})

    @pytest.mark.parametrize(
        ("peer", "forwarded", "code"),
        [
            ("10.0.0.1", "192.0.2.1", None),
            ("10.0.0.1", "198.51.100.1, 192.0.2.1, 10.0.0.2", None),
            ("10.0.0.1", "192.0.2.1, 198.51.100.1, 10.0.0.2", "token_ip_denied"),
            ("192.0.2.1", "198.51.100.1", None),
            ("198.51.100.1", "192.0.2.1", "token_ip_denied"),
        ],
    )
    async def test_a_token_is_used_from_the_rightmost_address_that_is_no_proxys(
        self, instance: Instance, workspace: Workspace, peer: str, forwarded: str, code: str | None
    ) -> None:
        minted = await instance.minted(workspace.org, ipAllowlist=["192.0.2.0/24"])
        caller = instance.bearer(minted["token"], peer)
        caller.client.headers["X-Forwarded-For"] = forwarded
        assert (await caller.do("orgs")).code == code


async def test_a_protected_environment_diverts_a_tokens_writes_but_a_kill(
    instance: Instance, workspace: Workspace
) -> None:
    await instance.protect(workspace.environment_id)
    caller = await instance.token(workspace.org)
    async with instance.only_proposed():
        for name in ("updateFlagState", "replaceFlagState"):
            assert (await caller.make(name, **CALLS[name](workspace)))["status"] == "pending"
    async with instance.unchanged():
        assert (await refusal(caller, "deleteEnvironment", **CALLS["deleteEnvironment"](workspace)))[
            0
        ] == "approval_not_supported"
        broken = await refusal(caller, "updateFlagState", **CALLS["updateFlagState"](workspace), breakGlass="I say so.")
        assert broken == ("forbidden", {})
    (await caller.do("killFlag", **workspace.banner)).unwrap()


@pytest.mark.parametrize("name", [name for name in FOR_TOKENS if name in READS])
async def test_reads_are_the_same_for_a_token_that_may_do_everything(
    instance: Instance, workspace: Workspace, name: str
) -> None:
    caller = await instance.token(workspace.org)
    assert await caller.make(name, **CALLS[name](workspace)) == await workspace.org.viewer.make(
        name, **CALLS[name](workspace)
    )
