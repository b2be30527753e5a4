"""A body that does not arrive is not waited for without end."""

import asyncio

import pytest

from app.domain.errors import AppError
from app.http import bodies
from app.http.requests import RequestInfo


async def never() -> dict[str, object]:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_body_that_does_not_arrive_is_refused() -> None:
    scope = {"type": "http", "headers": [], "signalbox.request": RequestInfo("req_0123456789abcdef")}
    with pytest.raises(AppError, match="did not arrive") as refused:
        await bodies.read(scope, never, seconds=0.01)
    assert refused.value.code == "invalid_request"
