"""What it means for doing something to a proposal that the caller, or a token of the caller's, has made it."""

import pytest

from app.domain.actors import Actor, EnvironmentScope, Member, Person, ResourcePattern, Role, Token, Verb
from app.domain.operations import Operation
from app.domain.policy import Allow, AskedKey, Decision, Deny, Proposed, Target, decide
from app.engine.kinds import Kind

ADA, GRACE = "ada", "grace"
BY_ADA, BY_HER_TOKEN = Proposed(ADA, ADA), Proposed("bot", ADA)


def person(user_id: str, *, proven: bool = True) -> Member:
    return Member(user_id, user_id, "session", proven=proven)


def token(token_id: str, minter: str, *actions: Verb, approval: bool = False) -> Token:
    return Token(
        token_id=token_id,
        name=token_id,
        org_id="o1",
        actions=frozenset(actions or Verb),
        scope=EnvironmentScope(org=True),
        resources=(ResourcePattern.parse("*"),),
        approval_required=approval,
        minter=Person(minter, minter),
    )


def decided(
    actor: Actor, operation: Operation, proposed: Proposed, role: Role | None = Role.EDITOR, *, protected: bool = False
) -> Decision:
    asked = (AskedKey((Kind.FLAG,), "checkout"),)
    its = None if isinstance(actor, Token) else role
    return decide(actor, operation, Target(its, "p1", "e1", asked=asked, protected=protected, proposed=proposed))


def code(decision: Decision) -> str:
    return decision.code if isinstance(decision, Deny) else type(decision).__name__.lower()


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("proposed", [BY_ADA, BY_HER_TOKEN])
@pytest.mark.parametrize("role", [Role.EDITOR, Role.OWNER])
def test_who_is_behind_a_proposal_never_reviews_it(role: Role, proposed: Proposed, protected: bool) -> None:
    review = Operation.REVIEW_PROPOSAL
    assert code(decided(person(ADA), review, proposed, role, protected=protected)) == "forbidden"
    assert code(decided(person(GRACE), review, proposed, role, protected=protected)) == "allow"


def test_a_review_takes_an_editor_with_a_proven_mailbox_and_no_token() -> None:
    review = Operation.REVIEW_PROPOSAL
    assert code(decided(person(GRACE), review, BY_ADA, Role.VIEWER)) == "insufficient_role"
    assert code(decided(person(GRACE, proven=False), review, BY_ADA)) == "forbidden"
    assert code(decided(token("other", GRACE), review, BY_ADA)) == "forbidden"


@pytest.mark.parametrize("proposed", [BY_ADA, BY_HER_TOKEN])
def test_who_is_behind_a_proposal_applies_it_where_nothing_is_protected(proposed: Proposed) -> None:
    for actor in (person(ADA), token("another", ADA)):
        assert code(decided(actor, Operation.APPLY_PROPOSAL, proposed)) == "allow"
        assert code(decided(actor, Operation.APPLY_PROPOSAL, proposed, Role.OWNER, protected=True)) == "forbidden"


@pytest.mark.parametrize("protected", [False, True])
def test_another_person_and_their_token_apply_it(protected: bool) -> None:
    for actor in (person(GRACE), token("other", GRACE)):
        assert code(decided(actor, Operation.APPLY_PROPOSAL, BY_ADA, protected=protected)) == "allow"


@pytest.mark.parametrize("protected", [False, True])
def test_a_token_never_applies_what_it_proposed_itself(protected: bool) -> None:
    assert code(decided(token("bot", ADA), Operation.APPLY_PROPOSAL, BY_HER_TOKEN, protected=protected)) == "forbidden"


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("proposed", [BY_ADA, BY_HER_TOKEN, Proposed(GRACE, GRACE)])
def test_a_token_that_needs_approval_applies_nothing(proposed: Proposed, protected: bool) -> None:
    held = token("other", GRACE, approval=True)
    assert code(decided(held, Operation.APPLY_PROPOSAL, proposed, protected=protected)) == "forbidden"


@pytest.mark.parametrize("needed", [Verb.WRITE, Verb.TOGGLE, Verb.DELETE])
def test_a_token_applies_with_the_verb_of_the_change(needed: Verb) -> None:
    proposed = Proposed(ADA, ADA, needed)
    for verb in Verb:
        decision = decided(token("other", GRACE, verb), Operation.APPLY_PROPOSAL, proposed)
        assert code(decision) == ("allow" if verb is needed else "token_action_denied")
        if isinstance(decision, Deny):
            assert needed in (decision.message or "")


@pytest.mark.parametrize("protected", [False, True])
def test_who_made_a_proposal_may_always_cancel_it(protected: bool) -> None:
    cancel = Operation.CANCEL_PROPOSAL
    for role in (None, *Role):
        assert decided(person(ADA, proven=False), cancel, BY_ADA, role, protected=protected) == Allow()
    held = token("bot", ADA, Verb.PROPOSE, approval=True)
    assert decided(held, cancel, BY_HER_TOKEN, protected=protected) == Allow()


def test_others_cancel_it_as_they_would_change_it() -> None:
    cancel = Operation.CANCEL_PROPOSAL
    assert code(decided(person(GRACE), cancel, BY_ADA)) == "allow"
    assert code(decided(person(GRACE), cancel, BY_ADA, Role.VIEWER)) == "insufficient_role"
    assert code(decided(person(ADA), cancel, BY_HER_TOKEN, Role.VIEWER)) == "insufficient_role"
    assert code(decided(token("other", GRACE, Verb.WRITE), cancel, BY_ADA)) == "allow"
    assert code(decided(token("other", GRACE, Verb.PROPOSE), cancel, BY_ADA)) == "token_action_denied"
