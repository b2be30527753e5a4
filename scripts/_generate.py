# Derives schema.graphql and the marked blocks of README.md and app/README.md from the code. Run by scripts/generate.

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from app.cli.commands import cli
from app.cli.http_limits import MAX_HEAD, MAX_HEADERS, MAX_LINE, Limits
from app.domain.actors import Actor, EnvironmentScope, Member, Person, ResourcePattern, Role, Token
from app.domain.catalogue import CATALOGUE
from app.domain.operations import Operation
from app.domain.policy import LEVELS, TABLE, Allow, Deny, Divert, Target, decide
from app.engine import json_pieces, json_text
from app.engine.guide import GUIDE
from app.graphql import preview as graphql_preview
from app.graphql.limits import LIMITS
from app.graphql.schema import schema
from app.graphql.websocket import MAX_SUBSCRIPTIONS, Patience
from app.http.bodies import BODY_SECONDS, MAX_ANONYMOUS_BODY, MAX_BODY, MAX_LONG_BODY
from app.rest import preview as rest_preview
from app.runtime.traffic import MAX_CONTEXT_BYTES as MAX_SAMPLED_BYTES
from app.services import preview
from app.services.evaluation import MAX_CONTEXT_BYTES, MAX_CONTEXTS, MAX_KEYS
from app.services.json_schemas import MAX_SCHEMA_BYTES
from app.services.primitives import MAX_TAGS
from app.services.throttling import PER_PERSON, PREVIEWS, STREAMS
from app.services.traffic_sample import MAX_FIELDS, MAX_SIZE
from app.settings import Settings
from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT
from scripts._parity import GRAPHQL_ONLY, REST_ONLY, WITHOUT_ROW, lines

TOP = Path(__file__).resolve().parent.parent
MEBIBYTE = 1024 * 1024
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"

    head = list(head)
    return "\n".join([line(head), line("---" for _ in head), *map(line, rows)])


def errors() -> str:
    rows = ((f"`{code}`", entry.status, entry.meaning) for code, entry in CATALOGUE.items())
    return table(("code", "status", "meaning"), rows)


def settings() -> str:
    fields = Settings.model_fields.items()
    rows = ((f"`SIGNALBOX_{name.upper()}`", shown(field.default), field.description) for name, field in fields)
    return table(("variable", "default", "meaning"), rows)


def shown(default: object) -> str:
    return "" if default in {None, "", False} else f"`{default}`"


def commands() -> str:
    found = [("signalbox", command) for command in cli.registered_commands]
    for group in cli.registered_groups:
        found += [(f"signalbox {group.name}", command) for command in group.typer_instance.registered_commands]
    rows = (
        (f"`{path} {command.name or command.callback.__name__}`", command.callback.__doc__.partition("\n")[0])
        for path, command in found
    )
    return table(("command", "what it does"), rows)


def limits() -> str:
    rows = (
        ("keys and slugs", "1 to 128 characters of `a-z 0-9 . _ -`, starting with a letter or digit"),
        ("names", "200 characters in one line; spaces around them do not count"),
        ("descriptions and reasons", "2,000 characters"),
        ("tags of a flag, config or segment", f"{MAX_TAGS}, each with the grammar of keys"),
        ("JSON Schema of a config", f"{MAX_SCHEMA_BYTES // 1024} KiB of JSON; a check takes up to a second"),
        (
            "head of a request",
            f"{MAX_HEAD // 1024} KiB and {MAX_HEADERS} headers, with a request line of {MAX_LINE // 1024} KiB",
        ),
        (
            "request body",
            f"{MAX_BODY // 1024} KiB of JSON with {json_text.MAX_VALUES:,} values, nested up to {json_text.MAX_DEPTH} "
            "levels; "
            f"{MAX_ANONYMOUS_BODY // 1024} KiB without credentials",
        ),
        (
            "time",
            f"{Limits.head_seconds:.0f} seconds for the head of a request, {BODY_SECONDS} for its body; a response of "
            f"which nothing is read for {Limits.stalled_seconds:.0f} seconds is given up",
        ),
        ("evaluation", f"{MAX_KEYS:,} keys, and a context of {MAX_CONTEXT_BYTES // 1024} KiB"),
        ("spot-checks of an environment", f"{MAX_CONTEXTS} contexts"),
        (
            "traffic sample of an environment",
            f"{MAX_SIZE:,} contexts of {MAX_SAMPLED_BYTES // 1024} KiB, and {MAX_FIELDS} fields",
        ),
        (
            "preview",
            f"{preview.MAX_CONTEXTS:,} contexts and as many drafts of a kind, of {json_pieces.MAX_PIECE // 1024} KiB; "
            f"{PREVIEWS} at once for a person or token. Over REST a body of {MAX_LONG_BODY // MEBIBYTE} MiB with "
            f"{json_pieces.MAX_VALUES:,} values, and {rest_preview.MAX_BYTES // MEBIBYTE} MiB of results; over GraphQL "
            f"the body of any request, and {graphql_preview.MAX_BYTES // MEBIBYTE} MiB of results",
        ),
        (
            "requests",
            f"{PER_PERSON:,} a minute for a person; tokens and organisations have their own limits. Each root field of "
            "a GraphQL document counts, except `__typename` and what `@skip` and `@include` leave out",
        ),
        (
            "subscriptions",
            f"{MAX_SUBSCRIPTIONS} a connection, {STREAMS} a person or token, event streams included; messages of "
            f"{MAX_ANONYMOUS_BODY // 1024} KiB before `connection_ack`, then of {MAX_BODY // 1024} KiB; "
            f"{Patience.init_seconds:.0f} seconds for `connection_init`, and a ping every {Limits.ping_seconds:.0f}",
        ),
        ("page of a list", f"{DEFAULT_LIMIT} entries by default, up to {MAX_LIMIT:,} with `limit`, `first` or `last`"),
        *((f"GraphQL document: {limit.name}", f"{limit.most:,}: {limit.counted}") for limit in LIMITS),
    )
    return table(("limit", "value"), rows)


def rules() -> str:
    """The chapter on the rule language."""
    parts: list[str] = []
    for topic in GUIDE:
        parts += [f"### {topic.title}", *topic.paragraphs]
        if topic.words:
            rows = (
                (f"`{name}`", word.meaning, *(f"`{json_text.encode(one)}`" for one in (word.example, word.holds_for)))
                for name, word in topic.words.items()
            )
            parts.append(table(("", "meaning", "example", "true for"), rows))
        if topic.example:
            lines = ",\n".join(f"  {json_text.encode(rule)}" for rule in topic.example.rules)
            parts.append(f"```json\n[\n{lines}\n]\n```")
            given = (f"- `{json_text.encode(context)}` gets `{value}`." for context, value in topic.example.gives)
            parts.append("\n".join(given))
    return "\n\n".join(parts)


def parity() -> str:
    rows = (
        (
            line.name,
            f"`{line.route}`" if line.endpoint else f"none: {GRAPHQL_ONLY[line.name]}",
            f"`{line.field}`" if line.field else f"none: {REST_ONLY[line.name]}",
            ", ".join(f"`{row}`" for row in line.rows) or WITHOUT_ROW.get(line.name, ""),
        )
        for line in lines()
    )
    return table(("operation", "REST", "GraphQL", "policy row, or who can use it"), rows)


def policy() -> str:
    """Who may do what, tried out: each role, a token of each level that reaches everything, and what approval does."""
    everywhere = partial(
        Token,
        "token",
        "",
        "",
        scope=EnvironmentScope(org=True),
        resources=(ResourcePattern(None, "*"),),
        minter=Person("minter", ""),
    )
    levels = {name: everywhere(actions=verbs, approval_required=False) for name, verbs in LEVELS.items()}
    careful = everywhere(actions=LEVELS["admin"], approval_required=True)
    person, unproven = Member("person", "", "", proven=True), Member("person", "", "", proven=False)
    rows = (
        (
            f"`{operation}`",
            " + ".join(filter(None, (row.verb, row.reach.value, row.resource.value))) if row.verb else "people only",
            *(verdict(person, operation, Target(role=role)) for role in Role),
            verdict(unproven, operation, Target(role=Role.OWNER)),
            *(verdict(token, operation, Target()) for token in levels.values()),
            verdict(careful, operation, Target()),
            verdict(person, operation, Target(role=Role.OWNER, protected=True)),
        )
        for operation, row in TABLE.items()
    )
    head = (
        "operation",
        "what a token needs",
        *Role,
        "owner, unproven",
        *LEVELS,
        "token requiring approval",
        "owner, if protected",
    )
    return table(head, rows)


def verdict(actor: Actor, operation: Operation, target: Target) -> str:
    match decide(actor, operation, target):
        case Allow():
            return "yes"
        case Divert():
            return "proposal"
        case Deny("approval_not_supported"):
            return "refused"
    return ""


# What a README holds between `<!-- generated: NAME -->` and `<!-- end generated -->`, by NAME.
BLOCKS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors,
    "limits": limits,
    "parity": parity,
    "policy": policy,
    "rules": rules,
    "settings": settings,
}


def fill(text: str) -> str:
    return BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block[2]]()}\n{block[3]}", text)


def wanted() -> dict[Path, str]:
    """What each generated file should hold."""
    readmes = (TOP / "README.md", TOP / "app" / "README.md")
    return {
        TOP / "schema.graphql": schema.as_str().rstrip() + "\n",
        **{readme: fill(readme.read_text(encoding="utf-8")) for readme in readmes},
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/generate")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming the stale files")
    check = parser.parse_args().check

    texts = wanted()
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(texts[path], encoding="utf-8")
        print(f"{path.name} {'is stale: run scripts/generate' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
