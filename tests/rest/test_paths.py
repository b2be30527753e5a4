"""Paths lead where Starlette's routes would, tried in turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import compile_path

from app.rest.app import TABLE
from app.rest.paths import Paths

PATHS = sorted({endpoint.path for endpoint in TABLE})
OURS = Paths({path: path for path in PATHS})
THEIRS = {path: compile_path(path)[0] for path in PATHS}
SEGMENTS = sorted({segment for path in PATHS for segment in path.split("/") if not segment.startswith("{")})


def expected(path: str) -> tuple[str, dict[str, str]] | None:
    matches = ((route, pattern.fullmatch(path)) for route, pattern in THEIRS.items())
    return next(((route, match.groupdict()) for route, match in matches if match), None)


@given(st.lists(st.sampled_from([*SEGMENTS, "x", "1", "{slug}", "ü", " "]), max_size=8))
def test_any_path_leads_where_routes_in_turn_would(segments: list[str]) -> None:
    path = "/".join(["", *segments])
    assert OURS.find(path) == expected(path)


@given(st.sampled_from(PATHS), st.data())
def test_a_path_of_the_table_is_found_whatever_its_parameters_are(path: str, data: st.DataObject) -> None:
    filled = "/".join(
        data.draw(st.sampled_from(["web", *filter(None, SEGMENTS)])) if segment.startswith("{") else segment
        for segment in path.split("/")
    )
    assert OURS.find(filled) == expected(filled) is not None


@pytest.mark.parametrize("path", ["", "/", "//", "orgs", "/orgs/", "//orgs", "/orgs//projects", "/orgs/acme/"])
def test_what_is_no_path_leads_nowhere(path: str) -> None:
    assert OURS.find(path) is None


def test_a_segment_that_is_a_name_may_be_a_parameter_in_a_longer_path() -> None:
    paths = Paths({"/a/b": 1, "/a/{x}/c": 2, "/{y}/b/c/d": 3})
    assert paths.find("/a/b") == (1, {})
    assert paths.find("/a/b/c") == (2, {"x": "b"})
    assert paths.find("/a/b/c/d") == (3, {"y": "a"})
    assert paths.find("/a") is None
