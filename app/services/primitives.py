"""What flags, configs and segments have in common: identities in a project, states in each of its environments.

A feature (`services.flags`) holds its commands and what it has alone; how kinds differ is data (`engine.kinds`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.access.entry import Access, Diverted, Entry
from app.access.etags import primitive_etag
from app.access.paging import MAX_TAGS, Listing
from app.access.visible import pending_proposals, scope_of, within
from app.domain.commands import Command, Line, Slug, Text, validate
from app.domain.errors import AppError, invalid, key_collision, not_found
from app.domain.named import Id, named_in
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.domain.proposals import Proposable, kind_of
from app.domain.search import searched
from app.engine import json_text
from app.engine.kinds import KeyRef, Kind, Spec
from app.engine.references import node
from app.models import Primitive, Proposal, User
from app.services.blast_radius import of_delete
from app.services.changes import change_state, check, check_state, write_first_states
from app.services.json_schemas import check_identity, schema_in
from app.services.past_states import state_at, version_in
from app.services.primitive_history import HistoryEntry, history_of_present
from app.services.promotion import promote_one
from app.services.proposals import open_on
from app.services.proposing import Opened, ProposedChange, Terms, open_proposal
from app.services.quotas import Quota, require_room
from app.store import environments, identities, members, states, usage
from app.store.paging import Page
from app.store.references import Referrer, list_referrers, referrers
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

NO_PARAMETERS: Mapping[str, object] = {}
MAX_SEEDED = 400_000  # entries of lists that one create writes, in all environments together
ShownName = Line  # for people; where it is empty, the key is shown
Tags = Annotated[list[Slug], Field(max_length=MAX_TAGS), AfterValidator(lambda tags: sorted(set(tags)))]
MaintainerId = Annotated[str | None, Id("member")]


class Reasoned(Command):
    """A body that holds only the reason."""

    reason: Text | None = None


class Described(Command):
    """What an identity has for people."""

    name: ShownName = ""
    description: Text = ""
    tags: Tags = []
    maintainer_id: MaintainerId = None
    permanent: bool = False
    reason: Text | None = None


async def list_identities(
    uow: UnitOfWork, project_id: str, listing: Listing, kinds: Collection[Kind]
) -> Page[Primitive]:
    """A part of the list of a project's identities of these kinds."""
    access = await Entry.of_project(project_id, Operation.READ_PRIMITIVE).enter(uow)
    chosen, window = listing.of_primitives(within(uow, kinds), access.project.id, of_states=False)
    return await identities.list_of_project(uow.session, access.project.id, chosen, window)


@dataclass(frozen=True, slots=True)
class Primitives:
    """The use cases of one kind, and the commands that say what callers may send to each of them."""

    spec: Spec
    create_command: type[Command]
    update_command: type[Command]
    delete_command: type[Reasoned]
    update_state_command: type[Command]
    replace_state_command: type[Command]

    async def create(self, uow: UnitOfWork, project_id: str, body: object) -> Primitive:
        """Makes a primitive and seeds it in every environment of the project. Raises `key_collision`."""
        spec = self.spec
        entry = Entry.of_project(project_id, Operation.CREATE_PRIMITIVE, named=named_in(self.create_command, body))
        access = await entry.enter(uow)
        environment_ids = await environments.ids_of_project(uow.session, access.project.id)
        faults: dict[str, str] = {}
        schema = schema_in(spec, body, _type_in(spec, body), faults)
        checked = await check(spec, access, body, _type_in(spec, body), environment_ids, _key_in(body), schema)
        command: Any = validate(self.create_command, body, {**checked.faults, **faults})
        access = await access.to_write()
        await require_room(uow, Quota.PRIMITIVES, access.project.id)
        if await identities.key_taken(uow.session, access.project.id, spec.kind, command.key):
            raise key_collision(command.key)
        values = command.model_dump(include={"name", "description", "tags", "permanent"})
        if spec.types is not None:
            values |= {"value_type": command.type, "initial_value": json_text.encode(command.default_value)}
        if schema is not None:
            values["json_schema"] = schema.text
        primitive = Primitive(project_id=access.project.id, kind=spec.kind, space=spec.space, key=command.key, **values)
        primitive.maintainer = await _maintainer(access, command.maintainer_id)
        primitive.folded = _searched(primitive)
        uow.add(primitive)
        await uow.flush()
        await identities.set_tags(uow.session, primitive, primitive.tags)
        wanted = {dimension.name: getattr(command, dimension.field) for dimension in spec.dimensions}
        all_of_project = await environments.all_of_project(uow.session, access.project.id)
        _require_few_entries(spec, wanted, len(all_of_project))
        await write_first_states(access, all_of_project, primitive, wanted, checked)
        access.record(command.reason, access.subject(primitive), new=command.recorded())
        return primitive

    async def list(self, uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Primitive]:
        return await list_identities(uow, project_id, listing, [self.spec.kind])

    async def get(self, uow: UnitOfWork, project_id: str, key: str) -> Primitive:
        """The identity."""
        entry = Entry.of_project(project_id, Operation.READ_PRIMITIVE, self._named(key))
        return (await entry.enter(uow)).primitive

    async def references(self, uow: UnitOfWork, project_id: str, key: str, listing: Listing) -> Page[Referrer]:
        """What refers to the primitive in the environments that the caller reaches, as far as the caller may see it."""
        entry = Entry.of_project(project_id, Operation.READ_PRIMITIVE, self._named(key))
        access = await entry.enter(uow)
        primitive = access.primitive
        window = listing.window(f"{primitive.kind} references", primitive.id)
        target = node(primitive.kind, primitive.key)
        return await list_referrers(uow.session, access.project.id, target, window, scope_of(uow), within(uow, Kind))

    async def update(self, uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch) -> Primitive:
        """Changes what the body names of the identity. Raises `precondition_failed`."""
        named = named_in(self.update_command, body)
        entry = Entry.of_project(project_id, Operation.UPDATE_PRIMITIVE, self._named(key), named=named)
        access = await entry.enter(uow)
        checked = await check_identity(self.spec, access, body)
        command: Any = validate(self.update_command, body, checked.faults)
        values = command.given()
        if "initial_value" in values:
            values["initial_value"] = json_text.encode(command.initial_value)
        if values.get("json_schema") is not None:
            values["json_schema"] = json_text.encode(command.json_schema)
        access = await access.to_write()
        primitive = access.primitive
        if_match.require(primitive_etag(primitive))
        await checked.require_basis(access)
        if "maintainer_id" in values:
            maintainer = await _maintainer(access, command.maintainer_id)
            values["maintainer_id"] = None if maintainer is None else maintainer.id
        changed = access.revise(primitive, values, command.reason, access.subject(primitive))
        if "maintainer_id" in changed:
            primitive.maintainer = maintainer
        if "tags" in changed:
            await identities.set_tags(uow.session, primitive, primitive.tags)
        if changed & {"name", "description"}:
            primitive.folded = _searched(primitive)
        return primitive

    async def delete(
        self, uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch
    ) -> Primitive | Proposal:
        """Deletes the primitive from every environment of the project, and gives it as it was; or makes a proposal.

        Raises `precondition_failed`, `in_use`.
        """
        entered = await Entry.of_project(project_id, Operation.DELETE_PRIMITIVE, self._named(key)).open(uow)
        command = validate(self.delete_command, body)
        radius = await of_delete(uow, entered.primitive, None) if isinstance(entered, Diverted) else None
        entered = await entered.reopen_to_write()
        primitive = entered.primitive
        if_match.require(primitive_etag(primitive))
        await require_unused(entered, primitive)
        if isinstance(entered, Diverted):
            return (await propose_delete(entered, primitive, Terms(command.reason, radius))).proposal
        await delete_now(entered, primitive)
        entered.record(command.reason, entered.subject(primitive))
        return primitive

    async def list_states(self, uow: UnitOfWork, environment_id: str, listing: Listing) -> Page[Current]:
        access = await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)
        chosen, window = listing.of_primitives(within(uow, [self.spec.kind]), access.environment.id, of_states=True)
        return await states.list_current(uow.session, access.environment, chosen, window, pending_proposals(uow))

    async def get_state(
        self, uow: UnitOfWork, environment_id: str, key: str, query: object = NO_PARAMETERS
    ) -> tuple[Current, int]:
        """The state as it is, or as it was at a version, with the identity as it is; and how many proposals that the
        caller sees wait for it. Raises `not_found`."""
        access = await Entry.of_environment(environment_id, Operation.READ_STATE, self._named(key)).enter(uow)
        version = version_in(query, access.environment)
        present, waiting = Current(access.primitive, access.here.state), access.here.waiting
        if waiting and pending_proposals(uow).limited:
            (waiting,) = await open_on(uow, [present.state])
        return (present if version is None else await state_at(uow, present, version)), waiting

    async def history(self, uow: UnitOfWork, environment_id: str, key: str, listing: Listing) -> Page[HistoryEntry]:
        """What changed the primitive in the environment, as far as the caller may see it, newest first."""
        access = await Entry.of_environment(environment_id, Operation.READ_STATE, self._named(key)).enter(uow)
        present = Current(access.primitive, access.here.state)
        return await history_of_present(uow, access.environment, present, listing)

    async def update_state(
        self, uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
    ) -> Current | Proposal:
        """Changes the dimensions that the body names; what it does not name stays.

        Raises `precondition_failed`, `approval_not_supported`.
        """
        return await self._set_state(uow, environment_id, key, body, if_match, self.update_state_command)

    async def replace_state(
        self, uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
    ) -> Current | Proposal:
        """Puts a whole state in the place of the present one; `killed` stays. Raises as `update_state` does."""
        return await self._set_state(uow, environment_id, key, body, if_match, self.replace_state_command)

    async def promote(
        self, uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
    ) -> Current | Proposal:
        """Takes over what another environment of the project has; `killed` stays. Raises `precondition_failed`."""
        return await promote_one(uow, environment_id, self._named(key), body, if_match)

    async def _set_state(
        self, uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch, command: type[Command]
    ) -> Current | Proposal:
        entered = await Entry.of_environment(environment_id, Operation.UPDATE_STATE, self._named(key)).open(uow)
        checked = await check_state(entered, entered.primitive, body)
        sent: Any = validate(command, body, checked.faults)
        given = sent.model_fields_set
        wanted = {one.name: getattr(sent, one.field) for one in self.spec.dimensions if one.field in given}
        return await change_state(entered, wanted, if_match, sent.reason, checked)

    def _named(self, key: str) -> KeyRef:
        return KeyRef(self.spec.kind, key)


async def _maintainer(access: Access, user_id: str | None) -> User | None:
    """The member, who is one until the write ends. Raises `not_found`."""
    if user_id is None:
        return None
    member = await members.hold(access.uow.session, access.org.id, access.ids[user_id])
    if member is None:
        raise not_found("member")
    return member.user


def _searched(primitive: Primitive) -> str:
    return searched(primitive.key, primitive.name, primitive.description)


def _key_in(body: object) -> str:
    """The key in an unread body; the empty one for one that is refused there."""
    named = body.get("key") if isinstance(body, Mapping) else None
    return named if isinstance(named, str) else ""


def _type_in(spec: Spec, body: object) -> str | None:
    """The type in an unread body; None for one that is refused there."""
    named = body.get("type") if isinstance(body, Mapping) else None
    return named if isinstance(named, str) and spec.types is not None and named in list(spec.types) else None


def _require_few_entries(spec: Spec, wanted: Mapping[str, Any], environments: int) -> None:
    """Raises `invalid_request` for lists that would take too long to write in every environment."""
    lists = {one.name: len(wanted[one.name]) for one in spec.dimensions if one.entries}
    most = MAX_SEEDED // max(environments, 1)
    if sum(lists.values()) > most:
        longest = max(lists, key=lambda name: lists[name])
        limit = (
            f"With {environments} environments, the lists of a new segment can have at most {most:,} entries in all."
        )
        raise invalid({longest: f"{limit} Add the others afterwards, in each environment."})


async def propose_delete(entered: Access | Diverted, primitive: Primitive, terms: Terms) -> Opened:
    """Makes a proposal, within the write, to delete what nothing refers to."""
    proposable = Proposable(primitive.kind, Operation.DELETE_PRIMITIVE)
    return await open_proposal(entered, ProposedChange(kind_of(proposable), [primitive]), terms)


async def delete_now(access: Access, primitive: Primitive) -> None:
    """Ends the primitive in every environment, within the write."""
    uow = access.uow
    primitive.deleted_at = uow.now
    await identities.set_tags(uow.session, primitive, ())
    await usage.forget(uow.session, primitive.id)
    sizes = await states.sizes(uow.session, primitive.id)
    for environment in await environments.all_of_project(uow.session, access.project.id):
        access.end_state(environment, primitive, sizes[environment.id])


async def require_unused(entered: Access | Diverted, primitive: Primitive) -> None:
    """Raises `in_use` while something refers to the primitive in any environment."""
    target = node(primitive.kind, primitive.key)
    used = await referrers(entered.uow.session, entered.project.id, target)
    if used:
        # What the caller may not see refers to it as well, and is not named.
        seen = {(kind, key): names for (kind, key), names in used.items() if entered.sees(kind, key)}
        fields = {f"{kind}.{key}": f"Refers to it in {', '.join(names)}." for (kind, key), names in seen.items()}
        hidden = "Rules that you may not read still refer to it." if not fields else None
        raise AppError("in_use", hidden, fields=fields)
