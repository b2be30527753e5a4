"""OpenFeature's remote evaluation protocol, from memory. None: the surfaces answer."""

from typing import Any

from app.access.etags import evaluation_etag
from app.dataplane.calls import Answer, Call, ok
from app.domain.preconditions import none_match
from app.engine.openfeature import resolution_text, resolutions_text, targeted
from app.engine.snapshot import EvaluationCall
from app.engine.work import TooLong, TooManyComparisons
from app.http.headers import BY_CALLER, NO_STORE, PRIVATE
from app.services.evaluation import STEPS, is_long, is_small, outcomes
from app.services.ofrep import is_plain

FLAG = "/ofrep/v1/evaluate/flags/{key}"
FLAGS = "/ofrep/v1/evaluate/flags"
_HEADERS = [(b"cache-control", PRIVATE.encode()), (b"vary", BY_CALLER.encode())]


def evaluate_flag(call: Call) -> Answer | None:
    """One flag or config, if there is one."""
    evaluating, primitive = _evaluating(call), call.ruleset.compiled.primitives.get(call.head.key)
    if evaluating is None or primitive is None or not call.may_evaluate([call.head.key]):
        return None
    if not call.sees(primitive.state.kind, call.head.key):
        return None
    try:
        found = evaluating.evaluate(call.head.key)
    except (TooLong, TooManyComparisons):
        return None
    if found is None:
        return None
    answer = ok(FLAG, resolution_text(found), NO_STORE)
    call.node.traffic.offer(call.place.environment_id, evaluating.context)
    call.note((found,))
    return answer


def evaluate_flags(call: Call) -> Answer | None:
    """All flags and configs that the token may evaluate, unless that takes long; or 304 before any is evaluated."""
    if (evaluating := _evaluating(call)) is None:
        return None
    etag = evaluation_etag(call.ruleset, call.token.actor, call.body)
    headers = [*_HEADERS, (b"etag", etag.encode())]
    if none_match(call.if_none_match, etag):
        return Answer(FLAGS, 304, headers, b"")
    compiled = call.ruleset.compiled
    if is_long(call.ruleset):
        return None
    try:
        if call.token.sees_all:
            found = evaluating.evaluate_all()
        else:
            found = [one for one in outcomes(evaluating, None, call.sees).values() if one is not None]
    except (TooLong, TooManyComparisons):
        return None
    streams = call.node.event_streams_for(call.token.actor, call.place.environment_id)
    answer = ok(FLAGS, resolutions_text(compiled, found, streams), *headers)
    call.node.traffic.offer(call.place.environment_id, evaluating.context)
    call.note(found)
    return answer


def _evaluating(call: Call) -> EvaluationCall | None:
    """The evaluation for the context of a plain body."""
    body: Any = call.json()
    if not is_plain(body) or not is_small(context := body.get("context", {}), len(call.body)):
        return None
    compiled = call.ruleset.compiled
    return compiled.call(targeted(context, compiled.target_id_path), STEPS)
