"""The public reports of a stretch of time, as other systems poll them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, func, or_, select
from sqlalchemy.orm import Session

from city.categories import UnknownCategory
from city.models import Category, Jurisdiction
from infra.database import PLANNED_ANEW
from reports import filters
from reports.filters import Filters
from reports.models import Report, Ticket
from reports.references import well_formed
from reports.resident import reading
from reports.resident.reading import ReportView
from reports.status import Status

CHANGED_AT = func.coalesce(Ticket.closed_at, Ticket.updated_at)
"""When a ticket changed last: what is told of a closed one later does not change it any more."""

_NEWEST_FIRST = (Report.created_at.desc(), Report.id.desc())


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the work is: at one of the statuses, closed from a moment on or before another."""

    statuses: Collection[Status]
    closed_from: datetime | None = None
    closed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is polled: one of the standings (None: any), changed from a moment on, before another.

    `limit` and `offset` count the newest first.
    """

    filters: Filters
    standings: Sequence[Standing] | None = None
    changed_from: datetime | None = None
    changed_before: datetime | None = None
    words: str | None = None
    limit: int = 1_000
    offset: int = 0


def changed_at(view: ReportView) -> datetime:
    """Return when the report's ticket changed last, as CHANGED_AT tells it."""
    return view.closed_at or view.updated_at


def read(session: Session, city: Jurisdiction, wanted: Wanted, locale: str) -> list[ReportView]:
    """Return the city's public reports that are wanted, newest first, by one statement.

    Raise UnknownCategory for a code that the city has never had.
    """
    _demand_known(session, city, wanted.filters.category)
    narrowing = filters.conditions(session, wanted.filters, Report.location, Report.created_at)
    if wanted.words:
        narrowing.append(filters.says(wanted.words))
    narrowing += _between(CHANGED_AT, wanted.changed_from, wanted.changed_before)
    if wanted.standings is not None:
        narrowing.append(or_(false(), *(_stands(one) for one in wanted.standings)))
    return _read(session, city, narrowing, locale, wanted.limit, wanted.offset)


def read_some(
    session: Session, city: Jurisdiction, references: Sequence[str], locale: str, limit: int
) -> list[ReportView]:
    """Return those of the city's public reports that have these references, newest first."""
    known = well_formed(references)
    if not known:
        return []
    return _read(session, city, [Report.reference.in_(known)], locale, limit, 0)


def _read(
    session: Session,
    city: Jurisdiction,
    narrowing: Sequence[ColumnElement[bool]],
    locale: str,
    limit: int,
    offset: int,
) -> list[ReportView]:
    query = reading.PUBLIC.where(*narrowing).order_by(*_NEWEST_FIRST).limit(limit).offset(offset)
    query = query.execution_options(**{PLANNED_ANEW: True})
    # A connection gives rows without preparing entities, of which there are none.
    rows = session.connection().execute(query, {"jurisdiction": city.code}).all()
    return reading.views(rows, locale)


def _stands(standing: Standing) -> ColumnElement[bool]:
    closed = _between(Ticket.closed_at, standing.closed_from, standing.closed_before)
    return and_(Ticket.status.in_([one.value for one in standing.statuses]), *closed)


def _between(
    column: SQLColumnExpression[datetime | None], first: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    return [
        *([] if first is None else [column >= first]),
        *([] if end is None else [column < end]),
    ]


def _demand_known(session: Session, city: Jurisdiction, codes: Sequence[str]) -> None:
    if not codes:
        return
    query = select(Category.code).where(
        Category.jurisdiction_id == city.id, Category.code.in_(codes)
    )
    unknown = set(codes) - set(session.scalars(query))
    if unknown:
        raise UnknownCategory(min(unknown))
