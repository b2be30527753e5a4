"""JSON in and out: what no caller may send, by its path, and what comes back as it was sent."""

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.engine import json_text
from app.engine.json_text import MAX_DEPTH, MAX_FAULTS, MAX_PATH, MAX_VALUES, BadJson, decode, dotted_path, encode
from tests.examples import examples

ORJSON_DEPTH = 1024  # it reads no deeper
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


def naive(data: bytes, *, allow_duplicate_keys: bool) -> Any:
    """The value by Python's own decoder, or None for what is refused."""

    def number(digits: str) -> float:
        if math.isinf(found := float(digits)):
            raise ValueError(digits)
        return found

    def integer(digits: str) -> int | float:
        return int(digits) if len(digits) < 22 and -(2**63) <= int(digits) < 2**64 else number(digits)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if not allow_duplicate_keys and len(dict(pairs)) < len(pairs):
            raise ValueError(pairs)
        if json_text.nests_deeper([value for _, value in pairs], ORJSON_DEPTH):  # what does not count, either
            raise ValueError(pairs)
        json.dumps(pairs, ensure_ascii=False).encode()  # no lone surrogate, in what does not count either
        return dict(pairs)

    def refused(name: str) -> Any:
        raise ValueError(name)

    hooks: Any = {"parse_int": integer, "parse_float": number, "parse_constant": refused, "object_pairs_hook": members}
    try:
        value = json.loads(data.decode(), **hooks)
        json.dumps(value, ensure_ascii=False).encode()  # no lone surrogate
    except (ValueError, RecursionError):
        return None
    return None if json_text.nests_deeper(value, MAX_DEPTH) else value


@examples(4)
@example(b'{"a":' + b"[" * ORJSON_DEPTH + b"]" * ORJSON_DEPTH + b',"a":0}', True)
@given(BYTES, st.booleans())
def test_what_is_taken_and_its_value_are_those_of_a_naive_decoder(data: bytes, allow_duplicate_keys: bool) -> None:
    """By their texts: -0.0 is not 0, nor 1.0 is 1."""
    value, refused = None, None
    try:
        value = decode(data, allow_duplicate_keys=allow_duplicate_keys)
    except BadJson as fault:
        refused = fault.faults
    assert refused not in ({}, {"": "The body is not JSON."}), "no reason is named"
    assert repr(value) == repr(naive(data, allow_duplicate_keys=allow_duplicate_keys))


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
    assert list(faults(nested(MAX_DEPTH + 1)).values()) == [json_text.TOO_DEEP]
    assert list(faults(nested(100_000)).values()) == [json_text.TOO_DEEP]
    assert faults('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1))


def test_a_hostile_number_takes_no_time() -> None:
    assert decode(b"1" * 300) == float("1" * 300)
    assert math.isclose(decode(b"0." + b"1" * 100_000), 1 / 9)


@pytest.mark.parametrize("body", ['{"a": ":", "a\\u003a": 1}', r'{"\u003a": 1, ":": 2}', r'[{"a": "\u003A", "a": 1}]'])
def test_a_colon_hides_no_key_that_is_given_twice(body: str) -> None:
    parsed = json.loads(body, object_pairs_hook=lambda pairs: len(dict(pairs)) < len(pairs))
    if parsed in (True, [True]):
        assert faults(body)
    else:
        assert decode(body.encode()) == json.loads(body)


def test_values_are_counted() -> None:
    assert len(decode(b"[" + b"1," * (MAX_VALUES - 1) + b"1]")) == MAX_VALUES
    for text in (
        "[" + "1," * MAX_VALUES + "1]",
        "[" + "[]," * MAX_VALUES + "[]]",
        '[[1],{"a":[' + "1," * MAX_VALUES + "1]}]",
    ):
        assert faults(text) == {"": f"The body has more than {MAX_VALUES} values."}
    assert decode(b'"' + b"," * 2 * MAX_VALUES + b'"')


def test_no_more_faults_are_named_than_an_answer_has() -> None:
    for text in ('["\\ud800"' + ',"\\ud800"' * 10_000 + "]", "[" + ",".join(['{"a":1,"a":1}'] * 10_000) + "]"):
        assert len(faults(text)) == MAX_FAULTS


def test_paths() -> None:
    assert dotted_path([]) == ""
    assert dotted_path(["a", 0]) == "a.0"
    assert dotted_path(["b.c", "", 1], "a.0") == 'a.0.["b.c"].[""].1'
    assert len(dotted_path(["k" * 500_000, "a"])) == len(dotted_path(["k"] * 1_000)) == MAX_PATH
