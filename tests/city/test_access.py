"""Who may do what, and how far."""

from __future__ import annotations

import pytest

from city.access import Act, Reach, Role, reach
from city.deadlines import due_at
from city.staff import Staff
from tests.city.towns import NOW

CITY, TEAMS, NO = Reach.JURISDICTION, Reach.TEAMS, None
EXPECTED: dict[Role, dict[Act, Reach | None]] = {
    Role.ADMINISTRATOR: {
        Act.READ_TICKETS: CITY,
        Act.CHANGE_STATUS: NO,
        Act.WRITE_NOTES: NO,
        Act.TAKE_IN_REPORTS: NO,
        Act.HANDLE_PERSONAL_DATA: NO,
        Act.ASSIGN: NO,
        Act.HAND_BACK: NO,
        Act.ADD_PHOTOS: NO,
        Act.TRIAGE: NO,
        Act.JOIN: NO,
        Act.MODERATE: NO,
        Act.SEE_FIGURES: CITY,
        Act.SET_UP: CITY,
        Act.READ_AUDIT: CITY,
    },
    Role.DISPATCHER: {
        Act.READ_TICKETS: CITY,
        Act.CHANGE_STATUS: CITY,
        Act.WRITE_NOTES: CITY,
        Act.TAKE_IN_REPORTS: CITY,
        Act.HANDLE_PERSONAL_DATA: CITY,
        Act.ASSIGN: CITY,
        Act.HAND_BACK: CITY,
        Act.ADD_PHOTOS: CITY,
        Act.TRIAGE: CITY,
        Act.JOIN: CITY,
        Act.MODERATE: CITY,
        Act.SEE_FIGURES: CITY,
        Act.SET_UP: NO,
        Act.READ_AUDIT: NO,
    },
    Role.TEAM_LEAD: {
        Act.READ_TICKETS: TEAMS,
        Act.CHANGE_STATUS: TEAMS,
        Act.WRITE_NOTES: TEAMS,
        Act.TAKE_IN_REPORTS: CITY,
        Act.HANDLE_PERSONAL_DATA: NO,
        Act.ASSIGN: TEAMS,
        Act.HAND_BACK: TEAMS,
        Act.ADD_PHOTOS: TEAMS,
        Act.TRIAGE: NO,
        Act.JOIN: NO,
        Act.MODERATE: NO,
        Act.SEE_FIGURES: NO,
        Act.SET_UP: NO,
        Act.READ_AUDIT: NO,
    },
    Role.TEAM_MEMBER: {
        Act.READ_TICKETS: TEAMS,
        Act.CHANGE_STATUS: TEAMS,
        Act.WRITE_NOTES: TEAMS,
        Act.TAKE_IN_REPORTS: CITY,
        Act.HANDLE_PERSONAL_DATA: NO,
        Act.ASSIGN: TEAMS,
        Act.HAND_BACK: TEAMS,
        Act.ADD_PHOTOS: TEAMS,
        Act.TRIAGE: NO,
        Act.JOIN: NO,
        Act.MODERATE: NO,
        Act.SEE_FIGURES: NO,
        Act.SET_UP: NO,
        Act.READ_AUDIT: NO,
    },
    Role.AUDITOR: {
        Act.READ_TICKETS: CITY,
        Act.CHANGE_STATUS: NO,
        Act.WRITE_NOTES: NO,
        Act.TAKE_IN_REPORTS: NO,
        Act.HANDLE_PERSONAL_DATA: NO,
        Act.ASSIGN: NO,
        Act.HAND_BACK: NO,
        Act.ADD_PHOTOS: NO,
        Act.TRIAGE: NO,
        Act.JOIN: NO,
        Act.MODERATE: NO,
        Act.SEE_FIGURES: CITY,
        Act.SET_UP: NO,
        Act.READ_AUDIT: CITY,
    },
}
EVERY = [(role, act) for role in Role for act in Act]


def staff(role: Role, *team_ids: int) -> Staff:
    return Staff(
        person_id=1,
        jurisdiction_id=1,
        name="Sam",
        email="sam@town.example",
        role=role,
        locale="en",
        team_ids=team_ids,
        team_codes=(),
    )


@pytest.mark.parametrize(("role", "act"), EVERY)
def test_each_role_reaches_as_far_as_the_table_says(role: Role, act: Act) -> None:
    assert reach(role, act) is EXPECTED[role][act]


@pytest.mark.parametrize(("role", "act"), EVERY)
def test_a_person_may_do_what_the_reach_of_the_role_allows(role: Role, act: Act) -> None:
    someone = staff(role, 7, 8)
    assert someone.may(act, 7) is (EXPECTED[role][act] is not NO)
    assert someone.may(act, 9) is (EXPECTED[role][act] is CITY)


@pytest.mark.parametrize("role", [Role.TEAM_LEAD, Role.TEAM_MEMBER])
def test_a_person_in_no_team_reaches_no_ticket(role: Role) -> None:
    assert not staff(role).may(Act.READ_TICKETS, 7)
    assert not staff(role).may(Act.CHANGE_STATUS, 7)


def test_those_who_only_look_on_change_nothing() -> None:
    changing = [Act.CHANGE_STATUS, Act.WRITE_NOTES, Act.TAKE_IN_REPORTS]
    assert not any(reach(Role.AUDITOR, act) for act in changing)


def test_a_deadline_is_so_many_hours_after_the_start() -> None:
    due = due_at(NOW, 72, owes_deadline=True)
    assert due is not None
    assert (due - NOW).total_seconds() == 72 * 3600
    assert due.tzinfo is NOW.tzinfo


def test_without_a_target_or_an_obligation_there_is_no_deadline() -> None:
    assert due_at(NOW, None, owes_deadline=True) is None
    assert due_at(NOW, 72, owes_deadline=False) is None
    assert due_at(NOW, None, owes_deadline=False) is None
