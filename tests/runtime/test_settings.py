"""Settings: read from variables and options, and a wrong one stops the start with one line that names it."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.settings import BadSetting, LogFormat, Mode, load


@pytest.fixture(autouse=True)
def _none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SIGNALBOX_")]:
        monkeypatch.delenv(name)


def test_the_defaults_need_no_configuration() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.mode, settings.log_format) == (Mode.SELF_HOSTED, LogFormat.CONSOLE)
    assert settings.sqlite_path == Path("data/signalbox.db")
    assert (settings.public_url, settings.secure_cookies, settings.loopback) == ("http://127.0.0.1:8000", False, True)


def test_variables_are_read_and_options_stand_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_PORT", "9000")
    monkeypatch.setenv("SIGNALBOX_MODE", "hosted")
    monkeypatch.setenv("SIGNALBOX_BASE_URL", "https://flags.example.com/")
    settings = load(port=9001, host=None)
    assert (settings.port, settings.host, settings.mode) == (9001, "127.0.0.1", Mode.HOSTED)
    assert (settings.public_url, settings.secure_cookies) == ("https://flags.example.com", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("WORKERS", "2"),
        ("DEMO", "perhaps"),
        ("MODE", "public"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://db/flags"),
        ("DATABASE_URL", "flags.db"),
        ("REDIS_URL", "redis://localhost"),
        ("BASE_URL", "flags.example.com"),
        ("BASE_URL", "ftp://flags.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://example.com//flags"),
        ("BASE_URL", "https://example.com/a/../b"),
        ("BASE_URL", "https://example.com/a b"),
        ("BASE_URL", "https://example.com/a%2fb"),
        ("CLAIM_CODE", "of-15-letters--"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "shop.example"),
        ("CORS_ORIGINS", "https://*.example.com"),
        ("CORS_ORIGINS", "https://shop.example/"),
        ("CORS_ORIGINS", "https://shop.example?x"),
        ("CORS_ORIGINS", "https://shop.example:port"),
        ("CORS_ORIGINS", "https://shop.example:99999"),
        ("CORS_ORIGINS", "https://ada@shop.example"),
        ("CORS_ORIGINS", "https://shop.example, ftp://other.example"),
        ("LOG_ADDRESSES", "some"),
        ("MAX_CONNECTIONS", "0"),
        ("MAX_CONNECTIONS", "many"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com/?tls=never"),
        ("SMTP_URL", "smtp://mail.example.com/inbox"),
        ("CLAIM_CODE", "x" * 201),
    ],
)
def test_a_wrong_variable_gives_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SIGNALBOX_{name}", value)
    with pytest.raises(BadSetting) as caught:
        load()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"SIGNALBOX_{name}: ")
    assert "pydantic" not in line


@pytest.mark.parametrize(
    ("url", "path"),
    [("https://example.com", ""), ("https://example.com/", ""), ("https://example.com/a/b-c_1.~/", "/a/b-c_1.~")],
)
def test_the_base_url_may_have_a_path(monkeypatch: pytest.MonkeyPatch, url: str, path: str) -> None:
    monkeypatch.setenv("SIGNALBOX_BASE_URL", url)
    assert load().base_path == path


def test_origins_are_compared_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_CORS_ORIGINS", "https://Shop.example:443, http://[::1]:3000,http://localhost:80")
    assert load().origins == ["https://shop.example", "http://[::1]:3000", "http://localhost"]


@pytest.mark.parametrize("options", [{"port": 70_000}, {"workers": 65}])
def test_a_wrong_option_is_named_as_it_was_given(options: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as caught:
        load(**options)
    assert str(caught.value).startswith(f"--{next(iter(options))}: ")


def test_more_than_one_worker_is_refused_with_the_reason() -> None:
    with pytest.raises(BadSetting, match="SIGNALBOX_REDIS_URL"):
        load(workers=2)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("flags.example.com", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert load(host=host).loopback is loopback


@pytest.mark.parametrize(
    ("host", "base_url", "only_here"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("127.0.0.1", "http://localhost:8000", True),
        ("127.0.0.1", "https://flags.example.com", False),
        ("0.0.0.0", None, False),
        ("0.0.0.0", "http://127.0.0.1", False),
    ],
)
def test_links_are_printed_only_where_nobody_else_is_served(host: str, base_url: str | None, only_here: bool) -> None:
    """Behind a proxy on the same machine, what is printed ends up in a journal that others read."""
    assert load(host=host, base_url=base_url).only_here is only_here


def test_an_ipv6_host_stands_in_brackets_in_links() -> None:
    assert load(host="::1", port=80).public_url == "http://[::1]:80"
