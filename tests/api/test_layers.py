"""Layers by the API: brought by files, looked at, published at one moment, and restored."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
import shapely
from flask import Flask
from shapely.affinity import translate
from shapely.geometry import shape as to_shape
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from city.models import Jurisdiction
from tests.api import help as h
from tests.api.test_administration import ADMIN, Office
from tests.conftest import DEMO
from tests.geo.drawers import FORMATS, projected, written
from tests.resident import BASE, Resident, body_of
from tests.stack import eventually
from tests.statements import asked_of

FILE = json.loads((DEMO.parent / "districts.geojson").read_text(encoding="utf-8"))
SHAPES = {one["properties"]["code"]: to_shape(one["geometry"]) for one in FILE["features"]}
GEOJSON = "application/geo+json"


@pytest.fixture
def office(own_app: Flask) -> Office:
    return Office(own_app)


def put(office: Office, data: bytes, code: str = "quartiers", **query: Any) -> TestResponse:
    """Bring a file, for the version of the layer that is read at this moment."""
    found = office.client.get(f"{ADMIN}/layers/{code}", headers=office.headers)
    tag = {"If-Match": found.headers["ETag"]} if found.status_code == 200 else {}
    return office.client.put(
        f"{ADMIN}/layers/{code}",
        data=data,
        query_string={"code_field": "code", "name_field": "nom", **query},
        headers={**office.headers, **tag},
        content_type="application/octet-stream",
    )


def publish(office: Office, version: int, code: str = "quartiers") -> TestResponse:
    tag = office.get(f"/layers/{code}")["etag"]
    path = f"{ADMIN}/layers/{code}/versions/{version}/publish"
    return office.client.post(path, headers={**office.headers, "If-Match": tag})


def whole(folder: Path, **others: Any) -> bytes:
    """Return the demo city's districts as a file, some of them drawn otherwise."""
    return written(folder, ".geojson", {**SHAPES, **others})


def district_of(office: Office, view: dict[str, Any]) -> str | None:
    found = h.read(office.client, f"/reports/{view['reference']}")["district"]
    return str(found["code"]) if found else None


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_of_any_format_becomes_the_published_layer(
    office: Office, tmp_path: Path, suffix: str
) -> None:
    shapes = {code: projected(shape, "EPSG:2154") for code, shape in SHAPES.items()}
    answer = put(office, written(tmp_path, suffix, shapes, system="EPSG:2154"))
    assert answer.status_code == 200, answer.text
    told = body_of(answer)
    assert (told["published"], told["features"], told["orphans"]) == (True, len(SHAPES), [])
    assert told["repaired"] == []
    layer = office.get("/layers/quartiers")
    assert layer["published"] == told["version"]
    assert answer.headers["ETag"] == layer["etag"]
    view = Resident(office.client).report()
    assert district_of(office, view) in SHAPES


def test_what_is_given_out_gives_the_same_layer_when_it_is_brought(office: Office) -> None:
    first = office.get("/layers/quartiers")["published"]
    path = f"{ADMIN}/layers/quartiers/versions/{first}"
    given = office.client.get(path, headers=office.headers)
    assert given.mimetype == GEOJSON
    told = body_of(put(office, given.data, name_field="name"))
    again = office.client.get(
        f"{ADMIN}/layers/quartiers/versions/{told['version']}", headers=office.headers
    )
    assert body_of(again)["features"] == body_of(given)["features"]


def test_a_draft_changes_nothing_until_it_is_published_and_the_old_can_be_restored(
    office: Office, tmp_path: Path
) -> None:
    view = Resident(office.client).report()
    before = district_of(office, view)
    assert before is not None
    # Everything goes a district's width to the east.
    moved = {code: translate(shape, 0.012, 0) for code, shape in SHAPES.items()}
    told = body_of(put(office, whole(tmp_path, **moved), publish="false"))
    assert (told["published"], told["moved"]["tickets"]) == (False, 1)
    layer = office.get("/layers/quartiers")
    assert [one["current"] for one in layer["versions"]] == [False, True]
    old = layer["published"]
    assert district_of(office, Resident(office.client).report()) == before

    told = body_of(publish(office, told["version"]))
    assert told["published"] is True
    # What was decided stays decided, and what comes now goes by the new map.
    assert district_of(office, view) == before
    after = district_of(office, Resident(office.client).report())
    assert after != before

    told = body_of(publish(office, old))
    assert (told["version"], told["moved"]["tickets"]) == (old, 1)
    assert district_of(office, Resident(office.client).report()) == before
    acts = [
        one
        for one in h.read(office.client, "/admin/audit?kind=layer", office.headers)["items"]
        if "published" in one["changes"]
    ]
    assert len(acts) == 2


def test_what_a_version_lacks_and_rules_name_is_told(office: Office, tmp_path: Path) -> None:
    fewer = {code: shape for code, shape in SHAPES.items() if code != "les-docks"}
    told = body_of(put(office, written(tmp_path, ".geojson", fewer), publish="false"))
    assert told["orphans"] == ["les-docks"]


def test_what_is_odd_is_told_measured_and_can_be_looked_at(office: Office, tmp_path: Path) -> None:
    [first, second, *_] = sorted(SHAPES)
    told = body_of(put(office, whole(tmp_path, **{first: SHAPES[first].union(SHAPES[second])})))
    odd = told["problems"][0]
    assert (odd["kind"], odd["codes"]) == ("overlap", [first, second])
    assert "overlap by" in odd["text"]
    path = f"{ADMIN}/layers/quartiers/versions/{told['version']}/problems"
    shown = body_of(office.client.get(path, headers=office.headers))["features"]
    assert len(shown) == len(told["problems"])
    area = to_shape(shown[0]["geometry"])
    assert shapely.area(area.symmetric_difference(SHAPES[second])) < 1e-9


def test_crossing_rings_are_mended_and_told_or_refused(office: Office, tmp_path: Path) -> None:
    [first, *_] = sorted(SHAPES)
    ring = list(shapely.get_parts(SHAPES[first])[0].exterior.coords)
    (x, y), *_ = ring
    spike = [(x, y), (x + 1e-6, y + 1e-6), (x + 1e-6, y), (x, y + 1e-6), *ring[1:]]
    told = body_of(put(office, whole(tmp_path, **{first: shapely.Polygon(spike)})))
    assert told["repaired"] == [first]
    west, south, east, north = SHAPES[first].bounds
    hourglass = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    answer = put(office, whole(tmp_path, **{first: hourglass}))
    assert f"'{first}' cross themselves" in h.refused(answer, 422)["errors"][0]["detail"]


def test_refusals_leave_everything_as_it_was(office: Office, tmp_path: Path) -> None:
    before = office.get("/layers")
    far = {code: translate(shape, 20, 0) for code, shape in SHAPES.items()}
    metres = {code: projected(shape, "EPSG:2154") for code, shape in SHAPES.items()}
    bare = written(tmp_path, ".geojson", metres, system=None)
    whole_file = whole(tmp_path)
    for data, query in (
        (b"{}", {}),
        (b"", {}),
        (whole_file[:-20], {}),
        (whole_file, {"code_field": "none"}),
        (written(tmp_path, ".geojson", far), {}),
        (bare, {}),
    ):
        [fault] = h.refused(put(office, data, **query), 422)["errors"]
        assert fault["pointer"] == ""
    french = {**office.headers, "Accept-Language": "fr"}
    tag = {"If-Match": office.get("/layers/quartiers")["etag"]}
    answer = office.client.put(
        f"{ADMIN}/layers/quartiers?code_field=code", data=bare, headers={**french, **tag}
    )
    [fault] = h.refused(answer, 422)["errors"]
    assert "EPSG:2154 (" in fault["detail"]
    assert "ressemble" in fault["detail"]
    h.refused(put(office, whole_file, code="boundary"), 409)
    h.refused(publish(office, 1, code="boundary"), 409)
    h.refused(put(office, whole_file, code="autres"), 409)
    assert h.blamed(put(office, whole_file, code="Not A Code")) == ["/code"]
    h.refused(put(office, whole_file, role="boundary"), 422)
    assert office.get("/layers") == before


def test_what_comes_first_is_answered_first(office: Office, tmp_path: Path) -> None:
    path, data = f"{ADMIN}/layers/quartiers", whole(tmp_path)
    client, headers = office.client, office.headers
    h.refused(client.put(path, data=data), 401)
    h.refused(client.put(path, data=data, headers=headers), 428)
    stale = {**headers, "If-Match": '"v99"'}
    h.refused(client.put(path, data=b"?", headers=stale), 412)
    match = {**headers, "If-Match": office.get("/layers/quartiers")["etag"]}
    large = {"CONTENT_LENGTH": "100000001"}
    answer = client.put(path, headers=match, content_type="text/plain", environ_overrides=large)
    h.refused(answer, 413)
    query = {"publish": "perhaps"}
    answer = client.put(path, data=b"?", query_string=query, headers=match, content_type="text/x")
    h.refused(answer, 415)
    answer = client.put(path, data=data, query_string=query, headers=match)
    assert h.refused(answer, 422)["errors"][0]["parameter"] == "publish"


def test_a_ticket_that_is_closed_while_it_is_counted_moves_no_more(
    own_app: Flask, own_database_url: str, tmp_path: Path
) -> None:
    office, moved = (
        Office(own_app),
        {code: translate(one, 0.012, 0) for code, one in SHAPES.items()},
    )
    for _ in range(2):
        view = Resident(office.client).report()

    def close(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if "ST_AsBinary" in statement:
            with psycopg.connect(own_database_url) as another:
                another.execute(
                    "UPDATE tickets SET status = 'resolved', closed_at = now()"
                    " WHERE reference = %s",
                    (view["ticket"],),
                )

    engine = h.parts_of(own_app).engine
    event.listen(engine, "before_cursor_execute", close)
    answer = put(office, whole(tmp_path, **moved), publish="false")
    event.remove(engine, "before_cursor_execute", close)
    assert answer.status_code == 200, answer.text
    assert body_of(answer)["moved"]["tickets"] == 1


def test_of_two_who_publish_at_once_one_wins(own_app: Flask, tmp_path: Path) -> None:
    offices = [Office(own_app) for _ in range(3)]
    tag, data = offices[0].get("/layers/quartiers")["etag"], whole(tmp_path)

    def bring(office: Office) -> int:
        headers = {**office.headers, "If-Match": tag}
        query = {"code_field": "code"}
        path = f"{ADMIN}/layers/quartiers"
        return office.client.put(path, data=data, query_string=query, headers=headers).status_code

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(bring, offices)) == [200, 412, 412]


def test_how_far_a_file_has_come_is_told_meanwhile(own_app: Flask, tmp_path: Path) -> None:
    office, sender = Office(own_app), Office(own_app)

    def stage() -> Any:
        return office.get("/layers/quartiers/import")["bringing"]

    assert stage() is None
    sessions = h.parts_of(own_app).sessions
    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as another:
            another.scalars(select(Jurisdiction).with_for_update(key_share=True)).all()
            bringing = pool.submit(put, sender, whole(tmp_path))
            told = eventually(lambda: (found := stage()) and found["step"] == 2 and found)
        assert bringing.result().status_code == 200
    assert (told["stage"], told["steps"]) == ("keeping", 3)
    assert f"{len(SHAPES)} features" in told["text"]
    assert stage() is None
    missing = office.client.get(f"{ADMIN}/layers/nowhere/import", headers=office.headers)
    h.refused(missing, 404)


def test_reports_that_arrive_meanwhile_go_by_one_version_or_the_other(
    own_app: Flask, tmp_path: Path
) -> None:
    office = Office(own_app)
    here = district_of(office, Resident(office.client).report())
    moved = {code: translate(shape, 0.012, 0) for code, shape in SHAPES.items()}
    put(office, whole(tmp_path, **moved), publish="false")
    versions = [one["version"] for one in office.get("/layers/quartiers")["versions"]]
    over = Event()

    def report() -> list[dict[str, Any]]:
        client, views = own_app.test_client(), []
        while not over.is_set():
            views.append(Resident(client).report())
        return views

    with ThreadPoolExecutor() as pool:
        sending = [pool.submit(report) for _ in range(3)]
        for number in range(8):
            assert publish(office, versions[number % 2]).status_code == 200
        over.set()
        views = [view for one in sending for view in one.result()]
    found = {district_of(office, view) for view in views}
    assert here in found
    assert len(found) == 2


def test_only_administrators_bring_layers(own_app: Flask, tmp_path: Path) -> None:
    dispatcher = Office(own_app, "regulateur@beaurive.example")
    answer = dispatcher.client.put(
        f"{BASE}/admin/layers/quartiers", data=whole(tmp_path), headers=dispatcher.headers
    )
    h.refused(answer, 403)


def test_many_layers_and_versions_ask_no_more_than_one(office: Office, tmp_path: Path) -> None:
    def statements() -> int:
        with asked_of(h.parts_of(office.client.application).engine) as asked:
            office.get("/layers")
        return len(asked)

    before = statements()
    for turn in range(1, 3):
        moved = translate(SHAPES["bellevue"], turn * 1e-5)
        assert put(office, whole(tmp_path, bellevue=moved)).status_code == 200
    drawn = {"spot": SHAPES["bellevue"].representative_point()}
    data = written(tmp_path, ".geojson", drawn, geometry_type="Unknown")
    assert put(office, data, "poles", role="reference").status_code == 201
    told = {one["code"]: one["versions"] for one in office.get("/layers")["items"]}
    assert [one["version"] for one in told["quartiers"]] == [3, 2, 1]
    assert {one["features"] for one in told["quartiers"]} == {len(SHAPES)}
    assert [one["features"] for one in told["poles"]] == [1]
    assert statements() == before
