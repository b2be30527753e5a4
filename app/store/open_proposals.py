"""Queries for how many proposals wait for a primitive."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.proposals import ProposalStatus
from app.models import Environment, Primitive, Proposal, ProposalTarget
from app.store.engines.prepared import Prepared
from app.store.proposals import OF_PRIMITIVE, Visible, has_status


class OpenOn(NamedTuple):
    """How many proposals wait for a primitive: by environment, and its delete."""

    by_environment: Mapping[str, int]
    deletes: int = 0

    def within(self, environment_id: str) -> int:
        return self.by_environment.get(environment_id, 0) + self.deletes


_AT: BindParameter[Any] = bindparam("at")
_OPEN_ON = (
    select(OF_PRIMITIVE, col(Proposal.environment_id), func.count())
    .join(Proposal, col(Proposal.id) == col(ProposalTarget.proposal_id))
    .where(col(ProposalTarget.pending))
    .group_by(OF_PRIMITIVE, col(Proposal.environment_id))
)
_ALL_OPEN_ON_ONE = Prepared(
    _OPEN_ON.where(bindparam("primitive_id") == OF_PRIMITIVE, has_status(ProposalStatus.PENDING, _AT))
)


def waiting_here() -> ColumnElement[int]:
    """How many proposals wait at the instant `at` for the primitive in the environment that a query has."""
    return (
        select(func.count())
        .select_from(ProposalTarget)
        .join(Proposal, col(Proposal.id) == col(ProposalTarget.proposal_id))
        .where(
            col(Primitive.id) == OF_PRIMITIVE,
            col(ProposalTarget.pending),
            has_status(ProposalStatus.PENDING, _AT),
            or_(col(Proposal.environment_id).is_(None), col(Proposal.environment_id) == col(Environment.id)),
        )
        .correlate(Primitive, Environment)
        .scalar_subquery()
    )


async def open_on(session: AsyncSession, primitive_ids: Collection[str], visible: Visible) -> dict[str, OpenOn]:
    """How many proposals wait for each primitive, by its id."""
    rows: Sequence[Any] | None = None
    if len(primitive_ids) == 1:
        rows = await _ALL_OPEN_ON_ONE.rows(session, primitive_id=next(iter(primitive_ids)), at=visible.at)
    if rows is None or (rows and visible.limited):
        query = _OPEN_ON.where(OF_PRIMITIVE.in_(primitive_ids), visible.condition)
        rows = (await session.execute(query)).all()
    found = defaultdict[str, dict[str | None, int]](dict)
    for primitive_id, environment_id, number in rows:
        found[primitive_id][environment_id] = number
    return {
        one: OpenOn({env: number for env, number in found[one].items() if env is not None}, found[one].get(None, 0))
        for one in primitive_ids
    }
