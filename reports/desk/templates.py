"""Answer templates: which ones fit a ticket, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from city import placeholders
from city.desk_models import AnswerTemplate
from city.models import Category, Jurisdiction, Team
from city.placeholders import Place
from geo.models import District
from infra.words import Reader
from reports import wording
from reports.display import isolate
from reports.models import Ticket
from reports.status import Status


class UnfitTemplate(Exception):
    """The city has no such template for the step, or the ticket lacks what it speaks of."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A template that fits a ticket; `missing` are the places that nothing could fill.

    `texts` are in the reporters' languages, None where something is missing, and `text` is the one
    in the language in which all of them are written to.
    """

    code: str
    name: str
    status: str | None
    language: str
    text: str | None
    texts: Mapping[str, str | None]
    missing: Sequence[str]


@dataclass(frozen=True)
class _Facts:
    """What can be said of a ticket."""

    session: Session
    ticket: Ticket

    @cached_property
    def city(self) -> Jurisdiction:
        return self.session.get_one(Jurisdiction, self.ticket.jurisdiction_id)

    @cached_property
    def languages(self) -> list[str]:
        return wording.languages(self.session, self.ticket, self.city.locales)

    def values(self, locale: str) -> dict[Place, str]:
        """Return what fills the places, but for those of which the ticket has nothing."""
        ticket, reader = self.ticket, Reader(locale, self.city.locales)
        district = self.session.get(District, ticket.district_id) if ticket.district_id else None
        found = {
            Place.REFERENCE: ticket.reference,
            Place.CATEGORY: reader.name(self.session.get_one(Category, ticket.category_id).names),
            Place.DISTRICT: reader.name(district.names) if district else None,
            Place.ADDRESS: ticket.address,
            Place.TEAM: reader.name(self.session.get_one(Team, ticket.team_id).names),
            Place.CITY: reader.name(self.city.names),
            Place.DUE: self._when(locale, ticket.due_at),
            Place.PLANNED: self._when(locale, ticket.planned_on or ticket.planned_at),
        }
        return {place: isolate(value) for place, value in found.items() if value}

    def _when(self, locale: str, when: date | None) -> str | None:
        return wording.say_planned(locale, when, self.city.time_zone) if when else None

    def told(self, template: AnswerTemplate, locale: str) -> str | None:
        """Return what the template says in the language, None where something is missing."""
        language = wording.spoken(template.texts, locale, self.city.locales)
        text, values = template.texts[language], self.values(language)
        if any(place not in values for place in placeholders.places(text)):
            return None
        return placeholders.fill(text, values)

    def missing(self, template: AnswerTemplate) -> list[str]:
        """Return the places that nothing could fill."""
        text = template.texts[wording.spoken(template.texts, self.languages[0], self.city.locales)]
        values = self.values(self.languages[0])
        return [place.value for place in placeholders.places(text) if place not in values]


def offered(session: Session, ticket: Ticket, status: Status | None, locale: str) -> list[Offer]:
    """Return the templates for the ticket's category and the step, in the city's order.

    Without a status, those for every step are among them.
    """
    facts = _Facts(session, ticket)
    language = facts.languages[0]
    offers = []
    for template in _fitting(session, ticket, status):
        texts = {one: facts.told(template, one) for one in facts.languages}
        offers.append(
            Offer(
                code=template.code,
                name=Reader(locale, facts.city.locales).name(template.names),
                status=template.status,
                language=language,
                text=texts[language],
                texts=texts,
                missing=facts.missing(template),
            )
        )
    return offers


def render(session: Session, ticket: Ticket, code: str, status: Status) -> str:
    """Return what the template says to the ticket's reporters, or raise UnfitTemplate."""
    facts = _Facts(session, ticket)
    found = {one.code: one for one in _fitting(session, ticket, status)}.get(code)
    text = facts.told(found, facts.languages[0]) if found else None
    if text is None:
        raise UnfitTemplate(code)
    return text


def _fitting(session: Session, ticket: Ticket, status: Status | None) -> Sequence[AnswerTemplate]:
    query = select(AnswerTemplate).where(
        AnswerTemplate.jurisdiction_id == ticket.jurisdiction_id,
        AnswerTemplate.retired_at.is_(None),
        or_(AnswerTemplate.category_id.is_(None), AnswerTemplate.category_id == ticket.category_id),
    )
    if status is not None:
        query = query.where(
            or_(AnswerTemplate.status.is_(None), AnswerTemplate.status == status.value)
        )
    return session.scalars(query.order_by(AnswerTemplate.position, AnswerTemplate.code)).all()
