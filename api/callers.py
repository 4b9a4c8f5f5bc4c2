"""Who is calling, and whether this route is for them: every view declares it with one of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g

from api.services import db, services
from api.tokens import bearer
from city import sessions
from city.access import Act
from city.sessions import Staff
from infra.clock import now
from reports import reading, tracking
from reports.models import Report
from reports.work import ReportAnonymised

View = TypeVar("View", bound=Callable[..., Any])

ANYONE, REPORTER, STAFF = "anyone", "reporter", "staff"
_DECLARATION = "caller"


class NotAuthenticated(Exception):
    """The route needs a token, and none that we know was given."""


class NotForCaller(Exception):
    """The token is good, but not for this."""


class NothingHere(Exception):
    """What staff may see is nowhere at all for anybody else."""


def declared(view: Callable[..., Any]) -> str | None:
    """Return who may call the view: anyone, reporter or staff; None where nobody said."""
    said: str | None = getattr(view, "_apidoc", {}).get(_DECLARATION)
    return said


def anyone(view: View) -> View:
    """Declare that everybody may call the view; a token only shows them more."""
    return _declare(view, ANYONE)


def of_report(view: View) -> View:
    """Declare that everybody may call the view who may see the report; it gets the report.

    A reporter also sees what is not public.
    """

    @wraps(view)
    def wrapper(reference: str, **arguments: Any) -> Any:
        report = reading.find(db(), reference, holder=token_reference())
        return view(report=report, **arguments)

    return cast(View, _declare(wrapper, ANYONE))


def reporter(view: View) -> View:
    """Declare that only the holder of the report's tracking token may call; the view gets it."""

    @wraps(view)
    def wrapper(reference: str, **arguments: Any) -> Any:
        holder = token_reference()
        if holder is None and current_staff() is None:
            raise NotAuthenticated
        report = reading.find(db(), reference, holder=holder)
        if report.reference != holder:
            raise NotForCaller
        if not reading.opens(report, holder):
            raise ReportAnonymised
        return view(report=report, **arguments)

    return cast(View, _declare(wrapper, REPORTER))


def staff(act: Act | None = None) -> Callable[[View], View]:
    """Declare that only staff whose role allows the act may call; the view gets the person."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            person = current_staff()
            if person is None:
                raise NothingHere if token_reference() is not None else NotAuthenticated
            if act is not None and person.reach(act) is None:
                raise NotForCaller
            return view(*arguments, staff=person, **named)

        return cast(View, _declare(wrapper, STAFF))

    return decorate


def token_reference() -> str | None:
    """Return the reference of the report whose tracking token the caller holds."""
    token = bearer()
    if token is None or not token.startswith(tracking.TOKEN_PREFIX):
        return None
    return tracking.read(services().settings.secret_key, token)


def current_staff() -> Staff | None:
    """Return the person whose session the caller holds, looked up once per request."""
    if "staff" not in g:
        token = bearer()
        known = token is not None and token.startswith(sessions.TOKEN_PREFIX)
        g.staff = sessions.find_staff(db(), token, now()) if known and token else None
    return cast(Staff | None, g.staff)


def _declare(view: View, who: str) -> View:
    # Where flask-smorest keeps what it writes into the description, so that this gets there too.
    setattr(view, "_apidoc", {**getattr(view, "_apidoc", {}), _DECLARATION: who})  # noqa: B010
    return view


def holds(report: Report) -> bool:
    """Tell whether the caller is the report's own reporter."""
    return reading.opens(report, token_reference())
