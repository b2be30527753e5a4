"""The README, cut into its parts."""

import re

from tests.processes import TOP

README = (TOP / "README.md").read_text("utf-8")
BASE_URL = "SIGNALBOX=http://127.0.0.1:8000\n"
CUT = "=== cut here ===\n"


def require_shown(printed: list[str], text: str) -> None:
    """Each block of lines printed what the text shows below it."""
    for output, shown in zip(printed, blocks(text, "json"), strict=True):
        assert re.fullmatch(_pattern(shown), output, re.DOTALL), f"shown:\n{shown}\nprinted:\n{output}"


def between(text: str, start: str, end: str) -> str:
    """What follows the line `start` up to the next line that begins with `end`."""
    return re.split(f"^{end}", text.partition(start)[2], maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def _pattern(shown: str) -> str:
    """`…` stands for whatever differs from run to run or is left out."""
    return ".*?".join(re.escape(part) for part in shown.split("…"))
