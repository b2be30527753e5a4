"""Commands: all faults of a body at once, each at its path, and nothing that was not asked for."""

from typing import Any

import pytest
from pydantic import Field

from app.domain.commands import Command, Email, Input, Name, Slug, Text, validate
from app.domain.errors import AppError


class Part(Command):
    """A part of the order."""

    count: int
    on: bool = False


class Order(Command):
    """A command with everything in it."""

    key: Slug
    display_name: Name
    description: Text = ""
    email: Email | None = None
    parts: list[Part] = []
    labels: dict[str, int] = Field(default_factory=dict)


GOOD: dict[str, Any] = {"key": "a", "displayName": "A"}


def fields(body: Any) -> dict[str, str]:
    with pytest.raises(AppError) as caught:
        validate(Order, body)
    assert caught.value.code == "invalid_request"
    return caught.value.fields


def test_a_good_body_becomes_the_command() -> None:
    order = validate(Order, {**GOOD, "parts": [{"count": 1}]})
    assert (order.key, order.display_name, order.parts[0].count, order.description) == ("a", "A", 1, "")
    assert order.given().keys() == {"key", "display_name", "parts"}


def test_what_is_wrong_between_the_members_is_told_with_the_rest() -> None:
    assert fields(Input({**GOOD, "email": "nobody"}, {"?key": "Given more than once."})).keys() == {"email", "?key"}
    assert fields(Input(GOOD, {"?key": "Given more than once."})) == {"?key": "Given more than once."}


def test_all_faults_are_told_at_once_by_their_paths() -> None:
    assert fields(
        {
            "displayName": "",
            "display_name": "x",
            "description": None,
            "email": "nobody",
            "parts": [{"count": "1"}, {"on": 1}, "x"],
            "labels": {"a.b": "c"},
            "a.b": 1,
        }
    ).keys() == {
        "key",
        "displayName",
        "display_name",
        "description",
        "email",
        "parts.0.count",
        "parts.1.count",
        "parts.1.on",
        "parts.2",
        'labels.["a.b"]',
        '["a.b"]',
    }


@pytest.mark.parametrize("body", [[], "x", 1, True, [GOOD]])
def test_a_body_that_is_no_object_is_a_fault_of_the_body(body: Any) -> None:
    assert fields(body) == {"body": "The body must be a JSON object."}


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 1.0), ("count", True), ("count", "1"), ("count", None), ("on", 1), ("on", "true"), ("on", None)],
)
def test_types_are_strict(name: str, value: Any) -> None:
    assert fields({**GOOD, "parts": [{"count": 1, name: value}]}).keys() == {f"parts.0.{name}"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("key", "a" * 128, "a" * 129),
        ("key", "0.a_b-c", "A"),
        ("key", "a", "a\n"),
        ("key", "a", "\u0661"),
        ("displayName", "\U0001f600" * 200, "\U0001f600" * 201),
        ("displayName", " x ", "\t\u00a0"),
        ("displayName", "x", "x\0"),
        ("description", "d" * 2000, "d" * 2001),
        ("description", "", "\0"),
        ("email", "ada+tag@sub.example.com", "ada@example"),
        ("email", "ünï@exämple.com", "ada @example.com"),
        ("email", f"{'a' * 242}@example.com", f"{'a' * 243}@example.com"),
        ("email", "o'hara@example.com", "a@b@example.com"),
        ("email", " a@b.co\n", "a@b.co\nx"),
        ("email", "a@b.co", "Ada <a@b.co>"),
        ("email", "a@b.co", "a@b.co,c@d.co"),
        ("email", "a@b.co", "a\u202e@b.co"),
    ],
)
def test_the_limits_of_words(name: str, good: str, bad: str) -> None:
    validate(Order, {**GOOD, name: good})
    assert fields({**GOOD, name: bad}).keys() == {name}


def test_messages_are_sentences_that_name_no_internals() -> None:
    said = fields({"key": 1, "displayName": "x" * 300, "parts": {}, "labels": [], "more": 1, "email": 5})
    for message in said.values():
        assert message.endswith(".")
        assert not any(word in message.lower() for word in ("pydantic", "validation", "input", "str_", "dict_"))
