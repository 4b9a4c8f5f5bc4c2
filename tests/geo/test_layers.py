"""Publishing layers: a new version at one moment, and what was stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from geoalchemy2.shape import to_shape
from shapely import get_coordinates
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from city import jurisdictions
from geo import layers
from geo.cutting import WHOLE_VERTICES
from geo.districts import locate
from geo.layers import Publication
from geo.models import (
    District,
    DistrictEdge,
    DistrictPiece,
    DistrictShape,
    Layer,
    LayerRole,
    LayerVersion,
)
from tests.city.towns import Drawing, collection, polygon, rectangle
from tests.geo.conftest import jagged
from tests.geo.looking import at, read_features

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NORTH, SOUTH = polygon(rectangle(60, 1, 61, 2)), polygon(rectangle(60, 0, 61, 1))
WIDER = polygon(rectangle(60, 0, 62, 1))
# Of so many corners that it is cut into pieces.
DISC = jagged(200)

_PARTS = text("""
    SELECT d.code, s.whole,
        (SELECT count(*) FROM district_pieces WHERE shape_id = s.id),
        (SELECT count(*) FROM district_edges WHERE shape_id = s.id)
    FROM district_shapes s JOIN districts d ON d.id = s.district_id
    WHERE s.layer_version_id = :version_id
""")


@pytest.fixture
def layer(session: Session) -> Layer:
    layer = Layer(
        jurisdiction_id=jurisdictions.find(session, "beaurive").id,
        code="sectors",
        names={"fr": "Secteurs"},
        role=LayerRole.REFERENCE.value,
    )
    session.add(layer)
    session.flush()
    return layer


def publish(
    session: Session, layer: Layer, drawings: Mapping[str, Drawing], now: datetime = NOW
) -> Publication:
    features = read_features(collection(drawings), "code", "name")
    return layers.publish(session, layer, features, "fr", now)


def count(session: Session, model: type[DistrictPiece] | type[DistrictEdge], layer: Layer) -> int:
    query = (
        select(func.count())
        .select_from(model)
        .join(DistrictShape, DistrictShape.id == model.shape_id)
        .join(LayerVersion, LayerVersion.id == DistrictShape.layer_version_id)
        .where(LayerVersion.layer_id == layer.id)
    )
    return session.execute(query).scalar_one()


def district_ids(session: Session, layer_id: int) -> dict[str, int]:
    query = select(District.code, District.id).where(
        District.layer_id == layer_id, District.retired_at.is_(None)
    )
    return dict(session.execute(query).all())


def versions(session: Session, layer: Layer) -> list[LayerVersion]:
    query = select(LayerVersion).where(LayerVersion.layer_id == layer.id)
    return list(session.scalars(query.order_by(LayerVersion.number)))


def codes_at(session: Session, latitude: float, longitude: float) -> list[str]:
    return [hit.code for hit in locate(session, at(latitude, longitude))]


def test_the_first_publication_makes_version_one(session: Session, layer: Layer) -> None:
    done = publish(session, layer, {"south": SOUTH, "north": NORTH})
    assert done == Publication(1, changed=True, added=("north", "south"), retired=())
    assert codes_at(session, 0.5, 60.5) == ["south"]
    assert codes_at(session, 1, 60.5) == ["north", "south"]
    [version] = versions(session, layer)
    assert layer.published_version_id == version.id
    assert version.published_at == NOW


def test_a_shape_near_greenwich_is_kept_to_the_last_digit(session: Session, layer: Layer) -> None:
    # Digits after the point are fewer than a number near nought has.
    corner = (0.00010496257839353573, 0.00036203184884952096)
    publish(session, layer, {"near": polygon([corner, (1, 0), (1, 1), corner])})
    [kept] = session.scalars(
        select(DistrictShape.shape).where(
            DistrictShape.layer_version_id == layer.published_version_id
        )
    )
    assert list(corner) in get_coordinates(to_shape(kept)).tolist()


def test_unchanged_districts_publish_nothing_whatever_their_order(
    session: Session, layer: Layer
) -> None:
    publish(session, layer, {"disc": DISC, "north": NORTH})
    pieces, edges = count(session, DistrictPiece, layer), count(session, DistrictEdge, layer)
    again = publish(session, layer, {"north": NORTH, "disc": DISC}, LATER)
    assert again == Publication(1, changed=False, added=(), retired=())
    assert len(versions(session, layer)) == 1
    assert count(session, DistrictPiece, layer) == pieces > 1
    assert count(session, DistrictEdge, layer) == edges > 1


def test_a_shape_is_either_cut_or_asked_whole(session: Session, layer: Layer) -> None:
    drawn = {
        "disc": DISC,
        "most": jagged(WHOLE_VERTICES - 1),
        "north": NORTH,
        "one-more": jagged(WHOLE_VERTICES),
        "seam": polygon(rectangle(179, 0, 181, 1)),
    }
    publish(session, layer, drawn)
    rows = session.execute(_PARTS, {"version_id": layer.published_version_id}).all()
    whole = {code for code, _, pieces, edges in rows if pieces == edges == 0}
    cut = {code for code, _, pieces, edges in rows if pieces > 1 and edges > 1}
    assert whole == {code for code, asked_whole, *_ in rows if asked_whole} == {"most", "north"}
    assert cut == {"disc", "one-more", "seam"}


def test_a_changed_shape_is_a_new_version_and_the_old_one_stays(
    session: Session, layer: Layer
) -> None:
    publish(session, layer, {"south": SOUTH, "north": NORTH})
    ids = district_ids(session, layer.id)
    done = publish(session, layer, {"south": WIDER, "north": NORTH}, LATER)
    assert done == Publication(2, changed=True, added=(), retired=())
    assert codes_at(session, 0.5, 61.5) == ["south"]
    assert district_ids(session, layer.id) == ids
    first, second = versions(session, layer)
    assert (first.published_at, second.published_at) == (NOW, LATER)
    old = session.scalars(
        select(DistrictShape.shape).where(
            DistrictShape.layer_version_id == first.id, DistrictShape.district_id == ids["south"]
        )
    ).one()
    assert to_shape(old).bounds == (60, 0, 61, 1)


def test_a_version_comes_back_as_a_new_one(session: Session, layer: Layer) -> None:
    publish(session, layer, {"south": SOUTH})
    publish(session, layer, {"south": WIDER})
    assert publish(session, layer, {"south": SOUTH}).version == 3
    assert codes_at(session, 0.5, 61.5) == []


def test_a_removed_district_is_retired_and_comes_back_as_itself(
    session: Session, layer: Layer
) -> None:
    publish(session, layer, {"south": SOUTH, "north": NORTH})
    ids = district_ids(session, layer.id)
    gone = publish(session, layer, {"south": SOUTH}, LATER)
    assert gone == Publication(2, changed=True, added=(), retired=("north",))
    assert codes_at(session, 1.5, 60.5) == []
    assert district_ids(session, layer.id) == {"south": ids["south"]}
    assert layers.district_names(session, [ids["north"]]) == {
        ids["north"]: ("north", {"fr": "North"})
    }
    session.expire_all()
    retired = session.get_one(District, ids["north"])
    assert retired.retired_at == LATER

    still_gone = publish(session, layer, {"south": WIDER}, LATER)
    assert still_gone.retired == ()

    back = publish(session, layer, {"south": SOUTH, "north": NORTH}, LATER)
    assert (back.added, back.retired) == (("north",), ())
    assert district_ids(session, layer.id) == ids
    assert codes_at(session, 1.5, 60.5) == ["north"]


def test_a_new_name_is_a_new_version_and_keeps_the_other_languages(
    session: Session, layer: Layer
) -> None:
    publish(session, layer, {"south": SOUTH})
    id_ = district_ids(session, layer.id)["south"]
    session.get_one(District, id_).names = {"fr": "South", "en": "The South"}
    renamed = collection({"south": SOUTH})
    renamed["features"][0]["properties"]["name"] = "Sud"
    layers.publish(session, layer, read_features(renamed, "code", "name"), "fr", LATER)
    assert layers.district_names(session, [id_])[id_][1] == {"fr": "Sud", "en": "The South"}


def test_a_district_across_the_antimeridian_has_no_edges_on_it(
    session: Session, layer: Layer
) -> None:
    publish(session, layer, {"across": polygon(rectangle(179, 0, 181, 1))})
    on_the_line = session.scalars(
        select(func.ST_AsText(DistrictEdge.edge))
        .join(DistrictShape, DistrictShape.id == DistrictEdge.shape_id)
        .where(
            DistrictShape.layer_version_id == layer.published_version_id,
            func.ST_Length(
                func.ST_Intersection(
                    DistrictEdge.edge,
                    func.ST_GeomFromText("LINESTRING(180 -90, 180 90)", 4326),
                )
            )
            > 0,
        )
    ).all()
    assert count(session, DistrictEdge, layer) > 0
    assert on_the_line == []
