"""Who can do what somebody cannot, in words: every row of the policy's table, for whoever may be refused by it."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from app.domain.actors import Actor, EnvironmentScope, Member, Person, ResourcePattern, Role, Token, Verb
from app.domain.errors import AppError
from app.domain.inabilities import DIVERTED, inability
from app.domain.operations import Operation
from app.domain.policy import TABLE, UNPROVEN, Allow, AskedKey, Deny, Divert, Proposed, Target, decide
from app.engine.kinds import Kind


def person(*, proven: bool = True) -> Member:
    return Member("u1", "Ada", "s1", proven=proven)


def token(*actions: Verb, everywhere: bool = True, resource: str = "*", approval: bool = False) -> Token:
    return Token(
        token_id="t1",
        name="ci",
        org_id="o1",
        actions=frozenset(actions),
        scope=EnvironmentScope(org=everywhere),
        resources=(ResourcePattern.parse(resource),),
        approval_required=approval,
        minter=Person("u1", "Ada"),
    )


def target(role: Role | None = None, *, protected: bool = False) -> Target:
    return Target(role, "p1", "e1", asked=(AskedKey((Kind.FLAG,), "checkout"),), protected=protected)


FOR_PEOPLE = {
    "Anybody who is signed in; tokens cannot.": "create_org accept_invitation",
    "Editors, admins and owners; tokens cannot.": "review_proposal",
    "Members of the organisation; tokens cannot.": "leave_org",
    "Admins and owners; tokens cannot.": (
        "update_org manage_tokens manage_invitations protect_environment set_target_id_field set_traffic_sample"
    ),
    "Owners; tokens cannot.": "change_role remove_member delete_org break_glass",
}
FOR_PEOPLE_PROTECTED = {
    **FOR_PEOPLE,
    "Admins and owners; tokens cannot.": "update_org manage_tokens manage_invitations set_traffic_sample",
    "Owners; tokens cannot.": "change_role remove_member break_glass",
    "Owners, by breaking glass with a reason; tokens cannot.": "protect_environment set_target_id_field delete_org",
}
READS = "evaluate list_projects read_project read_primitive read_environment read_state read_org"
NOTHING = {"everywhere": False, "resource": "other"}
READS_OF_TOKENS = {
    "A token that has the action evaluate or read, covers this environment and has the key among its resources.": (
        "evaluate"
    ),
    "A token that has the action read.": "list_projects list_proposals",
    "A token that has the action read and covers any environment of this project.": "read_project",
    "A token that has the action read, covers any environment of this project and has the key among its resources.": (
        "read_primitive"
    ),
    "A token that has the action read and covers this environment.": "read_environment",
    "A token that has the action read, covers this environment and has the key among its resources.": "read_state",
    "A token that has the action read, covers the whole organisation and has `*` among its resources.": "read_org",
}


def for_strangers(for_people: dict[str, str]) -> dict[str, str]:
    """What is said to a person. Who is no member is refused what takes a role."""
    return {text: those for text, those in for_people.items() if not text.startswith("Anybody")}


CASES: dict[str, tuple[Actor, Target, dict[str, str]]] = {
    "a person without a role": (
        person(),
        target(),
        {
            **for_strangers(FOR_PEOPLE),
            "Members of the organisation.": READS,
            "Editors, admins and owners.": (
                "create_project update_project create_environment update_environment set_spot_checks create_primitive "
                "update_primitive delete_primitive update_state kill restore promote propose apply_proposal "
                "cancel_proposal"
            ),
            "Admins and owners.": "delete_project delete_environment",
        },
    ),
    "a person without a role, in a protected environment": (
        person(),
        target(protected=True),
        {
            **for_strangers(FOR_PEOPLE_PROTECTED),
            "Members of the organisation.": READS,
            "Editors, admins and owners.": (
                "create_project update_project create_environment update_environment set_spot_checks create_primitive "
                "update_primitive kill propose apply_proposal cancel_proposal"
            ),
            "Owners, by breaking glass with a reason.": "delete_project delete_environment",
            "Editors, admins and owners, as a proposal; owners also at once, by breaking glass with a reason.": (
                "delete_primitive update_state restore promote"
            ),
        },
    ),
    "an owner in a protected environment": (
        person(),
        target(Role.OWNER, protected=True),
        {
            "Owners, by breaking glass with a reason; tokens cannot.": (
                "protect_environment set_target_id_field delete_org"
            ),
            "Owners, by breaking glass with a reason.": (
                "delete_project delete_environment delete_primitive update_state restore promote"
            ),
        },
    ),
    "an owner whose mailbox is not proven": (
        person(proven=False),
        target(Role.OWNER),
        {
            "You, once your mailbox is proven: ask for a sign-in link and use it.": (
                "create_org manage_tokens manage_invitations accept_invitation change_role review_proposal "
                "apply_proposal"
            )
        },
    ),
    "a token for everything": (token(*Verb), target(), FOR_PEOPLE),
    "a token for everything that requires approval": (
        token(*Verb, approval=True),
        target(),
        {
            **FOR_PEOPLE,
            "Editors, admins and owners.": "apply_proposal",
            "Editors, admins and owners, or a token that requires no approval.": (
                "create_project update_project create_environment update_environment set_spot_checks create_primitive "
                "update_primitive delete_primitive update_state kill restore promote"
            ),
            "Admins and owners, or a token that requires no approval.": "delete_project delete_environment",
        },
    ),
    "a token for everything that requires approval, in a protected environment": (
        token(*Verb, approval=True),
        target(protected=True),
        {
            **FOR_PEOPLE_PROTECTED,
            "Editors, admins and owners.": "apply_proposal",
            "Editors, admins and owners, or a token that requires no approval.": (
                "create_project update_project create_environment update_environment set_spot_checks create_primitive "
                "update_primitive kill"
            ),
            "Owners, by breaking glass with a reason.": (
                "delete_project delete_environment delete_primitive update_state restore promote"
            ),
        },
    ),
    "a token without actions": (
        token(),
        target(),
        {
            **FOR_PEOPLE,
            "A token that has the action evaluate or read.": "evaluate",
            "A token that has the action read.": f"{READS} list_proposals".removeprefix("evaluate "),
            "A token that has the action write.": (
                "create_project update_project create_environment update_environment set_spot_checks create_primitive "
                "update_primitive update_state apply_proposal cancel_proposal"
            ),
            "A token that has the action propose.": "propose",
            "A token that has the action delete.": "delete_project delete_environment delete_primitive",
            "A token that has the action toggle.": "kill restore",
            "A token that has the action promote.": "promote",
        },
    ),
    "a token for nothing": (
        token(**NOTHING),
        target(),
        {
            **FOR_PEOPLE,
            **READS_OF_TOKENS,
            "A token that has the action write and covers the whole organisation.": "create_project",
            "A token that has the action write and covers the whole project.": (
                "update_project create_environment update_environment"
            ),
            "A token that has the action write and covers this environment.": "set_spot_checks",
            "A token that has the action delete and covers the whole project.": "delete_project delete_environment",
            "A token that has the action write, covers the whole project and has the key among its resources.": (
                "create_primitive update_primitive"
            ),
            "A token that has the action delete, covers the whole project and has the key among its resources.": (
                "delete_primitive"
            ),
            "A token that has the action write, covers this environment and has the key among its resources.": (
                "update_state apply_proposal cancel_proposal"
            ),
            "A token that has the action propose, covers this environment and has the key among its resources.": (
                "propose"
            ),
            "A token that has the action toggle, covers this environment and has the key among its resources.": (
                "kill restore"
            ),
            "A token that has the action promote, covers this environment and has the key among its resources.": (
                "promote"
            ),
        },
    ),
    "a token for nothing that requires approval, in a protected environment": (
        token(**NOTHING, approval=True),
        target(protected=True),
        {
            **FOR_PEOPLE_PROTECTED,
            **READS_OF_TOKENS,
            "A token that has the action write, covers the whole organisation and requires no approval.": (
                "create_project"
            ),
            "A token that has the action write, covers the whole project and requires no approval.": (
                "update_project create_environment update_environment"
            ),
            "A token that has the action write, covers this environment and requires no approval.": "set_spot_checks",
            "Owners, by breaking glass with a reason.": "delete_project delete_environment",
            "A token that has the action promote, covers this environment and has the key among its resources, as a "
            "proposal.": "promote",
            "A token that has the action write, covers the whole project, has the key among its resources and "
            "requires no approval.": "create_primitive update_primitive",
            "A token that has the action delete, covers the whole project and has the key among its resources, as a "
            "proposal.": "delete_primitive",
            "A token that has the action write, covers this environment and has the key among its resources, as a "
            "proposal.": "update_state",
            "A token that has the action toggle, covers this environment and has the key among its resources, as a "
            "proposal.": "restore",
            "A token that has the action toggle, covers this environment, has the key among its resources and "
            "requires no approval.": "kill",
            "A token that has the action write, covers this environment and has the key among its resources.": (
                "apply_proposal cancel_proposal"
            ),
            "A token that has the action propose, covers this environment and has the key among its resources.": (
                "propose"
            ),
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_can_is_said_of_every_row(case: str) -> None:
    actor, where, expected = CASES[case]
    said = defaultdict(set)
    for operation in TABLE:
        if (found := inability(actor, operation, where, decide(actor, operation, where))) is not None:
            said[found.who].add(operation.value)
    assert said == {text: set(those.split()) for text, those in expected.items()}


def test_every_row_is_refused_to_somebody() -> None:
    assert set(TABLE) == {
        Operation(one) for _, _, said in CASES.values() for those in said.values() for one in those.split()
    }


@pytest.mark.parametrize("decision", [Deny("forbidden", message=UNPROVEN), Deny("insufficient_role")], ids=str)
def test_the_code_and_message_are_those_of_the_refusal(decision: Deny) -> None:
    found: Any = inability(person(), Operation.MANAGE_TOKENS, target(Role.VIEWER), decision)
    refusal = AppError(decision.code, decision.message)
    assert (found.code, found.message) == (refusal.code, refusal.message)


def test_what_becomes_a_proposal_waits_for_approval() -> None:
    found: Any = inability(person(), Operation.UPDATE_STATE, target(Role.EDITOR, protected=True), Divert())
    assert (found.code, found.message) == ("approval_missing", DIVERTED)


@pytest.mark.parametrize("operation", [Operation.REVIEW_PROPOSAL, Operation.APPLY_PROPOSAL])
@pytest.mark.parametrize("actor", [person(), token(Verb.WRITE, Verb.READ)], ids=["a person", "their token"])
def test_ones_own_proposal_takes_another_person(actor: Actor, operation: Operation) -> None:
    where = replace(target(Role.EDITOR, protected=True), proposed=Proposed("t2", "u1"))
    found: Any = inability(actor, operation, where, decide(actor, operation, where))
    of_review = isinstance(actor, Token) and operation is Operation.REVIEW_PROPOSAL
    assert found.who == (
        "Editors, admins and owners; tokens cannot." if of_review else "Another editor, admin or owner."
    )


def test_what_is_allowed_is_no_inability() -> None:
    assert inability(person(), Operation.UPDATE_STATE, target(Role.EDITOR), Allow()) is None
