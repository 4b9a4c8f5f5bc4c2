"""How many tickets the inbox holds: per status, per team, and late ones.

Open ones are all counted, since there are never more than the city can work on. Closed ones pile
up, so of each closed status no more than MOST_COUNTED are looked at, the newest ones, and the
answer says where there are more. Words take longer to look at, so of those MOST_SOUGHT, unless so
few tickets say them that all those are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from city.models import Team
from infra.database import PLANNED_ANEW
from reports.inbox.narrowing import MOST_SOUGHT, Narrowed, is_late
from reports.models import Ticket
from reports.status import CLOSED, Status

MOST_COUNTED = 10_000
"""How many tickets of a closed status are looked at: every page of the inbox tells the counts."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tickets each status holds, in the graph's order, and at least how many in some.

    `late` and `teams` (by code) are about open tickets alone.
    """

    statuses: dict[str, int]
    at_least: list[str]
    late: int
    teams: dict[str, int]

    @property
    def open(self) -> int:
        """Return how many tickets are open."""
        return sum(count for status, count in self.statuses.items() if Status(status) not in CLOSED)


def count(session: Session, wanted: Narrowed, now: datetime) -> Counts:
    """Return the counts of every status, whichever of them are listed, by one question at most."""
    statuses = dict.fromkeys((status.value for status in Status), 0)
    teams: Counter[str] = Counter()
    at_least, late_ones = [], 0
    for status, team, late, number, more in _rows(session, wanted, now):
        statuses[status] += number
        if Status(status) not in CLOSED:
            teams[team] += number
        late_ones += number if late else 0
        if more:
            at_least.append(status)
    return Counts(statuses, at_least, late_ones, dict(sorted(teams.items())))


def _rows(session: Session, wanted: Narrowed, now: datetime) -> Iterable[Sequence[Any]]:
    """Return status, team, whether late, how many, and whether there are more of the status."""
    if wanted.found is not None:
        tallied = Counter((one.status, one.team, one.late) for one in wanted.found)
        return [(*one, number, False) for one, number in tallied.items()]
    parts: list[Select[*tuple[Any, ...]]] = [_open(wanted, now)]
    # Who has no team sees nothing, and nothing that is late is closed.
    if wanted.team_ids != () and not wanted.late:
        parts += [_closed(wanted, status) for status in Status if status in CLOSED]
    options = {PLANNED_ANEW: not wanted.is_whole}
    return session.connection().execute(union_all(*parts), execution_options=options).all()


def _open(wanted: Narrowed, now: datetime) -> Select[*tuple[Any, ...]]:
    late = is_late(now).label("late")
    found = (
        select(Ticket.status, Ticket.team_id, late, func.count().label("number"))
        .where(*wanted.any_status, Ticket.closed_at.is_(None))
        .group_by(Ticket.status, Ticket.team_id, late)
        .subquery()
    )
    return select(found.c.status, Team.code, found.c.late, found.c.number, false()).join(
        Team, Team.id == found.c.team_id
    )


def _closed(wanted: Narrowed, status: Status) -> Select[*tuple[Any, ...]]:
    most = MOST_SOUGHT if wanted.words else MOST_COUNTED
    windows = _windows(wanted, status, most)
    newest = union_all(*(_first(window, most) for window in windows)).subquery()
    more: ColumnElement[bool] = or_(*(_size(window) > most for window in windows))
    found: ColumnElement[int] = _size(newest)
    if not wanted.is_whole:
        of_status = (*wanted.any_status, Ticket.status == status.value)
        among = Ticket.id.in_(select(newest.c.id))
        found = select(func.count()).select_from(Ticket).where(*of_status, among).scalar_subquery()
    return select(literal(status.value), null(), false(), found, more)


def _windows(wanted: Narrowed, status: Status, most: int) -> list[CTE]:
    """Return the newest tickets of the closed status, one more than `most`; per team."""
    of_status = (
        select(Ticket.id, Ticket.created_at)
        .where(
            Ticket.jurisdiction_id == wanted.jurisdiction_id,
            Ticket.merged_into_id.is_(None),
            Ticket.status == status.value,
        )
        .order_by(Ticket.created_at.desc())
        .limit(most + 1)
    )
    if wanted.team_ids is None:
        return [of_status.cte(status.value)]
    # Of a team each, since one index holds them in order.
    closed = of_status.where(Ticket.closed_at.is_not(None))
    return [closed.where(Ticket.team_id == id_).cte(f"{status}_{id_}") for id_ in wanted.team_ids]


def _first(window: CTE, most: int) -> Select[int]:
    newest = select(window.c.id).order_by(window.c.created_at.desc()).limit(most)
    return select(newest.subquery().c.id)


def _size(rows: FromClause) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).scalar_subquery()
