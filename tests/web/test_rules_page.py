"""The page of the rule language holds all that the guide says, and is linked where the other documents are."""

from html import unescape

import httpx2
import pytest

from app.engine.guide import GUIDE, Topic


def plain(page: str) -> str:
    return unescape(page.replace("<code>", "`").replace("</code>", "`"))


@pytest.mark.parametrize("topic", GUIDE, ids=lambda topic: topic.name)
async def test_a_topic_is_explained(client: httpx2.AsyncClient, topic: Topic) -> None:
    page = (await client.get("/docs/rules")).text
    part = plain(page[page.index(f'<section id="{topic.name}"') :].partition("</section>")[0])
    for said in (topic.title, *topic.paragraphs, *(word.meaning for word in topic.words.values())):
        assert said in part
    for name in topic.words:
        assert f'id="{name}"' in part
        assert f'"{name}"' in part


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/app/signin"])
async def test_it_is_linked(client: httpx2.AsyncClient, path: str) -> None:
    assert 'href="/docs/rules"' in (await client.get(path)).text
