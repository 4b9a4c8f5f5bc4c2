"""What the inbox can be narrowed by and sorted by, and what of it a person may see at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    all_,
    any_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from city.access import Act, Reach
from city.desk_models import CloseReason
from city.models import Person, Priority, Team
from city.staff import Staff
from infra.columns import written
from infra.database import PLANNED_ANEW
from reports.desk import flags
from reports.desk_models import TicketWords
from reports.filters import Filters, Mark, conditions, mentions, words_hold
from reports.models import Membership, Notice, NoticeStatus, Ticket
from reports.status import CLOSED, Status


class Sort(StrEnum):
    """The order of the inbox.

    By deadline, priority and number of reports come open tickets alone, what presses most first and
    the oldest of equals; the closed ones follow them, the newest first.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    DEADLINE = "deadline"
    PRIORITY = "priority"
    REPORTS = "reports"


# Beyond every deadline there is.
_NEVER = 2**63 - 1
_URGENCY = {priority.value: -rank for rank, priority in enumerate(Priority)}

MOST_SOUGHT = 2_500
"""How many tickets are looked at for words: all that say them, if they are no more than that."""

OPEN_FIRST = frozenset({Sort.DEADLINE, Sort.PRIORITY, Sort.REPORTS})


@dataclass(frozen=True, slots=True)
class InboxFilters:
    """What only the inbox can be narrowed by; None leaves a filter out."""

    words: str | None = None
    priority: Sequence[str] = ()
    assignee: str | None = None
    close_reason: Sequence[str] = ()
    late: bool | None = None
    unrouted: bool | None = None
    uncertain: bool | None = None
    undelivered: bool | None = None
    flagged: bool | None = None
    sort: Sort = Sort.NEWEST


class Found(NamedTuple):
    """A ticket that was looked up: what places it in time, and what it counts for."""

    created_at: datetime
    id: int
    status: str
    team: str
    late: bool

    @property
    def mark(self) -> Mark:
        """Return what marks the ticket in the order of time."""
        return Mark(self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is wanted of the inbox, as conditions on tickets.

    `jurisdiction_id` and `team_ids` (None for all) are what the person may see; `by` and `words`
    what they want to see of it, and `statuses` which of that is listed. `found` are the tickets
    that fit all but the statuses, oldest first; None where no words are sought, or too many tickets
    say them to be looked up one by one.
    """

    jurisdiction_id: int
    team_ids: Sequence[int] | None
    by: Sequence[ColumnElement[bool]]
    words: str | None
    found: Sequence[Found] | None
    late: bool | None
    statuses: Sequence[str]

    @property
    def any_status(self) -> list[ColumnElement[bool]]:
        """Return all conditions but that on the status."""
        if self.found is not None:
            return [_among([ticket.id for ticket in self.found])]
        # The work on what was merged goes on elsewhere.
        fit = [Ticket.jurisdiction_id == self.jurisdiction_id, Ticket.merged_into_id.is_(None)]
        if self.team_ids is not None:
            fit.append(Ticket.team_id.in_(self.team_ids))
        if self.words:
            fit.append(mentions(self.words))
        return [*fit, *self.by]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing at all is left out of what the person may see."""
        return not self.by and not self.words

    def next_in_time(
        self, statuses: Sequence[str], mark: Mark | None, count: int, *, newest_first: bool
    ) -> list[ColumnElement[bool]]:
        """Return the conditions on tickets of the statuses, of any if there are none.

        Of tickets that were looked up, they leave as many as a page in order of time needs.
        """
        of_status = [Ticket.status.in_(statuses)] if statuses else []
        if self.found is None:
            return [*self.any_status, *of_status]
        listed = [ticket for ticket in self.found if not statuses or ticket.status in statuses]
        if newest_first:
            listed.reverse()
        if mark is not None:
            listed = [
                ticket
                for ticket in listed
                if (ticket.mark < mark if newest_first else ticket.mark > mark)
            ]
        return [_among([ticket.id for ticket in listed[:count]]), *of_status]

    def listed(self, *, closed: bool) -> list[str]:
        """Return which open or which closed statuses are listed."""
        if closed and self.late:
            return []
        return [status for status in self.statuses if (Status(status) in CLOSED) is closed]


def narrow(
    session: Session, staff: Staff, wanted: Filters, extra: InboxFilters, now: datetime
) -> Narrowed:
    """Return what the filters leave of the tickets that the person may see."""
    by = conditions(session, replace(wanted, status=()), Ticket.location, Ticket.created_at)
    if extra.close_reason:
        known = select(CloseReason.id).where(
            CloseReason.jurisdiction_id == staff.jurisdiction_id,
            CloseReason.code.in_(extra.close_reason),
        )
        by.append(Ticket.close_reason_id.in_(session.scalars(known).all()))
    everywhere = staff.reach(Act.READ_TICKETS) is Reach.JURISDICTION
    narrowed = Narrowed(
        jurisdiction_id=staff.jurisdiction_id,
        team_ids=None if everywhere else staff.team_ids,
        by=[*by, *_extra_conditions(session, staff, extra, now)],
        words=extra.words,
        found=None,
        late=extra.late,
        statuses=wanted.status or tuple(Status),
    )
    saying = _saying(session, staff.jurisdiction_id, extra.words) if extra.words else None
    return narrowed if saying is None else _looked_up(session, narrowed, saying, now)


def _saying(session: Session, jurisdiction_id: int, words: str) -> list[int] | None:
    """Return the tickets that say the words, or None where they are more than MOST_SOUGHT."""
    query = (
        select(TicketWords.ticket_id)
        .where(TicketWords.jurisdiction_id == jurisdiction_id, words_hold(words))
        # Without an order many would be sought from the table's beginning.
        .order_by(TicketWords.ticket_id.desc())
        .limit(MOST_SOUGHT + 1)
    )
    found = session.connection().execute(query).scalars().all()
    return list(found) if len(found) <= MOST_SOUGHT else None


def _looked_up(
    session: Session, narrowed: Narrowed, saying: Sequence[int], now: datetime
) -> Narrowed:
    others = replace(narrowed, words=None).any_status
    query = (
        select(Ticket.created_at, Ticket.id, Ticket.status, Team.code, is_late(now))
        .join(Team, Team.id == Ticket.team_id)
        .where(_among(saying), *others)
    )
    rows = session.connection().execute(query, execution_options={PLANNED_ANEW: True}).all()
    return replace(narrowed, found=sorted(map(Found._make, rows)))


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    # Of thousands, the driver would write each by itself.
    return Ticket.id == any_(cast(literal(written(ids)), ARRAY(BigInteger)))


def is_late(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ticket is beyond its deadline and its clock runs."""
    return (
        Ticket.due_at.is_not(None)
        & (Ticket.due_at < now)
        & Ticket.closed_at.is_(None)
        & Ticket.paused_at.is_(None)
    )


def gave_up_a_mail() -> ColumnElement[bool]:
    """Return the condition that a mail about the ticket was given up."""
    return (
        select(Notice.id)
        .where(Notice.ticket_id == Ticket.id, Notice.status == NoticeStatus.FAILED.value)
        .exists()
    )


def _extra_conditions(
    session: Session, staff: Staff, extra: InboxFilters, now: datetime
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if extra.priority:
        found.append(Ticket.priority.in_(extra.priority))
    if extra.assignee is not None:
        # As with codes: PostgreSQL knows how many tickets somebody has.
        known = select(Person.id).where(Person.email == extra.assignee.lower())
        found.append(Ticket.assignee_id.in_(session.scalars(known).all()))
    if extra.flagged is not None:
        odd = flags.flagged_tickets(session, staff.jurisdiction_id)
        ids = literal(odd, ARRAY(BigInteger))
        found.append(Ticket.id == any_(ids) if extra.flagged else Ticket.id != all_(ids))
    for fact, wanted in (
        (is_late(now), extra.late),
        (Ticket.unrouted.is_(True), extra.unrouted),
        (Ticket.uncertain.is_(True), extra.uncertain),
        (gave_up_a_mail(), extra.undelivered),
    ):
        if wanted is not None:
            found.append(fact if wanted else ~fact)
    return found


def pressure(sort: Sort) -> ColumnElement[int]:
    """Return by what open tickets are sorted: the less, the more they press."""
    if sort is Sort.PRIORITY:
        return case(_URGENCY, value=Ticket.priority)
    if sort is Sort.REPORTS:
        return (
            select(-func.count())
            .where(Membership.ticket_id == Ticket.id, Membership.left_at.is_(None))
            .scalar_subquery()
        )
    due_us = func.extract("epoch", Ticket.due_at) * 1_000_000
    return func.coalesce(cast(due_us, BigInteger), _NEVER)
