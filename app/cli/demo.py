"""What `serve --demo` fills an empty instance with, and the lines to try it by. It only calls services, and a job that
writes what they sampled.

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
from app.jobs.traffic import write_chosen
from app.models import Environment
from app.runtime.node import Node
from app.services import (
    api_keys,
    claim,
    configs,
    environments,
    evaluation,
    flags,
    instance,
    invitations,
    links,
    projects,
    proposing_by_hand,
    reviews,
    segments,
    spot_checks,
    traffic_sample,
    users,
)
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
EDITOR = {"email": "grace@demo.example", "displayName": "Grace"}
AGENT = {"name": "agent", "level": "proposer", "resources": ["*"], "approvalRequired": True}
SPOT_CHECKS = [
    {"userId": "u-2", "plan": "free"},
    {"userId": "u-8", "plan": "pro"},
    {"userId": "u-13", "plan": "pro", "email": "kim@demo.example"},
]
TRAFFIC_SAMPLE = {"size": 250, "fields": ["userId", "plan"]}
VISITORS = [{"userId": f"u-{n}", "plan": "pro" if n % 3 == 0 else "free"} for n in range(100, 150)]
EVERYBODY = [{"name": "everybody", "value": True}]
# What waits in production, oldest first: who proposed it, what, and what the owner has said of it.
OUT_OF_DATE: dict[str, Any] = {
    "kind": "set_default_value_flag",
    "resourceKey": "banner-text",
    "diff": {"defaultValue": "Free delivery until Sunday"},
    "reason": "The offer is longer than planned",
}
WAITING: list[tuple[str, dict[str, Any], dict[str, str] | None]] = [
    (
        "agent",
        {
            "kind": "set_rules_flag",
            "resourceKey": "express-checkout",
            "diff": {"rules": EVERYBODY},
            "reason": "No errors in two weeks",
        },
        None,
    ),
    (
        "editor",
        {
            "kind": "set_default_value_config",
            "resourceKey": "free-delivery-from",
            "diff": {"defaultValue": 40},
            "reason": "As agreed for the summer",
        },
        {"verdict": "approve", "comment": "As we said on Monday."},
    ),
    (
        "editor",
        {
            "kind": "set_deny_list_segment",
            "resourceKey": "early-access",
            "diff": {"denyList": ["u-13", "u-42"]},
            "reason": "Too many complaints",
        },
        {"verdict": "request_changes", "comment": "u-42 asked to stay. Only u-13, please."},
    ),
    (
        "editor",
        {"kind": "restore_flag", "resourceKey": "legacy-search", "diff": {}, "reason": "It is fast again"},
        None,
    ),
    (
        "agent",
        {"kind": "delete_config", "resourceKey": "guest-orders", "diff": {}, "reason": "Nothing asks for it any more"},
        None,
    ),
]
TOKEN = {"name": "demo", "level": "observer", "resources": ["*"]}
CONTEXT = {"userId": "u-2", "plan": "pro"}
TARGETED = {"targetingKey": "u-2", "plan": "pro"}
QUERY = (
    "{ orgs { nodes { slug projects(first: 10) { nodes { key "
    "flags(first: 20) { nodes { key type description } } "
    "configs(first: 20) { nodes { key type description } } "
    "segments(first: 20) { nodes { key description } } } } } } }"
)
PROPOSALS = "{ proposals(status: PENDING) { nodes { id kind resourceKey reason diff actor { name } viewerCan } } }"
UNCONDITIONAL = IfMatch(None)

P = ParamSpec("P")
T = TypeVar("T")


class Filler:
    """Runs use cases as somebody of the demo: first as nobody, then as whoever signs in by one of them."""

    def __init__(self, node: Node, actor: Actor | None = None) -> None:
        self._node = node
        self.actor = actor

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
    await _fill_proposals(filler, node, production)
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
    return production


async def _fill_proposals(owner: Filler, node: Node, production: Environment) -> None:
    """Protects production, and leaves a proposal of each look there: new, approved, to be changed, out of date."""
    agent, grace = await _proposers(owner, node, production.project_id)
    await owner.do(spot_checks.set_spot_checks, production.id, {"contexts": SPOT_CHECKS}, UNCONDITIONAL)
    await owner.do(traffic_sample.set_traffic_sample, production.id, TRAFFIC_SAMPLE, UNCONDITIONAL)
    for visitor in VISITORS:
        await owner.do(evaluation.evaluate, production.id, {"context": visitor})
    await write_chosen(node)
    await owner.do(environments.update_environment, production.id, {"protected": True}, UNCONDITIONAL)
    await grace.do(proposing_by_hand.create_proposal, {**OUT_OF_DATE, "envId": production.id})
    await owner.do(flags.kill_flag, production.id, "legacy-search", {"reason": "It was slow on Friday"}, UNCONDITIONAL)
    for proposer, change, review in WAITING:
        where = (
            {"projectId": production.project_id} if change["kind"].startswith("delete") else {"envId": production.id}
        )
        made = await (agent if proposer == "agent" else grace).do(
            proposing_by_hand.create_proposal, {**change, **where}
        )
        if review is not None:
            await owner.do(reviews.review_proposal, made.proposal.id, review)


async def _proposers(owner: Filler, node: Node, project_id: str) -> tuple[Filler, Filler]:
    """A token that can only propose, and an editor, who has signed in and wants no mail."""
    minted = await owner.do(api_keys.create_api_key, "demo", {**AGENT, "environments": {"projects": [project_id]}})
    await owner.do(invitations.create_invitation, "demo", {"email": EDITOR["email"], "role": "editor"})
    grace = Filler(node)

    async def mailed_link(uow: UnitOfWork) -> str:
        await uow.begin_write()
        return links.make_link(uow, EDITOR["email"], mailed=True)

    await grace.do(links.redeem, {"token": await grace.do(mailed_link)})
    notify = dict.fromkeys(("proposed", "reviewed", "applied", "cancelled"), False)
    await grace.do(users.update_me, {"displayName": EDITOR["displayName"], "notify": notify})
    return Filler(node, api_keys.actor_of(minted.row)), grace


def _greeting(url: str, cookie: str, link: str, token: str, environment_id: str) -> str:
    """How to try the demo in a browser and from a shell."""
    return f"""  The organisation "demo" is ready. Sign in as its owner with this link (once, within 15 minutes):

    {url}/auth/link?t={link}

  or send this cookie:

    {cookie}

  Programs send this token, which can read the environment "production" but change nothing:

    {token}

  Evaluate its flags and configs over REST:

{_curl(f"{url}/api/v1/envs/{environment_id}/evaluate", f"-H 'Authorization: Bearer {token}'", {"context": CONTEXT})}

  Or as an OpenFeature SDK does:

{_curl(f"{url}/ofrep/v1/evaluate/flags", f"-H 'X-API-Key: {token}'", {"context": TARGETED})}

  Production is protected: changes wait there for somebody to apply them. See them, and apply one:

{_curl(f"{url}/graphql", f"-H 'Cookie: {cookie}'", {"query": PROPOSALS})}

  Explore the organisation over GraphQL, as the owner:

{_curl(f"{url}/graphql", f"-H 'Cookie: {cookie}'", {"query": QUERY})}
"""


def _greeting_again(url: str, link: str, environment_id: str) -> str:
    return f"""  The organisation "demo" is there already. Sign in as its owner, {OWNER["email"]},
  with this link (once, within 15 minutes), in a browser or from a shell:

    {url}/auth/link?t={link}

    curl -sS -c jar '{url}/auth/link?t={link}'

  The token of the first start is not kept. From the shell, these lines use what the link gave it:

{_curl(f"{url}/api/v1/envs/{environment_id}/evaluate", "-b jar", {"context": CONTEXT})}

{_curl(f"{url}/ofrep/v1/evaluate/flags", f"-b jar -H 'X-Signalbox-Env: {environment_id}'", {"context": TARGETED})}

{_curl(f"{url}/graphql", "-b jar", {"query": QUERY})}
"""


def _curl(address: str, credentials: str, body: object) -> str:
    """`credentials` are options of curl."""
    return f"""    curl {address} \\
      {credentials} \\
      -H 'Content-Type: application/json' \\
      -d {shlex.quote(json.dumps(body))}"""
