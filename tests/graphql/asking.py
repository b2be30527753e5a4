"""Documents sent as GraphQL's clients send them."""

from typing import Any

import httpx2


async def ask(client: httpx2.AsyncClient, query: str, variables: Any = None, **members: Any) -> dict[str, Any]:
    """The answer to a document."""
    body = {"query": query, "variables": variables, **members}
    answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
    return answer


async def refused(client: httpx2.AsyncClient, query: str, variables: Any = None, **members: Any) -> dict[str, Any]:
    """The one error of a document of which nothing was run."""
    answer = await ask(client, query, variables, **members)
    assert "data" not in answer, answer
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "invalid_request"
    assert error["extensions"]["status"] == 400
    return error  # type: ignore[no-any-return]
