"""The arguments of lists of flags, configs and segments: the same for every such list, and as REST's parameters."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeVar

import strawberry

from app.domain.lists import Sorting, Standing
from app.domain.proposals import ProposalStatus
from app.engine.kinds import SPECS, Kind
from app.graphql.arguments import After, Before, First, KeyFilter, Last
from app.graphql.context import Info, listing
from app.models import Period

T = TypeVar("T")


def _argument(type_: Any, description: str) -> Any:
    return Annotated[type_, strawberry.argument(description=description)]


_OF_IDENTITIES = {
    "key": KeyFilter,
    "prefix": _argument(str | None, "Only those whose key begins with this."),
    "search": _argument(str | None, "Part of the key, name or description, ignoring case."),
    "tag": _argument(list[str] | None, "Only those with all of these tags."),
    "maintainer_id": _argument(strawberry.ID | None, "Only those that this user maintains."),
    "sort": _argument(Sorting | None, "What the list is in the order of; by default the oldest comes first."),
}
_OF_STATES_ALONE = {
    "state": _argument(Standing | None, "Only those that come to this."),
    "updated_by": _argument(str | None, "Only those that this user or token changed last, by its id."),
    "has_open_proposal": _argument(bool | None, "Only those that a proposal waits for; with false only the others."),
}
_STALE = {
    "stale": _argument(
        bool | None,
        "Only flags and configs that nothing has evaluated, or of which everyone has got one value, for `staleDays`; "
        "with false only the others.",
    ),
    "stale_days": _argument(
        int | None, "For how many days something must have been of no use to be stale; by default 30."
    ),
}
_OF_STATES_ALONE |= _STALE
PAGING = {"first": First, "after": After, "last": Last, "before": Before}
OF_IDENTITIES = {**_OF_IDENTITIES, **PAGING}
OF_STATES = {**_OF_IDENTITIES, **_OF_STATES_ALONE, **PAGING}
_KINDS = _argument(list[Kind] | None, "Only those of these kinds.")
KEYED = {"key": KeyFilter, **PAGING}
USAGE_SPAN = {
    "granularity": _argument(Period | None, "Whether to count by hour or by day, as by default; in UTC."),
    "since": _argument(str | None, "Only from the hour or day of this RFC 3339 instant on; by default 30 days."),
    "until": _argument(str | None, "Only hours or days that begin before this RFC 3339 instant."),
    "stale_days": _STALE["stale_days"],
}
OF_USAGE = {"key": KeyFilter, "stale": _STALE["stale"], **USAGE_SPAN, **PAGING}
OF_ENTRIES = {
    "search": _argument(str | None, "Only entries with this text in them, in upper or lower case of A to Z."),
    **PAGING,
}

OF_PROPOSALS = {"status": _argument(list[ProposalStatus] | None, "Only those of these statuses."), **PAGING}


OF_AUDIT = {
    "resource_type": _argument(str | None, "Only what was done to things of this type."),
    "resource_key": _argument(str | None, "Only what was done to things of this key."),
    "env_id": _argument(strawberry.ID | None, "Only what made a version of this environment: its id or name."),
    "actor_id": _argument(str | None, "Only what this user or token did."),
    "action": _argument(str | None, "Only this action."),
    "since": _argument(str | None, "Only from this RFC 3339 instant on."),
    "until": _argument(str | None, "Only before this RFC 3339 instant."),
    **PAGING,
}


def arguments_of(kind: Kind, *, of_states: bool) -> dict[str, Any]:
    """The arguments of a list of one kind's identities or states, with their types."""
    types = SPECS[kind].types
    own = {} if types is None else {"type": _argument(types | None, "Only those of this type.")}
    return {**_OF_IDENTITIES, **own, **(_OF_STATES_ALONE if of_states else {}), **PAGING}


def list_field(
    description: str,
    arguments: Mapping[str, Any],
    resolve: Callable[..., Awaitable[T]],
    *,
    of_kinds: bool = False,
    **outside: Any,
) -> Any:
    """A field with these arguments, which `resolve` is given as a `Listing`; those from `outside` as they are.

    With `of_kinds` there is an argument for some kinds, by default all, in the order of the kinds.
    """
    optional_arguments = {**({"kinds": _KINDS} if of_kinds else {}), **arguments}

    async def resolver(root: Any, info: Info, **given: Any) -> T:
        others = {name: given.pop(name) for name in outside}
        if of_kinds:
            kinds = given.pop("kinds", None)
            others["kinds"] = tuple(kind for kind in Kind if kinds is None or kind in kinds)
        return await resolve(root, info, listing(info, **given), **others)

    self = [Parameter("root", Parameter.POSITIONAL_OR_KEYWORD, annotation=Any)]
    self.append(Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info))
    required = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=type_) for name, type_ in outside.items()]
    optional = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=type_, default=None)
        for name, type_ in optional_arguments.items()
    ]
    resolver.__signature__ = Signature([*self, *required, *optional])  # type: ignore[attr-defined]
    return strawberry.field(resolver=resolver, description=description)
