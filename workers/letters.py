"""The letter job: a one-time link that is owed to one of the city's people becomes a mail."""

from __future__ import annotations

import structlog

from city.account_models import Letter
from infra.clock import now
from infra.mail import Mail, MailRefused, MailUnavailable
from infra.queue import Job
from reports.leases import Lease
from reports.mail import letters
from reports.mail.delivery import MAX_ATTEMPTS
from workers.tools import Tools, logged, tools

log = structlog.get_logger()


def send(row_id: int, request_id: str | None) -> None:
    """Send a letter; one that is done or in other hands is left alone."""
    with logged(Job.SEND_LETTER, row_id, request_id):
        kit = tools()
        with kit.sessions.begin() as session:
            claimed = letters.claim(session, row_id, now(), kit.settings.notice_lease_s)
        if claimed is None:
            return
        try:
            _work(kit, claimed)
        except Exception as error:
            # A letter that cannot even be written must not be tried for ever.
            log.exception("letter cannot be sent", attempt=claimed.attempt)
            _record_failure(kit, claimed, type(error).__name__, final=False)


def _work(kit: Tools, claimed: Lease[Letter]) -> None:
    if claimed.attempt > MAX_ATTEMPTS:
        _record_failure(kit, claimed, "attempts exhausted", final=True)
        return
    with kit.sessions.begin() as session:
        mail = letters.compose(session, claimed, now(), kit.settings.public_url)
        if mail is None:
            letters.record_dropped(session, claimed)
    if mail is not None:
        _hand_over(kit, claimed, mail)


def _hand_over(kit: Tools, claimed: Lease[Letter], mail: Mail) -> None:
    try:
        kit.mailer.send(mail)
    except (MailRefused, MailUnavailable) as error:
        log.warning("letter not sent", error=str(error), attempt=claimed.attempt)
        _record_failure(kit, claimed, str(error), final=isinstance(error, MailRefused))
    else:
        with kit.sessions.begin() as session:
            outcome = letters.record_sent(session, claimed, now())
        log.info("letter attempted", outcome=outcome and outcome.value)


def _record_failure(kit: Tools, claimed: Lease[Letter], error: str, *, final: bool) -> None:
    with kit.sessions.begin() as session:
        retry_s = kit.settings.notice_retry_s
        outcome = letters.record_failure(session, claimed, error, retry_s, now(), final=final)
    log.info("letter attempted", outcome=outcome and outcome.value)
