"""The README holds: its lines are run by bash against a new instance, and print what it shows."""

import re
from pathlib import Path

import pytest

from tests.processes import TOP, bash, serving

README = (TOP / "README.md").read_text("utf-8")
BASE_URL = "SIGNALBOX=http://127.0.0.1:8000\n"
CUT = "=== cut here ===\n"


@pytest.mark.parametrize("section", ["Over REST", "Over GraphQL"])
def test_the_tour_does_what_it_shows(tmp_path: Path, section: str) -> None:
    tour = _between(README, "## A first tour\n", "## ")
    preparation = _blocks(_between(tour, "\n", "### "), "sh")
    steps = _between(tour, f"### {section}\n", "### ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join([*preparation, *_blocks(steps, "sh")])
        assert BASE_URL in script
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    _require_shown(printed[len(preparation) :], steps)


def test_configs_and_segments_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = _between(README, "## A first tour\n", "## ")
    before = [
        *_blocks(_between(tour, "\n", "### "), "sh"),
        *_blocks(_between(tour, "### Over REST\n", "### "), "sh"),
        *_blocks(_between(tour, "### Over GraphQL\n", "### "), "sh"),
    ]
    chapter = _between(README, "## Configs and segments\n", "## ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join(["".join(before), *_blocks(chapter, "sh")])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    _require_shown(printed[1:], chapter)


def test_the_lines_for_tokens_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = _between(README, "## A first tour\n", "## ")
    preparation = _blocks(_between(tour, "\n", "### "), "sh")
    steps = _blocks(_between(tour, "### Over REST\n", "### "), "sh")
    tokens = _blocks(_between(README, "## Tokens\n", "## "), "sh")
    with serving(tmp_path) as served:
        script = "\n".join([*preparation, *steps, f"echo {CUT}", *tokens])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).partition(CUT)[2]
    assert printed.count('"token":"sbx_') == len(tokens) - 1


def test_proposals_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = _between(README, "## A first tour\n", "## ")
    before = [*_blocks(_between(tour, "\n", "### "), "sh"), *_blocks(_between(tour, "### Over REST\n", "### "), "sh")]
    chapter = _between(README, "## Changes that wait for a person\n", "## ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join(["".join(before), *_blocks(chapter, "sh")])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    _require_shown(printed[1:], chapter)


def test_its_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (TOP / target).exists(), target


def _require_shown(printed: list[str], text: str) -> None:
    """Each block of lines printed what the text shows below it."""
    for output, shown in zip(printed, _blocks(text, "json"), strict=True):
        assert re.fullmatch(_pattern(shown), output, re.DOTALL), f"shown:\n{shown}\nprinted:\n{output}"


def _between(text: str, start: str, end: str) -> str:
    """What follows the line `start` up to the next line that begins with `end`."""
    return re.split(f"^{end}", text.partition(start)[2], maxsplit=1, flags=re.MULTILINE)[0]


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _pattern(shown: str) -> str:
    """`…` stands for whatever differs from run to run or is left out."""
    return ".*?".join(re.escape(part) for part in shown.split("…"))
