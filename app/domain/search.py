"""How texts are searched for: folded, once when they are stored, so that every database finds the same."""

import unicodedata

_BETWEEN = "\x1f"  # which is in no text, so that nothing is found across the end of one


def folded(text: str) -> str:
    """The text without differences of case and of presentation: `STRASSE` is found in `Straße`."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def searched(*texts: str) -> str:
    """What is kept of the texts to be searched."""
    return _BETWEEN.join(map(folded, texts))
