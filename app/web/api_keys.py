"""The page about an organisation's tokens: list, create, revoke."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.domain.policy import LEVELS
from app.http.requests import RequestInfo
from app.services import api_keys, environments, orgs, projects, sessions
from app.store.unit_of_work import UnitOfWork
from app.web.handlers import UNCONDITIONAL, Form, OrgPageHandler, PageData, action, signed_in, viewer
from app.web.pages import page

DAYS = {"1": "a day", "7": "a week", "30": "30 days", "90": "90 days", "365": "a year", "": "never"}
DAY_SECONDS = 86_400
MAX_DIGITS = 10
EMPTY_FORM = {"level": "client", "scope": "", "resources": "*", "rateLimitPerMin": "600", "days": "90"}


class ApiKeysPage(OrgPageHandler):
    name = "tokens"
    template = "api_keys.html"

    @signed_in
    async def show(self, request: Request, info: RequestInfo) -> Response:
        """The tokens, and the form for another."""
        return page(self.template, await self.page_data(request, info))

    @action
    async def create(self, request: Request, uow: UnitOfWork, form: Form) -> PageData:
        """Makes a token, and shows its secret once."""
        minted = await api_keys.create_api_key(uow, request.path_params["slug"], api_key_body(form))
        return {"minted": minted, "base_url": self.base_url(request)}

    @action
    async def revoke(self, request: Request, uow: UnitOfWork, _: Form) -> str:
        slug, api_key_id = request.path_params["slug"], request.path_params["api_key_id"]
        await api_keys.revoke_api_key(uow, slug, api_key_id, {}, UNCONDITIONAL)
        return "revoked"

    async def page_data(self, request: Request, info: RequestInfo) -> PageData:
        slug = request.path_params["slug"]
        async with self.unit(info) as uow:
            listed = await api_keys.list_api_keys(uow, slug, self.listing(request.query_params.get("cursor")))
            org, me = await orgs.get_org(uow, slug), await sessions.me(uow)
            places = [
                (project, (await environments.list_environments(uow, project.id, self.listing())).rows)
                for project in (await projects.list_projects(uow, slug, self.listing())).rows
            ]
        return {
            "viewer": viewer(me),
            "org": org,
            "tokens": listed.rows,
            "next": self.node.cursors.encode(listed.rows[-1].id, listed.list_id) if listed.has_next else None,
            "levels": LEVELS,
            "places": places,
            "names": _names(places),
            "environment_for": partial(_environment_for, slug, places),
            "days": DAYS,
            "form": EMPTY_FORM,
            "done": request.query_params.get("done"),
        }


def api_key_body(form: Form) -> dict[str, Any]:
    """The body of a create, from what was typed. What is no number stays a text, to be refused at its own path."""
    days = _number(form.get("days", ""))
    kind, _, chosen = form.get("scope", "").partition(":")
    return {
        "name": form.get("name", ""),
        "level": form.get("level"),
        **({} if not kind else {"environments": {kind: [chosen]} if chosen else {"org": True}}),
        "resources": form.get("resources", "").replace(",", " ").split(),
        "rateLimitPerMin": _number(form.get("rateLimitPerMin", "")),
        "expiresInSeconds": days * DAY_SECONDS if isinstance(days, int) else days or None,
        "approvalRequired": form.get("approvalRequired") == "true",
        "ipAllowlist": form.get("ipAllowlist", "").replace(",", " ").split(),
    }


def _number(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS and text.isdecimal() else text


def _environment_for(slug: str, places: list[Any], scope: dict[str, Any]) -> str | None:
    """The name of an environment in a token's scope, where programs must send one: not if it is the only one."""
    if len(scope.get("envs", ())) == 1:
        return None
    covered = (
        f"{slug}:{project.key}:{one.key}"
        for project, some in places
        for one in some
        if "org" in scope or project.id in scope.get("projects", ()) or one.id in scope.get("envs", ())
    )
    return next(covered, f"{slug}:PROJECT:ENVIRONMENT")


def _names(places: list[Any]) -> dict[str, str]:
    """What people call the projects and environments of scopes, by id."""
    names = {project.id: project.key for project, _ in places}
    return names | {one.id: f"{project.key}/{one.key}" for project, some in places for one in some}
