"""What is kept from the collector of garbage, and what is not."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from app.runtime import pauses


class Thing:
    """Garbage, once nobody has it, that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def serving() -> Iterator[None]:
    """As a process that serves."""
    before = gc.get_threshold(), sys.getswitchinterval()
    pauses.shorten()
    yield
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])
    gc.unfreeze()


@pytest.mark.usefixtures("serving")
def test_what_was_made_is_kept_from_the_collector_and_garbage_is_not() -> None:
    garbage, kept = weakref.ref(Thing()), Thing()
    frozen = gc.get_freeze_count()
    pauses.much_was_made()
    assert garbage() is None
    assert gc.get_freeze_count() > frozen
    assert not any(one is kept for one in gc.get_objects())
    assert kept.itself is kept


def test_a_process_that_does_not_serve_keeps_nothing_from_it() -> None:
    frozen = gc.get_freeze_count()
    pauses.much_was_made()
    assert gc.get_freeze_count() == frozen
