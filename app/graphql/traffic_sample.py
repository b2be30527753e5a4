"""What an environment samples of its traffic."""

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.inputs import Audited, OfEnvironment, body_of, if_match, optional_field
from app.graphql.types.traffic_sample import TrafficSample
from app.services import traffic_sample


@strawberry.input(description="What an environment samples from now on. What it has sampled before is deleted.")
class SetTrafficSampleInput(OfEnvironment, Audited):
    size: int = strawberry.field(description="How many contexts to keep at most, 0 to 1,000. With 0 none are.")
    fields: list[str] | None = optional_field(
        "The paths to keep, at most 50; all else is dropped. Required unless the size is 0."
    )


@strawberry.input(description="The environment whose traffic sample is deleted.")
class DeleteTrafficSampleInput(OfEnvironment, Audited):
    pass


@strawberry.type
class WrittenTrafficSample:
    traffic_sample: TrafficSample = strawberry.field(description="What the environment samples now.")


@strawberry.type(description="What an environment samples now.")
class SetTrafficSamplePayload(WrittenTrafficSample):
    pass


@strawberry.type(description="An environment that samples nothing now.")
class DeleteTrafficSamplePayload(WrittenTrafficSample):
    pass


@strawberry.type
class TrafficSampleQueries:
    @strawberry.field(description="What an environment samples of its traffic.")
    async def traffic_sample(self, info: Info, environment_id: EnvironmentId) -> TrafficSample | None:
        async with info.context.unit() as uow:
            kept, _ = await traffic_sample.get_traffic_sample(uow, environment_id, {})
        return TrafficSample.of(kept)


@strawberry.type
class TrafficSampleMutations:
    @strawberry.mutation(description="Set what an environment samples of its traffic.")
    async def set_traffic_sample(self, info: Info, input: SetTrafficSampleInput) -> SetTrafficSamplePayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            kept = await traffic_sample.set_traffic_sample(uow, input.environment_id, body, if_match(input))
        return SetTrafficSamplePayload(traffic_sample=TrafficSample.of(kept))

    @strawberry.mutation(description="Delete an environment's traffic sample, and sample nothing from now on.")
    async def delete_traffic_sample(
        self, info: Info, input: DeleteTrafficSampleInput
    ) -> DeleteTrafficSamplePayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            kept = await traffic_sample.delete_traffic_sample(uow, input.environment_id, body, if_match(input))
        return DeleteTrafficSamplePayload(traffic_sample=TrafficSample.of(kept))
