"""Proposals: changes that wait for a person, and what reviewers say of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, text
from sqlmodel import Field

from app.domain.proposals import ProposalKind, ProposalStatus, Verdict
from app.engine.kinds import Kind
from app.models.base import Identified, Instant, Revised, Table, words

PENDING = text("status = 'pending'")


class Proposal(Revised, table=True):
    """A change of one primitive, or a promotion of many, as it was when it was proposed. `environment_id` None: it
    deletes the primitive. `primitive_id` and what it is called are None for a promotion, which alone has a `source_id`,
    that of the environment that it takes over from.

    `proposed_versions` are those of the environments that it rests on, by id. `actor` proposed it, `proposer_id` is
    theirs, and `person_id` that of the user behind: the same, or who minted the token. The same change of one thing
    has the same `fingerprint`. `status` says pending until something else is written, even if it has expired.
    `approvers` are those that it was applied with.
    """

    __table_args__ = (
        Index("ix_proposal_org_id_id", "org_id", "id"),
        Index("ix_proposal_org_id_status", "org_id", "status", "id"),
        Index("ix_proposal_project_id_id", "project_id", "id"),
        Index("ix_proposal_project_id_status", "project_id", "status", "id"),
        Index("ix_proposal_environment_id_id", "environment_id", "id"),
        # Of these alone: SQLite, which counts no rows, would take one of all statuses for an organisation's lists.
        Index("ix_proposal_expires_at", "expires_at", sqlite_where=PENDING, postgresql_where=PENDING),
    )

    org_id: str = Field(foreign_key="org.id", ondelete="CASCADE")
    project_id: str = Field(foreign_key="project.id", ondelete="CASCADE")
    environment_id: str | None = Field(default=None, foreign_key="environment.id", ondelete="CASCADE")
    primitive_id: str | None = Field(default=None, foreign_key="primitive.id", index=True, ondelete="CASCADE")
    kind: ProposalKind = Field(sa_type=words(ProposalKind))
    resource_kind: Kind | None = Field(default=None, sa_type=words(Kind))
    resource_key: str | None = None
    source_id: str | None = None
    fingerprint: str
    proposed_versions: dict[str, int] = Field(sa_type=JSON)
    actor: dict[str, Any] = Field(sa_type=JSON)
    proposer_id: str
    person_id: str
    reason: str | None = Field(default=None, sa_type=Text)
    status: ProposalStatus = Field(default=ProposalStatus.PENDING, sa_type=words(ProposalStatus))
    expires_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    applied_version: int | None = None
    approvers: list[dict[str, Any]] = Field(default=[], sa_type=JSON)


class ProposalTarget(Table, table=True):
    """A primitive that a proposal changes; `pending` until the proposal is stored as ended."""

    __tablename__ = "proposal_target"
    __table_args__ = (
        Index("ix_proposal_target_primitive_id", "primitive_id", "proposal_id"),
        Index(
            "ix_proposal_target_pending",
            "primitive_id",
            "proposal_id",
            sqlite_where=text("pending"),
            postgresql_where=text("pending"),
        ),
    )

    proposal_id: str = Field(foreign_key="proposal.id", primary_key=True, ondelete="CASCADE")
    primitive_id: str = Field(foreign_key="primitive.id", primary_key=True, ondelete="CASCADE")
    kind: Kind = Field(sa_type=words(Kind))
    key: str
    pending: bool = True


class ProposalContent(Table, table=True):
    """What may be long of a proposal, as JSON text: the dimension's value before and after, None for a delete, and what
    it would do to the contexts that it was tried on. `size` is that of all, in bytes.

    Of a promotion these are values of dimensions by kind in the plural and key; of lists there is only what they get
    and lose, in what is after.
    """

    __tablename__ = "proposal_content"

    proposal_id: str = Field(foreign_key="proposal.id", primary_key=True, ondelete="CASCADE")
    before: str | None = Field(default=None, sa_type=Text)
    after: str | None = Field(default=None, sa_type=Text)
    blast_radius: str = Field(sa_type=Text)
    size: int


class ProposalReview(Identified, table=True):
    """A review of a proposal by a person; the last one of each counts. `reviewer` is the actor."""

    __tablename__ = "proposal_review"
    __table_args__ = (Index("ix_proposal_review_proposal_id_id", "proposal_id", "id"),)

    proposal_id: str = Field(foreign_key="proposal.id", ondelete="CASCADE")
    reviewer_id: str
    reviewer: dict[str, Any] = Field(sa_type=JSON)
    verdict: Verdict = Field(sa_type=words(Verdict))
    comment: str = Field(default="", sa_type=Text)
