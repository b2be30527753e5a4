"""The bodies that REST answers with. Each shape is made from what a service returned, and is its OpenAPI schema."""

from datetime import datetime
from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from app.domain.actors import Role
from app.domain.errors import Entry
from app.domain.evaluation import CompiledRuleset
from app.domain.evaluation import Evaluation as Evaluated
from app.domain.times import rfc3339
from app.models import Environment, Membership, Org, Primitive, Project
from app.services.sessions import Me
from app.store.primitives import Current

Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class Shape(BaseModel):
    """The base of all bodies: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    def body(self) -> dict[str, Any]:
        """The JSON object. Members that are optional and absent are left out."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def encoded(self) -> bytes:
        """The JSON text."""
        return orjson.dumps(self.body())


class ErrorEntry(Shape):
    """A code of the catalogue."""

    code: str
    title: str
    status: int
    meaning: str
    action: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """From the catalogue."""
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            action=entry.action,
        )


class OrgShape(Shape):
    """An organisation."""

    id: str
    slug: str
    name: str
    default_target_id_field: str | None
    max_rate_limit_per_min: int
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, org: Org) -> Self:
        """From the row."""
        return cls(
            id=org.id,
            slug=org.slug,
            name=org.name,
            default_target_id_field=org.default_target_id_field,
            max_rate_limit_per_min=org.max_rate_limit_per_min,
            created_at=org.created_at,
            updated_at=org.updated_at,
        )


class ProjectShape(Shape):
    """A project."""

    id: str
    org_id: str
    key: str
    name: str
    target_id_field: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, project: Project) -> Self:
        """From the row."""
        return cls(
            id=project.id,
            org_id=project.org_id,
            key=project.key,
            name=project.name,
            target_id_field=project.target_id_field,
            created_at=project.created_at,
            updated_at=project.updated_at,
        )


class EnvironmentShape(Shape):
    """An environment."""

    id: str
    project_id: str
    key: str
    name: str
    protected: bool
    required_approvals: int
    version: int
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """From the row."""
        return cls(
            id=environment.id,
            project_id=environment.project_id,
            key=environment.key,
            name=environment.name,
            protected=environment.protected,
            required_approvals=environment.required_approvals,
            version=environment.version,
            created_at=environment.created_at,
            updated_at=environment.updated_at,
        )


class FlagShape(Shape):
    """A flag's identity."""

    id: str
    project_id: str
    key: str
    type: str
    description: str
    initial_value: Any
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, flag: Primitive) -> Self:
        """From the row."""
        return cls(
            id=flag.id,
            project_id=flag.project_id,
            key=flag.key,
            type=flag.value_type,
            description=flag.description,
            initial_value=orjson.loads(flag.initial_value),
            created_at=flag.created_at,
            updated_at=flag.updated_at,
        )


class FlagStateShape(Shape):
    """A flag's state in an environment; `version` is the environment's when the state last changed."""

    id: str
    primitive_id: str
    key: str
    type: str
    description: str
    environment_id: str
    default_value: Any
    rules: list[Any]
    killed: bool
    version: int
    updated_at: Time
    updated_by: dict[str, Any]

    @classmethod
    def of(cls, current: Current) -> Self:
        """From the rows."""
        flag, state = current
        return cls(
            id=state.id,
            primitive_id=flag.id,
            key=flag.key,
            type=flag.value_type,
            description=flag.description,
            environment_id=state.environment_id,
            default_value=orjson.loads(state.default_value),
            rules=orjson.loads(state.rules),
            killed=state.killed,
            version=state.from_version,
            updated_at=state.updated_at,
            updated_by=state.updated_by,
        )


class MembershipShape(Shape):
    """An organisation that a person is in, and their role there."""

    org: OrgShape
    role: Role

    @classmethod
    def of(cls, org: Org, membership: Membership) -> Self:
        """From the rows."""
        return cls(org=OrgShape.of(org), role=membership.role)


class ActorShape(Shape):
    """Who calls."""

    kind: str
    id: str
    name: str


class MeShape(Shape):
    """The person who calls, with their organisations."""

    actor: ActorShape
    email: str
    orgs: list[MembershipShape]

    @classmethod
    def of(cls, me: Me) -> Self:
        """From the rows."""
        return cls(
            actor=ActorShape.model_validate(me.actor.shown()),
            email=me.user.email,
            orgs=[MembershipShape.of(org, membership) for org, membership in me.memberships],
        )


class SessionShape(Shape):
    """A new session: who is signed in now. The secret is in the cookie only."""

    me: MeShape


class ClaimShape(Shape):
    """A claimed instance: who is signed in now, and the first organisation."""

    me: MeShape
    org: OrgShape


class RulesetShape(Shape):
    """All states of an environment at one version."""

    environment_id: str
    version: int
    target_id_field: str
    flags: dict[str, Any]
    configs: dict[str, Any]
    segments: dict[str, Any]

    @classmethod
    def of(cls, ruleset: CompiledRuleset) -> Self:
        """From the snapshot."""
        return cls.model_validate(ruleset.document())


class EvaluationShape(Shape):
    """What a key is for the context, and why."""

    value: Any
    default_value: Any
    reason: dict[str, Any]


class EvaluationsShape(Shape):
    """What the keys are; null for an unknown one."""

    environment_id: str
    version: int
    evaluations: Annotated[dict[str, EvaluationShape | None], Field(description="By key.")]

    @classmethod
    def of(cls, ruleset: CompiledRuleset, evaluations: dict[str, Evaluated | None]) -> Self:
        """From the snapshot's answers."""
        return cls(
            environment_id=ruleset.environment_id,
            version=ruleset.version,
            evaluations={
                key: None
                if found is None
                else EvaluationShape(value=found.value, default_value=found.default_value, reason=found.reason)
                for key, found in evaluations.items()
            },
        )
