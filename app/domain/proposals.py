"""Proposals: what each kind changes, and how one ends.

A proposal is pending until it is applied or cancelled, or its time is over; after that nothing changes it any more.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.domain.operations import Operation
from app.engine.kinds import SPECS, Dimension, Kind


class ProposalKind(StrEnum):
    """What a proposal changes."""

    SET_DEFAULT_VALUE_FLAG = "set_default_value_flag"
    SET_RULES_FLAG = "set_rules_flag"
    KILL_FLAG = "kill_flag"
    RESTORE_FLAG = "restore_flag"
    DELETE_FLAG = "delete_flag"
    SET_DEFAULT_VALUE_CONFIG = "set_default_value_config"
    SET_RULES_CONFIG = "set_rules_config"
    DELETE_CONFIG = "delete_config"
    SET_RULES_SEGMENT = "set_rules_segment"
    SET_ALLOW_LIST_SEGMENT = "set_allow_list_segment"
    SET_DENY_LIST_SEGMENT = "set_deny_list_segment"
    DELETE_SEGMENT = "delete_segment"
    PROMOTE = "promote"


class ProposalStatus(StrEnum):
    """What has become of a proposal."""

    PENDING = "pending"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ProposalEvent(StrEnum):
    """What happens to a proposal without anybody's doing. The value is the `action` of the audit row."""

    EXPIRE = "expire_proposal"


class Verdict(StrEnum):
    """What a reviewer says of a proposal."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"


class Proposable(NamedTuple):
    """What proposals of one kind do to a primitive of `kind`; None for a promotion, which may change many of any kind.

    `operation` does it at once, `dimension` is set, or `killed` becomes that. A delete and a promotion have neither.
    """

    kind: Kind | None
    operation: Operation
    dimension: Dimension | None = None
    killed: bool | None = None


DIFF = "diff"
"""The member of a proposal that has the change, at which its faults are named."""
PROMOTION = Proposable(None, Operation.PROMOTE)


def _proposables() -> Iterator[tuple[str, Proposable]]:
    for kind, spec in SPECS.items():
        for one in spec.dimensions:
            yield f"set_{one.field}_{kind}", Proposable(kind, Operation.UPDATE_STATE, one)
        if spec.can_be_killed:
            yield f"kill_{kind}", Proposable(kind, Operation.KILL, killed=True)
            yield f"restore_{kind}", Proposable(kind, Operation.RESTORE, killed=False)
        yield f"delete_{kind}", Proposable(kind, Operation.DELETE_PRIMITIVE)
    yield "promote", PROMOTION


PROPOSABLE: Mapping[ProposalKind, Proposable] = {ProposalKind(name): one for name, one in _proposables()}
DELETES = {kind for kind, one in PROPOSABLE.items() if one.operation is Operation.DELETE_PRIMITIVE}


def kind_of(proposable: Proposable) -> ProposalKind:
    """The kind of the proposals that do this."""
    return next(kind for kind, one in PROPOSABLE.items() if one == proposable)


def status_at(status: ProposalStatus, expires_at: datetime, at: datetime) -> ProposalStatus:
    """What has become of a proposal by the instant. One whose time is over has expired, whatever is stored still."""
    over = status is ProposalStatus.PENDING and expires_at <= at
    return ProposalStatus.EXPIRED if over else status
