"""How often people may call, and ask for mail or try a claim code, by mailbox and by the network they call from."""

import math
from enum import StrEnum

from app.domain.emails import email_key
from app.domain.errors import AppError
from app.domain.rate_limits import Allowance
from app.engine.cidrs import Address
from app.store.unit_of_work import UnitOfWork

PER_PERSON = 6000  # requests a minute
PER_EMAIL_AND_ADDRESS = 5
PER_ADDRESS = 20
PER_MAILBOX = 20
PER_EMAIL_AND_BROWSER = 5
PREVIEWS = 2  # of an actor at once
TOO_MANY_PREVIEWS = f"You already have {PREVIEWS} previews running. Wait until one has ended, then try again."
STREAMS = 100  # of an actor at once, event streams and subscriptions together
TOO_MANY_STREAMS = f"You already have {STREAMS} streams and subscriptions open. Close one, then try again."
WRONG_CLAIM_CODES = 5
WRONG_CLAIM_CODES_IN_ALL = 1000
IPV6 = 6
IPV6_HOST_BITS = 64  # one customer has 2^64 addresses, so a limit on single ones would be none


class Purpose(StrEnum):
    """Why a mail is sent. Each purpose is counted by itself."""

    MAGIC_LINK = "magic_link"
    SIGNUP = "signup"
    INVITATION = "invitation"


async def count_mail(uow: UnitOfWork, purpose: Purpose, email: str) -> None:
    """Counts a mail that is asked for, whatever the answer will be. Raises `rate_limited`."""
    network = _network(uow.client.address)
    await _take(
        uow,
        Allowance(f"{purpose}:{network}:{email_key(email)}", PER_EMAIL_AND_ADDRESS),
        Allowance(f"{purpose}:{network}", PER_ADDRESS),
    )


async def has_room(uow: UnitOfWork, email: str) -> bool:
    """Counts a mail that is about to be sent. False if the mailbox has had enough: no mail then."""
    return await uow.host.rate_limits.take(Allowance(f"mailbox:{email_key(email)}", PER_MAILBOX)) == 0


async def count_of_browser(uow: UnitOfWork, browser_hash: str, email: str) -> None:
    """Counts a link for an email, asked for by a browser that signed in with it before. Raises `rate_limited`."""
    await _take(uow, Allowance(f"browser:{browser_hash}:{email_key(email)}", PER_EMAIL_AND_BROWSER))


async def count_guess(uow: UnitOfWork, *, right: bool) -> None:
    """Counts wrong claim codes. Raises `rate_limited` for a wrong one of a network that has tried too many.

    The right code is not locked out by a network's wrong ones: behind a proxy that is not trusted, all people are one
    network. So everybody can go on guessing there, as often as the limit on all guesses allows. A code that we made is
    too long for any number of guesses, and one that the operator chose is not short.

    A chosen code that is right counts as a guess, too, and is handed back: once the limit on all guesses is used up, it
    is refused as a wrong one is, so that guessing on tells nobody that they have found it.
    """
    in_all = Allowance("claim", WRONG_CLAIM_CODES_IN_ALL)
    if right and uow.host.settings.claim_code is None:
        return
    await _take(uow, in_all)
    if right:
        await uow.host.rate_limits.give_back(in_all)
    else:
        await _take(uow, Allowance(f"claim:{_network(uow.client.address)}", WRONG_CLAIM_CODES))


async def _take(uow: UnitOfWork, *allowances: Allowance) -> None:
    if wait := await uow.host.rate_limits.take(*allowances):
        raise AppError("rate_limited", headers={"Retry-After": str(max(1, math.ceil(wait)))})


def _network(address: Address | None) -> str:
    """The network that one customer is given; callers without an address count as one."""
    if address is None:
        return "nowhere"
    return f"{address.version}/{address.number >> (IPV6_HOST_BITS if address.version == IPV6 else 0)}"
