"""Decodes a long body piece by piece, because a decoder lets no other thread run until it is done.

The members of its outer objects are pieces, and the entries of lists in them. Each is decoded as a short body is.
"""

import json
import re
from typing import Any, NoReturn

from app.engine import json_text
from app.engine.json_text import BadJson, dotted_path

MAX_PIECE = 1024 * 1024
MAX_PIECES = 20_000
MAX_VALUES = 1_000_000
_LEVELS = 3  # of objects that are taken apart
_SPANS = (256, 16 * 1024, MAX_PIECE)  # in which the end of a piece is looked for, one after the other
_SPACE = re.compile(r"[ \t\n\r]*")
_SCAN = json.JSONDecoder(parse_int=float).raw_decode  # an int may have thousands of digits
_TOO_LARGE = f"Must be JSON of at most {MAX_PIECE // 1024} KiB."
_TOO_MANY = f"The body has more than {MAX_VALUES} values."
_TOO_MANY_PIECES = f"The outer lists and objects of the body have more than {MAX_PIECES} entries."
_REPEATED = "The key is given more than once."


def decode_in_pieces(data: bytes) -> Any:
    """The JSON value of `data`. Raises BadJson as `json_text.decode` does, and for pieces that are too large."""
    reader = _Reader(data)
    value = reader.value(())
    if reader.at < len(data):
        reader.refuse("Extra data", reader.at)
    if reader.faults:
        raise BadJson(reader.faults)
    return value


class _Reader:
    """Reads values from where it is `at`, and skips the space around them."""

    def __init__(self, data: bytes) -> None:
        self.faults: dict[str, str] = {}
        self.at = 0
        self._data = data
        self._text = data.decode("latin-1")  # a character for each byte: what is beyond ASCII is in strings only
        self._counts = data.count(b",") > MAX_VALUES // 2
        self._pieces_left = MAX_PIECES
        self._values_left = MAX_VALUES
        self._skip()

    def value(self, steps: tuple[str | int, ...], *, whole: bool = False) -> Any:
        """The value at the steps, as one piece if it is to be read `whole`."""
        begins = self._text[self.at : self.at + 1]
        if whole or begins not in {"{", "["} or len(steps) >= _LEVELS:
            return self._piece(steps)
        self._count(1)
        self._pass(1)
        if begins == "[":
            return self._entries(steps)
        return self._members(steps)

    def refuse(self, message: str, at: int) -> NoReturn:
        """What is no JSON is refused at once."""
        fault = json.JSONDecodeError(message, self._text, at)
        raise BadJson({"": f"The body is not JSON: {message} at line {fault.lineno}, column {fault.colno}."})

    def _members(self, steps: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        more = not self._ends("}")
        while more:
            if self._text[self.at : self.at + 1] != '"':
                self.refuse("Expecting property name enclosed in double quotes", self.at)
            key = self._piece(steps)
            if self._text[self.at : self.at + 1] != ":":
                self.refuse("Expecting ':' delimiter", self.at)
            self._pass(1)
            if key in found:
                self._add(_REPEATED, (*steps, key))
            found[key] = self.value((*steps, key))
            more = self._goes_on("}")
        return found

    def _entries(self, steps: tuple[str | int, ...]) -> list[Any]:
        found: list[Any] = []
        more = not self._ends("]")
        while more:
            found.append(self.value((*steps, len(found)), whole=True))
            more = self._goes_on("]")
        return found

    def _piece(self, steps: tuple[str | int, ...]) -> Any:
        self._pieces_left -= 1
        if self._pieces_left < 0:
            raise BadJson({"": _TOO_MANY_PIECES})
        end = self._end(steps)
        data = self._data[self.at : end]
        self._pass(end - self.at)
        try:
            value = json_text.decode(data, max_depth=json_text.MAX_DEPTH - len(steps))
        except BadJson as fault:
            for path, message in fault.faults.items():
                within = dotted_path(steps)
                self._add_at(f"{within}.{path}" if within and path else within or path, message)
            return None
        if self._counts:
            self._count(json_text.count(value))
        return value

    def _end(self, steps: tuple[str | int, ...]) -> int:
        """Where the piece ends that begins here."""
        for span in _SPANS:
            text = self._text[self.at : self.at + span]
            is_rest = self.at + span >= len(self._text)
            try:
                _, end = _SCAN(text)
            except json.JSONDecodeError as fault:
                if is_rest:
                    self.refuse(fault.msg, self.at + fault.pos)
            except RecursionError:
                raise BadJson({"": json_text.TOO_DEEP}) from None
            else:
                if end < len(text) or is_rest:  # else a number may go on
                    return self.at + end
        raise BadJson({dotted_path(steps): _TOO_LARGE})

    def _goes_on(self, end: str) -> bool:
        """Whether another one follows."""
        if self._text[self.at : self.at + 1] == ",":
            self._count(1)
            self._pass(1)
            return True
        if not self._ends(end):
            self.refuse("Expecting ',' delimiter", self.at)
        return False

    def _ends(self, end: str) -> bool:
        if self._text[self.at : self.at + 1] != end:
            return False
        self._pass(1)
        return True

    def _pass(self, characters: int) -> None:
        self.at += characters
        self._skip()

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self.at)
        self.at = self.at if space is None else space.end()

    def _count(self, values: int) -> None:
        self._values_left -= values
        if self._values_left < 0:
            raise BadJson({"": _TOO_MANY})

    def _add(self, message: str, steps: tuple[str | int, ...]) -> None:
        self._add_at(dotted_path(steps), message)

    def _add_at(self, path: str, message: str) -> None:
        if len(self.faults) < json_text.MAX_FAULTS:
            self.faults.setdefault(path, message)
