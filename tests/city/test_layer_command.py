"""`flask layers import`: what an administrator sees of a layer's file."""

from __future__ import annotations

import json
from pathlib import Path

import shapely
from flask import Flask
from shapely.geometry import shape as to_shape
from sqlalchemy import select

from city.models import AuditEntry
from tests.api import help as h
from tests.conftest import DEMO
from tests.geo.drawers import projected, written

FILE = json.loads((DEMO.parent / "districts.geojson").read_text(encoding="utf-8"))
SHAPES = {one["properties"]["code"]: to_shape(one["geometry"]) for one in FILE["features"]}


def run(app: Flask, *arguments: object) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["layers", "import", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_file_is_read_looked_at_and_published(own_app: Flask, tmp_path: Path) -> None:
    [first, second, *_] = sorted(SHAPES)
    shapes = {**SHAPES, first: shapely.union(SHAPES[first], SHAPES[second])}
    metres = {code: projected(shape, "EPSG:2154") for code, shape in shapes.items()}
    file = tmp_path / "quartiers.gpkg"
    file.write_bytes(written(tmp_path, ".gpkg", metres, system="EPSG:2154"))
    arguments = ("beaurive", "quartiers", file, "--code-field", "code", "--name-field", "nom")

    code, told = run(own_app, *arguments, "--dry-run")
    assert code == 0, told
    assert "reading ... " in told
    assert "overlap of " in told
    assert f"{first}, {second}" in told
    assert told.endswith("nothing was changed\n")
    code, told = run(own_app, *arguments)
    assert told.endswith("version 2 of the layer quartiers is published\n")
    with h.parts_of(own_app).sessions() as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.thing_kind == "layer")).all()
        assert {entry.actor for entry in acts} == {"command"}
        assert acts[-1].changes == {"published": {"from": 1, "to": 2}}


def test_what_cannot_be_used_is_one_line(own_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "bare.geojson"
    metres = {code: projected(shape, "EPSG:2154") for code, shape in SHAPES.items()}
    file.write_bytes(written(tmp_path, ".geojson", metres, system=None))
    code, told = run(own_app, "beaurive", "quartiers", file, "--code-field", "code")
    assert code == 1
    assert "it looks like EPSG:2154 (" in told.splitlines()[-1]
    for city, layer in (("nowhere", "quartiers"), ("beaurive", "boundary"), ("beaurive", "new")):
        file.write_text(json.dumps(FILE))
        code, told = run(own_app, city, layer, file, "--code-field", "code")
        assert (code, told.splitlines()[-1].startswith("Error: ")) == (1, True)
