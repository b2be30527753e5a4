"""A server of the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Served, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server on an empty instance."""
    with serving(tmp_path) as served:
        yield served
