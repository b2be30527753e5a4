"""What differs between an environment's ruleset and an earlier version of it, for one who sees all of it or a part."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from app.engine.kinds import Kind
from app.engine.reference_graph import reach
from app.engine.references import Node, node
from app.engine.ruleset import Part, Ruleset


class Written(NamedTuple):
    """The flags, configs and segments that were written after version `since`, deleted ones included.

    `held` are those that were there then, with what their rules referred to, which only one who sees a part needs.
    """

    since: int
    keys: frozenset[tuple[Kind, str]]
    held: Mapping[tuple[Kind, str], frozenset[Node]]


def difference(ruleset: Ruleset, written: Written, sees: Callable[[Kind, str], bool] | None = None) -> Part:
    """What one has to take in who has the earlier ruleset. `sees` tells what may be read; None: everything.

    At each of the two versions also what it takes to evaluate that is seen, so that a key may come or go with a
    reference to it.
    """
    if sees is None:
        now = {node(kind, key): kind for kind, key in written.keys if key in ruleset.documents[kind]}
        then = {node(kind, key): kind for kind, key in written.held}
    else:
        readable = ruleset.readable(sees)
        now = ruleset.needed(readable)
        then = _needed_then(ruleset, written, readable, sees)
    changed = (one for one, kind in now.items() if one not in then or (kind, one.key) in written.keys)
    removed = ((kind, one.key) for one, kind in then.items() if now.get(one) is not kind)
    return Part(frozenset(changed), written.since, frozenset(removed))


def _needed_then(
    ruleset: Ruleset, written: Written, readable: Iterable[tuple[Kind, str]], sees: Callable[[Kind, str], bool]
) -> dict[Node, Kind]:
    """What one saw at the earlier version: what was not written since is as it was."""
    held = {node(kind, key): (kind, targets) for (kind, key), targets in written.held.items()}
    seen = {node(*one) for one in readable if one not in written.keys}
    seen.update(node(*one) for one in written.held if sees(*one))
    then = {}
    for one in reach(seen, lambda one: held[one][1] if one in held else ruleset.targets(one)):
        kind = held[one][0] if one in held else ruleset.kind_of(one)
        if kind is not None and (one in held or (kind, one.key) not in written.keys):
            then[one] = kind
    return then
