"""Patterns take long to compile, so there is a limit to one and to all of a primitive, and equal ones are shared."""

from typing import Any

import pytest

from app.engine.patterns import PatternError, Programs
from app.engine.rules import MAX_PATTERNS, parse_rules, parse_segment_rules


def rules(patterns: int) -> list[Any]:
    conditions = [{"field": "a", "$matches": f"x{n}"} for n in range(patterns)]
    return [{"if": {"$or": conditions}, "value": True}]


@pytest.mark.parametrize(("patterns", "refused"), [(MAX_PATTERNS, False), (MAX_PATTERNS + 1, True)])
def test_a_primitive_has_so_many_patterns(patterns: int, refused: bool) -> None:
    faults: dict[str, str] = {}
    parse_rules(rules(patterns), "rules", faults, lambda *_: None)
    assert faults == ({"rules": f"Must have at most {MAX_PATTERNS} patterns for $matches."} if refused else {})


def test_a_pattern_that_takes_long_to_compile_is_refused() -> None:
    with pytest.raises(PatternError, match="pattern too large"):
        Programs().compile(r"\pL{500}")
    assert Programs().compile(r"\pL+ [a-z]{2,24}").matches("Zoë abc")


LARGE = [f"{n:06}.{{0,930}}x" for n in range(100)]  # of about 130 KiB each


def test_patterns_beyond_2_mib_of_programs_are_refused_each_at_its_path() -> None:
    faults: dict[str, str] = {}
    conditions = [{"field": "a", "$matches": pattern} for pattern in LARGE]
    parse_segment_rules([{"if": {"$or": conditions}}], "rules", faults)
    refused = [int(path.split(".")[4]) for path in faults]
    assert refused == list(range(refused[0], 100))
    assert 10 < refused[0] < 20
    assert set(faults.values()) == {"The patterns of one state must compile to at most 2 MiB."}


def test_after_some_that_are_too_large_no_more_is_compiled() -> None:
    programs, messages = Programs(), []
    for n in range(100):
        with pytest.raises(PatternError) as refusal:
            programs.compile(rf"{n}\pL{{500}}")
        messages.append(str(refusal.value))
    assert sum("too large" in message for message in messages) < 10


def test_an_equal_pattern_counts_once_and_is_compiled_once() -> None:
    programs = Programs()
    assert len({id(programs.compile(LARGE[0])) for _ in range(100)}) == 1
    kept = programs.compile(LARGE[0])
    assert Programs().compile(LARGE[0]) is kept


def test_what_is_stored_is_read_whatever_it_costs() -> None:
    faults: dict[str, str] = {}
    stored = [{"if": {"field": "a", "$matches": pattern}} for pattern in LARGE[:20]]
    assert len(parse_segment_rules(stored, "rules", faults, stored=True)) == 20
    assert faults == {}
