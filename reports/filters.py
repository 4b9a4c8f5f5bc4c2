"""The filters that lists of reports and of tickets share, and how their pages are cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVarTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    UnaryExpression,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from city.models import Category, Team
from geo import filters
from geo.coordinates import Box, Position
from geo.models import District
from infra.database import PLANNED_ANEW
from reports.desk_models import TicketWords
from reports.models import Report, Ticket
from reports.references import MalformedReference, normalise

Columns = TypeVarTuple("Columns")

# The newest are those nearest to a time to come, the oldest those nearest to a time long past.
# Within about 140 years of either, the index still tells two microseconds apart.
_TO_COME = datetime(2100, 1, 1, tzinfo=UTC)
_LONG_PAST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the ground."""

    centre: Position
    metres: float


class Mark(NamedTuple):
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

    @property
    def by_place(self) -> bool:
        """Tell whether only what lies somewhere is wanted."""
        return self.bbox is not None or self.near is not None


@dataclass(frozen=True, slots=True)
class Order:
    """By which time a list is sorted, and by id where times are equal."""

    born: InstrumentedAttribute[datetime]
    id: InstrumentedAttribute[int]
    newest_first: bool = True


def conditions(
    session: Session,
    wanted: Filters,
    place: InstrumentedAttribute[Position],
    born: InstrumentedAttribute[datetime],
) -> list[ColumnElement[bool]]:
    """Return the conditions on a query over tickets; no other table need be joined."""
    found = _among(session, wanted)
    if wanted.bbox is not None:
        found.append(filters.inside(place, wanted.bbox))
    if wanted.near is not None:
        found.append(filters.within(place, wanted.near.centre, wanted.near.metres))
    if wanted.created_after is not None:
        found.append(born >= wanted.created_after)
    if wanted.created_before is not None:
        found.append(born < wanted.created_before)
    return found


def _among(session: Session, wanted: Filters) -> list[ColumnElement[bool]]:
    words = ((Ticket.status, wanted.status), (Ticket.kind, wanted.kind))
    codes = (
        (Ticket.category_id, Category, wanted.category),
        (Ticket.district_id, District, wanted.district),
        (Ticket.team_id, Team, wanted.team),
    )
    return [
        *(column.in_(values) for column, values in words if values),
        # PostgreSQL knows how frequent an id is, and how frequent a code's it cannot know.
        *(
            key.in_(session.scalars(select(named.id).where(named.code.in_(values))).all())
            for key, named, values in codes
            if values
        ),
    ]


def cut(
    query: Select[*Columns], order: Order, *, by_place: bool, marked: bool, narrowed: bool = True
) -> Select[*Columns]:
    """Return the query of which `read_page` reads one page; `marked` pages follow a mark.

    Of a list that is not `narrowed` by anything, PostgreSQL learns the number of rows beforehand,
    and keeps one plan for all its pages. Of any other it has to see anew what it is narrowed by.
    """
    if marked:
        query = query.where(_follows(order))
    query = query.execution_options(**{PLANNED_ANEW: narrowed})
    count = bindparam("count", type_=Integer, literal_execute=not narrowed)
    if by_place:
        return _nearest_in_time(query, order, count)
    return query.order_by(*_direction(order)).limit(count)


def read_page(
    source: Session | Connection,
    query: Select[*Columns],
    order: Order,
    limit: int,
    mark: Mark | None,
    key: Callable[[Row[*Columns]], tuple[datetime, int]],
    **values: object,
) -> tuple[list[Row[*Columns]], Mark | None]:
    """Return the rows of one page and the mark of the last, if there are more.

    The query comes from `cut` and may have parameters of its own with these values. A session gives
    entities too; a connection gives columns alone, and sooner. The mark is the last row of the page
    before; `key` tells of a row what marks it.
    """
    values["count"] = limit + 1
    if mark is not None:
        values |= {"last_born": mark.created_at, "last_id": mark.id}
    # All at once: row by row they would be asked of the driver one at a time.
    found = source.execute(query, values).all()
    rows = sorted(found, key=key, reverse=order.newest_first)
    return rows[:limit], Mark(*key(rows[limit - 1])) if len(rows) > limit else None


def _direction(order: Order) -> list[UnaryExpression[datetime] | UnaryExpression[int]]:
    if order.newest_first:
        return [order.born.desc(), order.id.desc()]
    return [order.born.asc(), order.id.asc()]


def _nearest_in_time(
    query: Select[*Columns], order: Order, count: BindParameter[int]
) -> Select[*Columns]:
    """Let the index of places and times give the rows in order of time.

    So the newest of a place are found at once, however much or little lies there. The index knows
    no ids: what is as old as the last row comes too.
    """
    end = _TO_COME if order.newest_first else _LONG_PAST
    return query.order_by(order.born.op("<->")(end)).fetch(count, with_ties=True)


def _follows(order: Order) -> ColumnElement[bool]:
    """Return the condition that a row comes after the mark; the time alone is what GiST knows."""
    born, id_ = (
        bindparam("last_born", type_=order.born.type),
        bindparam("last_id", type_=BigInteger),
    )
    mine, last = tuple_(order.born, order.id), tuple_(born, id_)
    if order.newest_first:
        return (mine < last) & (order.born <= born)
    return (mine > last) & (order.born >= born)


def says(words: str) -> ColumnElement[bool]:
    """Return the condition on a report in its ticket that it says all the words itself.

    The ticket's words are looked up in their index; they hold more than the public may know of.
    """
    own = func.words_of(func.concat_ws(" ", Report.description, Report.address))
    return mentions(words) & own.bool_op("@@")(func.sought(words))


def mentions(words: str) -> ColumnElement[bool]:
    """Return the condition on a ticket that it says all the words, or is or holds what they name.

    Case, accents, the words' order and their endings do not matter, nor how a reference is spelled.
    The words are taken literally: there are no wildcards.
    """
    return (
        select(TicketWords.ticket_id)
        .where(TicketWords.ticket_id == Ticket.id, words_hold(words))
        .exists()
    )


def words_hold(words: str) -> ColumnElement[bool]:
    """Return the condition that the words kept of a ticket hold these, or what they refer to."""
    wanted: ColumnElement[Any] = func.sought(words)
    with suppress(MalformedReference):
        compact = normalise(words).replace("-", "")
        wanted = wanted.op("||")(func.sought(compact))
    return TicketWords.words.bool_op("@@")(wanted)
