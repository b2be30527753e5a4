"""What differs between two environments of a project."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from app.access.entry import Entry
from app.domain.commands import Command, validate
from app.domain.named import Id, named_in
from app.domain.operations import Operation
from app.engine.json_values import equal
from app.engine.kinds import KILLED, SPECS, Kind
from app.engine.promoted import list_change
from app.engine.target_ids import EntryChange
from app.store import environments, json_columns
from app.store.differences import Differing, differing
from app.store.unit_of_work import UnitOfWork


class DiffParameters(Command):
    """What an environment is compared with."""

    against: Annotated[
        str,
        Id("environment", Operation.READ_STATE),
        Field(description="The id or name of the environment of the same project to compare it with."),
    ]


class Difference(NamedTuple):
    """A dimension of a key, or `killed`, that two environments hold differently.

    Of a list each has what the other would get and lose.
    """

    kind: Kind
    key: str
    dimension: str
    value: Any
    against: Any


class Diff(NamedTuple):
    """What is different in an environment at one version from another one at its own."""

    version: int
    against_version: int
    differences: Sequence[Difference]


async def get_environment_diff(uow: UnitOfWork, environment_id: str, query: object) -> Diff:
    """What the caller may read of both environments and differs, by kind, key and dimension."""
    entry = Entry.of_environment(environment_id, Operation.READ_STATE, named=named_in(DiffParameters, query))
    access = await entry.enter(uow)
    other_id = access.ids[validate(DiffParameters, query).against]
    versions = {one.id: one.version for one in await environments.all_of_project(uow.session, access.project.id)}
    found = await differing(uow.session, access.environment.id, other_id)
    await uow.release()
    seen = [one for one in found if access.sees(one.kind, one.key)]
    differences = await uow.host.off_loop(lambda: in_order(seen))
    return Diff(versions[access.environment.id], versions[other_id], differences)


def in_order(found: Iterable[Differing]) -> list[Difference]:
    """All that really differs, by kind, key and dimension."""
    kinds = list(Kind)
    ordered = sorted(found, key=lambda one: (kinds.index(one.kind), one.key))
    return [difference for one in ordered for difference in _differences(one)]


def _differences(of: Differing) -> Iterator[Difference]:
    for dimension in SPECS[of.kind].dimensions:
        if dimension.entries:
            if (change := of.entries.get(dimension.name)) is not None:
                back = EntryChange(change.remove, change.add)
                yield Difference(of.kind, of.key, dimension.name, list_change(change), list_change(back))
        elif of.texts is not None:
            here, there = (getattr(one, dimension.field) for one in of.texts)
            if here != there:
                value, against = json_columns.value(here), json_columns.value(there)
                if not equal(value, against):
                    yield Difference(of.kind, of.key, dimension.name, value, against)
    if of.texts is not None and of.texts[0].killed != of.texts[1].killed:
        yield Difference(of.kind, of.key, KILLED, of.texts[0].killed, of.texts[1].killed)
