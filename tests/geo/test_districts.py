"""Where a spot lies: always one answer, and the one that the whole shapes give."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml
from shapely import MultiPolygon, Polygon, intersection_all
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from city import jurisdictions
from geo import districts, layers
from geo.coordinates import Position
from geo.models import Layer, LayerRole
from tests.city.towns import NOW, collection, document, load, polygon, rectangle, several, write
from tests.conftest import DEMO
from tests.geo.conftest import BIG_VERTICES
from tests.geo.looking import (
    along,
    at,
    border_m,
    chosen,
    covering,
    read_features,
    service_hits,
    shapes,
    vertices,
)
from tests.statements import asked_of

TOWN = "beaurive"
PLACES = yaml.safe_load((DEMO.parent / "places.yaml").read_text("utf-8"))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place['note']} {place['district']}")
def test_the_demo_places_get_the_answer_they_are_known_for(
    session: Session, place: dict[str, object]
) -> None:
    spot = Position(float(str(place["latitude"])), float(str(place["longitude"])))
    assert chosen(session, spot) == place["district"]


def test_every_corner_belongs_to_the_first_district_that_covers_it(session: Session) -> None:
    corners = vertices(list(shapes(session, TOWN).values()))
    shared = 0
    for corner in corners:
        expected = covering(session, corner)
        hits = service_hits(session, corner)
        assert [hit.code for hit in hits if hit.exact] == expected
        assert chosen(session, corner) == expected[0]
        shared += len(expected) > 1
    assert shared > 20


def test_points_on_edges_get_one_answer_that_the_whole_shapes_bear_out(session: Session) -> None:
    for code, shape in shapes(session, TOWN).items():
        for spot in along(shape, 40):
            hits = service_hits(session, spot)
            expected = covering(session, spot)
            assert [hit.code for hit in hits if hit.exact] == expected
            # Rounding may leave the spot a hair outside of all; it is not lost for that.
            assert code in [hit.code for hit in hits]
            assert chosen(session, spot) == (expected or [hits[0].code])[0]


def test_spots_anywhere_get_what_the_whole_shapes_say(session: Session) -> None:
    random = Random(12)
    seen = set()
    for _ in range(400):
        spot = at(random.uniform(48.79, 48.84), random.uniform(2.19, 2.28))
        expected = covering(session, spot)
        assert [hit.code for hit in service_hits(session, spot)] == expected
        seen.add(tuple(expected))
    assert len(seen) > 12


def test_spots_around_a_big_border_get_what_the_whole_shape_says(big: Session) -> None:
    shape = shapes(big, "big")["disc"]
    random = Random(13)
    for spot in along(shape, 60):
        near = at(
            spot.latitude + random.gauss(0, 2e-9) * (random.random() < 0.7),
            spot.longitude + random.gauss(0, 2e-9) * (random.random() < 0.7),
        )
        hits = service_hits(big, near)
        assert [hit.code for hit in hits if hit.exact] == covering(big, near)
    for corner in vertices([shape])[::100]:
        assert [hit.code for hit in service_hits(big, corner) if hit.exact] == ["disc"]


def test_a_hole_is_outside_and_its_rim_inside(session: Session) -> None:
    [(code, holed)] = [
        (code, shape)
        for code, shape in shapes(session, TOWN).items()
        if any(part.interiors for part in polygons(shape))
    ]
    ring = next(hole for part in polygons(holed) for hole in part.interiors)
    inside = Polygon(ring).representative_point()
    assert chosen(session, at(inside.y, inside.x)) is None
    assert chosen(session, at(*reversed(ring.coords[0]))) == code


def test_both_parts_of_a_district_are_the_district(session: Session) -> None:
    [(code, parted)] = [
        (code, shape) for code, shape in shapes(session, TOWN).items() if len(polygons(shape)) > 1
    ]
    spots = [part.representative_point() for part in polygons(parted)]
    assert {chosen(session, at(spot.y, spot.x)) for spot in spots} == {code}


def test_a_spot_far_from_every_city_lies_in_none(session: Session) -> None:
    for spot in (at(0, 0), at(90, 0), at(-90, 180), at(0, -180)):
        assert districts.locate(session, spot) == []


def test_border_distances_are_those_to_the_whole_border(session: Session) -> None:
    random = Random(14)
    measured = 0
    for _ in range(150):
        spot = at(random.uniform(48.79, 48.84), random.uniform(2.19, 2.28))
        for hit in service_hits(session, spot):
            expected = border_m(session, hit.code, spot)
            assert hit.border_distance_m == pytest.approx(expected, rel=0.01, abs=0.01)
            measured += 1
    assert measured > 60


def test_on_a_border_the_distance_is_none_at_all(session: Session) -> None:
    for corner in vertices(list(shapes(session, TOWN).values()))[::7]:
        for hit in service_hits(session, corner):
            assert hit.border_distance_m == pytest.approx(0, abs=1e-3)


def test_amid_a_big_district_the_border_nearest_on_the_ground_counts(big: Session) -> None:
    # All around, the border is as many degrees away; eastward those degrees are shorter.
    for spot in (at(-20, 30), at(-20.02, 29.97), at(-19.95, 30.05)):
        [hit] = service_hits(big, spot)
        expected = border_m(big, "disc", spot)
        assert hit.border_distance_m == pytest.approx(expected, rel=0.01)


def test_far_north_the_border_nearest_on_the_ground_counts(
    session: Session, tmp_path: Path
) -> None:
    # Fjords cut into the south, each of its own edges; the east is nearer on the ground.
    teeth = [(24 + number * 0.001, 70 + (number % 2) * 0.001) for number in range(401)]
    shape = polygon([*teeth, (24.4, 70.3), (24, 70.3), teeth[0]])
    says = document("north", rules=[])
    load(session, write(tmp_path / "n", says, boundary=shape, districts={"fjord": shape}))
    spot = at(70.12, 24.2)
    [hit] = service_hits(session, spot)
    assert hit.border_distance_m == pytest.approx(border_m(session, "fjord", spot), rel=0.01)


def test_outside_the_nearest_boundary_is_told_with_its_distance(session: Session) -> None:
    for spot in (at(48.9, 2.2), at(48.8, 2.4), at(48.7, 2.1)):
        near = districts.nearest(session, spot)
        assert near is not None
        assert near.distance_m == pytest.approx(border_m(session, TOWN, spot), rel=0.01)


def test_of_several_cities_the_nearest_is_told_however_far(islands: Session, big: Session) -> None:
    towns = {code: jurisdictions.find(big, code).id for code in ("big", "islands", TOWN)}
    for spot, code in (
        (at(-20, 29), "big"),
        (at(-17, -179), "islands"),
        (at(85, 2), TOWN),
        (at(-85, 30), "big"),
    ):
        near = districts.nearest(big, spot)
        assert near is not None
        assert near.jurisdiction_id == towns[code]
        assert near.distance_m == pytest.approx(border_m(big, code, spot), rel=0.02)


def test_one_city_does_not_see_anothers_districts(session: Session, tmp_path: Path) -> None:
    shape = shapes(session, TOWN)["centre-ville"]
    middle = shape.representative_point()
    size = 0.01
    over = polygon(rectangle(middle.x - size, middle.y - size, middle.x + size, middle.y + size))
    load(
        session,
        write(tmp_path / "o", document("zeta", rules=[]), boundary=over, districts={"over": over}),
    )
    spot = jurisdictions.locate(session, at(middle.y, middle.x))
    assert spot.jurisdiction.code == TOWN
    assert [hit.code for hit in spot.districts] == ["centre-ville"]
    assert {hit.code for hit in districts.locate(session, spot.position)} >= {"over", "zeta"}


def test_a_district_drawn_anew_answers_as_it_is_drawn_now(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "town"
    load(session, write(folder))
    spot = at(-33.95, 20.15)
    assert chosen(session, spot) == "east"
    wider = {
        "west": polygon(rectangle(20, -34, 20.18, -33.9)),
        "east": several(polygon(rectangle(20.18, -34, 20.2, -33.9))),
    }
    load(session, write(folder, districts=wider))
    assert chosen(session, spot) == "west"
    assert [hit.code for hit in service_hits(session, spot)] == ["west"]


def test_the_look_up_of_a_big_district_goes_through_the_indexes(big: Session) -> None:
    count = big.scalar(text("SELECT max(ST_NPoints(s.shape)) FROM district_shapes s"))
    assert count == BIG_VERTICES + 1
    largest = big.scalar(text("SELECT max(ST_NPoints(piece)) FROM district_pieces"))
    assert largest is not None
    assert largest <= 40
    plan = explain(big, at(-20, 30))
    assert "ix_district_pieces_piece" in plan
    assert "ix_district_edges_shape_id_edge" in plan
    assert "Seq Scan on district_pieces" not in plan
    assert "Seq Scan on district_edges" not in plan


def test_the_look_up_among_many_small_districts_goes_through_the_index(session: Session) -> None:
    layer = session.scalars(select(Layer).where(Layer.role == LayerRole.SERVICE.value)).first()
    assert layer is not None
    grid = {
        f"d{column}-{row}": polygon(rectangle(column, row, column + 1, row + 1))
        for column in range(40)
        for row in range(40)
    }
    features = read_features(collection(grid), "code", "name")
    layers.publish(session, layer, features, "fr", NOW)
    session.execute(text("ANALYZE district_pieces, district_edges, district_shapes, layers"))
    plan = explain(session, at(20.5, 20.5))
    assert "ix_district_shapes_shape" in plan
    assert "Seq Scan on district_shapes" not in plan


def test_where_three_districts_meet_the_first_by_code_has_the_corner(session: Session) -> None:
    met = 0
    drawn = shapes(session, TOWN)
    for corner in vertices(list(drawn.values())):
        codes = covering(session, corner)
        if len(codes) > 2:
            met += 1
            assert intersection_all([drawn[code] for code in codes]).area == 0
            assert chosen(session, corner) == min(codes)
    assert met > 3


def explain(session: Session, position: Position) -> str:
    """Return the plan of what locating a position asks of the database."""
    connection = session.connection()
    with asked_of(connection) as asked:
        districts.locate(session, position)
    [statement] = asked
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", statement.values)
    return "\n".join(row[0] for row in rows)


def polygons(shape: object) -> list[Polygon]:
    return list(shape.geoms) if isinstance(shape, MultiPolygon) else []
