"""The audit of tickets, and the city's set-up by its administrators"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

VERSIONED = ("category_groups", "categories", "teams", "people")


def upgrade() -> None:
    for table in VERSIONED:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    _make_letters()
    _make_second_factors()
    op.create_index("ix_events_newest", "events", ["jurisdiction_id", "at", "ticket_id", "seq"])
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def _make_letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message_key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_letters_kind")),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'dropped', 'failed')", name=op.f("ck_letters_status")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_letters_jurisdiction_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_letters_token_hash")),
    )
    op.create_index(op.f("ix_letters_person_id"), "letters", ["person_id"])
    op.create_index(
        "ix_letters_waiting",
        "letters",
        ["due_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def _make_second_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery_hashes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_second_factors_jurisdiction_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factors")),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON events")
    op.drop_index("ix_events_newest", table_name="events")
    op.drop_table("second_factors")
    op.drop_table("letters")
    for table in VERSIONED:
        op.drop_column(table, "version")
