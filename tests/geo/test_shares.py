"""How a circle of doubt falls on the districts."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from sqlalchemy.orm import Session

from city import jurisdictions
from geo import doubt
from geo.coordinates import Position
from tests.city.towns import document, load, write
from tests.geo.looking import at, shapes

TOWN = "beaurive"


def shares(
    session: Session, place: Position, accuracy_m: float, code: str = TOWN
) -> dict[str, float]:
    city = jurisdictions.find(session, code)
    found = doubt.shares(session, city.id, place, accuracy_m)
    return {share.code: share.share for share in found}


def test_shares_never_come_to_more_than_the_whole(session: Session) -> None:
    random = Random(21)
    partial = 0
    for _ in range(60):
        place = at(random.uniform(48.79, 48.84), random.uniform(2.19, 2.28))
        found = shares(session, place, random.choice([5, 40, 300, 2_000]))
        assert all(0 <= share <= 1 for share in found.values())
        total = sum(found.values())
        assert total <= 1 + 1e-9
        partial += 0 < total < 0.99
    assert partial > 3


def test_deep_inside_a_district_all_is_its_own(session: Session) -> None:
    assert shares(session, at(48.808882, 2.212277), 20) == {"bellevue": pytest.approx(1)}


def test_on_a_straight_border_each_side_has_half(session: Session, tmp_path: Path) -> None:
    load(session, write(tmp_path / "t", document("halves")))
    found = shares(session, at(-33.95, 20.1), 500, "halves")
    assert found == {"west": pytest.approx(0.5, abs=0.01), "east": pytest.approx(0.5, abs=0.01)}


def test_the_greatest_share_comes_first(session: Session) -> None:
    city = jurisdictions.find(session, TOWN)
    found = doubt.shares(session, city.id, at(48.8166, 2.2365), 1_500)
    assert len(found) > 3
    assert [share.share for share in found] == sorted(
        (share.share for share in found), reverse=True
    )


def test_the_share_is_the_part_of_the_circle(session: Session) -> None:
    district = shapes(session, TOWN)["ile-aux-cygnes"]
    middle = district.representative_point()
    # A degree of longitude shrinks with the latitude, and so the circle is wide in degrees.
    circle_deg2 = 3.14159 * (3_000 / 111_320) * (3_000 / 111_320 / 0.6585)
    found = shares(session, at(middle.y, middle.x), 3_000)["ile-aux-cygnes"]
    assert found == pytest.approx(district.area / circle_deg2, rel=0.02)


def test_outside_of_all_districts_there_are_no_shares(session: Session) -> None:
    assert shares(session, at(48.782, 2.19), 50) == {}
    assert shares(session, at(0, 0), 5_000) == {}


def test_only_the_asked_citys_published_service_layer_counts(
    session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "town"
    says = document("twice")
    load(session, write(folder, says))
    [wards] = says["layers"]
    load(session, write(folder, {**says, "layers": [{**wards, "code": "sectors"}]}))
    assert shares(session, at(-33.95, 20.05), 50, "twice") == {"west": pytest.approx(1)}
    assert shares(session, at(-33.95, 20.05), 50) == {}
