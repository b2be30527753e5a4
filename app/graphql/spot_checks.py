"""An environment's spot-checks."""

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.inputs import Audited, OfEnvironment, body_of, if_match
from app.graphql.types.scalars import JSON
from app.graphql.types.spot_checks import SpotChecks
from app.services import spot_checks


@strawberry.input(description="All contexts that an environment is to keep.")
class SetSpotChecksInput(OfEnvironment, Audited):
    contexts: list[JSON] = strawberry.field(description="Up to 100 JSON objects of at most 64 KiB each.")


@strawberry.type(description="The contexts that an environment keeps now.")
class SetSpotChecksPayload:
    spot_checks: SpotChecks = strawberry.field(description="The contexts as they are now.")


@strawberry.type
class SpotCheckQueries:
    @strawberry.field(description="The contexts that an environment keeps to try proposed changes on.")
    async def spot_checks(self, info: Info, environment_id: EnvironmentId) -> SpotChecks | None:
        async with info.context.unit() as uow:
            return SpotChecks.of(await spot_checks.get_spot_checks(uow, environment_id))


@strawberry.type
class SpotCheckMutations:
    @strawberry.mutation(description="Set the contexts that an environment keeps to try proposed changes on.")
    async def set_spot_checks(self, info: Info, input: SetSpotChecksInput) -> SetSpotChecksPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            kept = await spot_checks.set_spot_checks(uow, input.environment_id, body, if_match(input))
        return SetSpotChecksPayload(spot_checks=SpotChecks.of(kept))
