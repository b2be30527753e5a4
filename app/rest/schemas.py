"""What all bodies that REST answers with share. Each feature has its schemas in the file of its routes."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, PlainSerializer, RootModel, WithJsonSchema
from pydantic.alias_generators import to_camel

from app.engine.instants import rfc3339
from app.engine.summaries import SummaryKind
from app.models import User
from app.rest.openapi.samples import ADA_ID

Time = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]


class Schema(BaseModel):
    """The base of all bodies: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """The body of a row whose columns are named like the members. Schemas of other rows override this."""
        return cls.model_validate(row, from_attributes=True)

    def body(self) -> dict[str, Any]:
        """The JSON object. Members that are optional and absent are left out."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def encoded(self) -> bytes:
        return orjson.dumps(self.model_dump(by_alias=True, exclude_unset=True))


class TextSchema(RootModel[str]):
    """A body, or an entry of a list, that is a text."""

    def body(self) -> str:
        """The text."""
        return self.root


class MinterSchema(Schema):
    """The person who minted a token."""

    kind: Literal["member"]
    id: str
    name: str


class MaintainerSchema(Schema, json_schema_extra={"examples": [{"id": ADA_ID, "name": "Ada"}]}):
    """The member who looks after a flag, config or segment."""

    id: str
    name: str

    @classmethod
    def from_row(cls, user: User) -> Self:
        return cls(id=user.id, name=user.display_name)


class ActorSchema(Schema, json_schema_extra={"examples": [{"kind": "member", "id": ADA_ID, "name": "Ada"}]}):
    """The actor of a call or of a change, with the name as it was then."""

    kind: Literal["member", "token", "system"]
    id: str
    name: str
    on_behalf_of: MinterSchema | None = None


class OutcomeSchema(Schema):
    """What a flag or config is for a context."""

    value: Any
    reason: dict[str, Any]


class SampledFlipsSchema(Schema):
    """How many contexts of a traffic sample get other values."""

    contexts: int
    flips: dict[str, int]
    share: float | None


class SummarySchema(
    Schema,
    json_schema_extra={
        "examples": [{"kind": "rules", "rules": 1, "percent": None, "text": "1 rule; everyone else gets false."}]
    },
):
    """What a state comes to."""

    kind: SummaryKind
    rules: int
    percent: int | float | None
    text: str
