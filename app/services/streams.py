"""Event streams: who may have one, what they are told of an environment's versions, and tickets for them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import orjson
from pydantic import Field

from app.access.entry import Access, Entry
from app.domain.actors import Actor, Anonymous, Member, Token
from app.domain.commands import Command, NoBody, validate
from app.domain.errors import AppError
from app.domain.operations import Operation
from app.domain.tickets import Ticket, TicketCodec, new_number
from app.services.ofrep import environment_of
from app.store.unit_of_work import UnitOfWork

TICKET_SECONDS = 60
NOT_A_TICKET = "The ticket is unknown, used, or expired. Ask for a new one."


class StreamParameters(Command):
    """How a stream is asked for by those who cannot send headers."""

    ticket: Annotated[str | None, Field(description="A ticket in place of credentials.")] = None


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket, and until when it is good."""

    ticket: str
    expires_at: datetime


async def stream_ruleset(uow: UnitOfWork, environment: str, query: object) -> Access:
    """To be told which keys change in the environment. Raises `not_found`, and what the policy denies."""
    access = await Entry.of_environment(environment, Operation.READ_STATE).enter(uow)
    validate(StreamParameters, query)
    return access


async def stream_evaluations(uow: UnitOfWork, environment: str | None, query: object) -> Access:
    """To be told when evaluations in the environment, or in the only one of the token's, may be others."""
    access = await Entry.of_environment(environment_of(uow, environment), Operation.EVALUATE).enter(uow)
    validate(StreamParameters, query)
    return access


async def create_stream_ticket(uow: UnitOfWork, environment: str, body: object, tickets: TicketCodec) -> IssuedTicket:
    """A ticket for one stream of the environment, which then is the caller's own. Nothing is stored."""
    access = await Entry.of_environment(environment, Operation.READ_STATE).enter(uow)
    validate(NoBody, body)
    expires_at = int(uow.now.timestamp()) + TICKET_SECONDS
    ticket = ticket_of(uow.actor, access.environment.id)._replace(expires_at=float(expires_at), once=new_number())
    return IssuedTicket(tickets.encode(ticket), datetime.fromtimestamp(expires_at, UTC))


@lru_cache(16_384)  # as many callers ask again and again
def addresses(tickets: TicketCodec, base_path: str, ticket: Ticket) -> bytes:
    """The address of the stream for who has the ticket. It stays the same, or clients would open the stream anew."""
    address = f"{base_path}/ofrep/v1/event-stream?ticket={tickets.encode(ticket)}"
    return orjson.dumps([{"type": "sse", "endpoint": {"requestUri": address}}])


def ticket_of(actor: Actor, environment_id: str) -> Ticket:
    """What is good for any number of streams, as long as the actor's credential is."""
    match actor:
        case Token(token_id=token_id):
            return Ticket(True, token_id, environment_id, float("inf"))
        case Member(session_id=session_id):
            return Ticket(False, session_id, environment_id, float("inf"))
        case Anonymous(reason=reason):
            raise AppError("unauthorized", reason)
    raise TypeError("only who calls has streams")
