"""The paths of what the contract refuses in rules: a naive reading, sharing no code with `app`."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from unicodedata import category

import re2

from tests import naive

ORDERS = ("$gt", "$gte", "$lt", "$lte")
TEXTS = ("$startsWith", "$endsWith", "$matches")
SEMVERS = ("$semverGt", "$semverGte", "$semverLt", "$semverLte", "$semverEquals")
LISTS = ("$in", "$notIn", "$inCidr", "$containsAny", "$containsAll")
WITH_CASE = (
    "$equals",
    "$notEquals",
    "$in",
    "$notIn",
    "$startsWith",
    "$endsWith",
    "$contains",
    "$containsAny",
    "$containsAll",
)
OPERATORS = (
    *ORDERS,
    *TEXTS,
    *SEMVERS,
    *LISTS,
    "$equals",
    "$notEquals",
    "$contains",
    "$exists",
    "$before",
    "$after",
)
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
SEGMENT_FIELDS = ("if", "rolloutPercent", "seed", "bucketBy", "name", "description", "disabled")


def step(path: str, name: str | int) -> str:
    return f'{path}.["{name}"]' if "." in str(name) else f"{path}.{name}"


def rules_faults(rules: Any, path: str, *, segment: bool, fits: Callable[[Any], bool]) -> set[str]:
    if not isinstance(rules, list) or len(rules) > 200:
        return {path}
    found = set(equal_names(rules, path))
    for index, rule in enumerate(rules):
        found |= set(rule_faults(rule, f"{path}.{index}", segment, fits))
    return found


def rule_faults(rule: Any, path: str, segment: bool, fits: Callable[[Any], bool]) -> Iterator[str]:  # noqa: C901, PLR0912 - field by field
    if not isinstance(rule, dict):
        yield path
        return
    for name in rule:
        if name not in SEGMENT_FIELDS and (segment or name not in ("value", "split")):
            yield step(path, name)
    if "if" in rule:
        yield from condition_faults(rule["if"], f"{path}.if", 0, segment)
    if "rolloutPercent" in rule and not is_percent(rule["rolloutPercent"]):
        yield f"{path}.rolloutPercent"
    if "seed" in rule and not (is_text(rule["seed"], 200) and rule["seed"]):
        yield f"{path}.seed"
    if "bucketBy" in rule and not is_path(rule["bucketBy"]):
        yield f"{path}.bucketBy"
    if "name" in rule and not is_name(rule["name"]):
        yield f"{path}.name"
    if "description" in rule and not is_description(rule["description"], 2000):
        yield f"{path}.description"
    if "disabled" in rule and not isinstance(rule["disabled"], bool):
        yield f"{path}.disabled"
    if segment:
        return
    if "split" in rule:
        if "value" in rule:
            yield f"{path}.split"
        yield from split_faults(rule["split"], f"{path}.split", fits)
    elif "value" not in rule or not fits(rule["value"]):
        yield f"{path}.value"


def split_faults(split: Any, path: str, fits: Callable[[Any], bool]) -> Iterator[str]:
    if not isinstance(split, list):
        yield path
        return
    yield from equal_names(split, path)
    percents = []
    for index, share in enumerate(split):
        at = f"{path}.{index}"
        if not isinstance(share, dict):
            yield at
            continue
        yield from (step(at, name) for name in share if name not in ("value", "percent", "name"))
        if "value" not in share or not fits(share["value"]):
            yield f"{at}.value"
        if "name" in share and not is_name(share["name"]):
            yield f"{at}.name"
        if "percent" in share and is_percent(share["percent"]):
            percents.append(naive.percent(share["percent"]))
        else:
            yield f"{at}.percent"
    if len(percents) == len(split) and sum(percents) != 100:
        yield path


def equal_names(documents: list[Any], path: str) -> Iterator[str]:
    names = [document.get("name") if isinstance(document, dict) else None for document in documents]
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            yield f"{path}.{index}.name"


def condition_faults(condition: Any, path: str, depth: int, segment: bool) -> Iterator[str]:  # noqa: C901, PLR0912 - form by form
    if not isinstance(condition, dict) or not condition:
        yield path
        return
    forms = [form for form in ("$and", "$or", "$not", "$segment", "$flag", "field") if form in condition]
    operators = [name for name in condition if name in OPERATORS]
    form = forms[0] if forms else "field"
    counted = operators[:1] if form in ("field", "$flag") else []
    compares = form in ("field", "$flag")
    beside = (form, *counted, "ignoreCase") if compares else (form,)
    yield from (step(path, name) for name in condition if name not in beside)
    if counted and not ignores_case_soundly(counted[0], condition.get("ignoreCase", False)):
        yield f"{path}.ignoreCase"
    if form in ("$and", "$or", "$not"):
        if depth == 10:
            yield f"{path}.{form}"
        elif form == "$not":
            yield from condition_faults(condition[form], f"{path}.$not", depth + 1, segment)
        elif not isinstance(condition[form], list):
            yield f"{path}.{form}"
        else:
            for index, child in enumerate(condition[form]):
                yield from condition_faults(child, f"{path}.{form}.{index}", depth + 1, segment)
        return
    if form in ("$segment", "$flag"):
        if not isinstance(condition[form], str) or (form == "$flag" and segment):
            yield f"{path}.{form}"
    elif ("field" in condition or operators) and not is_path(condition.get("field")):
        yield f"{path}.field"
    if form == "$segment":
        return
    if counted:
        yield from operand_faults(counted[0], condition[counted[0]], f"{path}.{counted[0]}")
    elif set(condition) <= {form, "ignoreCase"}:
        yield path


def ignores_case_soundly(operator: str, ignore_case: Any) -> bool:
    return ignore_case is False or (ignore_case is True and operator in WITH_CASE)


def operand_faults(operator: str, operand: Any, path: str) -> Iterator[str]:
    if operator in LISTS:
        if not isinstance(operand, list) or len({repr(entry) for entry in operand}) > 10_000:
            yield path
        elif operator == "$inCidr":
            yield from (f"{path}.{i}" for i, entry in enumerate(operand) if naive.network(entry) is None)
    elif not usable(operator, operand):
        yield path


def usable(operator: str, operand: Any) -> bool:
    if operator in ORDERS:
        return isinstance(operand, str) or naive.is_number(operand)
    if operator == "$matches":
        return isinstance(operand, str) and len(operand) <= 1000 and is_pattern(operand)
    if operator in TEXTS:
        return isinstance(operand, str)
    if operator in SEMVERS:
        return naive.version(operand) is not None
    if operator in ("$before", "$after"):
        return naive.moment(operand) is not None
    return operator != "$exists" or isinstance(operand, bool)


def is_pattern(text: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error:
        return False
    return True


def is_percent(value: Any) -> bool:
    if not naive.is_number(value) or not 0 <= value <= 100:
        return False
    return Decimal(str(value)).normalize().as_tuple().exponent >= -2


def is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and "\0" not in value


def is_name(value: Any) -> bool:
    return (
        is_description(value, 200)
        and not {"\n", "\u2028", "\u2029"} & set(value)
        and any(category(character)[0] not in "CZ" for character in value)
    )


def is_description(value: Any, longest: int) -> bool:
    return is_text(value, longest) and not any(
        character in TURNING or (category(character) == "Cc" and character != "\n") for character in value
    )


def is_path(value: Any) -> bool:
    return is_text(value, 200) and "" not in value.split(".") and not is_of_another_language(value)


def is_of_another_language(path: str) -> bool:
    index = re.search(r"\[(\d*|\*)\]([.\[]|$)", path, re.ASCII)
    quoted = re.search(r"""\[("[^"\[\]]*"|'[^'\[\]]*')\]""", path)
    return bool(index or quoted) or (path.startswith("$.") and len(path) > 2)
