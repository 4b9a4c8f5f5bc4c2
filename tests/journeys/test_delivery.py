"""A mail server that is slow to come, says no, or is never there (the notices' side of it)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.clock import now
from infra.mail import Mail, Mailer, MailRefused, MailUnavailable
from reports import chronicle
from reports.mail import delivery
from reports.mail.delivery import Outcome
from reports.models import Event, Notice, NoticeStatus
from tests.resident import Resident
from tests.stack import free_port


class _Moody:
    """An SMTP server that answers each recipient by the word before the @."""

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self,
        _server: SMTP,
        _session: SmtpSession,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("later"):
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802 - the name is aiosmtpd's
        self,
        _server: SMTP,
        _session: SmtpSession,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        envelope.mail_from = address
        return "550 who are you" if address.startswith("stranger") else "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        return "554 we do not like it" if b"unloved" in envelope.content else "250 OK"

    async def handle_QUIT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: SmtpSession, _envelope: Envelope
    ) -> str:
        return "421 no time for farewells"


@pytest.fixture
def moody() -> Iterator[str]:
    port = free_port()
    controller = Controller(_Moody(), hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


def _mail(to: str) -> Mail:
    return Mail(to, "a subject\r\nBcc: x@example.org", "text", "<p>text</p>", "<1@example.org>")


def test_mailer_tells_for_good_from_for_now(moody: str) -> None:
    mailer = Mailer(moody, "vigie@example.org")
    mailer.send(_mail("camille@example.org"))
    with pytest.raises(MailRefused):
        mailer.send(_mail("nobody@example.org"))
    with pytest.raises(MailUnavailable):
        mailer.send(_mail("later@example.org"))
    with pytest.raises(MailRefused):
        mailer.send(Mail("camille@example.org", "s", "unloved", "<p></p>", "<2@example.org>"))
    with pytest.raises(MailUnavailable):
        Mailer(moody, "stranger@example.org").send(_mail("camille@example.org"))
    with pytest.raises(MailUnavailable):
        Mailer("smtp://127.0.0.1:9", "vigie@example.org").send(_mail("camille@example.org"))


@pytest.mark.fault(40)
def test_a_notice_is_put_off_and_in_the_end_given_up(resident: Resident, session: Session) -> None:
    resident.report()
    notice_id = session.scalars(select(Notice.id).order_by(Notice.id.desc())).first()
    assert notice_id is not None
    moment, waits = now(), []
    for _ in range(delivery.MAX_ATTEMPTS):
        claimed = delivery.claim(session, notice_id, moment, 60)
        assert claimed is not None
        assert delivery.claim(session, notice_id, moment, 60) is None
        outcome = delivery.record_failure(session, claimed, "451", 30, moment, final=False)
        last = claimed.attempt == delivery.MAX_ATTEMPTS
        assert outcome is (Outcome.FAILED if last else Outcome.PUT_OFF)
        session.flush()
        due_at = session.get_one(Notice, notice_id, populate_existing=True).due_at
        waits.append((due_at - moment).total_seconds())
        moment = due_at + timedelta(seconds=1)

    notice = session.get_one(Notice, notice_id, populate_existing=True)
    assert notice.status == NoticeStatus.FAILED.value
    assert waits[:3] == [30, 60, 120]
    assert max(waits) <= delivery.LONGEST_WAIT_S
    event = session.scalars(
        select(Event).where(Event.ticket_id == notice.ticket_id).order_by(Event.seq.desc())
    ).first()
    assert event is not None
    assert event.kind == "notice_failed"
    assert not event.public
    told = {
        locale: chronicle.read(session, notice.ticket_id, locale)[-1].text
        for locale in ("en", "fr")
    }
    mail_of = {
        "team": ("An e-mail to the team could not be delivered.", "remis à l'équipe"),
        "reporter": ("An e-mail to the reporter could not be delivered.", "remis à l'auteur"),
    }
    english, french = mail_of[notice.audience]
    assert told["en"] == english
    assert french in told["fr"]
    session.rollback()


def test_an_attempt_that_comes_back_late_writes_nothing(
    resident: Resident, session: Session
) -> None:
    resident.report()
    notice_id = session.scalars(select(Notice.id).order_by(Notice.id.desc())).first()
    assert notice_id is not None
    first = delivery.claim(session, notice_id, now(), 1)
    assert first is not None
    second = delivery.claim(session, notice_id, now() + timedelta(seconds=2), 60)
    assert second is not None

    for final in (True, False):
        assert delivery.record_failure(session, first, "gone", 30, now(), final=final) is None
    assert delivery.record_sent(session, first, now()) is None
    assert delivery.record_dropped(session, first) is None
    assert delivery.record_sent(session, second, now()) is Outcome.SENT

    notice = session.get_one(Notice, notice_id, populate_existing=True)
    assert notice.status == NoticeStatus.SENT.value
    session.rollback()
