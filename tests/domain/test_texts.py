"""Names and texts: what people may write, whatever characters there are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.domain.commands import Email, Name, Text, free_text

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(chr(code) for code in [*range(9), *range(11, 32), *range(127, 160)])
ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(TURNING + CONTROLS + "\n\t "), max_size=20
)
NAME: TypeAdapter[str] = TypeAdapter(Name)
TEXT: TypeAdapter[str] = TypeAdapter(Text)
EMAIL: TypeAdapter[str] = TypeAdapter(Email)


def taken(kind: TypeAdapter[str], given: str) -> str | None:
    """What becomes of a text, None if it is refused."""
    try:
        return kind.validate_python(given)
    except ValidationError:
        return None


@given(ANY_TEXT)
def test_a_name_is_one_visible_line_without_spaces_around_it(given: str) -> None:
    name = taken(NAME, given)
    if name is None:
        return
    assert name == name.strip(" \t\r\n\u00a0\u2003") != ""
    assert not set(name) & set(TURNING + CONTROLS + "\n\u2028\u2029")
    assert any(unicodedata.category(character) not in {"Cf", "Zs"} for character in name)


@given(ANY_TEXT)
def test_a_text_has_lines_and_nothing_that_hides(given: str) -> None:
    text = taken(TEXT, given)
    if set(given.replace("\r\n", "\n")) & set(TURNING + CONTROLS + "\t"):
        assert text is None
    else:
        assert text == given.replace("\r\n", "\n")


NO_NAMES = ["", " ", "\u200b", "\u200b\u200d \ufeff", "\u2060", "\u3164", "\u2800", "\u00ad", "a\u202eb", "a\u200fb"]


@pytest.mark.parametrize("name", [*NO_NAMES, "\u2066a", "a\nb", "a\x85b", "a\u2028b", "a\0"])
def test_a_name_that_is_none(name: str) -> None:
    assert taken(NAME, name) is None


@pytest.mark.parametrize("name", ["a", "a\u200db", "\U0001f468\u200d\U0001f469", "שלום", "سلام", "a\u0301", "a b"])
def test_a_name_in_any_script(name: str) -> None:
    assert taken(NAME, f" {name}\t\n") == name


def test_spaces_around_a_name_do_not_count() -> None:
    assert taken(NAME, " " * 300 + "x" * 200 + " " * 300) == "x" * 200
    assert taken(NAME, "x" * 201) is None


def test_an_email_is_trimmed() -> None:
    assert taken(EMAIL, "  ada@example.com \n") == "ada@example.com"


@pytest.mark.parametrize("text", ["", " \u200b", "x" * 2001, "a\x07", "a\u202e", "\0"])
def test_a_reason_in_a_header_is_a_text_that_says_something(text: str) -> None:
    faults: dict[str, str] = {}
    assert free_text(text, "X-Break-Glass", faults) is None
    assert set(faults) == {"X-Break-Glass"}


def test_a_reason_keeps_its_lines() -> None:
    assert free_text("one\r\ntwo", "x", {}) == "one\ntwo"
