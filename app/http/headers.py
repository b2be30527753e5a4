"""The headers that every answer has, whoever makes it: that of a page, of an error, or of the server itself."""

from app.settings import Settings

Headers = list[tuple[bytes, bytes]]
_CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_OPENER = (b"cross-origin-opener-policy", b"same-origin")
_NO_STORE = (b"cache-control", b"no-store")
_HTTPS = (b"strict-transport-security", b"max-age=31536000")


class AnswerHeaders:
    """Adds what browsers must know: that nothing is guessed, framed, or told to other sites."""

    def __init__(self, settings: Settings) -> None:
        self._always: Headers = [
            (b"x-content-type-options", b"nosniff"),
            # `same-origin`, not `no-referrer`: under the latter a browser posts our own forms with `Origin: null`,
            # which the origin check must refuse. Other sites learn nothing either way.
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),  # which says nothing to callers that use CORS
        ]
        if settings.secure_cookies:
            self._always.append(_HTTPS)

    def complete(self, headers: Headers, request_id: str) -> Headers:
        """The answer's headers with those that all have. A page has its own content security policy; what sets a
        cookie is stored by no cache."""
        names = {name for name, _ in headers}
        if b"set-cookie" in names:
            headers = [header for header in headers if header[0] != b"cache-control"] + [_NO_STORE]
        own = _OPENER if b"content-security-policy" in names else _CSP
        return [*headers, (b"x-request-id", request_id.encode()), own, *self._always]
