"""JSON in and out: strict decoding of what callers send, canonical text of what is stored.

Integers are exact from -2^63 to 2^64-1, every other number is a double. A number too large for a
double, a lone surrogate, NaN and a duplicate key are faults, reported by their path.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100
MAX_FAULTS = 200  # as many as an answer names
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
_LONGEST_INT = 20  # characters of -2^63 and of 2^64-1
_TOO_DEEP = f"JSON must not be nested more than {MAX_DEPTH} levels deep."


class BadJson(ValueError):
    """`faults` maps paths to messages; a syntax error has the empty path."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


class _Repeated(dict[str, Any]):
    """An object in which some key was given twice; found by the walk that knows the path."""

    repeated: list[str]


class _TooLarge(float):
    """A number too large for a double; reported by the walk, which knows the path."""


def decode(data: bytes, *, allow_duplicate_keys: bool = False, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of `data`. Of a key given twice the last counts, or it is a fault.

    Raises BadJson with every fault that decoding can name; a fault of syntax is the only one of its answer.
    """
    if not allow_duplicate_keys:
        return decode_carefully(data, max_depth=max_depth)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    may_be_deep = data.count(b"{") + data.count(b"[") > max_depth
    if value is None or (may_be_deep and nests_deeper(value, max_depth)):
        return decode_carefully(data, allow_duplicate_keys=True, max_depth=max_depth)
    return value


def decode_carefully(data: bytes, *, allow_duplicate_keys: bool = False, max_depth: int = MAX_DEPTH) -> Any:
    """What `decode` does, ten times slower: it notices keys that were given twice, and knows the path of each fault."""
    reader = _Reader()
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_int=reader.integer,
            parse_float=reader.double,
            parse_constant=_constant,
            object_pairs_hook=dict if allow_duplicate_keys else reader.object,
        )
    except UnicodeDecodeError as fault:
        raise BadJson({"": "The body is not UTF-8."}) from fault
    except json.JSONDecodeError as fault:
        raise BadJson(
            {"": f"The body is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}."}
        ) from fault
    except RecursionError as fault:
        raise BadJson({"": _TOO_DEEP}) from fault
    may_be_faulty = reader.marked or b"\\u" in data or data.count(b"{") + data.count(b"[") > max_depth
    if may_be_faulty and (faults := faults_of(value, max_depth)):  # a surrogate can only come as an escape
        raise BadJson(faults)
    return value


def faults_of(value: Any, max_depth: int = MAX_DEPTH) -> dict[str, str]:
    """What is wrong with a decoded value, by path: too deep, or holding what no JSON text can."""
    return dict(islice(_faults(value, "", max_depth), MAX_FAULTS))


def encode(value: Any) -> str:
    """Canonical text: compact, keys in their order, numbers in their shortest form."""
    return orjson.dumps(value).decode()


def nests_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(nests_deeper(member, levels - 1) for member in members)


def dump(value: Any) -> bytes:
    """Compact UTF-8. Falls back to the slow encoder for traces, which can be nested deeper than orjson allows."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def join(path: str, step: str | int) -> str:
    """`path` with one more step. A step that contains a dot is written `["a.b"]`."""
    text = f'["{step}"]' if isinstance(step, str) and "." in step else str(step)
    return f"{path}.{text}" if path else text


def has_lone_surrogate(text: str) -> bool:
    """Whether `text` contains half of a surrogate pair, which UTF-8 cannot encode."""
    return any("\ud800" <= character <= "\udfff" for character in text)


class _Reader:
    """The hooks of Python's decoder. `marked`: some value is marked as a fault, whose path only a walk finds."""

    def __init__(self) -> None:
        self.marked = False

    def double(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            self.marked, number = True, _TooLarge(number)
        return number

    def integer(self, digits: str) -> int | float:
        if len(digits) <= _LONGEST_INT and _MIN_INT <= (number := int(digits)) <= _MAX_INT:
            return number
        return self.double(digits)

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.marked, repeated = True, _Repeated(value)
        repeated.repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        return repeated


def _constant(name: str) -> NoReturn:
    raise BadJson({"": f"The body is not JSON: {name} is not a JSON number."})


def _faults(value: Any, path: str, levels: int) -> Iterator[tuple[str, str]]:
    if levels == 0 and isinstance(value, dict | list):
        yield path, _TOO_DEEP
    elif isinstance(value, dict):
        for key in getattr(value, "repeated", ()):
            yield join(path, key), "The key is given more than once."
        for key, member in value.items():
            if has_lone_surrogate(key):
                yield path, "A key contains a lone surrogate."
            else:
                yield from _faults(member, join(path, key), levels - 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _faults(member, join(path, index), levels - 1)
    elif isinstance(value, _TooLarge):
        yield path, "The number is too large."
    elif isinstance(value, str) and has_lone_surrogate(value):
        yield path, "The string contains a lone surrogate."
