"""A day in the city: forty reports come in, and the desk and two teams bring every one to an end.

Run with `-s` to read three of the mailboxes.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import psycopg

from infra.clock import now
from infra.words import say
from reports.history import NOT_SOLVED_TEXT, STATUS_TEXTS, THANKS_TEXT, WITHDRAWN_TEXT
from reports.status import Status
from tests import web
from tests.api import help as h
from tests.journeys.replay import replay
from tests.journeys.town import Officer, Resident, Town, said, without_repeats
from tests.reports import photo_samples
from tests.resident import BASE, DISPATCHER, INSIDE
from tests.stack import Stack, eventually

PARKS, ROADS = "espaces-verts@beaurive.example", "voirie@beaurive.example"
LEAD_OF_PARKS = "chef.espaces-verts@beaurive.example"
FILLED = "Le trou est rebouché et la chaussée refaite."
CUT = "L'arbre est dégagé et le passage est libre."
DONE = "C'est fait. Merci de nous l'avoir signalé."
READ_ALOUD = ("Wanda", "Grace", "Nour")
MOVED = {"Berthe", "Colette", "Driss", "Elsa", "Farid", "Grace", "Hugo"} | {
    "Karim",
    "Lea",
    "Mary",
    "Nour",
}


def _beside(place: dict[str, float], metres: float) -> dict[str, float]:
    """Return a spot that lies north of another one."""
    return {**place, "latitude": round(place["latitude"] + metres / 111_200, 6)}


class Day:
    """All that happens, act by act; who takes part is kept by name."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.desk = Officer(town, DISPATCHER)
        self.roads = Officer(town, h.LEAD_OF_ROADS)
        self.fitter = Officer(town, h.MEMBER_OF_ROADS)
        self.parks = Officer(town, LEAD_OF_PARKS)
        self.people: dict[str, Resident] = {}

    def comes(
        self, name: str, category: str, place: dict[str, float], text: str, **members: Any
    ) -> Resident:
        """Have somebody send a report."""
        locale, reachable = members.pop("locale", "fr"), members.pop("reachable", True)
        one = self.people[name] = Resident(self.town, name, locale, reachable=reachable)
        one.report(category, place, text, **members)
        return one

    def a_pothole_that_eight_people_see(self) -> None:
        """Three are shown that it is known and join; the desk joins the other four."""
        text = "Un grand trou au milieu de la chaussée, deux pneus crevés ce matin."
        first = self.comes("Achille", "nid-de-poule", INSIDE, text)
        for number, name in enumerate(("Berthe", "Colette", "Driss")):
            spot = _beside(INSIDE, 3 + number)
            known = Resident(self.town, name).similar("nid-de-poule", spot, text)[0]
            assert known["ticket"] == first.ticket
            assert known["reasons"]
            self.comes(name, "nid-de-poule", spot, f"Pareil, {text}", same_as=known["ticket"])
        late = [
            self.comes(name, "nid-de-poule", _beside(INSIDE, -5 - number), text, locale=locale)
            for number, (name, locale) in enumerate(
                [("Elsa", "fr"), ("Farid", "fr"), ("Grace", "en"), ("Hugo", "fr")]
            )
        ]
        self.desk.change(late[2].ticket, priority="high", reason="Deux pneus crevés.")
        for one in late:
            self.desk.act(one.ticket, "merge", {"into": first.ticket})
        ticket = self.desk.ticket(first.ticket)
        assert len(ticket["reports"]) == 8
        assert ticket["priority"] == "high"
        self.fitter.move(first.ticket, "in_progress", "Équipe sur place")
        self.roads.move(first.ticket, "resolved", "Enrobé posé", FILLED)

    def a_tree_that_is_two(self) -> None:
        """Five reports are joined, but one of them turns out to be about another tree."""
        asked = {"danger": "oui"}
        trees = [
            self.comes(name, "arbre", _beside(h.CENTRE, at), text, answers=asked, locale=locale)
            for name, at, text, locale in (
                ("Jeanne", 0, "Un arbre est tombé sur le trottoir.", "fr"),
                ("Karim", 6, "Arbre couché, on ne passe plus.", "fr"),
                ("Lea", 9, "Grosse branche au sol.", "fr"),
                ("Mary", 12, "A tree has come down across the pavement.", "en"),
                ("Nour", 260, "Un arbre penche sur le mur de l'école.", "fr"),
            )
        ]
        fallen = trees[0]
        for one in trees[1:]:
            self.desk.act(one.ticket, "merge", {"into": fallen.ticket})
        leaning = self.desk.act(fallen.ticket, "split", {"reports": [trees[-1].reference]})
        self.parks.move(fallen.ticket, "resolved", "Tronçonné", CUT)
        self.parks.move(leaning["reference"], "accepted", "À haubaner")
        self.parks.act(leaning["reference"], "questions", {"text": "De quel côté penche-t-il ?"})
        nour = trees[-1]
        eventually(lambda: any("De quel côté" in said(mail) for mail in nour.mails()))
        assert self.desk.ticket(nour.ticket)["status"] == "waiting"
        nour.answer_by_link("Vers la cour, au-dessus des vélos.")
        assert self.desk.ticket(nour.ticket)["status"] == "in_progress"
        self.parks.move(nour.ticket, "resolved", "Hauban posé", "L'arbre est haubané.")

    def four_that_went_astray(self) -> None:
        """Wrong category, wrong team, wrong pin: each finds its way, and is told why."""
        text = "Un trou dans la rue, pas un arbre."
        oscar = self.comes("Oscar", "arbre", h.CENTRE, text, answers={"danger": "non"})
        changed = self.desk.change(oscar.ticket, category="nid-de-poule", reason="C'est un trou.")
        assert {one["field"] for one in changed["changes"]} >= {"category", "team"}
        self.roads.move(oscar.ticket, "resolved", "Rebouché", FILLED)

        paula = self.comes("Paula", "banc", h.PORT, "Le banc du square n'a plus d'assise.")
        self.roads.act(paula.ticket, "hand-back", {"reason": "Le square est aux espaces verts."})
        assert self.desk.read("/tickets", unrouted="true")["items"][0]["reference"] == paula.ticket
        self.desk.change(paula.ticket, team="espaces-verts", reason="Square public.")
        self.parks.move(paula.ticket, "resolved", "Assise changée", DONE)

        quentin = self.comes("Quentin", "nid-de-poule", h.DOCKS, "Le trou est en face de chez moi.")
        changed = self.desk.change(quentin.ticket, location=h.ISLAND, reason="Il l'a dit.")
        assert self.desk.ticket(quentin.ticket)["team"]["code"] == "espaces-verts"
        self.parks.move(quentin.ticket, "resolved", "Allée refaite", DONE)

        rosa = self.comes(
            "Rosa", "banc", h.CENTRE, "A loose slab in front of the bank.", locale="en"
        )
        self.desk.change(rosa.ticket, category="trottoir-abime", team="voirie")
        self.roads.act(rosa.ticket, "third-party", {"code": "departement", "reason": "Leur voie"})
        self.roads.answer(rosa.ticket, "declined", "domaine-prive", "terrain-prive")

    def an_angry_one(self) -> None:
        """Somebody writes three times before anybody answers, and is not content with the work."""
        wanda = self.comes(
            "Wanda", "nid-de-poule", _beside(h.CENTRE, 900), "TROISIÈME FOIS QUE JE VOUS ÉCRIS !!!"
        )
        for words in ("Il y a quelqu'un ?", "C'est une honte.", "Je veux parler au maire."):
            wanda.write(words)
        self.desk.change(wanda.ticket, priority="urgent", reason="Trois relances.")
        self.desk.act(wanda.ticket, "notes", {"text": "L'appeler après les travaux."})
        self.fitter.act(wanda.ticket, "take")
        self.fitter.move(wanda.ticket, "resolved", "repare", FILLED)
        no = {"satisfied": False, "comment": "Le trou est déjà revenu !"}
        assert wanda.feedback(no).status_code == 201
        assert self.desk.ticket(wanda.ticket)["status"] == "reopened"
        tomorrow = (now() + timedelta(days=1)).date().isoformat()
        self.fitter.act(wanda.ticket, "plan", {"on": tomorrow, "public_message": "On revient."})
        self.fitter.move(wanda.ticket, "in_progress", "Fraisage")
        self.fitter.show(wanda.ticket, "after", photo_samples.jpeg(800, 600))
        self.fitter.move(wanda.ticket, "resolved", "repare", "Refait à chaud, il tiendra.")
        assert wanda.feedback({"satisfied": True}).status_code == 201
        assert [photo["purpose"] for photo in wanda.look()["photos"]] == ["after"]

    def some_that_need_no_work(self) -> None:
        """A compliment, two ideas, an insult, and one that was taken back."""
        self.comes("Sami", "merci", h.CENTRE, "Merci pour les fleurs !", kind="compliment")
        tara = self.comes("Tara", "velo", h.CENTRE, "A bike stand here.", kind="idea", locale="en")
        self.roads.move(tara.ticket, "resolved", "Prévu", "Good idea: it comes in spring.")
        ugo = self.comes("Ugo", "velo", h.DOCKS, "Une tour de vélos.", kind="idea")
        self.roads.move(ugo.ticket, "declined", "Trop cher", "C'est hors de nos moyens.")
        vic = self.comes("Vic", "banc", h.CENTRE, "Bande de nuls.")
        insulting = vic.ticket
        self.desk.post(f"/reports/{vic.reference}/hide", {"reason": "Injures"})
        self.desk.move(insulting, "declined", "Injures", "Sans objet, le message est masqué.")
        self.comes("Xena", "banc", h.CENTRE, "Finalement réparé par un voisin.").withdraw()

    def what_is_left(self) -> None:
        """The ordinary rest, which each team closes at once; one gave no address."""
        for number in range(10):
            spot, text = _beside(h.DOCKS, -60 * number), f"Panneau tordu au numéro {number}."
            self.comes(f"Route{number}", "signalisation", spot, text, reachable=number != 0)
        for number in range(7):
            spot, text = _beside(h.CENTRE, -90 * number), f"Jeu cassé numéro {number}."
            self.comes(f"Parc{number}", "aire-de-jeux", spot, text)
        for officer, status in ((self.roads, "received"), (self.parks, "received")):
            items = officer.read("/tickets", status=status, limit=100)["items"]
            officer.move_all([one["reference"] for one in items], "resolved", "Tournée", DONE)


def test_every_report_of_a_day_comes_to_an_end(stack: Stack) -> None:
    with web.Client(base_url=f"{stack.url}{BASE}", timeout=20) as http:
        day = Day(Town(stack, http))
        day.a_pothole_that_eight_people_see()
        day.a_tree_that_is_two()
        day.four_that_went_astray()
        day.an_angry_one()
        day.some_that_need_no_work()
        day.what_is_left()
        assert len(day.people) == 40

        inbox = day.desk.read("/tickets", limit=1)
        assert inbox["open"]["total"] == 0
        with psycopg.connect(stack.environ["DATABASE_URL"], autocommit=True) as database:
            unsent = "SELECT count(*) FROM notices WHERE status <> 'sent'"
            eventually(lambda: database.execute(unsent).fetchone() == (0,))
        for one in day.people.values():
            _check_story(one, set(day.people.values()) - {one})
        _check_teams(day)
        _check_replay(day)
    for name in READ_ALOUD:
        _read_aloud(day.people[name])


def _check_story(one: Resident, others: set[Resident]) -> None:
    """Hold somebody's mails against what became of their report."""
    if one.email is None:
        assert not one.mails()
        return
    mails = one.mails()
    texts = [said(mail) for mail in mails]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert all(f"/r/{one.reference}" in text for text in texts)
    assert not any(other.email and other.email in text for other in others for text in texts)
    told = without_repeats(status for text in texts if (status := _status(one.locale, text)))
    view = one.look()
    if one.name == "Vic":
        assert told == ["received", "declined"]
        return
    assert told[-1] == view["status"]
    assert (view["public_message"] or "") in texts[-1]
    # Who was joined with others, or parted from them, reads what all of them could before.
    # That it waits is told by a question, or by who has it, in words of their own.
    known = without_repeats(status for status in one.statuses() if status != "waiting")
    assert told == known or one.name in MOVED, (one.name, told, known)
    assert one.name != "Rosa" or any("County council" in text for text in texts)
    assert told[0] == "received" or one.name == "Sami"


def _status(locale: str, text: str) -> str | None:
    """Return the status that a mail speaks of."""
    words = {
        WITHDRAWN_TEXT: Status.DECLINED,
        THANKS_TEXT: Status.RESOLVED,
        NOT_SOLVED_TEXT: Status.REOPENED,
    } | {words: status for status, words in STATUS_TEXTS.items()}
    return next((status.value for said, status in words.items() if say(locale, said) in text), None)


def _check_teams(day: Day) -> None:
    """Each team was told once of every report that came to it."""
    for address in (ROADS, PARKS):
        mails = day.town.stack.mails(address)
        assert mails
        assert len({mail["Message-ID"] for mail in mails}) == len(mails)


def _check_replay(day: Day) -> None:
    """Hold every ticket against what the audit alone makes of it."""
    auditor = Officer(day.town, h.AUDITOR)
    lives = replay(reversed(auditor.lines("/admin/audit.jsonl")))
    assert len(lives) == 38
    people = {
        person["id"]: person["email"]
        for person in Officer(day.town, h.ADMINISTRATOR).read("/admin/people")["items"]
    }
    for reference, life in lives.items():
        ticket = day.desk.ticket(reference)
        assert life == {
            "status": ticket["status"],
            "category": ticket["category"]["code"],
            "priority": ticket["priority"],
            "team": ticket["team"]["code"],
            "district": ticket["district"] and ticket["district"]["code"],
            "assignee": life["assignee"],
            "due_at": ticket["due_at"],
            "merged_into": ticket["merged_into"],
            "reports": {report["reference"] for report in ticket["reports"]},
        }
        assert people.get(life["assignee"]) == ticket["assignee"]


def _read_aloud(one: Resident) -> None:
    for mail in one.mails():
        sys.stdout.write(f"\n=== {one.name} · {mail['Subject']}\n{said(mail)}")
