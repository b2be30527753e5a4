"""The policy for people: the table as the product's owner wrote it, and what a role makes of each row."""

import pytest

from app.domain.actors import Anonymous, Member, Role, System
from app.domain.operations import Operation
from app.domain.policy import TABLE, Allow, Approval, Deny, Divert, Target, decide, may_still_grant

PERSON = Member("user", "Ada", "session", proven=True)
UNPROVEN = Member("user", "Ada", "session", proven=False)

MINIMUM = {
    None: {"create_org", "accept_invitation", "list_proposals"},
    Role.VIEWER: {
        "evaluate",
        "list_projects",
        "read_project",
        "read_primitive",
        "read_environment",
        "read_state",
        "read_org",
        "leave_org",
    },
    Role.EDITOR: {
        "create_project",
        "update_project",
        "create_environment",
        "update_environment",
        "set_spot_checks",
        "create_primitive",
        "update_primitive",
        "delete_primitive",
        "update_state",
        "kill",
        "restore",
        "promote",
        "propose",
        "review_proposal",
        "apply_proposal",
        "cancel_proposal",
    },
    Role.ADMIN: {
        "update_org",
        "manage_tokens",
        "manage_invitations",
        "protect_environment",
        "set_target_id_field",
        "set_traffic_sample",
        "delete_project",
        "delete_environment",
    },
    Role.OWNER: {"change_role", "remove_member", "delete_org", "break_glass"},
}


@pytest.mark.parametrize("role", MINIMUM)
def test_the_minimum_roles_are_the_contracts(role: Role | None) -> None:
    assert {operation.value for operation, row in TABLE.items() if row.role is role} == MINIMUM[role]


@pytest.mark.parametrize("operation", Operation)
def test_a_role_may_what_the_roles_below_it_may(operation: Operation) -> None:
    minimum = TABLE[operation].role
    for role in Role:
        allowed = minimum is None or role.rank >= minimum.rank
        assert decide(PERSON, operation, Target(role=role)) == (Allow() if allowed else Deny("insufficient_role"))


@pytest.mark.parametrize("operation", Operation)
def test_without_a_role_there_is_only_what_any_user_may(operation: Operation) -> None:
    decision = decide(PERSON, operation, Target(role=None))
    assert (decision == Allow()) == (operation.value in MINIMUM[None])


@pytest.mark.parametrize("operation", Operation)
def test_where_it_is_protected_the_row_says_whether_even_an_owner_waits(operation: Operation) -> None:
    expected = {Approval.PASS: Allow(), Approval.DIVERT: Divert(), Approval.REFUSE: Deny("approval_not_supported")}
    decision = decide(PERSON, operation, Target(role=Role.OWNER, protected=True))
    assert decision == expected[TABLE[operation].protected]


def test_what_deletes_does_not_pass_protection() -> None:
    deleting = [operation for operation in TABLE if operation.value.startswith("delete_")]
    assert len(deleting) >= 4
    assert Approval.PASS not in {TABLE[operation].protected for operation in deleting}


def test_what_lifts_protection_does_not_wait_for_what_it_protects_from() -> None:
    assert TABLE[Operation.PROTECT_ENVIRONMENT].protected is Approval.REFUSE


def test_an_emergency_is_not_held_up() -> None:
    assert {TABLE[operation].protected for operation in (Operation.KILL, Operation.BREAK_GLASS)} == {Approval.PASS}


def test_a_role_that_is_too_low_is_told_before_protection() -> None:
    assert decide(PERSON, Operation.DELETE_PROJECT, Target(role=Role.EDITOR, protected=True)) == Deny(
        "insufficient_role"
    )
    assert decide(PERSON, Operation.UPDATE_STATE, Target(role=Role.VIEWER, protected=True)) == Deny("insufficient_role")


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("actor", [Anonymous(), System()])
def test_who_is_no_person_and_no_token_has_no_way_in(operation: Operation, actor: Anonymous | System) -> None:
    assert decide(actor, operation, Target(role=Role.OWNER)) == Deny("unauthorized")


def test_protection_concerns_changes_only() -> None:
    reads = [operation for operation, row in TABLE.items() if row.role is Role.VIEWER]
    assert {TABLE[operation].protected for operation in reads} == {Approval.PASS}


def test_roles_have_an_order() -> None:
    assert [role.rank for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)] == [0, 1, 2, 3]


GRANTS = {"manage_tokens", "manage_invitations", "accept_invitation", "change_role", "review_proposal"}
OUTLIVES = {"create_org", "apply_proposal", *GRANTS}


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("role", [None, *Role])
def test_who_has_not_proven_the_mailbox_does_nothing_that_outlives_them(
    operation: Operation, role: Role | None
) -> None:
    """Whatever else they may is the same for both."""
    proven, unproven = (decide(one, operation, Target(role=role)) for one in (PERSON, UNPROVEN))
    if operation.value in OUTLIVES and isinstance(proven, Allow):
        assert isinstance(unproven, Deny)
        assert unproven.code == "forbidden"
        assert "sign-in link" in (unproven.message or "")
    else:
        assert unproven == proven


@pytest.mark.parametrize("operation", [one for one in TABLE if one.value in GRANTS])
def test_a_grant_holds_while_who_made_it_could_make_it(operation: Operation) -> None:
    needed = TABLE[operation].role
    for granted in Role:
        assert not may_still_grant(None, operation, granted)
        for role in Role:
            expected = needed is not None and role.rank >= needed.rank and role.rank >= granted.rank
            assert may_still_grant(role, operation, granted) == expected
