"""Previews over REST."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from app.domain.operations import Operation
from app.engine import json_text
from app.engine.preview import Preview
from app.rest.requests import RestCall
from app.rest.routing import Endpoint
from app.rest.schemas import OutcomeSchema, SampledFlipsSchema, Schema
from app.services import preview
from app.store.unit_of_work import UnitOfWork

MAX_BYTES = 32 * 1024 * 1024


class PreviewedEvaluationSchema(Schema):
    """What a flag or config is for a context now, and what it would be with the drafts."""

    live: OutcomeSchema
    preview: OutcomeSchema
    flips: bool


class PreviewedContextSchema(Schema):
    """What the drafts would do to a context."""

    context: dict[str, Any]
    evaluations: dict[str, PreviewedEvaluationSchema]


class PreviewSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "version": 3,
                "results": [
                    {
                        "context": {"userId": "u-1", "plan": "pro"},
                        "evaluations": {
                            "checkout": {
                                "live": {"value": False, "reason": {"kind": "default"}},
                                "preview": {
                                    "value": True,
                                    "reason": {
                                        "kind": "rule_match",
                                        "ruleIndex": 0,
                                        "ruleName": "half of the pro plan",
                                    },
                                },
                                "flips": True,
                            }
                        },
                    }
                ],
                "flips": {"checkout": 1},
                "truncated": False,
                "sampled": {"contexts": 240, "flips": {"checkout": 29}, "share": 0.1208},
            }
        ]
    },
):
    """What drafts would do to the contexts that they were tried on."""

    version: int
    results: list[PreviewedContextSchema]
    flips: dict[str, int]
    truncated: bool
    sampled: SampledFlipsSchema | None = None


async def preview_drafts(call: RestCall, uow: UnitOfWork) -> Response:
    found = await preview.preview(uow, call.path["env_id"], call.input, MAX_BYTES)
    pieces = list(_pieces(found))

    async def sent() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    headers = {"Cache-Control": "no-store", "Content-Length": str(sum(map(len, pieces)))}
    return StreamingResponse(sent(), headers=headers, media_type="application/json")


def _pieces(found: Preview) -> Iterator[bytes]:
    """The answer, a result at a time."""
    before = b'{"version":%d,"results":[' % found.version
    for result in found.results:
        yield b'%b{"context":%b,"evaluations":%b}' % (before, result.context, result.evaluations)
        before = b","
    sampled = {} if found.sampled is None else {"sampled": found.sampled.counted()}
    counted = json_text.encode({"flips": found.flips, "truncated": found.truncated, **sampled}).encode()
    yield b"%b],%b" % (b"" if found.results else before, counted[1:])


ENDPOINTS = [
    Endpoint(
        "preview",
        "POST",
        "/envs/{env_id}/evaluate/preview",
        preview_drafts,
        "Try drafts on contexts",
        Operation.READ_STATE,
        preview.AskPreview,
        PreviewSchema,
        long=True,
    ),
]
