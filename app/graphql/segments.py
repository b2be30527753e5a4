"""Segments: identities and their states."""

import strawberry

from app.graphql.arguments import (
    AtVersion,
    EnvironmentId,
    ProjectId,
    SegmentKey,
)
from app.graphql.context import Info
from app.graphql.inputs import Described, OfPrimitive, OfProject, OfState, Overridable, Reasoned, optional_field
from app.graphql.primitives import (
    UNLESS_DIVERTED,
    Divertible,
    created,
    deleted,
    identities_of,
    references_of,
    shown,
    state_asked,
    updated,
    written,
)
from app.graphql.promotion import PromoteStateInput
from app.graphql.rules import RuleInput
from app.graphql.types.entries import ALLOWED, DENIED
from app.graphql.types.references import Referrer
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Segment, SegmentState
from app.services.segments import SEGMENTS, update_allow_list, update_deny_list

_RULES = "Whoever one of them admits belongs to it; they have no values."


@strawberry.input(description="A new segment, created in every environment of the project.")
class CreateSegmentInput(OfProject, Described, Reasoned):
    key: str = strawberry.field(description="Unique among the project's segments; never changes.")
    rules: list[RuleInput] | None = optional_field(_RULES)
    allow_list: list[str] | None = optional_field(ALLOWED)
    deny_list: list[str] | None = optional_field(DENIED)


@strawberry.input(description="Changes to a segment's identity, which change no environment; what is left out stays.")
class UpdateSegmentInput(OfPrimitive, Described):
    pass


@strawberry.input(description="The segment to delete from every environment.")
class DeleteSegmentInput(OfPrimitive, Overridable):
    pass


@strawberry.input(description="A segment's whole state in an environment.")
class ReplaceSegmentStateInput(OfState):
    rules: list[RuleInput] = strawberry.field(description=_RULES)
    allow_list: list[str] = strawberry.field(description=ALLOWED)
    deny_list: list[str] = strawberry.field(description=DENIED)


@strawberry.input(description="Changes to a segment's state in an environment; what is left out stays.")
class UpdateSegmentStateInput(OfState):
    rules: list[RuleInput] | None = optional_field(_RULES)
    allow_list: list[str] | None = optional_field(ALLOWED)
    deny_list: list[str] | None = optional_field(DENIED)


@strawberry.input
class UpdateEntriesInput(OfState):
    add: list[str] | None = optional_field("Target ids that it gets; those that it has already change nothing.")
    remove: list[str] | None = optional_field("Target ids that it loses; those that it does not have change nothing.")


@strawberry.input(description="Entries that a segment's allow list gets and loses.")
class UpdateAllowListInput(UpdateEntriesInput):
    pass


@strawberry.input(description="Entries that a segment's deny list gets and loses.")
class UpdateDenyListInput(UpdateEntriesInput):
    pass


@strawberry.input(description="The segment to take over, and the environments.")
class PromoteSegmentInput(PromoteStateInput):
    pass


@strawberry.type
class WrittenSegment:
    segment: Segment = strawberry.field(description="The segment as it is now.")


@strawberry.type(description="A new segment.")
class CreateSegmentPayload(WrittenSegment):
    pass


@strawberry.type(description="A changed identity.")
class UpdateSegmentPayload(WrittenSegment):
    pass


@strawberry.type(description="A deleted segment.")
class DeleteSegmentPayload(Divertible):
    segment: Segment | None = strawberry.field(description=f"The segment as it was; {UNLESS_DIVERTED}")


@strawberry.type
class WrittenSegmentState(Divertible):
    segment_state: SegmentState | None = strawberry.field(description=f"The state as it is now; {UNLESS_DIVERTED}")


@strawberry.type(description="A replaced state.")
class ReplaceSegmentStatePayload(WrittenSegmentState):
    pass


@strawberry.type(description="A changed state.")
class UpdateSegmentStatePayload(WrittenSegmentState):
    pass


@strawberry.type(description="A changed allow list.")
class UpdateAllowListPayload(WrittenSegmentState):
    pass


@strawberry.type(description="A changed deny list.")
class UpdateDenyListPayload(WrittenSegmentState):
    pass


@strawberry.type(description="A state that was taken over.")
class PromoteSegmentPayload(WrittenSegmentState):
    pass


@strawberry.type
class SegmentQueries:
    @strawberry.field(description="A segment of a project.")
    async def segment(self, info: Info, project_id: ProjectId, key: SegmentKey) -> Segment | None:
        async with info.context.unit() as uow:
            return Segment.of(await SEGMENTS.get(uow, project_id, key))

    segments: Connection[Segment] | None = identities_of(SEGMENTS, Segment.of)

    segment_references: Connection[Referrer] | None = references_of(SEGMENTS, SegmentKey, "What refers to a segment.")

    @strawberry.field(description="A segment's state in an environment.")
    async def segment_state(
        self, info: Info, environment_id: EnvironmentId, key: SegmentKey, version: AtVersion = None
    ) -> SegmentState | None:
        return SegmentState.of(*await state_asked(info, SEGMENTS, environment_id, key, version))


@strawberry.type
class SegmentMutations:
    @strawberry.mutation(description="Create a segment in every environment of a project.")
    async def create_segment(self, info: Info, input: CreateSegmentInput) -> CreateSegmentPayload | None:
        return CreateSegmentPayload(segment=Segment.of(await created(info, SEGMENTS, input)))

    @strawberry.mutation(description="Change a segment's identity.")
    async def update_segment(self, info: Info, input: UpdateSegmentInput) -> UpdateSegmentPayload | None:
        return UpdateSegmentPayload(segment=Segment.of(await updated(info, SEGMENTS, input)))

    @strawberry.mutation(description="Delete a segment from every environment of its project.")
    async def delete_segment(self, info: Info, input: DeleteSegmentInput) -> DeleteSegmentPayload | None:
        return DeleteSegmentPayload(**shown(await deleted(info, SEGMENTS, input), "segment", Segment.of))

    @strawberry.mutation(description="Replace a segment's whole state in an environment.")
    async def replace_segment_state(
        self, info: Info, input: ReplaceSegmentStateInput
    ) -> ReplaceSegmentStatePayload | None:
        return ReplaceSegmentStatePayload(
            **shown(await written(info, SEGMENTS.replace_state, input), "segment_state", SegmentState.of)
        )

    @strawberry.mutation(description="Change a segment's state in an environment.")
    async def update_segment_state(
        self, info: Info, input: UpdateSegmentStateInput
    ) -> UpdateSegmentStatePayload | None:
        return UpdateSegmentStatePayload(
            **shown(await written(info, SEGMENTS.update_state, input), "segment_state", SegmentState.of)
        )

    @strawberry.mutation(description="Add entries to a segment's allow list, or remove them, without sending the list.")
    async def update_allow_list(self, info: Info, input: UpdateAllowListInput) -> UpdateAllowListPayload | None:
        return UpdateAllowListPayload(
            **shown(await written(info, update_allow_list, input), "segment_state", SegmentState.of)
        )

    @strawberry.mutation(description="Add entries to a segment's deny list, or remove them, without sending the list.")
    async def update_deny_list(self, info: Info, input: UpdateDenyListInput) -> UpdateDenyListPayload | None:
        return UpdateDenyListPayload(
            **shown(await written(info, update_deny_list, input), "segment_state", SegmentState.of)
        )

    @strawberry.mutation(description="Take over a segment's state from another environment of the project.")
    async def promote_segment(self, info: Info, input: PromoteSegmentInput) -> PromoteSegmentPayload | None:
        return PromoteSegmentPayload(
            **shown(await written(info, SEGMENTS.promote, input), "segment_state", SegmentState.of)
        )
