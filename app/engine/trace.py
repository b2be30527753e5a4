"""Traces: a second walk over parsed conditions, on request, that shows why a rule matched or did not.

It uses the checks of the compiled predicates, and the results of the same call for segments and prerequisites. Only
`$and`, `$or` and `$not` are computed again, because a trace evaluates every child.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from app.engine.bucketing import bucket_of, id_text, rollout_prefix, split_prefix
from app.engine.compiled import CompiledSegment
from app.engine.conditions import Comparison, Condition, Junction, Negation, Prerequisite, SegmentReference
from app.engine.evaluation import Evaluation
from app.engine.json_text import encode
from app.engine.json_values import MISSING
from app.engine.operators import Check
from app.engine.rules import Rule
from app.engine.snapshot import EvaluationCall

MAX_NODES = 10_000
MAX_SHOWN = 256
_STEPS = 10  # that a node takes, next to the evaluation's own

Tree = dict[str, Any]


class Tracer:
    """The traces of one call. Nodes and repeated mentions are counted over all of its keys, in order."""

    def __init__(self, call: EvaluationCall, max_nodes: int = MAX_NODES) -> None:
        self._call = call
        self._nodes_left = max_nodes
        self._truncated = False
        self._mentioned: set[tuple[str, str]] = set()

    def reason(self, key: str, evaluation: Evaluation) -> Tree:
        """The reason of `evaluation`, the call's result for flag or config `key`, with its trace."""
        document = dict(evaluation.reason)
        if document["kind"] != "killed":
            document["trace"] = self._trace(self._call.ruleset.primitives[key].state.rules, key)
            if self._truncated:
                document["truncated"] = True
        return document

    def _trace(self, rules: Iterable[Rule], key: str) -> list[Tree]:
        """An entry for each rule up to the deciding one, or until the limit of nodes is reached."""
        entries: list[Tree] = []
        for index, rule in enumerate(rules):
            entry = None if self._truncated else self._entry(index, rule, key)
            if entry is None:
                break
            entries.append(entry)
            if entry["outcome"] == "matched":
                break
        return entries

    def _entry(self, index: int, rule: Rule, key: str) -> Tree | None:
        """The outcome of one rule, or None if the limit of nodes was reached before its condition."""
        if rule.disabled:
            return {"ruleIndex": index, "outcome": "disabled"}
        entry: Tree = {"ruleIndex": index, "outcome": "matched"}
        if rule.condition is not None:
            results, nodes = self._visit((rule.condition,))
            if not nodes:
                return None
            entry["condition"] = nodes[0]
            if not results[0]:
                return {**entry, "outcome": "condition_false"}
        by = rule.bucket_by or self._call.ruleset.target_id_path
        target = id_text(self._call.find(by))
        if rule.rollout is not None:
            bucket = self._bucket(rollout_prefix(rule.seed_or(key)), target)
            found = {"missing": True} if bucket is None else {"id": self._shown(target), "bucket": bucket}
            entry["rollout"] = {"by": by.text, **found, "threshold": rule.rollout}
            if bucket is None or bucket >= rule.rollout:
                return {**entry, "outcome": "not_admitted"}
        if rule.split:
            bucket = self._bucket(split_prefix(rule.seed_or(key)), target)
            if bucket is None:
                entry["split"] = {"by": by.text, "missing": True, "entry": _share(rule, 0)}
            else:
                entry["split"] = {"bucket": bucket, "entry": _share(rule, bucket)}
        return entry

    def _visit(self, conditions: Iterable[Condition]) -> tuple[list[bool], list[Tree]]:
        """Whether each condition is true, and the nodes of those within the limit."""
        results, nodes = [], []
        for condition in conditions:
            counted = self._nodes_left > 0
            self._nodes_left -= counted
            self._call.step(_STEPS)
            self._truncated = self._truncated or not counted
            node = self._node(condition)
            results.append(node["result"])
            if counted:
                nodes.append(node)
        return results, nodes

    def _node(self, condition: Condition) -> Tree:
        match condition:
            case Comparison(field, check):
                actual = self._call.find(field)
                node = {"operator": check.operator, "field": field.text, **self._operand(check)}
                return {**node, **self._actual(actual), "result": check.holds(actual, self._call)}
            case Junction(operator, children):
                results, nodes = self._visit(children)
                result = all(results) if operator == "$and" else any(results)
                return {"operator": operator, "result": result, "children": nodes}
            case Negation(child):
                results, nodes = self._visit((child,))
                return {"operator": "$not", "result": not results[0], "children": nodes}
            case SegmentReference(key):
                return self._segment_node(key)
            case Prerequisite():
                return self._prerequisite_node(condition)

    def _segment_node(self, key: str) -> Tree:
        node = {"operator": "$segment", "operand": key, "result": self._call.is_member(key)}
        segment = self._call.ruleset.segments.get(key)
        if segment is None or not self._first_mention("segment", key):
            return node
        node["via"], rule = self._decision(segment)
        if rule is not None and rule.condition is not None:
            node["children"] = self._visit((rule.condition,))[1]
        return node

    def _decision(self, segment: CompiledSegment) -> tuple[str, Rule | None]:
        """What decided about membership, and the rule if it was one."""
        target = self._call.target_id
        if target in segment.state.deny_list:
            return "deny_list", None
        if target in segment.state.allow_list:
            return "allow_list", None
        self._call.step(segment.steps)
        index = segment.deciding_rule(self._call.context, self._call)
        return ("none", None) if index is None else ("rule", segment.state.rules[index])

    def _prerequisite_node(self, condition: Prerequisite) -> Tree:
        key, check = condition.key, condition.check
        outcome = self._call.evaluate(key)
        actual = MISSING if outcome is None else outcome.value
        node = {"operator": check.operator, "flag": key, **self._operand(check)}
        if self._first_mention("primitive", key):
            node |= self._actual(actual)
            if outcome is not None:
                node["reason"] = outcome.reason
        return {**node, "result": check.holds(actual, self._call)}

    def _bucket(self, prefix: str, target: str | None) -> int | None:
        if target is None:
            return None
        self._call.read(target)
        return bucket_of(prefix + target)

    def _operand(self, check: Check) -> Tree:
        shown = {"operand": self._shown(check.operand)}
        return {**shown, "ignoreCase": True} if check.ignore_case else shown

    def _actual(self, value: Any) -> Tree:
        return {"missing": True} if value is MISSING else {"actual": self._shown(value)}

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return value[:MAX_SHOWN]
        return self._call.once(_cut, value) if isinstance(value, list | dict) else value

    def _first_mention(self, kind: str, key: str) -> bool:
        known = (kind, key) in self._mentioned
        self._mentioned.add((kind, key))
        return not known


def _share(rule: Rule, bucket: int) -> int:
    """The index of the entry that `bucket` falls into: the first whose cumulative percent is above it."""
    return bisect_right(list(accumulate(share.percent for share in rule.split)), bucket)


def _cut(value: list[Any] | dict[str, Any]) -> Any:
    """A list or object, or the beginning of its compact text if that is long."""
    text = encode(value)
    return text[:MAX_SHOWN] if len(text) > MAX_SHOWN else value
