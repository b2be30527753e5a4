"""`If-Match` and `If-None-Match`, to the letter of RFC 9110 and kind to proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import AppError
from app.domain.preconditions import IfMatch, none_match

TAG = '"3.1"'


def refused(header: str, name: str = "If-Match") -> tuple[str, list[str]] | None:
    try:
        IfMatch(header, name).require(TAG)
    except AppError as error:
        return error.code, list(error.fields)
    return None


@pytest.mark.parametrize("header", [TAG, f"W/{TAG}", "*", " * ", f'"x", {TAG}', f'W/"a","b" ,W/{TAG}', f" {TAG} "])
def test_what_names_the_tag_passes(header: str) -> None:
    assert refused(header) is None


@pytest.mark.parametrize("suffix", ["-gzip", "-br", "-zstd", ";gzip"])
@pytest.mark.parametrize("form", ['"3.1{}"', 'W/"3.1{}"', '"x", "3.1{}"'])
def test_what_a_compressing_proxy_adds_is_ignored(form: str, suffix: str) -> None:
    header = form.format(suffix)
    assert refused(header) is None
    assert none_match(header, TAG)
    assert none_match(TAG, f'"3.1{suffix}"')
    assert refused(header.replace("3.1", "3.2")) == ("precondition_failed", [])
    assert not none_match(header.replace("3.1", "3.2"), TAG)


@pytest.mark.parametrize("sent", ['"3.1"', '"3.1~0"', 'W/"3.1~12"', '"x", "3.1~7-gzip"', '"3.1~"'])
def test_what_is_shown_beside_the_content_is_for_readers_alone(sent: str) -> None:
    IfMatch(sent).require('"3.1~2"')
    assert not none_match(sent, '"3.1~2"')
    assert none_match('"3.1~2"', '"3.1~2"')
    with pytest.raises(AppError):
        IfMatch(sent.replace("3.1", "3.2")).require('"3.1~2"')


def test_a_refusal_tells_the_present_tag() -> None:
    with pytest.raises(AppError) as caught:
        IfMatch('"3.2"').require(TAG)
    assert caught.value.headers["ETag"] == TAG


def test_no_header_is_no_condition() -> None:
    IfMatch(None).require(TAG)


@pytest.mark.parametrize("header", ['"3.2"', '""', '"x", "y"', 'W/"3"', '"3.1x"'])
def test_what_names_others_does_not(header: str) -> None:
    assert refused(header) == ("precondition_failed", [])


@pytest.mark.parametrize(
    "header", ["", "3.1", '"3.1 "', '"3.1', '3.1"', "w/" + TAG, '"a" "b"', "*, " + TAG, ",", f"{TAG}; x"]
)
def test_what_is_no_tag_is_told_by_the_name_of_its_header(header: str) -> None:
    assert refused(header) == ("invalid_request", ["If-Match"])
    assert refused(header, "ifMatch") == ("invalid_request", ["ifMatch"])


@given(st.text())
def test_any_header_is_one_of_three_things(header: str) -> None:
    assert refused(header) is None or refused(header)[0] in {"precondition_failed", "invalid_request"}  # type: ignore[index]


def test_a_hostile_header_takes_no_time() -> None:
    for header in ('"a",' * 20_000 + "x", " " * 50_000 + "x", '"a"' + " " * 50_000 + "x", "," * 50_000):
        assert refused(header) == ("invalid_request", ["If-Match"])


@pytest.mark.parametrize(
    ("header", "has"),
    [
        (None, False),
        (TAG, True),
        (f"W/{TAG}", True),
        ("*", True),
        ('"x"', False),
        (f'"x", {TAG}', True),
        ("", False),
        ("x", False),
    ],
)
def test_if_none_match(header: str | None, has: bool) -> None:
    assert none_match(header, TAG) is has
