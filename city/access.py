"""Who may do what: the one table of roles and acts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a person is to the city."""

    ADMINISTRATOR = "administrator"
    DISPATCHER = "dispatcher"
    TEAM_LEAD = "team_lead"
    TEAM_MEMBER = "team_member"
    AUDITOR = "auditor"


class Act(StrEnum):
    """What a person may want to do."""

    READ_TICKETS = "read_tickets"
    CHANGE_STATUS = "change_status"
    WRITE_NOTES = "write_notes"
    ASSIGN = "assign"
    HAND_BACK = "hand_back"
    ADD_PHOTOS = "add_photos"
    TRIAGE = "triage"
    JOIN = "join"
    MODERATE = "moderate"
    TAKE_IN_REPORTS = "take_in_reports"
    HANDLE_PERSONAL_DATA = "handle_personal_data"
    SEE_FIGURES = "see_figures"
    SET_UP = "set_up"
    READ_AUDIT = "read_audit"


class Reach(StrEnum):
    """How far an act goes: the whole jurisdiction or the person's own teams."""

    JURISDICTION = "jurisdiction"
    TEAMS = "teams"


_READING = dict.fromkeys((Act.READ_TICKETS, Act.SEE_FIGURES), Reach.JURISDICTION)

_TEAM_ACTS = {
    Act.READ_TICKETS: Reach.TEAMS,
    Act.CHANGE_STATUS: Reach.TEAMS,
    Act.WRITE_NOTES: Reach.TEAMS,
    Act.ASSIGN: Reach.TEAMS,
    Act.HAND_BACK: Reach.TEAMS,
    Act.ADD_PHOTOS: Reach.TEAMS,
    Act.TAKE_IN_REPORTS: Reach.JURISDICTION,
}

# Who sets the city up, and who looks over everybody's shoulder, is not who does the work.
_NOT_OF_THE_DESK = {Act.SET_UP, Act.READ_AUDIT}

_TABLE: Mapping[Role, Mapping[Act, Reach]] = {
    Role.ADMINISTRATOR: {
        **_READING,
        **dict.fromkeys((Act.SET_UP, Act.READ_AUDIT), Reach.JURISDICTION),
    },
    Role.DISPATCHER: dict.fromkeys(
        (act for act in Act if act not in _NOT_OF_THE_DESK), Reach.JURISDICTION
    ),
    Role.TEAM_LEAD: _TEAM_ACTS,
    Role.TEAM_MEMBER: _TEAM_ACTS,
    Role.AUDITOR: {**_READING, Act.READ_AUDIT: Reach.JURISDICTION},
}


def reach(role: Role, act: Act) -> Reach | None:
    """Return how far the role may carry the act, or None where it may not at all."""
    return _TABLE[role].get(act)


def may_everybody(act: Act) -> bool:
    """Tell whether there is no role that may not do the act at all."""
    return all(reach(role, act) for role in Role)
