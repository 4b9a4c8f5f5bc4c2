"""The audit: written once, never changed."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.models import Actor, AuditEntry, Jurisdiction, Person
from tests.city.towns import NOW


def write(session: Session, **members: object) -> None:
    city = session.scalars(select(Jurisdiction)).one()
    values = {"thing_kind": "tickets", "changes": {"tickets": 3}, **members}
    audit.record(session, city.id, AuditAct.RETENTION, NOW, **values)  # type: ignore[arg-type]
    session.flush()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET changes = '{}'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_an_entry_is_neither_changed_nor_removed(session: Session, statement: str) -> None:
    write(session, actor=Actor.WORKERS)
    with pytest.raises(IntegrityError, match="audit_entries is append-only"):
        session.execute(text(statement))


def test_an_entry_names_who_and_what(session: Session) -> None:
    dana = session.scalars(select(Person.id).limit(1)).one()
    write(session, person_id=dana, thing_reference="7KM-3QX-9PA")
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.at, entry.actor, entry.person_id, entry.act) == (NOW, "person", dana, "retention")
    assert (entry.thing_kind, entry.thing_reference) == ("tickets", "7KM-3QX-9PA")
    assert entry.changes == {"tickets": 3}


@pytest.mark.parametrize("actor", [Actor.PERSON, Actor.WORKERS])
def test_a_person_is_named_where_a_person_acted(session: Session, actor: Actor) -> None:
    dana = session.scalars(select(Person.id).limit(1)).one()
    with pytest.raises(IntegrityError, match="ck_audit_entries_person"):
        write(session, actor=actor, person_id=None if actor is Actor.PERSON else dana)
