"""City files that cannot be used: each fault is one clear line that says where."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from city.file_format import CityFile, UnusableCityFile, read_city_file
from city.models import Jurisdiction
from tests.city.towns import collection, document, load, polygon, rectangle, write
from tests.conftest import DEMO

Change = Callable[[dict[str, Any]], object]
FRENCH_ONLY = {"fr": "Trou"}


def test_the_demo_file_can_be_read() -> None:
    assert read_city_file(DEMO).jurisdiction.code == "beaurive"


def test_a_small_file_can_be_read_and_its_drawings_are_beside_it(tmp_path: Path) -> None:
    city = read_city_file(write(tmp_path / "town"))
    assert isinstance(city, CityFile)
    assert (city.folder / city.jurisdiction.boundary).is_file()
    assert city.categories[0].public


FAULTS: list[tuple[str, Change, str]] = [
    (
        "unknown team in a rule",
        lambda says: says["rules"].append({"team": "nobody"}),
        "file: there is no team 'nobody'",
    ),
    (
        "unknown category in a rule",
        lambda says: says["rules"].append({"team": "crew", "category": "fog"}),
        "file: there is no category 'fog'",
    ),
    (
        "unknown group in a rule",
        lambda says: says["rules"].append({"team": "crew", "group": "air"}),
        "file: there is no group 'air'",
    ),
    (
        "rule with a category and a group",
        lambda says: says["rules"].append({"team": "crew", "group": "roads", "category": "hole"}),
        "rules.1: a rule names a category or a group, not both",
    ),
    (
        "unknown group of a category",
        lambda says: says["categories"][0].update(group="air"),
        "file: there is no group 'air'",
    ),
    (
        "unknown team of a person",
        lambda says: says["people"][0].update(teams=["nobody"]),
        "file: there is no team 'nobody'",
    ),
    (
        "unknown fallback team",
        lambda says: says["jurisdiction"].update(fallback_team="nobody"),
        "file: there is no team 'nobody'",
    ),
    (
        "team code twice",
        lambda says: says["teams"].append(says["teams"][0]),
        "file: the team code 'desk' stands twice",
    ),
    (
        "category code twice",
        lambda says: says["categories"].append(says["categories"][0]),
        "file: the category code 'hole' stands twice",
    ),
    (
        "question code twice",
        lambda says: says["categories"][0]["questions"].append(
            says["categories"][0]["questions"][0]
        ),
        "categories.0: the question code 'depth' stands twice",
    ),
    (
        "layer code twice",
        lambda says: says["layers"].append({**says["layers"][0], "role": "reference"}),
        "file: the layer code 'wards' stands twice",
    ),
    (
        "one address for two people",
        lambda says: says["people"].append({**says["people"][0], "name": "Sam"}),
        "file: more than one person has the same e-mail address",
    ),
    (
        "no service layer",
        lambda says: says["layers"][0].update(role="reference"),
        "file: exactly one layer must have the role service",
    ),
    (
        "a layer in the boundary's place",
        lambda says: says["layers"][0].update(code="boundary"),
        "file: the layer code 'boundary' is taken by the city's boundary",
    ),
    (
        "name without the first locale",
        lambda says: says["categories"][0].update(names=FRENCH_ONLY),
        "file: categories hole.names has no text in 'en'",
    ),
    (
        "question without the first locale",
        lambda says: says["categories"][0]["questions"][0].update(texts=FRENCH_ONLY),
        "file: categories hole.questions depth.texts has no text in 'en'",
    ),
    (
        "city without the first locale",
        lambda says: says["jurisdiction"].update(locales=["fr", "en"]),
        "file: jurisdiction essai.names has no text in 'fr'",
    ),
    (
        "no locale",
        lambda says: says["jurisdiction"].update(locales=[]),
        "jurisdiction.locales: List should have at least 1 item",
    ),
    (
        "a locale that is none",
        lambda says: says["jurisdiction"].update(locales=["English"]),
        "jurisdiction.locales.0: String should match",
    ),
    (
        "empty text",
        lambda says: says["teams"][0].update(names={"en": "  "}),
        "teams.0.names: needs texts that say something",
    ),
    (
        "NUL in a text",
        lambda says: says["teams"][0].update(names={"en": "a\0b"}),
        "teams.0.names: needs texts that say something",
    ),
    (
        "time zone that is none",
        lambda says: says["jurisdiction"].update(time_zone="Europe/Lyon"),
        "jurisdiction.time_zone: 'Europe/Lyon' is no time zone",
    ),
    (
        "retention of no time",
        lambda says: says["jurisdiction"].update(retention={"months": 0}),
        "jurisdiction.retention.months: Input should be greater than or equal to 1",
    ),
    (
        "retention without a time",
        lambda says: says["jurisdiction"].update(retention={"text": "blank"}),
        "jurisdiction.retention.months: Field required",
    ),
    (
        "texts neither kept nor blanked",
        lambda says: says["jurisdiction"].update(retention={"months": 6, "text": "burn"}),
        "jurisdiction.retention.text: Input should be 'keep' or 'blank'",
    ),
    (
        "address that is none",
        lambda says: says["teams"][0].update(email="desk"),
        "teams.0.email: ",
    ),
    (
        "role that is none",
        lambda says: says["people"][0].update(role="mayor"),
        "people.0.role: Input should be 'administrator'",
    ),
    (
        "short password",
        lambda says: says["people"][0].update(initial_password="short"),
        "people.0.initial_password: String should have at least 8 characters",
    ),
    (
        "name of two lines",
        lambda says: says["people"][0].update(name="Lou\nBcc: all@town.example"),
        "people.0.name: String should match",
    ),
    (
        "choices for a number",
        lambda says: says["categories"][0]["questions"][0].update(
            choices=[{"code": "a", "names": {"en": "A"}}]
        ),
        "categories.0.questions.0: choices belong to the types choice and choices",
    ),
    (
        "choice without choices",
        lambda says: says["categories"][0]["questions"][0].update(type="choice"),
        "categories.0.questions.0: choices belong to the types choice and choices",
    ),
    (
        "no target time at all",
        lambda says: says["categories"][0].update(target_hours=0),
        "categories.0.target_hours: Input should be greater than or equal to 1",
    ),
    (
        "code with capitals",
        lambda says: says["teams"][0].update(code="Desk One"),
        "teams.0.code: String should match",
    ),
    (
        "word that means nothing",
        lambda says: says.update(colour="red"),
        "colour: Extra inputs are not permitted",
    ),
    ("no teams", lambda says: says.pop("teams"), "teams: Field required"),
    ("teams that are none", lambda says: says.update(teams="desk"), "teams: Input should be"),
]


@pytest.mark.parametrize(
    ("change", "line"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_fault_is_one_line_that_says_where(tmp_path: Path, change: Change, line: str) -> None:
    says = copy.deepcopy(document())
    change(says)
    path = write(tmp_path / "town", says)
    with pytest.raises(UnusableCityFile) as refused:
        read_city_file(path)
    [said] = str(refused.value).splitlines()
    assert said.startswith(f"{path}: {line}")


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    says = copy.deepcopy(document())
    says["teams"][0]["email"] = "desk"
    says["people"][0]["role"] = "mayor"
    with pytest.raises(UnusableCityFile) as refused:
        read_city_file(write(tmp_path / "town", says))
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just words",
        b"- a\n- list\n",
        b"teams: [\n  {code: desk\nrules: }",
        b"a: *nowhere\n",
        b"when: 2026-99-99\n",
        b"? [1, 2]\n: 3\n? {a: b}\n: 4\n",
        b"1: 2\n",
        b"!!python/object/apply:os.getcwd []\n",
        b"\xff\xfe\x00",
        b"name: \x00\n",
        b"[" * 5_000,
    ],
)
def test_a_file_that_is_no_city_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "city.yaml"
    path.write_bytes(content)
    with pytest.raises(UnusableCityFile) as refused:
        read_city_file(path)
    for line in str(refused.value).splitlines():
        assert line.startswith(f"{path}: ")
        assert len(line) > len(f"{path}: ") + 5


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UnusableCityFile) as refused:
            read_city_file(path)
        assert len(str(refused.value).splitlines()) == 1
        assert str(path) in str(refused.value)


BROKEN_DRAWINGS = [
    ("boundary.geojson", None, "No such file"),
    ("wards.geojson", None, "No such file"),
    ("wards.geojson", "{", "Expecting property name"),
    ("wards.geojson", "[" * 100_000, "recursion"),
    ("wards.geojson", '{"type": "FeatureCollection", "features": [NaN]}', "NaN is no number"),
    ("wards.geojson", "{}", "not a GeoJSON FeatureCollection"),
    ("wards.geojson", '{"type": "FeatureCollection", "features": []}', "has no features"),
    ("addresses.csv", None, "No such file"),
    ("addresses.csv", "label,latitude,longitude\nA,48,2\nB,91,2\n", "line 3 cannot be read"),
    ("addresses.csv", "label,latitude,longitude\nA,nan,2\n", "line 2 cannot be read"),
    ("addresses.csv", "label,latitude,longitude\nA,48\n", "line 2 cannot be read"),
    ("addresses.csv", "street,latitude,longitude\nA,48,2\n", "line 2 cannot be read"),
    ("addresses.csv", "label,latitude,longitude\n  ,48,2\n", "line 2 has no label"),
    ("addresses.csv", "label,latitude,longitude\na\0b,48,2\n", "line 2 has no label"),
    ("addresses.csv", b"label,latitude,longitude\n\xe9,48,2\n", "can't decode"),
]


@pytest.mark.parametrize(("name", "content", "said"), BROKEN_DRAWINGS)
def test_a_broken_file_beside_it_is_one_line_that_names_it(
    session: Session, tmp_path: Path, name: str, content: str | bytes | None, said: str
) -> None:
    path = write(tmp_path / "town")
    beside = tmp_path / "town" / name
    if content is None:
        beside.unlink()
    else:
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    [line] = refusal(session, path)
    assert line.startswith(f"{beside}: ")
    assert said in line


def test_a_boundary_of_two_features_is_refused(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "town")
    two = collection({"a": polygon(rectangle(0, 0, 1, 1)), "b": polygon(rectangle(1, 0, 2, 1))})
    (tmp_path / "town" / "boundary.geojson").write_text(str(two).replace("'", '"'))
    [line] = refusal(session, path)
    assert line.endswith("boundary.geojson: expected one feature, the boundary")


def test_a_rule_for_a_district_that_is_not_drawn_is_refused(
    session: Session, tmp_path: Path
) -> None:
    says = document(rules=[{"team": "crew", "district": "north"}])
    [line] = refusal(session, write(tmp_path / "town", says))
    assert line == "rules: there is no district 'north'"


def test_a_person_of_another_city_is_refused(session: Session, tmp_path: Path) -> None:
    load(session, write(tmp_path / "first", document("first")))
    people = document("first")["people"]
    [line] = refusal(session, write(tmp_path / "second", document("second", people=people)))
    assert line == "lead@first.example belongs to another jurisdiction"


def refusal(session: Session, path: Path) -> list[str]:
    """Return the lines that say why a file cannot be loaded, and check that nothing came of it."""
    before = session.scalar(select(func.count()).select_from(Jurisdiction))
    with pytest.raises(UnusableCityFile) as refused, session.begin_nested():
        load(session, path)
    assert session.scalar(select(func.count()).select_from(Jurisdiction)) == before
    return str(refused.value).splitlines()
