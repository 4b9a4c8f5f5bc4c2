"""Layers that were made to do harm, by either way in: one clear line, and nothing of them kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.api import help as h
from tests.api.test_administration import Office
from tests.api.test_layers import SHAPES, put
from tests.city.test_layer_command import run
from tests.geo.test_hostile_files import (
    ENDLESS,
    altered,
    archive,
    collection,
    feature,
    in_system,
    members,
)
from tests.resident import BASE, INSIDE, body_of


def hostile(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Return files by what they try, each with a part of the line that they are refused by."""
    secret = folder / "secret.geojson"
    secret.write_bytes(collection(feature("secret")))
    vrt = (
        f"<OGRVRTDataSource><OGRVRTLayer name='layer'><SrcDataSource>{secret}</SrcDataSource>"
        "<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )
    view = f"CREATE VIEW beside AS SELECT 1 AS x WHERE {ENDLESS} > 0;"
    # Letters that do not repeat, since what does is packed small enough for an index.
    long_code = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(5_000))
    return {
        "another file": (archive({**members(folder), "layer.shp": vrt.encode()}), "broken"),
        "an endless view": (altered(folder, view), "would have to be computed"),
        "a code without end": (collection(feature(long_code)), "more than 500 characters"),
        "a heap": (
            collection(*(feature(number, SHAPES["bellevue"]) for number in range(800))),
            "lie upon each other",
        ),
        "a drawing": (in_system('LOCAL_CS["drawing",UNIT["metre",1]]'), "not known here"),
    }


@pytest.mark.timeout(60)
def test_what_is_made_to_do_harm_is_one_line_and_leaves_nothing(
    own_app: Flask, tmp_path: Path
) -> None:
    office = Office(own_app)

    def stands() -> tuple[object, object, object]:
        where = own_app.test_client().get(f"{BASE}/locate", query_string=INSIDE)
        audit = h.read(office.client, "/admin/audit?kind=layer", office.headers)
        return office.get("/layers"), body_of(where), audit

    before, file = stands(), tmp_path / "sent"
    for name, (data, part) in hostile(tmp_path).items():
        [fault] = h.refused(put(office, data), 422)["errors"]
        assert part in fault["detail"], name
        file.write_bytes(data)
        code, told = run(own_app, "beaurive", "quartiers", file, "--code-field", "code")
        assert code == 1, name
        assert part in told.splitlines()[-1], (name, told)
        assert stands() == before, name
