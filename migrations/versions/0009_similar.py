"""Open tickets near a spot"""

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


def downgrade() -> None:
    op.drop_index("ix_tickets_location", table_name="tickets")
