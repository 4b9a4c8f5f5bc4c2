"""The words of each mail: what happened, what the city says, what comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from city.models import Category, Jurisdiction, Kind, Person, Team
from geo import layers
from infra.mail import Mail
from infra.words import Reader, mark, say, say_moment
from reports import closings, relance, subscriptions, tracking
from reports.desk import colleagues
from reports.display import isolate
from reports.history import WITHDRAWN, EventKind, ground, status_text, step_text, tell
from reports.mail import asking
from reports.mail.layout import Letter, lay_out
from reports.models import Audience, Contact, Event, Message, Notice, Report, Ticket
from reports.notices import NoticeKind
from reports.resident import reading
from reports.status import Status
from reports.subscriptions import Subscription

_SUBJECTS = {
    NoticeKind.ARRIVAL: mark("New report {reference}: {category}"),
    NoticeKind.RECEIPT: mark("We have your report {reference}: {category}"),
    NoticeKind.STATUS: mark("News of your report {reference}: {category}"),
    NoticeKind.MESSAGE: mark("The reporter of {reference} wrote: {category}"),
    NoticeKind.MENTION: mark("You were mentioned: ticket {ticket}, {category}"),
    NoticeKind.WITHDRAWAL: mark("Report {reference} was withdrawn: {category}"),
    NoticeKind.QUESTION: mark("A question about your report {reference}: {category}"),
    NoticeKind.NOT_SOLVED: mark("Not solved, says the reporter of {reference}: {category}"),
    NoticeKind.JOINED: mark("News of your report {reference}: {category}"),
    NoticeKind.PARTED: mark("News of your report {reference}: {category}"),
    NoticeKind.DUE_SOON: mark("Due soon: ticket {ticket}, {category}"),
    NoticeKind.OVERDUE: mark("Overdue: ticket {ticket}, {category}"),
    NoticeKind.ESCALATED: mark("Long overdue: ticket {ticket}, {category}"),
    NoticeKind.SUBSCRIPTION: mark("Do you want the news of report {reference}: {category}?"),
    NoticeKind.NEWS: mark("News of report {reference}: {category}"),
}
_OPENINGS = {
    NoticeKind.ARRIVAL: mark("A resident sent a report that your team answers for."),
    NoticeKind.RECEIPT: mark("Thank you. Your report has arrived and went to {team}."),
    NoticeKind.STATUS: mark("There is news of your report."),
    NoticeKind.MESSAGE: mark("The reporter added a message."),
    NoticeKind.MENTION: mark("A colleague mentioned you in a note on a ticket."),
    NoticeKind.WITHDRAWAL: mark("The reporter withdrew their report; there is nothing to do."),
    NoticeKind.QUESTION: mark(
        "The city asks you something about your report, and waits for your answer. Please answer on"
        " the page of your report."
    ),
    NoticeKind.NOT_SOLVED: mark(
        "The reporter says that it is not solved, so the ticket is open again."
    ),
    NoticeKind.JOINED: mark(
        "Others reported the same thing. Your report was joined with theirs, and you go on getting"
        " its news."
    ),
    NoticeKind.PARTED: mark(
        "Your report turned out to be about something else than others, so it is now looked after"
        " by itself."
    ),
    NoticeKind.DUE_SOON: mark("The deadline of a ticket that your team answers for comes near."),
    NoticeKind.OVERDUE: mark("The deadline of a ticket that your team answers for has passed."),
    NoticeKind.ESCALATED: mark(
        "The deadline of a ticket has long passed, and it is still open. {team} answers for it."
    ),
    NoticeKind.SUBSCRIPTION: mark(
        "Somebody asked for the news of this report at your address. You get it once you confirm."
    ),
    NoticeKind.NEWS: mark("There is news of a report that you follow."),
}
_ARRIVED_AND_JOINED = mark(
    "Thank you. Your report has arrived. Others reported the same thing, so it was joined with"
    " theirs; {team} answers for it."
)
_PASSED_ON = mark("A ticket was passed on to your team.")
_AGAIN = mark("Open again: report {reference}, {category}")
_OPENED_AGAIN = mark("A ticket that your team answers for was opened again.")
_NEXT = {
    Status.RECEIVED: mark("The team will look at it next. You will get a mail when it does."),
    Status.ACCEPTED: mark("The team will plan the work next. You will get a mail when it starts."),
    Status.IN_PROGRESS: mark("You will get a mail when the work is done."),
    Status.WAITING: mark("It goes on as soon as the city has what it needs."),
    Status.RESOLVED: mark("Nothing more will follow."),
    Status.DECLINED: mark("Nothing more will follow."),
    Status.REOPENED: mark("The team will look at it again. You will get a mail when it does."),
}
_FOLLOW = mark("Follow your report")
_OPEN = mark("See the report")
_ANSWER = mark("Answer the city's question")
_QUESTION = mark("The city's question")
_REFERENCE = mark("Reference")
_TICKET = mark("Ticket")
_CATEGORY = mark("Category")
_PLACE = mark("Place")
_DISTRICT = mark("District")
_DUE = mark("Due by")
_DESCRIPTION = mark("Description")
_MESSAGE = mark("Message")
_CITY_SAYS = mark("The city's message")
_NOTE = mark("Note")
_REASON = mark("Reason")
_LABELS = {
    NoticeKind.MESSAGE: _MESSAGE,
    NoticeKind.NOT_SOLVED: _MESSAGE,
    NoticeKind.QUESTION: _QUESTION,
}
_REASONS = {NoticeKind.MENTION: _NOTE, NoticeKind.ARRIVAL: _REASON}
_CONFIRM = mark("Yes, send me the news")
_WHY_ASKED = mark("If it was not you, do nothing: your address will be forgotten.")
_WHY_SUBSCRIBER = mark(
    "You get this mail because you asked for the news of this report. To get no more: {link}"
)
_WHY = {
    Audience.REPORTER: mark("You get this mail because you left your address with your report."),
    Audience.TEAM: mark("You get this mail because {team} answers for this report."),
    Audience.DISPATCHER: mark("You get this mail because you are a dispatcher."),
    Audience.COLLEAGUE: mark("You get this mail because a colleague mentioned you."),
    # Of news, the way to end them is told instead.
    Audience.SUBSCRIBER: _WHY_ASKED,
}


_STEPS = {EventKind.PLANNED.value, EventKind.THIRD_PARTY.value, EventKind.NEWS.value}
_STAFF = {one.value for one in (Audience.TEAM, Audience.DISPATCHER, Audience.COLLEAGUE)}


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that a letter may speak of."""

    notice: Notice
    report: Report
    ticket: Ticket
    category: Category
    team: Team
    jurisdiction: Jurisdiction
    district: str | None
    event: Event
    message: Message | None
    shown: bool
    asked: bool

    @property
    def reader(self) -> Reader:
        """Return who the letter is for, as far as words go."""
        return Reader(self.notice.locale, self.jurisdiction.locales)

    @property
    def for_staff(self) -> bool:
        """Tell whether somebody of the city reads it."""
        return self.notice.audience in _STAFF

    @property
    def status(self) -> Status:
        """Return where the work stood once the event had happened."""
        return Status(self.event.data.get("to", self.ticket.status))

    @property
    def only_asks(self) -> bool:
        """Tell whether the letter asks something, and tells of no step."""
        return self.notice.kind in {NoticeKind.QUESTION.value, NoticeKind.SUBSCRIPTION.value}

    @property
    def body(self) -> str | None:
        """Return what was written to the reporters."""
        return self.message.body if self.message else None

    @property
    def named(self) -> str | None:
        """Return the words that say to whom the work was handed, where only they know."""
        handed = self.event.kind == EventKind.THIRD_PARTY.value
        return isolate(self.body) if handed and self.body else None

    @property
    def withdrawn(self) -> bool:
        """Tell whether the event was the reporter's withdrawal."""
        return self.event.data.get("code") == WITHDRAWN


def compose(session: Session, notice: Notice, to: str, public_url: str, secret_key: str) -> Mail:
    """Write the notice's mail to the address."""
    case = _gather(session, notice)
    letter = _write(case, _link(case, public_url, secret_key))
    if notice.subscription_id is not None:
        letter = _to_subscriber(case, letter, public_url, secret_key)
    elif case.asked:
        letter = _asking(case, letter, public_url, secret_key)
    return lay_out(letter, to, f"<{notice.message_key}@{urlsplit(public_url).hostname}>")


def recipient(session: Session, notice: Notice) -> str | None:
    """Return the address as it stands now, or None when nobody is to be told any more.

    Who only follows a report is told of it as long as everybody may see it.
    """
    if relance.is_moot(session, notice):
        return None
    if notice.audience == Audience.TEAM.value:
        return session.scalar(select(Team.email).where(Team.id == notice.team_id))
    if notice.audience == Audience.DISPATCHER.value:
        in_use = (Person.id == notice.person_id) & Person.retired_at.is_(None)
        return session.scalar(select(Person.email).where(in_use))
    if notice.audience == Audience.COLLEAGUE.value:
        return colleagues.address(session, notice)
    if notice.audience == Audience.SUBSCRIBER.value:
        public = reading.is_public(session, session.get_one(Report, notice.report_id))
        follower = session.get_one(Subscription, notice.subscription_id)
        return follower.email if public else None
    return session.scalar(select(Contact.email).where(Contact.report_id == notice.report_id))


def _gather(session: Session, notice: Notice) -> _Case:
    report, ticket, category, team, jurisdiction = session.execute(
        select(Report, Ticket, Category, Team, Jurisdiction)
        .select_from(Report)
        .join(Ticket, Ticket.id == notice.ticket_id)
        .join(Category, Category.id == Ticket.category_id)
        .join(Team, Team.id == Ticket.team_id)
        .join(Jurisdiction, Jurisdiction.id == Report.jurisdiction_id)
        .where(Report.id == notice.report_id)
    ).one()
    named = layers.district_names(session, [ticket.district_id] if ticket.district_id else [])
    reader = Reader(notice.locale, jurisdiction.locales)
    district = next((reader.name(names) for _, names in named.values()), None)
    event, message = session.execute(
        select(Event, Message)
        .outerjoin(Message, Message.id == Event.message_id)
        .where(Event.ticket_id == notice.ticket_id, Event.seq == notice.seq)
    ).one()
    shown = reading.is_public(session, report)
    for_reporter = notice.audience == Audience.REPORTER.value
    asked = for_reporter and closings.is_asked(session, report.id, event)
    return _Case(
        *(notice, report, ticket, category, team, jurisdiction, district, event, message, shown),
        asked=asked,
    )


def _write(case: _Case, link: str | None) -> Letter:
    locale = case.notice.locale
    kind = NoticeKind(case.notice.kind)
    team = case.reader.name(case.team.names)
    category = case.reader.name(case.category.names)
    return Letter(
        locale=locale,
        city=case.reader.name(case.jurisdiction.names),
        subject=say(
            locale,
            _subject(case, kind),
            reference=case.report.reference,
            ticket=case.ticket.reference,
            category=category,
        ),
        paragraphs=(say(locale, _opening(case, kind), team=team), *_news(case)),
        quotes=_quotes(case, kind),
        facts=_facts(case),
        link=link,
        link_label=say(locale, _link_label(kind, for_staff=case.for_staff)),
        footer=say(locale, _WHY[Audience(case.notice.audience)], team=team),
    )


def _subject(case: _Case, kind: NoticeKind) -> str:
    return _AGAIN if _is_opened_again(case, kind) else _SUBJECTS[kind]


def _opening(case: _Case, kind: NoticeKind) -> str:
    if kind is NoticeKind.RECEIPT and case.event.kind == EventKind.JOINED.value:
        return _ARRIVED_AND_JOINED
    if kind is NoticeKind.ARRIVAL and case.event.kind == EventKind.ROUTED.value:
        return _PASSED_ON
    return _OPENED_AGAIN if _is_opened_again(case, kind) else _OPENINGS[kind]


def _is_opened_again(case: _Case, kind: NoticeKind) -> bool:
    return kind is NoticeKind.ARRIVAL and case.event.kind == EventKind.STATUS.value


def _link_label(kind: NoticeKind, *, for_staff: bool) -> str:
    if kind is NoticeKind.QUESTION:
        return _ANSWER
    return _OPEN if for_staff else _FOLLOW


def _to_subscriber(case: _Case, letter: Letter, public_url: str, secret_key: str) -> Letter:
    """Return the letter with what somebody needs to confirm or to end their subscription."""
    token = subscriptions.token(secret_key, case.notice.subscription_id or 0)
    own, locale = f"{public_url}/s/{token}", case.notice.locale
    if case.notice.kind == NoticeKind.NEWS.value:
        end = f"{own}/end"
        return replace(letter, footer=say(locale, _WHY_SUBSCRIBER, link=end), unsubscribe=end)
    return replace(
        letter, link=own, link_label=say(locale, _CONFIRM), footer=say(locale, _WHY_ASKED)
    )


def _asking(case: _Case, letter: Letter, public_url: str, secret_key: str) -> Letter:
    """Return the letter with the question whether it is solved."""
    page = f"{public_url}/r/{case.report.reference}"
    token = tracking.issue(secret_key, case.report.reference)
    question = asking.question(
        case.notice.locale,
        case.jurisdiction,
        page,
        token,
        closed_at=case.ticket.closed_at or case.event.at,
        declined=case.status is Status.DECLINED,
    )
    return replace(letter, paragraphs=(*letter.paragraphs, question.text), choices=question.choices)


def _news(case: _Case) -> tuple[str, ...]:
    """Return where the work stood at the event and what happens next, for the reporter."""
    if case.for_staff or case.only_asks:
        return ()
    locale = case.notice.locale
    if case.event.kind in _STEPS:
        stands = tell(case.event.kind, case.event.data, case.named, case.reader)
        waits = case.event.kind == EventKind.THIRD_PARTY.value
        return (stands, say(locale, _NEXT[Status.WAITING])) if waits else (stands,)
    stands = _stands(case)
    if case.withdrawn or case.asked or case.ticket.kind == Kind.COMPLIMENT.value:
        return (stands,)
    return (stands, say(locale, _NEXT[case.status]))


def _stands(case: _Case) -> str:
    locale, kind = case.notice.locale, Kind(case.ticket.kind)
    if "to" in case.event.data:
        return step_text(locale, case.event.data, kind=kind)
    return status_text(locale, case.status, kind=kind, withdrawn=case.withdrawn)


def _quotes(case: _Case, kind: NoticeKind) -> tuple[tuple[str, str], ...]:
    locale = case.notice.locale
    quotes = []
    reason = ground(case.event, case.message)
    if kind in _REASONS and reason is not None:
        quotes.append((say(locale, _REASONS[kind]), isolate(reason)))
    if case.body and kind is not NoticeKind.SUBSCRIPTION and not case.named:
        label = _LABELS.get(kind, _CITY_SAYS)
        quotes.append((say(locale, label), isolate(case.body)))
    if kind in {NoticeKind.ARRIVAL, NoticeKind.RECEIPT} and case.report.description:
        quotes.append((say(locale, _DESCRIPTION), isolate(case.report.description)))
    return tuple(quotes)


def _facts(case: _Case) -> tuple[tuple[str, str], ...]:
    locale = case.notice.locale
    # The team goes where the dispatcher says it is, the reporter said where they saw it.
    told = case.ticket if case.for_staff else case.report
    place = told.location
    facts = [(_REFERENCE, case.report.reference)]
    if case.for_staff:
        facts.append((_TICKET, case.ticket.reference))
    facts.append((_CATEGORY, case.reader.name(case.category.names)))
    spot = f"{place.latitude:.5f}, {place.longitude:.5f}"
    facts.append((_PLACE, isolate(told.address or spot)))
    if case.district is not None:
        facts.append((_DISTRICT, case.district))
    running = case.ticket.closed_at is None and case.ticket.paused_at is None
    if case.ticket.due_at is not None and running:
        facts.append((_DUE, say_moment(locale, case.ticket.due_at, case.jurisdiction.time_zone)))
    return tuple((say(locale, label), value) for label, value in facts)


def _link(case: _Case, public_url: str, secret_key: str) -> str | None:
    """Return the page's address.

    With the reporter's token it shows what the public may not see, and takes an answer.
    """
    link = f"{public_url}/r/{case.report.reference}"
    if case.shown and case.notice.kind != NoticeKind.QUESTION.value:
        return link
    if case.for_staff:
        return None
    return f"{link}?token={tracking.issue(secret_key, case.report.reference)}"
