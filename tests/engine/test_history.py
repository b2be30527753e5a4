"""What a context received over many versions: found by evaluating little, within a limit."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from app.engine.blast_radius import Budget
from app.engine.history import MAX_ENTRIES, Change, History, Version
from app.engine.kinds import Kind
from app.engine.ruleset import DamagedState, Ruleset, StoredState
from app.engine.target_ids import EntryChange
from app.engine.work import MAX_COMPARISONS

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TO_STAFF: list[Any] = [{"if": {"$segment": "staff"}, "value": True}]
DAMAGED = "[{]"


def flag(key: str, rules: str | list[Any] = "[]", value: str = "false") -> StoredState:
    text = rules if isinstance(rules, str) else orjson.dumps(rules).decode()
    return StoredState(Kind.FLAG, key, "boolean", value, text)


def staff(*ids: str) -> StoredState:
    return StoredState(Kind.SEGMENT, "staff", None, None, "[]", allow_list=frozenset(ids))


def begun(*states: StoredState, keys: list[str] | None = None, budget: Budget | None = None) -> History:
    ruleset = Ruleset.of("env", 1, "userId", states)
    return History(ruleset, NOON, {"userId": "u-1", "device": "d-1"}, keys, lambda *_: True, budget)


def version(number: int, field: str = "userId") -> Version:
    return Version(number, NOON + timedelta(seconds=number), field)


def values(found: History, key: str) -> list[Any]:
    return [(one.version, one.outcome and one.outcome.value) for one in found.entries[key]]


def test_it_ends_at_ten_thousand_entries() -> None:
    found = begun(staff("u-1"), *(flag(f"f-{n}", TO_STAFF) for n in range(300)))
    found.take([version(n, "device" if n % 2 else "userId") for n in range(3, 100)], [])
    assert found.truncated
    assert sum(map(len, found.entries.values())) == MAX_ENTRIES
    assert {len(entries) for entries in found.entries.values()} == {33, 34}
    assert values(found, "f-0")[:3] == [(1, True), (3, False), (4, True)]


def test_it_ends_where_there_is_too_much_to_do() -> None:
    found = begun(*(flag(f"f-{n}") for n in range(10)), budget=Budget(50, MAX_COMPARISONS))
    changes = [Change(n, Kind.FLAG, "f-0", flag("f-0", value=["false", "true"][n % 2])) for n in range(2, 100)]
    found.take([version(n) for n in range(2, 100)], changes)
    assert found.truncated
    assert len(found.entries["f-0"]) < 98
    assert values(found, "f-1") == [(1, False)]


def test_what_nothing_asked_for_depends_on_is_not_even_read() -> None:
    asked = begun(staff(), flag("f", TO_STAFF), flag("other"), keys=["f"])
    damaged = Change(2, Kind.FLAG, "other", flag("other", DAMAGED))
    asked.take([version(2)], [damaged])
    assert values(asked, "f") == [(1, False)]
    everything = begun(staff(), flag("f", TO_STAFF), flag("other"))
    with pytest.raises(DamagedState):
        everything.take([version(2)], [damaged])


def test_what_becomes_a_prerequisite_later_is_as_it_was_last() -> None:
    found = begun(flag("f"), flag("other"), keys=["f"])
    refers = flag("f", [{"if": {"$flag": "other", "$equals": True}, "value": True}])
    changes = [
        Change(2, Kind.FLAG, "other", flag("other", value="true")),
        Change(3, Kind.FLAG, "f", refers),
        Change(4, Kind.FLAG, "other", flag("other")),
        Change(5, Kind.FLAG, "f", flag("f")),
        Change(6, Kind.FLAG, "other", flag("other", DAMAGED)),
    ]
    found.take([version(n) for n in range(2, 6)], changes[:4])
    assert values(found, "f") == [(1, False), (3, True), (4, False)]


def test_a_list_is_followed_entry_by_entry() -> None:
    found = begun(staff(), flag("f", TO_STAFF))
    for number, (add, remove) in enumerate([({"u-1", "u-2"}, set()), ({"u-3"}, {"u-1"}), ({"u-1"}, {"u-2"})], 2):
        change = EntryChange(frozenset(add), frozenset(remove))
        state = StoredState(Kind.SEGMENT, "staff", None, None, "[]", allow_list=change)
        found.take([version(number)], [Change(number, Kind.SEGMENT, "staff", state)])
    assert values(found, "f") == [(1, False), (2, True), (3, False), (4, True)]
