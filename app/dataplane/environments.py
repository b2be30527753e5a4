"""Rulesets and evaluations over REST, from memory. None: the surfaces answer."""

from functools import lru_cache

from app.access.etags import scoped_etag
from app.dataplane.calls import Answer, Call, ok
from app.domain.policy import sees_rule_names
from app.engine.answers import answer, members, members_by_key
from app.engine.work import TooLong, TooManyComparisons
from app.http.compression import terms
from app.http.headers import BY_CALLER, NO_STORE, PRIVATE
from app.services.evaluation import STEPS, is_long, outcomes, read_plain_body

RULESET = "/api/v1/envs/{env_id}/ruleset"
EVALUATE = "/api/v1/envs/{env_id}/evaluate"
_HEADERS = [(b"cache-control", PRIVATE.encode()), (b"vary", f"{BY_CALLER}, Accept-Encoding".encode())]
_GZIP = (b"content-encoding", b"gzip")


def ruleset(call: Call) -> Answer | None:
    """The ruleset as far as the token may read it, or 304, if it is encoded already."""
    token = call.token
    document = call.node.rulesets.already_encoded(call.ruleset, None if token.sees_all else token.actor.resources)
    if document is None:
        return None
    of_caller = terms(
        document,
        _etag(token.actor.token_id, document.digest),
        call.head.accept_encoding,
        call.if_none_match,
    )
    headers = [*_HEADERS, (b"etag", of_caller.etag.encode())]
    if of_caller.unchanged:
        return Answer(RULESET, 304, headers, b"")
    if not of_caller.gzip:
        return ok(RULESET, document.body, *headers)
    if document.compressed is None:
        return None
    return ok(RULESET, document.compressed, *headers, _GZIP)


@lru_cache(16_384)  # as many tokens ask again and again
def _etag(token_id: str, digest: str) -> str:
    return scoped_etag(token_id, digest.encode(), "")


def evaluate(call: Call) -> Answer | None:
    """The evaluations that a plain body asks for, if they do not take long."""
    if (plain := read_plain_body(call.json(), len(call.body))) is None:
        return None
    (context, keys), compiled, actor = plain, call.ruleset.compiled, call.token.actor
    if is_long(call.ruleset) if keys is None else not call.may_evaluate(keys):
        return None
    evaluating, names, sees_all = compiled.call(context, STEPS), sees_rule_names(actor), call.token.sees_all
    try:
        if sees_all and keys is None:
            found = evaluating.evaluate_all()
            texts = members(found, names=names)
            call.note(found)
        else:
            by_key = outcomes(evaluating, keys, None if sees_all else call.sees)
            texts = members_by_key(by_key, names=names)
            call.note(by_key.values())
    except (TooLong, TooManyComparisons):
        return None
    call.node.traffic.offer(compiled.environment_id, context)
    return ok(EVALUATE, answer(compiled, texts), NO_STORE)
