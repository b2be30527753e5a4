"""What nobody needs any more is deleted."""

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from app.domain.actors import Member
from app.domain.operations import Operation
from app.domain.security_events import SecurityEvent
from app.jobs.housekeeping import housekeeping_job
from app.models import AuditEvent, DeletedOrg, MagicLink, MailKind, Org, QueuedMail, Session, User
from app.runtime.node import Node
from app.store.unit_of_work import Subject
from tests.clock import now

ADA = "ada@example.com"
KEPT = (Session.secret_hash, MagicLink.secret_hash, QueuedMail.email)


async def test_the_audit_of_a_deleted_organisation_is_kept_for_90_days(node: Node) -> None:
    async with node.unit("req_test", Member("ada", "Ada", "session", proven=True)) as uow:
        await uow.begin_write()
        for slug, days in (("old", 91), ("recent", 89)):
            org = Org(slug=slug, name=slug)
            uow.add(DeletedOrg(id=org.id, slug=slug, deleted_at=now() - timedelta(days=days)))
            uow.record(Operation.DELETE_ORG, Subject(org.id, "org", org.id, slug))
        uow.record(Operation.CREATE_ORG, Subject("living", "org", "living", "living"))
        uow.record(SecurityEvent.SIGN_IN, Subject(None, "session", "one", "curl"))

    await housekeeping_job(node).run()
    async with node.database.reading() as session:
        kept = (await session.execute(select(AuditEvent.resource_key).order_by(col(AuditEvent.id)))).scalars().all()
        known = (await session.execute(select(DeletedOrg.slug))).scalars().all()
    assert (kept, known) == (["recent", "living", "curl"], ["recent"])


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
