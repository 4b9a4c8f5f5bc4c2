"""Open311: what other systems ask for and tell of the same reports"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CHANGED = "coalesce(closed_at, updated_at)"


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column("moves_tickets", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index(
        "ix_addresses_spelling",
        "addresses",
        ["jurisdiction_id", sa.text("parted(folded(label))")],
    )
    op.create_index(
        "ix_reports_api_key_id",
        "reports",
        ["api_key_id", "created_at"],
        postgresql_where=sa.text("api_key_id IS NOT NULL"),
    )
    op.create_index("ix_tickets_changed", "tickets", ["jurisdiction_id", sa.text(_CHANGED)])
    op.create_table(
        "outside_updates",
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("update_id", sa.String(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "api_key_id"],
            ["api_keys.jurisdiction_id", "api_keys.id"],
            name=op.f("fk_outside_updates_jurisdiction_id_api_key_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_outside_updates_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_outside_updates_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("api_key_id", "update_id", name=op.f("pk_outside_updates")),
    )


def downgrade() -> None:
    op.drop_table("outside_updates")
    op.drop_index("ix_tickets_changed", "tickets")
    op.drop_index("ix_reports_api_key_id", "reports")
    op.drop_index("ix_addresses_spelling", "addresses")
    op.drop_column("api_keys", "moves_tickets")
