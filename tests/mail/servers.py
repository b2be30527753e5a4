"""A mail server that tests start for themselves, in this very loop: it accepts mail, or fails as it is asked to."""

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

Answer = Callable[[], str]
OK = "250 OK"


class MailServer:
    """`rcpt` and `data` answer each command; `options` are aiosmtpd's."""

    def __init__(self, **options: Any) -> None:
        self.port = free_port()
        self.options = options
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.credentials: list[tuple[str, str]] = []
        self.tries = 0
        self.encrypted = False
        self.rcpt: Answer = lambda: OK
        self.data: Answer = lambda: OK
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens, on the port that it had before if it did."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", self.port, ssl=self.options.get("ssl"))

    async def stop(self) -> None:
        """Refuses connections from now on."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _session(self) -> SMTP:
        options = {name: value for name, value in self.options.items() if name != "ssl"}
        return SMTP(self, hostname="mail.test", loop=asyncio.get_running_loop(), **options)

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: LoginPassword) -> AuthResult:
        """Notes the credentials; the password is `s3cret/`."""
        self.credentials.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"s3cret/", handled=False)

    async def handle_RCPT(self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        """aiosmtpd's hook."""
        self.tries += 1
        self.encrypted = session.ssl is not None or "ssl" in self.options
        answer = self.rcpt()
        if answer == OK:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook."""
        answer = self.data()
        if answer == OK:
            self.recipients.extend(envelope.rcpt_tos)
            self.received.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return answer


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's, signed by itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-days", "1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
