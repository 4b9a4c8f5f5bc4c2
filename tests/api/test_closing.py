"""Closing with a reason of the city's list, and answering with its templates."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.models import Event, Message, Ticket
from tests.api import help as h
from tests.api.conftest import LogIn
from tests.api.written import mails_about
from tests.resident import BASE, Resident, body_of, move, read_ticket

DONE = "C'est fait : la réparation ou le nettoyage a eu lieu. Merci de nous l'avoir signalé."


@pytest.fixture
def view(resident: Resident) -> dict[str, Any]:
    """Return a French report whose sender can be written to, whose address is a trap."""
    return resident.report(
        contact={"email": f"{uuid4().hex}@example.org"}, locale="fr", address="{team} 3 \u202eeur"
    )


def test_a_code_of_the_list_is_kept_as_that_and_told_in_the_readers_words(
    app: Flask,
    client: FlaskClient,
    view: dict[str, Any],
    dispatcher: dict[str, str],
    session: Session,
) -> None:
    answer = move(client, view["ticket"], dispatcher, "resolved", reason="repare")
    assert answer.status_code == 200, answer.text
    ticket = body_of(answer)
    assert ticket["close_reason"]["code"] == "repare"
    for language, name in (("fr", "Réparé ou nettoyé"), ("en", "Repaired or cleaned")):
        headers = {**dispatcher, "Accept-Language": language}
        told = h.read(client, f"/tickets/{view['ticket']}", headers)
        assert told["events"][-1]["reason"] == told["close_reason"]["name"] == name
    # Who closed it wrote nothing, so the reporter reads what the reason says.
    assert h.read(client, f"/reports/{view['reference']}")["public_message"] == DONE
    assert DONE in mails_about(app, view["ticket"], "reporter")[-1].text
    event, message = session.execute(
        select(Event, Message)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .join(Message, Message.id == Event.message_id)
        .where(Ticket.reference == view["ticket"])
    ).one()
    assert (event.data["close_reason"]["code"], message.reason) == ("repare", None)
    # It is the reason of this closing alone.
    reopened = body_of(move(client, view["ticket"], dispatcher, "reopened", reason="repare"))
    assert (reopened["close_reason"], reopened["events"][-1]["reason"]) == (None, "repare")


@pytest.mark.parametrize("reason", ["Enrobé posé", "domaine-prive", "REPARE"])
def test_any_other_words_stay_words(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str], reason: str
) -> None:
    ticket = body_of(move(client, view["ticket"], dispatcher, "resolved", reason=reason))
    assert (ticket["close_reason"], ticket["events"][-1]["reason"]) == (None, reason)
    assert h.read(client, f"/reports/{view['reference']}")["public_message"] is None


def test_declining_needs_words_for_this_report_whatever_the_reason_says(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    refused = move(client, view["ticket"], dispatcher, "declined", reason="rien-trouve")
    assert h.blamed(refused) == ["/public_message"]
    answered = move(
        client,
        view["ticket"],
        dispatcher,
        "declined",
        reason="domaine-prive",
        template="terrain-prive",
    )
    assert answered.status_code == 200, answered.text
    told = h.read(client, f"/reports/{view['reference']}")["public_message"]
    assert told == "Cet endroit est un terrain privé : Beaurive-sur-Seine ne peut pas y intervenir."


def test_reasons_and_templates_count_in_bulk(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    word = h.a_word()
    views = [resident.report(description=word) for _ in range(2)]
    items = [
        {"reference": one["ticket"], "etag": read_ticket(client, one["ticket"], dispatcher)[1]}
        for one in views
    ]
    step = {"to": "resolved", "reason": "repare", "template": "nid-de-poule-rebouche"}
    answer = client.post(
        f"{BASE}/tickets/bulk", json={"items": items, "transition": step}, headers=dispatcher
    )
    assert [one["status"] for one in body_of(answer)["items"]] == [200, 200], answer.text
    for one in views:
        told = h.read(client, f"/reports/{one['reference']}")["public_message"]
        assert one["ticket"] in told
        assert read_ticket(client, one["ticket"], dispatcher)[0]["close_reason"]["code"] == "repare"
    for reasons, count in (("repare", 2), ("deja-connu,repare", 2), ("deja-connu", 0)):
        page = h.read(client, f"/tickets?q={word}&close_reason={reasons}", dispatcher)
        assert (len(page["items"]), page["counts"]["resolved"]) == (count, count)


def test_a_template_is_filled_once_and_with_nothing_that_turns_the_text(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    path = f"/tickets/{view['ticket']}/templates"
    offers = {
        one["code"]: one for one in h.read(client, f"{path}?status=resolved", dispatcher)["items"]
    }
    assert set(offers) >= {"nid-de-poule-rebouche"}
    assert not set(offers) & {"pris-en-charge", "terrain-prive"}
    offer = offers["nid-de-poule-rebouche"]
    text = (
        "Le trou est rebouché ({team} 3 eur). Merci de nous l'avoir signalé."
        f" Dossier {view['ticket']}."
    )
    assert (offer["text"], offer["language"], offer["missing"]) == (text, "fr", [])
    assert offer["texts"] == {"fr": text}
    answer = move(client, view["ticket"], dispatcher, "resolved", template="nid-de-poule-rebouche")
    assert answer.status_code == 200, answer.text
    assert h.read(client, f"/reports/{view['reference']}")["public_message"] == text


def test_those_who_report_in_several_languages_are_answered_in_the_citys_first(
    client: FlaskClient, resident: Resident, dispatcher: dict[str, str]
) -> None:
    first = resident.report(locale="en")
    path = f"/tickets/{first['ticket']}/templates?status=accepted"
    [alone] = h.read(client, path, dispatcher)["items"]
    assert (alone["language"], list(alone["texts"])) == ("en", ["en"])
    assert alone["text"].startswith("Roads team is looking after your report (Pothole)")
    resident.report(locale="fr", same_as=first["ticket"])
    [both] = h.read(client, path, dispatcher)["items"]
    assert (both["language"], list(both["texts"])) == ("fr", ["fr", "en"])
    assert both["text"].startswith("Équipe voirie s'occupe de votre signalement (Nid-de-poule)")


def test_what_a_ticket_lacks_is_not_made_up(
    client: FlaskClient, view: dict[str, Any], dispatcher: dict[str, str]
) -> None:
    _, tag = read_ticket(client, view["ticket"], dispatcher)
    headers = {**dispatcher, "If-Match": tag}
    client.patch(f"{BASE}/tickets/{view['ticket']}", json={"due_at": None}, headers=headers)
    path = f"/tickets/{view['ticket']}/templates?status=accepted"
    [offer] = h.read(client, path, dispatcher)["items"]
    assert (offer["text"], offer["missing"]) == (None, ["due"])
    for template in ("pris-en-charge", "terrain-prive", "nothing"):
        refused = move(client, view["ticket"], dispatcher, "accepted", template=template)
        assert h.blamed(refused) == ["/template"]
    both = {"template": "pris-en-charge", "public_message": "Bonjour."}
    assert h.blamed(move(client, view["ticket"], dispatcher, "accepted", **both)) == ["/template"]


def test_staff_read_the_lists_in_their_own_words(client: FlaskClient, as_person: LogIn) -> None:
    member = {**as_person(h.MEMBER_OF_PARKS), "Accept-Language": "en"}
    reasons = h.read(client, "/close-reasons", member)["items"]
    one = next(reason for reason in reasons if reason["code"] == "rien-trouve")
    assert one["statuses"] == ["declined", "resolved"]
    assert (one["name"], one["public_text"][:13]) == ("Nothing found on site", "A team went t")
    parties = h.read(client, "/third-parties", member)["items"]
    assert {"code": "regie-des-eaux", "name": "Water company"} in parties
