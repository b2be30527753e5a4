"""OpenFeature's stock clients, which nobody here wrote: what they make of our answers, and survive."""

from typing import Any

import pytest

from tests.openfeature.clients import Client, InPage, Program
from tests.openfeature.conftest import Shop

ADA = {"targetingKey": "u-1", "plan": "pro"}


@pytest.mark.parametrize(
    ("value_type", "key", "default", "value", "variant"),
    [
        ("boolean", "checkout", False, True, "true"),
        ("string", "banner", "", "hello", "hello"),
        ("string", "greeting", "", "hi", "hi"),
        ("float", "limit", 0.5, 50.0, "50"),
        ("boolean", "open", False, True, "true"),
        ("object", "options", {}, {"pages": 4, "wallets": ["card"]}, '{"pages":4,"wallets":["card"]}'),
    ],
)
def test_it_evaluates_every_type(
    shop: Shop, client: Client, value_type: str, key: str, default: Any, value: Any, variant: str
) -> None:
    client.connect(shop.url, shop.headers())
    found = client.evaluate(value_type, key, default, ADA)
    assert (found["value"], found["reason"], found["variant"]) == (value, "DEFAULT", variant)
    assert found.get("errorCode") is None


def test_a_rule_a_split_and_a_kill_are_told_apart(shop: Shop, client: Client) -> None:
    client.connect(shop.url, shop.headers())
    split = [{"value": "a", "percent": 100, "name": "first"}, {"value": "b", "percent": 0}]
    by_plan = [
        {"if": {"field": "plan", "$equals": "pro"}, "value": "for pros"},
        {"if": {"field": "plan", "$equals": "free"}, "split": split},
    ]
    for rules, killed, plan, expected in (
        (by_plan, False, "pro", ("for pros", "TARGETING_MATCH", "for pros")),
        (by_plan, False, "free", ("a", "SPLIT", "first")),
        (by_plan, True, "pro", ("hello", "DISABLED", "hello")),
        ([], False, "pro", ("hello", "DEFAULT", "hello")),
    ):
        shop.change("banner", rules=rules)
        shop.kill("banner", killed=killed)
        found = client.evaluate("string", "banner", "", {"targetingKey": "u-1", "plan": plan})
        assert (found["value"], found["reason"], found["variant"]) == expected


def test_it_sees_a_change(shop: Shop, client: Client) -> None:
    client.connect(shop.url, shop.headers())
    for value in (False, True):
        shop.change("checkout", defaultValue=value)
        assert client.evaluate("boolean", "checkout", not value, ADA)["value"] is value


def test_a_page_sees_a_change_by_asking_again(shop: Shop, web_client: InPage) -> None:
    web_client.connect(shop.url, shop.headers())
    for value in (False, True):
        shop.change("checkout", defaultValue=value)
        web_client.wait_for("boolean", "checkout", not value, value)


def test_a_key_that_is_not_there_leaves_the_default(shop: Shop, client: Client) -> None:
    client.connect(shop.url, shop.headers())
    found = client.evaluate("string", "nothing", "default", ADA)
    assert (found["value"], found["errorCode"]) == ("default", "FLAG_NOT_FOUND")


def test_a_value_of_another_type_leaves_the_default(shop: Shop, client: Client) -> None:
    client.connect(shop.url, shop.headers())
    found = client.evaluate("string", "checkout", "default", ADA)
    assert (found["value"], found["errorCode"]) == ("default", "TYPE_MISMATCH")


@pytest.mark.parametrize("name", ["python", "node"])
def test_not_modified_on_servers(shop: Shop, name: str, request: pytest.FixtureRequest) -> None:
    client: Program = request.getfixturevalue(f"{name}_client")
    headers = shop.headers()
    first = client.fetch_all(shop.url, headers)
    assert (first["status"], client.fetch_all(shop.url, headers, first["tag"])["status"]) == (200, 304)
    shop.change("banner", defaultValue="changed")
    assert client.fetch_all(shop.url, headers, first["tag"])["status"] == 200
    shop.change("banner", defaultValue="hello")


def test_not_modified_in_a_page(shop: Shop, web_client: InPage) -> None:
    with web_client.page.expect_response(lambda answer: answer.status == 304):
        web_client.connect(shop.url, shop.headers())
    assert web_client.evaluate("string", "banner", "", ADA)["value"] == "hello"


def test_an_unknown_token_leaves_the_default(shop: Shop, client: Client) -> None:
    with shop.answering(401):
        client.connect(shop.url, {"Authorization": "Bearer sbx_unknown"})
        found = client.evaluate("string", "banner", "default", ADA)
    assert (found["value"], found["reason"]) == ("default", "ERROR")


def test_an_environment_that_nobody_has_written_to_leaves_the_default(shop: Shop, client: Client) -> None:
    with shop.answering(503):
        client.connect(shop.url, shop.headers(shop.empty_id))
        found = client.evaluate("string", "banner", "default", ADA)
    assert (found["value"], found["reason"]) == ("default", "ERROR")


@pytest.mark.parametrize("name", ["python", "node"])
def test_an_exhausted_limit_is_waited_for(shop: Shop, name: str, request: pytest.FixtureRequest) -> None:
    client: Program = request.getfixturevalue(f"{name}_client")
    client.connect(shop.url, shop.headers(rateLimitPerMin=1))
    assert client.evaluate("string", "banner", "default", ADA)["value"] == "hello"
    refused = client.evaluate("string", "banner", "default", ADA)
    paused = client.evaluate("string", "banner", "default", ADA)
    assert (refused["value"], paused["value"]) == ("default", "default")
    assert "paused due to TooManyRequests until" in paused["errorMessage"]


def test_an_exhausted_limit_leaves_a_page_what_it_has(shop: Shop, web_client: InPage) -> None:
    clock = web_client.page.clock
    clock.install()
    web_client.connect(shop.url, shop.headers(rateLimitPerMin=1))
    with web_client.page.expect_response(lambda answer: answer.status == 429):
        clock.run_for(100)
    asked = len(web_client.requests)
    clock.run_for(500)
    assert web_client.evaluate("string", "banner", "default", ADA)["value"] == "hello"
    assert len(web_client.requests) == asked
