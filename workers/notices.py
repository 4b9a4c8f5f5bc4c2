"""The notice job: a message that is owed becomes a mail."""

from __future__ import annotations

import structlog

from infra.clock import now
from infra.mail import Mail, MailRefused, MailUnavailable
from infra.queue import Job
from reports.leases import Lease
from reports.mail import delivery, writing
from reports.mail.delivery import Outcome
from reports.models import Notice
from workers.tools import Tools, logged, tools

log = structlog.get_logger()


def send(row_id: int, request_id: str | None) -> None:
    """Send a notice, then those that have waited for it.

    One that is done, in other hands, or whose turn it is not, is left alone.
    """
    due: int | None = row_id
    while due is not None:
        due = _send_one(due, request_id)


def _send_one(row_id: int, request_id: str | None) -> int | None:
    """Send a notice and return the one whose turn it is now."""
    with logged(Job.SEND_NOTICE, row_id, request_id):
        kit = tools()
        with kit.sessions.begin() as session:
            claimed = delivery.claim(session, row_id, now(), kit.settings.notice_lease_s)
        if claimed is None:
            return None
        try:
            _work(kit, claimed)
        except Exception as error:
            # A notice that cannot even be written must not be tried for ever.
            log.exception("notice cannot be sent", attempt=claimed.attempt)
            _record_failure(
                kit, claimed, type(error).__name__, final=delivery.is_exhausted(claimed)
            )
        with kit.sessions() as session:
            return delivery.next_of_reader(session, claimed.row, now())


def _work(kit: Tools, claimed: Lease[Notice]) -> None:
    if delivery.is_exhausted(claimed):
        _record_failure(kit, claimed, "attempts exhausted", final=True)
        return
    mail = _compose(kit, claimed)
    if mail is None:
        with kit.sessions.begin() as session:
            outcome = delivery.record_dropped(session, claimed)
        _tell(kit, outcome)
    else:
        _hand_over(kit, claimed, mail)


def _compose(kit: Tools, claimed: Lease[Notice]) -> Mail | None:
    with kit.sessions() as session:
        address = writing.recipient(session, claimed.row)
        if address is None:
            return None
        settings = kit.settings
        return writing.compose(
            session, claimed.row, address, settings.public_url, settings.secret_key
        )


def _hand_over(kit: Tools, claimed: Lease[Notice], mail: Mail) -> None:
    try:
        kit.mailer.send(mail)
    except (MailRefused, MailUnavailable) as error:
        final = isinstance(error, MailRefused)
        log.warning("notice not sent", error=str(error), final=final, attempt=claimed.attempt)
        _record_failure(kit, claimed, str(error), final=final)
    else:
        with kit.sessions.begin() as session:
            outcome = delivery.record_sent(session, claimed, now())
        _tell(kit, outcome)


def _record_failure(kit: Tools, claimed: Lease[Notice], error: str, *, final: bool) -> None:
    with kit.sessions.begin() as session:
        retry_s = kit.settings.notice_retry_s
        outcome = delivery.record_failure(session, claimed, error, retry_s, now(), final=final)
    _tell(kit, outcome)


def _tell(kit: Tools, outcome: Outcome | None) -> None:
    """Log and count what became of the attempt; what a later one took over, that one tells."""
    if outcome is not None:
        log.info("notice attempted", outcome=outcome.value)
        kit.metrics.notice_outcomes.labels(outcome.value).inc()
