"""The policy for tokens: the table in the contract's words, and what holds for every token and target."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.actors import Anonymous, EnvironmentScope, Member, Person, ResourcePattern, Role, Token, Verb
from app.domain.operations import Operation, ResourceType
from app.domain.policy import (
    LEVELS,
    TABLE,
    Allow,
    Approval,
    AskedKey,
    Deny,
    Divert,
    OfChange,
    Proposed,
    Reach,
    Resource,
    Target,
    decide,
    operations_on,
    verb_of,
)
from app.engine.kinds import Kind

PROJECTS, ENVIRONMENTS = ["p1", "p2"], {"p1": ["e1", "e2"], "p2": ["e3"]}
KEYS = ["checkout", "checkout.flow", "payments", "payments.card", "payments.card.limit", "paymentsx"]
PATTERNS = ["*", "payments.*", "payments.card.*", *KEYS, "flag:*", "config:payments.*", "segment:checkout"]
MINTER = Person("u1", "Ada")


def token(
    *actions: str,
    scope: EnvironmentScope | None = None,
    resources: tuple[str, ...] = ("*",),
    approval: bool = False,
) -> Token:
    return Token(
        token_id="t1",
        name="ci",
        org_id="o1",
        actions=frozenset(map(Verb, actions)),
        scope=scope or EnvironmentScope(org=True),
        resources=tuple(map(ResourcePattern.parse, resources)),
        approval_required=approval,
        minter=MINTER,
    )


def target(project: str = "p1", environment: str | None = "e1", key: str | None = "checkout", **more: Any) -> Target:
    return Target(
        project_id=project,
        environment_id=environment,
        environment_ids=frozenset(ENVIRONMENTS[project]),
        asked=() if key is None else (AskedKey((Kind.FLAG,), key),),
        **more,
    )


def code(found: object) -> str:
    return found.code if isinstance(found, Deny) else type(found).__name__.lower()


scopes = st.one_of(
    st.just(EnvironmentScope(org=True)),
    st.sets(st.sampled_from(PROJECTS), min_size=1).map(lambda ids: EnvironmentScope(projects=frozenset(ids))),
    st.sets(st.sampled_from(["e1", "e2", "e3"]), min_size=1).map(
        lambda ids: EnvironmentScope(environments=frozenset(ids))
    ),
)
tokens = st.builds(
    token,
    scope=scopes,
    resources=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3, unique=True).map(tuple),
    approval=st.booleans(),
).flatmap(
    lambda made: st.sets(st.sampled_from(list(Verb)), min_size=1).map(
        lambda verbs: replace(made, actions=frozenset(verbs))
    )
)
asked = st.lists(
    st.builds(
        AskedKey,
        st.sampled_from([(Kind.FLAG,), (Kind.CONFIG,), (Kind.SEGMENT,), (Kind.FLAG, Kind.CONFIG)]),
        st.sampled_from(KEYS),
    ),
    max_size=3,
).map(
    lambda some: tuple(replace(one, path=f"keys.{index}") if len(some) > 1 else one for index, one in enumerate(some))
)
targets = st.sampled_from(PROJECTS).flatmap(
    lambda project: st.builds(
        Target,
        project_id=st.just(project),
        environment_id=st.sampled_from(ENVIRONMENTS[project]),
        environment_ids=st.just(frozenset(ENVIRONMENTS[project])),
        asked=asked,
        protected=st.booleans(),
    )
)
operations = st.sampled_from(list(Operation))


@given(tokens, operations, targets, st.data())
def test_a_restriction_never_allows_more(held: Token, operation: Operation, where: Target, data: st.DataObject) -> None:
    narrower = replace(
        held,
        actions=frozenset(one for one in held.actions if data.draw(st.booleans())),
        resources=tuple(one for one in held.resources if data.draw(st.booleans())),
        approval_required=held.approval_required or data.draw(st.booleans()),
        scope=data.draw(st.sampled_from([held.scope, *_within(held.scope)])),
    )
    before, after = decide(held, operation, where), decide(narrower, operation, where)
    if isinstance(after, Allow):
        assert isinstance(before, Allow)
    if isinstance(after, Divert) and not isinstance(before, Allow | Divert):
        # It could have proposed the same before: `propose` stands for the verb where a person must approve anyhow.
        assert Verb.PROPOSE in held.actions
        assert not held.approval_required


def _within(scope: EnvironmentScope) -> list[EnvironmentScope]:
    """Scopes that cover less."""
    projects = PROJECTS if scope.org else sorted(scope.projects)
    inside = [EnvironmentScope(projects=frozenset({one})) for one in projects]
    ids = [one for project in projects for one in ENVIRONMENTS[project]] or sorted(scope.environments)
    return [*inside, *(EnvironmentScope(environments=frozenset({one})) for one in ids), EnvironmentScope()]


@given(tokens, operations, targets)
def test_the_code_tells_what_is_short_and_only_that(held: Token, operation: Operation, where: Target) -> None:
    row = TABLE[operation]
    if row.resource is not Resource.KEY:
        where = replace(where, asked=())  # nobody names keys to what is about none
    found = decide(held, operation, where)
    if row.verb is None:
        assert code(found) == "forbidden"
        return
    short = {
        "action": not _may(held, operation),
        "environment": not _reaches(held.scope, row.reach, where),
        "resource": not _matches(held, row.resource, where),
    }
    missing = [name for name, is_short in short.items() if is_short]
    several = len(where.asked) > 1 and short["resource"] and row.resource is Resource.KEY
    if len(missing) > 1 or several:
        assert code(found) == "scope_denied"
        assert isinstance(found, Deny)
        paths = {name for name in found.fields if name.startswith("keys.")} and {"resource"}
        assert {name for name in found.fields if not name.startswith("keys.")} | paths == set(missing)
    elif missing:
        specific = {"action": "action_denied", "environment": "env_out_of_scope", "resource": "resource_out_of_scope"}
        assert (code(found), getattr(found, "fields", None)) == (f"token_{specific[missing[0]]}", {})
    else:
        assert code(found) in {"allow", "divert", "approval_not_supported", "forbidden"}


def _may(held: Token, operation: Operation) -> bool:
    row = TABLE[operation]
    own = Verb.WRITE if isinstance(row.verb, OfChange) else row.verb
    enough = {own} | ({Verb.READ} if own is Verb.EVALUATE else set())
    if held.approval_required and row.for_tokens is Approval.DIVERT:
        enough.add(Verb.PROPOSE)
    return not enough.isdisjoint(held.actions)


def _reaches(scope: EnvironmentScope, reach: Reach, where: Target) -> bool:
    envs = set(ENVIRONMENTS["p1"] + ENVIRONMENTS["p2"]) if scope.org else set(scope.environments)
    for project in scope.projects:
        envs |= set(ENVIRONMENTS[project])
    whole_project = scope.org or where.project_id in scope.projects
    return {
        Reach.ORG: scope.org,
        Reach.PROJECT: whole_project,
        Reach.ENV: where.environment_id in envs,
        Reach.ANY_ENV: bool(envs & set(where.environment_ids)),
        Reach.ANYWHERE: True,
    }[reach]


def _matches(held: Token, resource: Resource, where: Target) -> bool:
    if resource is Resource.ALL:
        return any(one.kind is None and one.text == "*" for one in held.resources)
    if resource is Resource.NONE:
        return True
    return all(
        any(_pattern(one, kind, asked.key) for one in held.resources for kind in asked.kinds) for asked in where.asked
    )


def _pattern(pattern: ResourcePattern, kind: Kind, key: str) -> bool:
    if pattern.kind not in {None, kind}:
        return False
    text = pattern.text
    return text in ("*", key) or (text[-2:] == ".*" and key[: len(text) - 1] == text[:-1])


@given(tokens, operations, targets)
def test_a_token_that_needs_approval_changes_nothing_at_once(held: Token, operation: Operation, where: Target) -> None:
    found = decide(replace(held, approval_required=True), operation, where)
    if isinstance(found, Allow):
        assert TABLE[operation].for_tokens is Approval.PASS


@given(st.sampled_from(list(ResourceType)), targets)
def test_what_can_be_done_to_a_thing_are_its_rows(thing: ResourceType, where: Target) -> None:
    kinds = {kind for asked in where.asked for kind in asked.kinds} or set(Kind)
    if thing in {ResourceType.MEMBER, ResourceType.INVITATION, ResourceType.API_KEY}:  # parts of an organisation
        assert {TABLE[operation].target for operation in operations_on(thing, where)} == {ResourceType.ORG}
        return
    rows = [one for one, row in TABLE.items() if row.target is thing and not row.kinds.isdisjoint(kinds)]
    assert list(operations_on(thing, where)) == rows
    for operation, its in operations_on(thing, where).items():
        more_protection = operation is Operation.PROTECT_ENVIRONMENT
        assert its == (replace(where, protected=False) if more_protection else where)


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("*", KEYS),
        ("payments", ["payments"]),
        ("payments.*", ["payments.card", "payments.card.limit"]),
        ("payments.card.*", ["payments.card.limit"]),
        ("checkout.flow", ["checkout.flow"]),
    ],
)
def test_a_trailing_star_is_a_prefix_with_its_dot(pattern: str, matching: list[str]) -> None:
    for prefix, kinds in (("", set(Kind)), ("flag:", {Kind.FLAG}), ("segment:", {Kind.SEGMENT})):
        made = ResourcePattern.parse(prefix + pattern)
        assert {(kind, key) for kind in Kind for key in KEYS if made.matches(kind, key)} == {
            (kind, key) for kind in kinds for key in matching
        }


@pytest.mark.parametrize("operation", Operation)
def test_a_caller_without_credentials_may_nothing(operation: Operation) -> None:
    assert code(decide(Anonymous(), operation, target())) == "unauthorized"


@pytest.mark.parametrize("operation", [one for one, row in TABLE.items() if row.verb is None])
def test_what_is_for_people_is_forbidden_to_the_mightiest_token(operation: Operation) -> None:
    assert code(decide(token(*Verb), operation, target())) == "forbidden"


SINGLE = EnvironmentScope(environments=frozenset({"e1"}))


def test_a_single_environment_token_reads_its_project_and_never_acts_on_all_environments() -> None:
    held = token(*Verb, scope=SINGLE)
    allowed = {one for one in Operation if isinstance(decide(held, one, target()), Allow)}
    assert {Operation.READ_PROJECT, Operation.READ_PRIMITIVE, Operation.UPDATE_STATE, Operation.KILL} <= allowed
    assert all(TABLE[one].reach in {Reach.ENV, Reach.ANY_ENV, Reach.ANYWHERE} for one in allowed)
    assert not any(
        isinstance(decide(held, one, target("p2", "e3")), Allow)
        for one in Operation
        if TABLE[one].reach is not Reach.ANYWHERE
    )


def test_read_includes_evaluate_and_nothing_includes_anything_else() -> None:
    for verb in Verb:
        asked = target(proposed=Proposed(verb=Verb.TOGGLE))
        allowed = {one for one in Operation if isinstance(decide(token(verb), one, asked), Allow)}
        verbs = {verb_of(TABLE[one], asked) for one in allowed}
        assert verbs <= {verb, *([Verb.EVALUATE] if verb is Verb.READ else [])}
        assert (Operation.APPLY_PROPOSAL in allowed) == (verb is Verb.TOGGLE)


def test_reading_the_organisation_asks_for_everything() -> None:
    reading = lambda **more: code(decide(token("read", **more), Operation.READ_ORG, Target()))  # noqa: E731
    assert reading() == "allow"
    assert reading(resources=("flag:*", "config:*", "segment:*")) == "token_resource_out_of_scope"
    assert reading(scope=EnvironmentScope(projects=frozenset({"p1", "p2"}))) == "token_env_out_of_scope"


@pytest.mark.parametrize("operation", [one for one, row in TABLE.items() if row.for_tokens is Approval.DIVERT])
def test_a_divertible_write_is_allowed_with_either_verb(operation: Operation) -> None:
    own = verb_of(TABLE[operation], target()) or pytest.fail("a write without a verb")
    assert code(decide(token(own), operation, target())) == "allow"
    assert code(decide(token("propose"), operation, target())) == "token_action_denied"
    for verb in (own, "propose"):
        assert code(decide(token(verb, approval=True), operation, target())) == "divert"
    assert code(decide(token("read", approval=True), operation, target())) == "token_action_denied"
    narrow = token("propose", approval=True, resources=("payments.*",))
    assert code(decide(narrow, operation, target())) == "token_resource_out_of_scope"


@pytest.mark.parametrize("operation", [one for one, row in TABLE.items() if row.for_tokens is Approval.REFUSE])
def test_a_write_that_cannot_be_diverted_is_refused_once_it_is_in_scope(operation: Operation) -> None:
    own = verb_of(TABLE[operation], target()) or pytest.fail("a write without a verb")
    assert code(decide(token(own, approval=True), operation, target())) == "approval_not_supported"
    assert code(decide(token("propose", approval=True), operation, target())) == "token_action_denied"


def test_a_kill_is_immediate_where_protected_and_a_restore_is_not() -> None:
    protected = target(protected=True, role=Role.EDITOR)
    for actor in (token("toggle"), Member("u1", "Ada", "s1", proven=True)):
        assert code(decide(actor, Operation.KILL, protected)) == "allow"
        assert code(decide(actor, Operation.RESTORE, protected)) == "divert"
    assert code(decide(token("toggle", approval=True), Operation.KILL, protected)) == "divert"


def test_the_levels_are_the_contracts() -> None:
    assert {name: sorted(verbs) for name, verbs in LEVELS.items()} == {
        "client": ["evaluate"],
        "observer": ["read"],
        "proposer": ["propose", "read"],
        "operator": ["propose", "read", "toggle"],
        "maintainer": ["promote", "propose", "read", "toggle", "write"],
        "admin": ["delete", "promote", "propose", "read", "toggle", "write"],
    }
