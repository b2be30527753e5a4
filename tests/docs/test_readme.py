"""The README holds: its lines are run by bash against a new instance, and print what it shows."""

import re
from pathlib import Path

import pytest

from tests.docs.readme import BASE_URL, CUT, README, between, blocks, require_shown
from tests.processes import TOP, bash, serving


@pytest.mark.parametrize("section", ["Over REST", "Over GraphQL"])
def test_the_tour_does_what_it_shows(tmp_path: Path, section: str) -> None:
    tour = between(README, "## A first tour\n", "## ")
    preparation = blocks(between(tour, "\n", "### "), "sh")
    steps = between(tour, f"### {section}\n", "### ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join([*preparation, *blocks(steps, "sh")])
        assert BASE_URL in script
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    require_shown(printed[len(preparation) :], steps)


def test_configs_and_segments_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = between(README, "## A first tour\n", "## ")
    before = [
        *blocks(between(tour, "\n", "### "), "sh"),
        *blocks(between(tour, "### Over REST\n", "### "), "sh"),
        *blocks(between(tour, "### Over GraphQL\n", "### "), "sh"),
    ]
    chapter = between(README, "## Configs and segments\n", "## ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join(["".join(before), *blocks(chapter, "sh")])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    require_shown(printed[1:], chapter)


def test_the_lines_for_tokens_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = between(README, "## A first tour\n", "## ")
    preparation = blocks(between(tour, "\n", "### "), "sh")
    steps = blocks(between(tour, "### Over REST\n", "### "), "sh")
    tokens = blocks(between(README, "## Tokens\n", "## "), "sh")
    with serving(tmp_path) as served:
        script = "\n".join([*preparation, *steps, f"echo {CUT}", *tokens])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).partition(CUT)[2]
    assert printed.count('"token":"sbx_') == len(tokens) - 1


def test_proposals_can_be_pasted_after_the_tour(tmp_path: Path) -> None:
    tour = between(README, "## A first tour\n", "## ")
    before = [*blocks(between(tour, "\n", "### "), "sh"), *blocks(between(tour, "### Over REST\n", "### "), "sh")]
    chapter = between(README, "## Changes that wait for a person\n", "## ")
    with serving(tmp_path) as served:
        script = f"echo {CUT}".join(["".join(before), *blocks(chapter, "sh")])
        printed = bash(script.replace(BASE_URL, f"SIGNALBOX={served.url}\n"), tmp_path).split(CUT)
    require_shown(printed[1:], chapter)


def test_its_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (TOP / target).exists(), target
