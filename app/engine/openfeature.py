"""What OpenFeature's remote evaluation protocol (OFREP) makes of an evaluation, and of a context.

`resolution` is the one place that knows the mapping. It looks at nothing but an outcome, which keeps the text.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from app.engine.bucketing import id_text
from app.engine.evaluation import MAX_KEPT, Evaluation
from app.engine.json_values import MISSING, NUMBERS
from app.engine.kinds import ConfigType
from app.engine.paths import Context, FieldPath
from app.engine.snapshot import CompiledRuleset

TARGETING_KEY = "targetingKey"
MAX_VARIANT = 64  # characters


def resolution(outcome: Evaluation) -> dict[str, Any]:
    """The JSON object `{key, value, reason, variant}` of an outcome.

    The value of a config of numbers is always a float, 1.0 and not 1: to some clients the latter is of another type.
    """
    is_number = outcome.state.type == ConfigType.NUMBER
    return {
        "key": outcome.state.key,
        "value": float(outcome.value) if is_number else outcome.value,
        "reason": _reason(outcome),
        "variant": outcome.reason.get("variant") or variant_of(outcome.value),
    }


def resolution_text(outcome: Evaluation) -> bytes:
    """The resolution as JSON, which the outcome keeps."""
    if (encoded := outcome.ofrep) is None:
        encoded = orjson.dumps(resolution(outcome))
        if len(encoded) <= MAX_KEPT:
            outcome.ofrep = encoded = memoryview(encoded).tobytes()  # which does not keep the encoder's buffer
    return encoded


def resolutions_text(ruleset: CompiledRuleset, found: Iterable[Evaluation], event_streams: bytes) -> bytes:
    """The protocol's answer for many keys, with where to hear of changes."""
    flags = b",".join([outcome.ofrep or resolution_text(outcome) for outcome in found])
    about = flags, event_streams, ruleset.environment_id.encode(), ruleset.version
    return b'{"flags":[%b],"eventStreams":%b,"metadata":{"environmentId":"%b","version":%d}}' % about


def variant_of(value: Any) -> str:
    """The name of a value that has none: its text, which no change of rules changes; a digest where that is long."""
    name = value if isinstance(value, str) else None
    if type(value) in NUMBERS:
        name = id_text(value)
    if name is None:
        name = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if 0 < len(name) <= MAX_VARIANT:
        return name
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def targeted(context: Context, target_id_path: FieldPath) -> Context:
    """The context, in which `targetingKey` is the target id unless it has one; `targetingKey` stays a field as well."""
    targeting_key = context.get(TARGETING_KEY, MISSING)
    if targeting_key is MISSING or target_id_path.look_up(context) is not MISSING:
        return context
    return {**context, target_id_path.text: targeting_key}


def _reason(outcome: Evaluation) -> str:
    kind = outcome.reason["kind"]
    if kind != "rule_match":
        return "DISABLED" if kind == "killed" else "DEFAULT"
    rule = outcome.state.rules[outcome.reason["ruleIndex"]]
    return "SPLIT" if rule.split or rule.rollout is not None else "TARGETING_MATCH"
