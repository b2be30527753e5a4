"""What drafts would do to contexts."""

from typing import cast

import orjson
import strawberry

from app.engine.preview import Preview as Found
from app.engine.preview import Result
from app.engine.sampled import Flips
from app.graphql.context import Info
from app.graphql.limits import CHARACTERS_AN_OBJECT
from app.graphql.pace import lazily
from app.graphql.types.scalars import JSON


@strawberry.type(description="What the drafts would do to a context.")
class PreviewResult:
    found: strawberry.Private[Result]

    @strawberry.field(description="The context.")
    def context(self, info: Info) -> JSON:
        return _shown(info, self.found.context)

    @strawberry.field(
        description="By key, the drafted flags and configs, and those that flip through the drafts: "
        "`live` and `preview`, each with `value` and `reason`, and whether it `flips`, to another value."
    )
    def evaluations(self, info: Info) -> JSON:
        return _shown(info, self.found.evaluations)


@strawberry.type(description="How many contexts of a traffic sample get other values.")
class SampledFlips:
    contexts: int = strawberry.field(description="How many contexts were tried.")
    flips: JSON = strawberry.field(description="How many of them get another value, by the key of the flag or config.")
    share: float | None = strawberry.field(
        description="The share of those that get another value of any, from 0 to 1; null if there are none."
    )

    @classmethod
    def of(cls, found: Flips) -> "SampledFlips":
        return cls(**found.counted())


@strawberry.type(description="What drafts would do to the contexts that they were tried on.")
class Preview:
    version: int = strawberry.field(description="The environment's version that they were tried at.")
    flips: JSON = strawberry.field(description="How many contexts get another value, by the key of the flag or config.")
    truncated: bool = strawberry.field(description="Whether some contexts are not among the results, but only counted.")
    sampled: SampledFlips | None = strawberry.field(
        description="What becomes of the traffic sample, where that was asked for; else null."
    )
    results: list[PreviewResult] = strawberry.field(description="An entry for each context, in their order.")

    @classmethod
    def of(cls, found: Found) -> "Preview":
        return cls(
            version=found.version,
            flips=JSON(found.flips),
            truncated=found.truncated,
            sampled=None if found.sampled is None else SampledFlips.of(found.sampled),
            results=lazily(found.results, lambda result: PreviewResult(found=result)),
        )


def _shown(info: Info, text: bytes) -> JSON:
    info.context.pace.made(len(text) // CHARACTERS_AN_OBJECT)
    return cast("JSON", orjson.loads(text))
