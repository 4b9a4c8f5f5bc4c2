"""What a client sends: a form becomes a report, by the rules that hold for every report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Response
from marshmallow import ValidationError
from werkzeug.urls import iri_to_uri

from api import clients, forms, messages, pictures
from api.bodies import (
    BadInput,
    BodyTooLarge,
    FormTooLarge,
    MalformedBody,
    UnsupportedBody,
    reads_up_to,
)
from api.callers import NotAuthenticated
from api.clients import MOST_BYTES
from api.declarations import raises
from api.fields import MAX_LINE, Text
from api.forms import MULTIPART_ROOM, Form
from api.open311 import formats, parameters
from api.open311.blueprint import V2, route
from api.open311.parameters import TOO_LONG, Parameters, lines, refuse
from api.pictures import Original
from api.problems import Fault
from api.schemas.reports import MAX_ANSWERS, NewReportSchema
from api.services import commit, db, locale, release, services
from api.views.reports import OF_INTAKE
from city import addresses, categories
from city.categories import CatalogueEntry, UnknownCategory
from city.keys import Client
from city.models import Jurisdiction, Kind, QuestionType
from city.unfit import Unfit
from infra.clock import now
from infra.storage import StorageError
from infra.words import mark, say
from reports import gallery, intake
from reports.exchange import links, next_steps
from reports.gallery import MAX_PHOTOS, TooManyPhotos
from reports.imaging.formats import UnusablePhoto
from reports.intake import NewReport, Sender
from reports.models import Report
from reports.resident import reading
from reports.webhooks.endpoints import Reachable

NO_SERVICE = mark("Expected the code of a service.")
NO_PLACE = mark("Expected lat and long, address_string or address_id.")
NO_ADDRESS = mark("The city knows no such address. Please send lat and long with it.")
_TOO_MANY = mark("Expected at most 50 attributes.")
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]+)\](?:\[\d*\])?")


class _ReportSchema(NewReportSchema):
    """A native report, but that it may be without words: its service says what it is about."""

    description = Text(required=True, may_be_blank=True)


_REPORT = _ReportSchema()


@route(f"{V2}/requests", "POST")
@reads_up_to(MOST_BYTES + MULTIPART_ROOM)
@raises(
    *(NotAuthenticated, BadInput, BodyTooLarge, FormTooLarge, MalformedBody, UnsupportedBody),
    *OF_INTAKE,
    *gallery.REFUSALS,
    *(StorageError, UnusablePhoto),
)
def send_request() -> Response:
    """Take a report in; its photos come with it, or are fetched afterwards."""
    form = clients.form()
    client = clients.current()
    if client is None:
        raise NotAuthenticated
    given = Parameters(form.texts)
    city = parameters.jurisdiction(parameters.with_query(given))
    if client.jurisdiction_id != city.id:
        raise NotAuthenticated
    new = _read(given, city, client)
    report = _take_in(new, *_photos(form, given))
    language = parameters.language(given, city)
    view = reading.view(db(), report, language)
    told = {
        "service_request_id": report.reference,
        "service_notice": next_steps.tell(view, city.time_zone, language),
        "account_id": given.one("account_id"),
    }
    return formats.answer("service_requests", [told])


def _photos(form: Form, given: Parameters) -> tuple[list[bytes], list[str]]:
    """Return the photos that came with the form, under whatever name, and where others are."""
    files = [file for _, file in form.files.items(multi=True)]
    found = [data for data in map(forms.bytes_of, files) if data]
    urls = [iri_to_uri(url) for name in ("media_url", "media_url[]") for url in given.each(name)]
    if len(found) + len(urls) > MAX_PHOTOS:
        raise TooManyPhotos
    settings = services().settings
    for url in urls:
        try:
            links.check(url, Reachable(settings.webhook_networks, settings.webhook_ports))
        except Unfit as error:
            detail = say(locale(), error.sentence, **error.values)
            raise BadInput(Fault(detail, parameter="media_url")) from error
    return found, urls


def _take_in(new: NewReport, photos: Sequence[bytes], urls: Sequence[str]) -> Report:
    """Take the report in with its photos, whose originals are safe before anything names them."""
    uploads = [gallery.receive(uuid4(), data) for data in photos]
    if not uploads:
        report = intake.submit(db(), new, now()).report
        links.owe(db(), report, urls, now())
        commit()
        return report
    number = intake.reserve(db())
    release()
    originals = [
        Original(gallery.original_key(number, upload.name), data, upload.facts.media_type)
        for upload, data in zip(uploads, photos, strict=True)
    ]
    with pictures.stored(originals):
        report = intake.submit(db(), replace(new, number=number), now()).report
        for upload in uploads:
            gallery.add(db(), report, upload, now())
        links.owe(db(), report, urls, now())
    commit()
    return report


def _read(given: Parameters, city: Jurisdiction, client: Client) -> NewReport:
    entry = _service(given, city)
    address, place = _place(given, city)
    first, last = given.one("first_name"), given.one("last_name")
    told = {
        "kind": given.one("kind") or _kind(entry),
        "category": entry.category.code,
        "description": lines(given.one("description") or ""),
        "location": place,
        "address": address,
        "answers": _answers(given, entry, ZoneInfo(city.time_zone)),
        "contact": {
            "name": " ".join(filter(None, (first, last))),
            "email": given.one("email"),
            "phone": given.one("phone"),
        },
        "locale": given.one("locale"),
    }
    try:
        new: NewReport = _REPORT.load(told)
    except ValidationError as error:
        raise BadInput(*messages.faults({"json": error.messages}, locale())) from error
    return clients.hand_in(replace(new, sender=_sender(given, client)), client)


def _service(given: Parameters, city: Jurisdiction) -> CatalogueEntry:
    code = given.one("service_code")
    if code is None:
        refuse("service_code", NO_SERVICE)
    for entry in categories.catalogue(db(), city.id):
        if entry.category.code == code:
            return entry
    raise UnknownCategory(code)


def _kind(entry: CatalogueEntry) -> str:
    """Return as what a service is asked for by those who know of no kinds."""
    kinds = entry.category.kinds
    return Kind.PROBLEM if Kind.PROBLEM in kinds else kinds[0]


def _place(given: Parameters, city: Jurisdiction) -> tuple[str | None, dict[str, float]]:
    """Return the address, if one is told or found, and where it is."""
    latitude, longitude = given.number("lat"), given.number("long")
    said, number = given.one("address_string"), given.one("address_id")
    if latitude is not None and longitude is not None:
        return said, {"latitude": latitude, "longitude": longitude}
    found = None
    if number is not None:
        found = addresses.find_by_id(db(), city.id, given.count("address_id") or 0)
    elif said is not None:
        found = addresses.find(db(), city.id, said)
    else:
        refuse("lat", NO_PLACE)
    if found is None:
        refuse("address_id" if number is not None else "address_string", NO_ADDRESS)
    place = found.position
    return found.label, {"latitude": place.latitude, "longitude": place.longitude}


def _answers(
    given: Parameters, entry: CatalogueEntry, zone: ZoneInfo
) -> dict[str, str | list[str]]:
    """Return the answers by their questions' codes, in whichever way lists are written.

    Known clients send attributes with every report that only their own city asks for.
    """
    questions = {one.code: QuestionType(one.type) for one in entry.questions}
    named = [(_ATTRIBUTE.fullmatch(name), lines(text)) for name, text in given.pairs()]
    if sum(1 for name, _ in named if name) > MAX_ANSWERS:
        refuse("attribute", _TOO_MANY)
    found: dict[str, list[str]] = {}
    for name, text in named:
        if name and name[1] in questions and text.strip():
            found.setdefault(name[1], []).append(text)
    return {code: _answer(questions[code], texts, zone) for code, texts in found.items()}


def _answer(kind: QuestionType, texts: list[str], zone: ZoneInfo) -> str | list[str]:
    if kind is QuestionType.CHOICES or len(texts) > 1:
        return texts
    return parameters.with_offset(texts[0], zone) if kind is QuestionType.DATETIME else texts[0]


def _sender(given: Parameters, client: Client) -> Sender | None:
    """Return as whom the client knows who reports: by an account, or by a device at least."""
    for name in ("account_id", "device_id"):
        subject = given.one(name)
        if subject is not None:
            if len(subject) > MAX_LINE:
                refuse(name, TOO_LONG)
            return Sender(f"key:{client.key_id}/{name}", subject)
    return None
