"""What residents and staff of the demo city do, each through the same door as everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from city.models import Channel, Jurisdiction
from city.staff import Staff
from geo.coordinates import METRES_PER_DEGREE, Position
from reports import gallery, intake, moderation, relance
from reports.demo import pictures
from reports.demo.stage import Deed, Picture, Stage
from reports.demo.words import Reply
from reports.desk import (
    colleagues,
    flags,
    handing_back,
    handling,
    joining,
    planning,
    questions,
    taking,
    third_parties,
    triage,
    work_photos,
)
from reports.desk.handling import Step
from reports.desk.planning import Plan
from reports.desk.third_parties import Handing
from reports.desk.triage import Wanted
from reports.imaging import origin
from reports.intake import NewReport, Recorder
from reports.models import Photo, Report, Ticket, Visibility
from reports.purposes import Purpose
from reports.resident import conversation, feedback, subscribing, supporting
from reports.status import Status
from reports.subscriptions import Subscription

# Whoever supports a report is nobody, so what tells them apart needs no secret.
_OF_NOBODY = "residents of the demo city"


@dataclass(frozen=True, slots=True)
class Shot:
    """How a picture of the work was taken: so far from the pin, so long before it was added."""

    away_m: float = 12
    ago: timedelta = timedelta(minutes=1)


_ORDINARY = Shot()


def send(key: str, new: NewReport, same_as: str | None = None) -> Deed:
    """Have a report sent; `same_as` is the key of another that is about the same."""

    def deed(stage: Stage, at: datetime) -> None:
        desk_of = stage.cast.dispatcher
        known = stage.ticket(same_as).reference if same_as else None
        recorder = Recorder(desk_of.jurisdiction_id, desk_of.person_id)
        recorded = new.channel is not Channel.APP
        full = replace(new, same_as=known, recorder=recorder if recorded else None)
        taken = intake.submit(stage.session, full, at)
        stage.reports[key] = stage.session.get_one(Report, taken.report.id)

    return deed


def photograph(key: str, picture: Picture) -> Deed:
    """Have a picture added to the report, if it was drawn."""

    def deed(stage: Stage, at: datetime) -> None:
        if picture not in stage.drawn:
            return
        data, rendering = stage.drawn[picture].result()
        session, report = stage.session, stage.reports[key]
        upload = gallery.receive(uuid4(), data)
        original = gallery.original_key(report.id, upload.name)
        stage.storage.put(original, data, upload.facts.media_type)
        photo, _ = gallery.add(session, report, upload, at)
        claimed = gallery.claim(session, photo.id, at, lease_s=1)
        if claimed is not None:
            gallery.publish(stage.storage, photo, rendering)
            gallery.record_ready(session, claimed, rendering, at)

    return deed


def prove(key: str, picture: Picture, purpose: Purpose, shot: Shot = _ORDINARY) -> Deed:
    """Have who works on the ticket add a picture of the work, if it was drawn."""

    def deed(stage: Stage, at: datetime) -> None:
        if picture not in stage.drawn:
            return
        data, rendering = stage.drawn[picture].result()
        session, ticket = stage.session, stage.ticket(key)
        pin = ticket.location
        stood = Position(pin.latitude + shot.away_m / METRES_PER_DEGREE, pin.longitude)
        data = pictures.taken(data, stood, at - shot.ago)
        upload = gallery.receive(uuid4(), data)
        original = gallery.key_of_work(ticket.id, upload.name)
        stage.storage.put(original, data, upload.facts.media_type)
        staff, where = stage.cast.worker(ticket), origin.read(data)
        photo, _ = work_photos.add(session, staff, ticket.id, purpose, upload, where, at)
        claimed = gallery.claim(session, photo.id, at, lease_s=1)
        if claimed is not None:
            gallery.publish(stage.storage, photo, rendering)
            flags.record_ready(session, claimed, rendering, at)

    return deed


def clear(key: str, reason: str) -> Deed:
    """Have the dispatcher find nothing wrong with the pictures of the work on the ticket."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        for photo in stage.session.scalars(select(Photo).where(Photo.ticket_id == ticket.id)):
            flags.clear(stage.session, stage.cast.dispatcher, photo, reason, at)

    return deed


def move(key: str, to: Status, reply: Reply, *, by_dispatcher: bool = False) -> Deed:
    """Have the ticket's status changed, by its team unless the dispatcher does it."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        staff = stage.cast.dispatcher if by_dispatcher else stage.cast.worker(ticket)
        step = Step(to, reply.reason, reply.message)
        handling.transition(stage.session, staff, ticket.id, ticket.version, step, at)

    return deed


def assign(key: str) -> Deed:
    """Have the team's lead give the ticket to whoever works on it."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        wanted = Wanted(assignee=stage.cast.worker(ticket).email)
        _change(stage, stage.cast.lead(ticket), ticket, wanted, None, at)

    return deed


def take(key: str) -> Deed:
    """Have who works on such tickets make it their own."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        staff = stage.cast.worker(ticket)
        taking.take(stage.session, staff, ticket.id, ticket.version, at)

    return deed


def plan(key: str, when: datetime, message: str | None, *, timed: bool) -> Deed:
    """Have the team plan the work for that day, or for the half hour that it lies in."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        zone = stage.session.get_one(Jurisdiction, ticket.jurisdiction_id).time_zone
        local = when.astimezone(ZoneInfo(zone))
        half_hour = local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)
        wanted = Plan(at=half_hour) if timed else Plan(on=local.date())
        staff = stage.cast.worker(ticket)
        planning.plan(stage.session, staff, ticket.id, ticket.version, wanted, message, at)

    return deed


def hand_over(key: str, code: str, reason: str, ahead: timedelta) -> Deed:
    """Have the team hand the ticket to a third party, who should be done so far ahead."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        handing = Handing(reason=reason, code=code, expected_at=at + ahead)
        staff = stage.cast.worker(ticket)
        third_parties.hand_over(stage.session, staff, ticket.id, ticket.version, handing, at)

    return deed


def answer(key: str, *, satisfied: bool, comment: str | None) -> Deed:
    """Have the reporter say whether it is solved."""

    def deed(stage: Stage, at: datetime) -> None:
        report = stage.reports[key]
        feedback.give(stage.session, report, satisfied=satisfied, comment=comment, now=at)

    return deed


def change(key: str, wanted: Wanted, reason: str | None) -> Deed:
    """Have the dispatcher change the ticket."""

    def deed(stage: Stage, at: datetime) -> None:
        _change(stage, stage.cast.dispatcher, stage.ticket(key), wanted, reason, at)

    return deed


def ask(key: str, text: str) -> Deed:
    """Have the team ask the reporter."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        questions.ask(stage.session, stage.cast.worker(ticket), ticket.id, text, at)

    return deed


def note(key: str, text: str, *, to_lead: bool = False) -> Deed:
    """Have the team write a note, which may mention who leads the team."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        staff, lead = stage.cast.worker(ticket), stage.cast.lead(ticket)
        mentions = [lead.person_id] if to_lead and lead != staff else []
        colleagues.write_note(stage.session, staff, ticket.id, text, mentions, at)

    return deed


def hand_back(key: str, reason: str) -> Deed:
    """Have the team give the ticket back."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket = stage.ticket(key)
        staff = stage.cast.worker(ticket)
        handing_back.hand_back(stage.session, staff, ticket.id, ticket.version, reason, at)

    return deed


def merge(key: str, into: str) -> Deed:
    """Have the dispatcher join the ticket to another one."""

    def deed(stage: Stage, at: datetime) -> None:
        ticket, target = stage.ticket(key), stage.ticket(into)
        who = stage.cast.dispatcher
        joining.merge(stage.session, who, ticket.id, ticket.version, target.reference, at)

    return deed


def hide(key: str, reason: str) -> Deed:
    """Have the dispatcher hide the report."""

    def deed(stage: Stage, at: datetime) -> None:
        report, who = stage.reports[key], stage.cast.dispatcher
        moderation.set_report(stage.session, who, report, Visibility.HIDDEN, reason, at)

    return deed


def write(key: str, text: str) -> Deed:
    """Have the reporter write."""

    def deed(stage: Stage, at: datetime) -> None:
        conversation.write_message(stage.session, stage.reports[key], text, at)

    return deed


def withdraw(key: str) -> Deed:
    """Have the reporter take the report back."""

    def deed(stage: Stage, at: datetime) -> None:
        conversation.withdraw(stage.session, stage.reports[key], at)

    return deed


def support(key: str, address: str) -> Deed:
    """Have somebody say "me too"."""

    def deed(stage: Stage, at: datetime) -> None:
        reference = stage.ticket(key).reference
        supporting.support(stage.session, reference, address, _OF_NOBODY, at)

    return deed


def subscribe(key: str, email: str, locale: str) -> Deed:
    """Have somebody ask for the news of the ticket, and confirm it some minutes later."""

    def deed(stage: Stage, at: datetime) -> None:
        reference = stage.ticket(key).reference
        subscribing.subscribe(stage.session, reference, email, locale, at)
        for one in stage.session.scalars(select(Subscription).where(Subscription.email == email)):
            subscribing.confirm(one, at + timedelta(minutes=4))

    return deed


def watch_deadlines(stage: Stage, at: datetime) -> None:
    """Tell of the deadlines that come near or have passed."""
    while relance.run_batch(stage.session, stage.cast.dispatcher.jurisdiction_id, at):
        stage.session.flush()


def _change(
    stage: Stage, staff: Staff, ticket: Ticket, wanted: Wanted, reason: str | None, at: datetime
) -> None:
    triage.change(stage.session, staff, ticket.id, ticket.version, wanted, reason, at)
