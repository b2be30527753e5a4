"""News of proposals: whom it reaches, once each, and what comes together in one mail."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from app.domain.actors import EnvironmentScope, Member, Person, Role, Token
from app.domain.news import NewsEvent
from app.domain.proposals import ProposalKind, ProposalStatus, Verdict
from app.engine.kinds import Kind
from app.jobs.housekeeping import housekeeping_job
from app.jobs.mail import Delivery
from app.mail.transports import Undelivered
from app.models import (
    Environment,
    MailKind,
    Membership,
    NewsRecipient,
    Org,
    Primitive,
    Project,
    Proposal,
    ProposalNews,
    ProposalReview,
    QueuedMail,
    User,
)
from app.runtime.node import Node
from app.services import proposal_news
from app.services.mail import LEASE, enqueue
from app.services.mail_messages import Message
from tests.clock import SetClock

SHORTLY = timedelta(minutes=1)


class Post:
    """A transport that keeps what it is given, and fails where `fault` says so."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.fault: BaseException | None = None

    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.mails.append(mail)

    def taken(self) -> list[tuple[str, str]]:
        """Who got which subject since it was last asked."""
        taken, self.mails = self.mails, []
        return [(str(mail["To"]).partition("@")[0], str(mail["Subject"])) for mail in taken]


class Office:
    """An organisation in which Ada, Bob and Eve may review, Vic only looks, and Nil has not shown their mailbox.

    Changes are made behind the product's back, so that its news alone is tested.
    """

    def __init__(self, node: Node, clock: SetClock) -> None:
        self.node = node
        self.clock = clock
        self.post = Post()
        at = {"created_at": clock.now(), "updated_at": clock.now()}
        self.org = Org(slug="acme", name="Acme", **at)
        self.project = Project(org_id=self.org.id, key="web", name="Website", **at)
        self.environment = self._environment("prod", "Production", protected=True)
        self.flag = Primitive(project_id=self.project.id, kind=Kind.FLAG, space="value", key="checkout", **at)
        self.people = {name: self._user(name) for name in ("ada", "bob", "eve", "vic", "nil")}
        self.people["nil"].email_verified_at = None

    def _environment(self, key: str, name: str, *, protected: bool) -> Environment:
        at = self.clock.now()
        dated = {"created_at": at, "updated_at": at, "version_at": at, "target_id_field": "userId"}
        return Environment(project_id=self.project.id, key=key, name=name, protected=protected, **dated)

    def _user(self, name: str) -> User:
        at, email = self.clock.now(), f"{name}@acme.example"
        return User(email=email, email_key=email, display_name=name.title(), email_verified_at=at, created_at=at)

    async def add(self, *rows: Any) -> None:
        async with self.node.database.writing() as session:
            for row in rows:
                session.add(row)
                await session.flush()
            await session.commit()

    async def execute(self, *statements: Any) -> None:
        async with self.node.database.writing() as session:
            for statement in statements:
                await session.execute(statement)
            await session.commit()

    async def opened(self) -> "Office":
        await self.add(self.org, self.project, self.environment, self.flag, *self.people.values())
        roles = {"ada": Role.EDITOR, "bob": Role.ADMIN, "eve": Role.OWNER, "vic": Role.VIEWER, "nil": Role.EDITOR}
        for name, role in roles.items():
            await self.join(self.people[name], role)
        return self

    async def join(self, user: User, role: Role) -> None:
        at = {"created_at": self.clock.now(), "updated_at": self.clock.now()}
        await self.add(Membership(org_id=self.org.id, user_id=user.id, role=role, **at))

    def actor(self, name: str) -> Member:
        user = self.people[name]
        return Member(user.id, user.display_name, "session", proven=True)

    async def proposed(self, by: str = "ada", **values: Any) -> Proposal:
        """A proposal that has been announced."""
        proposal = await self.proposal(self.actor(by), **values)
        await self.announce(by, proposal, NewsEvent.PROPOSED)
        return proposal

    async def proposal(self, actor: Member | Token, **values: Any) -> Proposal:
        """A pending one, of which there is no news yet."""
        shown = actor.as_json()
        proposal = Proposal(
            **{
                "org_id": self.org.id,
                "project_id": self.project.id,
                "environment_id": self.environment.id,
                "primitive_id": self.flag.id,
                "kind": ProposalKind.SET_RULES_FLAG,
                "resource_kind": Kind.FLAG,
                "resource_key": "checkout",
                "fingerprint": "",
                "proposed_versions": {},
                "actor": shown,
                "proposer_id": shown["id"],
                "person_id": shown.get("onBehalfOf", shown)["id"],
                "expires_at": self.clock.now() + timedelta(days=7),
                "created_at": self.clock.now(),
                "updated_at": self.clock.now(),
                **values,
            }
        )
        await self.add(proposal)
        return proposal

    async def announce(self, by: str, proposal: Proposal, event: NewsEvent, review_id: str = "") -> None:
        async with self.node.unit("req_test", self.actor(by)) as uow:
            await uow.begin_write()
            await proposal_news.announce(uow, proposal, event, review_id)

    async def review(self, by: str, proposal: Proposal, verdict: Verdict, comment: str = "") -> None:
        actor = self.actor(by)
        said = {"reviewer_id": actor.user_id, "reviewer": actor.as_json(), "verdict": verdict, "comment": comment}
        review = ProposalReview(proposal_id=proposal.id, created_at=self.clock.now(), **said)
        await self.add(review)
        await self.announce(by, proposal, NewsEvent.REVIEWED, review.id)

    async def end(self, by: str, proposal: Proposal, status: ProposalStatus) -> None:
        ended = {"status": status, "ended_by": self.actor(by).as_json()}
        await self.execute(update(Proposal).where(col(Proposal.id) == proposal.id).values(ended))
        await self.announce(by, proposal, NewsEvent(status.value))

    async def mailed(self) -> list[tuple[str, str]]:
        """Who got which subject, once nothing more is to be done now."""
        await self.work()
        return self.post.taken()

    async def work(self, delivery: Delivery | None = None) -> None:
        delivery = delivery or Delivery(self.node, self.post)
        while any([await delivery.spread_news(), await delivery.deliver_one()]):
            pass

    async def count(self, table: Any) -> int:
        async with self.node.database.reading() as session:
            return (await session.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
async def office(node: Node, clock: SetClock) -> Office:
    """An organisation whose time stands still."""
    clock.stopped_at = clock.now()
    return await Office(node, clock).opened()


def recipients(mailed: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(name for name, _ in mailed)


async def test_who_may_review_hears_of_a_proposal(office: Office) -> None:
    await office.execute(
        update(User).where(col(User.id) == office.people["eve"].id).values(notify={"proposed": False, "applied": True})
    )
    gone = office._user("gone")
    gone.deleted_at = office.clock.now()
    await office.add(gone)
    await office.join(gone, Role.EDITOR)
    await office.proposed("ada")
    assert await office.mailed() == [("bob", "Ada proposes to change the rules of checkout in Production")]


async def test_who_proposes_by_a_token_of_theirs_does_not_hear_of_it(office: Office) -> None:
    minter = Person(office.people["bob"].id, "Bob")
    token = Token("token", "ci", office.org.id, frozenset(), EnvironmentScope(org=True), (), True, minter)
    proposal = await office.proposal(token, kind=ProposalKind.KILL_FLAG)
    async with office.node.unit("req_test", token) as uow:
        await uow.begin_write()
        await proposal_news.announce(uow, proposal, NewsEvent.PROPOSED)
    assert sorted(await office.mailed()) == [
        (name, "ci proposes to kill checkout in Production") for name in ("ada", "eve")
    ]
    await office.end("eve", proposal, ProposalStatus.APPLIED)
    office.clock.stopped_at += SHORTLY
    assert await office.mailed() == [("bob", "Eve applied your proposal to kill checkout in Production")]


async def test_what_is_proposed_where_nothing_is_protected_is_no_news(office: Office) -> None:
    await office.execute(update(Environment).values(protected=False))
    delete_it = {"kind": ProposalKind.DELETE_FLAG, "environment_id": None}
    await office.proposed("ada")
    await office.proposed("ada", **delete_it)
    assert (await office.mailed(), await office.count(ProposalNews)) == ([], 0)
    await office.add(office._environment("eu", "Europe", protected=True))
    await office.proposed("ada")
    assert await office.mailed() == []
    await office.proposed("ada", **delete_it)
    assert sorted(await office.mailed()) == [
        (name, "Ada proposes to delete checkout in Website") for name in ("bob", "eve")
    ]


async def test_who_proposed_hears_what_becomes_of_it_unless_they_do_it(office: Office) -> None:
    proposal = await office.proposal(office.actor("vic"))
    what = "your proposal to change the rules of checkout in Production"
    for deed, subject in (
        (office.review("ada", proposal, Verdict.APPROVE), f"Ada approved {what}"),
        (office.review("bob", proposal, Verdict.REQUEST_CHANGES), f"Bob requested changes to {what}"),
        (office.end("eve", proposal, ProposalStatus.CANCELLED), f"Eve cancelled {what}"),
        (office.end("eve", proposal, ProposalStatus.APPLIED), f"Eve applied {what}"),
    ):
        await deed
        assert await office.mailed() == [("vic", subject)]
        office.clock.stopped_at += proposal_news.GATHERED
    own = await office.proposal(office.actor("vic"))
    await office.end("vic", own, ProposalStatus.CANCELLED)
    assert (await office.mailed(), await office.count(NewsRecipient)) == ([], 0)


async def test_thousands_of_recipients_are_one_row_to_who_proposes_and_hear_of_it_once(office: Office) -> None:
    names = [f"n{number}" for number in range(2 * proposal_news.BATCH)]
    at = {"created_at": office.clock.now(), "updated_at": office.clock.now()}
    users = [office._user(name) for name in names]
    async with office.node.database.writing() as session:
        session.add_all(users)
        await session.flush()
        session.add_all(Membership(org_id=office.org.id, user_id=user.id, role=Role.EDITOR, **at) for user in users)
        await session.commit()
    await office.proposed("ada")
    assert [await office.count(table) for table in (ProposalNews, NewsRecipient, QueuedMail)] == [1, 0, 0]
    delivery, counts = Delivery(office.node, office.post), []
    while await delivery.spread_news():
        counts.append(await office.count(QueuedMail))
    assert counts == [proposal_news.BATCH - 1, 2 * proposal_news.BATCH - 1, len(names) + 2], "some at a time"
    async with office.node.database.reading() as session:
        emails = (await session.execute(select(QueuedMail.email))).scalars()
        assert sorted(email.partition("@")[0] for email in emails) == sorted([*names, "bob", "eve"])


async def test_of_many_workers_each_recipient_hears_of_it_once(office: Office) -> None:
    await office.proposed("ada")
    for _ in range(10):  # a worker that was too late looks again later
        await asyncio.gather(*(office.work(Delivery(office.node, office.post)) for _ in range(3)))
    assert recipients(office.post.taken()) == ["bob", "eve"]


async def test_what_a_worker_died_of_while_it_looked_for_recipients_is_looked_for_again(office: Office) -> None:
    await office.proposed("ada")
    unit = office.node.unit("req_test")
    await proposal_news.spread(await unit.__aenter__())
    await unit.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    assert recipients(await office.mailed()) == ["bob", "eve"]


async def test_the_same_is_announced_once(office: Office) -> None:
    proposal = await office.proposed("ada")
    await office.announce("ada", proposal, NewsEvent.PROPOSED)
    assert recipients(await office.mailed()) == ["bob", "eve"]
    office.clock.stopped_at += proposal_news.GATHERED
    await office.announce("ada", proposal, NewsEvent.PROPOSED)
    assert await office.mailed() == []


async def test_what_a_worker_died_of_is_not_mailed_again_and_what_came_meanwhile_is(office: Office) -> None:
    proposal = await office.proposal(office.actor("vic"))
    await office.review("ada", proposal, Verdict.APPROVE)
    office.post.fault = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await office.work()
    await office.review("bob", proposal, Verdict.APPROVE)
    office.post.fault = None
    assert await office.mailed() == [], "for a while the mail is the dead worker's"
    office.clock.stopped_at += LEASE
    assert await office.mailed() == [
        ("vic", "Bob approved your proposal to change the rules of checkout in Production")
    ]
    assert [await office.count(table) for table in (NewsRecipient, QueuedMail)] == [0, 0]


async def test_a_mail_that_a_server_did_not_take_is_tried_again(office: Office) -> None:
    await office.proposed("ada")
    office.post.fault = Undelivered("The server is away.")
    assert await office.mailed() == []
    office.post.fault = None
    office.clock.stopped_at += SHORTLY
    assert recipients(await office.mailed()) == ["bob", "eve"]
    assert [await office.count(table) for table in (NewsRecipient, QueuedMail)] == [0, 0]


async def test_after_a_mail_that_was_given_up_the_next_news_is_mailed(office: Office) -> None:
    proposal = await office.proposal(office.actor("vic"))
    await office.review("ada", proposal, Verdict.APPROVE)
    office.post.fault = Undelivered("No such mailbox here.", for_good=True)
    assert await office.mailed() == []
    assert [await office.count(table) for table in (NewsRecipient, QueuedMail)] == [0, 1], "for the operator to see"
    office.post.fault = None
    await office.review("bob", proposal, Verdict.APPROVE)
    assert await office.mailed() == [
        ("vic", "Bob approved your proposal to change the rules of checkout in Production")
    ]


async def test_the_first_news_goes_at_once_and_what_follows_comes_together(office: Office) -> None:
    await office.proposed("ada")
    assert recipients(await office.mailed()) == ["bob", "eve"]
    office.clock.stopped_at += SHORTLY
    for _ in range(proposal_news.MAX_ITEMS + 10):
        await office.proposed("ada", reason="Because")
    assert await office.mailed() == []
    office.clock.stopped_at += proposal_news.GATHERED - SHORTLY - timedelta(seconds=1)
    assert await office.mailed() == []
    office.clock.stopped_at += timedelta(seconds=1)
    await office.work()
    first = office.post.mails[0].get_body(("plain",))
    assert first is not None
    lines = [line for line in first.get_content().splitlines() if line.startswith("- ")]
    assert len(lines) == proposal_news.MAX_ITEMS + 1
    assert lines[0].startswith("- Ada proposes to change the rules of checkout in Production (Acme, Website): 0")
    assert lines[-1] == "- and 10 more"
    assert sorted(office.post.taken()) == [(name, "Updates on 60 proposals in Acme") for name in ("bob", "eve")]
    office.clock.stopped_at += proposal_news.GATHERED
    await office.proposed("ada")
    assert len(await office.mailed()) == 2


async def test_a_digest_names_the_organisation_if_it_is_one(office: Office) -> None:
    proposal = await office.proposal(office.actor("vic"))
    await office.review("eve", proposal, Verdict.APPROVE)
    assert recipients(await office.mailed()) == ["vic"]
    await office.review("ada", proposal, Verdict.APPROVE)
    await office.review("bob", proposal, Verdict.REQUEST_CHANGES)
    assert await office.mailed() == []
    office.clock.stopped_at += proposal_news.GATHERED
    assert await office.mailed() == [("vic", "Updates on a proposal in Acme")]
    at = {"created_at": office.clock.now(), "updated_at": office.clock.now()}
    beta = Org(slug="beta", name="Beta", **at)
    await office.add(beta, Membership(org_id=beta.id, user_id=office.people["vic"].id, role=Role.VIEWER, **at))
    elsewhere = await office.proposal(office.actor("vic"), org_id=beta.id)
    await office.end("eve", proposal, ProposalStatus.APPLIED)
    await office.end("eve", elsewhere, ProposalStatus.CANCELLED)
    assert await office.mailed() == []
    office.clock.stopped_at += proposal_news.GATHERED
    assert await office.mailed() == [("vic", "Updates on 2 proposals in 2 organisations")]


@pytest.mark.parametrize("queued", [True, False])
async def test_what_has_become_moot_is_not_mailed(office: Office, queued: bool) -> None:
    eve, bob = office.people["eve"].id, office.people["bob"].id
    proposals = [await office.proposed("ada") for _ in range(3)]
    over = await office.proposed("ada", expires_at=office.clock.now() + SHORTLY)
    if queued:
        await office.work(Delivery(office.node, Held()))
    await office.execute(
        delete(Membership).where(col(Membership.user_id) == eve),
        update(Proposal).where(col(Proposal.id) == proposals[0].id).values(status=ProposalStatus.CANCELLED),
        delete(Proposal).where(col(Proposal.id) == proposals[1].id),
    )
    office.clock.stopped_at += SHORTLY
    assert over.expires_at <= office.clock.now()
    assert await office.mailed() == [("bob", "Ada proposes to change the rules of checkout in Production")]
    office.clock.stopped_at += proposal_news.GATHERED
    for change in (
        update(Membership).where(col(Membership.user_id) == bob).values(role=Role.VIEWER),
        update(User).where(col(User.id) == bob).values(notify={"proposed": False}),
    ):
        await office.proposed("ada")
        if queued:
            await office.work(Delivery(office.node, Held()))
        await office.execute(change)
        office.clock.stopped_at += SHORTLY
        assert await office.mailed() == []
        await office.execute(update(Membership).where(col(Membership.user_id) == bob).values(role=Role.ADMIN))
    assert [await office.count(table) for table in (NewsRecipient, QueuedMail)] == [0, 0]


class Held:
    """A transport that is away."""

    async def deliver(self, queued: QueuedMail, message: Message, mail: EmailMessage) -> None:
        raise Undelivered("Later.")


async def test_of_what_one_reviewer_said_the_last_word_is_mailed(office: Office) -> None:
    proposal = await office.proposal(office.actor("vic"))
    await office.review("ada", proposal, Verdict.REQUEST_CHANGES)
    await office.review("ada", proposal, Verdict.APPROVE)
    assert await office.mailed() == [
        ("vic", "Ada approved your proposal to change the rules of checkout in Production")
    ]


async def test_who_waits_for_a_link_does_not_wait_for_news(office: Office) -> None:
    await office.proposed("ada")
    assert await Delivery(office.node, office.post).spread_news()
    office.clock.stopped_at += SHORTLY
    async with office.node.unit("req_test") as uow:
        await uow.begin_write()
        enqueue(uow, MailKind.SIGN_IN, "vic@acme.example")
    assert [name for name, _ in await office.mailed()] == ["vic", "bob", "eve"]


async def test_news_that_was_told_is_swept_out(office: Office) -> None:
    await office.proposed("ada")
    office.clock.stopped_at += timedelta(days=2)
    await office.proposed("ada")
    await housekeeping_job(office.node).run()
    assert await office.count(ProposalNews) == 2, "nobody has heard of the first one yet"
    await office.work()
    await housekeeping_job(office.node).run()
    assert await office.count(ProposalNews) == 1
