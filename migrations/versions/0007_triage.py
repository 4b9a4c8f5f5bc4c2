"""Triage"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tickets",
        sa.Column("due_fixed", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("decisions", sa.Column("overridden_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "decisions", sa.Column("overridden_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("decisions", sa.Column("override_message_id", sa.BigInteger(), nullable=True))
    for column, table in (("overridden_by", "people"), ("override_message_id", "messages")):
        op.create_foreign_key(
            op.f(f"fk_decisions_jurisdiction_id_{column}"),
            "decisions",
            table,
            ["jurisdiction_id", column],
            ["jurisdiction_id", "id"],
        )


def downgrade() -> None:
    for column in ("override_message_id", "overridden_at", "overridden_by"):
        op.drop_column("decisions", column)
    op.drop_column("tickets", "due_fixed")
