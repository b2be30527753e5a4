"""Where ids are taken from: the project's field, else the organisation's, else `userId`.

A change of the effective field is a change of state in every environment that has been written to.
"""

from app.access.entry import Access
from app.domain.operations import Operation
from app.models import Project
from app.store import environments, projects

DEFAULT_FIELD = "userId"


def effective_field(org_field: str | None, project_field: str | None) -> str:
    """The field that a project's environments take ids from."""
    return project_field or org_field or DEFAULT_FIELD


async def retarget_project(access: Access, project: Project, field: str) -> str | None:
    """Brings the project's environments to the field. Raises `approval_not_supported` for a protected one.

    Gives the reason why protection is overridden, where an owner does that.
    """
    override = None
    for environment in await environments.all_of_project(access.uow.session, project.id):
        if environment.target_id_field != field:
            asked = access.require(Operation.SET_TARGET_ID_FIELD, protected=environment.protected)
            override = override or asked
            access.uow.changes.retarget(environment, field)
    return override


async def retarget_org(access: Access, org_field: str | None) -> str | None:
    """As `retarget_project`, for all projects of the organisation."""
    override = None
    for project in await projects.all_of_org(access.uow.session, access.org.id):
        asked = await retarget_project(access, project, effective_field(org_field, project.target_id_field))
        override = override or asked
    return override
