"""An answer is sent once the write that it tells of is committed, and not before."""

from starlette.responses import Response
from starlette.types import Message

from app.domain.commands import NoBody
from app.http.requests import RequestInfo
from app.rest.requests import RestCall
from app.rest.routing import Endpoint, Resource
from app.store.unit_of_work import UnitOfWork
from tests.factories import Instance


async def test_an_answer_is_sent_after_the_commit(instance: Instance) -> None:
    happened: list[str] = []

    async def handler(_: RestCall, uow: UnitOfWork) -> Response:
        await uow.begin_write()
        uow.on_commit(lambda: happened.append("committed"))
        happened.append("handled")
        return Response(status_code=204)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        happened.append(message["type"])

    endpoint = Endpoint("write", "POST", "/write", handler, "Write", body=NoBody, public=True)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/write",
        "path_params": {},
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "signalbox.request": RequestInfo("req_0123456789abcdef"),
    }
    await Resource(instance.node, [endpoint])(scope, receive, send)
    assert happened == ["handled", "committed", "http.response.start", "http.response.body"]
