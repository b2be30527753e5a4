"""Segments over REST: identities below a project, states and their lists below an environment."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from app.access.paging import EntryParameters, Listing
from app.domain.operations import Operation
from app.models import StateEntry
from app.rest.openapi.samples import CHANGED, ENVIRONMENT_ID, GRACE_ID, NOON, PROJECT_ID, SEGMENT_ID, SEGMENT_STATE_ID
from app.rest.primitives import Identities, IdentitySchema, States, StateSchema
from app.rest.requests import RestCall
from app.rest.responses import page
from app.rest.routing import Endpoint, Handler
from app.rest.schemas import TextSchema
from app.services.segments import (
    MEMBERS_EXAMPLE,
    SEGMENTS,
    UpdateEntries,
    list_allow_list,
    list_deny_list,
    listed,
    update_allow_list,
    update_deny_list,
)
from app.store.paging import Page
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

_STATE = {
    "id": SEGMENT_STATE_ID,
    "primitiveId": SEGMENT_ID,
    "key": "staff",
    "name": "Staff",
    "description": "Who works here.",
    "environmentId": ENVIRONMENT_ID,
    "rules": MEMBERS_EXAMPLE,
    "allowListSize": 1,
    "denyListSize": 1,
    "summary": {"kind": "rules", "rules": 1, "percent": None, "text": "1 rule, 1 allowed, 1 denied."},
    "openProposals": 0,
    "version": 3,
    "updatedAt": NOON,
}


class SegmentSchema(
    IdentitySchema,
    json_schema_extra={
        "examples": [
            {
                "id": SEGMENT_ID,
                "projectId": PROJECT_ID,
                "key": "staff",
                "name": "Staff",
                "description": "Who works here.",
                "tags": ["people"],
                "maintainer": {"id": GRACE_ID, "name": "Grace"},
                "permanent": True,
                **CHANGED,
            }
        ]
    },
):
    """A segment's identity."""


class EntrySchema(TextSchema, json_schema_extra={"examples": ["u-17"]}):
    """A target id."""


class SegmentStateSchema(StateSchema, json_schema_extra={"examples": [_STATE]}):
    """A segment's state in an environment, without the entries of its lists; `version` is the environment's when the
    state last changed."""

    allow_list_size: int
    deny_list_size: int

    @classmethod
    def members_of(cls, current: Current) -> dict[str, Any]:
        state = current.state
        sizes = {"allow_list_size": state.allow_list_size, "deny_list_size": state.deny_list_size}
        return {**super().members_of(current), **sizes}


class ListedSegmentStateSchema(
    SegmentStateSchema, json_schema_extra={"examples": [{**_STATE, "allowList": ["u-17"], "denyList": ["u-99"]}]}
):
    """A segment's state in an environment, with its lists; `version` is the environment's when the state last
    changed."""

    allow_list: list[str]
    deny_list: list[str]


async def _lists(uow: UnitOfWork, current: Current) -> Mapping[str, Any]:
    found = await listed(uow, current)
    return {"allow_list": list(found.allow_list), "deny_list": list(found.deny_list)}


def _listing(lists: Callable[[UnitOfWork, str, str, Listing], Awaitable[Page[StateEntry]]]) -> Handler:
    """The handler of a list of entries."""

    async def handle(call: RestCall, uow: UnitOfWork) -> Response:
        found = await lists(uow, call.path["env_id"], call.path["key"], call.listing())
        return page(call, found, lambda row: row.primitive_id, lambda row: EntrySchema(row.entry))

    return handle


_STATES = States(SEGMENTS, SegmentStateSchema, ListedSegmentStateSchema, _lists)
_WITHOUT_ENTRIES = States(SEGMENTS, SegmentStateSchema, SegmentStateSchema)  # a change costs what it changes
ENDPOINTS = [
    *Identities(SEGMENTS, SegmentSchema).endpoints(),
    *_STATES.endpoints(),
    Endpoint(
        "listAllowList",
        "GET",
        f"{_STATES.path}/{{key}}/allow-list",
        _listing(list_allow_list),
        "The entries of a segment's allow list",
        Operation.READ_STATE,
        response=EntrySchema,
        is_list=True,
        query=EntryParameters,
    ),
    Endpoint(
        "updateAllowList",
        "POST",
        f"{_STATES.path}/{{key}}/allow-list",
        _WITHOUT_ENTRIES.writing(update_allow_list),
        "Add entries to a segment's allow list, or remove them",
        Operation.UPDATE_STATE,
        UpdateEntries,
        SegmentStateSchema,
    ),
    Endpoint(
        "listDenyList",
        "GET",
        f"{_STATES.path}/{{key}}/deny-list",
        _listing(list_deny_list),
        "The entries of a segment's deny list",
        Operation.READ_STATE,
        response=EntrySchema,
        is_list=True,
        query=EntryParameters,
    ),
    Endpoint(
        "updateDenyList",
        "POST",
        f"{_STATES.path}/{{key}}/deny-list",
        _WITHOUT_ENTRIES.writing(update_deny_list),
        "Add entries to a segment's deny list, or remove them",
        Operation.UPDATE_STATE,
        UpdateEntries,
        SegmentStateSchema,
    ),
]
