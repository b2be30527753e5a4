"""What documents read. Operations, with their inputs and payloads, are in the modules of `app.graphql`."""

from app.graphql.types.enums import describe_enums

describe_enums()  # before the first type with an enum: Strawberry looks at it when the type is made
