"""How often people may ask for mail or try a claim code, by mailbox and by the network they call from."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from app.domain.emails import email_key
from app.domain.errors import AppError
from app.domain.rate_limits import Allowance, Limits
from app.engine.cidrs import Address
from app.settings import Settings

PER_EMAIL_AND_ADDRESS = 5
PER_ADDRESS = 20
PER_MAILBOX = 20
WRONG_CLAIM_CODES = 5
IPV6 = 6
IPV6_HOST_BITS = 64  # one customer has 2^64 addresses, so a limit on single ones would be none


class Purpose(StrEnum):
    """Why a mail is sent. Each purpose is counted by itself."""

    MAGIC_LINK = "magic_link"
    SIGNUP = "signup"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class ClientContext:
    """What a use case knows of a call besides its unit of work.

    `browser` is the secret that ties a mailed link to the browser that asked for it.
    """

    settings: Settings
    limits: Limits
    address: Address | None
    wake_mail: Callable[[], None]
    browser: str | None = None


async def count_mail(client: ClientContext, purpose: Purpose, email: str) -> bool:
    """Counts a mail. Raises `rate_limited`; False if the mailbox has had its share, and no mail must be sent."""
    await _take(client, *_mails(client, purpose, email))
    return await client.limits.take(_mailbox(email)) == 0


@asynccontextmanager
async def counted_mail(client: ClientContext, purpose: Purpose, email: str) -> AsyncIterator[bool]:
    """Like `count_mail`, around what leads to the mail: if that is refused, the mail does not count."""
    wanted = await count_mail(client, purpose, email)
    try:
        yield wanted
    except AppError:
        await client.limits.give_back(*_mails(client, purpose, email), *([_mailbox(email)] if wanted else []))
        raise


@asynccontextmanager
async def counted_guess(client: ClientContext) -> AsyncIterator[None]:
    """Around the check of a claim code: only wrong ones count. Raises `rate_limited`."""
    guesses = Allowance(f"claim:{_network(client.address)}", WRONG_CLAIM_CODES)
    await _take(client, guesses)
    wrong = False
    try:
        yield
    except AppError as refusal:
        wrong = refusal.code == "invalid_request"
        raise
    finally:
        if not wrong:
            await client.limits.give_back(guesses)


async def _take(client: ClientContext, *allowances: Allowance) -> None:
    if wait := await client.limits.take(*allowances):
        raise AppError("rate_limited", headers={"Retry-After": str(max(1, math.ceil(wait)))})


def _mails(client: ClientContext, purpose: Purpose, email: str) -> tuple[Allowance, Allowance]:
    network = _network(client.address)
    return (
        Allowance(f"{purpose}:{network}:{email_key(email)}", PER_EMAIL_AND_ADDRESS),
        Allowance(f"{purpose}:{network}", PER_ADDRESS),
    )


def _mailbox(email: str) -> Allowance:
    return Allowance(f"mailbox:{email_key(email)}", PER_MAILBOX)


def _network(address: Address | None) -> str:
    """The network that one customer is given; callers without an address count as one."""
    if address is None:
        return "nowhere"
    return f"{address.version}/{address.number >> (IPV6_HOST_BITS if address.version == IPV6 else 0)}"
