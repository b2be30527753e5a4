"""The guide to the rule language, from which the README's chapter and the page at /docs/rules are made."""

from collections.abc import Mapping
from typing import NamedTuple

from app.engine.conditions import MAX_NESTING
from app.engine.kinds import MAX_VALUE_BYTES
from app.engine.language import GROUPS, IGNORE_CASE, OPERATORS, REFERENCES, Json, Word
from app.engine.operators import MAX_ENTRIES
from app.engine.patterns import MAX_PROGRAMS
from app.engine.reference_checks import MAX_CHAIN
from app.engine.rules import MAX_CONDITIONS, MAX_PATTERNS, MAX_RULES
from app.engine.trace import MAX_NODES
from app.engine.work import MAX_COMPARISONS, MAX_CONTEXT_BYTES

MISSING_FIELD = (
    "A field that the context lacks makes every operator false but `$exists: false`, `$notEquals` and `$notIn`."
)
LISTS = f"Lists of operands have at most {MAX_ENTRIES:,} entries, duplicates not counted."


class Example(NamedTuple):
    """Rules of the string flag `checkout` whose default is "old", and what they give for some contexts."""

    rules: list[Json]
    gives: tuple[tuple[Json, str], ...]


class Topic(NamedTuple):
    """A chapter: paragraphs with words in backticks, the words that it explains, and an example."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    words: Mapping[str, Word] = {}
    example: Example | None = None


GUIDE: tuple[Topic, ...] = (
    Topic(
        "order",
        "Which rule decides",
        (
            "A flag, a config and a segment have a list of rules in each environment. They are tried from the top: "
            "the first whose condition (`if`) is true and whose percentage admits the context decides. Where none "
            "does, the default value applies, or the context is not in the segment. A rule without `if` is for every "
            "context.",
            "A rule of a flag or config has either a `value` or a `split`. A segment's rule has neither: it says who "
            "belongs. A rule may have a `name`, unique among the rules of the flag, config or segment, which reasons "
            "show, and a `description`.",
            "A rule with `disabled` set to `true` is never tried. It keeps its place and its index, and is checked "
            "like the others: what it refers to must exist.",
        ),
        example=Example(
            [
                {"name": "our own people", "if": {"field": "email", "$endsWith": "@example.com"}, "value": "new"},
                {"if": {"field": "plan", "$equals": "pro"}, "value": "pro"},
            ],
            (
                ({"email": "ada@example.com", "plan": "pro"}, "new"),
                ({"email": "eve@example.org", "plan": "pro"}, "pro"),
                ({"plan": "free"}, "old"),
            ),
        ),
    ),
    Topic(
        "conditions",
        "Conditions",
        (
            'A condition compares one field of the context by one operator: `{"field": path, operator: operand}`. '
            "An operand that its operator cannot use is refused when the rules are saved.",
            MISSING_FIELD,
            LISTS,
        ),
        OPERATORS,
    ),
    Topic("ignore-case", "Ignoring case", (), {"ignoreCase": IGNORE_CASE}),
    Topic(
        "groups",
        "Groups",
        (f"Groups may stand in groups, at most {MAX_NESTING} levels deep; a segment starts its own count.",),
        GROUPS,
    ),
    Topic(
        "references",
        "Segments and prerequisites",
        (
            "In one call each segment and each prerequisite is evaluated once. References must exist, make no cycle "
            f"and no chain of more than {MAX_CHAIN}, and keep what they name from being deleted.",
        ),
        REFERENCES,
    ),
    Topic(
        "paths",
        "Paths",
        (
            "`field` and `bucketBy` are looked up as a whole key of the context first, then as a path whose dots "
            "lead into objects. Paths do not lead into arrays: ask what an array holds with `$contains`, "
            "`$containsAny` or "
            '`$containsAll`. `user[0]`, `$.user` and `user["plan"]` are refused, for they would find nothing.',
        ),
        example=Example(
            [{"if": {"field": "user.plan", "$equals": "pro"}, "value": "new"}],
            (({"user": {"plan": "pro"}}, "new"), ({"user.plan": "pro"}, "new"), ({"user": [{"plan": "pro"}]}, "old")),
        ),
    ),
    Topic(
        "percentages",
        "Percentages, ids and buckets",
        (
            "`rolloutPercent` admits that percentage of the contexts for which the condition is true, always the "
            "same ones. Raising it never moves anyone out. It has at most two decimals.",
            "The id is the value of `bucketBy`, otherwise of the target id field: the project's, otherwise the "
            "organisation's, otherwise `userId`. A text or a number is an id; a number counts in its shortest "
            "decimal form, `1.0` as `1`. All else is a missing id, which no percentage admits, not even 100.",
            'The bucket is `murmur3_x86_32(seed + ":" + id) * 10000 // 2^32`, with the hash of the UTF-8 text as an '
            "unsigned number. The context is admitted where the bucket is less than the percentage times 100. "
            "`seed` is the rule's, otherwise the key of the flag, config or segment: rules with the same seed admit "
            "the same ids.",
        ),
        example=Example(
            [{"rolloutPercent": 25, "value": "new"}, {"bucketBy": "company", "rolloutPercent": 50, "value": "beta"}],
            (
                ({"userId": "u-2"}, "new"),
                ({"userId": "u-1", "company": "globex"}, "beta"),
                ({"userId": "u-3", "company": "initech"}, "old"),
                ({}, "old"),
            ),
        ),
    ),
    Topic(
        "splits",
        "Splits",
        (
            "`split` gives one of several values by percentages that add up to 100. An entry may have a `name`, the "
            'variant\'s, which reasons show. The bucket is that of `seed + ":split:" + id`, so it is '
            "independent of the "
            "rule's `rolloutPercent`. A missing id gets the first entry above 0 percent.",
        ),
        example=Example(
            [
                {
                    "split": [
                        {"value": "blue", "percent": 50, "name": "control"},
                        {"value": "green", "percent": 50, "name": "treatment"},
                    ]
                }
            ],
            (({"userId": "u-1"}, "blue"), ({"userId": "u-2"}, "green"), ({}, "blue")),
        ),
    ),
    Topic(
        "reasons",
        "Reasons and traces",
        (
            "Each answer has a reason: `default`, `killed` or `rule_match` with `ruleIndex` (from 0), `ruleName` "
            "and `variant`.",
            "With `verboseReason` the reason has a `trace`: an entry for each rule up to the deciding one, whose "
            "`outcome` is `matched`, `condition_false`, `not_admitted` or `disabled`. It has the tree of its "
            "`condition`, all of it evaluated, with what was found (`actual`, or `missing`) beside each operand; its "
            "`rollout` with `by`, `id`, `bucket` and `threshold`; and its `split` with `bucket` and `entry`. Where the "
            "id is missing, `rollout` or `split` has `missing` and, in `by`, the field that lacks it. A call's traces "
            f"end at {MAX_NODES:,} conditions.",
        ),
    ),
    Topic(
        "limits",
        "Limits",
        (
            f"A flag, config or segment has at most {MAX_RULES} rules, {MAX_CONDITIONS:,} conditions (each group "
            f"counts as one) and {MAX_PATTERNS} patterns, which compile to at most {MAX_PROGRAMS // 1024**2} MiB. "
            f"A value has at most {MAX_VALUE_BYTES // 1024} KiB of JSON, a context {MAX_CONTEXT_BYTES // 1024} KiB.",
            f"The conditions of one call are compared with at most {MAX_COMPARISONS:,} members of arrays; searching a "
            "long text counts as well. Beyond that the call is `invalid_request` at `context`.",
            "Numbers without fraction or exponent are exact from -2^63 to 2^64-1; all others are doubles.",
        ),
    ),
)
