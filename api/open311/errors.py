"""Errors as Open311 has them: a code and a description each, in the format that was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response

from api import errors
from api.callers import NotAuthenticated
from api.open311 import formats
from api.problems import Fault, Problem
from api.services import locale
from city.categories import REQUIRED, BadAnswers, UnknownCategory
from city.jurisdictions import JurisdictionRequired, UnknownJurisdiction
from infra.words import mark, say
from reports.intake import OutsideOwnCity
from reports.resident.reading import HiddenReport, UnknownReport

# Open311 knows no others for what a client does wrong, but for what HTTP itself is about.
_KEPT = frozenset({403, 404, 405, 429, 503, 507, 500})
_STATUSES: Mapping[type[Exception], int] = {
    NotAuthenticated: 403,
    HiddenReport: 404,
    UnknownCategory: 404,
}
_NO_REQUEST = mark("There is no request with this service_request_id.")
_NO_CITY = mark("There is no such jurisdiction_id here.")
_WHICH_CITY = mark("Say with jurisdiction_id which city you mean.")
_NO_KEY = mark("The api_key is missing, unknown or withdrawn.")
_NO_SERVICE = mark("There is no such service_code here.")

# What native reports call what a form names.
_NAMES = {
    "/location/latitude": "lat",
    "/location/longitude": "long",
    "/contact/email": "email",
    "/contact/phone": "phone",
    "/contact/name": "first_name",
    "/address": "address_string",
    "/answers": "attribute",
    "/category": "service_code",
    "/description": "description",
    "/kind": "kind",
    "/locale": "locale",
}

_OUTSIDE = mark("This spot lies outside the city that gave the api_key.")

_WORDS: Mapping[type[Exception], str] = {
    JurisdictionRequired: _WHICH_CITY,
    NotAuthenticated: _NO_KEY,
    UnknownCategory: _NO_SERVICE,
    UnknownJurisdiction: _NO_CITY,
    HiddenReport: _NO_REQUEST,
    OutsideOwnCity: _OUTSIDE,
    UnknownReport: _NO_REQUEST,
}


def install(blueprint: Blueprint) -> None:
    """Answer every error of the blueprint's views, and of what comes before them."""
    blueprint.register_error_handler(Exception, _answer)


def status_of(kind: type[Exception], native: int) -> int:
    """Return with which status an error is answered that has another in the native API."""
    return _STATUSES.get(kind, native if native in _KEPT else 400)


def _answer(error: Exception) -> Response:
    found = errors.problem_of(error)
    errors.take_back(found, error)
    status = status_of(type(error), found.status)
    told = [
        {"code": str(status), "description": description} for description in _told(error, found)
    ]
    answer = formats.answer("errors", told, status)
    answer.headers.update(
        {name: value for name, value in found.headers.items() if name in {"Allow", "Retry-After"}}
    )
    answer.headers["Content-Language"] = locale()
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _told(error: Exception, found: Problem) -> list[str]:
    language = locale()
    if type(error) in _WORDS:
        return [say(language, _WORDS[type(error)])]
    if isinstance(error, BadAnswers):
        return [_of_answer(code, sentence) for code, sentence in error.faults.items()]
    if found.faults:
        return [": ".join(filter(None, (_name(one), one.detail))) for one in found.faults]
    return [str(found.document(language)["detail"])]


def _name(fault: Fault) -> str | None:
    return fault.parameter or _NAMES.get(fault.pointer or "")


def _of_answer(code: str, sentence: str) -> str:
    """Say what is wrong with an answer; known clients look for “CODE required” in the text."""
    said = say(locale(), sentence)
    return f"{code} required: {said}" if sentence == REQUIRED else f"{code}: {said}"
