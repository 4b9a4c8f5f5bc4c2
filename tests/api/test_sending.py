"""Sending a report: what is answered, what is refused, and which ticket it becomes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from city.models import Kind
from geo.coordinates import Position
from infra.clock import now
from reports import intake
from reports.intake import NewReport
from reports.models import Report, Ticket
from tests.api import help as h
from tests.resident import (
    BASE,
    INSIDE,
    Resident,
    bearer,
    body_of,
    move,
    problem_at,
    read_ticket,
)

CONTACT = {"name": "Camille", "email": "camille@example.org", "phone": "06 12 34 56 78"}
LAMP = {"category": "lampadaire", "answers": {"panne": "eteint"}}


def test_the_answer_is_the_reporters_view(client: FlaskClient) -> None:
    body = problem_at({**INSIDE, "accuracy_m": 8}, contact=CONTACT, locale="fr")
    answer = client.post(f"{BASE}/reports", json=body)
    assert answer.status_code == 201
    view = body_of(answer)

    own = {"contact", "messages", "can", "tracking_token", "photo_upload"}
    assert set(view) == h.PUBLIC_VIEW | own
    reference = view["reference"]
    assert re.fullmatch(h.REFERENCE, reference)
    assert re.fullmatch(f"T-{h.REFERENCE}", view["ticket"])
    assert view["kind"] == "problem"
    assert view["category"] == {"code": "nid-de-poule", "name": "Pothole"}
    assert view["description"] == body["description"]
    assert view["location"] == INSIDE
    assert view["district"]["code"] == "bellevue"
    assert view["team"] == {"code": "voirie", "name": "Roads team"}
    assert view["status"] == "received"
    assert view["public_message"] is view["closed_at"] is None
    assert (view["photos"], view["supports"]) == ([], 0)
    for name in ("created_at", "updated_at", "due_at"):
        assert re.fullmatch(h.MOMENT, view[name])
    assert view["due_at"] > view["created_at"]
    assert view["contact"] == CONTACT
    assert view["messages"] == []
    assert view["can"] == ["message", "photo", "withdraw"]
    upload = f"{h.PUBLIC_URL}{BASE}/reports/{reference}/photos/{{uuid}}"
    assert view["photo_upload"] == {"template": upload, "remaining": 5}
    assert answer.headers["Location"].endswith(f"{BASE}/reports/{reference}")
    read_again = client.get(answer.headers["Location"], headers=bearer(view["tracking_token"]))
    assert body_of(read_again) == {
        name: value for name, value in view.items() if name != "tracking_token"
    }


@pytest.mark.parametrize("language", ["fr", "en", "de"])
@pytest.mark.parametrize(
    "members",
    [
        {"contact": CONTACT, "locale": "fr"},
        {"contact": {"phone": "06 12 34 56 78"}},
        {"kind": "compliment", "category": "merci"},
        {"kind": "idea", "category": "idee"},
        {"place": h.ON_A_BORDER, "address": "Pont Neuf"},
        {"place": {**h.IN_THE_HOLE, "accuracy_m": 30}},
        {**h.PRIVATE, "description": "<b>\u00e9t\u00e9</b>\n\U0001f6b2 \\ \" ' %s :x {y}"},
        LAMP,
    ],
)
def test_the_answer_is_what_is_read_later(
    client: FlaskClient, members: dict[str, Any], language: str
) -> None:
    speaks = {"Accept-Language": language}
    answer = client.post(f"{BASE}/reports", json=problem_at(**members), headers=speaks)
    assert answer.status_code == 201, answer.text
    view = body_of(answer)
    token = view.pop("tracking_token")
    url = f"{BASE}/reports/{view['reference']}"
    assert body_of(client.get(url, headers={**speaks, **bearer(token)})) == view

    joined = body_of(
        client.post(
            f"{BASE}/reports",
            json=problem_at(**members, same_as=view["ticket"]),
            headers=speaks,
        )
    )
    token = joined.pop("tracking_token")
    url = f"{BASE}/reports/{joined['reference']}"
    assert body_of(client.get(url, headers={**speaks, **bearer(token)})) == joined


def test_references_are_unlike_one_another(resident: Resident) -> None:
    sent = [resident.report()["reference"] for _ in range(5)]
    assert len(set(sent)) == 5
    assert len({reference[:7] for reference in sent}) == 5


def test_a_compliment_is_finished_when_it_arrives(resident: Resident) -> None:
    view = resident.report(kind="compliment", category="merci", description="Merci !")
    assert view["status"] == "resolved"
    assert view["due_at"] is None
    assert view["closed_at"] == view["created_at"]
    assert view["can"] == ["message", "photo"]


@pytest.mark.parametrize("category", ["idee", "velo", "aire-de-jeux"])
def test_an_idea_owes_no_deadline(resident: Resident, category: str) -> None:
    view = resident.report(kind="idea", category=category, description="Et si ?")
    assert view["status"] == "received"
    assert view["due_at"] is view["closed_at"] is None


@pytest.mark.parametrize("kind", ["idea", "compliment"])
def test_a_category_takes_its_own_kinds_alone(client: FlaskClient, kind: str) -> None:
    answer = client.post(f"{BASE}/reports", json=problem_at(kind=kind))
    assert h.blamed(answer) == ["/kind"]


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"kind": "complaint"}, "/kind"),
        ({"kind": None}, "/kind"),
        ({"category": "volcan"}, "/category"),
        ({"category": 7}, "/category"),
        ({"category": ""}, "/category"),
        ({"description": "  \n "}, "/description"),
        ({"description": None}, "/description"),
        ({"description": ["a"]}, "/description"),
        ({"location": None}, "/location"),
        ({"location": "here"}, "/location"),
        ({"location": {"latitude": 48.8}}, "/location/longitude"),
        ({"location": {**INSIDE, "latitude": "north"}}, "/location/latitude"),
        ({"location": {**INSIDE, "accuracy_m": -1}}, "/location/accuracy_m"),
        ({"location": h.OUTSIDE}, "/location"),
        ({"location": h.FAR_AWAY}, "/location"),
        ({"contact": {"email": "not an address"}}, "/contact/email"),
        ({"contact": {"name": "Ada\r\nBcc: all@example.org"}}, "/contact/name"),
        ({"contact": "camille@example.org"}, "/contact"),
        ({"answers": ["grand"]}, "/answers"),
        ({"answers": {"taille": "immense"}}, "/answers/taille"),
        ({"answers": {"couleur": "noir"}}, "/answers/couleur"),
        ({"observed_at": "yesterday"}, "/observed_at"),
        ({"observed_at": "2026-05-01T10:00:00"}, "/observed_at"),
        ({"same_as": "nonsense"}, "/same_as"),
        ({"same_as": "T-7KM-3QX-9PG"}, "/same_as"),
    ],
)
def test_what_cannot_be_accepted_is_named(
    client: FlaskClient, members: dict[str, Any], wrong: str
) -> None:
    body = {**problem_at(), **members}
    assert h.blamed(client.post(f"{BASE}/reports", json=body)) == [wrong]


def test_all_that_is_missing_is_named_at_once(client: FlaskClient) -> None:
    required = ["/category", "/description", "/kind", "/location"]
    assert h.blamed(client.post(f"{BASE}/reports", json={})) == required
    assert h.blamed(client.post(f"{BASE}/reports", json=[])) == [""]


@pytest.mark.parametrize(
    ("category", "answers", "wrong"),
    [
        ("lampadaire", None, "panne"),
        ("lampadaire", {"panne": ""}, "panne"),
        ("lampadaire", {"panne": "eteint", "nombre": "trois"}, "nombre"),
        ("lampadaire", {"panne": ["eteint"], "nombre": True}, "nombre panne"),
        ("depot-sauvage", {"contenu": "meubles"}, "contenu"),
        ("depot-sauvage", {"contenu": []}, "contenu"),
        ("depot-sauvage", {"contenu": ["or"], "vu-le": "hier"}, "contenu vu-le"),
        ("vehicule-abandonne", {"description-vehicule": 7}, "description-vehicule"),
    ],
)
def test_answers_must_fit_their_questions(
    client: FlaskClient, category: str, answers: dict[str, Any] | None, wrong: str
) -> None:
    body = problem_at(category=category, answers=answers)
    named = h.blamed(client.post(f"{BASE}/reports", json=body))
    assert named == [f"/answers/{code}" for code in wrong.split()]


def test_answers_of_every_type_reach_the_team(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    answers = {"contenu": ["meubles", "sacs"], "volume": 2.5, "vu-le": "2026-05-01T10:00:00Z"}
    view = resident.report(category="depot-sauvage", answers=answers)
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert ticket["reports"][0]["answers"] == answers
    number_as_text = {"description-vehicule": "Une 4L bleue", "immobile-depuis": "12"}
    resident.report(category="vehicule-abandonne", answers=number_as_text)


def test_staff_see_what_the_public_does_not(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(
        place={**INSIDE, "accuracy_m": 12.5},
        address="12 rue des Lilas",
        contact=CONTACT,
        locale="en-GB",
        observed_at="2026-05-01T10:00:00+02:00",
    )
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    (report,) = ticket["reports"]
    assert report["accuracy_m"] == 12.5
    assert report["contact"] == CONTACT
    assert report["locale"] == "en"
    assert report["observed_at"] == "2026-05-01T08:00:00Z"
    assert report["channel"] == "app"
    assert ticket["address"] == view["address"] == "12 rue des Lilas"


def test_a_language_that_the_city_does_not_speak_becomes_its_own(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    view = resident.report(locale="tlh")
    ticket, _ = read_ticket(client, view["ticket"], dispatcher)
    assert ticket["reports"][0]["locale"] == "fr"


@pytest.mark.parametrize(
    "contact", [None, {}, {"name": None, "email": None}, {"name": " ", "phone": ""}]
)
def test_a_contact_that_says_nothing_is_none(
    resident: Resident, contact: dict[str, Any] | None
) -> None:
    assert resident.report(contact=contact)["contact"] is None


def test_part_of_a_contact_is_kept(resident: Resident) -> None:
    view = resident.report(contact={"phone": "06 12 34 56 78"})
    assert view["contact"] == {"name": None, "email": None, "phone": "06 12 34 56 78"}


def test_the_same_thing_joins_the_open_ticket(resident: Resident) -> None:
    first = resident.report(**LAMP, contact=CONTACT)
    spelled = first["ticket"].replace("-", " ").lower()
    second = resident.report(**LAMP, same_as=spelled)
    assert second["ticket"] == first["ticket"]
    assert second["reference"] != first["reference"]
    assert second["supports"] == 1
    assert second["contact"] is None
    view = h.read(resident.client, f"/reports/{first['reference']}")
    assert view["supports"] == 1
    events = h.read(resident.client, f"/reports/{first['reference']}/events")["items"]
    assert [event["kind"] for event in events] == ["received", "routed", "joined"]


@pytest.mark.parametrize("end", ["resolved", "declined"])
def test_what_is_closed_is_not_joined(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str], end: str
) -> None:
    first = resident.report()
    assert move(client, first["ticket"], dispatcher, end, public_message="Fait.").status_code == 200
    second = resident.report(same_as=first["ticket"])
    assert second["ticket"] != first["ticket"]
    assert (second["status"], second["supports"]) == ("received", 0)


def test_an_idea_does_not_join_a_problem(resident: Resident) -> None:
    problem = resident.report(category="banc")
    idea = resident.report(kind="idea", category="banc", same_as=problem["ticket"])
    assert idea["ticket"] != problem["ticket"]


def test_what_is_far_away_is_not_the_same(resident: Resident) -> None:
    first = resident.report()
    near = {**INSIDE, "latitude": INSIDE["latitude"] + 0.001}
    assert resident.report(place=near, same_as=first["ticket"])["ticket"] == first["ticket"]
    elsewhere = resident.report(place=h.ON_A_BORDER, same_as=first["ticket"])
    assert elsewhere["ticket"] != first["ticket"]


def test_what_is_not_public_joins_only_its_like(resident: Resident) -> None:
    public, private = resident.report(), resident.report(**h.PRIVATE)
    own = resident.report(**h.PRIVATE, same_as=public["ticket"])
    assert own["ticket"] != public["ticket"]
    assert own["team"] == private["team"]
    joined = resident.report(**h.PRIVATE, same_as=private["ticket"])
    assert joined["ticket"] == private["ticket"]


def test_markup_is_plain_text(resident: Resident) -> None:
    text = "<script>alert(1)</script> & <b>gras</b>"
    view = resident.report(description=text)
    assert h.read(resident.client, f"/reports/{view['reference']}")["description"] == text


def test_a_notice_for_which_no_number_was_reserved_stops_the_report(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_NUMBERED", (Report, Ticket))
    new = NewReport(Kind.PROBLEM, "nid-de-poule", "?", Position(**INSIDE))
    with pytest.raises(ValueError, match="zip"):
        intake.submit(session, new, now())
