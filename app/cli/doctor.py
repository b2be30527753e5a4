"""`signalbox doctor`: looks at everything that an operator sets up, changes nothing, and says what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from app.cli.data_folder import OTHERS, address_of_server, open_to_others
from app.cli.database import node_of, shown_database
from app.mail.transports import Smtp, Undelivered
from app.settings import BadSetting, Settings

MAIL_SECONDS = 10.0
PRIVATE = ("signalbox.db", "signalbox.lock", "server.json", "claim-code")


class Finding(NamedTuple):
    """What was looked at, and what is wrong with it or worth knowing."""

    of: str
    text: str
    is_wrong: bool = False

    @property
    def line(self) -> str:
        return f"{'WRONG' if self.is_wrong else 'ok':<7}{self.of:<10}{self.text}"


async def examine(settings: Settings) -> list[Finding]:
    """Whoever calls has read the settings, so these are sound one by one."""
    server = address_of_server(settings.data_dir)
    return [
        Finding("server", f"runs at {server}" if server else "does not run on this data folder"),
        *_data_folder(settings.data_dir),
        await _database(settings),
        await _mail(settings),
        _proxies(settings),
    ]


def _data_folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding("folder", f"{folder} is no folder: name the server's with --data-dir", is_wrong=True)
        return
    if (line := open_to_others(folder)) is not None:
        yield Finding("folder", line, is_wrong=True)
    else:
        yield Finding("folder", f"{folder.resolve()}, for its owner only")
    for path in map(folder.joinpath, PRIVATE):
        if path.exists() and path.stat().st_mode & OTHERS:
            yield Finding("folder", f"{path} is open to other users of this machine: chmod 600 {path}", is_wrong=True)


async def _database(settings: Settings) -> Finding:
    try:
        async with node_of(settings) as node:
            await node.database.ping()
    except BadSetting as fault:
        return Finding("database", str(fault), is_wrong=True)
    return Finding("database", f"{shown_database(settings)}, up to date")


async def _mail(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        return Finding("mail", f"no mail server is set, so mail is written to {settings.outbox}")
    try:
        await Smtp(settings.smtp_url, MAIL_SECONDS).greet()
    except Undelivered as fault:
        return Finding("mail", f"SIGNALBOX_SMTP_URL: {fault}", is_wrong=True)
    return Finding("mail", f"{urlsplit(settings.smtp_url).hostname} would take mail from {settings.sender}")


def _proxies(settings: Settings) -> Finding:
    everybody = any(one.strip().endswith("/0") for one in settings.trusted_proxies.split(","))
    if everybody:
        what = "SIGNALBOX_TRUSTED_PROXIES trusts everybody, so anybody can claim any address: list your proxies only"
    elif settings.loopback and not settings.only_here and not settings.trusted_proxies:
        what = (
            "SIGNALBOX_BASE_URL says that a proxy brings people here, and none is trusted, so they all share one "
            "address and its limits: set SIGNALBOX_TRUSTED_PROXIES, to 127.0.0.1/32 if the proxy is on this machine"
        )
    elif not settings.loopback and settings.base_url is None:
        what = (
            f"SIGNALBOX_BASE_URL is not set, so links in mails begin with {settings.public_url}: "
            "set it to what people open"
        )
    elif not settings.only_here and not settings.secure_cookies:
        what = "SIGNALBOX_BASE_URL has no https, so sessions can be read on the way: put a proxy with TLS in front"
    else:
        return Finding("proxies", f"links begin with {settings.public_url}")
    return Finding("proxies", what, is_wrong=True)
