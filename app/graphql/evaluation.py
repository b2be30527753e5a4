"""The ruleset and evaluation."""

from typing import Annotated

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.inputs import OfEnvironment, body_of, header_field, min_version_of, optional_field
from app.graphql.types.evaluation import Evaluation, Evaluations, KeyedEvaluation, Ruleset
from app.graphql.types.scalars import JSON, Time
from app.services import evaluation

Since = Annotated[
    int | None,
    strawberry.argument(
        description="Only what has changed since this version, with what was removed; everything if it is not known."
    ),
]


MinVersion = Annotated[
    int | None,
    strawberry.argument(
        description="Wait up to a second until the environment has reached this version; otherwise `unavailable`."
    ),
]


@strawberry.input(description="The context to evaluate for, and which keys.")
class EvaluateInput(OfEnvironment):
    context: JSON = strawberry.field(description="The JSON object to evaluate for.")
    verbose_reason: bool | None = optional_field("Whether reasons trace each rule.")
    as_of: Time | None = optional_field(
        "To evaluate what was in force at this instant; now if absent or in the future."
    )
    min_version: int | None = header_field(
        "Wait up to a second until the environment has reached this version; otherwise `unavailable`."
    )
    keys: list[str] | None = optional_field('Which flags and configs; all if absent or `["*"]`.')


@strawberry.type
class EvaluationQueries:
    @strawberry.field(description="The ruleset of an environment, or what has changed of it since a version.")
    async def ruleset(
        self, info: Info, environment_id: EnvironmentId, since: Since = None, min_version: MinVersion = None
    ) -> Ruleset | None:
        async with info.context.unit() as uow:
            reached = min_version_of(min_version)
            readable = await evaluation.get_ruleset(uow, environment_id, {"since": since}, reached)
            return Ruleset.of(readable.ruleset, await uow.host.off_loop(readable.document))

    @strawberry.field(description="Evaluate an environment's flags and configs for a context.")
    async def evaluate(self, info: Info, input: EvaluateInput) -> Evaluations | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            answers = await evaluation.evaluate(uow, input.environment_id, body, min_version_of(input.min_version))
        return Evaluations(
            environment_id=strawberry.ID(answers.ruleset.environment_id),
            version=answers.ruleset.version,
            evaluations=[
                KeyedEvaluation(key=key, evaluation=None if found is None else Evaluation.of(found))
                for key, found in answers.evaluations.items()
            ],
        )
