"""Open tickets near a spot, who supports them, who follows them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
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
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f("fk_subscriptions_jurisdiction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_subscriptions_jurisdiction_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint(
            "jurisdiction_id", "id", name=op.f("uq_subscriptions_jurisdiction_id_id")
        ),
    )
    op.create_index(
        "uq_subscriptions_email",
        "subscriptions",
        ["report_id", sa.text("lower(email)")],
        unique=True,
    )
    op.create_index(
        "ix_subscriptions_email",
        "subscriptions",
        ["jurisdiction_id", sa.text("lower(email)")],
        unique=False,
    )
    op.add_column("notices", sa.Column("subscription_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_notices_jurisdiction_id_subscription_id"),
        "notices",
        "subscriptions",
        ["jurisdiction_id", "subscription_id"],
        ["jurisdiction_id", "id"],
    )
    op.drop_constraint(op.f("ck_notices_audience"), "notices")
    op.create_check_constraint(
        op.f("ck_notices_audience"),
        "notices",
        "audience IN ('team', 'reporter', 'dispatcher', 'subscriber')",
    )


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE audience = 'subscriber'")
    op.drop_constraint(op.f("ck_notices_audience"), "notices")
    op.create_check_constraint(
        op.f("ck_notices_audience"), "notices", "audience IN ('team', 'reporter', 'dispatcher')"
    )
    op.drop_column("notices", "subscription_id")
    op.drop_table("subscriptions")
    op.drop_table("supports")
    op.drop_index("ix_tickets_location", table_name="tickets")
