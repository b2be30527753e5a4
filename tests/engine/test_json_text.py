"""JSON in and out: what no caller may send, by its path, and what comes back as it was sent."""

import contextlib
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import json_text
from app.engine.json_text import MAX_DEPTH, BadJson, decode, decode_carefully, encode, join
from tests.examples import examples

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=4)
    ),
    max_leaves=20,
)


def faults(text: str) -> dict[str, str]:
    with pytest.raises(BadJson) as caught:
        decode(text.encode("utf-8", "surrogatepass"))
    return caught.value.faults


@given(VALUES)
def test_what_is_encoded_is_decoded_to_the_same(value: Any) -> None:
    again = decode(encode(value).encode())
    assert again == value
    assert encode(again) == encode(value)


@given(VALUES)
def test_what_others_encode_is_decoded_to_the_same(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value


@given(st.binary(max_size=40))
def test_bytes_are_a_value_or_bad_json_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(BadJson):
        value = decode(data)
        assert decode(encode(value).encode()) == value


KEYS = st.sampled_from(['"a"', '"b"', r'"\u0061"', '"a.b"', r'"\ud800"', '""'])
TEXTS: st.SearchStrategy[str] = st.recursive(
    st.sampled_from(
        """0 -0 -0.0 1.0 01 1. .5 1e2 1E+2 1e-400 -1e-400 1e400 -1e400 5e-324 2.2250738585072011e-308 0.1
        9007199254740993 1.7976931348623157e308 1.7976931348623159e308 9223372036854775807
        9223372036854775808 18446744073709551615
        18446744073709551616 -9223372036854775808 -9223372036854775809 18446744073709551616.5 NaN Infinity -Infinity
        null true false tru "" "\\ud800" "\\udc00x" "\\ud83d\\ude00" "\\ude00\\ud83d" "\\u0000"
        "\\x" "\x7f" "é" ' {} [] [1,]
        """.split()  # noqa: SIM905
    )
    | st.sampled_from(["9" * 300, "9" * 400, "-" + "9" * 19, "-" + "9" * 20, "0." + "1" * 400, '"\t"', '"\n"'])
    | st.sampled_from(["[" * depth + "]" * depth for depth in (MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 1024, 5000)])
    | st.integers(-(2**70), 2**70).map(str)
    | st.floats().map(repr)
    | st.text(max_size=4).map(json.dumps),
    lambda children: (
        st.lists(children, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(KEYS, children), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=12,
)
BYTES = (
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=40)
    | st.tuples(TEXTS, st.binary(max_size=2)).map(lambda parts: parts[0].encode("utf-8", "surrogatepass") + parts[1])
)


def decoded_or_faults(decoder: Callable[[], Any]) -> str:
    """The value with its types and the order of keys, or the faults, as a text: -0.0 is not 0, nor 1.0 is 1."""
    try:
        return repr(decoder())
    except BadJson as refused:
        return f"faults: {refused.faults}"


@examples(4)
@given(BYTES)
def test_the_fast_decoder_takes_what_the_careful_one_takes(data: bytes) -> None:
    fast = decoded_or_faults(lambda: decode(data, allow_duplicate_keys=True))
    assert fast == decoded_or_faults(lambda: decode_carefully(data, allow_duplicate_keys=True))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.0", 1.0),
        ("-0", 0),
        ("1e2", 100.0),
        ("1e-400", 0.0),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\u0000"', "\0"),
        ("  [ ]  ", []),
    ],
)
def test_what_json_allows(text: str, value: Any) -> None:
    decoded = decode(text.encode())
    assert decoded == value
    assert type(decoded) is type(value)


def test_an_integer_beyond_64_bits_is_a_double() -> None:
    for text in ("18446744073709551616", "-9223372036854775809", "9" * 300):
        value = decode(text.encode())
        assert isinstance(value, float)
        assert value == float(text)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "", "{", "[1,]", "{'a': 1}", "1 2", "01", "tru", "\ufeff1"]
)
def test_what_is_no_json_has_one_fault_without_a_path(text: str) -> None:
    assert list(faults(text)) == [""]


def test_what_is_no_utf_8_has_one_fault_without_a_path() -> None:
    with pytest.raises(BadJson) as caught:
        decode(b'"\xff"')
    assert caught.value.faults == {"": "The body is not UTF-8."}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"a": 1, "a": 2}', {"a"}),
        ('{"a": {"b": [{"c": 1, "c": 1}]}}', {"a.b.0.c"}),
        ('{"a.b": {"c": 1, "c": 1}}', {'["a.b"].c'}),
        ("1e400", {""}),
        ('{"a": [1, 1e400, -1e400]}', {"a.1", "a.2"}),
        ("9" * 400, {""}),
        (r'{"a": "\ud800"}', {"a"}),
        (r'{"a": ["\udc00x", "\ud800\ud800"]}', {"a.0", "a.1"}),
        (r'{"b": {"\ud800": 1}}', {"b"}),
        (r'{"a": 1e400, "b": "\ud800", "c": 1, "c": 2}', {"a", "b", "c"}),
    ],
)
def test_what_no_value_can_hold_is_told_by_its_path_all_at_once(text: str, paths: set[str]) -> None:
    assert set(faults(text)) == paths


def test_nesting_has_a_limit() -> None:
    def nested(levels: int) -> str:
        return "[" * levels + "]" * levels

    assert decode(nested(MAX_DEPTH).encode())
    assert list(faults(nested(MAX_DEPTH + 1)).values()) == [json_text._TOO_DEEP]
    assert list(faults(nested(100_000)).values()) == [json_text._TOO_DEEP]
    assert faults('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1))


def test_a_hostile_number_takes_no_time() -> None:
    assert decode(b"1" * 300) == float("1" * 300)
    assert math.isclose(decode(b"0." + b"1" * 100_000), 1 / 9)


def test_paths() -> None:
    assert join("", "a") == "a"
    assert join("a", 0) == "a.0"
    assert join("a.0", "b.c") == 'a.0.["b.c"]'
