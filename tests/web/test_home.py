"""The home page's tour: its lines are run by bash, top to bottom, as the page says."""

from html.parser import HTMLParser
from pathlib import Path

from tests.processes import bash, owner_of, serving


class Shell(HTMLParser):
    """Collects the blocks of a page that are for a shell."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "pre" and ("aria-label", "Shell") in attributes:
            self._inside = True
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.blocks[-1] += data


def test_the_tour_runs_as_the_page_shows_it(tmp_path: Path) -> None:
    shell = Shell()
    with serving(tmp_path) as served, owner_of(served) as owner:
        shell.feed(owner.get("/app/").text)
        printed = bash("\n".join(shell.blocks), tmp_path).splitlines()
        assert len(shell.blocks) == 7
        me, ids, _, _, evaluated, _, in_list, _, limits, killed = printed
        assert '"email":"ada@acme.example"' in me
        assert len(ids.split()) == 2
        assert '"value":true' in evaluated
        assert '"allowListSize":2' in in_list
        assert '"value":{"items":100,"days":30}' in limits
        assert '"killed":true' in killed
