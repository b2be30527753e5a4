"""What nobody needs any more is deleted."""

from datetime import timedelta

from sqlalchemy import select

from app.jobs.housekeeping import housekeeping_job
from app.models import MagicLink, MailKind, QueuedMail, Session, User
from app.runtime.node import Node
from tests.clock import now

ADA = "ada@example.com"
KEPT = (Session.secret_hash, MagicLink.secret_hash, QueuedMail.email)


async def test_what_has_had_its_day_is_swept_out(node: Node) -> None:
    user = User(created_at=now(), email=ADA, email_key=ADA, display_name="Ada")
    long_ago = now() - timedelta(days=60)
    async with node.database.writing() as session:
        session.add(user)
        await session.flush()
        for name, at in (("old", long_ago), ("new", now() + timedelta(hours=1))):
            secret = {"created_at": long_ago, "secret_hash": name, "expires_at": at}
            session.add(Session(user_id=user.id, last_seen_at=long_ago, **secret))
            session.add(MagicLink(email=ADA, email_key=ADA, **secret))
            mail = {"created_at": long_ago, "email": name, "email_key": name, "due_at": at, "given_up_at": at}
            session.add(QueuedMail(kind=MailKind.SIGN_IN, **mail))
        await session.commit()
    await housekeeping_job(node).run()
    async with node.database.reading() as session:
        kept = [(await session.execute(select(column))).scalars().all() for column in KEPT]
    assert kept == [["new"]] * 3
