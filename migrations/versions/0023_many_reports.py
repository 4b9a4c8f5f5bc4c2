"""Simulations of many reports: a map drawn once for all of them, results that nothing looks up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_OF_SIMULATION = "fk_simulated_changes_simulation_id"


def upgrade() -> None:
    op.create_table(
        "district_rasters",
        sa.Column("layer_version_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("west", "south", "side_deg")),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("sizes", postgresql.JSONB(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_version_id"],
            ["layer_versions.jurisdiction_id", "layer_versions.id"],
            name=op.f("fk_district_rasters_jurisdiction_id_layer_version_id"),
        ),
        sa.PrimaryKeyConstraint("layer_version_id", name=op.f("pk_district_rasters")),
    )
    # Coordinates hardly get shorter, and reading them back from that takes longer than they save.
    op.execute("ALTER TABLE district_rasters ALTER COLUMN content SET STORAGE EXTERNAL")
    for name in ("fk_simulated_changes_jurisdiction_id_report_id", _OF_SIMULATION):
        op.drop_constraint(name, "simulated_changes")


def downgrade() -> None:
    op.create_foreign_key(
        _OF_SIMULATION,
        "simulated_changes",
        "simulations",
        ["simulation_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        "fk_simulated_changes_jurisdiction_id_report_id",
        "simulated_changes",
        "reports",
        ["jurisdiction_id", "report_id"],
        ["jurisdiction_id", "id"],
    )
    op.drop_table("district_rasters")
