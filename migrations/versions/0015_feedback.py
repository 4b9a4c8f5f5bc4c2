"""Whether reporters are satisfied with a closing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "jurisdictions",
        sa.Column("feedback_days", sa.Integer(), server_default=sa.text("14"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_jurisdictions_feedback_days"), "jurisdictions", "feedback_days > 0"
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(satisfied IS NULL) = (answered_at IS NULL)", name=op.f("ck_feedback_answered")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["jurisdiction_id", column],
                [f"{table}.jurisdiction_id", f"{table}.id"],
                name=op.f(f"fk_feedback_jurisdiction_id_{column}"),
            )
            for column, table in (
                ("report_id", "reports"),
                ("ticket_id", "tickets"),
                ("category_id", "categories"),
                ("team_id", "teams"),
                ("district_id", "districts"),
                ("message_id", "messages"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("report_id", "closed_at", name=op.f("uq_feedback_report_id_closed_at")),
    )
    op.create_index("ix_feedback_closed_at", "feedback", ["jurisdiction_id", "closed_at"])


def downgrade() -> None:
    op.drop_table("feedback")
    op.drop_constraint(op.f("ck_jurisdictions_feedback_days"), "jurisdictions")
    op.drop_column("jurisdictions", "feedback_days")
