"""Who is calling, and whether this route is for them: every view declares it with one of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import g
from sqlalchemy.orm import Session

from api import clients
from api.declarations import ACT, CALLER, View, declare, raises, said
from api.services import db, db_without_transaction, services
from api.tokens import bearer
from city import sessions
from city.access import Act, may_everybody
from city.staff import Staff
from infra.clock import now
from reports import tracking
from reports.models import Report
from reports.resident import reading
from reports.resident.reading import HiddenReport, UnknownReport
from reports.work import ReportAnonymised

ANYONE, REPORTER, STAFF = "anyone", "reporter", "staff"


class NotAuthenticated(Exception):
    """The route needs a token, and none that we know was given."""


class NotForCaller(Exception):
    """The token is good, but not for this."""


class NothingHere(Exception):
    """What staff may see is nowhere at all for anybody else."""


def declared(view: Callable[..., Any]) -> str | None:
    """Return who may call the view: anyone, reporter or staff; None where nobody said."""
    return said(view).get(CALLER)


def act_of(view: Callable[..., Any]) -> Act | None:
    """Return which act a view of staff is; None where every person may call it for themselves."""
    return cast(Act | None, said(view).get(ACT))


def anyone(view: View) -> View:
    """Declare that everybody may call the view; a token only shows them more."""
    return declare(view, CALLER, ANYONE)


def of_report(view: View) -> View:
    """Declare that everybody may call the view who may see the report; it gets the report.

    A reporter also sees what is not public.
    """

    @raises(UnknownReport, HiddenReport)
    @wraps(view)
    def wrapper(reference: str, **arguments: Any) -> Any:
        report = reading.find(db(), reference, holder=token_reference())
        return view(report=report, **arguments)

    return cast(View, declare(wrapper, CALLER, ANYONE))


def reporter(view: View) -> View:
    """Declare that only the holder of the report's tracking token may call; the view gets it."""
    return _with_own_report(view, db)


def sender(view: View) -> View:
    """Declare the same of a view that asks the storage, and for that may hold no transaction."""
    return _with_own_report(view, db_without_transaction)


def _with_own_report(view: View, session: Callable[[], Session]) -> View:
    @raises(NotAuthenticated, NotForCaller, UnknownReport, HiddenReport, ReportAnonymised)
    @wraps(view)
    def wrapper(reference: str, **arguments: Any) -> Any:
        holder = token_reference()
        if holder is None and current_staff() is None and clients.current() is None:
            raise NotAuthenticated
        report = reading.find(session(), reference, holder=holder)
        if report.reference != holder:
            raise NotForCaller
        if not reading.opens(report, holder):
            raise ReportAnonymised
        return view(report=report, **arguments)

    return cast(View, declare(wrapper, CALLER, REPORTER))


def staff(act: Act | None = None) -> Callable[[View], View]:
    """Declare that only staff whose role allows the act may call; the view gets the person."""

    refusals: list[type[Exception]] = [NotAuthenticated, NothingHere]
    if act is not None and not may_everybody(act):
        refusals.append(NotForCaller)

    def decorate(view: View) -> View:
        @raises(*refusals)
        @wraps(view)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            person = current_staff()
            if person is None:
                raise NothingHere if _is_known_otherwise() else NotAuthenticated
            if act is not None and person.reach(act) is None:
                raise NotForCaller
            return view(*arguments, staff=person, **named)

        return cast(View, declare(declare(wrapper, CALLER, STAFF), ACT, act))

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


def _is_known_otherwise() -> bool:
    """Tell whether the caller's token is good, but no session of staff."""
    return token_reference() is not None or clients.current() is not None


def holds(report: Report) -> bool:
    """Tell whether the caller is the report's own reporter."""
    return reading.opens(report, token_reference())
