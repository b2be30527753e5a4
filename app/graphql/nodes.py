"""`node`: whatever has the id, for those who may see it."""

from typing import Annotated, Any

import strawberry

from app.access import batches
from app.domain.ids import is_id, lowered
from app.graphql.context import Info
from app.graphql.types.api_keys import ApiKey
from app.graphql.types.audit import AuditEvent
from app.graphql.types.invitations import Invitation
from app.graphql.types.members import Member
from app.graphql.types.proposals import Proposal, Review
from app.graphql.types.relay import Node
from app.graphql.types.resources import Environment, Org, Project, identity_of, state_of
from app.graphql.types.sessions import Session
from app.models import ApiKey as ApiKeyRow
from app.models import AuditEvent as AuditEventRow
from app.models import Environment as EnvironmentRow
from app.models import Invitation as InvitationRow
from app.models import Membership, Primitive, ProposalReview, State, Table
from app.models import Org as OrgRow
from app.models import Project as ProjectRow
from app.models import Proposal as ProposalRow
from app.models import Session as SessionRow
from app.services.sessions import sessions_by_id

Id = Annotated[strawberry.ID, strawberry.argument(description="Any id.")]

_TYPES: dict[type[Table], tuple[Any, Any]] = {
    OrgRow: (batches.orgs, Org.of),
    ProjectRow: (batches.projects, Project.of),
    EnvironmentRow: (batches.environments, Environment.of),
    Primitive: (batches.primitives, identity_of),
    State: (batches.states, state_of),
    Membership: (batches.members, Member.of),
    InvitationRow: (batches.invitations, Invitation.of),
    SessionRow: (sessions_by_id, Session.of),
    ApiKeyRow: (batches.api_keys, ApiKey.of),
    AuditEventRow: (batches.audit_events, AuditEvent.of),
    ProposalRow: (batches.proposals, Proposal.of),
    ProposalReview: (batches.reviews, Review.of),
}


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Whatever has the id; null if there is nothing that you may see.")
    async def node(self, info: Info, id: Id) -> Node | None:
        sought = lowered(id)
        if not is_id(sought):
            return None
        async with info.context.unit() as uow:
            table = await batches.table_of(uow, sought)
            if table is None:
                return None
            look_up, make = _TYPES[table]
            found = await look_up(uow, [sought])
        return make(found[0]) if found else None
