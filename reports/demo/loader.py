"""Gives the demo city a past: what is written by hand, and a month made up of sentences."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from city.calendars import Calendar, between
from city.models import Address, Category, Jurisdiction
from infra.storage import Storage
from reports import clock, errands
from reports.demo import deeds, written
from reports.demo.month import City, Month
from reports.demo.pictures import draw
from reports.demo.stage import Act, Cast, Picture, Stage
from reports.models import Notice, NoticeStatus, Report
from reports.photos import Rendering, render

_WATCHED_EVERY = timedelta(hours=2)


def is_loaded(session: Session, jurisdiction: Jurisdiction) -> bool:
    """Tell whether the city has any report already."""
    found = select(Report.id).where(Report.jurisdiction_id == jurisdiction.id).limit(1)
    return session.scalar(found) is not None


def load(
    session: Session,
    storage: Storage,
    jurisdiction: Jurisdiction,
    now: datetime,
    most_pictures: int | None = None,
) -> Iterator[tuple[int, int]]:
    """Write the past, telling after each report how many of how many are done.

    Of the reporters' pictures only the newest are drawn where there may not be so many.
    """
    acts = _acts(session, jurisdiction, now)
    total = sum(act.sends for act in acts)
    wanted = [picture for act in acts if act.sends for picture in act.pictures]
    if most_pictures is not None:
        wanted = wanted[max(0, len(wanted) - most_pictures) :]
    of_work = [picture for act in acts if not act.sends for picture in act.pictures]
    # Drawing takes most of the time. The processes are spawned, since a fork would inherit the
    # storage's threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = {one: pool.submit(_draw, one) for one in dict.fromkeys((*wanted, *of_work))}
        stage = Stage(session, storage, Cast(session, jurisdiction.id), drawn)
        done = 0
        for act in acts:
            act.deed(stage, act.at)
            if act.sends:
                done += 1
                yield done, total
    session.flush()
    # What happened long ago is news to nobody.
    session.execute(
        update(Notice)
        .where(
            Notice.jurisdiction_id == jurisdiction.id,
            Notice.status == NoticeStatus.PENDING.value,
        )
        .values(status=NoticeStatus.DROPPED.value)
    )
    errands.take(session)


def _acts(session: Session, jurisdiction: Jurisdiction, now: datetime) -> list[Act]:
    """Return the whole past in order of time."""
    calendar = clock.calendar_of(jurisdiction)
    told = [*written.acts(now, calendar), *Month(_city(session, jurisdiction), now).acts()]
    first = min(act.at for act in told)
    watches = [Act(at, deeds.watch_deadlines) for at in _watches(calendar, first, now)]
    return sorted([*told, *watches], key=lambda act: act.at)


def _city(session: Session, jurisdiction: Jurisdiction) -> City:
    categories = session.scalars(
        select(Category).where(Category.jurisdiction_id == jurisdiction.id)
    ).all()
    addresses = session.scalars(
        select(Address).where(Address.jurisdiction_id == jurisdiction.id).order_by(Address.label)
    )
    return City(
        time_zone=jurisdiction.time_zone,
        calendar=clock.calendar_of(jurisdiction),
        targets={category.code: category.target_hours for category in categories},
        public=frozenset(category.code for category in categories if category.public),
        addresses=[(address.label, address.location) for address in addresses],
    )


def _watches(calendar: Calendar | None, first: datetime, now: datetime) -> Iterator[datetime]:
    """Return when deadlines are looked at: again and again while somebody is at work, and now."""
    at = first + _WATCHED_EVERY
    while at < now:
        if between(calendar, at - _WATCHED_EVERY, at):
            yield at
        at += _WATCHED_EVERY
    yield now


def _draw(picture: Picture) -> tuple[bytes, Rendering]:
    data = draw(*picture)
    return data, render(data)
