"""The cache of documents: effective, bounded, and no way around anything."""

import httpx2
import pytest
from graphql import GraphQLError

from app.graphql import documents
from app.graphql.documents import Documents
from app.graphql.schema import schema
from tests.graphql.asking import ask, refused


def kept(*texts: str, most: int) -> list[str]:
    """Which of the documents are still known after all were read."""
    cache = Documents(most)
    read = {text: cache.read(schema._schema, text) for text in texts}
    return [text for text, document in read.items() if cache._kept.get(text) is document]


def test_a_document_is_read_once() -> None:
    cache = Documents()
    first = cache.read(schema._schema, "{ __typename }")
    assert cache.read(schema._schema, "{ __typename }") is first
    assert cache.read(schema._schema, "{ __typename}") is not first


def test_what_was_used_last_is_kept_as_far_as_there_is_room() -> None:
    texts = [f"{{ a{n}: __typename }}" for n in range(5)]
    size = len(texts[0])
    assert kept(*texts, most=3 * size) == texts[2:]
    assert kept(*texts, most=size - 1) == []
    cache = Documents(2 * size)
    for text in (texts[0], texts[1], texts[0], texts[2]):
        cache.read(schema._schema, text)
    assert list(cache._kept) == [texts[0], texts[2]]
    assert cache._characters == 2 * size


def test_what_cannot_be_parsed_is_not_kept() -> None:
    cache = Documents()
    for text in ("{", "{ " + "__typename " * 3000 + "}", "{ a" + " @skip(if: true)" * 60 + " }"):
        with pytest.raises(GraphQLError):
            cache.read(schema._schema, text)
    assert (len(cache._kept), cache._characters) == (0, 0)


async def test_requests_share_the_cache(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await ask(client, "query Shared { __typename }")
    with monkeypatch.context() as patch:
        patch.setattr(documents, "_read", None)
        assert await ask(client, "query Shared { __typename }") == {"data": {"__typename": "Query"}}


async def test_a_faulty_document_is_refused_each_time(client: httpx2.AsyncClient) -> None:
    messages = {(await refused(client, "{ nothing }"))["message"] for _ in range(2)}
    assert messages == {"Cannot query field 'nothing' on type 'Query'."}
