"""`viewerCan` and `viewerCannot` say what the operation then answers: for each role and for tokens of many scopes."""

import re
from typing import Any, NamedTuple

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.domain.actors import Role
from app.domain.operations import Operation, ResourceType
from app.domain.policy import TABLE, Approval
from app.models import Environment, User
from tests.behaviour.test_roles import CALLS
from tests.clients import ENDPOINTS, GraphQLApi, Reply
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask

REFUSED = {"forbidden", "insufficient_role", "scope_denied", "approval_not_supported"}
REFUSED |= {"token_action_denied", "token_env_out_of_scope", "token_resource_out_of_scope"}
WAITS = "approval_missing"  # what becomes a proposal
ABILITIES = "viewerCan viewerCannot { action code message who }"
TYPES = {
    ResourceType.ORG: "Org",
    ResourceType.PROJECT: "Project",
    ResourceType.ENVIRONMENT: "Environment",
    ResourceType.PRIMITIVE: "Flag",
    ResourceType.STATE: "FlagState",
}
# Tried last and in this order: each leaves what the next ones are about.
DESTRUCTIVE = [
    *(Operation.REMOVE_MEMBER, Operation.DELETE_PRIMITIVE, Operation.DELETE_ENVIRONMENT),
    *(Operation.DELETE_PROJECT, Operation.DELETE_ORG, Operation.LEAVE_ORG),
]
# What a call asks for by its content, and the operation of the call.
HELD_BY = {
    Operation.PROTECT_ENVIRONMENT: Operation.UPDATE_ENVIRONMENT,
    Operation.SET_TARGET_ID_FIELD: Operation.UPDATE_PROJECT,
    Operation.BREAK_GLASS: Operation.UPDATE_STATE,
}
KEYS = {"['payments.*']": "payments.new", "['flag:banner']": "banner"}  # to make what the token may make
OTHER_KINDS = re.compile("config|segment|(?:allow|deny)list", re.IGNORECASE)  # those of flags are what is looked at
UNPROVEN = "an owner whose mailbox is not proven"
SCOPES: list[dict[str, Any]] = [
    {},
    {"level": "client"},
    {"level": "observer"},
    {"level": "operator"},
    {"level": "maintainer", "approvalRequired": True},
    {"level": "maintainer", "resources": ["payments.*"]},
    {"level": "maintainer", "resources": ["flag:banner"]},
    {"actions": ["propose", "read"], "approvalRequired": True},
    {"level": "admin", "environments": "single"},
    {"level": "admin", "environments": "project"},
]


class WhyNot(NamedTuple):
    code: str
    message: str


class Told(NamedTuple):
    """What the caller is told of a thing: what may be done at once, and of all else why not."""

    can: list[str]
    cannot: dict[str, WhyNot]


async def told_of(caller: Any, ids: dict[ResourceType, str]) -> dict[ResourceType, Told | None]:
    """What the caller is told, by thing; None for what it does not see."""
    found: dict[ResourceType, Told | None] = {}
    for thing, name in TYPES.items():
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on {name} {{ {ABILITIES} }} }} }}"
        answer = await caller.run(document, {"id": ids[thing]})
        assert "errors" not in answer
        node = answer["data"]["node"]
        found[thing] = one = node and told(node)
        operations = [operation.value for operation, row in TABLE.items() if row.target is thing]
        assert one is None or sorted([*one.can, *one.cannot]) == sorted(operations)
    return found


def told(node: dict[str, Any]) -> Told:
    """Every operation is in one of the two, once; whoever cannot is told who can."""
    cannot = {one["action"].lower(): WhyNot(one["code"], one["message"]) for one in node["viewerCannot"]}
    can = [one.lower() for one in node["viewerCan"]]
    assert len(cannot) == len(node["viewerCannot"])
    assert not set(can) & set(cannot)
    assert all(one["who"].endswith(".") for one in node["viewerCannot"])
    return Told(can, cannot)


async def another(workspace: Workspace) -> str:
    """The id of a second environment, in which the banner is another one."""
    asked = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    dev = str((await workspace.org.editor.make("createEnvironment", **asked, key="dev", name="Development"))["id"])
    await workspace.org.editor.make("updateFlagState", environmentId=dev, key="banner", defaultValue="moin")
    return dev


async def ids_of(workspace: Workspace) -> dict[ResourceType, str]:
    state = await workspace.org.viewer.make("flagState", **workspace.banner)
    org = await workspace.org.viewer.make("org", slug=workspace.org.slug)
    ids = (org["id"], workspace.project_id, workspace.environment_id, state["primitiveId"], state["id"])
    return dict(zip(TYPES, ids, strict=True))


def calls() -> dict[Operation, list[str]]:
    found: dict[Operation, list[str]] = {}
    for name, endpoint in ENDPOINTS.items():
        if endpoint.operation is not None and name in CALLS and not OTHER_KINDS.search(name):
            found.setdefault(endpoint.operation, []).append(name)
    return found


def by_content(person_id: str, *, protected: bool) -> dict[Operation, tuple[str, dict[str, Any]]]:
    """What is asked for by what another operation's call holds. Deletes go by protection, so that stays as it is."""
    return {
        Operation.PROTECT_ENVIRONMENT: ("updateEnvironment", {"protected": protected, "requiredApprovals": 2}),
        Operation.SET_TARGET_ID_FIELD: ("updateProject", {"targetIdField": "device"}),
        Operation.BREAK_GLASS: ("updateFlagState", {"defaultValue": "at once", "breakGlass": "Fire."}),
        Operation.LEAVE_ORG: ("removeMember", {"userId": person_id}),
        Operation.PROPOSE: ("createProposal", {"resourceKey": "banner", "diff": {"defaultValue": "proposed"}}),
    }


def tries(
    workspace: Workspace, person_id: str, dev: str, *, protected: bool
) -> list[tuple[Operation, str, dict[str, Any]]]:
    """A call of each operation by each of its names, what destroys least first."""
    named = [(operation, name) for operation, names in calls().items() for name in names]
    named = [(operation, name) for operation, name in named if not name.startswith(("revoke", "createProposal"))]
    of_promotion = {"promote": {"fromEnvId": dev, "flags": ["banner"]}, "promoteFlag": {"fromEnvId": dev}}
    found = [(operation, name, {**CALLS[name](workspace), **of_promotion.get(name, {})}) for operation, name in named]
    for operation, (name, content) in by_content(person_id, protected=protected).items():
        found.append((operation, name, {**CALLS[name](workspace), **content}))
    return sorted(found, key=lambda one: DESTRUCTIVE.index(one[0]) if one[0] in DESTRUCTIVE else -1)


def test_every_operation_on_a_thing_is_tried() -> None:
    for operation, row in TABLE.items():
        if row.target in TYPES:
            assert operation in calls() or operation in by_content("", protected=False), operation
            if operation.value.startswith(("delete", "remove")):
                assert operation in DESTRUCTIVE, operation


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("asked", [*Role, UNPROVEN, *SCOPES], ids=str)
async def test_what_is_told_is_what_is_answered(
    instance: Instance, workspace: Workspace, asked: Any, protected: bool
) -> None:
    if instance.transport == "rest":
        pytest.skip("a field of GraphQL")
    dev = await another(workspace)
    if protected:
        await instance.protect(workspace.environment_id)
    asked = await _as_a_role(instance, asked)
    environment = update(Environment).where(col(Environment.id) == workspace.environment_id)
    ids = await ids_of(workspace)
    caller = (
        workspace.org.of(asked)
        if isinstance(asked, Role)
        else await instance.token(workspace.org, **_scope(asked, workspace, dev))
    )
    assert isinstance(caller, GraphQLApi)
    reported = await told_of(caller, ids)
    person_id = (await caller.make("me"))["actor"]["id"] if isinstance(asked, Role) else workspace.guest_id
    tried = tries(workspace, person_id, dev, protected=protected)
    if asked is Role.OWNER:  # the last owner cannot leave, but can delete what they would leave
        tried.insert(0, tried.pop())
    for operation, name, arguments in tried:
        reported_of = reported.get(TABLE[operation].target)
        if reported_of is None:
            continue
        if name == "restoreFlag":
            await workspace.org.owner.make("killFlag", **workspace.banner)
        if name == "createFlag":
            arguments["key"] = "new" if isinstance(asked, Role) else KEYS.get(str(asked.get("resources")), "new")
        if operation is Operation.BREAK_GLASS:  # only what is protected shows whether the caller may
            await instance.execute(environment.values(protected=True))
        reply = await caller.do(name, **arguments)
        await instance.execute(environment.values(protected=protected))
        done = reply.code not in REFUSED and not became_proposal(operation, reply)
        assert done == (operation.value in reported_of.can), (name, reply)
        why_not = why_it_is_refused(operation, reported)
        assert why_not is None or is_answered(operation, why_not, reply), (name, reply)
        if operation in DESTRUCTIVE and operation.value in reported_of.can:
            last_owner = operation is Operation.LEAVE_ORG and asked is Role.OWNER
            assert reply.code == ("last_owner_cannot_demote_or_remove" if last_owner else None), (name, reply)


def is_answered(operation: Operation, why_not: WhyNot, reply: Reply) -> bool:
    if why_not.code == WAITS:
        return became_proposal(operation, reply)
    return (reply.code, reply.message) == why_not


def became_proposal(operation: Operation, reply: Reply) -> bool:
    divertible = Approval.DIVERT in {TABLE[operation].protected, TABLE[operation].for_tokens}
    return divertible and isinstance(reply.data, dict) and reply.data.get("status") == "pending"


def why_it_is_refused(operation: Operation, reported: dict[ResourceType, Told | None]) -> WhyNot | None:
    """The first that a call is refused with: what is asked for by its content comes after the call itself."""
    for asked in (HELD_BY.get(operation, operation), operation):
        of_thing = reported[TABLE[asked].target]
        if of_thing is None:  # it is refused for what the caller does not see
            return None
        why_not = of_thing.cannot.get(asked.value)
        if why_not is not None and (asked is operation or why_not.code != WAITS):
            return why_not
    return None


async def test_whoever_cannot_is_told_who_can(instance: Instance, workspace: Workspace) -> None:
    await instance.protect(workspace.environment_id)
    ids = await ids_of(workspace)
    document = f"query ($id: ID!) {{ node(id: $id) {{ ... on FlagState {{ {ABILITIES} }} }} }}"
    for caller, can, cannot in (
        (
            workspace.org.viewer,
            ["READ_STATE"],
            {
                "UPDATE_STATE": "Editors, admins and owners, as a proposal; owners also at once, "
                "by breaking glass with a reason.",
                "KILL": "Editors, admins and owners.",
                "PROPOSE": "Editors, admins and owners.",
                "RESTORE": "Editors, admins and owners, as a proposal; owners also at once, "
                "by breaking glass with a reason.",
                "PROMOTE": "Editors, admins and owners, as a proposal; owners also at once, "
                "by breaking glass with a reason.",
            },
        ),
        (
            workspace.org.editor,
            ["READ_STATE", "KILL", "PROPOSE"],
            {
                "UPDATE_STATE": "Owners, by breaking glass with a reason.",
                "RESTORE": "Owners, by breaking glass with a reason.",
                "PROMOTE": "Owners, by breaking glass with a reason.",
            },
        ),
        (
            await instance.token(workspace.org, level="observer"),
            ["READ_STATE"],
            {
                "UPDATE_STATE": "A token that has the action write, as a proposal.",
                "KILL": "A token that has the action toggle.",
                "PROPOSE": "A token that has the action propose.",
                "RESTORE": "A token that has the action toggle, as a proposal.",
                "PROMOTE": "A token that has the action promote, as a proposal.",
            },
        ),
    ):
        node = (await ask(caller.client, document, {"id": ids[ResourceType.STATE]}))["data"]["node"]
        assert node["viewerCan"] == can
        assert {one["action"]: one["who"] for one in node["viewerCannot"]} == cannot


async def _as_a_role(instance: Instance, asked: Any) -> Any:
    if asked == UNPROVEN:
        await instance.execute(update(User).values(email_verified_at=None))
        return Role.OWNER
    return asked


def _scope(asked: dict[str, Any], workspace: Workspace, dev: str) -> dict[str, Any]:
    scopes = {"single": {"envs": [workspace.environment_id, dev]}, "project": {"projects": [workspace.project_id]}}
    return {**asked, **({"environments": scopes[asked["environments"]]} if "environments" in asked else {})}
