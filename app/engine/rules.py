"""Rules of flags, configs and segments, parsed with every fault at its path, all at once.

A rule is immutable, and knows of its primitive only whether it is a segment.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from app.engine.conditions import Condition, ConditionParser, conditions_in
from app.engine.faults import FaultPath, Faults
from app.engine.json_values import MISSING
from app.engine.operators import MATCHES
from app.engine.other_names import IN_RULES, IN_SPLITS
from app.engine.paths import FieldPath, parse_path
from app.engine.patterns import Programs
from app.engine.percentages import WHOLE, parse_percent
from app.engine.suggestions import unknown
from app.engine.texts import MAX_NAME, parse_description, parse_name, parse_text

MAX_RULES = 200
MAX_CONDITIONS = 10_000
MAX_PATTERNS = 200
RULES_EXAMPLE: Any = [
    {"name": "half of the pro plan", "if": {"field": "plan", "$equals": "pro"}, "rolloutPercent": 50, "value": True}
]

CheckValue = Callable[[Any, str, Faults], None]
"""Adds faults, at the path or below it, for a value that the primitive cannot have."""

_SEGMENT_FIELDS = ("if", "rolloutPercent", "seed", "bucketBy", "name", "description", "disabled")
_FIELDS = ("if", "value", "split", *_SEGMENT_FIELDS[1:])
_SHARE_FIELDS = ("value", "percent", "name")


@dataclass(frozen=True, slots=True)
class Share:
    """One entry of a `split`. `percent` is in hundredths, `name` is the variant's."""

    value: Any
    percent: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `rollout` is `rolloutPercent` in hundredths; `steps` is how many conditions it has, and itself.

    A disabled rule is never tried, but it is complete, and what it refers to must exist.

    `value` is MISSING in a rule with a `split`, and in a segment's rule, which decides about membership.
    """

    condition: Condition | None
    rollout: int | None
    seed: str | None
    bucket_by: FieldPath | None
    name: str | None
    value: Any
    split: tuple[Share, ...]
    steps: int = 1
    disabled: bool = False

    def seed_or(self, key: str) -> str:
        """The seed of the percentages: the rule's own, else the key of its primitive."""
        return key if self.seed is None else self.seed


def parse_rules(
    document: Any, path: str, faults: Faults, check_value: CheckValue, *, stored: bool = False
) -> tuple[Rule, ...]:
    """The rules of a flag or config.

    `document` is decoded JSON at `path`. Faults are added to `faults`; if there are any, the rules are not usable.
    What is stored was once accepted, and is held to no limits of what it costs.
    """
    return _parse(document, FaultPath(faults, path), check_value, stored=stored)


def parse_segment_rules(document: Any, path: str, faults: Faults, *, stored: bool = False) -> tuple[Rule, ...]:
    """The rules of a segment, like `parse_rules`."""
    return _parse(document, FaultPath(faults, path), None, stored=stored)


class Weight(NamedTuple):
    """How many conditions and patterns rules have: all that makes them take long to parse."""

    conditions: int
    patterns: int


def weigh(document: Any) -> Weight:
    """Of decoded JSON that may be anything."""
    conditions = patterns = 0
    for rule in document if isinstance(document, list) else ():
        if isinstance(rule, dict) and "if" in rule:
            for condition in conditions_in(rule["if"]):
                conditions += 1
                patterns += isinstance(condition, dict) and MATCHES in condition
    return Weight(conditions, patterns)


def _parse(document: Any, where: FaultPath, check_value: CheckValue | None, *, stored: bool) -> tuple[Rule, ...]:
    if not isinstance(document, list):
        where.add("Must be a list.")
        return ()
    if not stored and (too_large := _too_large(document)):
        where.add(too_large)
        return ()
    programs = Programs(math.inf) if stored else Programs()
    conditions = ConditionParser(programs, in_segment=check_value is None, stored=stored)
    parser = _RuleParser(conditions, check_value, stored)
    rules = [parser.parse(rule, where.at(index)) for index, rule in enumerate(document)]
    _check_names(document, where)
    return tuple(rule for rule in rules if rule is not None)


def _too_large(document: list[Any]) -> str | None:
    if len(document) > MAX_RULES:
        return f"Must have at most {MAX_RULES} rules."
    weight = weigh(document)
    if weight.conditions > MAX_CONDITIONS:
        return f"Must have at most {MAX_CONDITIONS} conditions; each $and, $or and $not counts as one."
    if weight.patterns > MAX_PATTERNS:
        return f"Must have at most {MAX_PATTERNS} patterns for $matches."
    return None


class _RuleParser(NamedTuple):
    """Parses the rules of one state."""

    conditions: ConditionParser
    check_value: CheckValue | None
    stored: bool

    def parse(self, document: Any, where: FaultPath) -> Rule | None:
        check_value = self.check_value
        if not _is_object(document, where, _SEGMENT_FIELDS if check_value is None else _FIELDS, IN_RULES):
            return None

        def given(name: str, parse: Callable[[Any, FaultPath], Any]) -> Any:
            return parse(document[name], where.at(name)) if name in document else None

        given("description", partial(parse_description, stored=self.stored))
        value, split = (
            (MISSING, ()) if check_value is None else _parse_outcome(document, where, check_value, self.stored)
        )
        return Rule(
            condition=given("if", self.conditions.parse),
            rollout=given("rolloutPercent", parse_percent),
            seed=given("seed", _parse_seed),
            bucket_by=given("bucketBy", partial(parse_path, stored=self.stored)),
            name=given("name", partial(parse_name, stored=self.stored)),
            value=value,
            split=split,
            steps=1 + sum(1 for _ in conditions_in(document["if"])) if "if" in document else 1,
            disabled=given("disabled", _parse_disabled) is True,
        )


def _parse_seed(value: Any, where: FaultPath) -> str | None:
    seed = parse_text(value, where, MAX_NAME)
    if seed == "":
        where.add("Must not be empty.")
    return seed


def _parse_disabled(value: Any, where: FaultPath) -> Any:
    if not isinstance(value, bool):
        where.add("Must be true or false.")
    return value


def _parse_outcome(
    document: dict[str, Any], where: FaultPath, check_value: CheckValue, stored: bool
) -> tuple[Any, tuple[Share, ...]]:
    if "split" in document:
        if "value" in document:
            where.at("split").add("Cannot be combined with value.")
        return MISSING, _parse_split(document["split"], where.at("split"), check_value, stored)
    return _parse_value(document, where, check_value), ()


def _parse_value(document: dict[str, Any], where: FaultPath, check_value: CheckValue) -> Any:
    at = where.at("value")
    if "value" not in document:
        at.add("Is required.")
        return MISSING
    check_value(document["value"], at.path, at.faults)
    return document["value"]


def _parse_split(document: Any, where: FaultPath, check_value: CheckValue, stored: bool) -> tuple[Share, ...]:
    if not isinstance(document, list):
        where.add("Must be a list.")
        return ()
    parsed = [_parse_share(share, where.at(index), check_value, stored) for index, share in enumerate(document)]
    _check_names(document, where)
    shares = tuple(share for share in parsed if share is not None)
    if len(shares) == len(parsed) and sum(share.percent for share in shares) != WHOLE:
        where.add("The percentages must add up to 100.")
    return shares


def _parse_share(document: Any, where: FaultPath, check_value: CheckValue, stored: bool) -> Share | None:
    if not _is_object(document, where, _SHARE_FIELDS, IN_SPLITS):
        return None
    value = _parse_value(document, where, check_value)
    name = parse_name(document["name"], where.at("name"), stored=stored) if "name" in document else None
    if "percent" not in document:
        where.at("percent").add("Is required.")
        return None
    percent = parse_percent(document["percent"], where.at("percent"))
    return None if percent is None else Share(value, percent, name)


def _is_object(document: Any, where: FaultPath, fields: Sequence[str], other_names: Mapping[str, str]) -> bool:
    if not isinstance(document, dict):
        where.add("Must be an object.")
        return False
    for name in document:
        if name not in fields:
            where.at(name).add(unknown("field", name, fields, len(where.faults), other_names))
    return True


def _check_names(documents: list[Any], where: FaultPath) -> None:
    """Of two equal names, the later one is the fault."""
    seen: set[str] = set()
    for index, document in enumerate(documents):
        name = document.get("name") if isinstance(document, dict) else None
        if isinstance(name, str):
            if name in seen:
                where.at(index).at("name").add("The name is given more than once.")
            seen.add(name)
