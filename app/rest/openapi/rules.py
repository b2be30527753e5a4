"""The JSON schemas of rules and reasons, which the engine reads and makes, for those who generate code from them.

They take every rule that `parse_rules` takes, and many more: a condition is one flat object, because generators make
good types of that, and of alternatives they do not.
"""

from typing import Any

from app.engine.language import GROUPS, IGNORE_CASE, OPERATORS, REFERENCES
from app.engine.rules import MAX_RULES
from app.engine.texts import MAX_NAME, MAX_TEXT
from app.engine.trace import MAX_NODES, MAX_SHOWN

Json = dict[str, Any]


def _ref(name: str, description: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}", "description": description}


def _list(name: str, description: str, **more: Any) -> Json:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}, "description": description, **more}


def _object(description: str, properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
        "properties": properties,
    }


def _name(description: str) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "description": description}


def _percent(description: str) -> Json:
    return {"type": "number", "minimum": 0, "maximum": 100, "description": f"{description} At most two decimals."}


_BY = {"type": "string", "description": "The context field that the id was taken from."}
_BUCKET = {"type": "integer", "minimum": 0, "maximum": 9_999, "description": "The id's bucket; absent without an id."}
_MISSING_ID = {"type": "boolean", "const": True, "description": "There only if the context has no id in that field."}

COMPONENTS: dict[str, Json] = {
    "Condition": {
        **_object(
            "A condition: `field` with one operator, `$flag` with one operator, `$segment`, `$and`, `$or` or `$not`. "
            "The whole language is described at `/docs/rules`.",
            {
                "field": _name("The path of the field that the operator compares; dots lead into objects."),
                **{name: {**word.schema, "description": word.meaning} for name, word in OPERATORS.items()},
                "ignoreCase": {**IGNORE_CASE.schema, "description": IGNORE_CASE.meaning},
                "$and": _list("Condition", GROUPS["$and"].meaning),
                "$or": _list("Condition", GROUPS["$or"].meaning),
                "$not": _ref("Condition", GROUPS["$not"].meaning),
                **{name: {**word.schema, "description": word.meaning} for name, word in REFERENCES.items()},
            },
        ),
        "minProperties": 1,
    },
    "Rule": _object(
        "A rule of a flag, config or segment. The first whose condition holds and whose percentage admits the context "
        "decides. A rule of a flag or config has either a `value` or a `split`; a segment's has neither, and says who "
        "belongs.",
        {
            "if": _ref("Condition", "The condition; without one the rule is for every context."),
            "value": {"description": "The value that it gives, of the type of the flag or config."},
            "split": _list("Share", "The values that it gives, by percentages that add up to 100.", minItems=1),
            "rolloutPercent": _percent("How many of the contexts it admits; all if absent."),
            "seed": _name("What the buckets are made with; the key of the flag, config or segment if absent."),
            "bucketBy": _name("The context field whose value is put into a bucket; the target id field if absent."),
            "name": _name("Its name; no other rule of the same flag, config or segment has it."),
            "description": {"type": "string", "maxLength": MAX_TEXT, "description": "What it is for."},
            "disabled": {"type": "boolean", "description": "With `true` it is never tried."},
        },
    ),
    "Share": _object(
        "One value of a split.",
        {
            "value": {"description": "The value, of the type of the flag or config."},
            "percent": _percent("How many of the rule's contexts get it."),
            "name": _name("The variant's name, unique in the split."),
        },
        "value",
        "percent",
    ),
    "Reason": _object(
        "Why a value is what it is.",
        {
            "kind": {
                "type": "string",
                "enum": ["default", "killed", "rule_match"],
                "description": "What decided: no rule, the kill switch, or a rule.",
            },
            "ruleIndex": {"type": "integer", "minimum": 0, "description": "Which rule decided, from 0."},
            "ruleName": {"type": "string", "description": "The rule's name, where it has one."},
            "variant": {"type": "string", "description": "The name of the split's entry, where it has one."},
            "trace": _list("Trace", "With `verboseReason`: each rule up to the deciding one."),
            "truncated": {
                "type": "boolean",
                "const": True,
                "description": f"There only if the call's traces ended early, at {MAX_NODES:,} conditions.",
            },
        },
        "kind",
    ),
    "Trace": _object(
        "What became of one rule.",
        {
            "ruleIndex": {"type": "integer", "minimum": 0, "description": "Which rule, from 0."},
            "outcome": {
                "type": "string",
                "enum": ["matched", "condition_false", "not_admitted", "disabled"],
                "description": (
                    "It decided, its condition was false, its percentage left the context out, or it is disabled."
                ),
            },
            "condition": _ref("TracedCondition", "The rule's condition, as far as it has one."),
            "rollout": _ref("TracedRollout", "Its percentage, where the condition was true."),
            "split": _ref("TracedSplit", "Which value of its split was taken."),
        },
        "ruleIndex",
        "outcome",
    ),
    "TracedCondition": _object(
        f"A condition as it was evaluated. Long texts, lists and objects are cut at {MAX_SHOWN} characters.",
        {
            "operator": {"type": "string", "description": "The operator, group or reference."},
            "field": {"type": "string", "description": "The path of the field."},
            "flag": {"type": "string", "description": "The key of the prerequisite."},
            "operand": {"description": "What it was compared with."},
            "ignoreCase": {"type": "boolean", "const": True, "description": "There only if case was ignored."},
            "actual": {"description": "The value that was found."},
            "missing": {"type": "boolean", "const": True, "description": "There only if no value was found."},
            "result": {"type": "boolean", "description": "Whether it is true."},
            "reason": _ref(
                "Reason", "Why the prerequisite has its value; absent the second time that it is mentioned."
            ),
            "via": {
                "type": "string",
                "enum": ["allow_list", "deny_list", "rule", "none"],
                "description": "What decided about a segment; absent the second time that it is mentioned.",
            },
            "children": _list("TracedCondition", "The conditions in a group, or that of a segment's deciding rule."),
        },
        "operator",
        "result",
    ),
    "TracedRollout": _object(
        "How a `rolloutPercent` was decided.",
        {
            "by": _BY,
            "id": {"type": "string", "description": "The id; absent if it is missing."},
            "bucket": _BUCKET,
            "threshold": {
                "type": "integer",
                "description": "The percentage in hundredths: ids in buckets below are in.",
            },
            "missing": _MISSING_ID,
        },
        "by",
        "threshold",
    ),
    "TracedSplit": _object(
        "How a `split` was decided.",
        {
            "bucket": _BUCKET,
            "entry": {"type": "integer", "minimum": 0, "description": "Which entry was taken, from 0."},
            "by": {**_BY, "description": "The context field that lacks the id; there only if it is missing."},
            "missing": _MISSING_ID,
        },
        "entry",
    ),
}

RULES = _list("Rule", "Evaluated in order; the first rule that matches applies.", maxItems=MAX_RULES)
REASON: Json = {"$ref": "#/components/schemas/Reason"}
