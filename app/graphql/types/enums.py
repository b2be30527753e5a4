"""The enums of the schema, each value with what it means."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, cast

import strawberry

from app.domain.actors import Role, Verb
from app.domain.lists import Sorting, Standing
from app.domain.operations import Operation
from app.domain.proposals import ProposalKind, ProposalStatus, Verdict
from app.domain.usage import StaleReason
from app.engine.kinds import ConfigType, FlagType, Kind
from app.engine.summaries import SummaryKind
from app.models import Color, Period
from app.services.api_keys import Level
from app.services.invitations import Status


class ActorKind(StrEnum):
    MEMBER = "member"
    TOKEN = "token"  # noqa: S105
    SYSTEM = "system"


class ReasonKind(StrEnum):
    DEFAULT = "default"
    KILLED = "killed"
    RULE_MATCH = "rule_match"


_ENUMS: list[tuple[type[Enum], str, str, Mapping[Any, str]]] = [
    (
        Role,
        "Role",
        "A person's role in an organisation, lowest first.",
        {
            Role.VIEWER: "Reads everything and changes nothing.",
            Role.EDITOR: "Changes flags, configs and segments, and creates projects and environments.",
            Role.ADMIN: "Also manages tokens, invitations, settings and protection, and deletes.",
            Role.OWNER: "Also changes roles, removes members, overrides protection and deletes the organisation.",
        },
    ),
    (
        ActorKind,
        "ActorKind",
        "The kind of an actor.",
        {
            ActorKind.MEMBER: "A person.",
            ActorKind.TOKEN: "A machine with a token.",
            ActorKind.SYSTEM: "The service itself, or its operator on the command line.",
        },
    ),
    (
        Operation,
        "Operation",
        "Something that a role or a token allows.",
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
            Operation.MANAGE_INVITATIONS: "List, create and revoke invitations.",
            Operation.ACCEPT_INVITATION: "Accept an invitation.",
            Operation.PROTECT_ENVIRONMENT: "Protect an environment, or set how many people must approve.",
            Operation.SET_TARGET_ID_FIELD: "Set the context field that ids are taken from.",
            Operation.CHANGE_ROLE: "Change a member's role.",
            Operation.REMOVE_MEMBER: "Remove a member.",
            Operation.DELETE_ORG: "Delete an organisation.",
            Operation.BREAK_GLASS: "Override protection, with a reason.",
            Operation.CREATE_PROJECT: "Create a project.",
            Operation.UPDATE_PROJECT: "Change a project.",
            Operation.CREATE_ENVIRONMENT: "Create an environment.",
            Operation.UPDATE_ENVIRONMENT: "Change an environment.",
            Operation.SET_SPOT_CHECKS: "Set an environment's spot-checks.",
            Operation.SET_TRAFFIC_SAMPLE: "Set what an environment samples of its traffic.",
            Operation.DELETE_PROJECT: "Delete a project.",
            Operation.DELETE_ENVIRONMENT: "Delete an environment.",
            Operation.CREATE_PRIMITIVE: "Create a flag, config or segment.",
            Operation.UPDATE_PRIMITIVE: "Change the identity of a flag, config or segment.",
            Operation.DELETE_PRIMITIVE: "Delete a flag, config or segment.",
            Operation.UPDATE_STATE: "Change or replace a state.",
            Operation.KILL: "Turn a flag off.",
            Operation.RESTORE: "Turn a killed flag on again.",
            Operation.PROMOTE: "Take over a state from another environment.",
            Operation.PROPOSE: "Propose a change of a state, or a delete.",
            Operation.LIST_PROPOSALS: "List the proposals that one sees.",
            Operation.REVIEW_PROPOSAL: "Approve a proposal, or ask for changes.",
            Operation.APPLY_PROPOSAL: "Apply a proposal.",
            Operation.CANCEL_PROPOSAL: "Cancel a proposal.",
        },
    ),
    (
        Level,
        "TokenLevel",
        "A template of actions.",
        {
            Level("client"): "EVALUATE: what a public browser may hold.",
            Level("observer"): "READ.",
            Level("proposer"): "READ and PROPOSE.",
            Level("operator"): "What a proposer may, and TOGGLE.",
            Level("maintainer"): "What an operator may, and WRITE and PROMOTE.",
            Level("admin"): "What a maintainer may, and DELETE.",
        },
    ),
    (
        Verb,
        "TokenAction",
        "What a token may do. READ includes EVALUATE.",
        {
            Verb.EVALUATE: "Evaluate flags and configs.",
            Verb.READ: "Read projects, environments, primitives and their states, and evaluate.",
            Verb.PROPOSE: "Propose changes for a person to apply.",
            Verb.WRITE: "Create primitives, projects and environments, and change them and states.",
            Verb.TOGGLE: "Kill and restore flags.",
            Verb.PROMOTE: "Take over states from another environment.",
            Verb.DELETE: "Delete primitives, projects and environments.",
        },
    ),
    (
        ProposalKind,
        "ProposalKind",
        "What a proposal changes.",
        {
            ProposalKind.SET_DEFAULT_VALUE_FLAG: "The default value of a flag.",
            ProposalKind.SET_RULES_FLAG: "The rules of a flag.",
            ProposalKind.KILL_FLAG: "Turns a flag off.",
            ProposalKind.RESTORE_FLAG: "Turns a killed flag on again.",
            ProposalKind.DELETE_FLAG: "Deletes a flag from every environment.",
            ProposalKind.SET_DEFAULT_VALUE_CONFIG: "The default value of a config.",
            ProposalKind.SET_RULES_CONFIG: "The rules of a config.",
            ProposalKind.DELETE_CONFIG: "Deletes a config from every environment.",
            ProposalKind.SET_RULES_SEGMENT: "The rules of a segment.",
            ProposalKind.SET_ALLOW_LIST_SEGMENT: "The allow list of a segment.",
            ProposalKind.SET_DENY_LIST_SEGMENT: "The deny list of a segment.",
            ProposalKind.DELETE_SEGMENT: "Deletes a segment from every environment.",
            ProposalKind.PROMOTE: "Takes over states from another environment.",
        },
    ),
    (
        ProposalStatus,
        "ProposalStatus",
        "What has become of a proposal.",
        {
            ProposalStatus.PENDING: "It waits for somebody to apply it.",
            ProposalStatus.APPLIED: "The change was made.",
            ProposalStatus.CANCELLED: "Nobody is to apply it.",
            ProposalStatus.EXPIRED: "Nobody applied it in time.",
        },
    ),
    (
        Verdict,
        "Verdict",
        "What a reviewer says of a proposal.",
        {
            Verdict.APPROVE: "It can be applied.",
            Verdict.REQUEST_CHANGES: "It is to be changed: cancel it, and propose another.",
        },
    ),
    (
        ReasonKind,
        "ReasonKind",
        "What decided a value.",
        {
            ReasonKind.DEFAULT: "No rule applied.",
            ReasonKind.KILLED: "The flag is killed, whatever its rules say.",
            ReasonKind.RULE_MATCH: "The first rule that applied.",
        },
    ),
    (
        FlagType,
        "FlagType",
        "What a flag's values are.",
        {
            FlagType.BOOLEAN: "True or false; while killed, false.",
            FlagType.STRING: "Text; while killed, the default value.",
        },
    ),
    (
        Color,
        "EnvironmentColor",
        "What an environment is marked with for people.",
        {
            Color.GRAY: "Gray, unless another is chosen.",
            Color.RED: "Red.",
            Color.ORANGE: "Orange.",
            Color.YELLOW: "Yellow.",
            Color.GREEN: "Green.",
            Color.TEAL: "Teal.",
            Color.BLUE: "Blue.",
            Color.PURPLE: "Purple.",
        },
    ),
    (
        Kind,
        "PrimitiveKind",
        "What a primitive is.",
        {
            Kind.FLAG: "A flag.",
            Kind.CONFIG: "A config.",
            Kind.SEGMENT: "A segment.",
        },
    ),
    (
        ConfigType,
        "ConfigType",
        "What a config's values are.",
        {
            ConfigType.STRING: "Text.",
            ConfigType.NUMBER: "A number.",
            ConfigType.BOOLEAN: "True or false.",
            ConfigType.JSON: "Any JSON value, null included.",
        },
    ),
    (
        SummaryKind,
        "SummaryKind",
        "What a state comes to.",
        {
            SummaryKind.ON: "Everyone gets true, or belongs to the segment.",
            SummaryKind.OFF: "Everyone gets false, or nobody belongs to the segment.",
            SummaryKind.VALUE: "Everyone gets the same value.",
            SummaryKind.RULES: "Who gets what depends on rules, or on the lists of a segment.",
            SummaryKind.PERCENT: "One rule gives a percentage of everyone a value; all others get another one.",
            SummaryKind.KILLED: "The flag is killed, whatever its rules say.",
        },
    ),
    (
        Sorting,
        "Sorting",
        "What a list is in the order of.",
        {
            Sorting.CREATED: "Oldest first.",
            Sorting.CREATED_DESC: "Newest first.",
            Sorting.KEY: "By the key.",
            Sorting.KEY_DESC: "By the key, from the end.",
            Sorting.UPDATED: "By the last change of what is listed, newest last.",
            Sorting.UPDATED_DESC: "By the last change of what is listed, newest first.",
        },
    ),
    (
        Standing,
        "Standing",
        "What a state comes to.",
        {
            Standing.ON: "A boolean without rules whose default value is true.",
            Standing.OFF: "A boolean without rules whose default value is false.",
            Standing.KILLED: "Killed, whatever its rules say.",
            Standing.RULES: "At least one rule that is not disabled.",
        },
    ),
    (
        StaleReason,
        "StaleReason",
        "Why something is stale.",
        {
            StaleReason.NOT_EVALUATED: "Nothing has evaluated it for as long.",
            StaleReason.ONE_VALUE: "Everyone has got the same value for as long.",
        },
    ),
    (
        Period,
        "Period",
        "What evaluations are counted by.",
        {Period.HOUR: "By the hour.", Period.DAY: "By the day, in UTC."},
    ),
    (
        Status,
        "InvitationStatus",
        "Whether an invitation can still be accepted.",
        {Status.PENDING: "It can be accepted.", Status.EXPIRED: "It is older than 7 days."},
    ),
]


def describe_enums() -> None:
    """Makes them enums of the schema. Strawberry takes descriptions of values only from enums that are its own."""
    for words, name, description, meanings in _ENUMS:
        strawberry.enum(words, name=name, description=description)
        for value in cast(Any, words).__strawberry_definition__.values:
            value.description = meanings[words[value.name]]
