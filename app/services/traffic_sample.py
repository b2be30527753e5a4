"""Contexts that were really evaluated in an environment in the last 24 hours: it keeps a few, if it is told to.

What is not named is dropped before anything is kept, so all contexts of a sample have the same fields: a change of what
is sampled begins another sample.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import combinations
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from app.access.entry import Entry
from app.access.etags import shown_traffic_sample_etag, traffic_sample_etag
from app.domain.commands import Command, FieldPath, Text, validate
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.domain.sampling import Drawn
from app.engine import json_text
from app.models import Environment, TrafficSample
from app.store import json_columns, traffic_sample
from app.store.traffic_sample import Chosen, Sampled, Sampling
from app.store.unit_of_work import UnitOfWork

MAX_SIZE = 1_000
MAX_FIELDS = 50
SHOWN = 100
NOTHING_NAMED = "Must name what is kept, unless the size is 0."


def _apart(fields: Any, info: ValidationInfo) -> Any:
    """Adds to the faults where a path is there twice, or lies within another one."""
    if isinstance(fields, list) and len(fields) <= MAX_FIELDS and all(isinstance(one, str) for one in fields):
        faults: dict[str, str] = (info.context or {}).get("faults", {})
        for (first, one), (second, other) in combinations(enumerate(fields), 2):
            if one == other:
                faults.setdefault(f"fields.{second}", "Given more than once.")
            elif other.startswith(f"{one}."):
                faults.setdefault(f"fields.{second}", f"Is kept with {one} already.")
            elif one.startswith(f"{other}."):
                faults.setdefault(f"fields.{first}", f"Is kept with {other} already.")
    return fields


class SetTrafficSample(Command, json_schema_extra={"examples": [{"size": 250, "fields": ["userId", "plan"]}]}):
    """How many contexts to keep, and what of them."""

    size: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    fields: Annotated[list[FieldPath], Field(max_length=MAX_FIELDS), BeforeValidator(_apart)] = []
    reason: Text | None = None

    @model_validator(mode="after")
    def _something(self, info: ValidationInfo) -> "SetTrafficSample":
        if self.size and not self.fields:
            (info.context or {}).get("faults", {}).setdefault("fields", NOTHING_NAMED)
        return self


class DeleteTrafficSample(Command, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A delete; REST says the reason in `X-Reason`."""

    reason: Text | None = None


class SampleParameters(Command):
    """How much of a sample is shown. In a query it comes as text, so it is read leniently."""

    limit: Annotated[int, Field(ge=1, le=MAX_SIZE, strict=False, description="How many contexts to show.")] = SHOWN


class Kept(NamedTuple):
    """What an environment samples, and the sample."""

    environment_id: str
    row: TrafficSample | None
    contexts: Sequence[Chosen] = ()

    @property
    def size(self) -> int:
        return 0 if self.row is None else self.row.size

    @property
    def fields(self) -> list[str]:
        fields: list[str] = [] if self.row is None else json_columns.value(self.row.fields)
        return fields

    @property
    def oldest_at(self) -> datetime | None:
        return min((one.at for one in self.contexts), default=None)

    def newest(self, limit: int) -> list[Chosen]:
        """Those that were evaluated last, the last one first."""
        return sorted(self.contexts, key=lambda one: one.at, reverse=True)[:limit]

    @property
    def etag(self) -> str:
        return traffic_sample_etag(self.environment_id, self.row)

    def shown_etag(self, limit: int) -> str:
        """The tag of so much of it."""
        return shown_traffic_sample_etag(self.etag, limit, [one.draw for one in self.contexts])


async def get_traffic_sample(uow: UnitOfWork, environment_id: str, query: object) -> tuple[Kept, int]:
    """What the environment samples, and how many contexts are asked for."""
    access = await Entry.of_environment(environment_id, Operation.READ_ENVIRONMENT).enter(uow)
    limit = validate(SampleParameters, query).limit
    return (await kept(uow, [access.environment.id]))[access.environment.id], limit


async def set_traffic_sample(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Kept:
    """Begins to sample, or ends it with a size of 0; nothing is done if it is so already. What was sampled before is
    deleted.

    Raises `precondition_failed`.
    """
    access = await Entry.of_environment(environment_id, Operation.SET_TRAFFIC_SAMPLE).enter(uow)
    command = validate(SetTrafficSample, body)
    access = await access.to_write()
    present = await _without_contexts(uow, access.environment.id)
    if_match.require(present.etag)
    wanted = {"size": command.size, "fields": command.fields}
    if wanted == (previous := {"size": present.size, "fields": present.fields}):
        return (await kept(uow, [present.environment_id]))[present.environment_id]
    values: dict[str, Any] = {
        "size": command.size,
        "fields": json_text.encode(command.fields),
        "updated_at": uow.now,
        "updated_by": uow.actor_as_json(),
    }
    row = present.row or TrafficSample(environment_id=present.environment_id, **values)
    row.sqlmodel_update(values)
    uow.add(row)
    await traffic_sample.clear(uow.session, present.environment_id)
    access.record(command.reason, previous=previous, new=wanted)
    sampling = Sampling.of(row)
    uow.on_commit(lambda: uow.host.traffic.follow(present.environment_id, sampling))
    return Kept(present.environment_id, row)


async def delete_traffic_sample(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Kept:
    """Deletes the sample, and what is said of it; nothing is done if nothing was ever set. Raises
    `precondition_failed`."""
    access = await Entry.of_environment(environment_id, Operation.SET_TRAFFIC_SAMPLE).enter(uow)
    command = validate(DeleteTrafficSample, body)
    access = await access.to_write()
    present = await _without_contexts(uow, access.environment.id)
    if_match.require(present.etag)
    if present.row is not None:
        await uow.session.delete(present.row)
        await traffic_sample.clear(uow.session, present.environment_id)
        access.record(command.reason, previous={"size": present.size, "fields": present.fields})
        uow.on_commit(lambda: uow.host.traffic.follow(present.environment_id, None))
    return Kept(present.environment_id, None)


async def _without_contexts(uow: UnitOfWork, environment_id: str) -> Kept:
    return Kept(environment_id, await traffic_sample.traffic_sample(uow.session, environment_id))


async def kept(uow: UnitOfWork, environment_ids: Collection[str]) -> dict[str, Kept]:
    """What environments sample that the caller may see, by id."""
    return kept_of(await traffic_sample.samples_of(uow.session, environment_ids, uow.now))


def kept_of(found: dict[str, Sampled]) -> dict[str, Kept]:
    return {one: Kept(one, of.row, of.contexts) for one, of in found.items()}


async def add_chosen(
    uow: UnitOfWork, environment_id: str, sampling: Sampling, chosen: Collection[Chosen]
) -> list[Drawn] | None:
    """Writes what was chosen of an environment's traffic, and gives what its sample has drawn then; None where it
    samples something else by now."""
    await uow.begin_write()
    await uow.lock(Environment, [environment_id])
    row = await traffic_sample.traffic_sample(uow.session, environment_id)
    if row is None or Sampling.of(row) != sampling:
        return None
    return await traffic_sample.add(uow.session, environment_id, sampling.size, chosen, uow.now)


async def sweep(uow: UnitOfWork) -> None:
    """Deletes what has expired, if anything has."""
    if await traffic_sample.has_expired(uow.session, uow.now):
        await uow.begin_write()
        await traffic_sample.sweep(uow.session, uow.now)
