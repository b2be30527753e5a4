"""app/README.md, the map, names the rooms that there are; app/decisions/README.md, the index, every decision."""

import re

from tests.processes import TOP

APP = TOP / "app"


def test_the_map_names_every_room() -> None:
    text = (APP / "README.md").read_text("utf-8")
    rooms = {f"{folder.name}/" for folder in APP.iterdir() if (folder / "__init__.py").exists()}
    assert rooms <= set(re.findall(r"`(\w+/)`", text))


def test_the_files_that_the_map_names_are_there() -> None:
    text = (APP / "README.md").read_text("utf-8")
    for named in re.findall(r"`([\w/]+\.py)`", text):
        assert (APP / named).exists() or (TOP / named).exists(), named


def test_the_index_lists_every_decision_in_order() -> None:
    pages = sorted(page for page in (APP / "decisions").glob("*.md") if page.name != "README.md")
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (.+) \|$", _index(), re.MULTILINE)
    assert [(str(int(page.name[:4])), page.name) for page in pages] == [(row[0], row[2]) for row in listed]
    for number, title, name, date in listed:
        text = (APP / "decisions" / name).read_text("utf-8")
        assert text.startswith(f"# {number}. {title}\n\n{date} · "), name
        assert re.findall("^## .+$", text, re.MULTILINE) == ["## Context", "## Decision", "## Consequences"], name


def test_links_between_decisions_lead_to_pages() -> None:
    for page in (APP / "decisions").glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def _index() -> str:
    return (APP / "decisions" / "README.md").read_text("utf-8")
