"""What a stored state comes to, the same on both transports."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.summaries import Summary, Summed, summarize
from app.store import json_columns
from app.store.states import Current


def summary_of(current: Current, rules: Sequence[Mapping[str, Any]], default_value: Any = None) -> Summary:
    """The summary; `rules` and `default_value` are those of the state, decoded. Raises `unavailable` for rules that are
    none."""
    primitive, state = current
    value_type, sizes = primitive.value_type, (state.allow_list_size, state.deny_list_size)
    try:
        return summarize(Summed(primitive.kind, rules, value_type, default_value, state.killed, *sizes))
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise json_columns.damaged() from fault
