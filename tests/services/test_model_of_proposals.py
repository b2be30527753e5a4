"""Random lives of proposals, beside a model of them.

Product and model are told the same steps: after each one they must have answered the same, and look the same. What
protection and approvals are for is held against what is seen of the product alone.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import chain, combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from app.domain.actors import Member, Role, Token
from app.domain.errors import AppError
from app.domain.ids import new_id
from app.domain.preconditions import IfMatch
from app.jobs.housekeeping import expire_proposals
from app.main import open_node
from app.models import AuditEvent, Environment, Membership, Proposal, State, User
from app.runtime.node import Node
from app.services import (
    api_keys,
    applying,
    environments,
    members,
    projects,
    promotion,
    proposals,
    proposing_by_hand,
    reviews,
)
from app.services.flags import FLAGS, kill_flag, restore_flag
from app.services.orgs import create_org_with_owner
from app.services.proposing import Opened
from app.services.segments import SEGMENTS
from app.settings import Settings
from app.store import json_columns
from app.store.entries import entries_of
from app.store.states import all_current
from app.store.unit_of_work import UnitOfWork
from tests.clock import SetClock, now
from tests.examples import examples
from tests.services.model_of_proposals import (
    ENVIRONMENTS,
    FLAG,
    MINTERS,
    PEOPLE,
    RANK,
    VALUES,
    VERBS,
    WAITS,
    Model,
    Outcome,
    Place,
)

FIELDS = {"defaultValue": "default_value", "rules": "rules", "allowList": "allow_list", "denyList": "deny_list"}
USES = {FLAG: FLAGS, "segment": SEGMENTS}
LIVES = 7  # of some four steps each
ENDS = {"apply_proposal", "cancel_proposal", "expire_proposal"}


class Product:
    """What is: the same steps, done by the services on a real database."""

    def __init__(self, node: Node, clock: SetClock) -> None:
        self.slug, self.made = f"org-{new_id()[-12:]}", list[str]()  # ids of proposals
        self._node, self._clock, self._org_id, self._project_id = node, clock, "", ""
        self._actors: dict[str, Member | Token] = {}
        self._users, self._places = dict[str, str](), dict[str, str]()  # ids

    async def begin(self) -> dict[str, int]:
        """A new organisation with everybody in it; gives the versions of its environments."""
        async with self._node.unit("req_test") as uow:
            await uow.begin_write()
            for name in PEOPLE:
                email = f"{name}@{self.slug}.example"
                user = User(email=email, email_key=email, display_name=name, email_verified_at=uow.now)
                uow.add(user)
                self._users[name] = user.id
                self._actors[name] = Member(user.id, name, "session", proven=True)
            await uow.flush()
            uow.actor = ann = self._actors["ann"]
            org = await create_org_with_owner(uow, self._users["ann"], self.slug, "Org")
            self._org_id = org.id
        for person, role in PEOPLE.items():
            if person != "ann":
                await self.join(person, role)
        async with self._node.unit("req_test", ann) as uow:
            project = await projects.create_project(uow, self.slug, {"key": "web", "name": "Web"})
            self._project_id = project.id
        for name in ENVIRONMENTS:
            async with self._node.unit("req_test", ann) as uow:
                made = await environments.create_environment(uow, self._project_id, {"key": name, "name": name})
                self._places[name] = made.id
        for key in VALUES:
            await self.create("ann", key)
        for name, verbs in VERBS.items():
            body = {"name": name, "actions": sorted({"read", *verbs}), "approvalRequired": name == WAITS}
            async with self._node.unit("req_test", self._actors[MINTERS[name]]) as uow:
                everywhere = {"environments": {"org": True}, "resources": ["*"]}
                minted = await api_keys.create_api_key(uow, self.slug, {**body, **everywhere})
                self._actors[name] = api_keys.actor_of(minted.row)
        return dict.fromkeys(ENVIRONMENTS, len(VALUES))

    async def do(self, name: str, step: Mapping[str, Any]) -> Outcome:
        try:
            outcome: Outcome = await getattr(self, name)(**step)
        except AppError as refused:
            return refused.code
        return outcome

    async def write(self, who: str, place: str, change: tuple[str, Any], *, glass: bool) -> Outcome:
        key, picks = change
        return await self._call(who, USES[key].update_state, self._places[place], key, picks, IfMatch(), glass=glass)

    async def kill(self, who: str, place: str, *, glass: bool) -> Outcome:
        return await self._call(who, kill_flag, self._places[place], FLAG, {}, IfMatch(), glass=glass)

    async def restore(self, who: str, place: str, *, glass: bool) -> Outcome:
        return await self._call(who, restore_flag, self._places[place], FLAG, {}, IfMatch(), glass=glass)

    async def delete(self, who: str, key: str, *, glass: bool) -> Outcome:
        return await self._call(who, USES[key].delete, self._project_id, key, {}, IfMatch(), glass=glass)

    async def create(self, who: str, key: str) -> Outcome:
        body = {"key": key, **({"type": "string", "defaultValue": "a"} if key == FLAG else {})}
        return await self._call(who, USES[key].create, self._project_id, body)

    async def propose(self, who: str, place: str, change: tuple[str, Any, Any], seconds: int) -> Outcome:
        key, dimension, after = change
        diff, where = {dimension: after}, {"envId": self._places[place]}
        if dimension is None:
            kind, diff, where = "delete", {}, {"projectId": self._project_id}
        elif dimension == "killed":
            kind, diff = "kill" if after else "restore", {}
        else:
            kind = f"set_{FIELDS[dimension]}"
        body = {"kind": f"{kind}_{key}", "resourceKey": key, "diff": diff, "expiresInSeconds": seconds, **where}
        return await self._call(who, proposing_by_hand.create_proposal, body)

    async def promote(self, who: str, place: str, keys: Sequence[str], *, glass: bool) -> Outcome:
        body = self._selection(place, keys)
        return await self._call(who, promotion.promote, self._places[place], body, IfMatch(), glass=glass)

    async def propose_promotion(self, who: str, place: str, keys: Sequence[str], seconds: int) -> Outcome:
        diff = self._selection(place, keys)
        body = {"kind": "promote", "envId": self._places[place], "diff": diff, "expiresInSeconds": seconds}
        return await self._call(who, proposing_by_hand.create_proposal, body)

    def _selection(self, place: str, keys: Sequence[str]) -> dict[str, Any]:
        """What a promotion of the keys from the other environment is sent."""
        (other,) = {*ENVIRONMENTS} - {place}
        return {"fromEnvId": self._places[other], **{f"{key}s": [key] if key in keys else [] for key in VALUES}}

    async def review(self, who: str, which: int, verdict: str) -> Outcome:
        return await self._call(who, reviews.review_proposal, self.made[which], {"verdict": verdict})

    async def apply(self, who: str, which: int) -> Outcome:
        return await self._call(who, applying.apply_proposal, self.made[which], {}, IfMatch(), ends=True)

    async def cancel(self, who: str, which: int) -> Outcome:
        return await self._call(who, proposals.cancel_proposal, self.made[which], {}, IfMatch(), ends=True)

    async def set_role(self, person: str, role: str) -> Outcome:
        of = self._users[person]
        return await self._call("ann", members.update_member, self.slug, of, {"role": role}, IfMatch())

    async def remove(self, person: str) -> Outcome:
        return await self._call("ann", members.remove_member, self.slug, self._users[person], {}, IfMatch())

    async def join(self, person: str, role: str) -> Outcome:
        """Without an invitation, which would take mail."""
        async with self._node.database.writing() as session:
            query = select(Membership).filter_by(org_id=self._org_id, user_id=self._users[person])
            if (await session.execute(query)).first() is None:
                membership = Membership(org_id=self._org_id, user_id=self._users[person], role=Role(role))
                membership.created_at = membership.updated_at = now()
                session.add(membership)
            await session.commit()
        return None

    async def protect(self, who: str, place: str, required: int, *, protected: bool, glass: bool) -> Outcome:
        body = {"protected": protected, "requiredApprovals": required}
        return await self._call(who, environments.update_environment, self._places[place], body, IfMatch(), glass=glass)

    async def tick(self, seconds: int) -> Outcome:
        self._clock.stopped_at = self._clock.now() + timedelta(seconds=seconds)
        return None

    async def sweep(self) -> Outcome:
        await expire_proposals(self._node)
        return None

    async def seen(self) -> tuple[Any, Any]:
        """What it looks like."""
        places = {}
        async with self._node.unit("req_test", self._actors["ann"]) as uow:
            for name, environment_id in self._places.items():
                row = await uow.session.get_one(Environment, environment_id, populate_existing=True)
                states = {
                    primitive.key: {
                        one: await self._value(uow, state, one)
                        for one in [*VALUES[primitive.key], *(["killed"] if primitive.key == FLAG else [])]
                    }
                    for primitive, state in await all_current(uow.session, environment_id)
                }
                places[name] = vars(Place(row.version, row.protected, row.required_approvals, states))
            rows = [await uow.session.get_one(Proposal, one) for one in self.made]
            views = await proposals.viewed(uow, rows)
        return places, [(one.status.value, sorted(person["name"] for person in one.approvers)) for one in views]

    async def _value(self, uow: UnitOfWork, state: State, name: str) -> Any:
        if name.endswith("List"):
            return sorted((await entries_of(uow.session, state)).get(name, ()))
        stored = getattr(state, FIELDS.get(name, name))
        return json_columns.value(stored) if isinstance(stored, str) else stored

    async def ends(self) -> Counter[str]:
        """How often each proposal has ended, by the audit, which has an event for each key that a promotion changes."""
        async with self._node.database.reading() as session:
            query = select(col(AuditEvent.proposal_id), col(AuditEvent.resource_id)).where(
                col(AuditEvent.org_id) == self._org_id, col(AuditEvent.action).in_(ENDS)
            )
            ended = Counter((row[0], row[1]) for row in (await session.execute(query)).all())
        most = Counter[str]()
        for (proposal_id, _), number in ended.items():
            most[proposal_id or ""] = max(most[proposal_id or ""], number)
        return most

    async def _call(
        self, who: str, use: Callable[..., Awaitable[Any]], *arguments: Any, glass: bool = False, ends: bool = False
    ) -> Outcome:
        """`ends`: the proposal that comes back is the one that the call was about."""
        broken = "We are on call." if glass else None
        async with self._node.unit("req_test", self._actors[who], break_glass=broken) as uow:
            made = await use(uow, *arguments)
            if isinstance(made, Opened):
                made = made.proposal
            if isinstance(made, proposals.ProposalView):
                made = made.proposal
            made_id = made.id if isinstance(made, Proposal) and not ends else None
        if made_id is None:
            return None
        if made_id not in self.made:
            self.made.append(made_id)
        return self.made.index(made_id)


def _picked(name: str, step: Mapping[str, Any]) -> tuple[str, dict[Any, Any]]:
    """The key that a step is about, and what it wants of its dimensions."""
    match name:
        case "kill" | "restore":
            return FLAG, {"killed": name == "kill"}
        case "write":
            key, picks = step["change"]
            return key, picks
        case "propose":
            key, dimension, after = step["change"]
            return key, {dimension: after}
    return step["key"], {None: None}


def _taken_over(here: Any, there: Any, keys: Sequence[str]) -> Any:
    """The states here, with all that those of the keys are there, but whether they are killed."""
    states = deepcopy(here)
    for key in keys:
        states[key] = {**deepcopy(there[key]), **({"killed": here[key]["killed"]} if key == FLAG else {})}
    return states


class Watch:
    """What must never happen, whatever the model says. It goes by the steps and by what is seen of the product."""

    def __init__(self) -> None:
        self._behind = list[str]()  # the people who have proposed
        self._proposed = list[tuple[str | None, Any]]()  # where, and all the states that should be there afterwards
        self._words = list[dict[str, str]]()

    def note(self, name: str, step: Mapping[str, Any], outcome: Outcome, seen: Any) -> None:
        """What a step has said of proposals; `seen` is what it looked like before."""
        if name == "review" and outcome is None:
            self._words[step["which"]][step["who"]] = step["verdict"]
        if outcome != len(self._behind):
            return
        self._behind.append(MINTERS.get(step["who"], step["who"]))
        self._words.append({})
        if "keys" in step:
            here, there = [seen[0][place]["states"] for place in sorted(seen[0], key=step["place"].__ne__)]
            self._proposed.append((step["place"], _taken_over(here, there, step["keys"])))
            return
        key, picks = _picked(name, step)
        if None in picks:
            self._proposed.append((None, key))
            return
        states = deepcopy(seen[0][step["place"]]["states"])
        states[key].update(picks)
        self._proposed.append((step["place"], states))

    def check(self, name: str, step: Mapping[str, Any], roles: Mapping[str, str | None], seen: Any, after: Any) -> None:
        """Compares what it looked like before and after a step that was done with these roles."""
        for place, was in seen[0].items():
            states = after[0][place]["states"]
            if was["protected"] and any(states.get(key) != state for key, state in was["states"].items()):
                assert self._may(name, step, roles, was["required"]), f"{place} is protected"
        if name == "apply" and after[1][step["which"]] != seen[1][step["which"]]:
            self._check_applied(step["which"], seen[0], after[0])
        for (status, approvers), what in zip(seen[1], after[1], strict=False):
            assert status == "pending" or (status, approvers) == what, "what has ended stays as it is"

    def _may(self, name: str, step: Mapping[str, Any], roles: Mapping[str, str | None], required: int) -> bool:
        """Whether a step may change what is protected."""
        who = step["who"]  # steps without one change no state
        if name == "kill" and who != WAITS:
            return True
        if name != "apply":
            return bool(step["glass"]) and roles[who] == "owner"
        behind, words = self._behind[step["which"]], dict(self._words[step["which"]])
        if who in PEOPLE:
            words[who] = "approve"
        counted = [word for person, word in words.items() if RANK[roles[person]] >= RANK["editor"] and person != behind]
        return MINTERS.get(who, who) != behind and set(counted) == {"approve"} and len(counted) >= required

    def _check_applied(self, which: int, before: Any, after: Any) -> None:
        where, proposed = self._proposed[which]
        for place, was in before.items():
            states = was["states"]
            if where is None:
                states = {key: state for key, state in states.items() if key != proposed}
            elif where == place:
                states = proposed
            changed = where in {None, place}
            assert after[place] == {**was, "states": states, "version": was["version"] + changed}


EVERY = [
    (key, name, value) for key, dimensions in VALUES.items() for name, values in dimensions.items() for value in values
]
ONE = [(key, {name: value}) for key, name, value in EVERY]
TWO = [
    (key, {**one, **other})
    for (key, one), (of, other) in combinations(ONE, 2)
    if key == of and one.keys().isdisjoint(other)
]
PROPOSED = [*EVERY, *((FLAG, "killed", killed) for killed in (True, False)), *((key, None, None) for key in VALUES)]

KEYS = [[FLAG], ["segment"], [FLAG, "segment"]]

CHOICES: Mapping[str, Sequence[Any]] = {
    "who": [*PEOPLE, *PEOPLE, *PEOPLE, *VERBS],
    "person": [*PEOPLE][1:],
    "role": [role.value for role in Role],
    "place": ENVIRONMENTS,
    "key": [*VALUES],
    "glass": [False, False, False, True],
    "which": [0, 0, 0, 0, 1, 2, 3],  # counted from the newest proposal
    "verdict": ["approve", "approve", "request_changes"],
    "required": [1, 2, 3],
    "protected": [True, True, False],
    "seconds": [1, 60, 3600, 8 * 24 * 3600, 30 * 24 * 3600],
}
STEPS: Sequence[tuple[int, str, Mapping[str, Sequence[Any]]]] = [  # how often, and what it has beyond `CHOICES`
    (3, "write", {"who": (), "place": (), "change": ONE, "glass": ()}),
    (1, "write", {"who": (), "place": (), "change": TWO, "glass": ()}),
    (1, "kill", {"who": (), "place": (), "glass": ()}),
    (1, "restore", {"who": (), "place": (), "glass": ()}),
    (1, "delete", {"who": (), "key": (), "glass": ()}),
    (2, "create", {"who": (), "key": ()}),
    (6, "propose", {"who": (), "place": (), "change": PROPOSED, "seconds": [60, 3600, 30 * 24 * 3600]}),
    (2, "promote", {"who": (), "place": (), "keys": KEYS, "glass": ()}),
    (2, "propose_promotion", {"who": (), "place": (), "keys": KEYS, "seconds": [60, 3600, 30 * 24 * 3600]}),
    (8, "review", {"who": [*PEOPLE] * 6 + [*VERBS], "which": (), "verdict": ()}),
    (1, "apply", {"who": (), "which": ()}),
    (1, "cancel", {"who": (), "which": ()}),
    (1, "protect", {"who": [*PEOPLE], "place": (), "required": (), "protected": (), "glass": ()}),
    (1, "set_role", {"person": (), "role": ()}),
    (1, "remove", {"person": ()}),
    (1, "join", {"person": (), "role": ()}),
    (1, "tick", {"seconds": ()}),
    (1, "sweep", {}),
]
Step = tuple[str, dict[str, Any]]


def a_step(random: Random, *names: str) -> Step:
    """One of these, or of all."""
    among = [step for step in STEPS if not names or step[1] in names]
    _, name, arguments = random.choices(among, [often for often, _, _ in among])[0]
    return name, {argument: random.choice(own or CHOICES[argument]) for argument, own in arguments.items()}


def a_life(random: Random) -> Iterator[Step]:
    """Most steps alone come to nothing: a change must be proposed, spoken of and applied, with little in between."""
    yield a_step(random, "propose", "write", "delete", "restore", "promote", "propose_promotion")
    for _ in range(random.randrange(5)):
        yield a_step(random, "review", "set_role", "remove", "join", "protect")
    yield a_step(random, "apply")
    if random.random() < 0.4:
        yield a_step(random)


@pytest.fixture
async def node(settings: Settings, clock: SetClock) -> AsyncIterator[Node]:
    """What a process holds."""
    node = await open_node(settings, clock)
    yield node
    await node.close()


@examples(0.7)
@given(seed=st.integers(0, 2**32 - 1))
async def test_nothing_gets_past_approval_and_nothing_approved_is_lost(node: Node, clock: SetClock, seed: int) -> None:
    random = Random(seed)
    clock.stopped_at = now()
    product = Product(node, clock)
    model, watch = Model(clock.stopped_at, await product.begin()), Watch()
    seen = await product.seen()

    async def both(name: str, step: dict[str, Any]) -> None:
        nonlocal seen
        roles, before = dict(model.roles), seen
        note(f"{name} {step}")
        outcome = await product.do(name, step)
        assert outcome == model.do(name, step)
        watch.note(name, step, outcome, before)
        seen = await product.seen()
        watch.check(name, step, roles, before, seen)
        assert seen == model.seen()

    for place in ENVIRONMENTS[: random.randrange(3)]:
        protection = {"place": place, "required": random.choice([1, 1, 2, 3]), "protected": True}
        await both("protect", {"who": "ann", **protection, "glass": False})
    for name, step in chain.from_iterable(a_life(random) for _ in range(LIVES)):
        if "which" not in step:
            await both(name, step)
        elif number := len(model.changes):
            await both(name, {**step, "which": number - 1 - step["which"] % number})
    for number, change in enumerate(model.changes):
        for person in [*model.who_can_apply(change)][:1]:
            await both("apply", {"who": person, "which": number})
            assert change.status == "applied"
    await both("tick", {"seconds": 40 * 24 * 3600})
    await both("sweep", {})
    assert await product.ends() == Counter(product.made)
