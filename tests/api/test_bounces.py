"""What came back from where the rules had sent it, and which rule would have sent it right."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from city.access import Role
from city.administration import Administration
from city.models import Person
from city.staff import Staff
from infra.clock import now
from reports.bounces import overview, reading
from reports.desk import handing_back
from reports.models import Ticket
from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_reference_layers import ROADS, bring
from tests.api.test_rulesets import WEEKDAYS, put_in_force
from tests.city import towns
from tests.reports.desk_days import DeskDays
from tests.resident import (
    BASE,
    DISPATCHER,
    INSIDE,
    Resident,
    body_of,
    log_in,
    move,
    problem_at,
    read_ticket,
)
from tests.statements import asked_of

HOLES = {"category": "nid-de-poule", "team": "voirie"}
LARGE, SMALL = {"taille": "grand"}, {"taille": "petit"}
BOUNCES = "/rulesets/bounces"


class Desk:
    """A city whose reports are sent on, handed back and kept."""

    def __init__(self, app: Flask) -> None:
        self.office = Office(app)
        self.client = self.office.client
        self.dispatcher = log_in(self.client, DISPATCHER)

    def report(self, place: dict[str, float] = INSIDE, **members: Any) -> str:
        """Send a report and return its ticket."""
        return str(Resident(self.client).report(location=place, **members)["ticket"])

    def reports(self, count: int, place: dict[str, float] = INSIDE, **members: Any) -> list[str]:
        return [self.report(place, **members) for _ in range(count)]

    def give(self, tickets: Iterable[str], team: str) -> None:
        """Have a dispatcher give tickets to a team."""
        for ticket in tickets:
            self._change(ticket, team=team)

    def _change(self, ticket: str, **members: Any) -> None:
        _, tag = read_ticket(self.client, ticket, self.dispatcher)
        headers = {**self.dispatcher, "If-Match": tag}
        answer = self.client.patch(f"{BASE}/tickets/{ticket}", json=members, headers=headers)
        assert answer.status_code == 200, answer.text

    def file(self, ticket: str, category: str) -> None:
        """Have a dispatcher change a ticket's category."""
        self._change(ticket, category=category)

    def hand_back(self, *tickets: str) -> None:
        for ticket in tickets:
            _, tag = read_ticket(self.client, ticket, self.dispatcher)
            answer = self.client.post(
                f"{BASE}/tickets/{ticket}/hand-back",
                json={"reason": "Pas à nous"},
                headers={**self.dispatcher, "If-Match": tag},
            )
            assert answer.status_code == 200, answer.text

    def bounces(self, query: str = "", language: str = "en") -> dict[str, Any]:
        headers = {**self.office.headers, "Accept-Language": language}
        return h.read(self.client, f"/admin{BOUNCES}{query}", headers)

    def the_bounce(self) -> dict[str, Any]:
        """Return the only cluster that there is."""
        [found] = self.bounces()["items"]
        return dict(found)

    def put_in(self, bounce: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the rules in force with the change of a cluster put in."""
        rules = list(self.bounces()["rules"])
        rules.insert(bounce["change"]["position"] - 1, bounce["change"])
        return rules


@pytest.fixture
def desk(own_app: Flask) -> Desk:
    return Desk(own_app)


def figures(bounce: dict[str, Any]) -> tuple[int, int, float]:
    return bounce["sent"], bounce["bounced"], bounce["share"]


def effect(bounce: dict[str, Any]) -> tuple[int, int, int]:
    return bounce["would_mend"], bounce["would_mend_elsewhere"], bounce["would_spoil"]


def asks(bounce: dict[str, Any]) -> dict[str, Any]:
    """Return what the change of a cluster says and does not leave open."""
    left_open = ("position", "text")
    return {
        name: value for name, value in bounce["change"].items() if value and name not in left_open
    }


def test_where_nothing_came_back_there_is_nothing_to_learn(desk: Desk) -> None:
    desk.reports(2)
    found = desk.bounces()
    assert (found["items"], found["clusters"], found["ruleset"]) == ([], 0, 1)
    assert found["rules"] == desk.office.get("/rulesets/1")["rules"]


def test_the_place_tells_what_came_back_from_what_was_kept(desk: Desk) -> None:
    put_in_force(desk.office, {"group": "voirie", "team": "voirie"}, {"team": "accueil"})
    desk.reports(3, h.CENTRE)
    wrong = desk.reports(3)
    desk.hand_back(*wrong)
    desk.give(wrong, "reseaux")
    bounce = desk.the_bounce()
    district = bounce["district"]["code"]
    assert bounce["rule"]["position"] == 1
    assert bounce["rule"]["text"] == "Roads and getting around everywhere: Roads team"
    assert (bounce["category"]["code"], bounce["team"]["code"]) == ("nid-de-poule", "voirie")
    assert figures(bounce) == (3, 3, 1.0)
    assert (bounce["handed_back"], bounce["overridden"]) == (3, 3)
    assert (bounce["ended_with"]["code"], bounce["agreed"]) == ("reseaux", 3)
    assert bounce["separated_by"] == "place"
    assert asks(bounce) == {"category": "nid-de-poule", "district": district, "team": "reseaux"}
    assert bounce["change"]["position"] == 1
    assert effect(bounce) == (3, 0, 0)
    assert bounce["why_not"] is None


def test_the_answer_tells_what_came_back_from_what_was_kept(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.reports(4, answers=SMALL)
    desk.reports(2)
    desk.give(desk.reports(3, answers=LARGE), "reseaux")
    bounce = desk.the_bounce()
    assert figures(bounce) == (9, 3, 0.3333)
    assert (bounce["handed_back"], bounce["overridden"]) == (0, 3)
    assert bounce["separated_by"] == "answers"
    assert bounce["change"]["answers"] == {"taille": ["grand"]}
    assert effect(bounce) == (3, 0, 0)
    assert "if “How big is the hole?” is answered with “Bigger”" in bounce["change"]["text"]


def test_a_rule_that_is_wrong_everywhere_is_mended_everywhere(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(3) + desk.reports(2, h.CENTRE), "reseaux")
    first, second = desk.bounces()["items"]
    assert (first["bounced"], second["bounced"]) == (3, 2)
    for bounce in (first, second):
        assert asks(bounce) == {"category": "nid-de-poule", "team": "reseaux"}
        assert bounce["separated_by"] is None
    assert (effect(first), effect(second)) == ((3, 2, 0), (2, 3, 0))
    assert [one["bounced"] for one in desk.bounces("?limit=1")["items"]] == [3]
    assert desk.bounces("?limit=1")["clusters"] == 2


def test_what_no_rule_covers_gets_one(desk: Desk) -> None:
    put_in_force(desk.office, {"category": "banc", "team": "espaces-verts"})
    desk.give(desk.reports(2), "voirie")
    bounce = desk.the_bounce()
    assert (bounce["rule"], bounce["team"]["code"]) == (None, "accueil")
    assert bounce["change"]["position"] == 2
    assert bounce["change"]["team"] == "voirie"
    assert effect(bounce) == (2, 0, 0)


def test_the_change_can_be_drafted_published_and_then_sends_right(desk: Desk) -> None:
    rule = {**HOLES, "kind": "problem", "answers": {"taille": ["moyen", "grand"]}}
    put_in_force(desk.office, {"team": "accueil"}, rule)
    desk.give(desk.reports(2, answers=LARGE), "reseaux")
    bounce = desk.the_bounce()
    rules = desk.put_in(bounce)
    assert [one["position"] for one in rules] == [1, 2, 2]
    published = put_in_force(desk.office, *rules)
    assert [one["team"] for one in published["rules"]] == ["accueil", "reseaux", "voirie"]
    assert published["rules"][1]["text"] == bounce["change"]["text"]
    ticket, _ = read_ticket(desk.client, desk.report(answers=LARGE), desk.dispatcher)
    assert ticket["team"]["code"] == "reseaux"
    # What the rules in force send right needs no change, whatever sent it then.
    again = desk.the_bounce()
    assert (again["change"], again["why_not"]) == (None, "mended")
    assert figures(again) == (2, 2, 1.0)
    # The rule says the same as before, so it is the same.
    assert again["rule"]["position"] == 3


def test_a_rule_that_is_no_longer_in_force_is_told_as_it_was(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(2), "reseaux")
    put_in_force(desk.office, {"group": "voirie", "team": "espaces-verts"})
    bounce = desk.the_bounce()
    assert bounce["rule"]["position"] is None
    assert bounce["rule"]["text"] == "Pothole everywhere: Roads team"
    assert bounce["change"]["position"] == 1
    assert effect(bounce) == (2, 0, 0)


def test_what_a_change_would_spoil_is_weighed(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    kept = desk.reports(2, answers=LARGE)
    desk.give(desk.reports(2, answers=LARGE), "reseaux")
    bounce = desk.the_bounce()
    assert (bounce["change"], bounce["would_mend"], bounce["why_not"]) == (None, None, "spoils")
    desk.give(desk.reports(1, answers=LARGE), "reseaux")
    assert effect(desk.the_bounce()) == (3, 0, 2)
    # What a team took back was right where it was.
    desk.hand_back(*kept)
    desk.give(kept, "voirie")
    bounce = desk.the_bounce()
    assert figures(bounce) == (5, 5, 1.0)
    assert (bounce["agreed"], effect(bounce)) == (3, (3, 0, 2))


def test_what_waits_for_a_team_and_what_went_back_teaches_no_change(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    tickets = desk.reports(2)
    desk.hand_back(*tickets)
    bounce = desk.the_bounce()
    assert (bounce["ended_with"], bounce["agreed"]) == (None, 0)
    assert (bounce["change"], bounce["why_not"]) == (None, "waiting")
    desk.give(tickets, "voirie")
    bounce = desk.the_bounce()
    assert (bounce["ended_with"], bounce["why_not"]) == (None, "right_after_all")


def test_what_is_no_longer_in_use_is_in_no_change(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(2), "reseaux")
    assert desk.office.change("/teams/reseaux", retired=True).status_code == 200
    bounce = desk.the_bounce()
    assert (bounce["ended_with"]["code"], bounce["why_not"]) == ("reseaux", "out_of_use")


def test_outside_all_districts_no_rule_would_help(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(2, h.IN_THE_HOLE), "reseaux")
    bounce = desk.the_bounce()
    assert (bounce["district"], bounce["rule"], bounce["why_not"]) == (None, None, "no_district")


def test_merged_and_declined_tickets_are_left_out(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    kept, declined, merged, other, _ = desk.reports(5)
    desk.give([kept, declined, merged, other], "reseaux")
    answer = move(desk.client, declined, desk.dispatcher, "declined", public_message="Non.")
    assert answer.status_code == 200, answer.text
    _, tag = read_ticket(desk.client, merged, desk.dispatcher)
    answer = desk.client.post(
        f"{BASE}/tickets/{merged}/merge",
        json={"into": kept},
        headers={**desk.dispatcher, "If-Match": tag},
    )
    assert answer.status_code == 200, answer.text
    assert figures(desk.the_bounce()) == (3, 2, 0.6667)


def test_what_was_filed_anew_is_no_bounce_of_the_rule_that_then_decided(desk: Desk) -> None:
    put_in_force(desk.office, HOLES, {"category": "banc", "team": "espaces-verts"})
    [ticket] = desk.reports(1)
    desk.hand_back(ticket)
    assert len(desk.bounces()["items"]) == 1
    desk.file(ticket, "banc")
    assert desk.bounces()["items"] == []


def test_only_tickets_of_the_time_that_is_asked_for_count(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(2), "reseaux")
    middle = now().isoformat().replace("+00:00", "Z")
    desk.give(desk.reports(1), "reseaux")
    assert figures(desk.bounces(f"?from={middle}")["items"][0]) == (1, 1, 1.0)
    assert figures(desk.bounces(f"?to={middle}")["items"][0]) == (2, 2, 1.0)
    assert desk.bounces("?to=2020-01-01T00:00:00Z")["items"] == []
    told = desk.bounces("?to=2020-04-01T00:00:00Z")
    assert (told["from"], told["to"]) == ("2020-01-02T00:00:00Z", "2020-04-01T00:00:00Z")
    for query in ("?from=today", "?limit=0", "?limit=101"):
        h.refused(
            desk.client.get(f"{BASE}/admin{BOUNCES}{query}", headers=desk.office.headers), 422
        )


def test_of_too_many_tickets_the_newest_are_looked_at_and_since_when_is_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(4), "reseaux")
    monkeypatch.setattr(reading, "MOST_TICKETS", 3)
    assert figures(desk.the_bounce()) == (3, 3, 1.0)
    told = desk.bounces("?from=2020-01-01T00:00:00Z")["from"]
    assert told > "2026"
    # What is near is looked up for fewer, but only of what rules ask that of.
    bring(desk.office, tmp_path, ROADS)
    near = {"layer": "routes", "within_m": 15, "team": "accueil"}
    monkeypatch.setattr(reading, "MOST_NEAR", 2)
    put_in_force(desk.office, HOLES, {**near, "category": "banc"})
    assert figures(desk.the_bounce()) == (3, 3, 1.0)
    put_in_force(desk.office, HOLES, {**near, "group": "voirie"})
    assert figures(desk.the_bounce()) == (2, 2, 1.0)


def test_the_map_has_the_places_of_what_came_back(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    beside = {**INSIDE, "longitude": INSIDE["longitude"] + 0.0002}
    desk.reports(1)
    desk.give([desk.report(), desk.report(beside)], "reseaux")
    bounce = desk.the_bounce()
    answer = desk.client.get(f"{BASE}/admin{BOUNCES}/map", headers=desk.office.headers)
    assert answer.content_type == "application/geo+json"
    [feature] = body_of(answer)["features"]
    west, south, east = INSIDE["longitude"], INSIDE["latitude"], beside["longitude"]
    assert feature["geometry"] == {
        "type": "MultiPoint",
        "coordinates": [[west, south], [east, south]],
    }
    assert feature["bbox"] == [west, south, east, south]
    assert feature["properties"]["bounced"] == 2
    assert bounce["extent"] == {"west": west, "south": south, "east": east, "north": south}
    assert bounce["location"] == {
        "latitude": pytest.approx(south),
        "longitude": pytest.approx(west + 0.0001),
    }


def test_it_is_told_in_words_in_both_languages(desk: Desk) -> None:
    put_in_force(desk.office, HOLES)
    desk.reports(1, h.CENTRE)
    desk.give(desk.reports(2), "reseaux")
    [told] = desk.bounces()["items"]
    assert told["text"] == (
        "Sent by the rule “Pothole everywhere: Roads team”, about “Pothole” in Bellevue: 2."
        " Came back: 2. Of these, ended with Water and lighting team: 2."
        " It is the place: here nothing of it was kept, elsewhere some was."
        " The rule “Pothole in Bellevue: Water and lighting team” would have sent right: 2;"
        " wrong: 0."
    )
    [french] = desk.bounces(language="fr")["items"]
    said = french["text"].replace("\N{NO-BREAK SPACE}", " ")
    assert "C'est une affaire de lieu : ici, rien n'en a été gardé, ailleurs si." in said
    assert "aurait bien envoyé : 2 ; mal : 0." in said


def test_a_change_keeps_the_hours_and_days_of_the_rule_that_it_goes_before(desk: Desk) -> None:
    always = {"hours": {day: ["00:00-24:00"] for day in WEEKDAYS}, "first_day": "2020-01-01"}
    over = {"hours": {"monday": ["00:00-24:00"]}, "last_day": "2020-01-01"}
    put_in_force(desk.office, {**HOLES, "team": "accueil", **over}, {**HOLES, **always})
    desk.give(desk.reports(2), "reseaux")
    bounce = desk.the_bounce()
    assert (bounce["rule"]["position"], bounce["change"]["position"]) == (2, 2)
    assert {name: bounce["change"][name] for name in always} == always
    assert effect(bounce) == (2, 0, 0)
    published = put_in_force(desk.office, *desk.put_in(bounce))
    assert published["rules"][1]["text"] == bounce["change"]["text"]
    assert desk.the_bounce()["why_not"] == "mended"


@pytest.mark.parametrize(
    "asked",
    [
        {"hours": {"monday": ["20:00-24:00"]}},
        {"first_day": "2026-03-03"},
        {"last_day": "2026-03-01"},
    ],
)
def test_when_it_was_sent_counts_for_the_rules_in_force(
    own_app: Flask, desk: Desk, asked: dict[str, Any]
) -> None:
    put_in_force(desk.office, HOLES)
    with h.parts_of(own_app).sessions.begin() as session:
        days = DeskDays(session)
        for at in ("2026-03-01 09:00", "2026-03-02 19:59", "2026-03-02 20:00", "2026-03-03 09:00"):
            days.change(days.report(at), at, team="reseaux")
    put_in_force(desk.office, HOLES, {**HOLES, **asked, "team": "reseaux"})
    [bounce] = desk.bounces("?from=2026-02-01T00:00:00Z&to=2026-04-01T00:00:00Z")["items"]
    assert figures(bounce) == (4, 4, 1.0)
    # One of them the rules in force send right already.
    assert effect(bounce) == (3, 0, 0)


def test_a_change_keeps_what_the_rule_asks_of_a_layer(desk: Desk, tmp_path: Path) -> None:
    bring(desk.office, tmp_path, ROADS)
    rule = {**HOLES, "layer": "routes", "within_m": 15, "where": {"nom": ["Departement"]}}
    put_in_force(desk.office, {"team": "accueil"}, rule)
    beside = {**INSIDE, "longitude": INSIDE["longitude"] + 0.0001}
    far = {**INSIDE, "longitude": INSIDE["longitude"] - 0.0002}
    desk.report(far)
    desk.give([desk.report(), desk.report(beside)], "reseaux")
    bounce = desk.the_bounce()
    assert figures(bounce) == (2, 2, 1.0)
    kept = {"layer": "routes", "within_m": 15, "where": {"nom": ["Departement"]}}
    assert {name: bounce["change"][name] for name in kept} == kept
    assert effect(bounce) == (2, 0, 0)
    put_in_force(desk.office, *desk.put_in(bounce))
    for place, team in ((beside, "reseaux"), (far, "accueil")):
        ticket, _ = read_ticket(desk.client, desk.report(place), desk.dispatcher)
        assert ticket["team"]["code"] == team


def test_another_city_is_not_told(own_app: Flask, desk: Desk, tmp_path: Path) -> None:
    sessions = h.parts_of(own_app).sessions
    with sessions.begin() as session:
        towns.load(session, towns.write(tmp_path, towns.document("voisine")))
    put_in_force(desk.office, HOLES)
    desk.give(desk.reports(1), "reseaux")
    body = problem_at({"latitude": -33.95, "longitude": 20.05}, category="hole")
    sent = body_of(desk.client.post(f"{BASE}/reports", json=body))
    with sessions.begin() as session:
        lead = session.scalars(select(Person).where(Person.email == "lead@voisine.example")).one()
        theirs = lead.jurisdiction_id
        staff = Staff(lead.id, theirs, "", lead.email, Role.DISPATCHER, "en", (), ())
        ticket = session.scalars(select(Ticket).where(Ticket.reference == sent["ticket"])).one()
        handing_back.hand_back(session, staff, ticket.id, ticket.version, "?", now())
    assert desk.the_bounce()["category"]["code"] == "nid-de-poule"
    with sessions() as session:
        office = Administration(session, None, theirs, now())
        [bounce] = overview.look(office, None, None, 20, "en").bounces
    assert (bounce.category.code, bounce.team.code, bounce.sent) == ("hole", "crew", 1)


def test_how_much_is_asked_does_not_depend_on_how_much_came_back(
    own_app: Flask, desk: Desk
) -> None:
    put_in_force(desk.office, HOLES, {"category": "banc", "team": "espaces-verts"})
    engine = h.parts_of(own_app).engine

    def asked() -> int:
        with asked_of(engine) as statements:
            desk.bounces()
        return len(statements)

    desk.give(desk.reports(1), "reseaux")
    before = asked()
    desk.give(desk.reports(2, h.CENTRE) + desk.reports(2, h.DOCKS, answers=LARGE), "reseaux")
    desk.give(desk.reports(2, category="banc"), "proprete")
    desk.hand_back(*desk.reports(2, h.PORT))
    assert desk.bounces()["clusters"] == 5
    assert asked() == before


def test_only_administrators_learn(app: Flask) -> None:
    for email in (DISPATCHER, h.LEAD_OF_ROADS, h.AUDITOR):
        other = Office(app, email)
        answer = other.client.get(f"{BASE}/admin{BOUNCES}", headers=other.headers)
        h.refused(answer, 403)
