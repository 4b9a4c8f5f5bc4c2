"""What of a reference layer is nearest to a spot, held to a plain reckoning over all there is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from city import jurisdictions
from city.models import RuleRow, Ruleset
from geo import references
from geo.gis_files import of_geojson
from geo.models import Layer, LayerRole, LayerVersion
from geo.references import Reference, references_of
from geo.unusable import UnusableFeatures
from tests.city.towns import NOW

GEOD = Geod(ellps="WGS84")
WITHIN_M = 60.0


@pytest.fixture
def layer(session: Session) -> Layer:
    city = jurisdictions.find(session, "beaurive")
    row = Layer(
        jurisdiction_id=city.id, code="routes", names={"fr": "Routes"}, role=LayerRole.REFERENCE
    )
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def ruleset(session: Session, layer: Layer) -> Ruleset:
    """Rules that ask about the layer, the farthest reach being WITHIN_M."""
    city = jurisdictions.find(session, "beaurive")
    row = Ruleset(jurisdiction_id=city.id, number=99)
    session.add(row)
    session.flush()
    session.add_all(
        RuleRow(
            jurisdiction_id=city.id,
            ruleset_id=row.id,
            position=position,
            layer_id=layer.id,
            team_id=city.fallback_team_id,
            conditions=conditions,
        )
        for position, conditions in enumerate([{}, {"within_m": 5}, {"within_m": WITHIN_M}])
    )
    session.flush()
    return row


def collection(shapes: Mapping[str, BaseGeometry], **properties: Any) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, **properties},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            for code, shape in shapes.items()
        ],
    }


def read(shapes: Mapping[str, BaseGeometry], **properties: Any) -> list[Reference]:
    return references_of(of_geojson(collection(shapes, **properties)), "code")


def nearest(
    session: Session, ruleset: Ruleset, spot: Point, drafts: Sequence[int] | None = None
) -> list[Any] | None:
    values = {"r": ruleset.id, "x": spot.x, "y": spot.y, "d": drafts}
    found = session.scalar(text("SELECT nearby(:r, :x, :y, CAST(:d AS bigint[]))"), values)
    return next(iter(found.values())) if found else None


def metres(shape: BaseGeometry, spot: Point) -> float:
    """Return the distance on the ground, by the closest point where degrees are square."""
    shrink = max(math.cos(math.radians(spot.y)), 1e-6)

    def shrunk(one: BaseGeometry, by: float) -> Any:
        return shapely.transform(one, lambda found: found * (by, 1))

    line = shapely.shortest_line(shrunk(shape, shrink), shrunk(spot, shrink))
    (x, y), _ = shrunk(line, 1 / shrink).coords
    _, _, distance_m = GEOD.inv(x, y, spot.x, spot.y)
    return float(distance_m)


# Next to nothing a position is 0, as the database can reckon with nothing that is smaller still.
degrees = st.floats(-0.002, 0.002).map(lambda number: round(number, 12))
coordinates = st.tuples(degrees, degrees)
drawings = st.lists(
    st.one_of(
        coordinates.map(Point),
        st.lists(coordinates, min_size=2, max_size=6, unique=True).map(LineString),
        st.lists(coordinates, min_size=3, max_size=6, unique=True)
        .map(Polygon)
        .filter(lambda shape: shape.is_valid and shape.area > 1e-9),
    ),
    min_size=1,
    max_size=6,
)
latitudes = st.sampled_from([-70.0, -12.5, 0.0, 48.8, 81.0])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawings, latitudes, st.sampled_from([2.25, -0.0005, 179.9995]), coordinates)
def test_the_nearest_is_what_a_plain_reckoning_finds(
    session: Session,
    layer: Layer,
    ruleset: Ruleset,
    drawn: list[BaseGeometry],
    latitude: float,
    longitude: float,
    at: tuple[float, float],
) -> None:
    def placed(shape: BaseGeometry) -> BaseGeometry:
        found = shapely.transform(shape, lambda pairs: np.add(pairs, (longitude, latitude)))
        return found if shapely.bounds(found)[2] <= 180 else Point(longitude - 0.01, latitude)

    shapes = {f"f{number}": placed(shape) for number, shape in enumerate(drawn)}
    x = longitude + at[0]
    kept = session.begin_nested()
    references.publish(session, layer, read(shapes, owner="city"), NOW)
    found = nearest(session, ruleset, Point(x - 360 * (x > 180), latitude + at[1]))
    away = {code: metres(shape, Point(x, latitude + at[1])) for code, shape in shapes.items()}
    kept.rollback()
    least = min(away.values())
    if found is None:
        assert least > WITHIN_M - 0.01
    else:
        code, distance_m, properties, version = found
        assert distance_m == pytest.approx(least, abs=0.005)
        assert away[code] == pytest.approx(least, abs=0.005)
        assert (properties, version) == ({"code": code, "owner": "city"}, 1)


def test_of_several_as_near_the_first_by_code_counts(
    session: Session, layer: Layer, ruleset: Ruleset
) -> None:
    crossing = {
        "b": LineString([(2, 48), (2.1, 48)]),
        "a": LineString([(2.05, 47.9), (2.05, 48.1)]),
    }
    references.publish(session, layer, read(crossing), NOW)
    assert nearest(session, ruleset, Point(2.05, 48))[:2] == ["a", 0]  # type: ignore[index]


def test_what_is_retired_or_not_published_is_near_to_nothing(
    session: Session, layer: Layer, ruleset: Ruleset
) -> None:
    spot, drawn = Point(2, 48), {"a": Point(2, 48)}
    draft = references.add_version(session, layer, read(drawn), NOW)
    assert nearest(session, ruleset, spot) is None
    assert nearest(session, ruleset, spot, [draft.id]) == ["a", 0, {"code": "a"}, 1]
    references.publish(session, layer, read({"b": Point(2, 48)}), NOW)
    assert nearest(session, ruleset, spot) == ["b", 0, {"code": "b"}, 2]
    assert nearest(session, ruleset, spot, [draft.id]) == ["a", 0, {"code": "a"}, 1]
    layer.retired_at = NOW
    session.flush()
    assert nearest(session, ruleset, spot) is None


def test_what_is_given_out_gives_the_same_version_again(session: Session, layer: Layer) -> None:
    shapes = {
        "point": Point(2.1, 48.1),
        "points": MultiPoint([(2.1, 48.1), (2.2, 48.2)]),
        "line": LineString([(2.1, 48.1), (2.2, 48.2)]),
        "lines": MultiLineString([[(2.1, 48.1), (2.2, 48.2)], [(2.3, 48.1), (2.4, 48.2)]]),
        "area": Polygon([(2, 48), (3, 48), (3, 49)]),
        "areas": MultiPolygon([Polygon([(2, 48), (3, 48), (3, 49)])]),
    }
    told = {"owner": "city", "lanes": 2, "width": 3.5, "paved": True}
    first = references.publish(session, layer, read(shapes, **told), NOW)
    assert first.changed
    version = session.get_one(LayerVersion, layer.published_version_id)
    again = references_of(of_geojson(references.as_geojson(session, version)), "code")
    assert {one.code for one in again} == set(shapes)
    assert not references.publish(session, layer, again, NOW).changed


def test_properties_are_kept_that_a_rule_can_name() -> None:
    told = {"n": 1, "x": 1.5, "yes": True, "w": "word", "gone": None, "deep": {"a": 1}, "bad": "\0"}
    [one] = read({"a": Point(2, 48)}, **told)
    assert one.properties == {"code": "a", "n": 1, "x": 1.5, "yes": True, "w": "word"}


@pytest.mark.parametrize(
    "drawing",
    [
        {"type": "GeometryCollection", "geometries": []},
        {"type": "LineString", "coordinates": [[2, 48]]},
        {"type": "LineString", "coordinates": []},
        {"type": "LineString", "coordinates": [[179, 48], [181, 48]]},
        {"type": "LineString", "coordinates": [[2, 48], [2, 91]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
        None,
    ],
)
def test_what_cannot_be_near_to_anything_is_refused(drawing: Any) -> None:
    document = collection({"a": Point(2, 48)})
    document["features"][0]["geometry"] = drawing
    with pytest.raises(UnusableFeatures):
        references_of(of_geojson(document), "code")


def test_an_area_whose_ring_crosses_a_little_is_mended() -> None:
    ring = [(0, 0), (1, 0), (1, 1), (0.5, 1), (0.51, 1.001), (0.51, 0.999), (0, 1)]
    crossing = Polygon(ring)
    assert not crossing.is_valid
    [one] = read({"a": crossing})
    assert one.repaired
    assert one.shape.is_valid
