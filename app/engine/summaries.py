"""What a state gives, in a word and in one sentence: for lists, mails and the audit, where nobody reads rules."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from app.engine import json_text
from app.engine.json_values import equal
from app.engine.kinds import Kind, killed_value

MAX_SHOWN = 40
MAX_SHARES = 4

Rule = Mapping[str, Any]


class SummaryKind(StrEnum):
    """What a state comes to."""

    ON = "on"
    OFF = "off"
    VALUE = "value"
    RULES = "rules"
    PERCENT = "percent"
    KILLED = "killed"


class Summary(NamedTuple):
    """`rules` is the number of those that are not disabled, `percent` that of `SummaryKind.PERCENT`."""

    kind: SummaryKind
    rules: int
    percent: float | None
    text: str


class Summed(NamedTuple):
    """A state as it is stored, decoded. Values are those of flags and configs; lists, by their length, of segments."""

    kind: Kind
    rules: Sequence[Rule]
    value_type: str | None = None
    default_value: Any = None
    killed: bool = False
    allowed: int = 0
    denied: int = 0


def summarize(state: Summed) -> Summary:
    """What the state comes to:

    - A killed flag is `killed`.
    - Where everybody gets the same value it is `on` or `off` for booleans, otherwise `value`.
    - Where one rule gives a percentage of everybody a value, and all others get another one, it is `percent`.
    - A segment that has everybody in it is `on`, one that has nobody `off`, and one without lists that has a percentage
      of everybody `percent`.
    - Everything else is `rules`.

    Disabled rules do not count. A rule without condition and percentage is for everybody whom no rule above it takes,
    so what it gives takes the place of the default value.
    """
    enabled = [rule for rule in state.rules if not rule.get("disabled")]
    if state.kind is Kind.SEGMENT:
        return _of_segment(enabled, state.allowed, state.denied)
    if state.killed:
        value = _shown(killed_value(state.value_type, state.default_value))
        return Summary(SummaryKind.KILLED, len(enabled), None, f"Killed: {value} for everyone.")
    return _of_values(enabled, state.default_value)


def _of_values(rules: Sequence[Rule], default_value: Any) -> Summary:
    count = len(rules)
    last = next((index for index, rule in enumerate(rules) if _is_for_everyone(rule)), count)
    rest = [default_value] if last == count else _outcomes(rules[last])
    if len(rest) > 1:
        split = _split(rules[last])
        text = f"Everyone is split: {split}." if last == 0 else f"{_rules(count)}; everyone else is split: {split}."
        return Summary(SummaryKind.RULES, count, None, text)
    value = rest[0]
    before = [(rule, one) for rule in rules[:last] for one in _outcomes(rule)]
    if all("if" not in rule and equal(one, value) for rule, one in before):
        if isinstance(value, bool):
            kind = SummaryKind.ON if value else SummaryKind.OFF
            return Summary(kind, count, None, f"{kind.capitalize()} for everyone.")
        return Summary(SummaryKind.VALUE, count, None, f"{_shown(value)} for everyone.")
    first = rules[0]
    if last == 1 and "if" not in first and len(given := _outcomes(first)) == 1:
        percent = _shortest(first["rolloutPercent"])
        text = f"{percent}% of everyone gets {_shown(given[0])}; everyone else {_shown(value)}."
        return Summary(SummaryKind.PERCENT, count, percent, text)
    return Summary(SummaryKind.RULES, count, None, f"{_rules(count)}; everyone else gets {_shown(value)}.")


def _of_segment(rules: Sequence[Rule], allowed: int, denied: int) -> Summary:
    kind, percent, parts = SummaryKind.RULES, None, list[str]()
    if any(map(_is_for_everyone, rules)):
        kind = SummaryKind.RULES if denied else SummaryKind.ON
        parts.append("Everyone")
    elif len(rules) == 1 and "if" not in rules[0] and not allowed and not denied:
        kind, percent = SummaryKind.PERCENT, _shortest(rules[0]["rolloutPercent"])
        parts.append(f"{percent}% of everyone")
    elif rules:
        parts.append(_rules(len(rules)))
    elif not allowed:
        kind = SummaryKind.OFF
        parts.append("Nobody")
    parts += [f"{size:,} {word}" for size, word in ((allowed, "allowed"), (denied, "denied")) if size]
    return Summary(kind, len(rules), percent, f"{', '.join(parts)}.")


def _is_for_everyone(rule: Rule) -> bool:
    return "if" not in rule and "rolloutPercent" not in rule


def _outcomes(rule: Rule) -> list[Any]:
    """The values that somebody gets by the rule."""
    if "split" not in rule:
        return [rule["value"]]
    return [share["value"] for share in rule["split"] if share["percent"] > 0]


def _split(rule: Rule) -> str:
    shares = [
        f"{_shortest(share['percent'])}% {_shown(share['value'])}" for share in rule["split"] if share["percent"] > 0
    ]
    more = len(shares) - MAX_SHARES
    return ", ".join(shares[:MAX_SHARES]) + (f" and {more} more" if more > 0 else "")


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count} rules"


def _shortest(percent: float) -> float:
    return int(percent) if percent == int(percent) else percent


def _shown(value: Any) -> str:
    """The value as JSON, cut, on one line and without what readers cannot see."""
    if isinstance(value, str):
        text = json_text.encode(value if len(value) <= MAX_SHOWN else f"{value[: MAX_SHOWN - 1]}…")
    else:
        whole = json_text.encode(value)
        text = whole if len(whole) <= MAX_SHOWN else f"{whole[: MAX_SHOWN - 1]}…"
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
