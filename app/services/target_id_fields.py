"""Where ids are taken from: the project's field, else the organisation's, else `userId`.

A change of the effective field is a change of state in every environment that has been written to.
"""

from app.access.entry import Access
from app.domain.policy import Operation
from app.models import Org, Project
from app.store import environments, projects

DEFAULT_FIELD = "userId"


def effective_field(org: Org, project: Project) -> str:
    """The field that a project's environments take ids from."""
    return project.target_id_field or org.default_target_id_field or DEFAULT_FIELD


async def retarget_project(access: Access, project: Project) -> None:
    """Brings the project's environments to its effective field. Raises `approval_not_supported` for a protected one."""
    field = effective_field(access.org, project)
    for environment in await environments.all_of_project(access.uow.session, project.id):
        if environment.target_id_field != field:
            access.require(Operation.SET_TARGET_ID_FIELD, protected=environment.protected)
            access.uow.changes.retarget(environment, field)


async def retarget_org(access: Access) -> None:
    """The same for all projects of the organisation."""
    for project in await projects.all_of_org(access.uow.session, access.org.id):
        await retarget_project(access, project)
