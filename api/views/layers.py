"""The city's layers, for its administrators: brought by files, published a version at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import Response, request

from api import documents, offices, preconditions
from api.blueprint import resource
from api.bodies import (
    MAX_LAYER_BYTES,
    BodyTooLarge,
    UnsupportedBody,
    read_bytes,
    reads_up_to,
)
from api.callers import staff
from api.declarations import BYTES, raises, reads
from api.documents import GEOJSON
from api.schemas.layers import (
    BroughtSchema,
    DistrictCollectionSchema,
    ImportSchema,
    LayerNamesSchema,
    LayerQuerySchema,
    LayerSchema,
    LayersSchema,
)
from api.services import commit, db, locale, services
from city import layers as city_layers
from city.access import Act
from city.administration import Administration, UnfitPart, UnknownSetting
from city.layers import (
    BoundaryLayer,
    Brought,
    ImportStage,
    OtherRole,
    ServiceLayerTaken,
    Source,
)
from city.staff import Staff
from geo import layers
from geo.coverage import ProblemKind
from geo.models import Layer, LayerVersion
from infra.notation import in_utc
from infra.progress import Stage
from infra.words import mark, say, say_number
from reports import moving

blueprint = resource("layers", "The city's layers, for its administrators.")

MOST_PROBLEMS = 1_000
_FILES = ("application/geopackage+sqlite3", "application/zip", "application/octet-stream")
_TYPES = (GEOJSON, "application/json", *_FILES)
_DISTRICT = {
    "type": "Feature",
    "properties": {"code": "centre", "nom": "Centre"},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[2.23, 48.8], [2.24, 48.8], [2.24, 48.81], [2.23, 48.8]]],
    },
}
_COLLECTION = {
    "schema": {"type": "object"},
    "example": {"type": "FeatureCollection", "features": [_DISTRICT]},
}
_BODY = {
    "required": True,
    "content": {
        **dict.fromkeys((GEOJSON, "application/json"), _COLLECTION),
        **{name: {"schema": BYTES} for name in _FILES},
    },
}

_TEXTS = {
    ProblemKind.OVERLAP: mark("The districts {codes} overlap by {area} m²."),
    ProblemKind.GAP: mark("At the districts {codes}, {area} m² are in no district."),
    ProblemKind.SLIVER: mark("At the districts {codes} there is a strip of {area} m²."),
    ProblemKind.DUPLICATE: mark("The districts {codes} have the same shape, of {area} m²."),
}

_APART = mark("Apart from every district, {area} m² of the city are in no district.")

_STAGES = {
    ImportStage.READING: mark("The file is being read."),
    ImportStage.KEEPING: mark("How {count} features fit together is looked at, and they are kept."),
    ImportStage.COUNTING: mark("What would change for open tickets is being counted."),
}


def _sent_as_body(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view the bytes of a file, before anything is said about the query."""

    @reads(preconditions.HEADER, preconditions.SHAPE)
    @raises(UnfitPart, BoundaryLayer)
    @reads_up_to(MAX_LAYER_BYTES)
    @wraps(view)
    def wrapper(key: str, staff: Staff, **named: Any) -> Any:
        office = offices.of(staff)
        row = city_layers.find(office, key)
        if row is not None:
            preconditions.demand(row.version)
        if request.mimetype and request.mimetype not in _TYPES:
            if (request.content_length or 0) > MAX_LAYER_BYTES:
                raise BodyTooLarge(MAX_LAYER_BYTES)
            raise UnsupportedBody(", ".join(_TYPES))
        data = read_bytes(request, MAX_LAYER_BYTES)
        return view(code=key, data=data, office=office, **named)

    return wrapper


@blueprint.route("/admin/layers")
@staff(Act.SET_UP)
@blueprint.response(200, LayersSchema)
def list_layers(staff: Staff) -> Response:
    """List the layers with their versions, retired ones too."""
    office = offices.of(staff)
    return offices.listed(_layers(city_layers.every(office)))


@blueprint.route("/admin/layers/<key>")
@staff(Act.SET_UP)
@raises(UnknownSetting)
@blueprint.response(200, LayerSchema)
def get_layer(key: str, staff: Staff) -> Response:
    """Read a layer with its versions."""
    row = offices.of(staff).find(Layer, key)
    [document] = _layers([row])
    return offices.answer(document, row)


@blueprint.route("/admin/layers/<key>", methods=["PUT"])
@staff(Act.SET_UP)
@_sent_as_body
@raises(OtherRole, ServiceLayerTaken)
@blueprint.doc(requestBody=_BODY)
@blueprint.arguments(LayerQuerySchema, location="query")
@blueprint.response(200, BroughtSchema)
@blueprint.alt_response(201, schema=BroughtSchema, description="The layer is new.")
def put_layer(query: dict[str, Any], code: str, data: bytes, office: Administration) -> Response:
    """Bring a layer by a file: GeoJSON, GeoPackage, FlatGeobuf or a zipped Shapefile.

    At most 100 MB. A coordinate system that the file declares is honoured; where it declares none,
    it has to be in longitude and latitude. Rings that cross are mended where that changes the area
    by no more than 1 %, and refused else. With `publish=false` the version is kept as a draft.

    A layer with the role `reference` holds points, lines or areas, with their properties, which
    rules ask about: `moved` tells how many open tickets are near to something else by it.
    """
    source = Source(query["code_field"], query["name_field"], query["layer"])
    with services().progress.of(_work(office, code), tuple(ImportStage)) as begin:
        begin(ImportStage.READING, None)
        features = city_layers.read(office, data, source, query["role"])
        begin(ImportStage.KEEPING, len(features))
        known = city_layers.find(office, code)
        if known is not None:
            office.lock()
            db().refresh(known)
            preconditions.demand(known.version)
        brought = city_layers.bring(office, code, query["role"], features)
        begin(ImportStage.COUNTING, len(features))
        moved = moving.count(db(), brought.version)
        if query["publish"]:
            city_layers.publish(office, brought.layer, brought.version)
        commit()
    return _told(brought, moved, 200 if known is not None else 201)


@blueprint.route("/admin/layers/<key>/names", methods=["PUT"])
@staff(Act.SET_UP)
@offices.found(lambda office, code: office.find(Layer, code))
@offices.unchanged
@raises(UnfitPart, BoundaryLayer)
@blueprint.arguments(LayerNamesSchema, example={"names": {"fr": "Quartiers"}})
@blueprint.response(200, LayerSchema)
def rename_layer(body: dict[str, Any], row: Layer, office: Administration) -> Response:
    """Say what a layer is called, which residents read where a rule names it.

    A layer is called by its code at first. Another version leaves its names alone.
    """
    city_layers.rename(office, row, body)
    commit()
    [document] = _layers([row])
    return offices.answer(document, row)


@blueprint.route("/admin/layers/<key>/import")
@staff(Act.SET_UP)
@raises(UnknownSetting)
@blueprint.response(200, ImportSchema)
def get_import(key: str, staff: Staff) -> Response:
    """See how far the file is that is being brought for the layer; null where none is."""
    office = offices.of(staff)
    stage = services().progress.read(_work(office, key))
    if stage is None:
        office.find(Layer, key)
    return documents.answer({"bringing": stage and _stage(stage)})


@blueprint.route("/admin/layers/<key>/versions/<int:number>/publish", methods=["POST"])
@staff(Act.SET_UP)
@offices.found(lambda office, code: office.find(Layer, code))
@offices.unchanged
@raises(BoundaryLayer, ServiceLayerTaken)
@blueprint.response(200, BroughtSchema)
def publish_version(number: int, row: Layer, office: Administration) -> Response:
    """Publish a version, be it a draft or an earlier one, which is restored like that.

    Tickets keep their district and their team; `moved` tells how many would get others today.
    """
    version = city_layers.find_version(office, row, number)
    moved = moving.count(db(), version)
    brought = city_layers.publish(office, row, version)
    commit()
    return _told(brought, moved, 200)


@blueprint.route("/admin/layers/<key>/versions/<int:number>")
@staff(Act.SET_UP)
@raises(UnknownSetting)
@blueprint.response(200, DistrictCollectionSchema, content_type=GEOJSON)
def get_version(key: str, number: int, staff: Staff) -> Response:
    """Read what a version holds as GeoJSON, which gives the same layer when it is brought."""
    return _geojson(city_layers.as_geojson(offices.of(staff), _version(staff, key, number)))


@blueprint.route("/admin/layers/<key>/versions/<int:number>/problems")
@staff(Act.SET_UP)
@raises(UnknownSetting)
@blueprint.response(200, DistrictCollectionSchema, content_type=GEOJSON)
def get_problems(key: str, number: int, staff: Staff) -> Response:
    """See what is odd about a version, as GeoJSON to be laid on a map."""
    version = _version(staff, key, number)
    return _geojson({"type": "FeatureCollection", "features": version.problems})


def _work(office: Administration, code: str) -> str:
    return f"layer:{office.jurisdiction_id}:{code}"


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "text": say(locale(), _STAGES[ImportStage(stage.name)], count=stage.about),
        "step": stage.step,
        "steps": stage.steps,
        "since": in_utc(stage.since),
    }


def _version(staff: Staff, key: str, number: int) -> LayerVersion:
    office = offices.of(staff)
    return city_layers.find_version(office, office.find(Layer, key), number)


def _geojson(document: dict[str, Any]) -> Response:
    return documents.answer(document, GEOJSON)


def _told(brought: Brought, moved: moving.Moved, status: int) -> Response:
    version = brought.version
    document = {
        "version": version.number,
        "published": brought.layer.published_version_id == version.id,
        "features": brought.districts,
        "repaired": version.repaired,
        "problems": [
            _problem(feature["properties"]) for feature in version.problems[:MOST_PROBLEMS]
        ],
        "orphans": list(brought.orphans),
        "moved": {"tickets": moved.tickets, "teams": moved.teams},
    }
    return offices.answer(document, brought.layer, status)


def _problem(properties: dict[str, Any]) -> dict[str, Any]:
    codes = ", ".join(properties["codes"])
    area = say_number(locale(), properties["area_m2"])
    message = _TEXTS[ProblemKind(properties["kind"])] if codes else _APART
    text = say(locale(), message, codes=codes, area=area)
    return {**properties, "text": text}


def _layers(rows: Sequence[Layer]) -> list[dict[str, Any]]:
    versions = layers.versions_of(db(), [row.id for row in rows])
    return [_layer(row, versions[row.id]) for row in rows]


def _layer(row: Layer, versions: Sequence[tuple[LayerVersion, int]]) -> dict[str, Any]:
    current = next((one for one, _ in versions if one.id == row.published_version_id), None)
    return {
        "code": row.code,
        "names": row.names,
        "role": row.role,
        "published": current.number if current else None,
        "retired": row.retired_at is not None,
        "etag": offices.etag(row),
        "versions": [
            {
                "version": version.number,
                "features": count,
                "problems": len(version.problems),
                "created_at": in_utc(version.created_at),
                "published_at": in_utc(version.published_at),
                "current": version is current,
            }
            for version, count in versions
        ],
    }
