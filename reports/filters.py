"""The filters that lists of reports and of tickets share, and how their pages are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from city.models import Category, Team
from geo import filters
from geo.coordinates import Box, Position
from geo.models import District
from reports.models import Membership, Report, Ticket


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the ground."""

    centre: Position
    metres: float


@dataclass(frozen=True, slots=True)
class Mark:
    """The last item of a page, after which the next one begins."""

    created_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What both lists can be narrowed by; an empty sequence or None leaves a filter out."""

    status: Sequence[str] = ()
    category: Sequence[str] = ()
    kind: Sequence[str] = ()
    district: Sequence[str] = ()
    team: Sequence[str] = ()
    bbox: Box | None = None
    near: Near | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def conditions(
    wanted: Filters, place: InstrumentedAttribute[Position], born: InstrumentedAttribute[datetime]
) -> list[ColumnElement[bool]]:
    """Return the conditions on a query over tickets and their categories, districts and teams."""
    found: list[ColumnElement[bool]] = []
    for column, values in (
        (Ticket.status, wanted.status),
        (Ticket.kind, wanted.kind),
        (Category.code, wanted.category),
        (District.code, wanted.district),
        (Team.code, wanted.team),
    ):
        if values:
            found.append(column.in_(values))
    if wanted.bbox is not None:
        found.append(filters.inside(place, wanted.bbox))
    if wanted.near is not None:
        found.append(filters.within(place, wanted.near.centre, wanted.near.metres))
    if wanted.created_after is not None:
        found.append(born >= wanted.created_after)
    if wanted.created_before is not None:
        found.append(born < wanted.created_before)
    return found


def before(
    mark: Mark, born: InstrumentedAttribute[datetime], id_: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """Return the condition that a row comes after the mark, newest first."""
    return tuple_(born, id_) < tuple_(mark.created_at, mark.id)


def after(
    mark: Mark, born: InstrumentedAttribute[datetime], id_: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """Return the condition that a row comes after the mark, oldest first."""
    return tuple_(born, id_) > tuple_(mark.created_at, mark.id)


def says(
    words: str, *columns: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
) -> ColumnElement[bool]:
    """Return the condition that a column holds the words, whatever their case and accents.

    The words are taken literally: there are no wildcards.
    """
    wanted = func.lower(func.unaccent(words))
    return or_(*(func.strpos(func.lower(func.unaccent(column)), wanted) > 0 for column in columns))


def any_report_says(words: str) -> ColumnElement[bool]:
    """Return the condition that a report of the ticket holds the words."""
    return (
        select(Membership.id)
        .join(Report, Report.id == Membership.report_id)
        .where(
            Membership.ticket_id == Ticket.id,
            Membership.left_at.is_(None),
            says(words, Report.description, Report.address),
        )
        .exists()
    )
