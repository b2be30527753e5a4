"""Mail as people get it: read from the outbox, with the links in it."""

import asyncio
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import func, select

from app.models import QueuedMail
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
    """Until the queue holds nothing that is still to be tried. A mail leaves it after it was sent."""
    async with asyncio.timeout(PATIENCE):
        while await _waiting(database):
            await asyncio.sleep(0.005)


async def _waiting(database: Database) -> int:
    async with database.reading() as session:
        waiting = select(func.count()).select_from(QueuedMail).where(QueuedMail.given_up_at.is_(None))  # type: ignore[union-attr]
        return (await session.execute(waiting)).scalar_one()
