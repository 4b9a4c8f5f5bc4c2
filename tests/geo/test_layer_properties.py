"""Whatever a map is like, its layer says of every spot what the undivided districts do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from random import Random
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from city import jurisdictions
from geo import coverage, layers
from geo.coverage import ProblemKind
from geo.districts import HAIR_DEG
from geo.features import Feature
from geo.layers import Publication
from geo.models import Layer, LayerRole, LayerVersion
from geo.routing import in_order
from tests.city.towns import NOW
from tests.geo.looking import at, read_features, service_hits
from tests.geo.random_maps import Map, Place, Sheet, covers, draw, edges_near, places, turned

PLACES_OF_A_KIND = 8
# What the last digit of a longitude is worth, a few times over.
ATOM_DEG = 1e-13

Answer = tuple[str | None, list[tuple[str, bool]]]
"""The district that a report there is given, and all that are there with whether they cover it."""


def sheets(west: st.SearchStrategy[float]) -> st.SearchStrategy[Sheet]:
    return st.builds(
        Sheet,
        columns=st.integers(1, 5),
        rows=st.integers(1, 5),
        districts=st.integers(1, 6),
        overlays=st.integers(0, 3),
        slips=st.integers(0, 4),
        west=west,
        south=st.floats(-80, 80),
        cell_deg=st.sampled_from([1e-4, 3e-3, 0.1, 1]),
        seed=st.integers(0, 2**32),
    )


ANYWHERE = sheets(st.floats(-170, 170))
AT_THE_LINE = sheets(st.sampled_from([180, 179.99995, 179.99, 179.7, 178.2]))


def tried(count: int) -> Callable[[Any], Any]:
    """Try so many maps; each is rolled back, so that they may share the session."""
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.fixture
def layer(session: Session) -> Layer:
    city = jurisdictions.find(session, "beaurive")
    query = select(Layer).where(
        Layer.jurisdiction_id == city.id, Layer.role == LayerRole.SERVICE.value
    )
    return session.scalars(query).one()


@contextmanager
def published(session: Session, layer: Layer, features: list[Feature]) -> Iterator[Publication]:
    """Have the features be the layer's districts for a while."""
    kept = session.begin_nested()
    yield layers.publish(session, layer, features, "fr", NOW)
    kept.rollback()
    session.expire_all()


def features_of(drawn: Mapping[str, MultiPolygon]) -> list[Feature]:
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, "name": code.upper()},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            for code, shape in drawn.items()
        ],
    }
    return read_features(document, "code", "name")


def answer(session: Session, place: Place) -> Answer:
    longitude, latitude = place
    hits = service_hits(session, at(latitude, longitude - 360 * (longitude > 180)))
    ordered = in_order([hit.as_cover() for hit in hits])
    return ordered[0].code if ordered else None, [(hit.code, hit.exact) for hit in hits]


def expected(drawn: Map, place: Place) -> list[Answer] | None:
    """Return what the undivided shapes allow, or None where one is as far as a hair is wide.

    That is one answer, but where less parts the spot from a border than the database's numbers can
    tell, and no corner stands there: it may then lie on either side.
    """
    options: list[list[tuple[str, bool]]] = []
    for code, shape in sorted(drawn.items()):
        covered = covers(shape, place)
        away = shape.distance(Point(place)) / HAIR_DEG
        if not covered and 0.9 < away < 1.1:
            return None
        if covered or away < 1:
            either = (True, False) if _is_on_an_edge(shape, place) else (covered,)
            options.append([(code, exact) for exact in either])
    answers = []
    for told in product(*options):
        chosen = sorted((not exact, code) for code, exact in told)
        answers.append((chosen[0][1] if chosen else None, list(told)))
    return answers


def _is_on_an_edge(shape: MultiPolygon, place: Place) -> bool:
    """Tell whether a border is no farther than an atom, and none of its corners is the place."""
    on_border = bool(shape.boundary.distance(Point(place)) < ATOM_DEG)
    return on_border and place not in {(x, y) for x, y in shapely.get_coordinates(shape).tolist()}


@tried(40)
@given(sheet=ANYWHERE)
@example(
    sheet=Sheet(
        *(1, 4, 1),
        overlays=3,
        slips=0,
        west=17.0,
        south=14.0,
        cell_deg=1,
        seed=1217044,
    )
)
def test_every_place_gets_what_the_undivided_districts_say(
    session: Session, layer: Layer, sheet: Sheet
) -> None:
    drawn = draw(sheet)
    with published(session, layer, features_of(drawn)):
        for place in places(drawn, Random(sheet.seed), PLACES_OF_A_KIND):
            says = expected(drawn, place)
            assert says is None or answer(session, place) in says


@tried(20)
@given(sheet=AT_THE_LINE)
def test_so_it_does_across_the_antimeridian(session: Session, layer: Layer, sheet: Sheet) -> None:
    drawn = draw(sheet)
    with published(session, layer, features_of(drawn)):
        for place in places(drawn, Random(sheet.seed), PLACES_OF_A_KIND):
            # Where an edge is cut in two, the spot of the cut is rounded.
            if edges_near(drawn, place, HAIR_DEG, crossing=180):
                continue
            says = expected(drawn, place)
            assert says is None or answer(session, place) in says


@tried(25)
@given(sheet=ANYWHERE | AT_THE_LINE)
def test_what_is_given_out_and_brought_again_is_the_same_layer(
    session: Session, layer: Layer, sheet: Sheet
) -> None:
    features = features_of(draw(sheet))
    with published(session, layer, features) as first:
        version = session.get_one(LayerVersion, layer.published_version_id)
        written = json.dumps(layers.as_geojson(session, version))
        again = read_features(json.loads(written), "code", "name")
        assert not any(feature.repaired for feature in again)
        done = layers.publish(session, layer, again, "fr", NOW)
        assert done == Publication(first.version, changed=False, added=(), retired=())


@tried(25)
@given(sheet=ANYWHERE)
def test_neither_the_way_a_ring_runs_nor_where_it_begins_matters(
    session: Session, layer: Layer, sheet: Sheet
) -> None:
    drawn, luck = draw(sheet), Random(sheet.seed)
    found = places(drawn, luck, PLACES_OF_A_KIND)
    with published(session, layer, features_of(drawn)):
        before = [answer(session, place) for place in found]
    codes = luck.sample(sorted(drawn), len(drawn))
    with published(session, layer, features_of({c: turned(drawn[c], luck) for c in codes})):
        assert [answer(session, place) for place in found] == before


def test_the_maps_hold_whatever_makes_a_map_hard() -> None:
    kinds: set[ProblemKind] = set()
    holes = parts = shared = 0
    for seed in range(40):
        drawn = draw(Sheet(4, 4, 4, seed % 3, seed % 4, 2, 48, 0.003, seed))
        kinds |= {problem.kind for problem in coverage.examine(features_of(drawn))}
        holes += any(part.interiors for shape in drawn.values() for part in shape.geoms)
        parts += any(len(shape.geoms) > 1 for shape in drawn.values())
        corners = shapely.get_coordinates([shape.geoms[0] for shape in drawn.values()]).tolist()
        shared += len({tuple(corner) for corner in corners}) < len(corners) - len(drawn)
    assert kinds >= {ProblemKind.OVERLAP, ProblemKind.GAP, ProblemKind.SLIVER}
    assert min(holes, parts, shared) > 10
