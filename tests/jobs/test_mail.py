"""The worker: every mail once, none lost, none that holds up the others; and the outbox."""

import asyncio
import stat
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.domain.errors import AppError
from app.jobs.mail import Delivery
from app.mail.rendering import rendered
from app.mail.transports import Outbox, Undelivered, transport_for
from app.models import MagicLink, MailKind, QueuedMail
from app.runtime.node import Node
from app.services import mail, mail_messages
from app.services.mail_messages import Message
from app.settings import Mode, Settings
from app.store.unit_of_work import UnitOfWork
from tests.clock import now
from tests.mailbox import in_outbox

ADA = "ada@example.com"


@pytest.fixture
def mode() -> Mode:
    """Hosted, so that anybody is mailed to."""
    return Mode.HOSTED


class RecordingTransport:
    """A transport that keeps what it is given, and fails where `fault` says so."""

    def __init__(self) -> None:
        self.delivered: Counter[str] = Counter()
        self.fault: Any = None

    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.delivered[message.to] += 1


async def queue(node: Node, *emails: str) -> None:
    at = now()
    async with node.database.writing() as session:
        session.add_all(
            QueuedMail(kind=MailKind.SIGN_IN, email=email, email_key=email, due_at=at, created_at=at)
            for email in emails
        )
        await session.commit()


async def deliver_all(node: Node, transport: RecordingTransport, **broken: Any) -> None:
    delivery = Delivery(node, transport, **broken)
    while await delivery.deliver_one():
        pass


async def test_of_many_workers_one_delivers_each_mail(node: Node) -> None:
    emails = [f"{number}@example.com" for number in range(20)]
    await queue(node, *emails)
    transport = RecordingTransport()
    for _ in range(20):  # a worker that was too late looks again later
        await asyncio.gather(*(deliver_all(node, transport) for _ in range(3)))
    assert transport.delivered == Counter(emails)


async def test_a_mail_whose_worker_died_is_delivered_by_another(node: Node) -> None:
    await queue(node, ADA)
    transport = RecordingTransport()
    transport.fault = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await deliver_all(node, transport)
    transport.fault = None
    await deliver_all(node, transport)
    assert transport.delivered == Counter()  # for a while it is the dead worker's
    async with node.database.writing() as session:
        await session.execute(update(QueuedMail).values(due_at=now()))
        await session.commit()
    await deliver_all(node, transport)
    assert transport.delivered == Counter([ADA])


async def test_a_mail_that_cannot_be_worded_holds_nobody_up(node: Node) -> None:
    def broken(message: Message, sender: str) -> EmailMessage:
        if message.to == ADA:
            raise ZeroDivisionError
        return rendered(message, sender)

    await queue(node, ADA)
    await queue(node, "bob@example.com")
    transport = RecordingTransport()
    await deliver_all(node, transport, render=broken)
    assert transport.delivered == Counter(["bob@example.com"])


@pytest.mark.parametrize(("fault", "given_up"), [(ZeroDivisionError(), True), (AppError("unavailable"), False)])
async def test_a_mail_that_cannot_be_composed_holds_nobody_up(node: Node, fault: Exception, given_up: bool) -> None:
    async def broken(uow: UnitOfWork, queued: QueuedMail, settings: Settings) -> Message | None:
        message = await mail_messages.compose(uow, queued, settings)
        if queued.email == ADA:
            raise fault
        return message

    await queue(node, ADA)
    await queue(node, "bob@example.com")
    transport = RecordingTransport()
    await deliver_all(node, transport, compose=broken)
    assert transport.delivered == Counter(["bob@example.com"])
    async with node.database.reading() as session:
        queued = (await session.execute(select(QueuedMail))).scalar_one()
        links = (await session.execute(select(MagicLink.email))).scalars().all()
    assert (queued.attempts, queued.given_up_at is not None) == (1, given_up)
    assert links == ["bob@example.com"]


async def test_pauses_double_and_after_a_day_a_mail_is_given_up(node: Node) -> None:
    await queue(node, ADA)
    transport = RecordingTransport()
    transport.fault = Undelivered("The server is away.")
    pauses = []
    for _ in range(12):
        await deliver_all(node, transport)
        async with node.unit("req_test") as uow:
            pauses.append((await mail.next_due_at(uow) or now()) - now())
        async with node.database.writing() as session:
            await session.execute(update(QueuedMail).values(due_at=now()))
            await session.commit()
    assert timedelta(seconds=9) < pauses[0] <= timedelta(seconds=10)
    assert timedelta(seconds=19) < pauses[1] <= timedelta(seconds=20)
    assert timedelta(minutes=14) < pauses[-1] <= timedelta(minutes=15)
    async with node.database.writing() as session:
        await session.execute(update(QueuedMail).values(created_at=now() - timedelta(days=2)))
        await session.commit()
    await deliver_all(node, transport)
    async with node.unit("req_test") as uow:
        assert await mail.next_due_at(uow) is None


async def test_the_outbox_is_the_operators_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = Message(MailKind.SIGN_IN, "zoë@example.com", "http://127.0.0.1:8000/auth/link?t=sbl_x")
    written = rendered(message, "Signalbox <signalbox@example.com>")
    queued = QueuedMail(kind=MailKind.SIGN_IN, email=ADA, email_key=ADA, due_at=now())
    for shown in (True, False):
        await Outbox(tmp_path / "outbox", prints_links=shown).deliver(queued, message, written)
        printed = capsys.readouterr().out
        assert printed == (f"  Mail to zoë@example.com: {message.link}\n" if shown else "")
    (file,) = (tmp_path / "outbox").iterdir()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert file.suffix == ".eml"
    assert message.link.encode() in file.read_bytes()  # in one piece, for who reads the raw file
    (mail,) = in_outbox(tmp_path / "outbox")
    assert (mail.to, mail.link) == ("zoë@example.com", message.link)


async def test_links_are_not_printed_behind_a_proxy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = Message(MailKind.SIGN_IN, ADA, "https://flags.example.com/auth/link?t=sbl_x")
    queued = QueuedMail(kind=MailKind.SIGN_IN, email=ADA, email_key=ADA, due_at=now())
    for base_url, shown in ((None, True), ("https://flags.example.com", False)):
        transport = transport_for(Settings(data_dir=tmp_path, base_url=base_url))
        await transport.deliver(queued, message, rendered(message, "signalbox@x.example"))
        assert ("sbl_x" in capsys.readouterr().out) is shown


async def test_an_outbox_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands in the way")
    message = Message(MailKind.SIGN_IN, ADA, "http://x")
    queued = QueuedMail(kind=MailKind.SIGN_IN, email=ADA, email_key=ADA, due_at=now())
    with pytest.raises(Undelivered, match="Cannot write to"):
        await Outbox(tmp_path / "outbox", prints_links=False).deliver(
            queued, message, rendered(message, "signalbox@x.example")
        )
