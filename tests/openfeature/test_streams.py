"""What browsers hear of changes: with OpenFeature's stock provider, and with an EventSource and a ticket."""

import pytest
from playwright.sync_api import Browser

from tests.openfeature.clients import HERE, InPage
from tests.openfeature.conftest import Shop, Site

LISTEN = """address => new Promise((resolve, reject) => {
  globalThis.heard = [];
  const source = new EventSource(address);
  source.addEventListener("ruleset", (event) => { heard.push(JSON.parse(event.data)); resolve(); });
  source.addEventListener("error", () => { globalThis.state = source.readyState; reject(new Error("refused")); });
})"""


@pytest.fixture
def streaming(site: Site, browser: Browser) -> InPage:
    page = browser.new_context().new_page()
    page.goto(site.page("client.streaming.mjs", (HERE / "client.streaming.mjs").read_text("utf-8")))
    return InPage(page)


def test_the_stock_provider_asks_again_when_it_is_told(shop: Shop, streaming: InPage) -> None:
    shop.change("checkout", defaultValue=True)
    streaming.connect(shop.url, shop.headers())
    for value in (False, True, False):
        shop.change("checkout", defaultValue=value)
        streaming.wait_for("boolean", "checkout", not value, value)
    opened = [one for one in streaming.requests if "/ofrep/v1/event-stream" in one.url]
    assert len(opened) == 1  # the address stays, so it is not opened anew with each change


def test_an_event_source_listens_with_a_ticket(shop: Shop, streaming: InPage) -> None:
    path = f"{shop.url}/api/v1/envs/{shop.environment_id}"
    ticket = shop.owner.post(f"{path}/stream-tickets").raise_for_status().json()["ticket"]
    streaming.page.evaluate(LISTEN, f"{path}/ruleset/stream?ticket={ticket}")
    shop.change("checkout", defaultValue=True)
    shop.change("checkout", defaultValue=False)
    streaming.page.wait_for_function("heard.at(-1).changed.flags.includes('checkout')")
    with pytest.raises(Exception, match="refused"):
        streaming.page.evaluate(LISTEN, f"{path}/ruleset/stream?ticket={ticket}")
