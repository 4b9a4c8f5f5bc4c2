"""The newest of a place or a status"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("reports", "tickets"):
        op.create_index(
            f"ix_{table}_location_created_at",
            table,
            ["location", "created_at"],
            unique=False,
            postgresql_using="gist",
        )
        op.drop_index(f"ix_{table}_location", table_name=table)
    op.create_index(
        "ix_tickets_status",
        "tickets",
        ["jurisdiction_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_tickets_late",
        "tickets",
        ["jurisdiction_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_late", table_name="tickets")
    op.drop_index("ix_tickets_status", table_name="tickets")
    for table in ("reports", "tickets"):
        op.create_index(
            f"ix_{table}_location", table, ["location"], unique=False, postgresql_using="gist"
        )
        op.drop_index(f"ix_{table}_location_created_at", table_name=table)
