"""JSON in and out: strict decoding of what callers send, canonical text of what is stored.

Integers are exact from -2^63 to 2^64-1, every other number is a double. A number too large for a
double, a lone surrogate, NaN and a duplicate key are faults, reported by their path.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100
MAX_VALUES = 200_000  # members of objects and entries of lists, however deep
MAX_FAULTS = 200  # as many as an answer names
MAX_PATH = 200  # characters
TOO_DEEP = f"JSON must not be nested more than {MAX_DEPTH} levels deep."
_TOO_MANY = f"The body has more than {MAX_VALUES} values."


class BadJson(ValueError):
    """`faults` maps paths to messages; what is wrong with the text as a whole has the empty path.

    Otherwise `value` is what the text holds, with each object as its pairs.
    """

    def __init__(self, faults: dict[str, str], value: Any = None) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults
        self.value = value


def decode(data: bytes, *, allow_duplicate_keys: bool = False, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of `data`. Of a key given twice the last counts, or it is a fault.

    Raises BadJson with every fault that decoding can name; a fault of the whole text is the only one of its answer.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _fault_of_text(data, max_depth) or BadJson({"": "The body is not JSON."}) from None
    if data.count(b",") > MAX_VALUES // 2 and _has_too_many(value):  # a comma each, but for the first of a container
        raise BadJson({"": _TOO_MANY})
    if data.count(b"{") + data.count(b"[") > max_depth and nests_deeper(value, max_depth):
        raise BadJson({"": TOO_DEEP})
    if not allow_duplicate_keys and _may_repeat(data, value) and (fault := _fault_of_text(data, max_depth)):
        raise fault
    return value


def faults_of(value: Any, max_depth: int = MAX_DEPTH) -> dict[str, str]:
    """What is wrong with a decoded value, by path: too deep, or holding what no JSON text can."""
    walk = _Walk(max_depth)
    try:
        walk.through([value])
    except BadJson as fault:
        return fault.faults
    return walk.faults


def encode(value: Any) -> str:
    """Canonical text: compact, keys in their order, numbers in their shortest form."""
    return orjson.dumps(value).decode()


def nests_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    return next(islice(_layers(value), levels, None), None) is not None


def count(value: Any, most: float = math.inf) -> int:
    """How many members of objects and entries of lists there are, however deep; more than `most` are not counted."""
    counted = 0
    for layer in _layers(value):
        counted += sum(map(len, layer))
        if counted > most:
            break
    return counted


def dump(value: Any) -> bytes:
    """Compact UTF-8. Falls back to the slow encoder for traces, which can be nested deeper than orjson allows."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def dotted_path(steps: Iterable[str | int], within: str = "") -> str:
    """The dotted path of the steps below the path `within`, as much of it as an answer shows.

    A step that contains a dot is written `["a.b"]`, and one that is empty `[""]`.
    """
    shown, length = ([within], len(within)) if within else ([], 0)
    for step in steps:
        if length > MAX_PATH:
            break
        text = str(step)[:MAX_PATH]
        shown.append(f'["{text}"]' if isinstance(step, str) and ("." in text or not text) else text)
        length += len(text) + 1
    return ".".join(shown)[:MAX_PATH]


def has_lone_surrogate(text: str) -> bool:
    """Whether `text` contains half of a surrogate pair, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _may_repeat(data: bytes, value: Any) -> bool:
    """Whether the text of `value` may hold a key twice: then it has more colons than the value needs.

    Colons in strings count on both sides, unless the text has them as escapes.
    """
    return data.count(b":") > orjson.dumps(value).count(b":") or b"\\u003a" in data or b"\\u003A" in data


def _fault_of_text(data: bytes, max_depth: int) -> BadJson | None:
    """What is wrong with a text that may be faulty, a duplicate key included: finds paths, which orjson does not."""
    try:
        text = data.decode("utf-8")
        try:
            value = _loads(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an int of thousands of digits
            value = _loads(text, parse_int=float)
    except BadJson as fault:
        return fault
    except UnicodeDecodeError:
        return BadJson({"": "The body is not UTF-8."})
    except json.JSONDecodeError as fault:
        return BadJson({"": f"The body is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}."})
    except RecursionError:
        return BadJson({"": TOO_DEEP})
    faults = faults_of(value, max_depth)
    return BadJson(faults, value) if faults else None


def _loads(text: str, **hooks: Any) -> Any:
    """The value, with each object as the pairs that were written: a key may be there twice."""
    return json.loads(text, object_pairs_hook=tuple, parse_constant=_constant, **hooks)


def _constant(name: str) -> NoReturn:
    raise BadJson({"": f"The body is not JSON: {name} is not a JSON number."})


def _has_too_many(value: Any) -> bool:
    return count(value, MAX_VALUES) > MAX_VALUES


def _layers(value: Any) -> Iterator[list[Any]]:
    """The lists and objects of a value, level by level."""
    layer = [value] if isinstance(value, _CONTAINERS) else []
    while layer:
        yield layer
        layer = [
            member
            for container in layer
            for member in (container if isinstance(container, list) else container.values())
            if isinstance(member, _CONTAINERS)
        ]


class _Walk:
    """Collects the faults in a value, until an answer is full of them. Paths are built for faults only."""

    def __init__(self, max_depth: int) -> None:
        self.faults: dict[str, str] = {}
        self._max_depth = max_depth
        self._steps: list[str | int] = []

    def through(self, container: Any) -> None:
        """The list or object at the steps; the first step is one into a list of ours, which holds the whole value.

        Raises BadJson where it is too deep. An object may come as its pairs.
        """
        if len(self._steps) > self._max_depth:
            raise BadJson({"": TOO_DEEP})
        members: Iterable[tuple[str | int, Any]]
        members = enumerate(container) if isinstance(container, list) else self._members(container)
        for step, member in members:
            kind = type(member)
            if kind is str:
                if not member.isascii() and has_lone_surrogate(member):
                    self._add("The string contains a lone surrogate.", step)
            elif kind in _NUMBERS:
                if not -_TOO_LARGE < member < _TOO_LARGE:
                    self._add("The number is too large.", step)
            elif kind in _WALKED:
                self._steps.append(step)
                self.through(member)
                self._steps.pop()
            if len(self.faults) >= MAX_FAULTS:
                return

    def _members(self, container: dict[str, Any] | tuple[tuple[str, Any], ...]) -> Iterable[tuple[str, Any]]:
        given = dict(container)
        if isinstance(container, tuple) and len(given) < len(container):
            counted = Counter(key for key, _ in container)
            for key in islice((key for key, count in counted.items() if count > 1), MAX_FAULTS):
                self._add("The key is given more than once.", key)
        for key in given:
            if not key.isascii() and has_lone_surrogate(key):
                self._add("A key contains a lone surrogate.")
                return ()
        return given.items()

    def _add(self, message: str, *more: str | int) -> None:
        self.faults.setdefault(dotted_path([*self._steps, *more][1:]), message)


_CONTAINERS = (dict, list)
_WALKED = frozenset({dict, list, tuple})
_NUMBERS = frozenset({int, float})
_TOO_LARGE = 2**1024 - 2**970  # rounds to no double
