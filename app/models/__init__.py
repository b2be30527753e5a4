"""Tables only."""

from app.models.api_keys import ApiKey
from app.models.audit import AuditEvent, AuditOpening, AuditVersion, DeletedOrg
from app.models.base import Table
from app.models.environments import Color, Environment, EnvironmentVersion, SpotChecks
from app.models.instance import Instance
from app.models.invitations import Invitation, InvitationSecret
from app.models.mail import MailKind, QueuedMail
from app.models.orgs import DEFAULT_ORG_RATE_PER_MIN, Org
from app.models.people import KnownBrowser, MagicLink, Membership, Session, User
from app.models.primitives import Primitive, PrimitiveTag, State, StateEntry, StateReference
from app.models.projects import Project
from app.models.proposal_news import NewsRecipient, ProposalNews
from app.models.proposals import Proposal, ProposalContent, ProposalReview, ProposalTarget
from app.models.traffic_sample import SampledContext, TrafficSample
from app.models.usage import EvaluationCount, KeyUsage, Period, TokenUsage

__all__ = [
    "DEFAULT_ORG_RATE_PER_MIN",
    "ApiKey",
    "AuditEvent",
    "AuditOpening",
    "AuditVersion",
    "Color",
    "DeletedOrg",
    "Environment",
    "EnvironmentVersion",
    "EvaluationCount",
    "Instance",
    "Invitation",
    "InvitationSecret",
    "KeyUsage",
    "KnownBrowser",
    "MagicLink",
    "MailKind",
    "Membership",
    "NewsRecipient",
    "Org",
    "Period",
    "Primitive",
    "PrimitiveTag",
    "Project",
    "Proposal",
    "ProposalContent",
    "ProposalNews",
    "ProposalReview",
    "ProposalTarget",
    "QueuedMail",
    "SampledContext",
    "Session",
    "SpotChecks",
    "State",
    "StateEntry",
    "StateReference",
    "Table",
    "TokenUsage",
    "TrafficSample",
    "User",
]
