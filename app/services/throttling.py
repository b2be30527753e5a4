"""How often people may call, and ask for mail or try a claim code, by mailbox and by the network they call from."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
WRONG_CLAIM_CODES = 5
IPV6 = 6
IPV6_HOST_BITS = 64  # one customer has 2^64 addresses, so a limit on single ones would be none


class Purpose(StrEnum):
    """Why a mail is sent. Each purpose is counted by itself."""

    MAGIC_LINK = "magic_link"
    SIGNUP = "signup"
    INVITATION = "invitation"


async def count_mail(uow: UnitOfWork, purpose: Purpose, email: str) -> bool:
    """Counts a mail that is asked for. Raises `rate_limited`; False where the mailbox has had enough: no mail then."""
    await _take(uow, *_mails(uow, purpose, email))
    return await uow.host.rate_limits.take(_mailbox(email)) == 0


@asynccontextmanager
async def counted_mail(uow: UnitOfWork, purpose: Purpose, email: str) -> AsyncIterator[bool]:
    """Like `count_mail`, around what leads to the mail: a refusal in there does not count."""
    wanted = await count_mail(uow, purpose, email)
    try:
        yield wanted
    except AppError:
        await uow.host.rate_limits.give_back(*_mails(uow, purpose, email), *([_mailbox(email)] if wanted else []))
        raise


@asynccontextmanager
async def counted_guess(uow: UnitOfWork) -> AsyncIterator[None]:
    """Around the check of a claim code: only wrong codes count. Raises `rate_limited`."""
    guesses = Allowance(f"claim:{_network(uow.client.address)}", WRONG_CLAIM_CODES)
    await _take(uow, guesses)
    wrong = False
    try:
        yield
    except AppError as refusal:
        wrong = refusal.code == "invalid_request"
        raise
    finally:
        if not wrong:
            await uow.host.rate_limits.give_back(guesses)


async def _take(uow: UnitOfWork, *allowances: Allowance) -> None:
    if wait := await uow.host.rate_limits.take(*allowances):
        raise AppError("rate_limited", headers={"Retry-After": str(max(1, math.ceil(wait)))})


def _mails(uow: UnitOfWork, purpose: Purpose, email: str) -> tuple[Allowance, Allowance]:
    network = _network(uow.client.address)
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
