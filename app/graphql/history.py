"""What a context received between two instants."""

import strawberry

from app.graphql.context import Info
from app.graphql.inputs import OfEnvironment, body_of, optional_field
from app.graphql.types.history import History
from app.graphql.types.scalars import JSON, Time
from app.services.history import history


@strawberry.input(description="For whom, from when to when, and of which keys.")
class HistoryInput(OfEnvironment):
    context: JSON = strawberry.field(description="The JSON object to evaluate for.")
    since: Time = strawberry.field(description="The instant that it begins with.")
    until: Time = strawberry.field(description="The instant before which it ends.")
    keys: list[str] | None = optional_field('Which flags and configs; all if absent or `["*"]`.')


@strawberry.type
class HistoryQueries:
    @strawberry.field(description="What a context received of an environment's flags and configs between two instants.")
    async def history(self, info: Info, input: HistoryInput) -> History | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            found = await history(uow, input.environment_id, body)
        return History(truncated=found.truncated, found=found)
