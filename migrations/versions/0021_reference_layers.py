"""Reference layers: lines, points and areas near which rules may ask a report to be"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_DOCUMENTS = """
    CREATE VIEW rule_documents AS
    SELECT r.ruleset_id, r.position, r.category_id, r.group_id,
        json_build_array(
            r.id, r.position, r.team_id, r.category_id, r.group_id, r.district_id,
            coalesce(c.names, g.names), d.names, {of_layer} r.conditions,
            t.code, t.names, t.calendar_id
        ) AS document
    FROM rules r
    JOIN teams t ON t.id = r.team_id
    LEFT JOIN categories c ON c.id = r.category_id
    LEFT JOIN category_groups g ON g.id = r.group_id
    LEFT JOIN districts d ON d.id = r.district_id
    {join}
"""

# Of each layer that rules of the ruleset ask about, the feature nearest to the spot, if it is as
# near as any of them wants: {layer's id: [code, distance in metres, properties, layer's version]}.
# The versions in `drafts` stand in for the published ones of their layers. Near the antimeridian
# the spot stands twice. Distances are rounded to millimetres, so that on the line is on the line.
_NEARBY = """
    CREATE FUNCTION nearby(
        of_ruleset bigint, longitude float8, latitude float8, drafts bigint[]
    ) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT jsonb_object_agg(
            wanted.layer_id,
            jsonb_build_array(found.code, found.distance_m, found.properties, v.number)
        )
        FROM (
            SELECT layer_id,
                coalesce(max((conditions ->> 'within_m')::float8), 0) AS within_m
            FROM rules WHERE ruleset_id = of_ruleset AND layer_id IS NOT NULL GROUP BY layer_id
        ) AS wanted
        JOIN layers l ON l.id = wanted.layer_id AND l.retired_at IS NULL
        JOIN layer_versions v ON v.id = coalesce(
            (SELECT id FROM layer_versions WHERE layer_id = l.id AND id = ANY(drafts)),
            l.published_version_id
        )
        CROSS JOIN LATERAL (
            SELECT f.code, f.properties, round(
                edge_distance_m(
                    f.shape, spots.point, ST_Point(longitude, latitude, 4326)::geography,
                    spots.shrink
                )::numeric, 3
            ) AS distance_m
            FROM (
                SELECT ST_Point(stands.x, latitude, 4326) AS point,
                    greatest(cos(radians(latitude)), 1e-6) AS shrink
                FROM (
                    VALUES (longitude), (
                        CASE WHEN abs(longitude) > 179 THEN longitude - sign(longitude) * 360 END
                    )
                ) AS stands (x)
                WHERE stands.x IS NOT NULL
            ) AS spots
            JOIN reference_features f ON f.layer_version_id = v.id AND f.shape && ST_Expand(
                spots.point, wanted.within_m / (1.1e5 * spots.shrink) + 1e-6,
                wanted.within_m / 1.1e5 + 1e-6
            )
            ORDER BY distance_m, f.code LIMIT 1
        ) AS found
        WHERE found.distance_m <= wanted.within_m
    $$
"""


def upgrade() -> None:
    op.create_table(
        "reference_features",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("layer_version_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("properties", postgresql.JSONB(), nullable=False),
        sa.Column("shape", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_version_id"],
            ["layer_versions.jurisdiction_id", "layer_versions.id"],
            name=op.f("fk_reference_features_jurisdiction_id_layer_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_features")),
        sa.UniqueConstraint(
            "layer_version_id", "code", name=op.f("uq_reference_features_layer_version_id_code")
        ),
    )
    op.create_index(
        "ix_reference_features_layer_version_id_shape",
        "reference_features",
        ["layer_version_id", "shape"],
        unique=False,
        postgresql_using="gist",
    )
    op.add_column("rules", sa.Column("layer_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_rules_jurisdiction_id_layer_id"),
        "rules",
        "layers",
        ["jurisdiction_id", "layer_id"],
        ["jurisdiction_id", "id"],
    )
    op.execute(_NEARBY)
    op.execute("DROP VIEW rule_documents")
    of_layer = "r.layer_id, l.names,"
    op.execute(_DOCUMENTS.format(of_layer=of_layer, join="LEFT JOIN layers l ON l.id = r.layer_id"))


def downgrade() -> None:
    op.execute("DROP VIEW rule_documents")
    op.execute(_DOCUMENTS.format(of_layer="", join=""))
    op.execute("DROP FUNCTION nearby")
    # An older Vigie would apply such a rule wherever the report is.
    op.execute(
        "UPDATE decisions SET rule_id = NULL"
        " WHERE rule_id IN (SELECT id FROM rules WHERE layer_id IS NOT NULL)"
    )
    op.execute("DELETE FROM rules WHERE layer_id IS NOT NULL")
    op.drop_column("rules", "layer_id")
    op.drop_table("reference_features")
