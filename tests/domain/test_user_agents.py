"""What browsers and programs are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.user_agents import MAX_LENGTH, name_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS, MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"Mozilla/5.0 ({WINDOWS}) {WEBKIT} Chrome/138.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 ({WINDOWS}) {WEBKIT} Chrome/138.0 Safari/537.36 Edg/138.0", "Edge on Windows"),
        (f"Mozilla/5.0 ({MAC}) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) CriOS/138.0 Safari/604.1", "Chrome on iPad"),
        (f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} SamsungBrowser/28 Chrome/130", "Samsung Internet on Android"),
        ("Mozilla/5.0 (something new)", None),
        ("curl/8.5.0", "curl"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("my client", "my client"),
        ("", None),
        (None, None),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str | None, name: str | None) -> None:
    assert name_of(agent) == name


@given(st.text(max_size=300) | st.text(max_size=300).map(lambda text: f"Mozilla/{text}"))
def test_a_name_is_short_and_can_be_printed(agent: str) -> None:
    name = name_of(agent)
    assert name is None or (0 < len(name) <= MAX_LENGTH and name.isprintable())
