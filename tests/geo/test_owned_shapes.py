"""Shapes belong to a version and a district of one jurisdiction, whoever writes them."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

COPIED = """
    INSERT INTO district_shapes
        (jurisdiction_id, layer_version_id, district_id, names, shape, whole)
    SELECT {jurisdiction_id}, {layer_version_id}, {district_id}, names, shape, whole
    FROM district_shapes WHERE id = (SELECT min(id) FROM district_shapes)
"""
OWN = {
    "jurisdiction_id": "jurisdiction_id",
    "layer_version_id": "layer_version_id",
    "district_id": "district_id",
}


@pytest.mark.parametrize("member", OWN)
def test_a_shape_of_nobodys_is_refused(session: Session, member: str) -> None:
    session.execute(
        text("DELETE FROM district_shapes WHERE id > (SELECT min(id) FROM district_shapes)")
    )
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text(COPIED.format(**{**OWN, member: "999999999"})))
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text(f"UPDATE district_shapes SET {member} = 999999999"))
    session.execute(text("UPDATE district_shapes SET whole = whole"))


@pytest.mark.parametrize(
    ("table", "freed"),
    [
        ("districts", ""),
        ("layer_versions", "UPDATE layers SET published_version_id = NULL"),
    ],
)
def test_what_has_shapes_is_not_deleted(session: Session, table: str, freed: str) -> None:
    if freed:
        session.execute(text(freed))
    shaped = f"SELECT {table[:-1]}_id FROM district_shapes"
    with pytest.raises(IntegrityError, match="shapes"), session.begin_nested():
        session.execute(text(f"DELETE FROM {table} WHERE id IN ({shaped})"))
