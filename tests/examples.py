"""How many examples Hypothesis tries: few on a push, more in CI, most with `--hypothesis-profile nightly`.

No test may fail for being slow, for the machine may be busy: no profile has a deadline.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

PROFILES = {"dev": 30, "ci": 100, "nightly": 400}
# Hypothesis warns of what is set up once for all examples, which is meant where an app is; and of slow examples.
_OFF = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


def configure(config: pytest.Config) -> None:
    """Chooses the profile, unless the command line did."""
    for name, number in PROFILES.items():
        settings.register_profile(name, max_examples=number, deadline=None, suppress_health_check=_OFF)
    settings.load_profile(config.getoption("--hypothesis-profile") or ("ci" if config.getoption("all") else "dev"))


def examples(times: float) -> Any:
    """So many times as many examples as a test usually has."""
    return settings(max_examples=max(1, round(settings.default.max_examples * times)))
