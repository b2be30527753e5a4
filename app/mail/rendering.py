"""Renders mail: a subject, a text that reads well in a terminal, and the same as HTML."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.domain.emails import ascii_domain
from app.models import MailKind
from app.services.mail_messages import Message

_SUBJECTS = {
    MailKind.SIGN_IN: "Sign in to Signalbox",
    MailKind.SIGNUP: "Finish signing up: {org}",
    MailKind.INVITATION: "{inviter} invites you to {org} on Signalbox",
}
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"], default_for_string=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def rendered(message: Message, sender: str) -> EmailMessage:
    """The mail. A name that somebody chose is put on one line, so that it cannot add lines of its own."""
    facts = {name: _one_line(value) for name, value in message.facts.items()}
    mail = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = _address(message.to)
    mail["Subject"] = _SUBJECTS[message.kind].format(**facts)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    words = {**facts, "link": message.link, "to": message.to}
    text, html = (templates.get_template(f"{message.kind}.{form}").render(words) for form in ("txt", "html"))
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))
    return mail


def _encoding(text: str) -> str:
    """An encoding that breaks no lines, so that a link can be copied from the raw file."""
    return "7bit" if text.isascii() else "8bit"


def _one_line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()


def _address(email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address("", local, domain if domain.isascii() else ascii_domain(domain) or domain)
