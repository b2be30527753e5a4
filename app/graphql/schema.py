"""The schema, put together from the features."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from app.graphql.auth import AuthMutations, AuthQueries
from app.graphql.environments import Environment, EnvironmentMutations, EnvironmentQueries
from app.graphql.errors import ErrorQueries
from app.graphql.evaluation import EvaluationQueries
from app.graphql.flags import Flag, FlagMutations, FlagQueries, FlagState
from app.graphql.nodes import NodeQueries
from app.graphql.orgs import Org, OrgMutations, OrgQueries
from app.graphql.projects import Project, ProjectMutations, ProjectQueries
from app.graphql.scalars import SCALARS

MAX_DEPTH = 15
MAX_ALIASES = 30
MAX_TOKENS = 4000
CACHED_DOCUMENTS = 512


@strawberry.type(description="What can be read.")
class Query(
    AuthQueries,
    OrgQueries,
    ProjectQueries,
    EnvironmentQueries,
    FlagQueries,
    EvaluationQueries,
    ErrorQueries,
    NodeQueries,
):
    """All queries."""


@strawberry.type(description="What can be changed. Several fields run in order, each in its own transaction.")
class Mutation(AuthMutations, OrgMutations, ProjectMutations, EnvironmentMutations, FlagMutations):
    """All mutations."""


class Schema(strawberry.Schema):
    """Strawberry's, but for its log: expected refusals are no news, and the unexpected are logged by the view."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    types=[Org, Project, Environment, Flag, FlagState],
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        lambda: QueryDepthLimiter(max_depth=MAX_DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=MAX_ALIASES),
        lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
)
