"""A projection holds what the paths name, found as rules find it, and nothing else."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.json_values import MISSING
from app.engine.paths import FieldPath
from app.engine.projection import projected

NAMES = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", ""])
CONTEXTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.integers() | st.none(), lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2)
    ),
    max_size=5,
)
PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3).map(".".join), unique=True, max_size=4
).filter(lambda paths: not any(one.startswith(f"{other}.") for one, other in permutations(paths, 2)))


def leaves(value: Any, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What objects hold that is no object, or an empty one, and the way to it."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*steps, name))
    elif steps:
        yield steps, value


@given(CONTEXTS, PATHS)
def test_nothing_is_kept_that_is_not_named(context: dict[str, Any], paths: list[str]) -> None:
    before = repr(context)
    kept = projected(context, [FieldPath.of(one) for one in paths])
    for steps, value in leaves(kept):
        text = ".".join(steps)
        assert any(f"{text}.".startswith(f"{path}.") for path in paths)
        inside: Any = context
        for step in steps:
            inside = inside[step]
        assert inside == value, "and it is where it was"
    assert repr(context) == before


@given(CONTEXTS, PATHS)
def test_rules_find_what_is_kept_as_they_did(context: dict[str, Any], paths: list[str]) -> None:
    kept = projected(context, [FieldPath.of(one) for one in paths])
    for path in map(FieldPath.of, paths):
        assert path.look_up(kept) == path.look_up(context)
    for path in map(FieldPath.of, {"a", "b", "a.b", "b.a", "a.a", "b.b"} - set(paths)):
        found = path.look_up(kept)
        assert found is MISSING or found == path.look_up(context) or isinstance(found, dict)


def test_a_whole_key_comes_first() -> None:
    context = {"a.b": 1, "a": {"b": 2, "c": 3}, "d": {"e": None, "f": 4}}
    paths = [FieldPath.of(one) for one in ("a.b", "a.c", "d.e", "d.g")]
    assert projected(context, paths) == {"a.b": 1, "a": {"c": 3}, "d": {"e": None}}
