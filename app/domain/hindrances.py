"""What keeps somebody who may apply a proposal from it: apply refuses with it, and `viewerCannot` tells it before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from app.domain.actors import Actor, Member
from app.domain.errors import AppError, not_found
from app.domain.inabilities import Inability, listed, people
from app.domain.operations import Operation
from app.domain.policy import TABLE
from app.domain.proposals import ProposalStatus, Verdict
from app.engine.kinds import Kind

_GONE = {
    ProposalStatus.APPLIED: "has been applied already",
    ProposalStatus.CANCELLED: "has been cancelled",
    ProposalStatus.EXPIRED: "has expired",
}
_NAMED = 3  # people, at most


class Hindrance(NamedTuple):
    """What the call is refused with, and who could do what about it."""

    error: AppError
    who: str

    @property
    def inability(self) -> Inability:
        return Inability(self.error.code, self.error.message, self.who)


class Standing(NamedTuple):
    """Who approves, whoever applies included if they are a person; and what keeps them from it: that something it would
    change was deleted, or else what comes next."""

    approvers: list[dict[str, Any]]
    deleted: Hindrance | None
    hindrance: Hindrance | None


class Versioned(Protocol):
    """An environment."""

    id: str
    name: str
    version: int


class Reviewed(Protocol):
    """A review."""

    @property
    def reviewer_id(self) -> str: ...
    @property
    def reviewer(self) -> dict[str, Any]: ...
    @property
    def verdict(self) -> Verdict: ...


def ended(status: ProposalStatus) -> Hindrance | None:
    """Whether it is too late to do anything with the proposal."""
    if status is ProposalStatus.PENDING:
        return None
    gone = AppError("proposal_gone", f"The proposal {_GONE[status]}.")
    return Hindrance(gone, "Nobody. If the change is still wanted, propose it again.")


def targets_deleted(kind: Kind, fields: Mapping[str, str] | None = None) -> Hindrance:
    """Something that it would change is not there any more; of a promotion, the `fields` say what."""
    gone = not_found(kind.value, "It was deleted after the proposal was made, which can be cancelled.")
    error = gone if fields is None else AppError("not_found", gone.message, fields=fields)
    return Hindrance(error, "Nobody. The proposal can be cancelled.")


def drifted(proposed: Mapping[str, int], environments: Iterable[Versioned], *, delete: bool) -> Hindrance | None:
    """Whether one of the environments is past the version that it was proposed at; a delete rests on several."""
    for environment in environments:
        version = proposed.get(environment.id, 0)  # one made since rests on nothing
        if environment.version != version:
            extra = {"liveVersion": environment.version, "proposedVersion": version}
            changed = f"{environment.name} has changed since the proposal was made."
            drift = AppError(
                "version_drift",
                f"{changed} Look at it, and propose the change again.",
                extra={**extra, "environmentId": environment.id} if delete else extra,
            )
            return Hindrance(drift, "Nobody. If the change is still wanted, propose it again.")
    return None


def approvals(reviews: Sequence[Reviewed], required: int, applier: Actor) -> Standing:
    """What it comes to if the applier applies it now: `reviews` are the last ones of those who may review."""
    person = applier if isinstance(applier, Member) else None
    others = [review for review in reviews if person is None or review.reviewer_id != person.user_id]
    approvers = [review.reviewer for review in others if review.verdict is Verdict.APPROVE]
    if person is not None:
        approvers.append(person.as_json())
    if against := [review.reviewer["name"] for review in others if review.verdict is Verdict.REQUEST_CHANGES]:
        names = listed(against if len(against) <= _NAMED else [*against[:_NAMED], f"{len(against) - _NAMED} more"])
        asked = AppError("approval_missing", f"{names} asked for changes.")
        return Standing(approvers, None, Hindrance(asked, f"{names} must approve it first."))
    if (lacking := required - len(approvers)) > 0:
        few = AppError(
            "approval_missing", f"The proposal has {len(approvers)} of the {required} approvals that it needs."
        )
        more = f"{lacking} more {'person' if lacking == 1 else 'people'}"
        return Standing(
            approvers,
            None,
            Hindrance(few, f"{more} must approve: {people(TABLE[Operation.REVIEW_PROPOSAL].role).lower()}."),
        )
    return Standing(approvers, None, None)
