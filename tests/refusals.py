"""What was refused, seen on the wire: each answer of a test's callers passes here.

A refusal that is not the catalogue's fails whichever test met it. A test marked `raises_codes` fails when it did not
meet the codes that it names, so the table of codes and tests cannot rot.
"""

from typing import Any

import httpx2
import pytest

from app.domain.catalogue import CATALOGUE
from app.rest.app import SURFACES

SEEN: set[tuple[str, str]] = set()
BESIDE_THE_ENVELOPE = {"liveVersion", "proposedVersion", "environmentId", "etag"}
BESIDE_THE_ENVELOPE |= {"key", "errorCode", "errorDetails"}  # of OpenFeature's protocol


async def check_response(response: httpx2.Response) -> None:
    """Takes note of the codes in an answer, and holds each to the catalogue."""
    transport = "graphql" if response.request.url.path == "/graphql" else "rest"
    if not response.headers.get("content-type", "").startswith("application/") or response.is_stream_consumed:
        return
    if transport == "rest" and (response.is_success or not response.request.url.path.startswith(tuple(SURFACES))):
        return
    await response.aread()
    if not response.content:
        return
    for refusal in refusals(transport, response.json(), response.status_code):
        assert set(refusal) <= {"code", "status", "fields", "requestId", *BESIDE_THE_ENVELOPE}, refusal
        assert refusal["status"] == CATALOGUE[refusal["code"]].status
        assert refusal["requestId"] == response.headers["x-request-id"]
        assert refusal["code"] != "invalid_request" or refusal.get("fields"), "nothing is named that is wrong"
        SEEN.add((refusal["code"], transport))


def refusals(transport: str, body: Any, status: int) -> list[dict[str, Any]]:
    """The envelopes in an answer, without their messages and with the status."""
    if transport == "rest":
        assert isinstance(body["message"], str)
        return [{name: value for name, value in body.items() if name != "message"} | {"status": status}]
    return [error["extensions"] for error in body.get("errors", ())]


def transports_of(item: pytest.Item, marker: pytest.Mark) -> set[str]:
    """The transports on which a marked test meets its codes: those that it names, or the one it runs over."""
    on = marker.kwargs.get("on")
    if on is not None:
        return {on}
    return {item.callspec.params["instance"]}  # type: ignore[attr-defined]


def missing(item: pytest.Item) -> set[tuple[str, str]]:
    """The codes, by transport, that a test claims to meet and that were not seen while it ran."""
    return {
        (code, transport)
        for marker in item.iter_markers("raises_codes")
        for code in marker.args
        for transport in transports_of(item, marker)
    } - SEEN
