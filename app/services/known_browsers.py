"""Browsers that have signed in before: strangers who ask for somebody's links cannot keep those from signing in."""

from datetime import timedelta

from app.domain.emails import email_key
from app.domain.ids import digest
from app.models import KnownBrowser, User
from app.store import known_browsers
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(days=365)  # browsers keep no cookie much longer


async def remember(uow: UnitOfWork, user: User) -> None:
    """Notes that the user signs in with the calling browser, within the current write."""
    if uow.client.browser is None:
        return
    browser_hash = digest(uow.client.browser)
    if (known := await known_browsers.find(uow.session, browser_hash, user.email_key)) is not None:
        known.signed_in_at = uow.now
    else:
        uow.add(KnownBrowser(browser_hash=browser_hash, user_id=user.id, signed_in_at=uow.now))


async def find(uow: UnitOfWork, email: str) -> KnownBrowser | None:
    """The calling browser, if somebody has signed in with the email there."""
    browser = uow.client.browser
    return None if browser is None else await known_browsers.find(uow.session, digest(browser), email_key(email))
