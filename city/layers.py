"""Layers: what a city's map is made of, brought by a file and published a version at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import exists, select, text

from city.administration import Administration, UnfitPart, UnknownSetting
from city.audit import AuditAct
from city.changes import assign, touch
from city.models import Jurisdiction, RuleRow
from city.parts import BOUNDARY_CODE, CODE_PATTERN, NamesPart
from city.unfit import Unfit
from geo import coverage, gis_files, layers, references
from geo.features import Feature, features_of
from geo.models import District, DistrictShape, Layer, LayerRole, LayerVersion
from geo.references import Reference, references_of
from geo.unusable import UnusableFeatures
from infra.garbage import uncollected
from infra.words import mark

KIND = "layer"
# Cutting 35,000 districts takes longer than a question of a resident may.
_PATIENCE = "SET LOCAL statement_timeout = '600s'"
# The check of a version is given all its shapes at once, and writes to a file what has no room.
_ROOM = "SET LOCAL work_mem = '64MB'"

_ELSEWHERE = mark("nothing of it lies in the city")
_NO_CODE = mark("has to be lower-case letters, digits and dashes")


class BoundaryLayer(Exception):
    """The city's boundary comes with its file alone."""


class ServiceLayerTaken(Exception):
    """The city has another service layer, whose code is `code`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OtherRole(Exception):
    """The layer is there already, for another role."""


class ImportStage(StrEnum):
    """The steps of bringing a file, in order."""

    READING = "reading"
    KEEPING = "keeping"
    COUNTING = "counting"


@dataclass(frozen=True, slots=True)
class Source:
    """How a file is to be read: which properties are code and name, and which layer of it."""

    code_field: str | None = None
    name_field: str | None = None
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """A version that was kept, and of which rules' districts it has nothing any more."""

    layer: Layer
    version: LayerVersion
    districts: int
    orphans: Sequence[str]


def every(office: Administration) -> list[Layer]:
    """Return the city's layers, retired ones too."""
    query = select(Layer).where(Layer.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Layer.code)))


def find(office: Administration, code: str) -> Layer | None:
    """Return the city's layer of the code, or None where there is none yet.

    Raise UnfitPart for what cannot be a code, and BoundaryLayer for that of the boundary.
    """
    if code == BOUNDARY_CODE:
        raise BoundaryLayer
    try:
        return office.find(Layer, code)
    except UnknownSetting:
        _check_code(code)
        return None


def find_version(office: Administration, layer: Layer, number: int) -> LayerVersion:
    """Return a version of the layer, or raise UnknownSetting."""
    query = select(LayerVersion).where(
        LayerVersion.layer_id == layer.id, LayerVersion.number == number
    )
    found = office.session.scalar(query)
    if found is None:
        raise UnknownSetting
    return found


def as_geojson(office: Administration, version: LayerVersion) -> dict[str, Any]:
    """Return a FeatureCollection that gives the same version when it is read."""
    layer = office.session.get_one(Layer, version.layer_id)
    if layer.role == LayerRole.REFERENCE.value:
        return references.as_geojson(office.session, version)
    return layers.as_geojson(office.session, version)


@uncollected()
def read(
    office: Administration, data: bytes, source: Source, role: LayerRole
) -> Sequence[Feature] | Sequence[Reference]:
    """Return the districts, or features of a reference layer, in a file of any of the formats.

    Raise UnfitPart.
    """
    near = layers.centre(office.session, office.jurisdiction_id)
    features: Sequence[Feature] | Sequence[Reference]
    try:
        rows = gis_files.read(data, source.layer)
        if role is LayerRole.REFERENCE:
            features = references_of(rows, source.code_field, near)
        else:
            features = features_of(rows, source.code_field, source.name_field, near)
    except UnusableFeatures as error:
        raise _unfit(error) from error
    if not layers.lie_in(office.session, office.jurisdiction_id, [one.shape for one in features]):
        raise UnfitPart(((), Unfit(_ELSEWHERE)))
    return features


@uncollected()
def bring(
    office: Administration,
    code: str,
    role: LayerRole,
    features: Sequence[Feature] | Sequence[Reference],
) -> Brought:
    """Keep what a file holds, and what is odd about districts, as the next version of the layer.

    The layer may be new; nothing else changes. Raise BoundaryLayer, OtherRole, ServiceLayerTaken or
    UnfitPart.
    """
    city = office.lock()
    office.session.execute(text(_PATIENCE))
    office.session.execute(text(_ROOM))
    layer = find(office, code)
    if layer is None:
        layer = _add(office, city, code, role)
    elif layer.role != role.value:
        raise OtherRole
    if role is LayerRole.SERVICE:
        _check_only(office, layer)
    version = _keep(office, city, layer, features)
    touch(layer)
    office.session.flush()
    office.note(AuditAct.CHANGED, KIND, code, {"version": (None, version.number)})
    return Brought(layer, version, len(features), orphans(office, layer, version))


def rename(office: Administration, layer: Layer, body: dict[str, Any]) -> None:
    """Call the layer what the body says; what was decided keeps the name of its day.

    Raise BoundaryLayer or UnfitPart.
    """
    city = office.lock()
    if layer.role == LayerRole.BOUNDARY.value:
        raise BoundaryLayer
    part = office.read(NamesPart, body, city)
    office.note_change(KIND, layer.code, assign(layer, {"names": part.names}))


def _keep(
    office: Administration,
    city: Jurisdiction,
    layer: Layer,
    features: Sequence[Feature] | Sequence[Reference],
) -> LayerVersion:
    districts = [one for one in features if isinstance(one, Feature)]
    if not districts:
        found = [one for one in features if isinstance(one, Reference)]
        return references.add_version(office.session, layer, found, office.now)
    outline = layers.outline(office.session, office.jurisdiction_id)
    # Looking how they fit together takes this process' time, keeping them mostly the database's.
    with ThreadPoolExecutor(1) as pool:
        examining = pool.submit(coverage.examine, districts, outline)
        version = layers.add_version(office.session, layer, districts, city.locales[0], office.now)
        try:
            problems = examining.result()
        except UnusableFeatures as error:
            raise _unfit(error) from error
    version.problems = [coverage.as_geojson(problem) for problem in problems]
    return version


def _unfit(error: UnusableFeatures) -> UnfitPart:
    return UnfitPart(((), Unfit(error.message, **error.values)))


def publish(office: Administration, layer: Layer, version: LayerVersion) -> Brought:
    """Have a version be the layer's published one, from the end of the transaction on.

    An earlier one is restored like that. Raise BoundaryLayer or ServiceLayerTaken.
    """
    office.lock()
    if layer.role == LayerRole.BOUNDARY.value:
        raise BoundaryLayer
    if layer.role == LayerRole.SERVICE.value:
        _check_only(office, layer)
    before = office.session.get(LayerVersion, layer.published_version_id or 0)
    lost = orphans(office, layer, version)
    layer.retired_at = None
    layers.publish_version(office.session, layer, version, office.now)
    touch(layer)
    office.session.flush()
    change = {"published": (before.number if before else None, version.number)}
    office.note(AuditAct.CHANGED, KIND, layer.code, change)
    return Brought(layer, version, layers.size(office.session, version), lost)


def orphans(office: Administration, layer: Layer, version: LayerVersion) -> list[str]:
    """Return the codes of the layer's districts that published rules name and the version lacks."""
    # Asked of each district that rules name, since these are few and a version may have many.
    kept = exists().where(
        DistrictShape.layer_version_id == version.id, DistrictShape.district_id == District.id
    )
    query = (
        select(District.code)
        .join(RuleRow, RuleRow.district_id == District.id)
        .join(Jurisdiction, Jurisdiction.ruleset_id == RuleRow.ruleset_id)
        .where(District.layer_id == layer.id, ~kept)
        .distinct()
        .order_by(District.code)
    )
    return list(office.session.scalars(query))


def _add(office: Administration, city: Jurisdiction, code: str, role: LayerRole) -> Layer:
    layer = Layer(
        jurisdiction_id=city.id, code=code, names={city.locales[0]: code}, role=role.value
    )
    if role is LayerRole.SERVICE:
        _check_only(office, layer)
    office.add(KIND, layer, code, {"role": role.value})
    return layer


def _check_only(office: Administration, layer: Layer) -> None:
    other = office.session.scalar(
        select(Layer.code).where(
            Layer.jurisdiction_id == office.jurisdiction_id,
            Layer.role == LayerRole.SERVICE.value,
            Layer.retired_at.is_(None),
            Layer.code != layer.code,
        )
    )
    if other is not None:
        raise ServiceLayerTaken(other)


def _check_code(code: str) -> None:
    if not re.fullmatch(CODE_PATTERN, code):
        raise UnfitPart((("code",), Unfit(_NO_CODE)))
