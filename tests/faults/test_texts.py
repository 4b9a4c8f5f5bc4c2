"""Faults of text: what people typed stays text, in its place, and reaches one reader."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.embedded.mailbox import Mailbox
from infra.mail import Mail, Mailer, MailRefused
from reports.mail import writing
from reports.models import Notice, Report
from tests.api.help import PUBLIC_URL
from tests.resident import Resident, body_of, log_in, move

SCRIPT = "<script>alert('1')</script> & <b>gras</b>"
# Each opens an embedding, an override or an isolate, and none is closed.
TURNED = "avant\u202egauche\u202b\u2066\u2067\u2068\u200f\u061caprès"
CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def _mails(session: Session, reference: str) -> list[Mail]:
    """Return what is owed because of the report, as it would be sent."""
    session.expire_all()
    notices = session.scalars(
        select(Notice)
        .join(Report, Report.id == Notice.report_id)
        .where(Report.reference == reference)
    ).all()
    return [
        writing.compose(session, notice, "camille@example.org", PUBLIC_URL, "a secret")
        for notice in notices
    ]


def _report_of_everything(client: FlaskClient, resident: Resident, words: str) -> str:
    """Send a report and an answer that hold the words wherever people may write."""
    sent = resident.report(
        description=words, address=words, contact={"name": words, "email": "camille@example.org"}
    )
    told = move(client, sent["ticket"], log_in(client), "accepted", public_message=words)
    assert told.status_code == 200
    reference: str = sent["reference"]
    return reference


@pytest.mark.fault(26)
def test_26_nothing_typed_turns_the_words_around_it(
    client: FlaskClient, resident: Resident, session: Session
) -> None:
    reference = _report_of_everything(client, resident, TURNED)
    written = [client.get(f"/r/{reference}").text]
    for mail in _mails(session, reference):
        written += [mail.subject, mail.text, mail.html]
    assert len(written) >= 10
    assert any("avantgauche" in text for text in written)
    for text in written:
        assert not set(CONTROLS) & set(text)


@pytest.mark.fault(26)
def test_26_what_was_typed_is_kept(client: FlaskClient, resident: Resident) -> None:
    reference = resident.report(description=TURNED)["reference"]
    view = body_of(client.get(f"/api/v1/reports/{reference}"))
    assert view["description"] == TURNED


@pytest.mark.fault(28)
def test_28_markup_is_text_in_every_mail(
    client: FlaskClient, resident: Resident, session: Session
) -> None:
    reference = _report_of_everything(client, resident, SCRIPT)
    written = _mails(session, reference)
    assert len(written) >= 3
    for mail in written:
        assert "<script" not in mail.html
        assert "<b>" not in mail.html
        assert "&lt;script&gt;" in mail.html
        assert SCRIPT in mail.text


def _kept(folder: Path) -> list[EmailMessage]:
    read = (
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.iterdir()
    )
    return list(read)


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    "subject",
    ["Trou\r\nBcc: spy@example.org", "Trou\nBcc: spy@example.org", "Trou\rTo: spy@example.org"],
)
def test_29_a_subject_is_one_line_and_a_mail_has_one_recipient(
    tmp_path: Path, subject: str
) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.start()
    mailer = Mailer(mailbox.url, "vigie@example.org")
    mailer.send(Mail("camille@example.org", subject, "text", "<p>text</p>", "<1@example.org>"))
    mailbox.stop()

    (mail,) = _kept(tmp_path)
    assert mail["Subject"] == " ".join(subject.split())
    assert mail.get_all("To") == ["camille@example.org"]
    assert mail["X-RcptTo"] == "camille@example.org"
    assert mail["Bcc"] is None


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    "address",
    [
        "camille@example.org, spy@example.org",
        "=?utf-8?q?spy=40example.org=2C_camille?=@example.org",
        "Camille <camille@example.org>",
        "<camille@example.org>, <spy@example.org>",
    ],
)
def test_29_what_is_not_one_address_gets_no_mail(tmp_path: Path, address: str) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.start()
    with pytest.raises(MailRefused):
        Mailer(mailbox.url, "vigie@example.org").send(
            Mail(address, "Trou", "text", "<p>text</p>", "<1@example.org>")
        )
    mailbox.stop()
    assert _kept(tmp_path) == []
