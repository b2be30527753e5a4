"""The headers that every answer has, whoever makes it: that of a page, of an error, or of the server itself."""

from collections.abc import Iterable

from app.domain.rate_limits import Taken
from app.settings import Settings

Header = tuple[bytes, bytes]
Headers = list[Header]
PRIVATE = "private, no-cache"
"""`Cache-Control` of what has a tag: it may be kept, and is asked for again each time."""
BY_CALLER = "Authorization, X-API-Key, Cookie"
"""`Vary` of what depends on who asks."""
_CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_OPENER = (b"cross-origin-opener-policy", b"same-origin")
NO_STORE = (b"cache-control", b"no-store")
_RATE = (b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset")
_RATE_LINES = b"".join(name + b": %d\r\n" for name in _RATE)
_HTTPS = (b"strict-transport-security", b"max-age=31536000")


def lines_of(headers: Iterable[Header]) -> bytes:
    """As they are sent. Nothing in them is what a caller wrote."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def rate_headers(taken: Taken) -> Headers:
    """How much is left of a token's rate limit."""
    return [(name, b"%d" % number) for name, number in zip(_RATE, taken, strict=False)]


class AnswerHeaders:
    """Adds what browsers must know: that nothing is guessed, framed, or told to other sites."""

    def __init__(self, settings: Settings) -> None:
        always: Headers = [
            (b"x-content-type-options", b"nosniff"),
            # `same-origin`, not `no-referrer`: under the latter a browser posts our own forms with `Origin: null`,
            # which the origin check must refuse. Other sites learn nothing either way.
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),  # which says nothing to callers that use CORS
        ]
        if settings.secure_cookies:
            always.append(_HTTPS)
        self._of_answers, self._of_pages = [_CSP, *always], [_OPENER, *always]
        self._lines = lines_of(self._of_answers)

    def lines(self, headers: Iterable[Header], request_id: str, taken: Taken) -> bytes:
        """The same as lines, and what is left of a rate limit, for an answer that is no page and sets no cookie."""
        return b"%b%bx-request-id: %b\r\n%b" % (
            lines_of(headers),
            _RATE_LINES % taken[:3],
            request_id.encode(),
            self._lines,
        )

    def complete(self, headers: Headers, request_id: str) -> Headers:
        """The answer's headers with those that all have. A page has its own content security policy; what sets a
        cookie is stored by no cache."""
        own = self._of_answers
        for name, _ in headers:
            if name == b"content-security-policy":
                own = self._of_pages
            elif name == b"set-cookie":
                headers = [header for header in headers if header[0] != b"cache-control"] + [NO_STORE]
        return [*headers, (b"x-request-id", request_id.encode()), *own]
