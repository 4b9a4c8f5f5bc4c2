"""What `q` finds: words in any order and form, wherever on the ticket somebody wrote them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from reports.models import Report, Ticket
from tests.api import help as h
from tests.resident import BASE, Resident, bearer, move, read_ticket

Headers = dict[str, str]


def _found(client: FlaskClient, dispatcher: Headers, words: str) -> list[str]:
    path = f"/tickets?q={quote(words)}"
    return h.references(h.read(client, path, dispatcher)["items"])


@pytest.mark.parametrize(
    ("said", "wanted", "found"),
    [
        ("Un lampadaire cassé", "lampadaires cassées", True),
        ("Un lampadaire cassée", "LAMPADAIRE CASSE", True),
        ("Deux lampadaires éteints", "éteint lampadaire", True),
        ("Deux lampadaires eteints", "éteint", True),
        ("La route est inondée", "inondees", True),
        ("Deux trous devant l’école", "trou", True),
        ("Un trou", "trous", True),
        ("Les feux sont en panne", "feu", True),
        ("Broken streetlights everywhere", "streetlight break everywhere", False),
        ("Broken streetlights everywhere", "everywhere streetlight", True),
        ("Flooding in the street", "flooded", True),
        ("Devant l’école Sainte-Anne", "sainte anne", True),
        ("Devant l'ecole", "l’école", True),
        ("Un trou", "trou route", False),
        ("Un trou", "tro", False),
        ("Pente de 100% ici", "100%", True),
        ("Pente de 100 ici", "100%", False),
        ("Un trou", "tr%", False),
        ("a\\b 'c'", "a\\b", True),
        ("Écrit en œuvre", "oeuvre", True),
    ],
)
def test_words_are_found_in_any_order_and_form(
    client: FlaskClient,
    resident: Resident,
    dispatcher: Headers,
    said: str,
    wanted: str,
    found: bool,
) -> None:
    word = h.a_word()
    sent = resident.report(description=f"{said} {word}")
    query = f"{word} {wanted}"
    assert _found(client, dispatcher, query) == ([sent["ticket"]] if found else [])
    public = h.references(h.read(client, f"/reports?q={quote(query)}")["items"])
    assert public == ([sent["reference"]] if found else [])


@pytest.mark.parametrize("words", ["%", "\\", "'", "&", "|", "!", ":*", "()", "<->", "🌳", "''"])
def test_what_is_no_word_finds_nothing(
    client: FlaskClient, resident: Resident, dispatcher: Headers, words: str
) -> None:
    sent = resident.report(description=f"{h.a_word()} tout court")
    assert sent["ticket"] not in _found(client, dispatcher, words)
    public = h.references(h.read(client, f"/reports?q={quote(words)}")["items"])
    assert sent["reference"] not in public


def test_words_of_the_address_and_of_messages_are_found_by_staff_alone(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    street, note, question, answer = (h.a_word() for _ in range(4))
    sent = resident.report(address=f"7 quai {street}")
    reference, ticket = sent["reference"], sent["ticket"]
    written = client.post(
        f"{BASE}/tickets/{ticket}/notes", json={"text": f"Note {note}"}, headers=dispatcher
    )
    assert written.status_code == 201
    written = client.post(
        f"{BASE}/reports/{reference}/messages",
        json={"text": f"Merci {question}"},
        headers=bearer(sent["tracking_token"]),
    )
    assert written.status_code == 201
    moved = move(client, ticket, dispatcher, "accepted", public_message=f"Vu {answer}")
    assert moved.status_code == 200
    for word in (street, note, question, answer, f"{answer} {street} {note}"):
        assert _found(client, dispatcher, word) == [ticket]
    assert h.references(h.read(client, f"/reports?q={street}")["items"]) == [reference]
    for word in (note, question, answer):
        assert h.read(client, f"/reports?q={word}")["items"] == []


def test_words_go_where_their_report_goes(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    one, other = h.a_word(), h.a_word()
    first = resident.report(description=one)["ticket"]
    second = resident.report(description=other)["ticket"]
    tag = read_ticket(client, second, dispatcher)[1]
    merged = client.post(
        f"{BASE}/tickets/{second}/merge",
        json={"into": first},
        headers=dispatcher | {"If-Match": tag},
    )
    assert merged.status_code == 200
    assert _found(client, dispatcher, f"{other} {one}") == [first]
    tag = read_ticket(client, second, dispatcher)[1]
    parted = client.post(f"{BASE}/tickets/{second}/unmerge", headers=dispatcher | {"If-Match": tag})
    assert parted.status_code == 200
    assert _found(client, dispatcher, other) == [second]
    assert _found(client, dispatcher, f"{other} {one}") == []


def test_a_corrected_address_is_found_and_the_one_before_is_not(
    client: FlaskClient, resident: Resident, dispatcher: Headers, app: Flask
) -> None:
    before, after = h.a_word(), h.a_word()
    sent = resident.report(description="Un trou", address=before)
    with h.parts_of(app).sessions.begin() as session:
        session.execute(
            update(Ticket).where(Ticket.reference == sent["ticket"]).values(address=after)
        )
        session.execute(
            update(Report).where(Report.reference == sent["reference"]).values(address=None)
        )
    assert _found(client, dispatcher, after) == [sent["ticket"]]
    assert _found(client, dispatcher, before) == []


def test_words_that_come_at_once_are_all_kept(
    app: Flask, resident: Resident, dispatcher: Headers
) -> None:
    ticket = resident.report()["ticket"]
    words = [h.a_word() for _ in range(5)]

    def write(word: str) -> int:
        path = f"{BASE}/tickets/{ticket}/notes"
        return app.test_client().post(path, json={"text": word}, headers=dispatcher).status_code

    with ThreadPoolExecutor(len(words)) as pool:
        assert set(pool.map(write, words)) == {201}
    assert _found(resident.client, dispatcher, " ".join(words)) == [ticket]


def test_more_words_than_fit_are_no_hindrance(
    client: FlaskClient, resident: Resident, dispatcher: Headers
) -> None:
    word = h.a_word()
    first = resident.report(description=word)
    # One word as long as a description may be, one sign after the other, and words without end.
    for description in ("x" * 4_000, "a%" * 2_000, "é€ " * 1_333):
        resident.report(description=description, same_as=first["ticket"])
    path = f"{BASE}/tickets/{first['ticket']}/notes"
    for number in range(30):
        text_ = " ".join(f"{number}x{n:05}ab" for n in range(350))
        assert client.post(path, json={"text": text_}, headers=dispatcher).status_code == 201
    assert _found(client, dispatcher, word) == [first["ticket"]]


def test_the_words_that_triggers_keep_are_those_of_the_rows(app: Flask, resident: Resident) -> None:
    resident.report()
    with h.parts_of(app).sessions.begin() as session:
        kept = "SELECT ticket_id, words::text FROM ticket_words ORDER BY ticket_id"
        before = session.execute(text(kept)).all()
        session.execute(text("DELETE FROM ticket_words"))
        session.execute(text("SELECT note_words(ARRAY(SELECT id FROM tickets))"))
        assert session.execute(text(kept)).all() == before
