"""Open tickets that may be about the same thing as a new report, or as another ticket.

What lies near is read by one question, and compared by the rules of `reports.likeness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Row,
    Select,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from city import jurisdictions
from city.access import Act, Reach
from city.categories import UnknownCategory
from city.models import Category, Jurisdiction
from city.staff import Staff
from geo import filters
from geo.coordinates import Box, Position
from infra.database import PLANNED_ANEW
from infra.words import Reader, mark, say_ago, say_span
from reports import likeness, work
from reports.likeness import MOST_ANSWERED, RADIUS_M, Kinship, Likeness, Pair, Sign
from reports.models import Membership, Photo, PhotoStatus, Report, Ticket, Visibility
from reports.resident.reading import PhotoView
from reports.things import Thing, Things
from reports.work import Filed

MOST_COMPARED = 200
"""How many tickets are compared, however many are open near a spot."""

MOST_REPORTS = 5
"""How many reports of a ticket are looked at, the first ones."""

# Longer texts say the thing at their beginning.
_MOST_LETTERS = 300

_SIGN_TEXTS = {
    Sign.SAME_CATEGORY: mark("same category"),
    Sign.SAME_GROUP: mark("related category"),
    Sign.WORDS: mark("similar words"),
    Sign.PHOTO: mark("a photo looks the same"),
}
_AWAY = mark("{metres} m away")
_AGO = mark("reported {ago}")
_APART = mark("reported {span} apart")


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """An open ticket that looks alike; `report` is the first of its reports that one may see."""

    ticket: str
    report: str
    category: Thing
    distance_m: float
    score: float
    reasons: list[str]
    photo: PhotoView | None


@dataclass(frozen=True, slots=True)
class _Sought:
    """What others are compared with; `ticket_id` is None where it is no ticket yet."""

    position: Position
    at: datetime
    category_id: int | None
    group_id: int | None
    words: str | None
    ticket_id: int | None = None
    hashes: Sequence[int] = ()


_filed = aliased(Category)
_PUBLIC_REPORT = (
    Report.visibility == Visibility.SHOWN.value,
    Report.category_id.not_in(select(_filed.id).where(_filed.public.is_(False))),
)
_PHOTO = (
    select(
        func.json_build_array(
            Photo.public_id, Photo.status, Photo.reason, Photo.placeholder, type_=JSON
        )
    )
    .where(
        Photo.report_id == Report.id,
        Photo.visibility == Visibility.SHOWN.value,
        Photo.status == PhotoStatus.READY.value,
    )
    .order_by(Photo.id)
    .limit(1)
    .scalar_subquery()
)
_HASHES = (
    select(func.array_agg(Photo.perceptual_hash))
    .where(Photo.report_id == Report.id, Photo.perceptual_hash.is_not(None))
    .scalar_subquery()
)


def near_spot(
    session: Session,
    position: Position,
    category_code: str | None,
    words: str | None,
    locale: str,
    now: datetime,
) -> list[SimilarTicket]:
    """Return public tickets that a new report at the position may be about, the likeliest first.

    Raise OutOfArea or UnknownCategory.
    """
    jurisdiction_id = jurisdictions.find_place(session, position).jurisdiction_id
    locales, category_id, group_id, public, kinds = session.execute(
        select(
            Jurisdiction.locales, Category.id, Category.group_id, Category.public, Category.kinds
        )
        .outerjoin(
            Category,
            (Category.jurisdiction_id == Jurisdiction.id)
            & (Category.code == category_code)
            & Category.retired_at.is_(None),
        )
        .where(Jurisdiction.id == jurisdiction_id)
    ).one()
    narrowing = [Ticket.category_id.in_(select(Category.id).where(Category.public))]
    if category_code is not None:
        if category_id is None:
            raise UnknownCategory(category_code)
        if not public:
            # It would not be joined with anything that the public sees.
            return []
        narrowing.append(Ticket.kind.in_(kinds))
    sought = _Sought(position, now, category_id, group_id, words)
    query = _query(jurisdiction_id, sought, narrowing, _PUBLIC_REPORT, null())
    return _alike(session, query, sought, Reader(locale, locales))


def near_ticket(session: Session, staff: Staff, ticket: Ticket, locale: str) -> list[SimilarTicket]:
    """Return the open tickets within the person's reach that could be merged with the ticket."""
    category = session.get_one(Category, ticket.category_id)
    narrowing = [
        Ticket.id != ticket.id,
        *work.going_with(Filed(ticket.kind, category.id, category.public)),
    ]
    if staff.reach(Act.READ_TICKETS) is not Reach.JURISDICTION:
        narrowing.append(Ticket.team_id.in_(staff.team_ids))
    own = session.execute(
        select(Report.description, _HASHES)
        .join(Membership, Membership.report_id == Report.id)
        .where(Membership.ticket_id == ticket.id, Membership.left_at.is_(None))
        .order_by(Membership.joined_at, Membership.id)
        .limit(MOST_REPORTS)
    ).all()
    if not own:
        # It was merged: the work goes on elsewhere.
        return []
    sought = _Sought(
        ticket.location,
        ticket.created_at,
        category.id,
        category.group_id,
        own[0].description,
        ticket.id,
        [one for _, hashes in own for one in hashes or ()],
    )
    query = _query(ticket.jurisdiction_id, sought, narrowing, (), _HASHES)
    locales = session.get_one(Jurisdiction, ticket.jurisdiction_id).locales
    return _alike(session, query, sought, Reader(locale, locales))


def word_likeness(
    one: ColumnElement[str] | InstrumentedAttribute[str],
    other: ColumnElement[str] | InstrumentedAttribute[str],
) -> ColumnElement[float]:
    """Return how much of the shorter text the other one says, whatever their case and accents."""
    first, second = _folded(one), _folded(other)
    return func.greatest(
        func.word_similarity(first, second), func.word_similarity(second, first), type_=Float
    )


def _folded(words: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[str]:
    return func.nullif(func.lower(func.unaccent(func.left(words, _MOST_LETTERS))), "")


def _query(
    jurisdiction_id: int,
    sought: _Sought,
    narrowing: Sequence[ColumnElement[bool]],
    shown: Sequence[ColumnElement[bool]],
    hashes: ColumnElement[Any],
) -> Select[*tuple[Any, ...]]:
    """Return the question for the first reports of each ticket that is open near the spot."""
    words = word_likeness(Report.description, literal(sought.words, Text))
    near = (
        select(
            Ticket.id,
            Ticket.reference,
            Ticket.category_id,
            Ticket.created_at,
            filters.distance_m(Ticket.location, sought.position).label("distance_m"),
        )
        .where(
            Ticket.jurisdiction_id == jurisdiction_id,
            Ticket.closed_at.is_(None),
            Ticket.merged_into_id.is_(None),
            filters.inside(Ticket.location, Box.around(sought.position, RADIUS_M)),
            *narrowing,
        )
        .order_by(filters.nearest_first(Ticket.location, sought.position))
        .limit(MOST_COMPARED)
        .subquery("near")
    )
    held = (
        select(
            Membership.joined_at,
            Membership.id,
            Report.reference,
            (words if sought.words else null()).label("words"),
            _PHOTO.label("photo"),
            hashes.label("hashes"),
        )
        .select_from(Membership)
        .join(Report, Report.id == Membership.report_id)
        .where(Membership.ticket_id == near.c.id, Membership.left_at.is_(None), *shown)
        .order_by(Membership.joined_at, Membership.id)
        .limit(MOST_REPORTS)
        .lateral("held")
    )
    return (
        select(
            near,
            Category.group_id,
            Category.code,
            cast(Category.names, Text).label("names"),
            held.c.reference.label("report"),
            held.c.words,
            held.c.photo,
            held.c.hashes,
        )
        .select_from(near)
        .join(held, true())
        .join(Category, Category.id == near.c.category_id)
        .where(near.c.distance_m <= RADIUS_M)
        .order_by(near.c.distance_m, near.c.id, held.c.joined_at, held.c.id)
        .execution_options(**{PLANNED_ANEW: True})
    )


def _alike(
    session: Session, query: Select[*tuple[Any, ...]], sought: _Sought, reader: Reader
) -> list[SimilarTicket]:
    things = Things(reader)
    tickets = (list(rows) for _, rows in groupby(session.execute(query), key=lambda row: row.id))
    compared = [(rows, _pair(rows, sought)) for rows in tickets]
    found = [(rows, pair, likeness.compare(pair)) for rows, pair in compared]
    found = [one for one in found if one[2].tells]
    # Of two that are as like, the nearer one stays first.
    found.sort(key=lambda one: one[2].score, reverse=True)
    return [
        SimilarTicket(
            ticket=rows[0].reference,
            report=rows[0].report,
            category=things.named(rows[0].code, rows[0].names),
            distance_m=round(pair.distance_m, 1),
            score=round(alike.score, 2),
            reasons=_reasons(pair, alike, reader, between=sought.ticket_id is not None),
            photo=next((PhotoView(*row.photo) for row in rows if row.photo), None),
        )
        for rows, pair, alike in found[:MOST_ANSWERED]
    ]


def _pair(rows: Sequence[Row[*tuple[Any, ...]]], sought: _Sought) -> Pair:
    first = rows[0]
    return Pair(
        distance_m=first.distance_m,
        apart=abs(sought.at - first.created_at),
        kinship=_kinship(sought, first.category_id, first.group_id),
        words=max(_known(row.words for row in rows), default=None),
        photo_bits=likeness.differing_bits(
            sought.hashes, [one for row in rows for one in row.hashes or ()]
        ),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _kinship(sought: _Sought, category_id: int, group_id: int) -> Kinship | None:
    if sought.category_id is None:
        return None
    if sought.category_id == category_id:
        return Kinship.SAME
    return Kinship.GROUP if sought.group_id == group_id else Kinship.OTHER


def _reasons(pair: Pair, alike: Likeness, reader: Reader, *, between: bool) -> list[str]:
    return [_reason(sign, pair, reader, between=between) for sign in alike.signs]


def _reason(sign: Sign, pair: Pair, reader: Reader, *, between: bool) -> str:
    if sign is Sign.NEAR:
        return reader.say(_AWAY, metres=round(pair.distance_m))
    if sign is Sign.TIME and between:
        return reader.say(_APART, span=say_span(reader.locale, pair.apart))
    if sign is Sign.TIME:
        return reader.say(_AGO, ago=say_ago(reader.locale, pair.apart))
    return reader.say(_SIGN_TEXTS[sign])
