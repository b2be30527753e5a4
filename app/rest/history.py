"""What a context received between two instants, over REST."""

from typing import Any

from starlette.responses import Response

from app.domain.operations import Operation
from app.engine import json_text
from app.engine.history import Entry, History
from app.engine.instants import rfc3339
from app.engine.kinds import ConfigType
from app.rest.requests import RestCall
from app.rest.responses import json_response
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import history
from app.store.unit_of_work import UnitOfWork


class HistoryEntrySchema(Schema):
    """What a key was from an instant on; value and reason are null where it was not there."""

    as_of: Time
    version: int
    value: Any
    reason: dict[str, Any] | None


class KeyHistorySchema(Schema):
    """What a key was, oldest first."""

    type: ConfigType | None
    entries: list[HistoryEntrySchema]


class HistorySchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "primitives": {
                    "checkout": {
                        "type": "boolean",
                        "entries": [
                            {
                                "asOf": "2026-11-29T12:00:00.000000Z",
                                "version": 3,
                                "value": False,
                                "reason": {"kind": "default"},
                            },
                            {
                                "asOf": "2026-11-29T17:00:00.000000Z",
                                "version": 4,
                                "value": True,
                                "reason": {"kind": "rule_match", "ruleIndex": 0},
                            },
                        ],
                    }
                },
                "truncated": False,
            }
        ]
    },
):
    """What a context received."""

    primitives: dict[str, KeyHistorySchema]
    truncated: bool


async def read_history(call: RestCall, uow: UnitOfWork) -> Response:
    found = await history.history(uow, call.path["env_id"], call.input)
    return json_response(await uow.host.off_loop(lambda: json_text.dump(_body(found))))


def _body(found: History) -> dict[str, Any]:
    primitives = {
        key: {"type": found.types.get(key), "entries": [_entry(one) for one in entries]}
        for key, entries in found.entries.items()
    }
    return {"primitives": primitives, "truncated": found.truncated}


def _entry(entry: Entry) -> dict[str, Any]:
    at, version, outcome = entry
    value, reason = (None, None) if outcome is None else (outcome.value, outcome.reason)
    return {"asOf": rfc3339(at), "version": version, "value": value, "reason": reason}


ENDPOINTS = [
    Endpoint(
        "history",
        "POST",
        "/envs/{env_id}/evaluate/history",
        read_history,
        "What a context received between two instants",
        Operation.READ_STATE,
        history.AskHistory,
        HistorySchema,
        errors=("ruleset_not_cached",),
        allow_duplicate_keys=True,
    ),
]
