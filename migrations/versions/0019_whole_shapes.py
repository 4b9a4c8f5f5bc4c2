"""Shapes of few vertices are asked as they stand; those that were cut before stay cut"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
