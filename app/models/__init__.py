"""Tables only."""

from app.models.audit import AuditEvent, AuditVersion
from app.models.base import Table, now
from app.models.environments import Environment, EnvironmentVersion
from app.models.instance import Instance
from app.models.orgs import DEFAULT_RATE_PER_MIN, Org
from app.models.people import MagicLink, Membership, Session, User
from app.models.primitives import Primitive, State
from app.models.projects import Project

__all__ = [
    "DEFAULT_RATE_PER_MIN",
    "AuditEvent",
    "AuditVersion",
    "Environment",
    "EnvironmentVersion",
    "Instance",
    "MagicLink",
    "Membership",
    "Org",
    "Primitive",
    "Project",
    "Session",
    "State",
    "Table",
    "User",
    "now",
]
