"""Hypothesis strategies for the rule language: contexts, conditions, rules, whole rulesets, and what is
refused.

Values and fields come from small pools, so that conditions often hold and often fail.
"""

from typing import Any

from hypothesis import strategies as st

TEXTS = ["", "a", "A", "ab", "pro", "Pro", "é", "É", "İ", "ΑΣ", "\uffff", "\U0001f600", "user-1", "1", "a\nb", "\0"]
NUMBERS = [0, 1, 1.0, -0.0, 2, 2.5, 0.1, -3, 2**53, 2**53 + 1, float(2**53), 2**64 - 1, -(2**63), 1e21, 1e300, 5e-324]
VERSIONS = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.0+build.01",
    "1.10.0",
    "1.9.0",
    "1.0.0--",
    "99999999999999999999999.0.0",
]
NO_VERSIONS = ["1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0-a..b", "1.0.0\n", "1.0.0-é"]
INSTANTS = [
    "2024-02-29T12:00:00Z",
    "2024-02-29t13:00:00.000+01:00",
    "2024-02-29T12:00:00.0001z",
    "2016-12-31T23:59:60Z",
    "2016-12-31T15:59:60.5-08:00",
    "2017-01-01T00:00:00.5Z",
    "0000-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
]
NO_INSTANTS = [
    "2023-02-29T12:00:00Z",
    "2024-02-29 12:00:00Z",
    "2024-02-29T12:00:00",
    "2024-02-29T24:00:00Z",
    "2024-02-29T12:00:60Z",
    "2024-02-29T12:00:00.Z",
    "2024-02-29T12:00:00+24:00",
    "2024-13-01T00:00:00Z",
    "2024-02-29",
]
ADDRESSES = ["10.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1%eth0", "010.0.0.1", "::1", "10.0.0.1/8"]
NETWORKS = ["10.0.0.0/8", "10.0.0.7/31", "0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:10.0.0.0/104", "::ffff:0:0/95"]
NO_NETWORKS = ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "fe80::%eth0/64", "::/129", "x/8", ""]
PATTERNS = ["", "a|ab", "user-[0-9]+", ".*", "(?i)PRO", "(?s)a.b", r"\pL+", "(a)(b)?"]
NO_PATTERNS = ["(", "(?=a)", r"\1", "a{1001}", "(?P<n>a", "a" * 1001]

FIELDS = ["plan", "age", "user.plan", "user.address.zip", "a.b", "tags", "tags.0"]
PATHS = [*FIELDS, "userId"]
SEGMENTS = ["staff", "beta", "eu"]
FLAGS = ["checkout", "banner", "limit"]
CONFIGS = ["theme"]

scalars = st.sampled_from([None, True, False, *TEXTS, *NUMBERS, *VERSIONS, *INSTANTS, *ADDRESSES])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=4,
)
users = st.dictionaries(
    st.sampled_from(["plan", "address", "a.b"]),
    values | st.dictionaries(st.just("zip"), values, max_size=1),
    max_size=2,
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "plan": values,
        "age": values,
        "user": users | values,
        "user.plan": values,
        "a": st.dictionaries(st.just("b"), values, max_size=1),
        "a.b": values,
        "tags": st.lists(values, max_size=3),
        "userId": values | st.integers(0, 99).map(lambda number: f"user-{number}"),
    },
)

operands: dict[str, st.SearchStrategy[Any]] = {
    "$equals": values,
    "$notEquals": values,
    "$in": st.lists(values, max_size=4),
    "$notIn": st.lists(values, max_size=4),
    "$gt": st.sampled_from(TEXTS + NUMBERS),
    "$gte": st.sampled_from(TEXTS + NUMBERS),
    "$lt": st.sampled_from(TEXTS + NUMBERS),
    "$lte": st.sampled_from(TEXTS + NUMBERS),
    "$startsWith": st.sampled_from(TEXTS),
    "$endsWith": st.sampled_from(TEXTS),
    "$contains": values,
    "$containsAny": st.lists(values, max_size=4),
    "$containsAll": st.lists(values, max_size=2),
    "$matches": st.sampled_from(PATTERNS),
    "$exists": st.booleans(),
    "$semverGt": st.sampled_from(VERSIONS),
    "$semverGte": st.sampled_from(VERSIONS),
    "$semverLt": st.sampled_from(VERSIONS),
    "$semverLte": st.sampled_from(VERSIONS),
    "$semverEquals": st.sampled_from(VERSIONS),
    "$before": st.sampled_from(INSTANTS),
    "$after": st.sampled_from(INSTANTS),
    "$inCidr": st.lists(st.sampled_from(NETWORKS), max_size=3),
}
WITH_CASE = [
    "$equals",
    "$notEquals",
    "$in",
    "$notIn",
    "$startsWith",
    "$endsWith",
    "$contains",
    "$containsAny",
    "$containsAll",
]
checks = st.sampled_from(sorted(operands)).flatmap(
    lambda operator: operands[operator].map(lambda operand: {operator: operand})
) | st.sampled_from(WITH_CASE).flatmap(
    lambda operator: st.builds(
        lambda operand, ignore: {operator: operand, "ignoreCase": ignore}, operands[operator], st.booleans()
    )
)
wrong_operands = values | st.sampled_from(
    [*NO_VERSIONS, *NO_INSTANTS, *NO_PATTERNS, NO_NETWORKS, NETWORKS[:1] + NO_NETWORKS[:1]]
)


def conditions(segments: list[str], primitives: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Valid conditions that refer to nothing but the named."""
    leaves = st.builds(lambda field, check: {"field": field, **check}, st.sampled_from(PATHS), checks)
    if segments:
        leaves |= st.sampled_from(segments).map(lambda key: {"$segment": key})
    if primitives:
        leaves |= st.builds(lambda key, check: {"$flag": key, **check}, st.sampled_from(primitives), checks)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda children: {"$and": children})
            | st.lists(inner, max_size=3).map(lambda children: {"$or": children})
            | inner.map(lambda child: {"$not": child})
        ),
        max_leaves=4,
    )


percents = st.sampled_from([0, 0.01, 0.07, 12.5, 33.33, 50, 50.0, 99.99, 100]) | st.integers(0, 100)


@st.composite
def splits(draw: st.DrawFn, outcomes: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
    """Splits whose percents sum to 100, with names for some entries."""
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), max_size=3)))
    entries = []
    for index, (low, high) in enumerate(zip([0, *cuts], [*cuts, 10_000], strict=True)):
        entry = {"value": draw(outcomes), "percent": (high - low) / 100}
        if draw(st.booleans()):
            entry["name"] = f"v{index}"
        entries.append(entry)
    return entries


@st.composite
def rule_lists(
    draw: st.DrawFn,
    segments: list[str],
    primitives: list[str],
    outcomes: st.SearchStrategy[Any] | None,
) -> list[dict[str, Any]]:
    """Valid rules; without `outcomes` a segment's."""
    options = {
        "if": conditions(segments, primitives),
        "rolloutPercent": percents,
        "seed": st.sampled_from(["s", "checkout"]),
        "bucketBy": st.sampled_from(PATHS),
        "disabled": st.booleans(),
    }
    rules = draw(st.lists(st.fixed_dictionaries({}, optional=options), max_size=3))
    for index, rule in enumerate(rules):
        if draw(st.booleans()):
            rule["name"] = f"rule {index}"
        if outcomes is not None:
            kind = draw(st.sampled_from(["value", "value", "split"]))
            rule[kind] = draw(outcomes if kind == "value" else splits(outcomes))
    return rules


@st.composite
def rulesets(draw: st.DrawFn) -> dict[str, Any]:
    """Valid ruleset documents in which each primitive refers only to those before it."""
    ids = [text for text in (*TEXTS, "0", "100", "user-7") if "\0" not in text]
    lists = st.lists(st.sampled_from(ids), max_size=3)
    segments: dict[str, Any] = {}
    for key in SEGMENTS:
        segments[key] = {
            "rules": draw(rule_lists(list(segments), [], None)),
            "allowList": draw(lists),
            "denyList": draw(lists),
        }
    flags: dict[str, Any] = {}
    for key in FLAGS:
        kind = draw(st.sampled_from(["boolean", "string"]))
        outcomes = st.booleans() if kind == "boolean" else st.sampled_from(TEXTS)
        flags[key] = {
            "type": kind,
            "defaultValue": draw(outcomes),
            "killed": draw(st.integers(0, 5)) == 0,
            "rules": draw(rule_lists(SEGMENTS, list(flags), outcomes)),
        }
    configs = {
        key: {"type": "json", "defaultValue": draw(values), "rules": draw(rule_lists(SEGMENTS, FLAGS, values))}
        for key in CONFIGS
    }
    return {
        "environmentId": "env",
        "version": 1,
        "targetIdField": draw(st.sampled_from(["userId", "user.plan"])),
        "flags": flags,
        "configs": configs,
        "segments": segments,
    }


_names = st.sampled_from(
    [*operands, "$and", "$or", "$not", "$segment", "$flag", "field", "ignoreCase", "$regex", "a.b"]
)
broken_conditions = st.recursive(
    st.one_of(
        conditions(SEGMENTS, FLAGS),
        st.dictionaries(_names, wrong_operands, max_size=3),
        st.builds(lambda check: {"field": "plan", **check}, st.dictionaries(_names, wrong_operands, max_size=2)),
        values,
    ),
    lambda inner: (
        st.dictionaries(st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3), max_size=2)
        | st.dictionaries(st.sampled_from(["$not", "field"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_texts = st.sampled_from(
    ["", " ", "a", "a..b", "a.b", "x" * 200, "x" * 201, "x" * 2001, "\U0001f600" * 200, "nul\0", "a[0].b", "$.a", 1]
) | st.sampled_from(["\u200b", "a\u202eb", "a\tb", "two\nlines", "two\u2028lines"])
_percents = percents | st.sampled_from([-1, 100.01, 33.333, 1e-3, True, "50", None, 2**64 - 1, 1e300])
_shares = values | st.fixed_dictionaries(
    {"percent": st.sampled_from([50, 50.0, 100, 0.005, "1"])},
    optional={"value": values, "name": _texts, "x.y": values},
)
broken_rules = values | st.lists(
    values
    | st.fixed_dictionaries(
        {},
        optional={
            "if": broken_conditions,
            "rolloutPercent": _percents,
            "seed": _texts,
            "bucketBy": _texts,
            "name": _texts,
            "description": _texts,
            "disabled": st.booleans() | values,
            "value": values,
            "split": values | st.lists(_shares, max_size=3),
            "extra": values,
        },
    ),
    max_size=3,
)
