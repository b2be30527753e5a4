"""`viewerCan`: what the caller may do with a thing, from the policy that then answers."""

from typing import Any

import strawberry

from app.domain.policy import Operation, ResourceType
from app.graphql.context import Info
from app.graphql.enums import describe

describe(
    Operation,
    "Operation",
    "A row of the policy's table.",
    {
        Operation.EVALUATE: "Evaluate flags and configs.",
        Operation.LIST_PROJECTS: "List the projects of an organisation.",
        Operation.READ_PROJECT: "Read a project.",
        Operation.READ_PRIMITIVE: "Read the identity of a flag, config or segment.",
        Operation.READ_ENVIRONMENT: "Read an environment.",
        Operation.READ_STATE: "Read states, rulesets and streams.",
        Operation.READ_ORG: "Read an organisation, its members and its audit.",
        Operation.CREATE_ORG: "Create an organisation.",
        Operation.LEAVE_ORG: "Leave an organisation.",
        Operation.UPDATE_ORG: "Change an organisation.",
        Operation.MANAGE_TOKENS: "List, mint, renew and revoke tokens.",
        Operation.MANAGE_INVITATIONS: "List, make and revoke invitations.",
        Operation.ACCEPT_INVITATION: "Accept an invitation.",
        Operation.PROTECT_ENVIRONMENT: "Protect an environment, or say how many must approve.",
        Operation.SET_TARGET_ID_FIELD: "Say which field of a context ids are taken from.",
        Operation.CHANGE_ROLE: "Change a member's role.",
        Operation.REMOVE_MEMBER: "Remove a member.",
        Operation.DELETE_ORG: "Delete an organisation.",
        Operation.BREAK_GLASS: "Change what is protected, at once and with a reason.",
        Operation.CREATE_PROJECT: "Create a project.",
        Operation.UPDATE_PROJECT: "Change a project.",
        Operation.CREATE_ENVIRONMENT: "Create an environment.",
        Operation.UPDATE_ENVIRONMENT: "Change an environment.",
        Operation.DELETE_PROJECT: "Delete a project.",
        Operation.DELETE_ENVIRONMENT: "Delete an environment.",
        Operation.CREATE_PRIMITIVE: "Create a flag, config or segment.",
        Operation.UPDATE_PRIMITIVE: "Change the identity of a flag, config or segment.",
        Operation.DELETE_PRIMITIVE: "Delete a flag, config or segment.",
        Operation.UPDATE_STATE: "Change or replace a state.",
        Operation.SET_SPOT_CHECKS: "Set an environment's spot-checks.",
        Operation.KILL: "Turn a flag off.",
        Operation.RESTORE: "Turn a killed flag on again.",
        Operation.PROMOTE: "Take over states from another environment.",
        Operation.PROPOSE: "Propose a change.",
        Operation.REVIEW_PROPOSAL: "Approve a proposal, or ask for changes.",
        Operation.APPLY_PROPOSAL: "Apply a proposal.",
        Operation.CANCEL_PROPOSAL: "Cancel a proposal.",
    },
)

Abilities = list[Operation] | None


def viewer_can(thing: ResourceType) -> Any:
    """The field of a type that is the `thing`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Abilities:
        return await info.context.loaders.abilities.load((thing, root.id))

    return strawberry.field(
        resolver=resolve, description="What you may do with it, as far as it does not wait for anybody's approval."
    )
