"""Promotion of many states at once. That of one is a mutation of its kind."""

from typing import cast

import strawberry

from app.engine.kinds import Kind
from app.graphql.context import Info
from app.graphql.inputs import OfEnvironment, OfState, Overridable, body_of, if_match, optional_field
from app.graphql.primitives import Divertible
from app.graphql.types.environment_diff import Difference
from app.graphql.types.proposals import Proposal as ProposalNode
from app.graphql.types.resources import ConfigState, FlagState, SegmentState
from app.models import Proposal
from app.services.promotion import Promotion, promote

FROM = "The id or name of the environment of the same project to take over from."


@strawberry.input
class PromoteStateInput(OfState):
    from_env_id: strawberry.ID = strawberry.field(description=FROM)


@strawberry.input(description="What to take over from another environment: all that differs, if no keys are named.")
class PromoteInput(OfEnvironment, Overridable):
    from_env_id: strawberry.ID = strawberry.field(description=FROM)
    flags: list[str] | None = optional_field("The keys of flags.")
    configs: list[str] | None = optional_field("The keys of configs.")
    segments: list[str] | None = optional_field("The keys of segments.")
    include_needs: bool | None = optional_field(
        "Whether to take over the segments and prerequisites that these rest on, too, where they differ."
    )
    dry_run: bool | None = optional_field("Whether only to say what would change.")


@strawberry.type(description="The keys of segments and prerequisites that what is promoted rests on, and that differ.")
class Needs:
    flags: list[str] = strawberry.field(description="The keys of flags.")
    configs: list[str] = strawberry.field(description="The keys of configs.")
    segments: list[str] = strawberry.field(description="The keys of segments.")


@strawberry.type(description="The states that were promoted, or the proposal; or, with `dryRun`, what would change.")
class PromotePayload(Divertible):
    version: int | None = strawberry.field(description="The environment's version now; null with a proposal.")
    flag_states: list[FlagState] | None = strawberry.field(
        description="The flags' states; null with `dryRun` or a proposal."
    )
    config_states: list[ConfigState] | None = strawberry.field(
        description="The configs' states; null with `dryRun` or a proposal."
    )
    segment_states: list[SegmentState] | None = strawberry.field(
        description="The segments' states; null with `dryRun` or a proposal."
    )
    differences: list[Difference] | None = strawberry.field(
        description="What would change, with `value` as it is and `againstValue` as it would be; null without `dryRun`."
    )
    needs: Needs | None = strawberry.field(
        description="What these rest on and differs, too, taken along with `includeNeeds`; null without `dryRun`."
    )
    etag: str | None = strawberry.field(
        description="The environment's tag, that `ifMatch` takes; null with a proposal."
    )

    @classmethod
    def of(cls, promotion: Promotion | Proposal) -> "PromotePayload":
        if isinstance(promotion, Proposal):
            nothing = dict.fromkeys(
                ("version", "flag_states", "config_states", "segment_states", "differences", "needs", "etag")
            )
            return cls(proposal=ProposalNode.of(promotion), **nothing)

        def of_kind(kind: Kind, make: type[FlagState] | type[ConfigState] | type[SegmentState]) -> object:
            found = promotion.states
            return None if found is None else [make.of(one) for one in found if one.primitive.kind is kind]

        needs, differences = promotion.needs, promotion.differences
        return cls(
            proposal=None,
            version=promotion.version,
            flag_states=cast("list[FlagState] | None", of_kind(Kind.FLAG, FlagState)),
            config_states=cast("list[ConfigState] | None", of_kind(Kind.CONFIG, ConfigState)),
            segment_states=cast("list[SegmentState] | None", of_kind(Kind.SEGMENT, SegmentState)),
            differences=None if differences is None else [Difference.of(one) for one in differences],
            needs=None if needs is None else Needs(**{f"{kind}s": list(keys) for kind, keys in needs.items()}),
            etag=promotion.etag,
        )


@strawberry.type
class PromotionMutations:
    @strawberry.mutation(description="Take over states from another environment of the project.")
    async def promote(self, info: Info, input: PromoteInput) -> PromotePayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            promotion = await promote(uow, input.environment_id, body, if_match(input))
        return PromotePayload.of(promotion)
