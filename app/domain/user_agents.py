"""What a `User-Agent` is called, so that a person recognises the browser or the program among their sessions."""

MAX_LENGTH = 60
_BROWSERS = {  # the first whose mark is found: browsers name those that they resemble, too
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def name_of(user_agent: str | None) -> str | None:
    """Such as "Firefox on Linux", or "curl"; None if nothing is known."""
    agent = user_agent or ""
    if agent.startswith("Mozilla/"):
        named = (_first(_BROWSERS, agent), _first(_SYSTEMS, agent))
        return " on ".join(filter(None, named)) or None
    program = "".join(filter(str.isprintable, agent.partition("/")[0])).strip()
    return program[:MAX_LENGTH] or None


def _first(names: dict[str, str], agent: str) -> str | None:
    return next((name for mark, name in names.items() if mark in agent), None)
