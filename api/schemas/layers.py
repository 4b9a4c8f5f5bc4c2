"""Schemas of a city's layers, and of what is odd about their versions."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from api.fields import MAX_LINE, Moment, QueryFlag, Texts
from api.schemas.common import Schema
from api.schemas.setup import ReturnableSchema, SettingsSchema
from city.layers import ImportStage
from geo.coverage import ProblemKind
from geo.models import LayerRole

# What a city brings: its boundary comes with the city's file.
ROLES = [LayerRole.SERVICE.value, LayerRole.REFERENCE.value]


class LayerQuerySchema(Schema):
    """How a layer's file is to be read, and whether it is to be published at once."""

    role = fields.String(validate=validate.OneOf(ROLES), load_default=LayerRole.SERVICE.value)
    code_field = fields.String(
        validate=validate.Length(min=1, max=MAX_LINE),
        load_default=None,
        metadata={"description": "The property with the districts' codes; else they are numbered"},
    )
    name_field = fields.String(
        validate=validate.Length(min=1, max=MAX_LINE),
        load_default=None,
        metadata={"description": "The property with their names; else the codes are the names"},
    )
    layer = fields.String(
        validate=validate.Length(min=1, max=MAX_LINE),
        load_default=None,
        metadata={"description": "Which of several layers that a GeoPackage holds"},
    )
    publish = QueryFlag(load_default=True)

    @post_load
    def make(self, data: dict[str, Any], **_named: Any) -> dict[str, Any]:
        """Read the role."""
        return {**data, "role": LayerRole(data["role"])}


class LayerProblemSchema(Schema):
    """Something odd about how the districts of a version fit together."""

    kind = fields.String(
        required=True, validate=validate.OneOf([kind.value for kind in ProblemKind])
    )
    codes = fields.List(fields.String(), required=True)
    area_m2 = fields.Float(required=True)
    text = fields.String(required=True)


class MovedSchema(Schema):
    """How many open tickets would change district were they decided today, and how many team."""

    tickets = fields.Integer(required=True)
    teams = fields.Integer(required=True)


class BroughtSchema(Schema):
    """A version of a layer, and what is to be known of it before it is published."""

    version = fields.Integer(required=True)
    published = fields.Boolean(required=True)
    features = fields.Integer(required=True, metadata={"description": "How many districts"})
    repaired = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The codes of districts whose rings crossed and were mended"},
    )
    problems = fields.List(
        fields.Nested(LayerProblemSchema),
        required=True,
        metadata={"description": "At most 1,000, the largest of each kind first"},
    )
    orphans = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Districts that published rules name and the version lacks"},
    )
    moved = fields.Nested(MovedSchema, required=True)


class ImportStageSchema(Schema):
    """How far the file that is being brought has come."""

    stage = fields.String(
        required=True, validate=validate.OneOf([one.value for one in ImportStage])
    )
    text = fields.String(required=True)
    step = fields.Integer(required=True)
    steps = fields.Integer(required=True)
    since = Moment(required=True, metadata={"description": "When this step began"})


class ImportSchema(Schema):
    """What is being brought for a layer at this moment."""

    bringing = fields.Nested(ImportStageSchema, allow_none=True, required=True)


class LayerVersionSchema(Schema):
    """One version of a layer."""

    version = fields.Integer(required=True)
    features = fields.Integer(required=True)
    problems = fields.Integer(required=True)
    created_at = Moment(required=True)
    published_at = Moment(allow_none=True, required=True)
    current = fields.Boolean(required=True)


class LayerSchema(Schema):
    """A layer with its versions, the newest first."""

    code = fields.String(required=True)
    names = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in LayerRole]))
    published = fields.Integer(
        allow_none=True, required=True, metadata={"description": "Which version is"}
    )
    retired = fields.Boolean(required=True)
    etag = fields.String(required=True, metadata={"description": "For `If-Match` of a change"})
    versions = fields.List(fields.Nested(LayerVersionSchema), required=True)


class LayerNamesSchema(ReturnableSchema, LayerSchema):
    """What a layer is called, by language; what else one reads of it is left out."""

    names = Texts(required=True)

    class Meta:
        """What is told, and not taken."""

        dump_only = ("code", "role", "published", "retired", "etag", "versions")


class LayersSchema(SettingsSchema):
    """All layers of a city."""

    items = fields.List(fields.Nested(LayerSchema), required=True)


class DistrictCollectionSchema(Schema):
    """A GeoJSON FeatureCollection."""

    type = fields.Constant("FeatureCollection", required=True)
    features = fields.List(fields.Dict(), required=True)
