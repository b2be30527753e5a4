"""A naive interpreter of the rule language, written from the contract: it walks the JSON of a ruleset
document.

It shares no code with `app` and is slow on purpose: what it and the compiler agree on is what the contract
says.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import re2

NOTHING = object()
NEGATIONS = {"$notEquals": "$equals", "$notIn": "$in"}


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32 with seed 0, unsigned, step by step."""

    def rotate(word: int, by: int) -> int:
        return (word << by | word >> 32 - by) & 0xFFFFFFFF

    def mix(word: int) -> int:
        return rotate(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF

    result = 0
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        result ^= mix(int.from_bytes(data[start : start + 4], "little"))
        result = (rotate(result, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    result ^= mix(int.from_bytes(data[whole:], "little"))
    result ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        result = (result ^ result >> shift) * factor & 0xFFFFFFFF
    return result ^ result >> 16


def bucket(seed: str, identity: str) -> int:
    return murmur3(f"{seed}:{identity}".encode()) * 10000 // 2**32


def percent(number: Any) -> Fraction:
    return Fraction(Decimal(str(number)))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(a: Any, b: Any) -> bool:
    if is_number(a) and is_number(b):
        return Fraction(a) == Fraction(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return set(a) == set(b) and all(equal(a[name], b[name]) for name in a)
    return bool(a == b)


def find(context: Any, path: str) -> Any:
    if path in context:
        return context[path]
    found = context
    for step in path.split("."):
        if not isinstance(found, dict) or step not in found:
            return NOTHING
        found = found[step]
    return found


def identity(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if not is_number(value):
        return None
    if isinstance(value, int):
        return str(value)
    sign, digits, exponent = Decimal(str(value)).as_tuple()
    text = "".join(map(str, digits)) + "0" * max(int(exponent), 0)
    if int(exponent) < 0:
        text = text.rjust(1 - int(exponent), "0")
        text = f"{text[: int(exponent)]}.{text[int(exponent) :]}".rstrip("0").rstrip(".")
    text = text.lstrip("0") if not text.startswith("0.") else text
    return ("-" if sign and text else "") + (text or "0")


def version(text: Any) -> tuple[list[int], list[str]] | None:
    match = isinstance(text, str) and re.fullmatch(r"([^-+]*)(?:-([^+]*))?(?:\+(.*))?", text, re.DOTALL)
    if not match:
        return None
    core, prerelease, build = match.groups()
    numeric = r"(0|[1-9][0-9]*)"
    if not re.fullmatch(rf"{numeric}\.{numeric}\.{numeric}", core):
        return None
    before = prerelease.split(".") if prerelease is not None else []
    after = build.split(".") if build is not None else []
    if not all(re.fullmatch(r"[0-9A-Za-z-]+", part) for part in before + after):
        return None
    if any(re.fullmatch(r"0[0-9]+", part) for part in before):
        return None
    return [int(part) for part in core.split(".")], before


def semver_order(a: str, b: str) -> int | None:  # noqa: PLR0911 - item 11, clause by clause
    """-1, 0 or 1 by item 11 of the specification; None when either is no version."""
    one, other = version(a), version(b)
    if one is None or other is None:
        return None
    if one[0] != other[0]:
        return -1 if one[0] < other[0] else 1
    if not one[1] or not other[1]:
        return bool(other[1]) - bool(one[1])
    for left, right in zip(one[1], other[1], strict=False):
        if left == right:
            continue
        if left.isdigit() and right.isdigit():
            return -1 if int(left) < int(right) else 1
        if left.isdigit() != right.isdigit():
            return -1 if left.isdigit() else 1
        return -1 if left < right else 1
    return (len(one[1]) > len(other[1])) - (len(one[1]) < len(other[1]))


def moment(text: Any) -> Fraction | None:
    """Seconds since year 0 began."""
    form = r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))"
    match = isinstance(text, str) and re.fullmatch(form, text, re.ASCII)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (1 <= month <= 12 and 1 <= day <= lengths[month - 1] and hour < 24 and minute < 60 and second <= 60):
        return None
    east = int(match[9] or 0) * 60 + int(match[10] or 0)
    if int(match[9] or 0) > 23 or int(match[10] or 0) > 59:
        return None
    days = sum(366 if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) else 365 for y in range(year))
    days += sum(lengths[: month - 1]) + day - 1
    minutes = days * 1440 + hour * 60 + minute - (-east if match[8] == "-" else east)
    if second == 60 and minutes % 1440 != 1439:
        return None
    return minutes * 60 + second + Fraction("0" + (match[7] or ".0"))


def address(text: Any) -> Any:
    try:
        if not isinstance(text, str) or "%" in text:
            return None
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def network(text: Any) -> Any:
    if not isinstance(text, str) or "%" in text or not re.fullmatch(r"[^/]+/(0|[1-9][0-9]*)", text):
        return None
    try:
        found = ipaddress.ip_network(text, strict=False)
        mapped = getattr(ipaddress.ip_address(text.split("/")[0]), "ipv4_mapped", None)
    except ValueError:
        return None
    if mapped is not None and found.prefixlen >= 96:
        return ipaddress.ip_network(f"{mapped}/{found.prefixlen - 96}", strict=False)
    return found


def lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [member.lower() if isinstance(member, str) else member for member in value]
    return value.lower() if isinstance(value, str) else value


def compares_in_lower_case(operator: str, value: Any, operand: Any) -> bool:
    if operator in ("$in", "$notIn") and isinstance(value, list):
        return compares(operator, value, operand)
    if operator == "$contains" and isinstance(operand, list):
        return compares(operator, value, operand)
    return compares(operator, lowered(value), lowered(operand))


def compares(operator: str, value: Any, operand: Any) -> bool:  # noqa: C901, PLR0911, PLR0912 - a table, row by row
    if operator in NEGATIONS:
        return not compares(NEGATIONS[operator], value, operand)
    if operator == "$exists":
        return (value is not NOTHING) == operand
    if value is NOTHING:
        return False
    if operator == "$equals":
        return equal(value, operand)
    if operator == "$in":
        return any(equal(value, member) for member in operand)
    if operator == "$inCidr":
        found = address(value)
        return found is not None and any(found in network(text) for text in operand)
    if operator == "$contains" and isinstance(value, list):
        return any(equal(member, operand) for member in value)
    if operator in ("$containsAny", "$containsAll"):
        held = value if isinstance(value, list) else [value]
        found = [any(equal(member, one) for member in held) for one in operand]
        return any(found) if operator == "$containsAny" else all(found)
    if operator.startswith("$semver"):
        order = semver_order(value, operand)
        return order is not None and ordered(operator.removeprefix("$semver").lower(), order, 0)
    if operator in ("$before", "$after"):
        then, bound = moment(value), moment(operand)
        return then is not None and bound is not None and (then < bound if operator == "$before" else then > bound)
    if operator in ("$gt", "$gte", "$lt", "$lte"):
        if is_number(value) and is_number(operand):
            return ordered(operator[1:], Fraction(value), Fraction(operand))
        if isinstance(value, str) and isinstance(operand, str):
            return ordered(operator[1:], [ord(c) for c in value], [ord(c) for c in operand])
        return False
    if not isinstance(value, str) or not isinstance(operand, str):
        return False
    if operator == "$startsWith":
        return value[: len(operand)] == operand
    if operator == "$endsWith":
        return operand == "" or value[-len(operand) :] == operand
    if operator == "$contains":
        return value.find(operand) >= 0
    assert operator == "$matches"
    return re2.fullmatch(operand, value) is not None


def ordered(name: str, a: Any, b: Any) -> bool:
    return bool({"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b, "equals": a == b}[name])


class Naive:
    """One call: a ruleset document and a context."""

    def __init__(self, ruleset: dict[str, Any], context: dict[str, Any]) -> None:
        self.primitives = {**ruleset.get("flags", {}), **ruleset.get("configs", {})}
        self.segments = ruleset.get("segments", {})
        self.target_field = ruleset["targetIdField"]
        self.context = context
        self.target = identity(find(context, self.target_field))

    def evaluate(self, key: str) -> dict[str, Any]:
        state = self.primitives[key]
        default = state["defaultValue"]
        if state.get("killed"):
            value = False if state["type"] == "boolean" else default
            return {"value": value, "defaultValue": default, "reason": {"kind": "killed"}}
        for index, rule in enumerate(state["rules"]):
            if rule.get("disabled"):
                continue
            if not self.holds(rule.get("if", {"$and": []})) or not self.admits(rule, key):
                continue
            reason = {"kind": "rule_match", "ruleIndex": index}
            if "name" in rule:
                reason["ruleName"] = rule["name"]
            if "split" not in rule:
                return {"value": rule["value"], "defaultValue": default, "reason": reason}
            entry = rule["split"][self.entry(rule, key)]
            if "name" in entry:
                reason["variant"] = entry["name"]
            return {"value": entry["value"], "defaultValue": default, "reason": reason}
        return {"value": default, "defaultValue": default, "reason": {"kind": "default"}}

    def by(self, rule: dict[str, Any]) -> str:
        return rule.get("bucketBy", self.target_field)

    def admits(self, rule: dict[str, Any], key: str) -> bool:
        if "rolloutPercent" not in rule:
            return True
        who = identity(find(self.context, self.by(rule)))
        return who is not None and bucket(rule.get("seed", key), who) < percent(rule["rolloutPercent"]) * 100

    def entry(self, rule: dict[str, Any], key: str) -> int:
        who = identity(find(self.context, self.by(rule)))
        if who is None:
            return next(index for index, entry in enumerate(rule["split"]) if entry["percent"] > 0)
        position = bucket(rule.get("seed", key) + ":split", who)
        reached = Fraction(0)
        for index, entry in enumerate(rule["split"]):
            reached += percent(entry["percent"]) * 100
            if position < reached:
                return index
        raise AssertionError

    def deciding_rule(self, key: str) -> dict[str, Any] | None:
        for rule in self.segments[key]["rules"]:
            if rule.get("disabled"):
                continue
            if self.holds(rule.get("if", {"$and": []})) and self.admits(rule, key):
                return rule
        return None

    def via(self, key: str) -> str:
        if self.target in self.segments[key]["denyList"]:
            return "deny_list"
        if self.target in self.segments[key]["allowList"]:
            return "allow_list"
        return "none" if self.deciding_rule(key) is None else "rule"

    def holds(self, condition: dict[str, Any]) -> bool:
        if "$and" in condition:
            return all(self.holds(child) for child in condition["$and"])
        if "$or" in condition:
            return any(self.holds(child) for child in condition["$or"])
        if "$not" in condition:
            return not self.holds(condition["$not"])
        if "$segment" in condition:
            return self.via(condition["$segment"]) in ("allow_list", "rule")
        operator = next(name for name in condition if name not in ("field", "$flag", "ignoreCase"))
        compare = compares_in_lower_case if condition.get("ignoreCase") else compares
        return compare(operator, self.actual(condition), condition[operator])

    def actual(self, condition: dict[str, Any]) -> Any:
        if "$flag" in condition:
            return self.evaluate(condition["$flag"])["value"]
        return find(self.context, condition["field"])


class NaiveTraces:
    """The traces of one call, its keys in order."""

    def __init__(self, naive: Naive, limit: int) -> None:
        self.naive = naive
        self.left = limit
        self.ended = False
        self.mentioned: set[str] = set()

    def reason(self, key: str) -> dict[str, Any]:
        reason = self.naive.evaluate(key)["reason"]
        if reason["kind"] == "killed":
            return reason
        reason["trace"] = list(self.entries(key))
        return {**reason, "truncated": True} if self.ended else reason

    def entries(self, key: str) -> Iterator[dict[str, Any]]:  # noqa: C901 - outcome by outcome
        for index, rule in enumerate(self.naive.primitives[key]["rules"]):
            if self.ended:
                return
            if rule.get("disabled"):
                yield {"ruleIndex": index, "outcome": "disabled"}
                continue
            entry: dict[str, Any] = {"ruleIndex": index, "outcome": "matched"}
            if "if" in rule:
                nodes = self.nodes([rule["if"]])
                if not nodes:
                    return
                entry["condition"] = nodes[0]
                if not self.naive.holds(rule["if"]):
                    yield {**entry, "outcome": "condition_false"}
                    continue
            who = identity(find(self.naive.context, self.naive.by(rule)))
            seed = rule.get("seed", key)
            if "rolloutPercent" in rule:
                threshold = percent(rule["rolloutPercent"]) * 100
                entry["rollout"] = {"by": self.naive.by(rule), "threshold": int(threshold)}
                entry["rollout"] |= {"missing": True} if who is None else {"id": who[:256], "bucket": bucket(seed, who)}
                if not self.naive.admits(rule, key):
                    yield {**entry, "outcome": "not_admitted"}
                    continue
            if "split" in rule:
                entry["split"] = {"entry": self.naive.entry(rule, key)}
                if who is None:
                    entry["split"] |= {"by": self.naive.by(rule), "missing": True}
                else:
                    entry["split"]["bucket"] = bucket(seed + ":split", who)
            yield entry
            return

    def nodes(self, conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for condition in conditions:
            if self.left == 0:
                self.ended = True
                break
            self.left -= 1
            found.append(self.node(condition))
        return found

    def node(self, condition: dict[str, Any]) -> dict[str, Any]:
        result = {"result": self.naive.holds(condition)}
        for joint in ("$and", "$or"):
            if joint in condition:
                return {"operator": joint, **result, "children": self.nodes(condition[joint])}
        if "$not" in condition:
            return {"operator": "$not", **result, "children": self.nodes([condition["$not"]])}
        if "$segment" in condition:
            return {"operator": "$segment", "operand": condition["$segment"], **result, **self.inside(condition)}
        operator = next(name for name in condition if name not in ("field", "$flag", "ignoreCase"))
        node = {"operator": operator, "operand": cut(condition[operator]), **result}
        if condition.get("ignoreCase"):
            node["ignoreCase"] = True
        if "field" in condition:
            return {**node, "field": condition["field"], **shown(self.naive.actual(condition))}
        node["flag"] = condition["$flag"]
        if self.is_first("$flag " + condition["$flag"]):
            node |= shown(self.naive.actual(condition))
            node["reason"] = self.naive.evaluate(condition["$flag"])["reason"]
        return node

    def inside(self, condition: dict[str, Any]) -> dict[str, Any]:
        key = condition["$segment"]
        if not self.is_first("$segment " + key):
            return {}
        via = self.naive.via(key)
        rule = self.naive.deciding_rule(key) if via == "rule" else None
        return {"via": via, "children": self.nodes([rule["if"]])} if rule and "if" in rule else {"via": via}

    def is_first(self, mention: str) -> bool:
        first = mention not in self.mentioned
        self.mentioned.add(mention)
        return first


def shown(value: Any) -> dict[str, Any]:
    return {"missing": True} if value is NOTHING else {"actual": cut(value)}


def cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:256]
    if isinstance(value, list | dict):
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return value if len(text) <= 256 else text[:256]
    return value
