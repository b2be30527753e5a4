"""Whatever people call themselves and their organisations, a mail is ours: its headers, its parts, its one link."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.domain.commands import Name
from app.domain.emails import email_key
from app.mail.rendering import rendered
from app.mail.transports import Outbox, Smtp, Undelivered
from app.models import MailKind, QueuedMail
from app.services.mail_messages import Message
from tests.clock import now
from tests.mail.servers import MailServer
from tests.mailbox import in_outbox

SENDER = "Signalbox <signalbox@acme.example>"
TO = "victim@target.example"
LINK = "https://flags.acme.example/app/invitations/sbi_x"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
PARTS = ["multipart/alternative", "text/plain", "text/html"]
NASTY = [
    "=?utf-8?q?=0D=0ABcc:_x=40evil.example?=",
    "=?utf-8?q?=0D=0AContent-Type:_text/html=0D=0A=0D=0A<h1>Pay_now</h1>?=",
    "=?utf-8?b?DQpCY2M6IHhAZXZpbC5leGFtcGxl?=",
    " =?us-ascii?q?=0ABcc:_x?= =?iso-8859-1?q?=0DX:_y?=",
    "=?utf-8?q?unfinished",
    "Acme\u2028Bcc: x@evil.example\u2029\u0085",
    "\u2028",
    "\u202egnp.elpmaxe\u202c",
    "--===============1==\u2028Content-Type: text/html",
    "<script>alert(1)</script> & \"'",
    "Your account is suspended: https://evil.example/pay",
    "www.evil.example and mailto:x@evil.example",
    "漢" * 200,
    '"' * 200,
    "x" * 200,
    "👨‍👩‍👧 " * 25,
]
LINKED = re.compile(r"https?://\w|\w@\w|\w\.\w|www\.\w", re.ASCII)


def _is_name(text: str) -> bool:
    try:
        TypeAdapter(Name).validate_python(text)
    except ValidationError:
        return False
    return True


_PIECES = ["=?utf-8?q?", "?=", "=0D=0A", "=?utf-8?b?", "Bcc: ", "https://", "@x.y", "--="]
_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)  # no name holds those
names = st.lists(st.sampled_from(_PIECES) | _TEXTS, min_size=1, max_size=12).map("".join).filter(_is_name)


def invitation(name: str, inviter: str) -> Message:
    return Message(MailKind.INVITATION, TO, LINK, {"org": name, "role": "viewer", "inviter": inviter})


def news(name: str, happened: str = "request_changes") -> Message:
    return Message(MailKind.PROPOSAL_NEWS, TO, LINK, facts_of_news(name, happened))


def digest(name: str) -> Message:
    told = [facts_of_news(name, happened) for happened in ("proposed", "approve", "applied", "cancelled")]
    facts = {"proposals": "4 proposals", "where": name, "more": "7"}
    return Message(MailKind.PROPOSAL_DIGEST, TO, LINK, facts, told)


def facts_of_news(name: str, happened: str) -> dict[str, str]:
    names = ("actor", "proposer", "key", "org", "project", "environment", "place", "reason", "comment")
    told = {"happened": happened, "act": "change the rules of", "type": "flag", "proposal": "019a"}
    return {**told, **dict.fromkeys(names, name)}


def require_ours(mail: EmailMessage) -> None:
    """What a recipient's program finds in it."""
    assert mail.keys() == HEADERS
    assert [part.get_content_type() for part in mail.walk()] == PARTS
    assert not any(sign in str(value) for part in mail.walk() for value in part.values() for sign in "\r\n")
    assert (str(mail["From"]), str(mail["To"])) == (SENDER, TO)
    for subtype in ("plain", "html"):
        body = mail.get_body((subtype,))
        assert body is not None
        assert set(re.findall(r"https?://[\w/.]+", body.get_content())) == {LINK}


def parsed(raw: bytes) -> EmailMessage:
    """As a recipient reads it."""
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[arg-type,return-value]


@example("=?utf-8?q?", "https:///")
@given(names, names)
@example(NASTY[0], NASTY[1])
def test_no_name_changes_the_form_of_a_mail(name: str, inviter: str) -> None:
    signup = Message(MailKind.SIGNUP, TO, LINK, {"org": name})
    for message in (invitation(name, inviter), signup, news(name), digest(inviter)):
        mail = rendered(message, SENDER)
        for written in (policy.SMTP, policy.SMTPUTF8):
            raw = mail.as_bytes(policy=written)
            require_ours(parsed(raw))
            assert max(map(len, raw.split(b"\r\n"))) <= 998


@example("https:///", "https:///x")
@given(names, names)
def test_no_name_in_a_mail_can_be_followed(name: str, inviter: str) -> None:
    for message in (invitation(name, inviter), news(name), digest(inviter)):
        mail = rendered(message, SENDER)
        assert not LINKED.search(str(mail["Subject"]))
        body = mail.get_body(("plain",))
        assert body is not None
        assert not LINKED.search(body.get_content().replace(LINK, "").replace(TO, ""))


def test_an_ordinary_name_is_shown_as_it_is() -> None:
    mail = rendered(invitation("Müller & Söhne Inc.", "Dr. Zoë  Ünal"), SENDER)
    assert mail["Subject"] == "Dr. Zoë Ünal invites you to Müller & Söhne Inc. on Signalbox"
    assert b"Subject: =?utf-8?" in mail.as_bytes()
    assert "Müller &amp; Söhne Inc." in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert (
        rendered(invitation("Acme", "Ada"), SENDER).as_bytes().count(b"Subject: Ada invites you to Acme on Signalbox")
    )


def test_what_people_said_is_on_one_line_and_cut() -> None:
    said = {"reason": "First.\nSecond <b>line</b>.", "comment": "no " * 500}
    mail = rendered(Message(MailKind.PROPOSAL_NEWS, TO, LINK, {**facts_of_news("Web", "approve"), **said}), SENDER)
    text, html = (mail.get_body((subtype,)).get_content() for subtype in ("plain", "html"))  # type: ignore[union-attr]
    lines = text.splitlines()
    assert lines[0] == "Web approved your proposal to change the rules of Web in Web."
    assert "Reason: First. Second <b>line</b>." in lines
    assert "Reason: First. Second &lt;b&gt;line&lt;/b&gt;.<br>" in html
    (comment,) = [line for line in lines if line.startswith("Comment: no")]
    assert (len(comment), comment[-1]) == (len("Comment: ") + 200, "…")


def test_the_subject_of_a_signup_holds_nothing_that_a_stranger_chose() -> None:
    mail = rendered(Message(MailKind.SIGNUP, TO, LINK, {"org": "Pay now"}), SENDER)
    assert mail["Subject"] == "Finish signing up for Signalbox"


async def test_what_leaves_has_the_form_whatever_the_name(tmp_path: Path) -> None:
    """Over SMTP and in the outbox alike."""
    server = MailServer()
    await server.start()
    smtp, outbox = Smtp(f"smtp://127.0.0.1:{server.port}"), Outbox(tmp_path, prints_links=False)
    for message in (message for name in NASTY for message in (invitation(name, name), news(name), digest(name))):
        queued = QueuedMail(kind=message.kind, email=TO, email_key=email_key(TO), due_at=now())
        for transport in (smtp, outbox):
            await transport.deliver(queued, message, rendered(message, SENDER))
    await server.stop()
    assert server.recipients == [TO] * 3 * len(NASTY)
    written = [mail.message for mail in in_outbox(tmp_path)]
    for mail in (*server.received, *written):
        require_ours(mail)
    assert [mail["Subject"] for mail in server.received] == [mail["Subject"] for mail in written]


def test_an_address_that_no_mail_server_can_be_told_fails_for_good() -> None:
    """No such email is accepted; one may stand in the database from before."""
    with pytest.raises(Undelivered, match="No mail server") as refused:
        rendered(Message(MailKind.SIGN_IN, "ada@a..example", LINK), SENDER)
    assert refused.value.for_good
