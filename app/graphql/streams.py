"""Tickets for event streams, which only REST has."""

import strawberry

from app.graphql.context import Info
from app.graphql.inputs import OfEnvironment, body_of
from app.graphql.types.scalars import Time
from app.services import streams


@strawberry.input(description="The environment whose changes the stream tells.")
class CreateStreamTicketInput(OfEnvironment):
    pass


@strawberry.type(description="A ticket for one event stream, in place of credentials.")
class CreateStreamTicketPayload:
    ticket: str = strawberry.field(description="The value of the parameter `ticket`. It is good once.")
    expires_at: Time = strawberry.field(description="Until when it is good.")


@strawberry.type
class StreamMutations:
    @strawberry.mutation(
        description="Create a ticket with which a browser's EventSource, which cannot send headers, opens "
        "`/api/v1/envs/{envId}/ruleset/stream?ticket=…` as you. It is good for a minute, once."
    )
    async def create_stream_ticket(
        self, info: Info, input: CreateStreamTicketInput
    ) -> CreateStreamTicketPayload | None:
        body, tickets = body_of(input), info.context.node.tickets
        async with info.context.unit() as uow:
            issued = await streams.create_stream_ticket(uow, input.environment_id, body, tickets)
        return CreateStreamTicketPayload(ticket=issued.ticket, expires_at=Time(issued.expires_at))
