"""District rasters: a map drawn once for all who look up many spots"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ARRAYS = (
    *("run_numbers", "run_lengths", "centres", "starts", "edges"),
    *("corners", "first_corners"),
)


def upgrade() -> None:
    op.create_table(
        "district_rasters",
        sa.Column("layer_version_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("west", "south", "side_deg")),
        sa.Column("row_count", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in _ARRAYS),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_version_id"],
            ["layer_versions.jurisdiction_id", "layer_versions.id"],
            name=op.f("fk_district_rasters_jurisdiction_id_layer_version_id"),
        ),
        sa.PrimaryKeyConstraint("layer_version_id", name=op.f("pk_district_rasters")),
    )
    # Coordinates hardly get shorter, and reading them back from that takes longer than they save.
    for name in _ARRAYS:
        op.execute(f"ALTER TABLE district_rasters ALTER COLUMN {name} SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("district_rasters")
