"""A long body is decoded as a short one is, and no piece of it takes long."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import json_pieces
from app.engine.json_pieces import MAX_PIECE, MAX_PIECES, decode_in_pieces
from app.engine.json_text import BadJson, decode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # Whatever is in a text, quotes and the signs of structures included.
    | st.text(st.sampled_from('a"\\{}[],: \n\u0085é😀')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


def found(decoder: Any, data: bytes) -> Any:
    """The value, or what is wrong."""
    try:
        return repr(decoder(data))
    except BadJson as fault:
        return fault.faults


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_a_value_is_the_same_in_pieces(value: Any, ascii_only: bool, indent: int | None) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert repr(decode_in_pieces(data)) == repr(orjson.loads(data))


@given(VALUES, st.integers(0), st.sampled_from([b"", b",", b'"', b"]", b"}", b"{", b"x", b"1", b":"]))
def test_what_is_no_json_is_refused(value: Any, at: int, put: bytes) -> None:
    data = json.dumps(value).encode()
    at %= len(data)
    changed = data[:at] + put + data[at + 1 :]
    expected, faults = found(decode, changed), found(decode_in_pieces, changed)
    assert isinstance(faults, dict) == isinstance(expected, dict)
    assert isinstance(faults, dict) or faults == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": [{"b": 1, "b": 2}]}',
        '{"a": {"b": {"c": {"d": 1, "d": 2}}}}',
        '{"a.b": {"": ["\\ud800"]}}',
        '{"a": [1, {"b": 1e999}]}',
        '{"a": [1, 2}',
        '{"a": 1} x',
        "",
        '{"a": ' + "9" * 5_000 + "}",
    ],
)
def test_faults_are_those_of_a_short_body(text: str) -> None:
    assert found(decode_in_pieces, text.encode()) == found(decode, text.encode())


def test_all_faults_are_named_at_once() -> None:
    faults = found(decode_in_pieces, b'{"a": [{"b": 1, "b": 2}, "\\ud800", NaN], "c": {"d": {"e": "\xff"}}}')
    assert set(faults) == {"a.0.b", "a.1", "a.2", "c.d.e"}


def test_nesting_has_the_same_limit() -> None:
    deep = b'{"a": {"b": [' + b"[" * 97 + b"%b" + b"]" * 97 + b"]}}"
    assert isinstance(found(decode_in_pieces, deep % b"1"), str)
    assert found(decode_in_pieces, deep % b"[]") == {"a.b.0": found(decode, deep % b"[]")[""]}
    assert isinstance(found(decode_in_pieces, b"[" * 1_000_000), dict)


@pytest.mark.parametrize("begins", [b'"', b"[1, ", b'{"a": "', b"[["])
def test_a_piece_has_a_limit(begins: bytes) -> None:
    """So that nobody waits for the decoder for long."""
    data = b'{"a": [1, ' + begins + b"1," * MAX_PIECE + b"]}"
    assert found(decode_in_pieces, data) == {"a.1": "Must be JSON of at most 1024 KiB."}


def test_values_have_a_limit() -> None:
    entry = b"[" + b"1," * 99_999 + b"1]"
    most = json_pieces.MAX_VALUES // 100_001
    few, many = (b'{"a": [' + b",".join([entry] * number) + b"]}" for number in (most, most + 1))
    assert isinstance(found(decode_in_pieces, few), str)
    assert found(decode_in_pieces, many) == {"": "The body has more than 1000000 values."}
    assert set(found(decode_in_pieces, b'{"a": [' + b"1," * MAX_PIECES + b"1]}")) == {""}
