"""Evaluations as text, put together of the parts that outcomes keep."""

from collections.abc import Iterable, Mapping

import orjson

from app.engine.evaluation import Evaluation
from app.engine.snapshot import CompiledRuleset


def answer(ruleset: CompiledRuleset, members: Iterable[bytes]) -> bytes:
    """REST's answer with the members of `evaluations`."""
    about = ruleset.environment_id.encode(), ruleset.version, b",".join(members)
    return b'{"environmentId":"%b","version":%d,"evaluations":{%b}}' % about


def members(outcomes: Iterable[Evaluation], *, names: bool) -> list[bytes]:
    """The member of each, in reasons of which rules are named or not."""
    if names:
        return [one.member or one.make_member() for one in outcomes]
    return [one.nameless_member or one.make_nameless_member() for one in outcomes]


def members_by_key(found: Mapping[str, Evaluation | None], *, names: bool) -> list[bytes]:
    """The members for evaluations by key; null for the keys that have none, which come last."""
    known = members(filter(None, found.values()), names=names)
    if len(known) == len(found):
        return known
    return known + [orjson.dumps(key) + b":null" for key, one in found.items() if one is None]
