"""`Accept` and `Accept-Encoding`, however they are written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from app.http.accept import accepts_gzip, prefers_page, rank

TYPES = ["text/html", "application/json", "application/graphql-response+json", "image/png"]
RANGES = [*TYPES, "text/*", "application/*", "*/*"]
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
weights = st.sampled_from([None, 0, 0.001, 0.25, 0.5, 0.999, 1])
blanks = st.sampled_from(["", " ", "\t "])


def headers_of(name: str, *lines: str) -> Headers:
    return Headers(raw=[(name.encode(), line.encode("latin-1")) for line in lines])


@st.composite
def written(draw: st.DrawFn, values: list[str]) -> tuple[dict[str, float], list[str]]:
    """Values with their weights, and one of the ways to write that: any case, blanks, order and number of lines."""
    weighed = draw(st.dictionaries(st.sampled_from(values), weights, max_size=len(values)))
    elements = []
    for value, weight in weighed.items():
        text = draw(st.sampled_from([str.lower, str.upper, str.title]))(value)
        text += draw(st.sampled_from(["", ";charset=utf-8", ';note="a, b; q=0"', ";Q1=0"]))
        if weight is not None:
            text += f"{draw(blanks)};{draw(blanks)}{draw(st.sampled_from('qQ'))}={weight:.3f}"
        elements.append(draw(blanks) + text + draw(blanks))
    cut = draw(st.integers(0, len(elements)))
    lines = [",".join(draw(st.permutations(elements[:cut]))), ", ,".join(elements[cut:])]
    return {value: 1 if weight is None else weight for value, weight in weighed.items()}, lines


@given(written(RANGES), st.sampled_from(TYPES))
def test_the_closest_range_decides(given: tuple[dict[str, float], list[str]], media_type: str) -> None:
    weighed, lines = given
    ranges = [media_type, media_type.partition("/")[0] + "/*", "*/*"]
    closest = next((one for one in ranges if one in weighed), None)
    expected = (0, 0) if closest is None else (weighed[closest], 2 - ranges.index(closest))
    assert rank(headers_of("accept", *lines), media_type) == expected


@given(written(["gzip", "identity", "*", "br"]))
def test_gzip_is_taken_where_it_is_wanted(given: tuple[dict[str, float], list[str]]) -> None:
    weighed, lines = given
    gzip = weighed.get("gzip", weighed.get("*", 0))
    assert accepts_gzip(",".join(lines)) is (gzip > 0 and gzip >= weighed.get("identity", 0))


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=3))
def test_nothing_that_is_sent_breaks_the_reading(lines: list[str]) -> None:
    headers = headers_of("accept", *lines)
    assert 0 <= rank(headers, "text/html").quality <= 1
    assert accepts_gzip(",".join(lines)) in {True, False}


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (CHROMIUM, True),
        ("text/html, */*", True),
        ("TEXT/HTML", True),
        ("text/*", True),
        ("text/html;q=0.1", True),
        ("text/html;q=0", False),
        ("text/html;q=0.5, application/json", False),
        ("application/json;q=0.5, text/html;q=0.6", True),
        ("application/json, text/html", False),
        ("*/*", False),
        ("text/html-fragment", False),
        ("x-text/html", False),
        ("", False),
    ],
)
def test_who_gets_pages(accept: str, page: bool) -> None:
    assert prefers_page(headers_of("accept", accept)) is page


def test_without_the_headers_nothing_is_a_page_or_compressed() -> None:
    assert not prefers_page(Headers(raw=[]))
    assert not accepts_gzip("")


@pytest.mark.parametrize(
    "hostile",
    [
        '\\"' * 16_000 + "\\",
        '"' * 32_001,
        ";q=" * 10_000,
        "q " * 16_000 + ";",
        "," * 32_000,
        "text/html;q=" + " " * 31_000 + "x",
        "text/html;" + " " * 31_000 + "x",
        "text/html;q" + "\t" * 31_000 + "x",
        "text/html;q=1" + " " * 31_000 + "x",
        "text/html;q=." + "0" * 31_000 + "x",
        "text/html" + " ;" * 16_000 + "x",
    ],
)
def test_reading_is_linear(hostile: str) -> None:
    started = time.process_time()
    prefers_page(headers_of("accept", hostile))
    accepts_gzip(hostile)
    assert time.process_time() - started < 0.25
