"""Previews."""

import strawberry
from starlette.requests import ClientDisconnect

from app.domain.errors import AppError
from app.engine.preview import Preview as Found
from app.graphql.context import Info
from app.graphql.inputs import OfEnvironment, body_of, optional_field
from app.graphql.types.preview import Preview
from app.graphql.types.scalars import JSON
from app.http.departures import unless_gone
from app.services.preview import preview

MAX_BYTES = 2 * 1024 * 1024


@strawberry.input(
    description="Drafts of states. Each is what a change of the state would be sent, and may name others."
)
class DraftRulesetInput:
    flags: JSON | None = optional_field("An object by key, of `defaultValue` and `rules`.")
    configs: JSON | None = optional_field("An object by key, of `defaultValue` and `rules`.")
    segments: JSON | None = optional_field("An object by key, of `rules`, `allowList` and `denyList`.")


@strawberry.input(description="The contexts, and the drafts to try on them.")
class PreviewInput(OfEnvironment):
    spot_check: list[JSON] = strawberry.field(description="Up to 1,000 JSON objects of at most 64 KiB each.")
    ruleset: DraftRulesetInput = strawberry.field(description="The drafts.")
    sample: bool | None = optional_field(
        "Whether to try them on the contexts of the environment's traffic sample, too; these are counted only."
    )


@strawberry.type
class PreviewQueries:
    @strawberry.field(description="What drafts of flags, configs and segments would do to contexts. Nothing is stored.")
    async def preview(self, info: Info, input: PreviewInput) -> Preview | None:
        context, body = info.context, body_of(input)
        with context.node.previews.one(context.request.actor):
            try:
                return Preview.of(await unless_gone(context.receive, _previewed(info, input.environment_id, body)))
            except ClientDisconnect:
                raise AppError("unavailable", "The client has gone.") from None


async def _previewed(info: Info, environment_id: str, body: object) -> Found:
    async with info.context.unit() as uow:
        return await preview(uow, environment_id, body, MAX_BYTES)
