"""What the routes of the set-up share: whose city it is, which setting, and its version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import Response, jsonify, request

from api import preconditions
from api.declarations import raises, reads
from api.services import db
from city.administration import Administration, UnfitPart, UnknownSetting
from city.staff import Staff
from city.unfit import Unfit
from infra.clock import now
from infra.words import mark

View = Callable[..., Any]
Finder = Callable[[Administration, Any], Any]

FIXED = mark("a code cannot be changed")


def of(staff: Staff) -> Administration:
    """Return what the person changes their city's set-up with."""
    return Administration(db(), staff.person_id, staff.jurisdiction_id, now())


def found(find: Finder) -> Callable[[View], View]:
    """Give the view, as `row`, the setting of the person's own city that its address names.

    Before a change the city's set-up is locked, so that the row is still the same one then.
    """

    def decorate(view: View) -> View:
        @raises(UnknownSetting)
        @wraps(view)
        def wrapper(key: Any, staff: Staff, **arguments: Any) -> Any:
            office = of(staff)
            if request.method != "GET":
                office.lock()
            return view(office=office, row=find(office, key), **arguments)

        return wrapper

    return decorate


def unchanged(view: View) -> View:
    """Demand that If-Match names the row's version before the body is looked at."""

    @reads(preconditions.HEADER, preconditions.SHAPE, required=True)
    @wraps(view)
    def wrapper(*arguments: Any, row: Any, **named: Any) -> Any:
        preconditions.demand(row.version)
        return view(*arguments, row=row, **named)

    return wrapper


def keep_code(body: dict[str, Any], code: str) -> None:
    """Raise UnfitPart where the body has another code than the address."""
    if body.pop("code", code) != code:
        raise UnfitPart((("code",), Unfit(FIXED)))


def etag(row: Any) -> str:
    """Return the row's entity tag as a header has it."""
    return f'"{preconditions.etag(row.version)}"'


def answer(document: dict[str, Any], row: Any, status: int = 200) -> Response:
    """Answer with a setting and its entity tag."""
    told = jsonify(document)
    told.status_code = status
    return preconditions.tag(told, row.version)


def listed(items: Iterable[dict[str, Any]]) -> Response:
    """Answer with all there are; a city has not so many that they would fill pages."""
    return jsonify({"items": list(items), "next": None})
