"""Mail as people get it: read from the outbox, with the links in it."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import ColumnElement, exists, select
from sqlmodel import col

from app.models import ProposalNews, QueuedMail
from app.runtime.node import Node
from app.store.engines import Database

PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the outbox."""

    message: EmailMessage

    @property
    def to(self) -> str:
        """The one it is for."""
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        """Its subject."""
        return str(self.message["Subject"])

    def part(self, subtype: str) -> str:
        """Its text, or its HTML."""
        return str(self.message.get_body((subtype,)).get_content())  # type: ignore[union-attr]

    @property
    def link(self) -> str:
        """The one link that its text holds."""
        (found,) = re.findall(r"https?://\S+", self.part("plain"))
        return str(found)

    @property
    def secret(self) -> str:
        """What the link ends in."""
        return re.split(r"[/=]", self.link)[-1]


def in_outbox(folder: Path) -> list[Mail]:
    """The mails of the outbox, oldest first."""
    return [
        Mail(message_from_bytes(file.read_bytes(), policy=policy.default))  # type: ignore[arg-type]
        for file in sorted(folder.glob("*.eml"))
    ]


async def delivered(database: Database) -> None:
    """Until the queue holds nothing that is still to be tried, but for news. A mail leaves it after it was sent."""
    waiting = exists().where(col(QueuedMail.given_up_at).is_(None), col(QueuedMail.user_id).is_(None))
    async with asyncio.timeout(PATIENCE):
        while await _holds(database, waiting):
            await asyncio.sleep(0.005)


async def told(node: Node) -> None:
    """Until no news is due: what comes later in one mail is left alone, until the test's time is there."""
    async with asyncio.timeout(PATIENCE):
        while await _holds(node.database, _news_due_at(node.clock.now())):
            node.mail_waits.set()  # nobody tells the worker that a test has moved the time on
            await asyncio.sleep(0.005)


def _news_due_at(at: datetime) -> ColumnElement[bool]:
    queued = col(QueuedMail.given_up_at).is_(None), col(QueuedMail.user_id).is_not(None)
    due_or_going = (col(QueuedMail.due_at) <= at) | (col(QueuedMail.attempts) != 0)
    return exists().where(*queued, due_or_going) | exists().where(~col(ProposalNews.spread))


async def _holds(database: Database, condition: ColumnElement[bool]) -> bool:
    async with database.reading() as session:
        return (await session.execute(select(condition))).scalar_one()
