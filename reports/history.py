"""A ticket's history: appending events, and telling them in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from city.models import Kind
from infra.words import Reader, mark, say
from reports import wording
from reports.link_models import LinkFailure
from reports.models import Audience, Author, Event, Message, Ticket
from reports.status import Status


class EventKind(StrEnum):
    """What can happen to a ticket."""

    RECEIVED = "received"
    JOINED = "joined"
    LEFT = "left"
    MERGED = "merged"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    PARTED = "parted"
    ROUTED = "routed"
    CHANGED = "changed"
    STATUS = "status"
    PLANNED = "planned"
    THIRD_PARTY = "third_party"
    MESSAGE = "message"
    QUESTION = "question"
    NEWS = "news"
    FEEDBACK = "feedback"
    HANDED_BACK = "handed_back"
    NOTE = "note"
    HIDDEN = "hidden"
    SHOWN = "shown"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    PHOTO_ADDED = "photo_added"
    PHOTO_HIDDEN = "photo_hidden"
    PHOTO_SHOWN = "photo_shown"
    PHOTO_FAILED = "photo_failed"
    WORK_PHOTO_ADDED = "work_photo_added"
    PHOTO_FLAGGED = "photo_flagged"
    FLAG_CLEARED = "flag_cleared"
    NOTICE_FAILED = "notice_failed"
    CONTACT_REMOVED = "contact_removed"
    ANONYMISED = "anonymised"


PUBLIC_KINDS = frozenset(
    {
        EventKind.RECEIVED,
        EventKind.JOINED,
        EventKind.MOVED_IN,
        EventKind.PARTED,
        EventKind.ROUTED,
        EventKind.STATUS,
        EventKind.PLANNED,
        EventKind.THIRD_PARTY,
        EventKind.QUESTION,
        EventKind.NEWS,
        EventKind.PHOTO_ADDED,
        EventKind.WORK_PHOTO_ADDED,
    }
)

STATUS_TEXTS = {
    Status.RECEIVED: mark("Received: the city has your report and will look at it."),
    Status.ACCEPTED: mark("Accepted: the team has taken it on and will plan the work."),
    Status.IN_PROGRESS: mark("In progress: the team is working on it."),
    Status.WAITING: mark("Waiting: the city needs something before it can go on."),
    Status.RESOLVED: mark("Resolved: the city has dealt with it."),
    Status.DECLINED: mark("Closed without work by the city."),
    Status.REOPENED: mark("Reopened: the city will look at it again."),
}
STATUS_NAMES = {
    Status.RECEIVED: mark("received"),
    Status.ACCEPTED: mark("accepted"),
    Status.IN_PROGRESS: mark("in progress"),
    Status.WAITING: mark("waiting"),
    Status.RESOLVED: mark("resolved"),
    Status.DECLINED: mark("declined"),
    Status.REOPENED: mark("reopened"),
}
WITHDRAWN_TEXT = mark("Withdrawn by the person who reported it.")
NOT_SOLVED_TEXT = mark("Reopened: somebody who reported it says that it is not solved.")
THANKS_TEXT = mark("Thank you: your compliment was passed on to the team.")

_KIND_TEXTS = {
    EventKind.RECEIVED: mark("The report was received."),
    EventKind.JOINED: mark("Another report about the same thing was added."),
    EventKind.MERGED: mark("It was merged into {ticket}."),
    EventKind.MOVED_IN: mark("Another report about the same thing was added."),
    EventKind.MOVED_OUT: mark("A report was moved to another ticket."),
    EventKind.PARTED: mark("The report got a ticket of its own."),
    EventKind.LEFT: mark("A report about the same thing was withdrawn."),
    EventKind.ROUTED: mark("It was sent to {team}."),
    EventKind.CHANGED: mark("It was changed: {fields}."),
    EventKind.PLANNED: mark("The work is no longer planned for a certain day."),
    EventKind.THIRD_PARTY: mark("It was handed to somebody outside the city's teams."),
    EventKind.MESSAGE: mark("The reporter wrote a message."),
    EventKind.QUESTION: mark("The city asked the reporter a question."),
    EventKind.NEWS: mark("The city has news of it."),
    EventKind.HANDED_BACK: mark("The team handed it back: it is not theirs."),
    EventKind.NOTE: mark("A note was written."),
    EventKind.DUE_SOON: mark("The team was told that the deadline comes near."),
    EventKind.OVERDUE: mark("The team was told that the deadline has passed."),
    EventKind.ESCALATED: mark("The dispatchers were told that the deadline has long passed."),
    EventKind.PHOTO_ADDED: mark("A photo was added."),
    EventKind.HIDDEN: mark("A report was hidden from the public."),
    EventKind.SHOWN: mark("A report is shown to the public again."),
    EventKind.PHOTO_HIDDEN: mark("A photo was hidden from the public."),
    EventKind.PHOTO_SHOWN: mark("A photo is shown to the public again."),
    EventKind.PHOTO_FAILED: mark("A photo could not be processed."),
    EventKind.WORK_PHOTO_ADDED: mark("The city added a photo of the work."),
    EventKind.PHOTO_FLAGGED: mark("Something about a photo of the work looks odd."),
    EventKind.FLAG_CLEARED: mark(
        "A dispatcher looked at a photo of the work and left it as it is."
    ),
    EventKind.NOTICE_FAILED: mark("An e-mail could not be delivered."),
    EventKind.CONTACT_REMOVED: mark("The reporter removed their contact details."),
    EventKind.ANONYMISED: mark("What tied the report to a person was removed."),
}

_FEEDBACK_TEXTS = {
    True: mark("The reporter says that it is solved."),
    False: mark("The reporter says that it is not solved."),
}
_PLANNED = mark("The work is planned for {day}.")
_HANDED = mark("It was handed to {name}.")
_HANDED_UNTIL = mark("It was handed to {name}, who should see to it by {day}.")

FIELD_TEXTS = {
    "category": mark("category"),
    "location": mark("place"),
    "address": mark("address"),
    "priority": mark("priority"),
    "team": mark("team"),
    "assignee": mark("person in charge"),
    "district": mark("district"),
    "due_at": mark("deadline"),
}

# Events from before it was written down whose mail it was have the text of their kind.
_UNDELIVERED_TEXTS = {
    Audience.TEAM: mark("An e-mail to the team could not be delivered."),
    Audience.REPORTER: mark("An e-mail to the reporter could not be delivered."),
    **dict.fromkeys(
        (Audience.DISPATCHER, Audience.COLLEAGUE),
        mark("An e-mail to one of the city's people could not be delivered."),
    ),
}

# Why no photo came of an address that was sent for one; others have the text of their kind.
_UNFETCHED_TEXTS = {
    LinkFailure.NOT_FETCHED: mark("A photo could not be fetched from the address sent for it."),
    LinkFailure.NO_PHOTO: mark("At an address that was sent for a photo there is none to be used."),
    LinkFailure.TOO_MANY: mark("A photo was left out: the report has as many as it may have."),
    LinkFailure.WITHDRAWN: mark("A photo was left out: its report was withdrawn."),
}

# Who comes to a ticket reads there what others were told before; why they were is another story.
_REPEATING = frozenset({EventKind.MOVED_IN, EventKind.PARTED})

WITHDRAWN = "withdrawn"
NOT_SOLVED = "not_solved"


def append(
    session: Session,
    ticket: Ticket,
    kind: EventKind,
    now: datetime,
    *,
    author: Author,
    person_id: int | None = None,
    report_id: int | None = None,
    message: Message | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Write the next line of the ticket's history, which gives the ticket its next version.

    The caller holds the ticket's row lock.
    """
    if message is not None:
        session.add(message)
        session.flush()
    event = next_line(
        ticket,
        kind,
        now,
        author=author,
        person_id=person_id,
        report_id=report_id,
        message_id=message.id if message else None,
        data=data,
    )
    session.add(event)
    return event


def next_line(
    ticket: Ticket,
    kind: EventKind,
    now: datetime,
    *,
    author: Author,
    person_id: int | None = None,
    report_id: int | None = None,
    message_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Give the ticket its next version and return the line, to be written with the ticket."""
    ticket.version += 1
    ticket.updated_at = now
    # Whatever happens may bring new words, so retention has to pass over the ticket again.
    ticket.retained_text = None
    return Event(
        jurisdiction_id=ticket.jurisdiction_id,
        ticket_id=ticket.id,
        seq=ticket.version,
        at=now,
        kind=kind.value,
        public=kind in PUBLIC_KINDS,
        author=author.value,
        person_id=person_id,
        report_id=report_id,
        message_id=message_id,
        data=data or {},
    )


def ground(event: Event, message: Message | None) -> str | None:
    """Return why it was done in the words of who did it, by the event and its message."""
    if message is None or EventKind(event.kind) in _REPEATING:
        return None
    return message.reason or None


def status_text(locale: str, status: Status, *, kind: Kind, withdrawn: bool) -> str:
    """Say in plain words where the work stands."""
    if status is Status.DECLINED and withdrawn:
        return say(locale, WITHDRAWN_TEXT)
    if status is Status.RESOLVED and kind is Kind.COMPLIMENT:
        return say(locale, THANKS_TEXT)
    return say(locale, STATUS_TEXTS[status])


def step_text(locale: str, data: Mapping[str, Any], *, kind: Kind) -> str:
    """Say in plain words where a step brought the work, by the data of its event."""
    code = data.get("code")
    if code == NOT_SOLVED:
        return say(locale, NOT_SOLVED_TEXT)
    return status_text(locale, Status(data["to"]), kind=kind, withdrawn=code == WITHDRAWN)


def tell(code: str, data: Mapping[str, Any], body: str | None, reader: Reader) -> str:
    """Say in words what an event of that kind and with such data was."""
    kind = EventKind(code)
    if kind is EventKind.STATUS:
        told = step_text(reader.locale, data, kind=Kind(data["kind"]))
        return f"{told} {body}" if body else told
    if kind is EventKind.FEEDBACK:
        return reader.say(_FEEDBACK_TEXTS[data["satisfied"]])
    if kind is EventKind.ROUTED:
        return reader.say(_KIND_TEXTS[kind], team=team_name(data, reader))
    if kind in _TELLING:
        return _TELLING[kind](data, body, reader)
    if kind is EventKind.MERGED:
        into: str = data["ticket"]
        return reader.say(_KIND_TEXTS[kind], ticket=into)
    if kind is EventKind.CHANGED:
        changed = ", ".join(reader.say(FIELD_TEXTS[field]) for field in data["changes"])
        return reader.say(_KIND_TEXTS[kind], fields=changed)
    if kind is EventKind.NOTICE_FAILED and "audience" in data:
        return reader.say(_UNDELIVERED_TEXTS[Audience(data["audience"])])
    return reader.say(_KIND_TEXTS[kind])


def team_name(data: Mapping[str, Any], reader: Reader) -> str:
    """Return what the team is called that an event's data name."""
    team = data["team"]
    # Events from before the code was kept too have the names alone.
    return reader.name(team.get("names", team))


def _planned(data: Mapping[str, Any], body: str | None, reader: Reader) -> str:
    when = data["planned"]
    if when is None:
        told = reader.say(_KIND_TEXTS[EventKind.PLANNED])
    else:
        told = reader.say(_PLANNED, day=wording.say_when(reader.locale, when))
    return f"{told} {body}" if body else told


def _handed(data: Mapping[str, Any], body: str | None, reader: Reader) -> str:
    """Say to whom it was handed; who is in no list of the city's is named in the message."""
    if "third_party" in data:
        name = reader.name(data["third_party"]["names"])
        return handed_to(reader.locale, name, data.get("expected"))
    return body or reader.say(_KIND_TEXTS[EventKind.THIRD_PARTY])


def _photo_failed(data: Mapping[str, Any], _body: str | None, reader: Reader) -> str:
    reason: Any = data.get("reason")
    return reader.say(_UNFETCHED_TEXTS.get(reason, _KIND_TEXTS[EventKind.PHOTO_FAILED]))


def handed_to(locale: str, name: str, expected: str | None) -> str:
    """Say that the work was handed to somebody, who is expected to have done it at that time."""
    if expected is None:
        return say(locale, _HANDED, name=name)
    day = wording.say_when(locale, expected.partition("T")[0])
    return say(locale, _HANDED_UNTIL, name=name, day=day)


def _news(_data: Mapping[str, Any], body: str | None, reader: Reader) -> str:
    return body or reader.say(_KIND_TEXTS[EventKind.NEWS])


_TELLING = {
    EventKind.PLANNED: _planned,
    EventKind.THIRD_PARTY: _handed,
    EventKind.NEWS: _news,
    EventKind.PHOTO_FAILED: _photo_failed,
}
