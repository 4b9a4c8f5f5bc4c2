"""In which language a ticket's reporters are written to, where one text is for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.words import say_day, say_local, say_moment
from reports.models import Membership, Report, Ticket


def languages(session: Session, ticket: Ticket, locales: Sequence[str]) -> list[str]:
    """Return the reporters' languages, first the one in which all of them are written to.

    That is their own where they share one, and else the first of the city's `locales`.
    """
    query = (
        select(Report.locale)
        .join(Membership, Membership.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
        .distinct()
        .order_by(Report.locale)
    )
    theirs = list(session.scalars(query))
    return theirs if len(theirs) == 1 else list(dict.fromkeys((locales[0], *theirs)))


def spoken(texts: Mapping[str, str], wanted: str, locales: Sequence[str]) -> str:
    """Return in which language the texts are nearest to the one wanted."""
    return next(one for one in (wanted, *locales, *texts) if one in texts)


def say_planned(locale: str, when: date, time_zone: str) -> str:
    """Return a day, or a datetime by the clocks of the place, in words."""
    if isinstance(when, datetime):
        return say_moment(locale, when, time_zone)
    return say_day(locale, when)


def say_when(locale: str, moment: str) -> str:
    """Return a day, or a time as the place's clock had it, both as history keeps them, in words."""
    if "T" in moment:
        return say_local(locale, datetime.fromisoformat(moment))
    return say_day(locale, date.fromisoformat(moment))
