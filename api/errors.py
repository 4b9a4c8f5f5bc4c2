"""The one table from error to status, and the handlers that answer by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from api import desk_errors, feedback_errors, messages, refusals, setup_errors
from api.bodies import (
    BadInput,
    BodyTooLarge,
    BodyTooSlow,
    FormTooLarge,
    MalformedBody,
    Overloaded,
    UnsupportedBody,
)
from api.callers import NotAuthenticated, NotForCaller, NothingHere
from api.limits import TooManyRequests
from api.preconditions import (
    AnyVersion,
    NoEntityTag,
    PreconditionFailed,
    PreconditionRequired,
)
from api.problems import Fault, Problem, pointer
from api.services import db, locale, roll_back
from api.throttle import TooManyLogins
from city.administration import UnfitPart
from city.categories import BadAnswers, KindNotOffered, UnknownCategory
from city.jurisdictions import JurisdictionRequired, OutOfArea, UnknownJurisdiction
from city.second_factor import CodeRequired, WrongCode
from city.sessions import WrongCredentials
from infra.database import SchemaLags
from infra.storage import StorageError
from infra.words import Reader, mark, say, say_number
from reports import errands
from reports.decisions import NoFallbackTeam
from reports.desk.handling import NotAllowed, PublicMessageRequired, StaleVersion, UnknownTicket
from reports.desk.taking import TakenAlready
from reports.exchange.updates import NotYourReport, UpdateReused
from reports.gallery import OtherPhoto, PhotosClosed, TooManyPhotos
from reports.idempotency import KeyInUse, KeyReused
from reports.intake import OutsideOwnCity, UnknownSameAs
from reports.photos import UnusablePhoto
from reports.resident.feedback import FeedbackTooLate
from reports.resident.reading import HiddenReport, UnknownReport
from reports.resident.supporting import TicketClosed
from reports.status import TransitionRefused
from reports.work import ReportAnonymised

log = structlog.get_logger()

_DATABASE = "database-unavailable"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_LATER = {"Retry-After": "5"}

TITLES = {
    400: mark("The request cannot be understood."),
    401: mark("You need to log in, or to send the report's tracking token."),
    403: mark("You may not do this."),
    404: mark("There is nothing here."),
    405: mark("This address does not take requests of this kind."),
    408: mark("The body came too slowly. Please send it again."),
    409: mark("This does not fit what is there now."),
    410: mark("This is no longer shown."),
    412: mark("This has changed since you read it. Read it again, then repeat your change."),
    413: mark("The body is too large."),
    415: mark("The body is of a kind that is not taken here."),
    422: mark("The input cannot be accepted."),
    428: mark("Say with If-Match which version you want to change."),
    429: mark("Too many requests. Please wait a little."),
    500: mark("Something went wrong on our side."),
    503: mark("The service is not available just now. Please try again soon."),
    507: mark("There is no room left for this. Please try again later."),
}

PHOTO_REASONS = {
    "empty": mark("The file is empty."),
    "unsupported_type": mark("This is no JPEG, PNG, WebP, HEIC or AVIF picture."),
    "broken": mark("The picture is damaged or incomplete. Please send it again."),
    "too_many_pixels": mark("The picture has too many pixels. Please send a smaller one."),
    "too_much_memory": mark(
        "The picture is too large for the way in which it was saved. Please send it smaller, or"
        " take it anew with the usual settings of your camera."
    ),
    "could_not_be_processed": mark("The picture could not be processed. Please send another."),
}

_OUT_OF_AREA = mark("This spot lies outside every city that takes part.")
_SWAPPED = mark("Latitude and longitude look swapped.")
_NEAREST = mark("The nearest city is {city}, {distance_km} km away.")
UNKNOWN_CATEGORY = mark("There is no such category here.")
_SAME_AS = mark("There is no such ticket here.")
_CLOSED = mark("The work on this is finished. If it is there again, please report it anew.")
_LOGIN = mark("The e-mail address or the password is wrong.")
_WHICH_CITY = mark("Say with “jurisdiction” which city you mean.")
_KEY_REUSED = mark("This key came before with another body.")
_KEY_IN_USE = mark("The first request with this key is still running.")
_OTHER_PHOTO = mark("Another photo has this identifier.")
_TOO_MANY_PHOTOS = mark("There are as many photos as there may be.")
_PHOTOS_CLOSED = mark("The report was withdrawn and takes no more photos.")
_ANONYMISED = mark("This report is no longer tied to a person, so its token opens nothing.")
_UPDATE_REUSED = mark("This update_id came before with another service_request_id.")
_MESSAGE_NEEDED = mark("Tell the resident why: a declined report needs a public message.")
_NO_TAG = mark("If-Match takes an ETag exactly as it came, with its quotes.")
_ANY_VERSION = mark("“*” stands for any version. Send the ETag of the one that you have read.")
_AT_MOST = mark("At most {limit} bytes are taken here.")
_FORM_AT_MOST = mark("A form may have {parts} parts, and {limit} bytes in each text.")
_EXPECTED = mark("Expected: {expected}.")


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error is answered: by the problem that `make` makes of it, with one of `statuses`."""

    statuses: tuple[int, ...]
    make: Callable[[Any], Problem]


def problem(status: int, slug: str, **values: Any) -> Problem:
    """Return a problem with the title of its status."""
    return Problem(status, slug, TITLES[status], **values)


def _with(*statuses: int) -> Callable[[Callable[..., Problem]], Answer]:
    """Make an answer of a function that takes the error and the statuses it may have."""

    def decorate(make: Callable[..., Problem]) -> Answer:
        return Answer(statuses, lambda error: make(error, *statuses))

    return decorate


def _plain(status: int, slug: str, detail: str | None = None) -> Answer:
    @_with(status)
    def answer(_error: Exception, status: int) -> Problem:
        return problem(status, slug, detail=say(locale(), detail) if detail else None)

    return answer


def _at(place: str, slug: str, detail: str) -> Answer:
    return _input(slug, detail, pointer=place)


def _parameter(name: str, slug: str, detail: str) -> Answer:
    return _input(slug, detail, parameter=name)


def _input(slug: str, detail: str, **place: str) -> Answer:
    @_with(422)
    def answer(_error: Exception, status: int) -> Problem:
        words = say(locale(), detail)
        return problem(status, slug, detail=words, faults=[Fault(words, **place)])

    return answer


@_with(422)
def _out_of_area(error: OutOfArea, status: int) -> Problem:
    language = locale()
    sentences = [say(language, _OUT_OF_AREA)]
    if error.swapped:
        sentences.append(say(language, _SWAPPED))
    elif error.nearest is not None:
        city = Reader(language, error.nearest.locales).name(error.nearest.names)
        distance_km = say_number(language, max(0.1, error.nearest.distance_m / 1000))
        sentences.append(say(language, _NEAREST, city=city, distance_km=distance_km))
    detail = " ".join(sentences)
    sent = request.method in {"PATCH", "POST"}
    fault = Fault(detail, pointer="/location") if sent else Fault(detail, parameter="latitude")
    return problem(status, "out-of-area", detail=detail, faults=[fault])


@_with(422)
def _bad_answers(error: BadAnswers, status: int) -> Problem:
    language = locale()
    faults = [
        Fault(say(language, sentence), pointer=pointer("answers", code))
        for code, sentence in error.faults.items()
    ]
    return problem(status, "bad-answers", faults=faults)


@_with(422)
def _bad_input(error: BadInput, status: int) -> Problem:
    return problem(status, "bad-input", faults=error.faults)


@_with(409)
def _refused(error: TransitionRefused, status: int) -> Problem:
    detail = desk_errors.of_step(error, locale())
    allowed = [one.value for one in error.allowed]
    return problem(status, "transition-refused", detail=detail, extra={"allowed": allowed})


@_with(409)
def _feedback_too_late(error: FeedbackTooLate, status: int) -> Problem:
    extra = {"report_again": feedback_errors.way_to_report_again(error.again)}
    detail = say(locale(), feedback_errors.TOO_LATE)
    return problem(status, "feedback-too-late", detail=detail, extra=extra)


@_with(409)
def _taken(error: TakenAlready, status: int) -> Problem:
    detail = say(locale(), desk_errors.TAKEN, name=error.name)
    return problem(status, "taken-already", detail=detail, extra={"assignee": error.email})


@_with(422)
def _unusable_photo(error: UnusablePhoto, status: int) -> Problem:
    detail = say(locale(), PHOTO_REASONS[error.code])
    return problem(status, "unusable-photo", detail=detail, extra={"reason": error.code})


@_with(413)
def _too_large(error: BodyTooLarge, status: int) -> Problem:
    return problem(status, "too-large", detail=say(locale(), _AT_MOST, limit=error.limit))


@_with(413)
def _form_too_large(error: FormTooLarge, status: int) -> Problem:
    limits = {"parts": error.most_parts, "limit": error.widest}
    return problem(status, "form-too-large", detail=say(locale(), _FORM_AT_MOST, **limits))


@_with(415)
def _unsupported(error: UnsupportedBody, status: int) -> Problem:
    detail = say(locale(), _EXPECTED, expected=error.expected)
    return problem(status, "unsupported-body", detail=detail)


@_with(401)
def _not_authenticated(_error: NotAuthenticated, status: int) -> Problem:
    return problem(status, "not-authenticated", headers=_CHALLENGE)


def _login_refused(slug: str, detail: str) -> Answer:
    @_with(401)
    def answer(_error: Exception, status: int) -> Problem:
        return problem(status, slug, detail=say(locale(), detail), headers=_CHALLENGE)

    return answer


@_with(422)
def _unfit_part(error: UnfitPart, status: int) -> Problem:
    return problem(status, "unfit-part", faults=setup_errors.faults(error, locale()))


@_with(429)
def _too_many(error: TooManyLogins | TooManyRequests, status: int) -> Problem:
    headers = {"Retry-After": str(error.retry_after_s)}
    return problem(status, "too-many-requests", headers=headers)


@_with(503, 507)
def _storage(error: StorageError, unavailable: int, full: int) -> Problem:
    status = full if error.full else unavailable
    return problem(status, "storage-unavailable", headers=_LATER)


def _unavailable(slug: str) -> Answer:
    @_with(503)
    def answer(_error: Exception, status: int) -> Problem:
        return problem(status, slug, headers=_LATER)

    return answer


TABLE: Mapping[type[Exception], Answer] = {
    MalformedBody: _plain(400, "malformed-body"),
    NotAuthenticated: _not_authenticated,
    WrongCredentials: _login_refused("wrong-credentials", _LOGIN),
    CodeRequired: _login_refused("code-required", setup_errors.CODE_REQUIRED),
    WrongCode: _login_refused("wrong-code", setup_errors.WRONG_CODE),
    NotForCaller: _plain(403, "not-for-you"),
    NotAllowed: _plain(403, "not-allowed"),
    ReportAnonymised: _plain(403, "anonymised", _ANONYMISED),
    NotYourReport: _plain(403, "not-your-report"),
    NothingHere: _plain(404, "nothing-here"),
    UnknownJurisdiction: _plain(404, "unknown-jurisdiction"),
    UnknownReport: _plain(404, "unknown-report"),
    UnknownTicket: _plain(404, "unknown-ticket"),
    BodyTooSlow: _plain(408, "too-slow"),
    KeyInUse: _plain(409, "key-in-use", _KEY_IN_USE),
    OtherPhoto: _plain(409, "other-photo", _OTHER_PHOTO),
    PhotosClosed: _plain(409, "photos-closed", _PHOTOS_CLOSED),
    TooManyPhotos: _plain(409, "too-many-photos", _TOO_MANY_PHOTOS),
    TicketClosed: _plain(409, "closed", _CLOSED),
    TakenAlready: _taken,
    TransitionRefused: _refused,
    FeedbackTooLate: _feedback_too_late,
    HiddenReport: _plain(410, "hidden-report"),
    NoEntityTag: _plain(412, "no-entity-tag", _NO_TAG),
    PreconditionFailed: _plain(412, "stale"),
    StaleVersion: _plain(412, "stale"),
    BodyTooLarge: _too_large,
    FormTooLarge: _form_too_large,
    UnsupportedBody: _unsupported,
    BadAnswers: _bad_answers,
    BadInput: _bad_input,
    JurisdictionRequired: _parameter("jurisdiction", "which-city", _WHICH_CITY),
    KeyReused: _parameter("Idempotency-Key", "key-reused", _KEY_REUSED),
    KindNotOffered: _at("/kind", "kind-not-offered", desk_errors.KIND),
    OutOfArea: _out_of_area,
    OutsideOwnCity: _at("/location", "outside-own-city", desk_errors.OUTSIDE_OWN),
    PublicMessageRequired: _at("/public_message", "public-message-required", _MESSAGE_NEEDED),
    UnknownCategory: _at("/category", "unknown-category", UNKNOWN_CATEGORY),
    UnknownSameAs: _at("/same_as", "unknown-ticket", _SAME_AS),
    UnusablePhoto: _unusable_photo,
    UpdateReused: _parameter("update_id", "update-reused", _UPDATE_REUSED),
    AnyVersion: _plain(428, "any-version", _ANY_VERSION),
    PreconditionRequired: _plain(428, "precondition-required"),
    TooManyLogins: _too_many,
    TooManyRequests: _too_many,
    NoFallbackTeam: _unavailable("city-not-set-up"),
    StorageError: _storage,
    Overloaded: _unavailable("overloaded"),
    InterfaceError: _unavailable(_DATABASE),
    OperationalError: _unavailable(_DATABASE),
    PoolTimeoutError: _unavailable(_DATABASE),
    SchemaLags: _unavailable(_DATABASE),
    UnfitPart: _unfit_part,
    **{
        error: _plain(*told)
        for part in (setup_errors, desk_errors, feedback_errors)
        for error, told in part.PLAIN.items()
    },
    **{
        error: _at(*told)
        for error, told in (*setup_errors.PLACED.items(), *desk_errors.PLACED.items())
    },
}

# What may happen to every request, whichever route it is for.
ANYWHERE = (Overloaded, InterfaceError, OperationalError, PoolTimeoutError, SchemaLags)


def statuses(errors: Iterable[type[Exception]]) -> set[int]:
    """Return with which statuses the errors are answered."""
    return {status for error in errors for status in TABLE[error].statuses}


def install(app: Flask) -> None:
    """Answer every error by the table, and anything else with a 500 that says nothing."""
    for error_class in (*TABLE, Exception):
        app.register_error_handler(error_class, _answer)


def from_http(error: HTTPException) -> Response:
    """Answer what Flask and the schemas raise themselves."""
    return _answer(error) if error.response is None else cast(Response, error.response)


def problem_of(error: Exception) -> Problem:
    """Return what the error is answered with: by the table, as HTTP has it, or as unexpected."""
    known = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if known is not None:
        return known.make(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    log.error("unexpected error", exc_info=error)
    return problem(500, "unexpected")


def take_back(found: Problem, error: Exception | None = None) -> None:
    """Undo what the request did in vain, and write down that it was refused."""
    refusals.note(found, error)
    roll_back()
    errands.take(db())


def _of_http(error: HTTPException) -> Problem:
    found = getattr(error, "data", None) or {}
    if "messages" in found:
        return problem(422, "bad-input", faults=messages.faults(found["messages"], locale()))
    status = error.code or 500
    status = status if status in TITLES else 400 if status < 500 else 500
    headers = {
        name: value
        for name, value in error.get_headers()
        if name in {"Allow", "Retry-After", "Location"}
    }
    return problem(status, f"http-{status}", headers=headers)


def _answer(error: Exception) -> Response:
    found = problem_of(error)
    take_back(found, error)
    return found.response()
