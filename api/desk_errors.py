"""How refusals of what the desk does with tickets are told."""

from __future__ import annotations

from collections.abc import Mapping

from infra.words import mark, say
from reports.desk.colleagues import UnfitMention
from reports.desk.handing_back import HandedBackAlready
from reports.desk.handling import NothingLeftToDo, TicketMerged
from reports.desk.joining import NotMerged, UnfitReports, UnfitTarget
from reports.desk.planning import DayGone, NothingToPlan, TimeGone
from reports.desk.templates import UnfitTemplate
from reports.desk.third_parties import ExpectedGone, UnknownThirdParty
from reports.desk.triage import (
    NoDeadlineOwed,
    PinOutsideCity,
    UnfitAssignee,
    UnfitCategory,
    UnknownTeam,
)
from reports.history import STATUS_NAMES
from reports.inbox.saved_filters import FilterNameTaken, TooManyFilters, UnknownFilter
from reports.moderation import UnknownPhoto
from reports.status import TransitionRefused

KIND = mark("This category does not take reports of this kind.")
OUTSIDE_OWN = mark("This spot lies outside the city that you work for.")
_FILTER_NAME = mark("You have another filter of this name.")
_TOO_MANY_FILTERS = mark("You have saved as many filters as one may.")
_MERGED = mark("This ticket was merged into another one. Go on with that one.")
_NOT_MERGED = mark("This ticket stands for itself already, or has no report to get back.")
_UNFIT_REPORTS = mark(
    "Name reports that are in this ticket, and leave at least one of them where it is."
)
_UNFIT_TARGET = mark(
    "Name another ticket of the same kind that was not merged itself; what the public may not see"
    " is merged with its like alone."
)
_REFUSED = mark("The status cannot change from “{current}” to “{wanted}”.")
_TEAM = mark("There is no such team here.")
_NO_DEADLINE = mark("Ideas and compliments have no deadline.")
_ALREADY_BACK = mark("This ticket is with those already who find the right team for it.")
_ASSIGNEE = mark("There is no such person here, or the ticket is none of their team's.")
TAKEN = mark("{name} has taken this ticket already.")
_NOTHING_TO_PLAN = mark("This ticket is closed, so there is nothing to plan.")
_NOTHING_LEFT = mark("This ticket is closed, so there is nothing left to do. Reopen it first.")
_DAY_GONE = mark("This day has passed.")
_TIME_GONE = mark("This time has passed.")
_TEMPLATE = mark(
    "There is no such template for this step, or it speaks of something that this ticket lacks."
)
_THIRD_PARTY = mark("There is no such third party here.")
_MENTION = mark("Somebody who is mentioned is not here, or may not see this ticket.")

PLAIN: Mapping[type[Exception], tuple[int, str, str | None]] = {
    UnknownFilter: (404, "unknown-filter", None),
    UnknownPhoto: (404, "unknown-photo", None),
    FilterNameTaken: (409, "filter-name-taken", _FILTER_NAME),
    TooManyFilters: (409, "too-many-filters", _TOO_MANY_FILTERS),
    NothingToPlan: (409, "ticket-closed", _NOTHING_TO_PLAN),
    NothingLeftToDo: (409, "ticket-closed", _NOTHING_LEFT),
    HandedBackAlready: (409, "handed-back", _ALREADY_BACK),
    NotMerged: (409, "not-merged", _NOT_MERGED),
    TicketMerged: (409, "merged", _MERGED),
}

PLACED: Mapping[type[Exception], tuple[str, str, str]] = {
    DayGone: ("/on", "day-gone", _DAY_GONE),
    TimeGone: ("/at", "time-gone", _TIME_GONE),
    ExpectedGone: ("/expected_at", "time-gone", _TIME_GONE),
    UnfitMention: ("/mentions", "unfit-mention", _MENTION),
    UnfitTemplate: ("/template", "unfit-template", _TEMPLATE),
    UnknownThirdParty: ("/code", "unknown-third-party", _THIRD_PARTY),
    NoDeadlineOwed: ("/due_at", "no-deadline-owed", _NO_DEADLINE),
    PinOutsideCity: ("/location", "outside-own-city", OUTSIDE_OWN),
    UnfitAssignee: ("/assignee", "unfit-assignee", _ASSIGNEE),
    UnfitCategory: ("/category", "kind-not-offered", KIND),
    UnfitReports: ("/reports", "unfit-reports", _UNFIT_REPORTS),
    UnfitTarget: ("/into", "unfit-target", _UNFIT_TARGET),
    UnknownTeam: ("/team", "unknown-team", _TEAM),
}


def of_step(error: TransitionRefused, locale: str) -> str:
    """Say which step the graph of statuses does not have."""
    current, wanted = (say(locale, STATUS_NAMES[one]) for one in (error.current, error.wanted))
    return say(locale, _REFUSED, current=current, wanted=wanted)
