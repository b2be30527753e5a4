"""What drafts would do: found as a proposed change would find it, in an answer and with work that have limits."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.blast_radius import Budget
from app.engine.kinds import Kind
from app.engine.preview import Preview
from app.engine.references import node
from app.engine.ruleset import Ruleset, StoredState
from app.engine.work import TooLong, TooManyComparisons
from tests.engine.test_blast_radius import JSON, NAMES, ROW, Change, built, changes, flag, radius_of, ruleset
from tests.examples import examples
from tests.strategies import contexts

PLENTY = 1_000_000


def previewed(
    live: Ruleset, *drafts: StoredState, budget: Budget | None = None, most: int = PLENTY, sees: Any = lambda _: True
) -> Preview:
    drafted = live.with_changes(live.version, live.target_id_field, drafts)
    nodes = [node(one.kind, one.key) for one in drafts]
    return Preview(live, drafted, nodes, sees, budget or Budget(PLENTY, PLENTY), most)


def shown(preview: Preview) -> list[JSON]:
    return [
        {"context": orjson.loads(one.context), "evaluations": orjson.loads(one.evaluations)} for one in preview.results
    ]


@examples(2)
@given(changes(), st.lists(contexts, max_size=3))
def test_a_draft_does_what_the_change_would_do(change: Change, some: list[JSON]) -> None:
    document, kind, key, state = change
    live = built(document, 7, set())
    draft = built({**document, NAMES[kind]: {**document[NAMES[kind]], key: state}}, 7, set()).stored(kind, key)
    assert draft is not None
    if kind is Kind.SEGMENT:
        lists = {"allow_list": frozenset(state["allowList"]), "deny_list": frozenset(state["denyList"])}
        draft = draft._replace(**lists)
    radius, preview = radius_of(live, draft, some), previewed(live, draft)
    for context in some:
        preview.add(context)
    expected = [
        {
            "context": result["context"],
            "evaluations": {
                one: {"live": found["live"], "preview": found["proposed"], "flips": found["flips"]}
                for one, found in result["evaluations"].items()
            },
        }
        for result in radius["results"]
    ]
    assert orjson.dumps(shown(preview)) == orjson.dumps(expected)
    assert preview.flips == radius["flips"]
    assert (preview.version, preview.truncated) == (7, False)


def test_what_one_may_not_read_is_neither_shown_nor_counted() -> None:
    following = [{"if": {"$flag": "a", "$equals": True}, "value": True}]
    live = ruleset(flag("a", []), flag("b", following), flag("c", following))
    preview = previewed(live, flag("a", [], value=True), sees=lambda key: key != "b")
    preview.add({})
    assert list(shown(preview)[0]["evaluations"]) == ["a", "c"]
    assert preview.flips == {"a": 1, "c": 1}


def test_an_answer_is_cut_between_contexts_and_counts_them_all() -> None:
    preview = previewed(ruleset(flag("a", [])), flag("a", [], value=True), flag("a", ROW), most=500)
    for n in range(20):
        preview.add({"plan": "pro", "n": n})
    assert preview.truncated
    assert [one["context"]["n"] for one in shown(preview)] == [0, 1, 2]
    assert preview.flips == {"a": 20}
    assert sum(len(one.context) + len(one.evaluations) for one in preview.results) <= 500


@pytest.mark.parametrize(
    ("budget", "limit"), [(Budget(150, PLENTY), TooLong), (Budget(PLENTY, 3_000), TooManyComparisons)]
)
def test_all_contexts_share_a_limit(budget: Budget, limit: type[Exception]) -> None:
    rules = [{"if": {"$or": [{"field": "tags", "$contains": n} for n in range(1, 5)]}, "value": True}]
    preview = previewed(ruleset(flag("a", [])), flag("a", rules), budget=budget)
    context = {"tags": [0] * 200}
    preview.add(context)
    with pytest.raises(limit):  # noqa: PT012
        for _ in range(10):
            preview.add(context)
