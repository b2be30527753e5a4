"""The page of the catalogue holds all that the catalogue says."""

from html import unescape

import httpx2
import pytest

from app.domain.catalogue import CATALOGUE, Entry


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
async def test_a_code_is_explained(client: httpx2.AsyncClient, entry: Entry) -> None:
    page = (await client.get("/docs/errors")).text
    part = page[page.index(f'<div id="{entry.code}">') :].partition("</details>")[0]
    text = unescape(part.replace("<code>", "`").replace("</code>", "`"))
    for said in (entry.title, entry.meaning, *entry.causes, entry.action):
        assert said in text
    assert text.count(f'"code": "{entry.code}"') == 2
    assert f'"status": {entry.status}' in text
