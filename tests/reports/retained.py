"""A town whose people left words and addresses behind, for the tests of what is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from city.audit import AuditAct
from city.models import AuditEntry, Jurisdiction, KeptText
from reports.models import Ticket
from tests.api import help as h
from tests.reports import photo_samples
from tests.resident import BASE, Resident, bearer, log_in, move
from workers import sweeper
from workers.tools import Tools

EMAIL, NAME, PHONE = "Ines.Quimper@example.org", "Inès Quimper", "+33 6 98 76 54 32"
CONTACT = {"email": EMAIL, "name": NAME, "phone": PHONE}
# Each stands in a place of its own among what people write.
WORDS = {
    "description": "motdescription",
    "address": "motadresse",
    "answer": "motreponse",
    "message": "motmessage",
    "reason": "motmotif",
    "public": "motpublic",
    "note": "motnote",
}
EVERY_CONTACT = (EMAIL, "ines.quimper", NAME, "Quimper", PHONE, "98 76 54 32")


@dataclass
class Town:
    """The demo city with nothing but what a test puts there."""

    app: Flask
    folder: Path
    session: Session
    kit: Tools

    @property
    def resident(self) -> Resident:
        return Resident(self.app.test_client())

    def closed(self, months: int, **members: Any) -> dict[str, Any]:
        """Send a report that says something in every place, close it, and date it back."""
        view = self.resident.report(
            description=f"Une voiture {WORDS['description']}",
            category="vehicule-abandonne",
            answers={"description-vehicule": WORDS["answer"], "immobile-depuis": 12},
            address=f"chez moi, {WORDS['address']}",
            **{"contact": CONTACT, **members},
        )
        client, staff = self.app.test_client(), log_in(self.app.test_client())
        answer = client.post(
            f"{BASE}/reports/{view['reference']}/messages",
            json={"text": WORDS["message"]},
            headers={**bearer(view["tracking_token"]), "Idempotency-Key": f"key-{EMAIL}"},
        )
        assert answer.status_code == 201
        photo = self.resident.put_photo(view, photo_samples.jpeg(gps=True))
        assert photo.status_code == 201
        h.render_photos(self.app, view["reference"])
        path = f"{BASE}/tickets/{view['ticket']}/notes"
        assert client.post(path, json={"text": WORDS["note"]}, headers=staff).status_code == 201
        words = {"reason": WORDS["reason"], "public_message": WORDS["public"]}
        assert move(client, view["ticket"], staff, "resolved", **words).status_code == 200
        self.date_back(view, months)
        return view

    def date_back(self, view: dict[str, Any], months: int) -> None:
        self.session.execute(
            update(Ticket)
            .where(Ticket.reference == view["ticket"])
            .values(closed_at=Ticket.closed_at - text(f"interval '{months} months 1 hour'"))
        )
        self.session.commit()

    def keep_for(self, months: int | None, kept: KeptText = KeptText.KEEP) -> None:
        values = {"retention_months": months, "retention_text": kept.value}
        self.session.execute(update(Jurisdiction).values(values))
        self.session.commit()

    def sweep(self) -> None:
        """Do what the sweeper does every day."""
        while sweeper.retain(self.kit):
            pass
        sweeper.remove(self.kit)

    def audit(self) -> list[AuditEntry]:
        """Return what was done since the city was set up."""
        self.session.rollback()
        set_up = (AuditAct.ADDED, AuditAct.CHANGED)
        query = select(AuditEntry).where(AuditEntry.act.not_in(set_up))
        return list(self.session.scalars(query.order_by(AuditEntry.id)))

    def public(self, view: dict[str, Any]) -> dict[str, Any]:
        return h.read(self.app.test_client(), f"/reports/{view['reference']}")
