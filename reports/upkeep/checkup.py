"""Checks of what the installation is for: a city is there, and what is owed gets done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from city.models import Jurisdiction
from infra.checks.findings import Finding, guard, ok, warning, wrong
from infra.database import make_engine, make_sessions
from reports.upkeep import owed
from reports.webhook_models import DisabledReason, Webhook

_NOTED_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=1)
_LOOKED_BACK = timedelta(days=7)
_GIVEN_UP = (DisabledReason.GONE.value, DisabledReason.FAILING.value)


def look(url: str, now: datetime) -> Iterator[Finding]:
    """Check the rows of the database at the SQLAlchemy URL."""
    engine = make_engine(url, pool_size=1)
    try:
        with make_sessions(engine)() as session:
            session.connection()
            for check in (cities, waiting, failed, webhooks):
                yield guard(check.__name__, partial(check, session, now))
                session.rollback()
    except OperationalError:
        yield wrong("cities", "not asked, since the database does not answer")
    finally:
        engine.dispose()


def cities(session: Session, _now: datetime) -> Finding:
    """Check that there is a city, and that its time zone is known here."""
    found = session.execute(
        select(Jurisdiction.code, Jurisdiction.time_zone).where(Jurisdiction.retired_at.is_(None))
    ).all()
    unknown = sorted({zone for _, zone in found} - available_timezones())
    if not found:
        return wrong("cities", "there is none; load one: flask --app wsgi city load city.yaml")
    if unknown:
        return wrong("cities", f"time zone {unknown[0]} is unknown here; install Debian's tzdata")
    return ok("cities", ", ".join(code for code, _ in found))


def waiting(session: Session, now: datetime) -> Finding:
    """Check that no notice and no photo waits for long."""
    since = owed.waits_since(session, now)
    if since is None or now - since < _NOTED_WAIT:
        return ok("waiting", "no notice and no photo waits for long")
    minutes = int((now - since).total_seconds() // 60)
    told = f"a notice or a photo has waited for {minutes} minutes; see whether the workers run"
    return (wrong if now - since > _LONGEST_WAIT else warning)("waiting", told)


def failed(session: Session, now: datetime) -> Finding:
    """Check that no mail was given up lately."""
    count = owed.count_failed(session, now, _LOOKED_BACK)
    if count:
        told = f"{count} notices were given up within a week; their tickets say why, and"
        return warning("failed", f"{told} docs/running.md how to send them again")
    return ok("failed", "no notice was given up within a week")


def webhooks(session: Session, _now: datetime) -> Finding:
    """Check that no webhook was given up."""
    query = select(Webhook.id).where(
        Webhook.retired_at.is_(None), Webhook.disabled_reason.in_(_GIVEN_UP)
    )
    given_up = session.scalars(query.order_by(Webhook.id)).all()
    if given_up:
        told = f"webhook {given_up[0]} does not answer any more and was disabled; its log says"
        return warning(
            "webhooks", f"{told} since when: GET /admin/webhooks/{given_up[0]}/deliveries"
        )
    return ok("webhooks", "none was given up")
