"""What a browser gets from us: pages made on the server, their headers, and the files they load.

No business logic and no services: a handler hands in what it has. What a template takes is written at its top.
"""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.domain.actors import Member
from app.domain.errors import not_found
from app.http.compression import respond
from app.http.methods import Methods
from app.http.requests import info_of
from app.runtime.encoded import Encoded

HERE = Path(__file__).parent
MINUTES_TO_SHOW = 100
FILES = {
    path.relative_to(root).as_posix(): path
    for root, folder in ((HERE, HERE / "vendor"), (HERE / "static", HERE / "static"))
    for path in folder.rglob("*")
    if path.is_file()
}
"""What browsers load, by its name below `/static`."""

# `frame-ancestors`, `base-uri` and `form-action` do not fall back to `default-src`, so they are always sent.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# GraphiQL and Scalar write style elements and call the API.
TOOL_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Example:
    """A GraphQL document to try: a tab in GraphiQL, a step of the tour.

    `{orgSlug}`, `{projectId}` and `{environmentId}` in its variables are filled in later.
    """

    slug: str
    title: str
    query: str
    variables: str


def load_examples(folder: Path) -> dict[str, Example]:
    """`<order>-<slug>.graphql`, titled by its first line, a comment; variables in a `.json` of the same name."""
    examples = {}
    for path in sorted(folder.glob("*.graphql")):
        title, _, query = path.read_text("utf-8").partition("\n")
        variables = path.with_suffix(".json")
        slug = path.stem.partition("-")[2]
        examples[slug] = Example(
            slug=slug,
            title=title.removeprefix("# "),
            query=query.strip(),
            variables=variables.read_text("utf-8").strip() if variables.exists() else "",
        )
    return examples


@cache
def loaded(name: str) -> Encoded:
    return Encoded(FILES[name].read_bytes())


def static(name: str) -> str:
    """The path of a static file, with its digest, so that a browser may keep it for good."""
    return f"/static/{name}?v={loaded(name).digest}"


def ticked(text: str) -> Markup:
    """A text of the catalogue as HTML: what is between backticks is code."""
    parts = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def wait(seconds: str) -> str:
    """How long to wait, in words, from a `Retry-After`."""
    minutes = -(-int(seconds) // 60)
    if minutes <= 1:
        return "a minute"
    return f"{minutes} minutes" if minutes < MINUTES_TO_SHOW else f"{-(-minutes // 60)} hours"


def day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def as_json(value: Any) -> str:
    """A body as people read it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


EXAMPLES = load_examples(HERE / "examples")


@cache
def templates(base_path: str) -> Environment:
    """The templates, whose addresses are all made by `url` and `static`, below the base URL's path.

    To read what was not given is a fault (StrictUndefined), but for what is often absent.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shell=shlex.quote, ticked=ticked, json=as_json, day=day)
    environment.globals.update(url=lambda path: base_path + path, static=lambda path: base_path + static(path))
    environment.globals.update(examples=EXAMPLES)
    environment.globals.update(dict.fromkeys(("viewer", "error", "here", "made", "removed", "minted", "done")))
    return environment


class Page(HTMLResponse):
    """A page, rendered when it is sent: only then the path is known that its addresses begin with.

    `caller` is the name of who is signed in, for the bar.
    """

    def __init__(self, template: str, data: Mapping[str, Any], status: int, csp: str) -> None:
        super().__init__(None, status, HEADERS | {"Content-Security-Policy": csp})
        self.template = template
        self.data = data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor = info_of(scope).actor
        template = templates(scope.get("root_path", "")).get_template(self.template)
        self.body = template.render(self.data, caller=actor.name if isinstance(actor, Member) else None).encode()
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def page(name: str, data: Mapping[str, Any] | None = None, status: int = 200, csp: str = PAGE_CSP) -> Response:
    return Page(name, data or {}, status, csp)


def graphiql_page() -> Response:
    """For a GET of `/graphql` that prefers `text/html`; the same address answers queries, hence `Vary`."""
    tabs = [asdict(example) for example in EXAMPLES.values()]
    response = page("graphiql.html", {"tabs": tabs, "here": "graphiql"}, csp=TOOL_CSP)
    response.headers["Vary"] = "Accept"
    return response


def docs_page() -> Response:
    return page("docs.html", {"here": "docs"}, csp=TOOL_CSP)


class Assets:
    """Cached for good if requested with the right digest; revalidated (ETag) otherwise."""

    methods = Methods({"GET": True})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = "/static"
        response = self.methods.options_response()
        if self.methods.find(scope["method"]):
            response = await self._file(scope["path_params"]["name"], Request(scope))
        await response(scope, receive, send)

    async def _file(self, name: str, request: Request) -> Response:
        if name not in FILES:
            raise not_found("file")
        file, media_type = loaded(name), guess_type(name)[0] or "text/plain"
        current = request.query_params.get("v") == file.digest
        caching = "public, max-age=31536000, immutable" if current else "no-cache"
        return await respond(request.headers, file, f'"{file.digest}"', media_type, {"Cache-Control": caching})


assets = Route("/static/{name:path}", Assets())
