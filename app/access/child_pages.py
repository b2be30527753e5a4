"""Lists below many parents at once: tenancy and policy are asked once for all parents, and so is the database.

Each function gives a page for every parent that the caller may see, by the parent's id.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.access import batches
from app.access.entry import resources_of, scope_of
from app.access.paging import Listing
from app.engine.kinds import Kind
from app.models import Environment, Primitive, Project
from app.store import environments as environment_rows
from app.store import primitives
from app.store import projects as project_rows
from app.store.paging import Page
from app.store.primitives import Current
from app.store.unit_of_work import UnitOfWork


class ChildPage(NamedTuple):
    """A part of the list below one parent."""

    parent_id: str
    listing: Listing


async def projects(uow: UnitOfWork, org_ids: Iterable[str], listing: Listing) -> Mapping[str, Page[Project]]:
    seen = [org.id for org in await batches.orgs(uow, org_ids)]
    return await project_rows.lists_of_orgs(uow.session, seen, listing.key(), listing.window(), scope_of(uow))


async def environments(
    uow: UnitOfWork, project_ids: Iterable[str], listing: Listing
) -> Mapping[str, Page[Environment]]:
    seen = [project.id for project in await batches.projects(uow, project_ids)]
    return await environment_rows.lists_of_projects(uow.session, seen, listing.key(), listing.window(), scope_of(uow))


async def flags(uow: UnitOfWork, project_ids: Iterable[str], listing: Listing) -> Mapping[str, Page[Primitive]]:
    seen = [project.id for project in await batches.projects(uow, project_ids)]
    chosen = listing.filter(resources_of(uow, Kind.FLAG))
    return await primitives.lists_of_projects(uow.session, seen, Kind.FLAG, chosen, listing.window())


async def flag_states(uow: UnitOfWork, environment_ids: Iterable[str], listing: Listing) -> Mapping[str, Page[Current]]:
    """The states of the flags of environments."""
    seen = [environment.id for environment in await batches.environments(uow, environment_ids)]
    chosen = listing.filter(resources_of(uow, Kind.FLAG))
    return await primitives.lists_current(uow.session, seen, Kind.FLAG, chosen, listing.window())
