"""Everything that can be configured, read once from SIGNALBOX_* and the command line into one frozen object."""

import re
from collections.abc import Collection, Iterable
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.engine.cidrs import Networks, parse_network
from app.engine.suggestions import likeliest

_PREFIX = "SIGNALBOX_"
MIN_CLAIM_CODE = 16  # wrong codes are not refused for good, so a code must not be guessable
MIN_METRICS_TOKEN = 16
_ONE_WORD = "^[!-~]*$"
TLS_OPTIONAL = "tls=optional"
_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.ASCII | re.IGNORECASE)
_BASE_PATH = re.compile(r"(/(?!\.\.?(/|$))[\w.~-]+)*", re.ASCII)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses that no browser can open, and some it can
MAX_RATE_PER_MIN = 2**31 - 1  # what a column of the database holds


class Mode(StrEnum):
    """Who can join: invited people only, or anyone who signs up."""

    SELF_HOSTED = "self_hosted"
    HOSTED = "hosted"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class BadSetting(Exception):
    """An invalid setting. The message is one line that names the variable and what it must be."""


def _database_url(url: str | None) -> str | None:
    if url is not None and not re.match("sqlite:///.", url) and not _names_postgres(url):
        raise ValueError("must be sqlite:///path or postgresql://user:pass@host/db")
    return url


def _names_postgres(url: str) -> bool:
    parts = _split(url)
    return parts.scheme == "postgresql" and _has_sound_port(parts)


def _split(url: str) -> SplitResult:
    """The parts of the URL; none of them where it is not well formed."""
    try:
        return urlsplit(url if url.isprintable() and " " not in url else "")
    except ValueError:
        return urlsplit("")


def _has_sound_port(parts: SplitResult) -> bool:
    """Whether the port, if any, is valid to connect to."""
    try:
        return parts.port != 0
    except ValueError:  # it is no number
        return False


def _base_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_sound_port(parts) or "@" in parts.netloc:
        raise ValueError("must be a URL such as https://flags.example.com")
    if "?" in url or "#" in url:
        raise ValueError("must not have a query or a fragment: https://flags.example.com is enough")
    if not _BASE_PATH.fullmatch(parts.path.rstrip("/")):
        raise ValueError("must have a path of letters, digits and -_.~ only, such as https://example.com/flags")
    return url.rstrip("/")


def _cidrs(text: str) -> str:
    if any(parse_network(one) is None for one in _listed(text)):
        raise ValueError("must be a comma-separated list of networks such as 10.0.0.0/8,fd00::/8")
    return text


def _origins(text: str) -> str:
    if not all(_ORIGIN.fullmatch(one) and _has_sound_port(_split(one)) for one in _listed(text)):
        raise ValueError(
            "must be a comma-separated list of origins such as https://shop.example.com: scheme, host and port, "
            "without a path or a wildcard"
        )
    return text


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write them in `Origin`."""
    scheme, _, rest = url.lower().partition("://")
    default_port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{rest.partition('/')[0].removesuffix(default_port)}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _smtp_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = _split(url)
    bare = _has_sound_port(parts) and not parts.path.strip("/") and parts.query in {"", TLS_OPTIONAL}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not bare:
        raise ValueError(
            "must be smtp://user:pass@host:587 (STARTTLS) or smtps://user:pass@host:465 (TLS), the first followed by "
            f"?{TLS_OPTIONAL} if mail may go unencrypted to another machine"
        )
    return url


def _mail_from(text: str | None) -> str | None:
    if text is None:
        return None
    name, email = parseaddr(text)
    try:
        address = Address(name, addr_spec=email)
    except (ValueError, IndexError):
        address = Address()
    if not address.username or not address.domain or not text.isprintable():
        raise ValueError("must be an address such as Signalbox <signalbox@example.com>")
    return text


Quota = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """The settings of one node. Field `x_y` is the variable `SIGNALBOX_X_Y`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True)

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 picks a free port."""
    data_dir: Path = Path("data")
    """Folder for the SQLite database, the claim code and, without a mail server, the mail."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes. More than one needs `SIGNALBOX_REDIS_URL`."""
    demo: bool = False
    """Fill an empty instance with sample data."""
    database_url: Annotated[str | None, AfterValidator(_database_url)] = None
    """`postgresql://user:pass@host/db` (14 or newer) or `sqlite:///path`. Default: SQLite in the data folder."""
    redis_url: str | None = None
    """Not used in this version; leave it unset."""
    base_url: Annotated[str | None, AfterValidator(_base_url)] = None
    """Public URL, such as `https://flags.example.com`: what links begin with; a path serves everything below it."""
    mode: Mode = Mode.SELF_HOSTED
    """`self_hosted`: only invited people can sign in. `hosted`: anyone can sign up."""
    trusted_proxies: Annotated[str, AfterValidator(_cidrs)] = ""
    """Networks of the proxies whose `X-Forwarded-For` is trusted, comma-separated."""
    cors_origins: Annotated[str, AfterValidator(_origins)] = ""
    """Origins of pages that may call the API with a token, such as `https://shop.example.com`, comma-separated."""
    max_rate_per_min: Annotated[int, Field(ge=1, le=MAX_RATE_PER_MIN)] = 600_000
    """Maximum value of an organisation's `maxRateLimitPerMin`."""
    smtp_url: Annotated[str | None, AfterValidator(_smtp_url)] = None
    """`smtp://user:pass@host:587` or `smtps://…:465`, TLS but for loopback. Default: `outbox/` in the data folder."""
    mail_from: Annotated[str | None, AfterValidator(_mail_from)] = None
    """Sender of mails, such as `Signalbox <signalbox@example.com>`. Default: `signalbox@` and the base URL's host."""
    max_orgs: Quota = 20
    """Organisations that a person can create."""
    max_projects: Quota = 1000
    """Projects of an organisation."""
    max_members: Quota = 10_000
    """Members of an organisation."""
    max_tokens: Quota = 1000
    """Live API keys of an organisation."""
    max_invitations: Quota = 1000
    """Open invitations of an organisation."""
    max_environments: Quota = 100
    """Environments of a project."""
    max_primitives: Quota = 10_000
    """Flags, configs and segments of a project."""
    max_proposals: Quota = 1000
    """Pending proposals of a project. The last tenth is kept for people, so that no agent is in their way."""
    max_state_mib: Quota = 64
    """Mebibytes of the present states of an environment, and of the pending proposals of a project."""
    audit_days: Annotated[int | None, Field(ge=90)] = None
    """Days for which audit and past states are kept, at least 90. Default: for ever."""
    claim_code: Annotated[str | None, Field(min_length=MIN_CLAIM_CODE, max_length=200)] = None
    """Code that claims an empty instance; at least 16 characters. Default: generated on the first start."""
    metrics_token: Annotated[str | None, Field(min_length=MIN_METRICS_TOKEN, max_length=200, pattern=_ONE_WORD)] = None
    """Token that `/metrics` takes, at least 16 characters. Default: `/metrics` is for this machine alone."""
    log_format: LogFormat = LogFormat.CONSOLE
    """`console` for people, `json` for machines."""
    log_addresses: bool = True
    """Whether the log, and the audit of sign-ins and refused callers, have the IP addresses of callers."""
    max_connections: Annotated[int | None, Field(ge=1)] = None
    """Connections at a time. Default: half of the files that the process may have open, at most 10,000."""

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        if self.database_url is None:
            return self.data_dir / "signalbox.db"
        return Path(self.database_url.removeprefix("sqlite:///")) if self.database_url.startswith("sqlite") else None

    @property
    def origins(self) -> list[str]:
        return [origin_of(one) for one in _listed(self.cors_origins)]

    @property
    def public_url(self) -> str:
        """The beginning of links, without a trailing slash."""
        host = _EVERYWHERE.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def base_path(self) -> str:
        """The path below which everything is served, without a trailing slash: nearly always empty."""
        return urlsplit(self.base_url or "").path

    @property
    def base_origin(self) -> str:
        """The base URL without its path; empty without a base URL."""
        return (self.base_url or "").removesuffix(self.base_path)

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def trusted_networks(self) -> Networks:
        """Networks of the proxies whose `X-Forwarded-For` is trusted."""
        return Networks(network for one in _listed(self.trusted_proxies) if (network := parse_network(one)) is not None)

    @property
    def outbox(self) -> Path:
        """The folder for mail if no mail server is set."""
        return self.data_dir / "outbox"

    @property
    def sender(self) -> str:
        return self.mail_from or f"Signalbox <signalbox@{urlsplit(self.public_url).hostname}>"

    @property
    def loopback(self) -> bool:
        """Whether the server listens to this machine only."""
        return _is_loopback(self.host)

    @property
    def only_here(self) -> bool:
        """Whether only this machine reaches the server: a base URL elsewhere says that a proxy brings others to it."""
        return self.loopback and _is_loopback(urlsplit(self.public_url).hostname or "")


def load(**options: Any) -> Settings:
    """The settings from the environment; options of the command line take precedence.

    Raises BadSetting for the first invalid setting.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as fault:
        raise BadSetting(_one_line(fault, given)) from None
    if settings.redis_url is not None:
        raise BadSetting("SIGNALBOX_REDIS_URL: not supported in this version; leave it unset.")
    if settings.workers > 1:
        raise BadSetting("SIGNALBOX_WORKERS: more than one worker needs SIGNALBOX_REDIS_URL; without it, must be 1.")
    return settings


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """A line for each variable that looks like a setting and is none."""
    known = [name.upper() for name in Settings.model_fields]
    ours = sorted(name.removeprefix(_PREFIX) for name in environment if name.startswith(_PREFIX))
    unknown = [name for name in ours if name not in known]
    return [f"{_PREFIX}{name} does not exist and is ignored.{_did_you_mean(name, known)}" for name in unknown]


def _did_you_mean(name: str, known: Collection[str]) -> str:
    found = likeliest(name, known)
    return "" if found is None else f" Did you mean {_PREFIX}{found}?"


def _one_line(fault: ValidationError, given: dict[str, Any]) -> str:
    first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    option = f"--{name.replace('_', '-')}" if name in given else f"SIGNALBOX_{name.upper()}"
    if first["type"].startswith("int_"):
        return f"{option}: must be a whole number"
    return f"{option}: {first['msg'].removeprefix('Value error, ')}"
