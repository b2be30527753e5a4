"""The schema, put together from the features."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, get_object_definition

from app.graphql.api_keys import ApiKeyMutations, ApiKeyQueries
from app.graphql.attributes import AttributeQueries
from app.graphql.audit import AuditQueries
from app.graphql.auth import AuthMutations, AuthQueries
from app.graphql.configs import ConfigMutations, ConfigQueries
from app.graphql.documents import Documents, Prepared
from app.graphql.environment_diff import EnvironmentDiffQueries
from app.graphql.environments import EnvironmentMutations, EnvironmentQueries
from app.graphql.errors import ErrorQueries
from app.graphql.evaluation import EvaluationQueries
from app.graphql.flags import FlagMutations, FlagQueries
from app.graphql.history import HistoryQueries
from app.graphql.invitations import InvitationMutations, InvitationQueries
from app.graphql.members import MemberMutations, MemberQueries
from app.graphql.nodes import NodeQueries
from app.graphql.orgs import OrgMutations, OrgQueries
from app.graphql.pace import PacedExecutor
from app.graphql.preview import PreviewQueries
from app.graphql.primitives import PrimitiveQueries
from app.graphql.projects import ProjectMutations, ProjectQueries
from app.graphql.promotion import PromotionMutations
from app.graphql.proposals import ProposalMutations, ProposalQueries
from app.graphql.segments import SegmentMutations, SegmentQueries
from app.graphql.sessions import SessionMutations, SessionQueries
from app.graphql.spot_checks import SpotCheckMutations, SpotCheckQueries
from app.graphql.streams import StreamMutations
from app.graphql.subscriptions import Subscription
from app.graphql.traffic_sample import TrafficSampleMutations, TrafficSampleQueries
from app.graphql.types.api_keys import ApiKey
from app.graphql.types.audit import AuditEvent
from app.graphql.types.invitations import Invitation
from app.graphql.types.members import Member
from app.graphql.types.proposals import Proposal, Review
from app.graphql.types.resources import (
    Config,
    ConfigState,
    Environment,
    Flag,
    FlagState,
    Org,
    Project,
    Segment,
    SegmentState,
)
from app.graphql.types.scalars import SCALARS
from app.graphql.types.sessions import Session

documents = Documents()


@strawberry.type(description="All queries.")
class Query(
    AuthQueries,
    SessionQueries,
    OrgQueries,
    MemberQueries,
    InvitationQueries,
    ProjectQueries,
    EnvironmentQueries,
    SpotCheckQueries,
    TrafficSampleQueries,
    AttributeQueries,
    EnvironmentDiffQueries,
    PrimitiveQueries,
    FlagQueries,
    ConfigQueries,
    SegmentQueries,
    ProposalQueries,
    AuditQueries,
    ApiKeyQueries,
    EvaluationQueries,
    PreviewQueries,
    HistoryQueries,
    ErrorQueries,
    NodeQueries,
):
    pass


@strawberry.type(description="All mutations. Several fields run in order, each in its own transaction.")
class Mutation(
    AuthMutations,
    SessionMutations,
    OrgMutations,
    MemberMutations,
    InvitationMutations,
    ProjectMutations,
    EnvironmentMutations,
    SpotCheckMutations,
    TrafficSampleMutations,
    FlagMutations,
    ConfigMutations,
    SegmentMutations,
    PromotionMutations,
    StreamMutations,
    ProposalMutations,
    ApiKeyMutations,
):
    pass


def _describe_inputs(root: type) -> None:
    """Describes each `input` argument as its type is; Strawberry would leave it without a description."""
    for field in get_object_definition(root, strict=True).fields:
        for argument in field.arguments:
            if argument.python_name == "input":
                argument.description = get_object_definition(argument.type, strict=True).description


class Schema(strawberry.Schema):
    """Strawberry's schema without its log: expected errors are not logged, and the view logs the unexpected ones."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        pass


_describe_inputs(Query)
_describe_inputs(Mutation)
schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Session,
        Org,
        Member,
        Invitation,
        Project,
        Environment,
        Flag,
        FlagState,
        Config,
        ConfigState,
        Segment,
        SegmentState,
        ApiKey,
        Proposal,
        Review,
        AuditEvent,
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[lambda: Prepared(documents)],
    execution_context_class=PacedExecutor,
)
