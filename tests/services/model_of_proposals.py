"""What proposals should do, written down a second time, and much simpler than the product does it."""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PEOPLE = {"ann": "owner", "bob": "admin", "cid": "editor", "dee": "editor"}  # with the roles that they begin with
RANK = {None: 0, "viewer": 1, "editor": 2, "admin": 3, "owner": 4}
EVERY_VERB = {"propose", "write", "toggle", "delete", "promote"}
VERBS = {"agent": {"propose"}, "waiting": {"propose"}, "free": EVERY_VERB}  # what each token may
MINTERS = {"agent": "bob", "waiting": "ann", "free": "bob"}
WAITS = "waiting"  # the token that requires approval
ENVIRONMENTS = ("prod", "dev")
FLAG, SEGMENT = "flag", "segment"  # a key of each kind

ON_PLAN = {"if": {"field": "plan", "$equals": "pro"}}
VALUES: Mapping[str, Mapping[str, tuple[Any, Any, Any]]] = {
    FLAG: {
        "defaultValue": ("a", "b", "c"),
        "rules": ([], [{**ON_PLAN, "value": "x"}], [{**ON_PLAN, "value": "y"}]),
    },
    SEGMENT: {
        "rules": ([], [ON_PLAN], [{**ON_PLAN, "name": "Pro"}]),
        "allowList": ([], ["u-1"], ["u-1", "u-2"]),
        "denyList": ([], ["u-1"], ["u-2"]),
    },
}
PROMOTE = "promote"
WEEK = 7 * 24 * 3600

Outcome = str | int | None
"""What a call comes to: a code, or the number of the proposal that it made or found, or nothing of the two."""


def fresh(key: str) -> dict[str, Any]:
    """A state as it is created."""
    first = {name: values[0] for name, values in VALUES[key].items()}
    return {**first, "killed": False} if key == FLAG else first


def verb_of(dimension: str | None) -> str:
    """What a token needs for a change of the dimension, or to promote; None is a delete."""
    if dimension == PROMOTE:
        return PROMOTE
    return "delete" if dimension is None else "toggle" if dimension == "killed" else "write"


def differing(here: Mapping[str, Any], there: Mapping[str, Any], keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """What a promotion of the keys would change, by key and dimension: of the states here, to what they are there."""
    found = {
        key: {name: value for name, value in there[key].items() if name != "killed" and here[key][name] != value}
        for key in keys
    }
    return {key: values for key, values in found.items() if values}


@dataclass
class Place:
    """An environment."""

    version: int
    protected: bool = False
    required: int = 1
    states: dict[str, dict[str, Any]] = field(default_factory=lambda: {key: fresh(key) for key in VALUES})


@dataclass
class Change:
    """A proposal. `place` and `dimension` are None for a delete; of a promotion, `after` has the values by key.

    `target` says which of several lives of its keys it is about.
    """

    by: str
    place: str | None
    dimension: str | None
    after: Any
    target: Mapping[str, int]
    versions: Mapping[str, int]
    expires_at: datetime
    status: str = "pending"
    words: dict[str, str] = field(default_factory=dict)
    approvers: Collection[str] = ()

    @property
    def person(self) -> str:
        """Who is behind it."""
        return MINTERS.get(self.by, self.by)

    def is_like(self, other: "Change") -> bool:
        """Whether both are the same change by the same actor."""
        told = [(one.by, one.place, one.dimension, one.target, one.versions) for one in (self, other)]
        return told[0] == told[1] and self.after == other.after


class RefusedError(Exception):
    """A step is refused with the code."""


def refuse_if(condition: bool, code: str) -> None:
    if condition:
        raise RefusedError(code)


class Model:
    """What should be. Each step has a method, which changes what is to be changed, and gives the number of the
    proposal that comes of it. `glass`: the caller says why to break it."""

    def __init__(self, at: datetime, versions: Mapping[str, int]) -> None:
        self.now = at
        self.roles: dict[str, str | None] = dict(PEOPLE)
        self.places = {name: Place(version) for name, version in versions.items()}
        self.lives = dict.fromkeys(VALUES, 0)
        self.changes: list[Change] = []

    def do(self, name: str, step: Mapping[str, Any]) -> Outcome:
        try:
            outcome: Outcome = getattr(self, name)(**step)
        except RefusedError as refused:
            return str(refused)
        return outcome

    def write(self, who: str, place: str, change: tuple[str, Any], *, glass: bool) -> Outcome:
        return self._change(who, place, *change, glass=glass)

    def kill(self, who: str, place: str, *, glass: bool) -> Outcome:
        return self._change(who, place, FLAG, {"killed": True}, glass=glass)

    def restore(self, who: str, place: str, *, glass: bool) -> Outcome:
        return self._change(who, place, FLAG, {"killed": False}, glass=glass)

    def delete(self, who: str, key: str, *, glass: bool) -> Outcome:
        if self._must_wait(who, "delete", key, protected=self._any_protected(), glass=glass):
            return self._open(who, None, (key, None, None), WEEK)
        self._end(key)
        return None

    def promote(self, who: str, place: str, keys: Collection[str], *, glass: bool) -> Outcome:
        it = self.places[place]
        waits = self._must_wait(who, PROMOTE, *keys, protected=it.protected, glass=glass)
        if not (different := self._differing(place, keys)):
            return None
        if waits:
            return self._open(who, place, (keys, PROMOTE, different), WEEK)
        self._write(place, different)
        return None

    def propose_promotion(self, who: str, place: str, keys: Collection[str], seconds: int) -> Outcome:
        self._require_editor(who, *keys)
        refuse_if(not all(map(self._lives, keys)), "not_found")
        different = self._differing(place, keys)
        refuse_if(not different, "invalid_request")
        return self._open(who, place, (keys, PROMOTE, different), seconds)

    def create(self, who: str, key: str) -> Outcome:
        self._require_editor(who)
        refuse_if(who in VERBS and "write" not in VERBS[who], "token_action_denied")
        refuse_if(self._lives(key), "key_collision")
        self.lives[key] += 1
        for place in self.places.values():
            place.states[key] = fresh(key)
            place.version += 1
        return None

    def propose(self, who: str, place: str, change: tuple[str, Any, Any], seconds: int) -> Outcome:
        key, dimension, after = change
        self._require_editor(who, key)
        refuse_if(not self._lives(key), "not_found")
        if dimension is None:
            return self._open(who, None, change, seconds)
        refuse_if(self.places[place].states[key][dimension] == after, "invalid_request")
        return self._open(who, place, change, seconds)

    def review(self, who: str, which: int, verdict: str) -> Outcome:
        change = self.changes[which]
        refuse_if(who in VERBS, "forbidden")
        self._require_editor(who)
        refuse_if(who == change.person, "forbidden")
        refuse_if(change.status != "pending", "proposal_gone")
        change.words[who] = verdict
        return None

    def apply(self, who: str, which: int) -> Outcome:
        change = self.changes[which]
        self._require_editor(who)
        refuse_if(who in VERBS and verb_of(change.dimension) not in VERBS[who], "token_action_denied")
        refuse_if(who == WAITS or (who in VERBS and who == change.by), "forbidden")
        refuse_if(self._is_protected(change) and MINTERS.get(who, who) == change.person, "forbidden")
        refuse_if(change.status != "pending", "proposal_gone")
        refuse_if(not self._is_there(change), "not_found")
        refuse_if(self._has_drifted(change), "version_drift")
        others = {person: word for person, word in self.counted(change).items() if person != who}
        approvers = [*others, *([who] if who in PEOPLE else [])]
        refuse_if("request_changes" in others.values(), "approval_missing")
        refuse_if(len(approvers) < self._required(change), "approval_missing")
        change.status, change.approvers = "applied", approvers
        if change.place is None:
            self._end(*change.target)
        elif change.dimension == PROMOTE:
            self._write(change.place, change.after)
        else:
            self._write(change.place, {key: {change.dimension or "": change.after} for key in change.target})
        return None

    def cancel(self, who: str, which: int) -> Outcome:
        change = self.changes[which]
        refuse_if(self._is_gone(who), "not_found")
        if who != change.by:
            self._require_editor(who)
            refuse_if(who in VERBS and "write" not in VERBS[who], "token_action_denied")
        refuse_if(change.status != "pending", "proposal_gone")
        change.status = "cancelled"
        return None

    def set_role(self, person: str, role: str) -> Outcome:
        refuse_if(self._is_gone(person), "not_found")
        self.roles[person] = role
        return None

    def remove(self, person: str) -> Outcome:
        refuse_if(self._is_gone(person), "not_found")
        self.roles[person] = None
        return None

    def join(self, person: str, role: str) -> Outcome:
        self.roles[person] = self.roles[person] or role
        return None

    def protect(self, who: str, place: str, required: int, *, protected: bool, glass: bool) -> Outcome:
        it, role = self.places[place], self.roles[who]
        refuse_if(role is None, "not_found")
        refuse_if(RANK[role] < RANK["admin"], "insufficient_role")
        if it.protected and (required < it.required or not protected):
            refuse_if(not glass, "approval_not_supported")
            refuse_if(role != "owner", "insufficient_role")
        it.protected, it.required = protected, required
        return None

    def tick(self, seconds: int) -> Outcome:
        self.now += timedelta(seconds=seconds)
        for change in self.changes:
            if change.status == "pending" and change.expires_at <= self.now:
                change.status = "expired"
        return None

    def sweep(self) -> Outcome:
        """Changes nothing that anybody sees."""
        return None

    def seen(self) -> tuple[Any, Any]:
        """What it looks like: the environments, and of each proposal the status and who approves."""
        found = []
        for change in self.changes:
            approvers = change.approvers
            if change.status == "pending":
                approvers = [person for person, word in self.counted(change).items() if word == "approve"]
            found.append((change.status, sorted(approvers)))
        return deepcopy({name: vars(place) for name, place in self.places.items()}), found

    def counted(self, change: Change) -> dict[str, str]:
        """The last words of those whose words count."""
        return {person: word for person, word in change.words.items() if RANK[self.roles[person]] >= RANK["editor"]}

    def who_can_apply(self, change: Change) -> Iterator[str]:
        """The people who can, by what is promised: so nothing that was approved is lost."""
        if change.status != "pending" or not self._is_there(change) or self._has_drifted(change):
            return
        for person, role in self.roles.items():
            others = [word for other, word in self.counted(change).items() if other != person]
            barred = RANK[role] < RANK["editor"] or (self._is_protected(change) and person == change.person)
            if not barred and "request_changes" not in others and len(others) + 1 >= self._required(change):
                yield person

    def _change(self, who: str, place: str, key: str, wanted: Mapping[str, Any], *, glass: bool) -> Outcome:
        it, (dimension, *_) = self.places[place], wanted
        waits = self._must_wait(
            who, verb_of(dimension), key, protected=it.protected, glass=glass, kills=wanted == {"killed": True}
        )
        different = {name: value for name, value in wanted.items() if it.states[key][name] != value}
        if not different:
            return None
        if not waits:
            self._write(place, {key: different})
            return None
        refuse_if(len(different) > 1, "approval_not_supported")
        ((name, after),) = different.items()
        return self._open(who, place, (key, name, after), WEEK)

    def _differing(self, place: str, keys: Collection[str]) -> dict[str, dict[str, Any]]:
        (other,) = {*ENVIRONMENTS} - {place}
        return differing(self.places[place].states, self.places[other].states, keys)

    def _must_wait(self, who: str, verb: str, *keys: str, protected: bool, glass: bool, kills: bool = False) -> bool:
        """Whether the change becomes a proposal. A kill does not wait for protection."""
        self._require_editor(who, *keys)
        refuse_if(who in VERBS and verb not in VERBS[who] and who != WAITS, "token_action_denied")
        waits = who == WAITS or (protected and not kills)
        if waits and protected and glass:
            refuse_if(who in VERBS, "forbidden")
            refuse_if(self.roles[who] != "owner", "insufficient_role")
            waits = False
        refuse_if(not all(map(self._lives, keys)), "not_found")
        return waits

    def _require_editor(self, who: str, *keys: str) -> None:
        """People see nothing once they have left; what is not there is told them before their role is looked at."""
        if who in PEOPLE:
            refuse_if(self._is_gone(who) or not all(map(self._lives, keys)), "not_found")
            refuse_if(RANK[self.roles[who]] < RANK["editor"], "insufficient_role")

    def _open(self, who: str, place: str | None, change: tuple[str | Collection[str], Any, Any], seconds: int) -> int:
        """The number of the proposal, which may be there already."""
        keys, dimension, after = change
        if dimension == PROMOTE:
            keys = after
        target = {key: self.lives[key] for key in ([keys] if isinstance(keys, str) else keys)}
        versions = {name: self.places[name].version for name in (self.places if place is None else [place])}
        expires_at = self.now + timedelta(seconds=seconds)
        made = Change(who, place, dimension, after, target, versions, expires_at)
        for number, one in enumerate(self.changes):
            if one.status == "pending" and one.is_like(made):
                return number
        self.changes.append(made)
        return len(self.changes) - 1

    def _write(self, place: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        for key, values in changes.items():
            self.places[place].states[key].update(values)
        self.places[place].version += 1

    def _end(self, *keys: str) -> None:
        for place in self.places.values():
            for key in keys:
                del place.states[key]
            place.version += 1

    def _required(self, change: Change) -> int:
        if change.place is not None:
            return self.places[change.place].required
        return max([1, *(place.required for place in self.places.values() if place.protected)])

    def _is_there(self, change: Change) -> bool:
        return all(self._lives(key) and self.lives[key] == life for key, life in change.target.items())

    def _has_drifted(self, change: Change) -> bool:
        return any(self.places[name].version != version for name, version in change.versions.items())

    def _is_protected(self, change: Change) -> bool:
        return self._any_protected() if change.place is None else self.places[change.place].protected

    def _any_protected(self) -> bool:
        return any(place.protected for place in self.places.values())

    def _lives(self, key: str) -> bool:
        return key in self.places[ENVIRONMENTS[0]].states

    def _is_gone(self, who: str) -> bool:
        return who in PEOPLE and self.roles[who] is None
