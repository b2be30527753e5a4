"""Organisations: create, list, read, change."""

from typing import Annotated

from pydantic import Field

from app.domain.actors import Role
from app.domain.errors import AppError
from app.domain.inputs import Command, Name, Slug, validate
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Membership, Org
from app.services.access import enter_org, signed_in
from app.services.etags import row_etag
from app.services.listing import Listing
from app.store import orgs
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork


class CreateOrg(Command):
    """A new organisation; who creates it becomes its owner."""

    slug: Annotated[Slug, Field(description="Unique on the instance; never changes.")]
    name: Name


class UpdateOrg(Command):
    """What may change of an organisation."""

    name: Name = ""


async def create_org(uow: UnitOfWork, body: object) -> Org:
    """Makes the organisation with the caller as its owner. Raises `slug_unavailable`."""
    person = signed_in(uow)
    command = validate(CreateOrg, body)
    await uow.begin_write()
    return await found_org(uow, person.user_id, command.slug, command.name)


async def found_org(uow: UnitOfWork, owner_id: str, slug: str, name: str) -> Org:
    """An organisation and its first owner, within the write that is going on. Raises `slug_unavailable`."""
    if await orgs.by_slug(uow.session, slug) is not None:
        raise AppError("slug_unavailable", f"The slug {slug} is taken.")
    org = Org(slug=slug, name=name)
    uow.add(org)
    await uow.flush()
    uow.add(Membership(org_id=org.id, user_id=owner_id, role=Role.OWNER))
    uow.record(Operation.CREATE_ORG, Subject(org.id, "org", org.id, org.slug), new={"slug": slug, "name": name})
    return org


async def list_orgs(uow: UnitOfWork, listing: Listing) -> Page[Org]:
    """The caller's organisations."""
    return await orgs.list_for_user(uow.session, signed_in(uow).user_id, listing.window())


async def get_org(uow: UnitOfWork, slug: str) -> Org:
    """The organisation, for its members."""
    return (await enter_org(uow, slug, Operation.READ_ORG)).org


async def update_org(uow: UnitOfWork, slug: str, body: object, if_match: IfMatch) -> Org:
    """Changes what the body names. Raises `precondition_failed`."""
    access = await enter_org(uow, slug, Operation.UPDATE_ORG)
    command = validate(UpdateOrg, body)
    access = await access.to_write()
    if_match.require(row_etag(access.org))
    uow.revise(access.operation, access.subject, access.org, command.given())
    return access.org
