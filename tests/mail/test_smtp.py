"""Mail over SMTP: to servers that take it, fail, refuse, and come back."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
import structlog.testing
from sqlalchemy import select
from starlette.applications import Starlette

from app.domain.emails import email_key
from app.mail.rendering import rendered
from app.mail.transports import Smtp, Undelivered, addresses_of
from app.models import MailKind, QueuedMail
from app.runtime.node import Node
from app.services import mail
from app.services.mail_messages import Message
from app.settings import Mode, Settings
from tests.clock import SetClock, now
from tests.conftest import client_of
from tests.mail.servers import OK, MailServer, certificate
from tests.mailbox import PATIENCE, delivered

ADA = "ada@example.com"


@pytest.fixture
async def smtp() -> AsyncIterator[MailServer]:
    """A mail server that takes everything; a test stops or changes it."""
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def credentials() -> str:
    """What stands before the host in the address of the mail server."""
    return ""


@pytest.fixture
def settings(migrated: Path, tmp_path: Path, smtp: MailServer, credentials: str) -> Settings:
    """Hosted, so that anybody is mailed to."""
    shutil.copy(migrated, tmp_path / "signalbox.db")
    scheme = "smtps" if "ssl" in smtp.options else "smtp"
    return Settings(
        data_dir=tmp_path,
        mode=Mode.HOSTED,
        smtp_url=f"{scheme}://{credentials}127.0.0.1:{smtp.port}",
        mail_from="Signals <signals@acme.example>",
        base_url="https://flags.acme.example",
    )


@pytest.fixture
async def app(app: Starlette, clock: SetClock) -> AsyncIterator[Starlette]:
    """The instance, whose time jumps to when the next mail is due."""
    hurrying = asyncio.create_task(hurry(app.state.node, clock))
    yield app
    hurrying.cancel()
    await asyncio.gather(hurrying, return_exceptions=True)


async def hurry(node: Node, clock: SetClock) -> None:
    while True:
        async with node.unit("req_test") as uow:
            due_at = await mail.next_due_at(uow)
        if due_at is not None and due_at > clock.now():
            clock.ahead += due_at - clock.now()
            node.mail_waits.set()
        await asyncio.sleep(0.02)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who asks for mail."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
def node(app: Starlette) -> Node:
    """What the process holds."""
    found: Node = app.state.node
    return found


async def ask(client: httpx2.AsyncClient, email: str = ADA) -> None:
    """The request succeeds, whatever becomes of the mail."""
    answer = await client.post("/api/v1/auth/magic-link", json={"email": email})
    assert (answer.status_code, answer.json()) == (200, {"sent": True})


async def queued_mails(node: Node) -> list[QueuedMail]:
    async with node.database.reading() as session:
        return list((await session.execute(select(QueuedMail))).scalars())


async def failed_mail(node: Node) -> QueuedMail:
    """The one mail, once its first try has failed."""
    async with asyncio.timeout(PATIENCE):
        while not (found := [queued for queued in await queued_mails(node) if queued.last_error]):
            await asyncio.sleep(0.005)
    return found[0]


def in_turn(*answers: str) -> "Turns":
    return Turns(list(answers))


class Turns:
    """One answer after the other, the last one for good."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers

    def __call__(self) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_mail_is_sent_with_both_parts(node: Node, client: httpx2.AsyncClient, smtp: MailServer) -> None:
    await ask(client)
    await delivered(node.database)
    (mail,) = smtp.received
    assert smtp.recipients == [ADA]
    assert (str(mail["From"]), str(mail["To"])) == ("Signals <signals@acme.example>", ADA)
    assert mail["Date"] is not None
    assert str(mail["Message-ID"]).endswith("@acme.example>")
    for subtype in ("plain", "html"):
        part = mail.get_body((subtype,))
        assert part is not None
        assert "https://flags.acme.example/auth/link?t=sbl_" in part.get_content()
    assert await queued_mails(node) == []
    assert not node.settings.outbox.exists()


async def test_a_server_that_is_away_is_tried_again_until_it_is_back(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer
) -> None:
    await smtp.stop()
    await ask(client)
    queued = await failed_mail(node)
    assert "ConnectError" in (queued.last_error or "")
    assert queued.given_up_at is None
    await smtp.start()
    await delivered(node.database)
    assert smtp.recipients == [ADA]


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_a_server_that_is_busy_is_tried_again(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer, stage: str
) -> None:
    setattr(smtp, stage, in_turn("451 Come back later", "421 Not now", OK))
    await ask(client)
    await delivered(node.database)
    assert (smtp.recipients, smtp.tries) == ([ADA], 3)


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_a_server_that_refuses_for_good_is_believed_and_the_operator_told(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer, stage: str
) -> None:
    setattr(smtp, stage, in_turn("550 No such mailbox here"))
    await ask(client)
    await delivered(node.database)
    (queued,) = await queued_mails(node)
    assert queued.given_up_at is not None
    assert queued.last_error == "The mail server answered 550 No such mailbox here"
    assert (smtp.received, smtp.tries) == ([], 1)
    setattr(smtp, stage, in_turn(OK))
    await ask(client, "bob@example.com")  # the next one is none the worse
    await delivered(node.database)
    assert smtp.recipients == ["bob@example.com"]


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_server_that_says_nothing_is_left(smtp: MailServer) -> None:
    await smtp.stop()
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", smtp.port)
    with pytest.raises(Undelivered, match="Timeout"):
        await Smtp(f"smtp://127.0.0.1:{smtp.port}", seconds=0.1).deliver(*a_mail())
    silent.close()


async def test_a_server_that_hangs_up_is_tried_again(node: Node, client: httpx2.AsyncClient, smtp: MailServer) -> None:
    await smtp.stop()
    rude = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", smtp.port)
    await ask(client)
    await failed_mail(node)
    rude.close()
    await rude.wait_closed()
    await smtp.start()
    await delivered(node.database)
    assert smtp.recipients == [ADA]


async def test_an_email_beyond_ascii_goes_where_servers_know_it(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer
) -> None:
    smtp.options["enable_SMTPUTF8"] = True
    await ask(client, "zoë@bücher.example")
    await delivered(node.database)
    assert smtp.recipients == ["zoë@xn--bcher-kva.example"]
    assert "zoë@bücher.example" in (smtp.received[0].get_body(("plain",)) or EmailMessage()).get_content()


async def test_mail_to_a_domain_goes_to_no_other_that_only_looks_alike(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer
) -> None:
    await ask(client, "zoe@straße.example")  # another owner's than strasse.example
    await delivered(node.database)
    assert smtp.recipients == ["zoe@xn--strae-oqa.example"]


async def test_an_email_beyond_ascii_is_given_up_where_they_do_not(
    node: Node, client: httpx2.AsyncClient, smtp: MailServer
) -> None:
    smtp.options["enable_SMTPUTF8"] = False
    await ask(client, "zoë@bücher.example")
    await delivered(node.database)
    (queued,) = await queued_mails(node)
    assert queued.given_up_at is not None
    await ask(client, "zoe@bücher.example")  # the domain alone is no matter
    await delivered(node.database)
    assert smtp.recipients == ["zoe@xn--bcher-kva.example"]


async def test_no_log_line_holds_a_link_or_the_body(node: Node, client: httpx2.AsyncClient, smtp: MailServer) -> None:
    smtp.data = in_turn("451 Come back later", OK)
    with structlog.testing.capture_logs() as logs:
        await ask(client)
        await delivered(node.database)
    assert {line["event"] for line in logs} >= {"mail failed", "mail sent"}
    assert "sbl_" not in repr(logs)


class TestWithPassword:
    """Servers that ask for one."""

    @pytest.fixture
    async def smtp(self, tmp_path: Path) -> AsyncIterator[MailServer]:
        """One that takes passwords over TLS only, and a certificate that nobody has signed."""
        server = MailServer(tls_context=certificate(tmp_path), auth_required=True, auth_require_tls=True)
        server.options["authenticator"] = server.authenticate
        await server.start()
        yield server
        await server.stop()

    @pytest.fixture
    def credentials(self) -> str:
        """The right ones, as an address writes them."""
        return "signals%40acme.example:s3cret%2F@"

    async def test_the_password_goes_over_starttls(
        self, node: Node, client: httpx2.AsyncClient, smtp: MailServer
    ) -> None:
        await ask(client)
        await delivered(node.database)
        assert smtp.credentials == [("signals@acme.example", "s3cret/")]
        assert smtp.encrypted
        assert smtp.recipients == [ADA]

    class TestWrong:
        """A wrong one."""

        @pytest.fixture
        def credentials(self) -> str:
            """A password of before."""
            return "signals:old-password@"

        async def test_is_tried_again_and_never_told(
            self, node: Node, client: httpx2.AsyncClient, smtp: MailServer
        ) -> None:
            with structlog.testing.capture_logs() as logs:
                await ask(client)
                queued = await failed_mail(node)
            assert "535" in (queued.last_error or "")
            assert queued.given_up_at is None
            assert "old-password" not in repr((queued, logs))


class TestTlsFromTheStart:
    """`smtps://`."""

    @pytest.fixture
    async def smtp(self, tmp_path: Path) -> AsyncIterator[MailServer]:
        """One that speaks TLS only."""
        server = MailServer(ssl=certificate(tmp_path))
        await server.start()
        yield server
        await server.stop()

    async def test_works(self, node: Node, client: httpx2.AsyncClient, smtp: MailServer) -> None:
        await ask(client)
        await delivered(node.database)
        assert smtp.recipients == [ADA]
        assert smtp.encrypted


def a_mail() -> tuple[QueuedMail, Message, EmailMessage]:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "signals@acme.example", ADA, "Hello"
    mail.set_content("Hello")
    queued = QueuedMail(kind=MailKind.SIGN_IN, email=ADA, email_key=ADA, due_at=now())
    return queued, Message(MailKind.SIGN_IN, ADA, "http://x"), mail


async def elsewhere(_: str) -> list[str]:
    """What a name resolves to that is not this machine's, or not only: it counts as another machine."""
    return ["127.0.0.1", "192.0.2.1"]


def url(smtp: MailServer, credentials: str = "", query: str = "") -> str:
    return f"smtp://{credentials}localhost:{smtp.port}{query}"


async def test_another_machine_gets_mail_over_tls_or_not_at_all(
    smtp: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with pytest.raises(Undelivered, match=r"offers no TLS.*tls=optional") as refused:
            await Smtp(url(smtp), resolve=elsewhere).deliver(*a_mail())
        assert not refused.value.for_good
    assert (smtp.received, smtp.tries) == ([], 0)
    smtp.options["tls_context"] = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))  # now it is trusted
    await Smtp(url(smtp), resolve=elsewhere).deliver(*a_mail())
    assert (smtp.encrypted, smtp.recipients) == (True, [ADA])


async def test_the_operator_may_say_that_mail_goes_in_the_clear_and_passwords_never_do(smtp: MailServer) -> None:
    await Smtp(url(smtp, query="?tls=optional"), resolve=elsewhere).deliver(*a_mail())
    assert (smtp.encrypted, smtp.recipients) == (False, [ADA])
    smtp.options |= {"authenticator": smtp.authenticate, "auth_require_tls": False}
    with pytest.raises(Undelivered, match="password was not sent"):
        await Smtp(url(smtp, "me:s3cret%2F@", "?tls=optional"), resolve=elsewhere).deliver(*a_mail())
    assert smtp.credentials == []


async def test_a_certificate_of_another_machine_is_looked_at(smtp: MailServer, tmp_path: Path) -> None:
    smtp.options["tls_context"] = certificate(tmp_path)
    for query in ("", "?tls=optional"):
        with pytest.raises(Undelivered, match="certificate"):
            await Smtp(url(smtp, query=query), resolve=elsewhere).deliver(*a_mail())
    assert smtp.received == []


async def test_what_is_on_this_machine_is_told_by_its_address_and_not_by_its_name(smtp: MailServer) -> None:
    async def here(_: str) -> list[str]:
        return ["127.0.0.53", "::1"]

    await Smtp(url(smtp), resolve=here).deliver(*a_mail())
    assert smtp.recipients == [ADA]
    assert set(await addresses_of("localhost")) <= {"127.0.0.1", "::1"}
    with pytest.raises(Undelivered, match="gaierror"):
        await Smtp(f"smtp://nowhere.invalid:{smtp.port}").deliver(*a_mail())


async def test_mail_to_a_domain_goes_where_emails_compare(smtp: MailServer) -> None:
    """Of hard cases, the recipient's domain is that of the key."""
    hard = ["faß", "βόλος", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "EXAMPLE", "Bücher", "\uff45xample", "\u0430pple"]
    emails = [f"ada@{domain}.example" for domain in hard]
    for email in emails:
        mail = rendered(Message(MailKind.SIGN_IN, email, "http://x"), "signals@acme.example")
        await Smtp(url(smtp)).deliver(a_mail()[0], Message(MailKind.SIGN_IN, email, "http://x"), mail)
    assert smtp.recipients == [email_key(email) for email in emails]
    assert [str(mail["To"]) for mail in smtp.received] == smtp.recipients
