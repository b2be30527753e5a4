"""The arguments that several fields take."""

from typing import Annotated

import strawberry

First = Annotated[int | None, strawberry.argument(description="How many from the start, 1 to 1000; default 100.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 1 to 1000.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]
KeyFilter = Annotated[str | None, strawberry.argument(description="Only the one with this key.")]

AtVersion = Annotated[
    int | None, strawberry.argument(description="As it was at this version of the environment; as it is now if absent.")
]

OrgSlug = Annotated[str, strawberry.argument(description="The organisation's slug.")]
ProjectId = Annotated[strawberry.ID, strawberry.argument(description="The project's id or name, such as acme:web.")]
EnvironmentId = Annotated[
    strawberry.ID, strawberry.argument(description="The environment's id or name, such as acme:web:production.")
]
EnvironmentIds = Annotated[
    list[strawberry.ID] | None, strawberry.argument(description="The environments' ids or names; all if absent.")
]
FlagKey = Annotated[str, strawberry.argument(description="The flag's key.")]
ConfigKey = Annotated[str, strawberry.argument(description="The config's key.")]
SegmentKey = Annotated[str, strawberry.argument(description="The segment's key.")]
ProposalId = Annotated[strawberry.ID, strawberry.argument(description="The proposal's id.")]
