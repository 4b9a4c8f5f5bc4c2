"""Open tickets near a spot, and who supports them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_similar"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_tickets_location",
        "tickets",
        ["location"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("closed_at IS NULL AND merged_into_id IS NULL"),
    )
    op.create_table(
        "supports",
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_supports_jurisdiction_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("report_id", "digest", name=op.f("pk_supports")),
    )


def downgrade() -> None:
    op.drop_table("supports")
    op.drop_index("ix_tickets_location", table_name="tickets")
