"""Patterns take long to compile, so there is a limit to one and to all of a primitive."""

from typing import Any

import pytest

from app.engine.patterns import PatternError, whole_match
from app.engine.rules import MAX_PATTERNS, parse_rules


def rules(patterns: int) -> list[Any]:
    conditions = [{"field": "a", "$matches": f"x{n}"} for n in range(patterns)]
    return [{"if": {"$or": conditions}, "value": True}]


@pytest.mark.parametrize(("patterns", "refused"), [(MAX_PATTERNS, False), (MAX_PATTERNS + 1, True)])
def test_a_primitive_has_so_many_patterns(patterns: int, refused: bool) -> None:
    faults: dict[str, str] = {}
    parse_rules(rules(patterns), "rules", faults, lambda *_: None)
    assert faults == ({"rules": f"Must have at most {MAX_PATTERNS} patterns for $matches."} if refused else {})


def test_a_pattern_that_takes_long_to_compile_is_refused() -> None:
    with pytest.raises(PatternError):
        whole_match(r"\pL{500}")
    assert whole_match(r"\pL+ [a-z]{2,24}")("Zoë abc")
