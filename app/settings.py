"""Everything that can be configured, read once from SIGNALBOX_* and the command line into one frozen object."""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_CLAIM_CODE = 8


class Mode(StrEnum):
    """Who may come in: only invited people, or anybody who signs up."""

    SELF_HOSTED = "self_hosted"
    HOSTED = "hosted"


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


class BadSetting(Exception):
    """A setting that cannot be used; the message is one line that names the variable and what it takes."""


def _database_url(url: str | None) -> str | None:
    if url is not None and not url.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("takes sqlite:///path or postgresql://user:pass@host/db")
    return url


def _base_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("takes an address such as https://flags.example.com")
    return url.rstrip("/")


class Settings(BaseSettings):
    """The settings of one node. Field `x_y` is the variable `SIGNALBOX_X_Y`."""

    model_config = SettingsConfigDict(env_prefix="SIGNALBOX_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    data_dir: Path = Path("data")
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    demo: bool = False
    database_url: Annotated[str | None, AfterValidator(_database_url)] = None
    redis_url: str | None = None
    base_url: Annotated[str | None, AfterValidator(_base_url)] = None
    mode: Mode = Mode.SELF_HOSTED
    max_rate_per_min: Annotated[int, Field(ge=1)] = 600_000
    claim_code: Annotated[str | None, Field(min_length=MIN_CLAIM_CODE, max_length=200)] = None
    log_format: LogFormat = LogFormat.CONSOLE

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file, or None when the database is a server."""
        if self.database_url is None:
            return self.data_dir / "signalbox.db"
        return Path(self.database_url.removeprefix("sqlite:///")) if self.database_url.startswith("sqlite") else None

    @property
    def public_url(self) -> str:
        """What links begin with, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def secure_cookies(self) -> bool:
        """Whether people reach the instance over https."""
        return self.public_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def load(**options: Any) -> Settings:
    """The settings from the environment, with the command line's options above it.

    Raises BadSetting, one line, for the first setting that cannot be used.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as fault:
        raise BadSetting(_one_line(fault, given)) from None
    if settings.redis_url is not None:
        raise BadSetting("SIGNALBOX_REDIS_URL: this version does not share its memory yet; leave it unset.")
    if settings.workers > 1:
        raise BadSetting("SIGNALBOX_WORKERS: more than one worker needs SIGNALBOX_REDIS_URL; it takes 1 without.")
    return settings


def _one_line(fault: ValidationError, given: dict[str, Any]) -> str:
    first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    shown = f"--{name.replace('_', '-')}" if name in given else f"SIGNALBOX_{name.upper()}"
    return f"{shown}: {first['msg'].removeprefix('Value error, ')}"
