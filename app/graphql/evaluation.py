"""The ruleset and evaluation in GraphQL."""

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.inputs import Input, body_of
from app.graphql.types.evaluation import Evaluation, Evaluations, KeyedEvaluation, Ruleset
from app.graphql.types.scalars import JSON
from app.services import evaluation


@strawberry.input(description="What to evaluate for whom.")
class EvaluateInput:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    context: JSON = strawberry.field(description="The JSON object to evaluate for.")
    verbose_reason: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether reasons say what became of each rule."
    )
    keys: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description='Which flags and configs; all if absent or ["*"].'
    )


@strawberry.type
class EvaluationQueries:
    """Queries of the data plane."""

    @strawberry.field(description="An environment's ruleset.")
    async def ruleset(self, info: Info, environment_id: EnvironmentId) -> Ruleset | None:
        async with info.context.unit() as uow:
            return Ruleset.of(await evaluation.get_ruleset(uow, info.context.node.rulesets, environment_id, {}))

    @strawberry.field(description="Evaluate an environment's flags and configs for a context.")
    async def evaluate(self, info: Info, input: Input[EvaluateInput]) -> Evaluations | None:
        body = body_of(input, "environment_id")
        async with info.context.unit() as uow:
            answers = await evaluation.evaluate(uow, info.context.node.rulesets, input.environment_id, body)
        return Evaluations(
            environment_id=strawberry.ID(answers.ruleset.environment_id),
            version=answers.ruleset.version,
            evaluations=[
                KeyedEvaluation(key=key, evaluation=None if found is None else Evaluation.of(found))
                for key, found in answers.evaluations.items()
            ],
        )
