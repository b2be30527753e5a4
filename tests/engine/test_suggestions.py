"""What a mistyped word was meant to be."""

import time

import pytest

from app.engine.suggestions import MAX_COMPARED, MAX_EXPLAINED, likeliest, unknown

KNOWN = ("$equals", "$notEquals", "$in", "$notIn", "$startsWith", "field", "displayName")
OTHERS = {"$eq": "$equals", "$ne": "$notEquals"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("$eq", "$equals"),
        ("$ne", "$notEquals"),
        ("$NE", "$notEquals"),
        ("$equal", "$equals"),
        ("$STARTSWITH", "$startsWith"),
        ("equals", "$equals"),
        ("feild", "field"),
        ("display_name", "displayName"),
        ("zzz", None),
        ("", None),
        ("\ud800", None),
    ],
)
def test_the_likeliest_is_found_whatever_its_case(word: str, meant: str | None) -> None:
    assert likeliest(word, KNOWN, OTHERS) == meant


def test_what_exists_is_listed() -> None:
    assert unknown("field", "nmae", ["key", "name"]) == "Unknown field. Did you mean name? Known fields: key, name."
    assert unknown("field", "zzz", ["key", "name"]) == "Unknown field. Known fields: key, name."
    assert unknown("field", "x", []) == "Unknown field."


def test_of_many_faults_only_the_first_are_explained() -> None:
    assert unknown("field", "nmae", ["name"], MAX_EXPLAINED) == "Unknown field."


def test_long_words_are_not_compared() -> None:
    started = time.process_time()
    assert likeliest("name" * 250_000, ["name" * 10, "x" * MAX_COMPARED]) is None
    assert time.process_time() - started < 0.1
