"""What teams work with: reasons to close, third parties, answer templates, planned days, mentions"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATUSES = "'received', 'accepted', 'in_progress', 'waiting', 'resolved', 'declined', 'reopened'"
AUDIENCES = "'team', 'reporter', 'dispatcher', 'subscriber'"
AUDIENCES_WITH_COLLEAGUES = "'team', 'reporter', 'dispatcher', 'colleague', 'subscriber'"


def upgrade() -> None:
    names = postgresql.JSONB(astext_type=sa.Text())
    _make_setting(
        "close_reasons",
        sa.Column("statuses", names, nullable=False),
        sa.Column("public_texts", names, server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    _make_setting("third_parties")
    _make_setting(
        "answer_templates",
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("texts", names, nullable=False),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_answer_templates_status")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "category_id"],
            ["categories.jurisdiction_id", "categories.id"],
            name=op.f("fk_answer_templates_jurisdiction_id_category_id"),
        ),
    )
    op.add_column("tickets", sa.Column("close_reason_id", sa.BigInteger(), nullable=True))
    op.add_column("tickets", sa.Column("planned_on", sa.Date(), nullable=True))
    op.add_column("tickets", sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_tickets_planned_once"), "tickets", "planned_on IS NULL OR planned_at IS NULL"
    )
    op.create_foreign_key(
        op.f("fk_tickets_jurisdiction_id_close_reason_id"),
        "tickets",
        "close_reasons",
        ["jurisdiction_id", "close_reason_id"],
        ["jurisdiction_id", "id"],
    )
    op.create_index(
        "ix_tickets_close_reason",
        "tickets",
        ["close_reason_id", "created_at", "id"],
        postgresql_where=sa.text("close_reason_id IS NOT NULL"),
    )
    _address(AUDIENCES_WITH_COLLEAGUES, "audience IN ('dispatcher', 'colleague')")


def _make_setting(table: str, *more: Any) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        *more,
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f(f"fk_{table}_jurisdiction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f(f"uq_{table}_jurisdiction_id_id")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f(f"uq_{table}_jurisdiction_id_code")
        ),
    )


def _address(audiences: str, of_a_person: str) -> None:
    for name, condition in (
        ("ck_notices_audience", f"audience IN ({audiences})"),
        ("ck_notices_person", f"({of_a_person}) = (person_id IS NOT NULL)"),
    ):
        op.drop_constraint(op.f(name), "notices")
        op.create_check_constraint(op.f(name), "notices", condition)


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE audience = 'colleague'")
    _address(AUDIENCES, "audience = 'dispatcher'")
    op.drop_index("ix_tickets_close_reason", table_name="tickets")
    op.drop_constraint(op.f("fk_tickets_jurisdiction_id_close_reason_id"), "tickets")
    op.drop_constraint(op.f("ck_tickets_planned_once"), "tickets")
    for column in ("planned_at", "planned_on", "close_reason_id"):
        op.drop_column("tickets", column)
    for table in ("answer_templates", "third_parties", "close_reasons"):
        op.drop_table(table)
