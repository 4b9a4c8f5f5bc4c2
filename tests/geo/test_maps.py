"""Many spots asked at once get what each of them gets alone."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from shapely import MultiPolygon, box
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from city import jurisdictions
from city.jurisdictions import Place
from geo import districts, maps
from geo.coordinates import Position
from geo.maps import NOWHERE
from geo.models import Layer, LayerRole
from geo.routing import in_order
from reports import placing
from tests.geo.random_maps import Place as Spot
from tests.geo.random_maps import Sheet, draw, places
from tests.geo.test_layer_properties import ANYWHERE, AT_THE_LINE, features_of, published, tried


@pytest.fixture
def layer(session: Session) -> Layer:
    city = jurisdictions.find(session, "beaurive")
    query = select(Layer).where(
        Layer.jurisdiction_id == city.id, Layer.role == LayerRole.SERVICE.value
    )
    return session.scalars(query).one()


def one_by_one(session: Session, spots: list[Spot]) -> list[int]:
    """Return the district that a report at each spot is given."""
    found = []
    for longitude, latitude in spots:
        hits = districts.locate(session, Position(latitude=latitude, longitude=longitude))
        covers = in_order([hit.as_cover() for hit in hits if hit.role is LayerRole.SERVICE])
        found.append(covers[0].district_id if covers else NOWHERE)
    return found


def at_once(
    session: Session, layer: Layer, spots: list[Spot], radii_m: list[float] | None = None
) -> list[int]:
    assert layer.published_version_id is not None
    drawn = maps.read(session, layer.published_version_id)
    lon_lat = np.array(spots, dtype=np.float64).reshape(-1, 2)
    accuracy_m = None if radii_m is None else np.array(radii_m)
    return [int(one) for one in drawn.locate(session, lon_lat, accuracy_m)]


def likeliest(session: Session, layer: Layer, spot: Spot, accuracy_m: float) -> int:
    """Return the district that a report from somewhere around the spot is given."""
    longitude, latitude = spot
    position = Position(latitude=latitude, longitude=longitude)
    hits = districts.locate(session, position)
    here = tuple(hit for hit in hits if hit.role is LayerRole.SERVICE)
    placed = placing.weigh(session, Place(position, layer.jurisdiction_id, here), accuracy_m)
    return placed.covers[0].district_id if placed.covers else NOWHERE


@tried(40)
@given(sheet=ANYWHERE | AT_THE_LINE)
def test_corners_edges_and_overlaps_are_given_the_same(
    session: Session, layer: Layer, sheet: Sheet
) -> None:
    drawn = draw(sheet)
    spots = [
        (longitude - 360 * (longitude > 180), latitude)
        for longitude, latitude in places(drawn, Random(sheet.seed), 12)
    ]
    with published(session, layer, features_of(drawn)):
        assert at_once(session, layer, spots) == one_by_one(session, spots)


@tried(20)
@given(sheet=ANYWHERE | AT_THE_LINE)
def test_vague_positions_are_given_the_same(session: Session, layer: Layer, sheet: Sheet) -> None:
    drawn, luck = draw(sheet), Random(sheet.seed)
    spots = [
        (longitude - 360 * (longitude > 180), latitude)
        for longitude, latitude in places(drawn, luck, 12)
    ]
    width_m = 1e5 * sheet.cell_deg
    radii = [luck.choice([0, 0.01, width_m / 20, width_m / 2, 3 * width_m]) for _ in spots]
    with published(session, layer, features_of(drawn)):
        assert at_once(session, layer, spots, radii) == [
            likeliest(session, layer, *one) for one in zip(spots, radii, strict=True)
        ]


def test_nothing_and_nowhere_are_answered_too(session: Session, layer: Layer) -> None:
    assert at_once(session, layer, []) == []
    assert at_once(session, layer, [(0.0, 0.0), (180.0, -90.0)]) == [NOWHERE, NOWHERE]


def test_of_a_map_that_was_just_brought_circles_are_not_cut_from_every_district(
    session: Session, layer: Layer
) -> None:
    session.execute(text("ANALYZE"))
    west, south, size = 2.21, 48.79, 0.001
    squares = {
        f"s{column:02}-{row:02}": MultiPolygon([box(x, y, x + size, y + size)])
        for column, row in product(range(50), range(50))
        for x, y in [(west + column * size, south + row * size)]
    }
    spots = [(west + size * (number % 50), south + size * 25.3) for number in range(60)]
    read = text(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
        " WHERE relname = 'district_shapes'"
    )
    # No question may take longer than a resident's, which comparing all with all would.
    with published(session, layer, features_of(squares)):
        before = session.execute(read).scalar_one()
        found = at_once(session, layer, spots, [20.0] * len(spots))
        assert session.execute(read).scalar_one() - before < 10 * len(squares)
    assert NOWHERE not in found
