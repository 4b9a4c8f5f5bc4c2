"""Calendars that teams may have instead of the city's"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(), nullable=False),
        sa.Column("calendar", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_calendars_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f("uq_calendars_jurisdiction_id_code")
        ),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_calendars_jurisdiction_id_id")),
    )
    op.add_column("teams", sa.Column("calendar_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_teams_jurisdiction_id_calendar_id"),
        "teams",
        "calendars",
        ["jurisdiction_id", "calendar_id"],
        ["jurisdiction_id", "id"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_teams_jurisdiction_id_calendar_id"), "teams")
    op.drop_column("teams", "calendar_id")
    op.drop_table("calendars")
    # Deadlines of teams that had a calendar are the city's again.
    op.execute("UPDATE jurisdictions SET reckoned_to = 0 WHERE retired_at IS NULL")
