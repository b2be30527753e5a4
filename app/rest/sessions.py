"""One's own sessions over REST."""

from typing import Self

from starlette.responses import Response

from app.access.paging import ListParameters
from app.domain.actors import Actor
from app.domain.commands import NoBody
from app.http.cookies import SESSION, set_cookie
from app.models import Session
from app.rest.openapi.samples import MORNING, NEXT_MONTH, NOON, SESSION_ID
from app.rest.requests import RestCall
from app.rest.responses import no_content, page
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import sessions
from app.store.unit_of_work import UnitOfWork


class OwnSessionSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": SESSION_ID,
                "current": True,
                "browser": "Firefox on Linux",
                "address": "192.0.2.7",
                "createdAt": MORNING,
                "lastSeenAt": NOON,
                "expiresAt": NEXT_MONTH,
            }
        ]
    },
):
    """Where you are signed in. `current`: this very call."""

    id: str
    current: bool
    browser: str | None
    address: str | None
    created_at: Time
    last_seen_at: Time
    expires_at: Time

    @classmethod
    def from_session(cls, session: Session, actor: Actor) -> Self:
        return cls(
            id=session.id,
            current=sessions.is_own(actor, session),
            browser=session.browser,
            address=session.address,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
        )


async def list_sessions(call: RestCall, uow: UnitOfWork) -> Response:
    found = await sessions.list_sessions(uow, call.listing())
    return page(
        call, found, lambda session: session.id, lambda session: OwnSessionSchema.from_session(session, call.info.actor)
    )


async def delete_other_sessions(call: RestCall, uow: UnitOfWork) -> Response:
    await sessions.delete_other_sessions(uow, call.input)
    return no_content()


async def delete_session(call: RestCall, uow: UnitOfWork) -> Response:
    session = await sessions.delete_session(uow, call.path["session_id"], call.input)
    response = no_content()
    if sessions.is_own(call.info.actor, session):
        set_cookie(call.node.settings, response, SESSION, "")
    return response


ENDPOINTS = [
    Endpoint(
        "listSessions",
        "GET",
        "/auth/sessions",
        list_sessions,
        "Where you are signed in",
        response=OwnSessionSchema,
        is_list=True,
        query=ListParameters,
    ),
    Endpoint(
        "deleteOtherSessions",
        "DELETE",
        "/auth/sessions",
        delete_other_sessions,
        "End all your other sessions",
        body=NoBody,
        status=204,
    ),
    Endpoint(
        "deleteSession",
        "DELETE",
        "/auth/sessions/{session_id}",
        delete_session,
        "End a session",
        body=NoBody,
        status=204,
        headers=("SignedOut",),
    ),
]
