"""Evaluations as text, put together of the parts that outcomes keep."""

from collections.abc import Iterable, Mapping

import orjson

from app.engine.evaluation import Evaluation
from app.engine.snapshot import CompiledRuleset


def answer(ruleset: CompiledRuleset, members: Iterable[bytes]) -> bytes:
    """REST's answer with the members of `evaluations`."""
    about = ruleset.environment_id.encode(), ruleset.version, b",".join(members)
    return b'{"environmentId":"%b","version":%d,"evaluations":{%b}}' % about


def members_of(found: Mapping[str, Evaluation | None], *, names: bool) -> list[bytes]:
    """The members for the evaluations by key, in reasons of which rules are named or not."""
    return [
        orjson.dumps(key) + b":null"
        if one is None
        else (one.member or one.make_member())
        if names
        else (one.nameless_member or one.make_nameless_member())
        for key, one in found.items()
    ]
