"""The catalogue of errors."""

import strawberry

from app.domain.catalogue import Entry
from app.domain.errors import examples
from app.graphql.types.scalars import JSON


@strawberry.type(description="An example of the error on each transport.")
class ErrorExamples:
    rest: JSON = strawberry.field(description="The body that REST sends.")
    graphql: JSON = strawberry.field(description="The body that GraphQL sends.")


@strawberry.type(description="A code of the catalogue of errors.")
class CatalogueEntry:
    code: str = strawberry.field(description="The code, for programs.")
    title: str = strawberry.field(description="The code in a few words.")
    status: int = strawberry.field(description="The HTTP status that REST sends.")
    meaning: str = strawberry.field(description="When it happens.")
    causes: list[str] = strawberry.field(description="The most frequent causes.")
    action: str = strawberry.field(description="What to do about it.")
    examples: ErrorExamples = strawberry.field(description="Examples.")

    @classmethod
    def of(cls, entry: Entry) -> "CatalogueEntry":
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            causes=list(entry.causes),
            action=entry.action,
            examples=ErrorExamples(**examples(entry)),
        )
