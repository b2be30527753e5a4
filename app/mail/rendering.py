"""Renders mail: a subject, a text that reads well in a terminal, and the same as HTML.

Names are chosen by people, some of whom would like to write our mails. They are put on one line, their addresses are
broken up, and no parser of headers ever reads them.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.domain.emails import network_address
from app.mail.transports import Undelivered, policy_for
from app.models import MailKind
from app.services import mail_messages

_SUBJECTS = {
    MailKind.SIGN_IN: "Sign in to Signalbox",
    MailKind.SIGNUP: "Finish signing up for Signalbox",  # strangers choose the name, and whom it is mailed to
    MailKind.INVITATION: "{inviter} invites you to {org} on Signalbox",
    MailKind.PROPOSAL_DIGEST: "Updates on {proposals} in {where}",
}
_HAPPENED = {
    "proposed": "{actor} proposes to {act} {key} in {place}",
    "approve": "{actor} approved your proposal to {act} {key} in {place}",
    "request_changes": "{actor} requested changes to your proposal to {act} {key} in {place}",
    "applied": "{actor} applied your proposal to {act} {key} in {place}",
    "cancelled": "{actor} cancelled your proposal to {act} {key} in {place}",
}
_LONGEST_IN_SUBJECT = 60
_LONGEST_LINE = 998  # in bytes (RFC 5322)
_LONGEST_PLAIN_SUBJECT = 60
_JOINERS = "\u200c\u200d"  # invisible, but part of Persian words and of emoji
_JOINTS = re.compile("([.:@\u3002\uff0e\uff61\ufe52\u2024\uff1a\ufe55\uff20\ufe6b]|//)(?=[\\w/])")
_HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
_PARTS = ["multipart/alternative", "text/plain", "text/html"]

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"], default_for_string=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def rendered(message: mail_messages.Message, sender: str) -> EmailMessage:
    """The mail. Raises `Undelivered` for good if it cannot be told to a mail server."""
    facts = _spelled(message.facts)
    news = [{**item, "sentence": _sentence(item)} for item in map(_spelled, message.news)]
    mail = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    mail["From"] = Address(name, addr_spec=network_address(address) or address)
    mail["To"] = _recipient(message.to)
    mail["Subject"] = Subject(_sentence(facts, _SUBJECTS.get(message.kind)))
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=mail["From"].addresses[0].domain)
    mail["Auto-Submitted"] = "auto-generated"
    words = {**facts, "subject": mail["Subject"], "news": news, "link": message.link, "to": message.to}
    text, html = (templates.get_template(f"{message.kind}.{form}").render(words) for form in ("txt", "html"))
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))
    _require_own_shape(mail)
    return mail


class Subject(str):
    """A subject with names of people in it: written as encoded words, and never parsed for any.

    A policy of `email` stores what has a `name` as it is, and lets it fold itself.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: "EmailPolicy[EmailMessage]") -> str:
        """The header's lines."""
        if self.isascii() and "=?" not in self and len(self) <= _LONGEST_PLAIN_SUBJECT:
            words = str(self)
        else:
            words = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep}"


def spelled_out(name: str) -> str:
    """A name on one line, in which no mail program finds a link or an address."""
    shown = (sign if sign.isprintable() or sign in _JOINERS else " " for sign in name)
    return " ".join(_JOINTS.sub(r"\1 ", "".join(shown)).split()) or "(no name)"


def _spelled(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: spelled_out(text) for name, text in facts.items()}


def _sentence(facts: Mapping[str, str], shape: str | None = None) -> str:
    """One line that holds the facts, shortened; without a shape, that of what happened to a proposal."""
    short = {name: _short(text) for name, text in facts.items()}
    return (shape or _HAPPENED[facts["happened"]]).format_map(short)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_IN_SUBJECT else f"{name[: _LONGEST_IN_SUBJECT - 1]}…"


def _encoding(text: str) -> str:
    """An encoding that breaks no lines if it can be, so that a link can be copied from the raw file."""
    if any(len(line.encode()) > _LONGEST_LINE for line in text.splitlines()):
        return "quoted-printable"
    return "7bit" if text.isascii() else "8bit"


def _recipient(email: str) -> Address:
    if (address := network_address(email)) is None:
        raise Undelivered(f"No mail server can be found for {email}.", for_good=True)
    local, _, domain = address.rpartition("@")
    return Address("", local, domain)


def _require_own_shape(mail: EmailMessage) -> None:
    """Reads the mail as its recipient will: whatever stands in it, it has our headers and our parts."""
    read: Message = message_from_bytes(mail.as_bytes(policy=policy_for(mail)), policy=policy.default)
    lines = (str(value) for part in read.walk() for value in part.values())
    parts = [part.get_content_type() for part in read.walk()]
    if read.keys() != _HEADERS or parts != _PARTS or not _are_lines(lines):
        raise Undelivered("The mail would not have had the form that it should have.", for_good=True)


def _are_lines(texts: Iterable[str]) -> bool:
    return not any("\r" in text or "\n" in text for text in texts)
