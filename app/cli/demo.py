"""What `serve --demo` fills an empty instance with, and the lines to try it by. It only calls services.

Every step is a unit of work of its own, so that versions and audit look as if people had done it.
"""

import json
import shlex
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from app.domain.actors import Actor, Member
from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.domain.preconditions import IfMatch
from app.http.cookies import SESSION, name_of
from app.models import Environment
from app.runtime.node import Node
from app.services import api_keys, claim, configs, environments, flags, instance, links, projects, segments, users
from app.store.unit_of_work import UnitOfWork

OWNER = {"email": "owner@demo.example", "displayName": "Demo Owner", "orgName": "Demo", "orgSlug": "demo"}
SEGMENTS: list[dict[str, Any]] = [
    {
        "key": "staff",
        "name": "Staff",
        "description": "Who works here, by the domain of their email",
        "tags": ["people"],
        "permanent": True,
        "rules": [{"name": "our own people", "if": {"field": "email", "$endsWith": "@demo.example"}}],
    },
    {
        "key": "early-access",
        "name": "Early access",
        "description": "Customers who asked for what is new, and all staff",
        "tags": ["people"],
        "rules": [{"name": "all staff", "if": {"$segment": "staff"}}],
        "allowList": ["u-2", "u-7"],
        "denyList": ["u-13"],
    },
]
FLAGS: list[dict[str, Any]] = [
    {
        "key": "express-checkout",
        "name": "Express checkout",
        "type": "boolean",
        "defaultValue": False,
        "description": "The checkout on one page instead of four",
        "tags": ["checkout"],
    },
    {
        "key": "banner-text",
        "name": "Banner",
        "type": "string",
        "defaultValue": "Free delivery this week",
        "description": "The text above every page",
        "permanent": True,
    },
    {
        "key": "legacy-search",
        "name": "Legacy search",
        "type": "boolean",
        "defaultValue": True,
        "description": "The search of last year; killed in production",
        "tags": ["search"],
    },
]
CONFIGS: list[dict[str, Any]] = [
    {
        "key": "support-email",
        "name": "Support email",
        "type": "string",
        "defaultValue": "help@demo.example",
        "description": "Where customers write to",
        "permanent": True,
    },
    {
        "key": "free-delivery-from",
        "name": "Free delivery from",
        "type": "number",
        "defaultValue": 50,
        "rules": [{"name": "the pro plan", "if": {"field": "plan", "$equals": "pro"}, "value": 0}],
        "description": "The value of an order, in euros, from which delivery is free",
        "tags": ["checkout"],
    },
    {
        "key": "guest-orders",
        "name": "Guest orders",
        "type": "boolean",
        "defaultValue": True,
        "description": "Whether customers can order without an account",
        "tags": ["checkout"],
    },
    {
        "key": "checkout-options",
        "name": "Checkout options",
        "type": "json",
        "jsonSchema": {
            "type": "object",
            "properties": {
                "pages": {"type": "integer", "minimum": 1},
                "wallets": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["pages", "wallets"],
        },
        "defaultValue": {"pages": 4, "wallets": []},
        "rules": [
            {
                "name": "with the express checkout",
                "if": {"$flag": "express-checkout", "$equals": True},
                "value": {"pages": 1, "wallets": ["card", "transfer"]},
            }
        ],
        "description": "What the checkout looks like; follows the flag express-checkout",
        "tags": ["checkout"],
    },
]
RULES = [
    {"name": "early access", "if": {"$segment": "early-access"}, "value": True},
    {"name": "half of the pro plan", "if": {"field": "plan", "$equals": "pro"}, "rolloutPercent": 50, "value": True},
]
TOKEN = {"name": "demo", "level": "observer", "resources": ["*"]}
CONTEXT = {"userId": "u-2", "plan": "pro"}
QUERY = (
    "{ orgs { nodes { slug projects(first: 10) { nodes { key "
    "flags(first: 20) { nodes { key type description } } "
    "configs(first: 20) { nodes { key type description } } "
    "segments(first: 20) { nodes { key description } } } } } } }"
)
UNCONDITIONAL = IfMatch(None)

P = ParamSpec("P")
T = TypeVar("T")


class Filler:
    """Runs use cases as the demo's owner."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.actor: Actor | None = None

    async def do(
        self, use_case: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """One use case in a unit of its own."""
        async with self._node.unit(new_request_id(), self.actor) as uow:
            done = await use_case(uow, *args, **kwargs)
            self.actor = uow.actor
        return done


async def fill(node: Node) -> str:
    """Fills an empty instance, and gives the lines to print: the way in, to one that it filled before as well."""
    filler = Filler(node)
    if (code := await filler.do(instance.new_claim_code, node.settings)) is None:
        return await _way_in_again(filler, node)
    owner, _ = await filler.do(claim.install_claim, {**OWNER, "claimCode": code})
    production = await _fill_project(filler)
    minted = await filler.do(api_keys.create_api_key, "demo", {**TOKEN, "environments": {"envs": [production.id]}})
    link = await filler.do(links.make_for_email, OWNER["email"])
    cookie = f"{name_of(node.settings, SESSION)}={owner.secret}"
    return _greeting(node.settings.public_url, cookie, link, minted.secret, production.id)


async def _way_in_again(filler: Filler, node: Node) -> str:
    """For the demo's owner, who has signed in before. The secrets of the first time are not kept."""
    try:
        owner = (await filler.do(users.find_resident, OWNER["email"])).user
        link = await filler.do(links.make_for_email, OWNER["email"])
        filler.actor = Member(owner.id, owner.display_name, "", proven=True)
        project = await filler.do(projects.get_project_by_key, "demo", "shop")
        production = await filler.do(environments.get_environment_by_key, project.id, "production")
    except AppError:
        return "  --demo is ignored: this instance is not empty, and what the demo made is not in it.\n"
    return _greeting_again(node.settings.public_url, link, production.id)


async def _fill_project(filler: Filler) -> Environment:
    project = await filler.do(projects.create_project, "demo", {"key": "shop", "name": "Shop"})
    development, production = [
        await filler.do(
            environments.create_environment, project.id, {"key": key, "name": key.capitalize(), "color": color}
        )
        for key, color in (("development", "green"), ("production", "red"))
    ]
    for of_kind, bodies in ((segments.SEGMENTS, SEGMENTS), (flags.FLAGS, FLAGS), (configs.CONFIGS, CONFIGS)):
        for body in bodies:
            await filler.do(of_kind.create, project.id, body)
    for environment, change in (
        (development, {"defaultValue": True, "reason": "Try it out here first"}),
        (production, {"rules": RULES}),
    ):
        await filler.do(flags.FLAGS.update_state, environment.id, "express-checkout", change, UNCONDITIONAL)
    asked = {"add": ["u-42"], "reason": "They asked for it"}
    await filler.do(segments.update_allow_list, production.id, "early-access", asked, UNCONDITIONAL)
    await filler.do(flags.kill_flag, production.id, "legacy-search", {"reason": "It was slow on Friday"}, UNCONDITIONAL)
    return production


def _greeting(url: str, cookie: str, link: str, token: str, environment_id: str) -> str:
    """How to try the demo in a browser and from a shell."""
    return f"""  The organisation "demo" is ready. Sign in as its owner with this link (once, within 15 minutes):

    {url}/auth/link?t={link}

  or send this cookie:

    {cookie}

  Programs send this token, which can read the environment "production" but change nothing:

    {token}

  Evaluate its flags and configs over REST:

{_curl(f"{url}/api/v1/envs/{environment_id}/evaluate", f"Authorization: Bearer {token}", {"context": CONTEXT})}

  Explore the organisation over GraphQL, as the owner:

{_curl(f"{url}/graphql", f"Cookie: {cookie}", {"query": QUERY})}
"""


def _greeting_again(url: str, link: str, environment_id: str) -> str:
    return f"""  The organisation "demo" is there already. Sign in as its owner, {OWNER["email"]},
  with this link (once, within 15 minutes), in a browser or from a shell:

    {url}/auth/link?t={link}

    curl -sS -c jar '{url}/auth/link?t={link}'

  The token of the first start is not kept. From the shell, these lines use what the link gave it:

{_curl(f"{url}/api/v1/envs/{environment_id}/evaluate", None, {"context": CONTEXT})}

{_curl(f"{url}/graphql", None, {"query": QUERY})}
"""


def _curl(address: str, credentials: str | None, body: object) -> str:
    """Without credentials, those that are in the jar."""
    return f"""    curl {address} \\
      {"-b jar" if credentials is None else f"-H '{credentials}'"} \\
      -H 'Content-Type: application/json' \\
      -d {shlex.quote(json.dumps(body))}"""
