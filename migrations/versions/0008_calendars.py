"""Calendars"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _upgrade_set_up()
    op.add_column("tickets", sa.Column("clock_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "tickets",
        sa.Column("relance", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.execute(
        """
        UPDATE tickets SET paused_at = (
            SELECT coalesce(max(at), tickets.updated_at) FROM events
            WHERE ticket_id = tickets.id AND kind = 'status' AND data->>'to' = 'waiting'
        )
        WHERE status = 'waiting'
        """
    )
    # What was late before anybody could be told is no news, and there may be thousands.
    op.execute("UPDATE tickets SET relance = 3 WHERE closed_at IS NULL AND due_at < now()")
    op.create_index(
        "ix_tickets_relance",
        "tickets",
        ["jurisdiction_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL AND paused_at IS NULL AND relance < 3"),
    )
    _upgrade_notices()


def _upgrade_set_up() -> None:
    op.add_column(
        "jurisdictions",
        sa.Column("calendar", postgresql.JSONB(none_as_null=True), nullable=True),
    )
    for column in ("relance_before_hours", "relance_after_hours"):
        op.add_column(
            "jurisdictions",
            sa.Column(column, sa.Integer(), server_default=sa.text("8"), nullable=False),
        )
    op.create_check_constraint(
        op.f("ck_jurisdictions_relance_hours"),
        "jurisdictions",
        "relance_before_hours > 0 AND relance_after_hours > 0",
    )
    op.add_column(
        "categories",
        sa.Column(
            "target_hours_by_priority",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )


def _upgrade_notices() -> None:
    op.add_column("notices", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_notices_jurisdiction_id_person_id"),
        "notices",
        "people",
        ["jurisdiction_id", "person_id"],
        ["jurisdiction_id", "id"],
    )
    _allow_audiences("team", "reporter", "dispatcher")
    op.create_check_constraint(
        op.f("ck_notices_person"),
        "notices",
        "(audience = 'dispatcher') = (person_id IS NOT NULL)",
    )


def _allow_audiences(*names: str) -> None:
    op.drop_constraint(op.f("ck_notices_audience"), "notices")
    listed = ", ".join(f"'{name}'" for name in names)
    op.create_check_constraint(op.f("ck_notices_audience"), "notices", f"audience IN ({listed})")


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind IN ('due_soon', 'overdue', 'escalated')")
    op.drop_constraint(op.f("ck_notices_person"), "notices")
    _allow_audiences("team", "reporter")
    op.drop_column("notices", "person_id")
    op.drop_index("ix_tickets_relance", table_name="tickets")
    for column in ("relance", "paused_at", "clock_from"):
        op.drop_column("tickets", column)
    op.drop_column("categories", "target_hours_by_priority")
    for column in ("relance_after_hours", "relance_before_hours", "calendar"):
        op.drop_column("jurisdictions", column)
