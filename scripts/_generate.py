# Derives schema.graphql and the marked blocks of README.md from the code. Run by scripts/generate.

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from app.domain.errors import CATALOGUE
from app.graphql.schema import schema

TOP = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"

    head = list(head)
    return "\n".join([line(head), line("---" for _ in head), *map(line, rows)])


def errors() -> str:
    rows = ((f"`{code}`", entry.status, entry.meaning) for code, entry in CATALOGUE.items())
    return table(("code", "status", "meaning"), rows)


# What README.md holds between `<!-- generated: NAME -->` and `<!-- end generated -->`, by NAME.
BLOCKS: dict[str, Callable[[], str]] = {
    "errors": errors,
}


def fill(text: str) -> str:
    return BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block[2]]()}\n{block[3]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/generate")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming the stale files")
    check = parser.parse_args().check

    readme = TOP / "README.md"
    wanted = {
        TOP / "schema.graphql": schema.as_str().rstrip() + "\n",
        readme: fill(readme.read_text(encoding="utf-8")),
    }
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
        print(f"{path.name} {'is stale: run scripts/generate' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
