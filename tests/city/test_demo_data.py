"""The demo city's files: complete, consistent with each other, and true to their own notes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, radians
from pathlib import Path
from typing import Any

import pytest
import yaml
from shapely import affinity
from shapely.geometry import MultiPolygon, Point, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from city.access import Role
from city.addresses import read_addresses
from city.categories import check_answers
from city.file_format import CityFile, read_city_file
from city.models import Kind, Question
from city.parts import CategoryPart
from reports.demo.pictures import SUBJECTS
from reports.status import GRAPH, Status

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "city" / "demo"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# One plane for the whole town is exact enough: it is six kilometres wide.
METRES_PER_DEGREE = 111_320.0


def features(name: str) -> list[dict[str, Any]]:
    collection = json.loads((DEMO / name).read_text(encoding="utf-8"))
    assert collection["type"] == "FeatureCollection"
    return list(collection["features"])


def listed(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text(encoding="utf-8")))


CITY: CityFile = read_city_file(DEMO / "city.yaml")
BOUNDARY: BaseGeometry = shape(features("boundary.geojson")[0]["geometry"])
DISTRICTS: dict[str, BaseGeometry] = {
    feature["properties"]["code"]: shape(feature["geometry"])
    for feature in features("districts.geojson")
}
PLACES = listed(DEMO / "places.yaml")
REPORTS = listed(ROOT / "reports" / "demo" / "reports.yaml")
CATEGORIES = {category.code: category for category in CITY.categories}


def metres(geometry: BaseGeometry, latitude: float) -> BaseGeometry:
    east = METRES_PER_DEGREE * cos(radians(latitude))
    return affinity.affine_transform(geometry, [east, 0, 0, METRES_PER_DEGREE, 0, 0])


def distance_m(point: Point, geometry: BaseGeometry) -> float:
    return float(metres(point, point.y).distance(metres(geometry, point.y)))


def spot(place: dict[str, Any]) -> Point:
    return Point(place["longitude"], place["latitude"])


def covering(point: Point) -> list[str]:
    return sorted(code for code, area in DISTRICTS.items() if area.covers(point))


def noted(note: str) -> list[dict[str, Any]]:
    found = [place for place in PLACES if place["note"] == note]
    assert found, note
    return found


def holes() -> list[Polygon]:
    return [
        Polygon(ring)
        for area in DISTRICTS.values()
        if isinstance(area, Polygon)
        for ring in area.interiors
    ]


def names_everywhere() -> Iterator[dict[str, str]]:
    yield CITY.jurisdiction.names
    yield from (layer.names for layer in CITY.layers)
    yield from (group.names for group in CITY.groups)
    yield from (team.names for team in CITY.teams)
    for category in CITY.categories:
        yield category.names
        yield category.descriptions
        for question in category.questions:
            yield question.texts
            yield from (choice.names for choice in question.choices)


def test_the_town_has_its_name_and_speaks_french_and_english() -> None:
    assert CITY.jurisdiction.code == "beaurive"
    assert CITY.jurisdiction.names["fr"] == "Beaurive-sur-Seine"
    assert CITY.jurisdiction.locales == ["fr", "en"]


def test_every_text_stands_in_both_languages() -> None:
    assert all(set(names) == {"fr", "en"} for names in names_everywhere())


def test_there_are_about_a_dozen_districts_with_names() -> None:
    named = [feature["properties"]["name"] for feature in features("districts.geojson")]
    assert 12 <= len(DISTRICTS) <= 15
    assert len(set(named)) == len(DISTRICTS)
    assert all(area.is_valid for area in DISTRICTS.values())


def test_one_district_has_a_hole_and_one_lies_in_two_parts() -> None:
    parts = [len(area.geoms) for area in DISTRICTS.values() if isinstance(area, MultiPolygon)]
    assert len(holes()) == 1
    assert parts == [2]


def test_districts_share_their_borders_and_nothing_else() -> None:
    total = sum(area.area for area in DISTRICTS.values())
    assert unary_union(list(DISTRICTS.values())).area == pytest.approx(total, rel=1e-9)
    assert all(BOUNDARY.buffer(1e-9).covers(area) for area in DISTRICTS.values())


def test_part_of_the_town_lies_in_no_district() -> None:
    gap = BOUNDARY.difference(unary_union(list(DISTRICTS.values())))
    assert gap.area > 0.005 * BOUNDARY.area
    assert gap.buffer(1e-9).covers(holes()[0])


def test_every_kind_of_place_is_there() -> None:
    notes = {place["note"] for place in PLACES}
    assert notes == {"inside", "on a border", "in the hole", "outside"}
    assert {place["district"] for place in noted("inside")} == set(DISTRICTS)


def test_places_inside_lie_well_away_from_every_border() -> None:
    borders = unary_union([BOUNDARY.boundary, *(area.boundary for area in DISTRICTS.values())])
    for place in noted("inside"):
        assert covering(spot(place)) == [place["district"]]
        assert distance_m(spot(place), borders) > 50


def test_places_on_a_border_belong_to_the_first_district_by_code() -> None:
    for place in noted("on a border"):
        districts = covering(spot(place))
        assert len(districts) > 1
        assert place["district"] == districts[0]
        assert all(DISTRICTS[code].boundary.distance(spot(place)) == 0 for code in districts)


def test_places_in_the_hole_lie_in_the_town_and_in_no_district() -> None:
    for place in noted("in the hole"):
        assert place["district"] is None
        assert holes()[0].contains(spot(place))
        assert BOUNDARY.contains(spot(place))
        assert covering(spot(place)) == []


def test_places_outside_lie_well_outside() -> None:
    for place in noted("outside"):
        assert place["district"] is None
        assert distance_m(spot(place), BOUNDARY) > 100


def test_addresses_lie_in_the_town_and_are_different() -> None:
    addresses = list(read_addresses(DEMO / "addresses.csv"))
    assert len(addresses) > 100
    assert len({label for label, _ in addresses}) == len(addresses)
    assert all(BOUNDARY.covers(Point(place.longitude, place.latitude)) for _, place in addresses)


def test_categories_are_many_and_grouped() -> None:
    assert len(CATEGORIES) >= 12
    assert {category.group for category in CITY.categories} == {group.code for group in CITY.groups}
    assert all(
        any(kind in category.kinds for category in CITY.categories if category.public)
        for kind in Kind
    )
    assert not all(category.public for category in CITY.categories)


def test_public_problems_come_with_and_without_required_questions() -> None:
    public = [part for part in CITY.categories if part.public and Kind.PROBLEM in part.kinds]
    asking = {any(question.required for question in part.questions) for part in public}
    assert asking == {True, False}


def test_problems_have_a_target_and_wishes_and_thanks_have_none() -> None:
    for category in CITY.categories:
        assert (category.target_hours is not None) == (Kind.PROBLEM in category.kinds)


def test_five_teams_and_people_in_every_role() -> None:
    assert len(CITY.teams) == 5
    assert {person.role for person in CITY.people} == set(Role)
    assert {person.initial_password for person in CITY.people} == {"beaurive-demo"}


def test_those_who_work_in_teams_are_in_one_and_every_team_has_somebody() -> None:
    working = {Role.TEAM_LEAD, Role.TEAM_MEMBER}
    assert all(bool(person.teams) == (person.role in working) for person in CITY.people)
    staffed = {team for person in CITY.people for team in person.teams}
    assert staffed == {team.code for team in CITY.teams}


def test_rules_are_of_every_specificity_and_name_districts_that_exist() -> None:
    shapes = {(bool(rule.category), bool(rule.group), bool(rule.district)) for rule in CITY.rules}
    assert shapes == {
        (True, False, True),
        (True, False, False),
        (False, True, True),
        (False, True, False),
    }
    assert {rule.district for rule in CITY.rules if rule.district} <= set(DISTRICTS)


def test_reports_are_of_every_kind_and_language_and_mostly_french() -> None:
    languages = Counter(report["locale"] for report in REPORTS)
    assert len(REPORTS) >= 55
    assert {report["kind"] for report in REPORTS} == {kind.value for kind in Kind}
    assert languages["fr"] > 3 * languages["en"] > 0
    assert set(languages) == {"fr", "en"}
    assert {report["category"] for report in REPORTS} == set(CATEGORIES)


def test_reports_stand_in_every_status() -> None:
    assert {way(report)[-1] for report in REPORTS} == set(Status)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report["description"][:30])
class TestReport:
    def test_its_category_takes_its_kind_and_its_answers(self, report: dict[str, Any]) -> None:
        category = CATEGORIES[report["category"]]
        assert report["kind"] in [kind.value for kind in category.kinds]
        answers = {
            code: (NOW - timedelta(**answer["before"])).isoformat()
            if isinstance(answer, dict)
            else answer
            for code, answer in report.get("answers", {}).items()
        }
        assert check_answers(questions(category), answers) == answers

    def test_it_lies_in_the_town(self, report: dict[str, Any]) -> None:
        assert BOUNDARY.contains(spot(report["location"]))

    def test_its_steps_follow_the_graph(self, report: dict[str, Any]) -> None:
        assert all(after in GRAPH[before] for before, after in pairwise(way(report)))
        assert all(step["reason"].strip() for step in report["steps"])

    def test_who_refuses_or_asks_says_why(self, report: dict[str, Any]) -> None:
        told = {"declined", "waiting", "resolved"}
        assert all(step.get("public_message") for step in report["steps"] if step["to"] in told)

    def test_its_times_run_forward(self, report: dict[str, Any]) -> None:
        age = timedelta(**report["age"])
        steps = [timedelta(**step["after"]) for step in report["steps"]]
        assert all(before < after for before, after in pairwise([timedelta(0), *steps, age]))
        assert all(timedelta(**line["after"]) < age for line in report.get("messages", []))

    def test_its_contact_is_invented(self, report: dict[str, Any]) -> None:
        contact = report.get("contact", {})
        assert set(contact) <= {"name", "email", "phone"}
        reserved = ("@example.org", "@example.com", "@example.net")
        assert contact.get("email", "a@example.org").endswith(reserved)
        assert contact.get("phone", "+33 6 39 98 00 00").startswith("+33 6 39 98 ")

    def test_its_pictures_can_be_drawn(self, report: dict[str, Any]) -> None:
        pictures = report.get("pictures", [])
        assert all(picture["subject"] in SUBJECTS for picture in pictures)
        assert len({(picture["subject"], picture["seed"]) for picture in pictures}) == len(pictures)
        assert len(pictures) <= 5


def test_some_reports_have_pictures_and_contacts_and_some_have_none() -> None:
    assert {bool(report.get("pictures")) for report in REPORTS} == {True, False}
    assert {bool(report.get("contact")) for report in REPORTS} == {True, False}


def test_reports_are_listed_oldest_first() -> None:
    ages = [timedelta(**report["age"]) for report in REPORTS]
    assert ages == sorted(ages, reverse=True)


def way(report: dict[str, Any]) -> list[Status]:
    born = Status.RESOLVED if report["kind"] == "compliment" else Status.RECEIVED
    return [born, *(Status(step["to"]) for step in report["steps"])]


def questions(category: CategoryPart) -> list[Question]:
    return [
        Question(
            code=part.code,
            type=part.type.value,
            required=part.required,
            choices=[choice.model_dump() for choice in part.choices],
        )
        for part in category.questions
    ]
