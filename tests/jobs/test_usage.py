"""How often usage is saved."""

import pytest

from app.jobs.usage import pause_after


@pytest.mark.parametrize(("took", "pause"), [(0, 1), (0.05, 1), (0.1, 2), (0.2, 4), (0.25, 5), (60, 5)])
def test_what_takes_long_to_save_is_saved_less_often(took: float, pause: float) -> None:
    assert pause_after(took) == pytest.approx(pause)
