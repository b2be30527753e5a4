"""Rows by id, many at once and within a caller's tenancy: what GraphQL's loaders and `node` are made of."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

from sqlalchemy import BindParameter, bindparam, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.domain.actors import Role
from app.domain.policy import NO_PROPOSAL, Proposed
from app.engine.kinds import KeyRef
from app.models import (
    ApiKey,
    AuditEvent,
    Environment,
    Invitation,
    Membership,
    Org,
    Primitive,
    Project,
    Proposal,
    ProposalReview,
    Session,
    State,
    Table,
    User,
)
from app.store.members import Member
from app.store.paging import AnySelect
from app.store.proposals import keys_of, proposed_by
from app.store.states import Current
from app.store.tenancy import Tenant, Tenanted

T = TypeVar("T")


class Seen(NamedTuple, Generic[T]):
    """An entity that is the tenant's, with what the policy asks about it: `role` is the caller's, None for tokens."""

    id: str
    entity: T
    role: Role | None
    project_id: str | None = None
    environment: Environment | None = None
    keys: Sequence[KeyRef] = ()
    proposed: Proposed = NO_PROPOSAL
    proposal_id: str | None = None


class ByIds(Generic[T]):
    """A query for those of `ids` that are the tenant's; `make` is given its rows, which end with the caller's role."""

    def __init__(self, query: AnySelect, make: Callable[[Any], Seen[T]]) -> None:
        self._query = Tenanted(query)
        self._make = make

    async def __call__(self, session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen[T]]:
        return [self._make(row) for row in await self._query.rows(session, tenant, ids=list(ids))]


class OfProposals(ByIds[T]):
    """One for proposals, or for what belongs to them: a token may see those of whose keys it sees all."""

    async def __call__(self, session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen[T]]:
        found = await super().__call__(session, ids, tenant)
        if tenant.org_id is None:
            return found
        keys = await keys_of(session, {one.proposal_id for one in found if one.proposal_id is not None})
        return [one._replace(keys=keys[one.proposal_id or ""]) for one in found]


def _primitive(row: Any) -> Seen[Primitive]:
    primitive = row[0]
    return Seen(primitive.id, primitive, row[1], primitive.project_id, keys=[KeyRef(primitive.kind, primitive.key)])


def _state(row: Any) -> Seen[Current]:
    primitive, state, environment, role = row
    keys = [KeyRef(primitive.kind, primitive.key)]
    return Seen(state.id, Current(primitive, state), role, primitive.project_id, environment, keys)


def _proposal(row: Any) -> Seen[Proposal]:
    proposal, environment, role = row
    return Seen(proposal.id, proposal, role, proposal.project_id, environment, (), proposed_by(proposal), proposal.id)


def _review(row: Any) -> Seen[ProposalReview]:
    review, *of_proposal = row
    _, _, role, project_id, environment, _, proposed, proposal_id = _proposal(of_proposal)
    return Seen(review.id, review, role, project_id, environment, (), proposed, proposal_id)


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_MEMBERSHIP = aliased(Membership)  # the member's, as opposed to the caller's own
_STATES = (
    select(Primitive, State, Environment)
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .join(Environment, col(Environment.id) == col(State.environment_id))
    .join(Project, col(Project.id) == col(Primitive.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(State.to_version).is_(None))
    .order_by(col(Environment.position), col(Environment.id))
)

orgs: ByIds[Org] = ByIds(select(Org).where(col(Org.id).in_(_IDS)), lambda row: Seen(row[0].id, row[0], row[1]))
projects: ByIds[Project] = ByIds(
    select(Project).join(Org, col(Org.id) == col(Project.org_id)).where(col(Project.id).in_(_IDS)),
    lambda row: Seen(row[0].id, row[0], row[1], row[0].id),
)
environments: ByIds[Environment] = ByIds(
    select(Environment)
    .join(Project, col(Project.id) == col(Environment.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(Environment.id).in_(_IDS)),
    lambda row: Seen(row[0].id, row[0], row[1], row[0].project_id, row[0]),
)
primitives: ByIds[Primitive] = ByIds(
    select(Primitive)
    .join(Project, col(Project.id) == col(Primitive.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(Primitive.id).in_(_IDS), col(Primitive.deleted_at).is_(None)),
    _primitive,
)
# Present states, by their own ids; and those of primitives, in the order of the environments.
states: ByIds[Current] = ByIds(_STATES.where(col(State.id).in_(_IDS)), _state)
states_of: ByIds[Current] = ByIds(_STATES.where(col(Primitive.id).in_(_IDS)), _state)
members: ByIds[Member] = ByIds(
    select(_MEMBERSHIP, User)
    .join(User, col(User.id) == col(_MEMBERSHIP.user_id))
    .join(Org, col(Org.id) == col(_MEMBERSHIP.org_id))
    .where(col(_MEMBERSHIP.id).in_(_IDS), col(User.deleted_at).is_(None)),
    lambda row: Seen(row[0].id, Member(row[0], row[1]), row[2]),
)
invitations: ByIds[Invitation] = ByIds(
    select(Invitation)
    .join(Org, col(Org.id) == col(Invitation.org_id))
    .where(col(Invitation.id).in_(_IDS), col(Invitation.accepted_at).is_(None)),
    lambda row: Seen(row[0].id, row[0], row[1]),
)
api_keys: ByIds[ApiKey] = ByIds(
    select(ApiKey).join(Org, col(Org.id) == col(ApiKey.org_id)).where(col(ApiKey.id).in_(_IDS)),
    lambda row: Seen(row[0].id, row[0], row[1]),
)

proposals: ByIds[Proposal] = OfProposals(
    select(Proposal, Environment)
    .outerjoin(Environment, col(Environment.id) == col(Proposal.environment_id))
    .join(Org, col(Org.id) == col(Proposal.org_id))
    .where(col(Proposal.id).in_(_IDS)),
    _proposal,
)
reviews: ByIds[ProposalReview] = OfProposals(
    select(ProposalReview, Proposal, Environment)
    .join(Proposal, col(Proposal.id) == col(ProposalReview.proposal_id))
    .outerjoin(Environment, col(Environment.id) == col(Proposal.environment_id))
    .join(Org, col(Org.id) == col(Proposal.org_id))
    .where(col(ProposalReview.id).in_(_IDS)),
    _review,
)


class EnvironmentRef(NamedTuple):
    id: str
    project_id: str
    org_id: str
    protected: bool


async def environments_below(
    session: AsyncSession, *, org_ids: Collection[str], project_ids: Collection[str]
) -> list[EnvironmentRef]:
    """The environments of organisations and of projects."""
    query = (
        select(col(Environment.id), col(Environment.project_id), col(Project.org_id), col(Environment.protected))
        .join(Project, col(Project.id) == col(Environment.project_id))
        .where(col(Project.org_id).in_(org_ids) | col(Project.id).in_(project_ids))
    )
    return [EnvironmentRef(*row) for row in (await session.execute(query)).all()]


_WITH_IDS: dict[str, type[Table]] = {
    table.__name__: table
    for table in (
        Org,
        Project,
        Environment,
        Primitive,
        State,
        Membership,
        Invitation,
        Session,
        ApiKey,
        Proposal,
        ProposalReview,
        AuditEvent,
    )
}
_TABLE_OF = union_all(
    *(select(literal(name)).where(cast(Any, table).id == bindparam("id")) for name, table in _WITH_IDS.items())
).limit(1)


async def table_of(session: AsyncSession, id: str) -> type[Table] | None:
    """What the id names, whoever may see it."""
    name = (await session.execute(_TABLE_OF, {"id": id})).scalar_one_or_none()
    return None if name is None else _WITH_IDS[name]
