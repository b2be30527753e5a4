"""However many fields and values there are, the answer is short."""

from app.engine.attributes import MAX_ATTRIBUTES, MAX_VALUES, attributes_of
from app.engine.ruleset import Ruleset


def test_what_is_shown_is_bounded() -> None:
    ruleset = Ruleset.of("e", 3, "userId", [])
    contexts = [{f"f{n}": n for n in range(MAX_ATTRIBUTES + 1)}, *({"f7": f"v{n % 200}"} for n in range(2_000))]
    found = attributes_of(ruleset, contexts, None)
    assert (found.version, len(found.attributes), found.truncated) == (3, MAX_ATTRIBUTES, True)
    first = found.attributes[0]
    assert (first.name, first.types, first.sampled, len(first.values)) == (
        "f7",
        ["number", "string"],
        2_001,
        MAX_VALUES,
    )
