"""Transports of mail: SMTP, or files in the outbox if no mail server is set."""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.models import QueuedMail
from app.services.mail_messages import Message
from app.settings import TLS_OPTIONAL, Settings

SECONDS = 30
FIRST_PERMANENT = 500


class Undelivered(Exception):
    """The mail was not sent; the message says why, for the operator. `for_good`: a retry cannot help."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Transport(Protocol):
    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None: ...


async def addresses_of(host: str) -> list[str]:
    """What the host's name leads to."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Smtp:
    """A mail server. Sign-in links and passwords go to one on another machine only over TLS, links also without if the
    URL says `?tls=optional`."""

    def __init__(
        self, url: str, seconds: float = SECONDS, resolve: Callable[[str], Awaitable[list[str]]] = addresses_of
    ) -> None:
        self._seconds = seconds
        self._resolve = resolve
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._needs_tls = parts.query != TLS_OPTIONAL

    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None:  # noqa: ARG002
        """Opens a connection for each mail."""
        async with self._connected() as client:
            await client.send_message(mail)

    async def greet(self) -> None:
        """Does all that comes before a mail, and sends none."""
        async with self._connected():
            pass

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Encrypted and logged in, as far as that is due. Raises Undelivered for whatever goes wrong meanwhile."""
        try:
            async with asyncio.timeout(self._seconds):
                local = all(_is_loopback(address) for address in await self._resolve(self._host))
                async with self._client(local=local) as client:
                    await self._encrypt(client, local=local)
                    if self._user is not None:
                        await self._login(client, self._user, local=local)
                    yield client
        except aiosmtplib.SMTPRecipientsRefused as refused:
            answer = refused.recipients[0]
            raise Undelivered(_answer_of(answer), for_good=_is_permanent(answer)) from refused
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as refused:
            raise Undelivered(_answer_of(refused), for_good=_is_permanent(refused)) from refused
        except aiosmtplib.SMTPNotSupported as fault:
            raise Undelivered(f"The mail server cannot take this address: {fault}", for_good=True) from fault
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as fault:
            raise Undelivered(f"{type(fault).__name__}: {fault}") from fault

    def _client(self, *, local: bool) -> aiosmtplib.SMTP:
        """A server on this machine does not need a trusted certificate."""
        context = ssl.create_default_context()
        if local:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._seconds,
            use_tls=self._tls,
            start_tls=False,
            tls_context=context,
        )

    async def _encrypt(self, client: aiosmtplib.SMTP, *, local: bool) -> None:
        """STARTTLS wherever it is offered."""
        if local and not _is_loopback(client.get_transport_info("peername")[0]):  # the name was looked up twice
            raise Undelivered(f"{self._host} led to this machine, and then to another one.")
        if self._tls:
            return
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:  # an old server, which offers nothing
            offered = False
        else:
            offered = client.supports_extension("starttls")
        if offered:
            await client.starttls()
        elif self._needs_tls and not local:
            raise Undelivered(
                "The mail server offers no TLS, so the mail was not sent to it. Use one that does, or let mail be read "
                f"on the network by adding ?{TLS_OPTIONAL} to SIGNALBOX_SMTP_URL."
            )

    async def _login(self, client: aiosmtplib.SMTP, user: str, *, local: bool) -> None:
        encrypted = client.get_transport_info("sslcontext") is not None
        if not encrypted and not local:
            raise Undelivered("The mail server offers no TLS, so the password was not sent to it.")
        await client.login(user, self._password)


class Outbox:
    """A folder of `.eml` files. Only the operator can read them, because their links sign people in.

    `prints_links`: for an operator who tries the server on their own machine.
    """

    def __init__(self, folder: Path, *, prints_links: bool) -> None:
        self._folder = folder
        self._prints_links = prints_links

    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None:
        """Renames the finished file, so that no reader sees half of it."""
        try:
            await asyncio.to_thread(self._write, f"{queued.id}.eml", mail)
        except OSError as fault:
            raise Undelivered(f"Cannot write to {self._folder}: {fault.strerror}") from fault
        if self._prints_links:
            sys.stdout.write(f"  Mail to {message.to}: {message.link}\n")
            sys.stdout.flush()

    def _write(self, name: str, mail: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{name}"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(mail.as_bytes(policy=policy_for(mail)))
        unfinished.replace(self._folder / name)


def transport_for(settings: Settings) -> Transport:
    """The transport that the settings choose."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url)
    return Outbox(settings.outbox, prints_links=settings.only_here)


def policy_for(mail: EmailMessage) -> "EmailPolicy[EmailMessage]":
    """How the mail is written: only a recipient beyond ASCII needs headers in UTF-8."""
    return SMTP if str(mail["To"]).isascii() else SMTPUTF8


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _is_permanent(answer: aiosmtplib.SMTPResponseException) -> bool:
    return answer.code >= FIRST_PERMANENT


def _answer_of(answer: aiosmtplib.SMTPResponseException) -> str:
    return f"The mail server answered {answer.code} {answer.message}"
