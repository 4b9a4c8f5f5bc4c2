"""Versions of layers that stand on their own: with the names and the oddities of their file"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("layers", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    for name, default in (("problems", "[]"), ("repaired", "[]")):
        op.add_column(
            "layer_versions",
            sa.Column(name, postgresql.JSONB(), server_default=default, nullable=False),
        )
    op.add_column("district_shapes", sa.Column("names", postgresql.JSONB(), nullable=True))
    op.execute(
        "UPDATE district_shapes s SET names = d.names FROM districts d WHERE d.id = s.district_id"
    )
    op.alter_column("district_shapes", "names", nullable=False)


def downgrade() -> None:
    op.drop_column("district_shapes", "names")
    op.drop_column("layer_versions", "repaired")
    op.drop_column("layer_versions", "problems")
    op.drop_column("layers", "version")
