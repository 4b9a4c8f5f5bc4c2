"""Simulations: other rules and other maps tried on the reports of the past"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "simulations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ruleset_id", sa.BigInteger(), nullable=True),
        sa.Column("base_ruleset_id", sa.BigInteger(), nullable=True),
        sa.Column("map_version_id", sa.BigInteger(), nullable=True),
        sa.Column("base_map_version_id", sa.BigInteger(), nullable=True),
        sa.Column("base_stands_in", postgresql.JSONB(), nullable=False),
        sa.Column("stands_in", postgresql.JSONB(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_most", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moves", postgresql.JSONB(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'done', 'failed')", name=op.f("ck_simulations_status")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f("fk_simulations_jurisdiction_id"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["jurisdiction_id", column],
                [f"{table}.jurisdiction_id", f"{table}.id"],
                name=op.f(f"fk_simulations_jurisdiction_id_{column}"),
            )
            for column, table in (
                ("ruleset_id", "rulesets"),
                ("base_ruleset_id", "rulesets"),
                ("map_version_id", "layer_versions"),
                ("base_map_version_id", "layer_versions"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulations")),
        sa.UniqueConstraint(
            "jurisdiction_id", "number", name=op.f("uq_simulations_jurisdiction_id_number")
        ),
    )
    op.create_index(
        "ix_simulations_waiting",
        "simulations",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "simulated_changes",
        sa.Column("simulation_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("base_team_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("base_district_id", sa.BigInteger(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_simulated_changes_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["simulation_id"],
            ["simulations.id"],
            name=op.f("fk_simulated_changes_simulation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("simulation_id", "report_id", name=op.f("pk_simulated_changes")),
    )


def downgrade() -> None:
    op.drop_table("simulated_changes")
    op.drop_table("simulations")
