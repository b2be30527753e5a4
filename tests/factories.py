"""People and things to test with. What the product cannot do yet by its surface is put into the database here."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette

from app.domain.actors import Member, Role
from app.models import Membership, User
from app.services.orgs import found_org
from app.services.sessions import start_session
from app.serving.node import Node
from tests.clients import Api


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

    def anonymous(self, cookie: str | None = None) -> Api:
        """A caller without credentials, or with those of the cookie."""
        client = self._client_of(self.app, cookie)
        self._clients.append(client)
        return self._api(client)

    async def person(self, name: str) -> tuple[User, Api]:
        """A user, signed in, who is in no organisation."""
        user = User(email=f"{name}@example.com", email_key=f"{name}@example.com", display_name=name)
        async with self.node.unit("req_test") as uow:
            await uow.begin_write()
            uow.add(user)
            await uow.flush()
            signed_in = start_session(uow, user)
        return user, self.anonymous(signed_in.secret)

    async def org(self, slug: str = "acme") -> Org:
        """An organisation with one person of each role."""
        people = {role: await self.person(f"{slug}-{role}") for role in Role}
        async with self.node.unit("req_test") as uow:
            await uow.begin_write()
            uow.actor = _member(people[Role.OWNER][0])
            org = await found_org(uow, people[Role.OWNER][0].id, slug, slug.title())
            for role in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
                uow.add(Membership(org_id=org.id, user_id=people[role][0].id, role=role))
        return Org(slug, *(people[role][1] for role in (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER)))

    async def close(self) -> None:
        """Closes the callers."""
        for client in self._clients:
            await client.aclose()


def _member(user: User) -> Member:
    return Member(user.id, user.display_name, "session")
