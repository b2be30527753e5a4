"""People and things to test with. What the product cannot do yet by its surface is put into the database here."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import Executable, select, text, update
from sqlmodel import col
from starlette.applications import Starlette

from app.domain.actors import Member, Role
from app.domain.emails import email_key
from app.domain.proposals import ProposalKind, Verdict
from app.engine import json_text
from app.engine.blast_radius import BlastRadius
from app.models import (
    AuditEvent,
    AuditVersion,
    Environment,
    Invitation,
    Membership,
    Primitive,
    Proposal,
    ProposalContent,
    ProposalReview,
    ProposalTarget,
    Table,
    User,
)
from app.runtime.node import Node
from app.services import flags, invitations, links
from app.services.orgs import create_org_with_owner
from app.services.sessions import start_session
from tests import postgres
from tests.clients import Api, GraphQLApi
from tests.clock import now
from tests.mailbox import Mail, delivered, in_outbox, told


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation with one person of each role."""

    slug: str
    owner: Api
    admin: Api
    editor: Api
    viewer: Api

    def of(self, role: Role) -> Api:
        """The person of the role."""
        api: Api = getattr(self, role.value)
        return api


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project of an organisation with one environment, past its first version, and what it evaluates; and a token.

    The boolean flag `checkout` is true, the string flag `banner` is "hello", the config `limits` is {"a": 1}, and
    nobody belongs to the segment `staff`. The token may do everything.
    A fifth member, a guest, is a viewer; somebody is invited; and a proposal waits to make the banner say "bye".
    """

    org: Org
    project: dict[str, Any]
    environment: dict[str, Any]
    api_key: dict[str, Any]
    guest_id: str
    invitation_id: str
    proposal_id: str
    event_id: str

    @property
    def project_id(self) -> str:
        """The project's id."""
        return str(self.project["id"])

    @property
    def environment_id(self) -> str:
        """The environment's id."""
        return str(self.environment["id"])

    @property
    def checkout(self) -> dict[str, Any]:
        """What names the boolean flag's state."""
        return {"environmentId": self.environment_id, "key": "checkout"}

    @property
    def banner(self) -> dict[str, Any]:
        """What names the string flag's state."""
        return {"environmentId": self.environment_id, "key": "banner"}

    @property
    def limits(self) -> dict[str, Any]:
        """What names the config's state."""
        return {"environmentId": self.environment_id, "key": "limits"}

    @property
    def staff(self) -> dict[str, Any]:
        """What names the segment's state."""
        return {"environmentId": self.environment_id, "key": "staff"}

    @property
    def key_of_api(self) -> dict[str, Any]:
        """What names the token."""
        return {"orgSlug": self.org.slug, "apiKeyId": self.api_key["id"]}

    @property
    def guest(self) -> dict[str, Any]:
        """What names the fifth member."""
        return {"orgSlug": self.org.slug, "userId": self.guest_id}

    @property
    def invitation(self) -> dict[str, Any]:
        """What names the invitation."""
        return {"orgSlug": self.org.slug, "invitationId": self.invitation_id}

    async def version(self) -> int:
        """The environment's version now."""
        return int((await self.org.viewer.make("environment", environmentId=self.environment_id))["version"])

    async def evaluated(self, key: str) -> Any:
        """What a key is now."""
        found = await self.org.viewer.make("evaluate", environmentId=self.environment_id, context={}, keys=[key])
        return found["evaluations"][key]


@dataclass(frozen=True, slots=True)
class Seeded:
    """A database, and the workspace in it as somebody else saw it."""

    database: Path
    workspace: Workspace


class Instance:
    """A running instance. `api` is the transport that all its people use."""

    def __init__(self, app: Starlette, api: type[Api], client_of: Callable[..., httpx2.AsyncClient]) -> None:
        self.app = app
        self._api = api
        self._client_of = client_of
        self._clients: list[httpx2.AsyncClient] = []

    @property
    def node(self) -> Node:
        """What the process holds."""
        node: Node = self.app.state.node
        return node

    @property
    def transport(self) -> str:
        """Which one its people use."""
        return "graphql" if self._api is GraphQLApi else "rest"

    def anonymous(self, cookie: str | None = None, address: str = "127.0.0.1") -> Api:
        """A caller without credentials, or with those of the cookie, from the address."""
        client = self._client_of(self.app, cookie, address=address)
        self._clients.append(client)
        return self._api(client)

    def bearer(self, token: str, address: str = "127.0.0.1") -> Api:
        """A caller with the bearer token, from the address."""
        client = self._client_of(self.app, token=token, address=address)
        self._clients.append(client)
        return self._api(client)

    async def token(self, org: Org, **asked: Any) -> Api:
        """A caller with a new token of the organisation, which may do everything but for what is asked."""
        return self.bearer((await self.minted(org, **asked))["token"])

    async def minted(self, org: Org, **asked: Any) -> dict[str, Any]:
        """A new token, with its secret as `token`."""
        level = {} if "actions" in asked else {"level": "admin"}
        body = {"name": "ci", "environments": {"org": True}, "resources": ["*"], **level, **asked}
        return dict(await org.admin.make("createApiKey", orgSlug=org.slug, **body))

    async def person(self, name: str) -> tuple[User, Api]:
        """A user, signed in, who is in no organisation."""
        user = User(
            email=f"{name}@example.com", email_key=f"{name}@example.com", display_name=name, email_verified_at=now()
        )
        async with self.node.unit("req_test") as uow:
            await uow.begin_write()
            uow.add(user)
            await uow.flush()
            signed_in = await start_session(uow, user)
        return user, self.anonymous(signed_in.secret)

    async def org(self, slug: str = "acme") -> Org:
        """An organisation with one person of each role."""
        people = {role: await self.person(f"{slug}-{role}") for role in Role}
        async with self.node.unit("req_test") as uow:
            await uow.begin_write()
            uow.actor = _member(people[Role.OWNER][0])
            org = await create_org_with_owner(uow, people[Role.OWNER][0].id, slug, slug.title())
            for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
                uow.add(Membership(org_id=org.id, user_id=people[role][0].id, role=role))
        return Org(slug, *(people[role][1] for role in (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER)))

    async def workspace(self, org: Org | None = None, key: str = "web") -> Workspace:
        """A project with an environment and two flags."""
        org = org or await self.org()
        project = await org.owner.make("createProject", orgSlug=org.slug, key=key, name=key.title())
        # Before there is an environment, so that its version counts the flags alone.
        await org.owner.make("createConfig", projectId=project["id"], key="limits", type="json", defaultValue={"a": 1})
        await org.owner.make("createSegment", projectId=project["id"], key="staff")
        environment = await org.owner.make("createEnvironment", projectId=project["id"], key="prod", name="Production")
        for flag, kind, value in (("checkout", "boolean", True), ("banner", "string", "hello")):
            await org.owner.make("createFlag", projectId=project["id"], key=flag, type=kind, defaultValue=value)
        environment = await org.owner.make("environment", environmentId=environment["id"])
        proposal_id = await self._proposal(project["orgId"], environment)
        guest_id, invitation_id = await self._guest_and_invitation(project["orgId"], f"{org.slug}-{key}")
        api_key, event_id = await self.minted(org), (await self.audited())[-1].id
        return Workspace(org, project, environment, api_key, guest_id, invitation_id, proposal_id, event_id)

    async def _proposal(self, org_id: str, environment: dict[str, Any]) -> str:
        """A pending one to make the banner say "bye", put there without an event in the audit."""
        async with self.node.database.writing() as session:
            query = select(Primitive).where(
                col(Primitive.project_id) == environment["projectId"], col(Primitive.key) == "banner"
            )
            banner = (await session.execute(query)).scalar_one()
            proposal = proposal_of(org_id, environment, banner)
            session.add(proposal)
            await session.flush()
            radius = json_text.encode(BlastRadius().document(None))
            texts = {"before": '"hello"', "after": '"bye"', "blast_radius": radius, "size": len(radius) + 12}
            session.add(ProposalContent(proposal_id=proposal.id, **texts))
            session.add(
                ProposalTarget(proposal_id=proposal.id, primitive_id=banner.id, kind=banner.kind, key=banner.key)
            )
            await session.commit()
        return proposal.id

    async def reviewed(self, workspace: Workspace) -> str:
        """The id of a review of the workspace's proposal, put there without a mail and an event in the audit."""
        reviewer = _member(User(email="x", email_key="x", display_name="Somebody")).as_json()
        review = ProposalReview(
            proposal_id=workspace.proposal_id,
            reviewer_id=reviewer["id"],
            reviewer=reviewer,
            verdict=Verdict.APPROVE,
            comment="",
            created_at=now(),
        )
        async with self.node.database.writing() as session:
            session.add(review)
            await session.commit()
        return review.id

    async def _guest_and_invitation(self, org_id: str, name: str) -> tuple[str, str]:
        """Put there without a mail, which would be delivered in the middle of some test."""
        guest, _ = await self.person(f"{name}-guest")
        invitation = invitation_of(org_id, f"{name}-invited@example.com")
        async with self.node.database.writing() as session:
            dated = {"created_at": now(), "updated_at": now()}
            membership = Membership(org_id=org_id, user_id=guest.id, role=Role.VIEWER, **dated)
            session.add_all([membership, invitation])
            await session.commit()
        return guest.id, invitation.id

    async def create_flags(self, org: Org, project_id: str, keys: Iterable[str]) -> None:
        """Boolean flags, all in one unit of work: hundreds of calls would be most of a test's time."""
        editor = (await org.editor.make("me"))["actor"]
        async with self.node.unit("req_test", Member(editor["id"], editor["name"], "session", proven=True)) as uow:
            for key in keys:
                await flags.FLAGS.create(uow, project_id, {"key": key, "type": "boolean", "defaultValue": True})

    @contextmanager
    def mail_held(self) -> Iterator[None]:
        """Keeps what is queued in the block from being delivered before its end."""
        node = self.node
        host, node.host = node.host, replace(node.host, wake_mail=lambda: None)
        yield
        node.host = host
        host.wake_mail()

    async def mails(self, to: str | None = None) -> list[Mail]:
        """What has been mailed, to one email or to all, oldest first; waits until everything is."""
        await told(self.node)
        await delivered(self.node.database)
        found = in_outbox(self.node.settings.outbox)
        return [mail for mail in found if to is None or email_key(mail.to) == email_key(to)]

    async def mail(self, to: str) -> Mail:
        """The last mail to the email."""
        return (await self.mails(to))[-1]

    async def link_for(self, user: User) -> str:
        """The secret of a link that the operator hands over."""
        return await self.operators_link(user.email)

    async def operators_link(self, email: str) -> str:
        """The same, by the email."""
        async with self.node.unit("req_test") as uow:
            return await links.make_for_email(uow, email)

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database, by table."""
        async with self.node.database.reading() as session:
            return {
                table.name: sorted((tuple(row) for row in await session.execute(select(table))), key=repr)
                for table in Table.metadata.sorted_tables
            }

    def only_proposed(self) -> AbstractAsyncContextManager[None]:
        """Fails when more has changed in the database after the block than that there are new proposals, and that
        people have been mailed about them."""
        return self.unchanged(
            "proposal",
            "proposal_content",
            "proposal_target",
            "audit_event",
            "proposal_news",
            "news_recipient",
            "user",
            "queued_mail",
        )

    @asynccontextmanager
    async def unchanged(self, *but: str) -> AsyncIterator[None]:
        """Fails when anything in the database is another after the block than before, but for these tables, and for
        what a job saves of evaluations and refusals a moment later."""
        await told(self.node)  # which changes rows
        before = await self._contents()
        yield
        after = await self._contents()
        saved_later = {"evaluation_count", "key_usage", "token_usage"}
        assert {name for name in before if before[name] != after[name]} <= {*but, *saved_later}

    async def _contents(self) -> Mapping[str, Any]:
        """Something that differs, by table, whenever any of the table's rows does."""
        if (path := self.node.settings.sqlite_path) is not None:
            return _rows_of_file(path)
        async with self.node.database.reading() as session:
            return dict((await session.execute(text(postgres.DIGESTS))).all())

    async def audited(self) -> list[AuditEvent]:
        """The audit trail, oldest first."""
        async with self.node.database.reading() as session:
            return list((await session.execute(select(AuditEvent).order_by(col(AuditEvent.id)))).scalars())

    async def audited_versions(self, event: AuditEvent) -> dict[str, int]:
        """The version that an audited change made in each environment that it touched."""
        async with self.node.database.reading() as session:
            found = await session.execute(select(AuditVersion).where(col(AuditVersion.event_id) == event.id))
            return {one.environment_id: one.version for one in found.scalars()}

    async def protect(self, environment_id: str) -> None:
        """Makes the environment a protected one."""
        await self.execute(update(Environment).where(col(Environment.id) == environment_id).values(protected=True))

    async def execute(self, statement: Executable) -> None:
        """Changes the database behind the product's back."""
        async with self.node.database.writing() as session:
            await session.execute(statement)
            await session.commit()

    def over(self, workspace: Workspace) -> Workspace:
        """A workspace that is in the database already, as this instance's people see it."""
        org = workspace.org
        people = (org.owner, org.admin, org.editor, org.viewer)
        callers = [self.anonymous(person.client.cookies["signalbox_session"]) for person in people]
        return replace(workspace, org=Org(org.slug, *callers))

    async def close(self) -> None:
        """Closes the callers."""
        for client in self._clients:
            await client.aclose()


def _rows_of_file(path: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """How often each row is in each table."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection, connection:
        connection.execute("BEGIN")  # all tables at the same moment
        return {name: Counter(connection.execute(f'SELECT * FROM "{name}"')) for name in postgres.TABLES}


def invitation_of(org_id: str, email: str, role: Role = Role.VIEWER) -> Invitation:
    """An invitation that waits; nobody has its link."""
    return Invitation(
        org_id=org_id,
        email=email,
        email_key=email,
        role=role,
        invited_by=_member(User(email="x", email_key="x", display_name="Somebody")).as_json(),
        created_at=now(),
        expires_at=now() + invitations.LIFETIME,
    )


def proposal_of(org_id: str, environment: dict[str, Any], banner: Primitive) -> Proposal:
    """A pending proposal by nobody who is here."""
    proposer = _member(User(email="x", email_key="x", display_name="Somebody"))
    return Proposal(
        org_id=org_id,
        project_id=banner.project_id,
        environment_id=environment["id"],
        primitive_id=banner.id,
        kind=ProposalKind.SET_DEFAULT_VALUE_FLAG,
        resource_kind=banner.kind,
        resource_key=banner.key,
        fingerprint="",
        proposed_versions={environment["id"]: environment["version"]},
        actor=proposer.as_json(),
        proposer_id=proposer.user_id,
        person_id=proposer.user_id,
        created_at=now(),
        updated_at=now(),
        expires_at=now() + timedelta(days=7),
    )


def _member(user: User) -> Member:
    return Member(user.id, user.display_name, "session", proven=True)
