"""Event streams of an environment: of its ruleset, and of the same for OpenFeature's clients."""

from starlette.responses import Response

from app.access.entry import Access
from app.domain.commands import NoBody
from app.domain.errors import AppError
from app.domain.operations import Operation
from app.http.event_streams import Begun, EventStreamResponse
from app.rest.ofrep import PREFIX as OFREP
from app.rest.ofrep import environment_of
from app.rest.requests import RestCall
from app.rest.responses import created
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, TextSchema, Time
from app.runtime.event_streams import EVENTS, Followed, missed
from app.services import streams
from app.store.unit_of_work import UnitOfWork

_PATH = "/envs/{env_id}/ruleset/stream"
_MOST = 2**63
_TICKET = {"ticket": "AQGdbN9Vx3GSi0YI…", "expiresAt": "2026-05-04T09:00:00.000000Z"}
_EVENTS = """retry: 3000

id: 7
event: ruleset
data: {"version": 7, "changed": {"flags": ["checkout"], "configs": [], "segments": []}, "removed": {"flags": [], \
"configs": [], "segments": []}, "complete": true}

"""


class EventsSchema(TextSchema, json_schema_extra={"examples": [_EVENTS]}):
    """Server-sent events."""


class StreamTicketSchema(Schema, json_schema_extra={"examples": [_TICKET]}):
    """A ticket for one stream."""

    ticket: str
    expires_at: Time


async def stream_ruleset(call: RestCall, uow: UnitOfWork) -> Response:
    return await _begin(call, await streams.stream_ruleset(uow, call.path["env_id"], call.input))


async def stream_evaluations(call: RestCall, uow: UnitOfWork) -> Response:
    of_ticket = call.info.ticket and call.info.ticket.environment_id
    return await _begin(call, await streams.stream_evaluations(uow, environment_of(call) or of_ticket, call.input))


async def _begin(call: RestCall, access: Access) -> Response:
    """The first event tells the version, with what was missed since the one that the client knows."""
    uow, environment, operation = access.uow, access.environment, access.entry.operation
    ticket = call.info.ticket
    if ticket is not None and ticket.environment_id != environment.id:
        raise AppError("unauthorized", "The ticket is for another environment.")
    await uow.release()
    ruleset = await uow.host.rulesets.snapshot(environment.id, environment.version)
    known = _last_event(call)
    part = await missed(uow, ruleset, ruleset.version if known is None else known, access.resources)
    event = EVENTS[operation](ruleset, part)
    credential_id = streams.ticket_of(uow.actor, environment.id).credential_id
    followed = Followed(credential_id, access.org.id, environment.id, operation)
    return EventStreamResponse(call.node, Begun(followed, uow.actor, ruleset.version, event))


def _last_event(call: RestCall) -> int | None:
    """The version of the last event that the client has; one that never was for what is no version."""
    given = call.headers.get("Last-Event-ID")
    if not given:
        return None
    return int(given) if given.isascii() and given.isdigit() and len(given) < len(str(_MOST)) else _MOST


async def create_stream_ticket(call: RestCall, uow: UnitOfWork) -> Response:
    env_id = call.path["env_id"]
    issued = await streams.create_stream_ticket(uow, env_id, call.input, call.node.tickets)
    location = f"/api/v1{_PATH.format(env_id=env_id)}?ticket={issued.ticket}"
    return created(StreamTicketSchema(ticket=issued.ticket, expires_at=issued.expires_at), location)


ENDPOINTS = [
    Endpoint(
        "streamRuleset",
        "GET",
        _PATH,
        stream_ruleset,
        "Be told of changes of an environment's ruleset",
        Operation.READ_STATE,
        response=EventsSchema,
        query=streams.StreamParameters,
        errors=("rate_limited",),
        takes=("LastEventId",),
    ),
    Endpoint(
        "createStreamTicket",
        "POST",
        "/envs/{env_id}/stream-tickets",
        create_stream_ticket,
        "Create a ticket for an event stream",
        Operation.READ_STATE,
        NoBody,
        StreamTicketSchema,
        status=201,
    ),
]
OPENFEATURE_ENDPOINTS = [
    Endpoint(
        "streamEvaluations",
        "GET",
        "/event-stream",
        stream_evaluations,
        "Be told when to evaluate again with an OpenFeature SDK",
        Operation.EVALUATE,
        response=EventsSchema,
        query=streams.StreamParameters,
        errors=("rate_limited", "not_found"),
        takes=("Environment", "LastEventId"),
        prefix=OFREP,
    ),
]
