"""Organisations: create, list, read, change, delete."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from app.access import confirmation
from app.access.caller import locked_user_of, signed_in
from app.access.entry import Access, Entry, require_of_instance
from app.access.etags import row_etag
from app.access.paging import Listing
from app.access.visible import tenant_of
from app.domain.actors import API_KEY_ENDED, Role
from app.domain.commands import Command, FieldPath, Name, Slug, Text, validate
from app.domain.errors import AppError, invalid
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.models import DeletedOrg, Environment, Membership, Org, Project
from app.services.quotas import Quota, require_room
from app.services.target_id_fields import retarget_org
from app.store import environments, orgs, projects
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork


class CreateOrg(Command, json_schema_extra={"examples": [{"slug": "acme", "name": "Acme"}]}):
    """A new organisation; who creates it becomes its owner."""

    slug: Annotated[Slug, Field(description="Unique on the instance; never changes.")]
    name: Name


class UpdateOrg(
    Command, json_schema_extra={"examples": [{"defaultTargetIdField": "userId", "reason": "Agreed with the team"}]}
):
    """What may change of an organisation; what is not named stays."""

    name: Name = ""
    default_target_id_field: FieldPath | None = None
    max_rate_limit_per_min: Annotated[int, Field(ge=1)] = 1
    reason: Text | None = None


async def create_org(uow: UnitOfWork, body: object) -> Org:
    """Makes the organisation with the caller as its owner. Raises `slug_unavailable`."""
    require_of_instance(uow, Operation.CREATE_ORG)
    person = signed_in(uow)
    command = validate(CreateOrg, body)
    await uow.begin_write()
    await locked_user_of(uow)
    return await create_org_with_owner(uow, person.user_id, command.slug, command.name)


async def create_org_with_owner(uow: UnitOfWork, owner_id: str, slug: str, name: str) -> Org:
    """An organisation and its first owner, within the current write. Raises `slug_unavailable`."""
    await require_room(uow, Quota.ORGS, owner_id)
    org = Org(slug=slug, name=name)
    await require_free(uow, slug)
    if not await uow.try_to_add(org):
        raise _taken(slug)
    uow.add(Membership(org_id=org.id, user_id=owner_id, role=Role.OWNER))
    uow.record(Operation.CREATE_ORG, Subject(org.id, "org", org.id, org.slug), new={"slug": slug, "name": name})
    return org


async def require_free(uow: UnitOfWork, slug: str) -> None:
    """Raises `slug_unavailable`."""
    if await orgs.by_slug(uow.session, slug) is not None:
        raise _taken(slug)


def _taken(slug: str) -> AppError:
    return AppError("slug_unavailable", f"The slug {slug} is taken.")


async def list_orgs(uow: UnitOfWork, listing: Listing) -> Page[Org]:
    """A person's organisations; for a token its own, if it may read it."""
    tenant = tenant_of(uow)
    if tenant.org_id is not None:
        if (org := await orgs.by_id(uow.session, tenant.org_id)) is None:
            raise AppError("unauthorized", API_KEY_ENDED)  # the token has gone with its organisation meanwhile
        await Entry.of_org(org.slug, Operation.READ_ORG).enter(uow)
    return await orgs.list_for_tenant(
        uow.session, tenant, listing.window("orgs", tenant.user_id or tenant.org_id or "")
    )


async def get_org(uow: UnitOfWork, slug: str) -> Org:
    """The organisation, for its members."""
    return (await Entry.of_org(slug, Operation.READ_ORG).enter(uow)).org


async def update_org(uow: UnitOfWork, slug: str, body: object, if_match: IfMatch) -> Org:
    """Changes what the body names. Raises `precondition_failed`."""
    access = await Entry.of_org(slug, Operation.UPDATE_ORG).enter(uow)
    command = validate(UpdateOrg, body)
    max_rate_per_min = uow.host.settings.max_rate_per_min
    if command.max_rate_limit_per_min > max_rate_per_min:
        raise invalid({"maxRateLimitPerMin": f"Must be at most {max_rate_per_min}, the operator's limit."})
    access = await access.to_write()
    if_match.require(row_etag(access.org))
    values, override = command.given(), None
    if "default_target_id_field" in values:
        await _lock_below(access)
        override = await retarget_org(access, command.default_target_id_field)
    access.revise(access.org, values, command.reason, override=override)
    return access.org


async def delete_org(uow: UnitOfWork, slug: str, body: object, if_match: IfMatch) -> Org:
    """Deletes the organisation with all below it but its audit, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await Entry.of_org(slug, Operation.DELETE_ORG).enter(uow)
    command = confirmation.require(body, access.org.slug)
    access = await access.to_write()
    org = access.org
    if_match.require(row_etag(org))
    access.record(command.reason, previous={"slug": org.slug, "name": org.name})
    uow.add(DeletedOrg(id=org.id, slug=org.slug, deleted_at=uow.now))
    await uow.delete(org, await _lock_below(access))
    return org


async def _lock_below(access: Access) -> Sequence[str]:
    """Locks all projects and environments of the organisation, and gives the environments' ids."""
    uow, org_id = access.uow, access.org.id
    await uow.lock(Project, await projects.ids_of_org(uow.session, org_id))
    below = await environments.ids_of_org(uow.session, org_id)
    await uow.lock(Environment, below)
    return below
