"""What can be asked for, and what it is done to."""

from enum import Enum, StrEnum, auto


class Operation(StrEnum):
    """Everything that can be asked for. The value is also the `action` of the audit row."""

    EVALUATE = "evaluate"
    LIST_PROJECTS = "list_projects"
    READ_PROJECT = "read_project"
    READ_PRIMITIVE = "read_primitive"
    READ_ENVIRONMENT = "read_environment"
    READ_STATE = "read_state"
    READ_ORG = "read_org"
    CREATE_ORG = "create_org"
    LEAVE_ORG = "leave_org"
    UPDATE_ORG = "update_org"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_INVITATIONS = "manage_invitations"
    ACCEPT_INVITATION = "accept_invitation"
    PROTECT_ENVIRONMENT = "protect_environment"
    SET_TARGET_ID_FIELD = "set_target_id_field"
    CHANGE_ROLE = "change_role"
    REMOVE_MEMBER = "remove_member"
    DELETE_ORG = "delete_org"
    BREAK_GLASS = "break_glass"
    CREATE_PROJECT = "create_project"
    UPDATE_PROJECT = "update_project"
    CREATE_ENVIRONMENT = "create_environment"
    UPDATE_ENVIRONMENT = "update_environment"
    SET_SPOT_CHECKS = "set_spot_checks"
    SET_TRAFFIC_SAMPLE = "set_traffic_sample"
    DELETE_PROJECT = "delete_project"
    DELETE_ENVIRONMENT = "delete_environment"
    CREATE_PRIMITIVE = "create_primitive"
    UPDATE_PRIMITIVE = "update_primitive"
    DELETE_PRIMITIVE = "delete_primitive"
    UPDATE_STATE = "update_state"
    KILL = "kill"
    RESTORE = "restore"
    PROMOTE = "promote"
    PROPOSE = "propose"
    LIST_PROPOSALS = "list_proposals"
    REVIEW_PROPOSAL = "review_proposal"
    APPLY_PROPOSAL = "apply_proposal"
    CANCEL_PROPOSAL = "cancel_proposal"


class ResourceType(Enum):
    """What an operation is done to."""

    INSTANCE = auto()
    ORG = auto()
    PROJECT = auto()
    ENVIRONMENT = auto()
    PRIMITIVE = auto()
    STATE = auto()
    PROPOSAL = auto()
    MEMBER = auto()
    INVITATION = auto()
    API_KEY = auto()
