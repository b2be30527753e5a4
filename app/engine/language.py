"""The words of the rule language, each with what it means and an example: what documents and schemas are made from."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.engine.patterns import MAX_PATTERN

Json = dict[str, Any]

_ANY: Json = {}
_TEXT: Json = {"type": "string"}
_LIST: Json = {"type": "array", "items": {}}
_TEXTS: Json = {"type": "array", "items": {"type": "string"}}
_NUMBER_OR_TEXT: Json = {"type": ["number", "string"]}


class Word(NamedTuple):
    """`schema` is the operand's; the condition `example` is true for `holds_for` and false for `fails_for`."""

    meaning: str
    schema: Json
    example: Json
    holds_for: Json
    fails_for: Json


OPERATORS: Mapping[str, Word] = {
    "$equals": Word(
        'Equal as JSON: `1` is `1.0`, `true` is not `1`, `"1"` is not `1`.',
        _ANY,
        {"field": "plan", "$equals": "pro"},
        {"plan": "pro"},
        {"plan": "Pro"},
    ),
    "$notEquals": Word(
        "Not equal, or the field is missing.",
        _ANY,
        {"field": "plan", "$notEquals": "free"},
        {},
        {"plan": "free"},
    ),
    "$in": Word(
        "Equal to one of the list.",
        _LIST,
        {"field": "country", "$in": ["DE", "FR"]},
        {"country": "FR"},
        {"country": "US"},
    ),
    "$notIn": Word(
        "Equal to none of the list, or the field is missing.",
        _LIST,
        {"field": "country", "$notIn": ["DE", "FR"]},
        {"country": "US"},
        {"country": "DE"},
    ),
    "$gt": Word(
        "Greater. Numbers are compared with numbers, texts with texts by code point; all else is false.",
        _NUMBER_OR_TEXT,
        {"field": "age", "$gt": 17},
        {"age": 18},
        {"age": "18"},
    ),
    "$gte": Word("Greater or equal.", _NUMBER_OR_TEXT, {"field": "age", "$gte": 18}, {"age": 18}, {"age": 17.9}),
    "$lt": Word("Less.", _NUMBER_OR_TEXT, {"field": "seats", "$lt": 10}, {"seats": 9}, {"seats": 10}),
    "$lte": Word("Less or equal.", _NUMBER_OR_TEXT, {"field": "seats", "$lte": 10}, {"seats": 10}, {"seats": 11}),
    "$startsWith": Word(
        "A text that begins with the operand.",
        _TEXT,
        {"field": "path", "$startsWith": "/admin"},
        {"path": "/admin/users"},
        {"path": "/"},
    ),
    "$endsWith": Word(
        "A text that ends with the operand.",
        _TEXT,
        {"field": "email", "$endsWith": "@example.com"},
        {"email": "ada@example.com"},
        {"email": "ada@example.org"},
    ),
    "$contains": Word(
        "A text that has the operand in it, or an array that holds the operand.",
        _ANY,
        {"field": "tags", "$contains": "beta"},
        {"tags": ["beta", "eu"]},
        {"tags": ["beta-2"]},
    ),
    "$containsAny": Word(
        "An array that holds at least one of the list. A value that is no array counts as an array of one.",
        _LIST,
        {"field": "tags", "$containsAny": ["beta", "staff"]},
        {"tags": ["eu", "staff"]},
        {"tags": ["eu"]},
    ),
    "$containsAll": Word(
        "An array that holds all of the list. A value that is no array counts as an array of one.",
        _LIST,
        {"field": "tags", "$containsAll": ["beta", "eu"]},
        {"tags": ["eu", "us", "beta"]},
        {"tags": ["beta"]},
    ),
    "$matches": Word(
        f"The whole text matches an RE2 pattern (github.com/google/re2/wiki/Syntax) of at most "
        f"{MAX_PATTERN:,} characters.",
        {"type": "string", "maxLength": MAX_PATTERN},
        {"field": "email", "$matches": ".+@(eu|us)\\.example\\.com"},
        {"email": "ada@eu.example.com"},
        {"email": "ada@eu.example.com.org"},
    ),
    "$exists": Word(
        "With `true` the field is there, with `false` it is missing. `null` is a value, so it is there.",
        {"type": "boolean"},
        {"field": "company", "$exists": True},
        {"company": None},
        {},
    ),
    "$semverGt": Word(
        "A later version by Semantic Versioning 2.0. What is no version is false.",
        _TEXT,
        {"field": "appVersion", "$semverGt": "2.3.0"},
        {"appVersion": "2.10.0"},
        {"appVersion": "2.3.0-rc.1"},
    ),
    "$semverGte": Word(
        "A later version or the same.",
        _TEXT,
        {"field": "appVersion", "$semverGte": "2.3.0"},
        {"appVersion": "2.3.0"},
        {"appVersion": "2.3"},
    ),
    "$semverLt": Word(
        "An earlier version.",
        _TEXT,
        {"field": "appVersion", "$semverLt": "2.3.0"},
        {"appVersion": "2.3.0-rc.1"},
        {"appVersion": "2.3.0"},
    ),
    "$semverLte": Word(
        "An earlier version or the same.",
        _TEXT,
        {"field": "appVersion", "$semverLte": "2.3.0"},
        {"appVersion": "2.3.0+build.7"},
        {"appVersion": "2.3.1"},
    ),
    "$semverEquals": Word(
        "The same version; build metadata does not count.",
        _TEXT,
        {"field": "appVersion", "$semverEquals": "2.3.0"},
        {"appVersion": "2.3.0+build.7"},
        {"appVersion": "2.3.0-rc.1"},
    ),
    "$before": Word(
        "An earlier instant. Instants are RFC 3339 texts with an offset or `Z`; all else is false.",
        _TEXT,
        {"field": "signedUpAt", "$before": "2026-01-01T00:00:00Z"},
        {"signedUpAt": "2026-01-01T00:30:00+01:00"},
        {"signedUpAt": "2026-01-01"},
    ),
    "$after": Word(
        "A later instant.",
        _TEXT,
        {"field": "signedUpAt", "$after": "2026-01-01T00:00:00Z"},
        {"signedUpAt": "2026-01-01T00:00:00.001Z"},
        {"signedUpAt": "2026-01-01T00:00:00Z"},
    ),
    "$inCidr": Word(
        "An IP address in one of the listed networks. `::ffff:10.0.0.1` is IPv4; an address with a zone is none.",
        _TEXTS,
        {"field": "ip", "$inCidr": ["10.0.0.0/8", "2001:db8::/32"]},
        {"ip": "10.1.2.3"},
        {"ip": "11.0.0.1"},
    ),
}

IGNORE_CASE = Word(
    "Beside `$equals`, `$notEquals`, `$in`, `$notIn`, `$startsWith`, `$endsWith`, `$contains`, `$containsAny` and "
    "`$containsAll`: with `true`, texts are compared in lower case (Unicode's default, as JavaScript's "
    "`toLowerCase`), those in the operand's list and in the field's array too, but none deeper.",
    {"type": "boolean"},
    {"field": "email", "$endsWith": "@example.com", "ignoreCase": True},
    {"email": "Ada@Example.COM"},
    {"email": "ada@example.org"},
)

GROUPS: Mapping[str, Word] = {
    "$and": Word(
        "All conditions of the list are true. An empty list is true.",
        _LIST,
        {"$and": [{"field": "plan", "$equals": "pro"}, {"field": "country", "$equals": "DE"}]},
        {"plan": "pro", "country": "DE"},
        {"plan": "pro"},
    ),
    "$or": Word(
        "At least one condition of the list is true. An empty list is false.",
        _LIST,
        {"$or": [{"field": "plan", "$equals": "pro"}, {"field": "country", "$equals": "DE"}]},
        {"plan": "pro"},
        {"plan": "free", "country": "US"},
    ),
    "$not": Word(
        "The condition is false.",
        _ANY,
        {"$not": {"field": "plan", "$equals": "free"}},
        {"plan": "pro"},
        {"plan": "free"},
    ),
}

REFERENCES: Mapping[str, Word] = {
    "$segment": Word(
        "The context belongs to the segment of the same environment: its target id is on the allow list, or one of "
        "the segment's rules includes it, and its target id is not on the deny list.",
        _TEXT,
        {"$segment": "staff"},
        {"userId": "ada"},
        {"userId": "eve"},
    ),
    "$flag": Word(
        "A prerequisite: what a flag or config of the same environment evaluates to for this context, compared by "
        "an operator. A killed flag has its killed value. Not in segments.",
        _TEXT,
        {"$flag": "new-navigation", "$equals": True},
        {"userId": "ada", "plan": "pro"},
        {"userId": "ada", "plan": "free"},
    ),
}
