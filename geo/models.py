"""Layers, their districts, and what reference layers hold.

A district is an identity that rules and tickets name; its shapes belong to versions of its layer.
A shape of few vertices is asked as it stands. Beside any other stand its pieces, small polygons
that make the look-up as cheap for a district of 12,000 vertices as for one of 60, and its edges,
short stretches of its border.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.columns import GEOMETRY, LINESTRING, MULTIPOLYGON, POLYGON, spatial_index
from infra.database import Base, Names, one_of, within_jurisdiction


class LayerRole(StrEnum):
    """What a layer is for."""

    BOUNDARY = "boundary"
    SERVICE = "service"
    REFERENCE = "reference"


class Layer(Base):
    """A named set of districts; the boundary of a jurisdiction is a layer with a single one."""

    __tablename__ = "layers"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
        within_jurisdiction("published_version_id", "layer_versions", deferred=True),
        one_of("role", LayerRole),
        Index(
            "ix_layers_one_per_role",
            "jurisdiction_id",
            "role",
            unique=True,
            postgresql_where=text("role <> 'reference' AND retired_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    role: Mapped[str]
    published_version_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class LayerVersion(Base):
    """One state of a layer, a draft until it is published; what was published stays for history.

    `problems` are GeoJSON features of what is odd about it, `repaired` the codes of the districts
    whose rings were mended.
    """

    __tablename__ = "layer_versions"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("layer_id", "number"),
        within_jurisdiction("layer_id", "layers"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    layer_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int]
    checksum: Mapped[str]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    repaired: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")


class District(Base):
    """One district of a layer, known by its code from version to version."""

    __tablename__ = "districts"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("layer_id", "code"),
        within_jurisdiction("layer_id", "layers"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    layer_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    names: Mapped[Names]
    retired_at: Mapped[datetime | None]


class DistrictShape(Base):
    """The whole shape of a district in one version of its layer, and its names there.

    It has pieces and edges unless it is `whole`: asked as it stands. That version and district are
    of the jurisdiction, triggers hold once for all rows of a statement: foreign keys, which look at
    one by one, would take half of the time that writing 35,000 of them takes.
    """

    __tablename__ = "district_shapes"
    __table_args__ = (
        UniqueConstraint("layer_version_id", "district_id"),
        spatial_index("district_shapes", "shape", where="whole"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    layer_version_id: Mapped[int] = mapped_column(BigInteger)
    district_id: Mapped[int] = mapped_column(BigInteger)
    names: Mapped[Names]
    shape: Mapped[WKBElement] = mapped_column(MULTIPOLYGON)
    whole: Mapped[bool] = mapped_column(server_default="false")


class DistrictPiece(Base):
    """A part of a shape that is not whole, with few vertices."""

    __tablename__ = "district_pieces"
    __table_args__ = (spatial_index("district_pieces", "piece"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    shape_id: Mapped[int] = mapped_column(
        ForeignKey("district_shapes.id", ondelete="CASCADE"), index=True
    )
    piece: Mapped[WKBElement] = mapped_column(POLYGON)


class DistrictEdge(Base):
    """A stretch of the border of a shape that is not whole, with few vertices."""

    __tablename__ = "district_edges"
    __table_args__ = (spatial_index("district_edges", "shape_id", "edge"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    shape_id: Mapped[int] = mapped_column(ForeignKey("district_shapes.id", ondelete="CASCADE"))
    edge: Mapped[WKBElement] = mapped_column(LINESTRING)


class DistrictRaster(Base):
    """The raster of a version's shapes as in geo.raster, kept for those who look up many spots.

    `content` has its arrays one after the other, little-endian, and `sizes` how many elements each
    of them has.
    """

    __tablename__ = "district_rasters"
    __table_args__ = (within_jurisdiction("layer_version_id", "layer_versions"),)

    layer_version_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    west: Mapped[float]
    south: Mapped[float]
    side_deg: Mapped[float]
    row_count: Mapped[int]
    sizes: Mapped[list[Any]]
    content: Mapped[bytes]


class ReferenceFeature(Base):
    """A road, a pole, a park: something of a reference layer, in one version of it.

    Rules ask how near a report is to it, and what its properties are.
    """

    __tablename__ = "reference_features"
    __table_args__ = (
        UniqueConstraint("layer_version_id", "code"),
        within_jurisdiction("layer_version_id", "layer_versions"),
        spatial_index("reference_features", "layer_version_id", "shape"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    layer_version_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB)
    shape: Mapped[WKBElement] = mapped_column(GEOMETRY)
