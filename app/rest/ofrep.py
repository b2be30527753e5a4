"""OpenFeature's remote evaluation protocol (OFREP): what any OpenFeature SDK asks, at the root and not below REST."""

from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.etags import evaluation_etag
from app.domain.errors import AppError, envelope
from app.domain.operations import Operation
from app.domain.preconditions import none_match
from app.http.base_path import path_of
from app.http.failures import refusal
from app.rest.openapi.samples import ENVIRONMENT_ID
from app.rest.requests import RestCall
from app.rest.responses import json_response, not_modified, tagged
from app.rest.routing import Endpoint
from app.rest.schemas import Schema
from app.services import ofrep
from app.store.unit_of_work import UnitOfWork

PREFIX = "/ofrep/v1"
FLAGS = "/evaluate/flags"
MAX_DETAILS = 5
_ADDRESS = {"requestUri": "/ofrep/v1/event-stream?ticket=AQGdbN9Vx3GSi0YI…"}
_EXAMPLE = {"key": "checkout", "value": True, "reason": "TARGETING_MATCH", "variant": "true"}


class ResolutionSchema(Schema, json_schema_extra={"examples": [_EXAMPLE]}):
    """The value of a flag or config for the context."""

    key: str
    value: Any
    reason: Literal["DEFAULT", "TARGETING_MATCH", "SPLIT", "DISABLED"]
    variant: str


class ResolutionsMetadataSchema(
    Schema, json_schema_extra={"examples": [{"environmentId": ENVIRONMENT_ID, "version": 3}]}
):
    """What the values were evaluated with."""

    environment_id: str
    version: int


class EndpointSchema(Schema, json_schema_extra={"examples": [_ADDRESS]}):
    """An address on this server."""

    request_uri: str


class EventStreamSchema(Schema, json_schema_extra={"examples": [{"type": "sse", "endpoint": _ADDRESS}]}):
    """Where to hear of changes."""

    type: Literal["sse"]
    endpoint: EndpointSchema


class ResolutionsSchema(Schema):
    """The values of all flags and configs that the caller may evaluate."""

    flags: list[ResolutionSchema] = Field(description="One for each.")
    event_streams: list[EventStreamSchema]
    metadata: ResolutionsMetadataSchema


async def evaluate_flag(call: RestCall, uow: UnitOfWork) -> Response:
    found = await ofrep.evaluate_flag(uow, environment_of(call), call.path["key"], call.input, call.min_version)
    return json_response(found)


async def evaluate_flags(call: RestCall, uow: UnitOfWork) -> Response:
    unevaluated = await ofrep.evaluate_flags(uow, environment_of(call), call.input, call.min_version)
    etag = evaluation_etag(unevaluated.ruleset, uow.actor, call.body)
    if none_match(call.lines("If-None-Match"), etag):
        return not_modified(etag)
    streams = call.node.event_streams_for(uow.actor, unevaluated.ruleset.environment_id)
    return tagged(call, await unevaluated.resolutions(streams), etag)


def environment_of(call: RestCall) -> str | None:
    """What the call says that the environment is called, if it does."""
    return call.headers.get("X-Signalbox-Env")


def enveloped_for_clients(error: AppError, request_id: str) -> ASGIApp:
    """The envelope of an error with what the protocol's clients look for: `key`, `errorCode` and `errorDetails`."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        before, _, key = path_of(scope).partition(f"{FLAGS}/")
        await refusal(error, body_of(error, request_id, "" if before else key))(scope, receive, send)

    return answer


def body_of(error: AppError, request_id: str, key: str) -> dict[str, Any]:
    """The body of the error, where one key was asked for with that."""
    named = {"key": key} if key else {}
    return {
        **envelope(error, request_id),
        **named,
        "errorCode": _error_code(error, key),
        "errorDetails": _details(error),
    }


def _error_code(error: AppError, key: str) -> str:
    if error.code == "not_found" and key:
        return "FLAG_NOT_FOUND"
    if error.code != "invalid_request":
        return "GENERAL"
    if ofrep.NO_TARGETING_KEY in error.fields.values():
        return "TARGETING_KEY_MISSING"
    steps = {path.partition(".")[0].partition("[")[0] for path in error.fields}
    if "context" in steps:
        return "INVALID_CONTEXT"
    return "GENERAL" if all(step.startswith(("X-", "?")) for step in steps) else "PARSE_ERROR"


def _details(error: AppError) -> str:
    """What there is to say in one text, for that is all that a client shows."""
    faults = [f"{path}: {message}" for path, message in list(error.fields.items())[:MAX_DETAILS]]
    return error.message if error.message in error.fields.values() else " ".join([error.message, *faults])


ENDPOINTS = [
    Endpoint(
        "evaluateFlag",
        "POST",
        f"{FLAGS}/{{key}}",
        evaluate_flag,
        "Evaluate a flag or config with an OpenFeature SDK",
        Operation.EVALUATE,
        ofrep.EvaluationRequest,
        ResolutionSchema,
        errors=("ruleset_not_cached",),
        allow_duplicate_keys=True,
        takes=("Environment", "MinVersion"),
        prefix=PREFIX,
    ),
    Endpoint(
        "evaluateFlags",
        "POST",
        FLAGS,
        evaluate_flags,
        "Evaluate all flags and configs with an OpenFeature SDK",
        Operation.EVALUATE,
        ofrep.EvaluationRequest,
        ResolutionsSchema,
        query=ofrep.ChangeParameters,
        errors=("ruleset_not_cached", "not_found"),
        allow_duplicate_keys=True,
        takes=("Environment", "MinVersion", "IfNoneMatch"),
        prefix=PREFIX,
    ),
]
