"""app/README.md, the map: it names the rooms that there are, and no others."""

import re

from tests.processes import TOP

APP = TOP / "app"


def test_the_map_names_every_room() -> None:
    text = (APP / "README.md").read_text("utf-8")
    rooms = {f"{folder.name}/" for folder in APP.iterdir() if (folder / "__init__.py").exists()}
    assert rooms <= set(re.findall(r"`(\w+/)`", text))


def test_the_files_that_the_map_names_are_there() -> None:
    text = (APP / "README.md").read_text("utf-8")
    for named in re.findall(r"`(\w+/\w+\.py|\w+\.py)`", text):
        assert (APP / named).exists() or any(APP.glob(f"*/{named}")), named
