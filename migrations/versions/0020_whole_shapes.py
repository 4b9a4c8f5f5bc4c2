"""Shapes of few vertices are asked as they stand, those cut before stay cut; a distance has a name"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# PostgreSQL puts its text in the place of its name, so that it costs nothing to have one.
_DISTANCE = """
    CREATE FUNCTION edge_distance_m(
        edge geometry, point geometry, here geography, shrink float8
    ) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT ST_Distance(
            ST_Scale(
                ST_ClosestPoint(ST_Scale(edge, shrink, 1), ST_Scale(point, shrink, 1)),
                1 / shrink, 1
            )::geography, here
        )
    $$
"""


def upgrade() -> None:
    op.execute(_DISTANCE)
    op.add_column(
        "district_shapes", sa.Column("whole", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_index(
        "ix_district_shapes_shape",
        "district_shapes",
        ["shape"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("whole"),
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION edge_distance_m")
    # An older Vigie looks for pieces and edges alone.
    op.execute(
        "INSERT INTO district_pieces (jurisdiction_id, shape_id, piece)"
        " SELECT jurisdiction_id, id, (ST_Dump(shape)).geom FROM district_shapes WHERE whole"
    )
    op.execute(
        "INSERT INTO district_edges (jurisdiction_id, shape_id, edge)"
        " SELECT jurisdiction_id, id, (ST_Dump(ST_Boundary(shape))).geom"
        " FROM district_shapes WHERE whole"
    )
    op.drop_index(
        "ix_district_shapes_shape",
        table_name="district_shapes",
        postgresql_using="gist",
        postgresql_where=sa.text("whole"),
    )
    op.drop_column("district_shapes", "whole")
