"""On a push each behaviour test meets both transports and both databases, and about half of what CI runs is run."""

from dataclasses import dataclass, field
from itertools import product
from types import SimpleNamespace
from typing import Any

from tests import selection


@dataclass(eq=False)
class Item:
    """What pytest knows of a test, as far as the selection asks."""

    nodeid: str
    pair: selection.Pair
    markers: set[str] = field(default_factory=set)

    @property
    def callspec(self) -> Any:
        return SimpleNamespace(params={"instance": self.pair[0], "engine": self.pair[1]})

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.markers else None


def items(name: str, *markers: str, transports: tuple[str, ...] = ("rest", "graphql"), other: str = "x") -> list[Item]:
    pairs = product(transports, ("sqlite", "postgres"))
    return [Item(f"tests/behaviour/test_x.py::{name}[{'-'.join(one)}-{other}]", one, set(markers)) for one in pairs]


def selected(found: list[Item], *args: str, everything: bool = False) -> list[selection.Pair]:
    deselected: list[Item] = []
    hook = SimpleNamespace(pytest_deselected=lambda *, items: deselected.extend(items))
    config: Any = SimpleNamespace(args=args, getoption=lambda _: everything, hook=hook)
    left: Any = list(found)
    selection.select(config, left)
    assert {*left, *deselected} == {*found}
    return [one.pair for one in left]


def test_of_the_four_pairs_a_diagonal_is_run() -> None:
    runs = [frozenset(selected(items(f"test_{number}"))) for number in range(100)]
    assert set(runs) == set(map(frozenset, selection.DIAGONALS))
    assert 30 < runs.count(frozenset(selection.DIAGONALS[0])) < 70


def test_all_pairs_are_run_where_they_are_asked_for() -> None:
    assert set(selected(items("test_x"), everything=True)) == selection.PAIRS
    assert set(selected(items("test_x", "all_pairs"))) == selection.PAIRS
    names = [item.nodeid for item in items("test_x")]
    assert set(selected(items("test_x"), *names)) == selection.PAIRS


def test_a_test_of_one_transport_meets_both_databases() -> None:
    assert len(selected(items("test_x", transports=("graphql",)))) == 2
    many = [item for number in range(50) for item in items("test_x", transports=("graphql",), other=str(number))]
    met = selected(many)
    assert len(met) == 50
    assert {engine for _, engine in met} == {"sqlite", "postgres"}
