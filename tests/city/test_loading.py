"""Loading a city file: what it says becomes so, and what it no longer names is retired."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from city import categories, jurisdictions, setup
from city.file_format import read_city_file
from city.jurisdictions import JurisdictionRequired, UnknownJurisdiction
from city.loading import Loading
from city.models import (
    Actor,
    Address,
    AuditEntry,
    Category,
    Person,
    Question,
    RuleRow,
    Ruleset,
    Team,
    TeamMember,
)
from city.passwords import hash_password, verify_password
from geo.models import District, Layer
from infra.database import Base
from tests.city.towns import EAST, NOW, WEST, document, load, polygon, rectangle, write
from tests.conftest import DEMO
from tests.geo.looking import at

LATER = NOW + timedelta(days=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "town"


def changed(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(document()), **members}


def reload(session: Session, folder: Path, says: dict[str, Any], **drawings: Any) -> list[str]:
    return load(session, write(folder, says, **drawings), LATER)


def row(session: Session, model: type[Any], code: str) -> Any:
    session.expire_all()
    city = jurisdictions.find(session, "essai")
    query = select(model).where(model.jurisdiction_id == city.id, model.code == code)
    return session.scalars(query).one()


def counts(session: Session) -> dict[str, int]:
    """Return how many rows every table has but the audit, which grows by what is done."""
    return {
        table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
        if table.name != AuditEntry.__tablename__
    }


def test_loading_the_demo_city_again_changes_nothing(session: Session) -> None:
    before = counts(session)
    assert Loading(session, read_city_file(DEMO), NOW).run() == []
    assert not session.dirty
    assert counts(session) == before


def test_a_new_city_is_added_and_said(session: Session, folder: Path) -> None:
    assert load(session, write(folder)) == [
        "jurisdiction essai: added",
        "team desk: added",
        "team crew: added",
        "jurisdiction essai: what no rule covers goes to team desk",
        "layer boundary: added",
        "layer boundary: version 1 published with 1 districts",
        "layer wards: added",
        "layer wards: version 1 published with 2 districts",
        "group roads: added",
        "category hole: added",
        "question of hole: depth: added",
        "person lead@essai.example: added",
        "person lead@essai.example: teams changed",
        "rules: version 1 published with 1 rules",
        "addresses: 1 written, 0 removed",
    ]
    spot = jurisdictions.locate(session, at(-33.95, 20.05))
    assert spot.jurisdiction.code == "essai"
    assert [hit.code for hit in spot.districts] == ["west"]
    assert spot.jurisdiction.fallback_team_id == row(session, Team, "desk").id


def test_loading_twice_changes_nothing(session: Session, folder: Path) -> None:
    load(session, write(folder))
    before = counts(session)
    assert reload(session, folder, changed()) == []
    assert counts(session) == before


@pytest.mark.parametrize(
    ("retention", "kept"),
    [
        ({"months": 24, "text": "blank"}, (24, "blank")),
        ({"months": 6}, (6, "keep")),
        (None, (None, "keep")),
    ],
)
def test_a_retention_is_as_the_file_says(
    session: Session, folder: Path, retention: dict[str, Any] | None, kept: tuple[int | None, str]
) -> None:
    says = changed()
    says["jurisdiction"]["retention"] = {"months": 12, "text": "blank"}
    load(session, write(folder, says))
    says["jurisdiction"]["retention"] = retention
    [line] = reload(session, folder, says)
    assert line.startswith("jurisdiction essai: retention_months")
    city = jurisdictions.find(session, "essai")
    assert (city.retention_months, city.retention_text) == kept


def test_a_second_city_stands_beside_the_first(session: Session, tmp_path: Path) -> None:
    demo = jurisdictions.find(session, None)
    before = counts(session)
    load(session, write(tmp_path / "a"))
    assert jurisdictions.find(session, "beaurive") is demo
    with pytest.raises(JurisdictionRequired):
        jurisdictions.find(session, None)
    with pytest.raises(UnknownJurisdiction):
        jurisdictions.find(session, "nowhere")
    after = counts(session)
    assert after["jurisdictions"] == before["jurisdictions"] + 1
    assert after["teams"] == before["teams"] + 2
    # What the cities have in common in their codes stays apart.
    load(session, write(tmp_path / "b", document("autre")))
    assert row(session, Team, "crew").jurisdiction_id != demo.id
    assert load(session, DEMO) == []


def test_changes_are_said_in_words(session: Session, folder: Path) -> None:
    load(session, write(folder))
    says = changed()
    says["jurisdiction"]["time_zone"] = "Africa/Johannesburg"
    says["teams"][0]["email"] = "new-desk@town.example"
    says["categories"][0].update(target_hours=24, public=False)
    says["people"][0].update(role="dispatcher", teams=[])
    assert reload(session, folder, says) == [
        "jurisdiction essai: time_zone changed",
        "team desk: email changed",
        "category hole: public, target_hours changed",
        "person lead@essai.example: role changed",
        "person lead@essai.example: teams changed",
    ]
    assert row(session, Category, "hole").target_hours == 24
    assert (
        session.scalar(
            select(func.count())
            .select_from(TeamMember)
            .where(TeamMember.team_id == row(session, Team, "crew").id)
        )
        == 0
    )


def test_changes_are_written_into_the_audit(session: Session, folder: Path) -> None:
    load(session, write(folder))
    city = jurisdictions.find(session, "essai")
    entries = select(AuditEntry).where(AuditEntry.jurisdiction_id == city.id)
    born = session.scalars(entries.order_by(AuditEntry.id)).all()
    assert {one.actor for one in born} == {Actor.COMMAND}
    person = session.scalars(select(Person.id).where(Person.email == "lead@essai.example")).one()
    lines = [(one.act, one.thing_kind, one.thing_reference) for one in born]
    assert lines == [
        ("added", "jurisdiction", "essai"),
        ("added", "team", "desk"),
        ("added", "team", "crew"),
        ("changed", "jurisdiction", "essai"),
        ("added", "layer", "boundary"),
        ("changed", "layer", "boundary"),
        ("added", "layer", "wards"),
        ("changed", "layer", "wards"),
        ("added", "group", "roads"),
        ("added", "category", "hole"),
        ("added", "question", "hole/depth"),
        ("added", "person", str(person)),
        ("changed", "person", str(person)),
        ("changed", "ruleset", "1"),
        ("changed", "addresses", "essai"),
    ]
    [desk] = [one.changes for one in born if one.thing_reference == "desk"]
    assert desk["email"] == {"changed": True}
    assert "@" not in str([one.changes for one in born])
    [lead, its_teams] = [one.changes for one in born if one.thing_kind == "person"]
    assert lead["role"] == {"from": None, "to": "team_lead"}
    assert its_teams == {"teams": {"from": [], "to": ["crew"]}}

    says = changed()
    says["teams"][0]["email"] = "new-desk@town.example"
    says["categories"][0].update(target_hours=24, questions=[])
    says["people"][0].update(role="dispatcher")
    reload(session, folder, says)
    told = session.scalars(entries.order_by(AuditEntry.id).offset(len(born))).all()
    assert [(one.thing_kind, one.thing_reference, one.changes) for one in told] == [
        ("team", "desk", {"email": {"changed": True}}),
        ("category", "hole", {"target_hours": {"from": 48, "to": 24}}),
        ("question", "hole/depth", {"retired": {"from": False, "to": True}}),
        ("person", str(person), {"role": {"from": "team_lead", "to": "dispatcher"}}),
    ]


def test_the_audit_knows_things_by_their_codes(session: Session, folder: Path) -> None:
    hours = {"hours": {"monday": ["08:00-12:00"]}}
    says = changed(
        calendars=[{"code": "early", "names": {"en": "Early"}, "calendar": hours}],
        groups=[{"code": code, "names": {"en": code}} for code in ("roads", "parks")],
        templates=[{"code": "done", "names": {"en": "Done"}, "texts": {"en": "It is done."}}],
    )
    says["teams"][1]["calendar"] = "early"
    says["templates"][0]["category"] = "hole"
    load(session, write(folder, says))
    city = jurisdictions.find(session, "essai")
    entries = select(AuditEntry).where(AuditEntry.jurisdiction_id == city.id)
    born = session.scalars(entries.order_by(AuditEntry.id)).all()
    told = {
        (one.thing_kind, one.thing_reference, name): change
        for one in born
        for name, change in one.changes.items()
    }
    assert told["team", "crew", "calendar"] == {"from": None, "to": "early"}
    assert told["category", "hole", "group"] == {"from": None, "to": "roads"}
    assert told["template", "done", "category"] == {"from": None, "to": "hole"}
    assert told["jurisdiction", "essai", "fallback_team"] == {"from": None, "to": "desk"}
    assert not [name for *_, name in told if name.endswith("_id")]

    says["jurisdiction"]["fallback_team"] = "crew"
    says["categories"][0]["group"] = "parks"
    del says["groups"][0], says["templates"][0]["category"], says["teams"][1]["calendar"]
    says["people"][0]["teams"] = ["desk", "crew"]
    reload(session, folder, says)
    later = session.scalars(entries.order_by(AuditEntry.id).offset(len(born))).all()
    assert [(one.thing_kind, one.changes) for one in later] == [
        ("team", {"calendar": {"from": "early", "to": None}}),
        ("jurisdiction", {"fallback_team": {"from": "desk", "to": "crew"}}),
        ("group", {"position": {"from": 1, "to": 0}}),
        ("group", {"retired": {"from": False, "to": True}}),
        ("category", {"group": {"from": "roads", "to": "parks"}}),
        ("template", {"category": {"from": "hole", "to": None}}),
        ("person", {"teams": {"from": ["crew"], "to": ["crew", "desk"]}}),
    ]
    assert reload(session, folder, says) == []


def test_what_is_no_longer_named_is_retired_and_comes_back(session: Session, folder: Path) -> None:
    says = changed()
    says["categories"].append({**says["categories"][0], "code": "fog", "questions": []})
    says["teams"].append({"code": "night", "names": {"en": "Night"}, "email": "n@town.example"})
    load(session, write(folder, says))
    fog, night = row(session, Category, "fog").id, row(session, Team, "night").id
    before = counts(session)

    lean = changed()
    lean["categories"][0]["questions"] = []
    assert reload(session, folder, lean) == [
        "team night: retired",
        "category fog: retired",
        "question of hole: depth: retired",
    ]
    assert row(session, Category, "fog").retired_at == LATER
    assert row(session, Team, "night").retired_at == LATER
    city = jurisdictions.find(session, "essai")
    shown = categories.catalogue(session, city.id)
    assert [(entry.category.code, entry.questions) for entry in shown] == [("hole", ())]
    assert counts(session) == before
    assert reload(session, folder, lean) == []

    assert reload(session, folder, says) == [
        "team night: back in use",
        "category fog: back in use",
        "question of hole: depth: back in use",
    ]
    assert row(session, Category, "fog").id == fog
    assert row(session, Team, "night").id == night
    assert row(session, Category, "fog").retired_at is None
    assert (
        session.scalars(select(Question.retired_at).where(Question.code == "depth")).one() is None
    )


def test_a_person_no_longer_named_is_retired_and_comes_back(session: Session, folder: Path) -> None:
    load(session, write(folder))
    lead = session.scalars(select(Person).where(Person.email == "lead@essai.example")).one()
    kept = lead.password_hash
    assert reload(session, folder, changed(people=[])) == ["person lead@essai.example: retired"]
    assert lead.retired_at == LATER
    assert reload(session, folder, changed(people=[])) == []
    assert reload(session, folder, changed()) == ["person lead@essai.example: back in use"]
    assert lead.retired_at is None
    assert lead.password_hash == kept


def test_other_cities_people_are_left_alone(session: Session, folder: Path) -> None:
    query = select(func.count()).select_from(Person).where(Person.retired_at.is_(None))
    before = session.execute(query).scalar_one()
    load(session, write(folder, changed(people=[])))
    assert session.execute(query).scalar_one() == before


def test_a_password_that_was_changed_survives(session: Session, folder: Path) -> None:
    load(session, write(folder))
    lead = session.scalars(select(Person).where(Person.email == "lead@essai.example")).one()
    assert verify_password(lead.password_hash, "first password")
    lead.password_hash = hash_password("second password")
    session.flush()
    says = changed()
    says["people"][0].update(name="Lou Renamed", initial_password="third password")
    assert reload(session, folder, says) == ["person lead@essai.example: name changed"]
    session.refresh(lead)
    assert verify_password(lead.password_hash, "second password")
    assert not verify_password(lead.password_hash, "first password")


def test_a_person_without_a_password_cannot_be_given_one_by_the_file(
    session: Session, folder: Path
) -> None:
    says = changed()
    del says["people"][0]["initial_password"]
    load(session, write(folder, says))
    assert reload(session, folder, changed()) == []
    query = select(Person.password_hash).where(Person.email == "lead@essai.example")
    assert session.scalars(query).one() is None


def test_rules_are_published_as_a_whole_and_the_old_ones_stay(
    session: Session, folder: Path
) -> None:
    load(session, write(folder))
    city = jurisdictions.find(session, "essai")
    first = city.ruleset_id
    rules = [{"team": "desk", "group": "roads"}, {"team": "crew", "category": "hole"}]
    said = reload(session, folder, changed(rules=rules))
    assert said == ["rules: version 2 published with 2 rules"]
    hole = row(session, Category, "hole")
    found = setup.read(session, city.id, "hole", at(-33.95, 20.05))
    assert found.ruleset == 2
    current = [published.rule for published in found.rules]
    assert [(rule.position, rule.group_id, rule.category_id) for rule in current] == [
        (1, hole.group_id, None),
        (2, None, hole.id),
    ]
    kept = select(func.count()).select_from(RuleRow).where(RuleRow.ruleset_id == first)
    assert session.scalar(kept) == 1

    assert reload(session, folder, changed(rules=rules[::-1])) == [
        "rules: version 3 published with 2 rules"
    ]
    assert reload(session, folder, changed(rules=[])) == ["rules: version 4 published with 0 rules"]
    assert reload(session, folder, changed(rules=[])) == []
    query = select(func.count()).select_from(Ruleset).where(Ruleset.jurisdiction_id == city.id)
    assert session.scalar(query) == 4


def test_new_borders_are_a_new_version_and_lost_districts_are_retired(
    session: Session, folder: Path
) -> None:
    load(session, write(folder))
    drawn = {"west": polygon(WEST), "new": polygon(EAST)}
    assert reload(session, folder, changed(), districts=drawn) == [
        "layer wards: version 2 published with 2 districts",
        "district east of layer wards: retired",
    ]
    assert row(session, District, "east").retired_at == LATER
    assert [hit.code for hit in jurisdictions.locate(session, at(-33.95, 20.15)).districts] == [
        "new"
    ]


@pytest.mark.fault(14)
def test_a_drawing_that_was_mended_is_said(session: Session, folder: Path) -> None:
    slip = [(20, -34), (20.1, -34), (20.1, -33.9), (20.05, -33.9), (20.0501, -33.8998)]
    slip += [(20.05, -33.8998), (20.0501, -33.9), (20, -33.9), (20, -34)]
    drawn = {"west": polygon(slip), "east": polygon(EAST)}
    said = load(session, write(folder, districts=drawn))
    expected = "layer file wards.geojson: the rings of west cross themselves and were mended"
    assert expected in said


def test_another_service_layer_takes_over_and_the_old_one_is_retired(
    session: Session, folder: Path
) -> None:
    load(session, write(folder))
    wards = changed()["layers"][0]
    says = changed(layers=[{**wards, "code": "sectors"}])
    assert reload(session, folder, says) == [
        "layer wards: retired",
        "layer sectors: added",
        "layer sectors: version 1 published with 2 districts",
        "rules: version 2 published with 1 rules",
    ]
    assert [hit.code for hit in jurisdictions.locate(session, at(-33.95, 20.05)).districts] == [
        "west"
    ]
    assert row(session, Layer, "wards").retired_at == LATER
    assert reload(session, folder, changed()) == [
        "layer sectors: retired",
        "layer wards: back in use",
        "rules: version 3 published with 1 rules",
    ]


def test_two_layers_may_change_places(session: Session, folder: Path) -> None:
    wards = changed()["layers"][0]
    sectors = {**wards, "code": "sectors", "role": "reference"}
    load(session, write(folder, changed(layers=[wards, sectors])))
    swapped = [{**sectors, "role": "service"}, {**wards, "role": "reference"}]
    assert reload(session, folder, changed(layers=swapped)) == [
        "layer wards: role changed",
        "layer wards: version 2 published with 2 features",
        "district east of layer wards: retired",
        "district west of layer wards: retired",
        "layer sectors: role changed",
        "layer sectors: version 2 published with 2 districts",
        "rules: version 2 published with 1 rules",
    ]
    assert reload(session, folder, changed(layers=swapped)) == []
    assert [hit.code for hit in jurisdictions.locate(session, at(-33.95, 20.05)).districts] == [
        "west"
    ]


def test_addresses_follow_their_file(session: Session, folder: Path) -> None:
    header = "label,latitude,longitude\n"
    load(session, write(folder, addresses=header + "A,-33.95,20.05\nB,-33.96,20.05\n"))
    moved = header + "B,-33.97,20.05\nC,-33.98,20.05\n"
    assert reload(session, folder, changed(), addresses=moved) == [
        "addresses: 2 written, 2 removed"
    ]
    city = jurisdictions.find(session, "essai")
    query = select(Address.label, Address.location).where(Address.jurisdiction_id == city.id)
    assert dict(session.execute(query).all()) == {"B": at(-33.97, 20.05), "C": at(-33.98, 20.05)}
    assert reload(session, folder, changed(), addresses=moved) == []


def test_a_city_moves_its_boundary(session: Session, folder: Path) -> None:
    load(session, write(folder))
    smaller = polygon(rectangle(20, -34, 20.1, -33.9))
    assert reload(session, folder, changed(), boundary=smaller) == [
        "layer boundary: version 2 published with 1 districts"
    ]
    with pytest.raises(jurisdictions.OutOfArea):
        jurisdictions.locate(session, at(-33.95, 20.15))
