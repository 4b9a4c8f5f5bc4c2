"""Retention, erasure, and the audit"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jurisdictions", sa.Column("retention_months", sa.Integer(), nullable=True))
    op.add_column(
        "jurisdictions",
        sa.Column("retention_text", sa.String(), server_default="keep", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_jurisdictions_retention_months"), "jurisdictions", "retention_months > 0"
    )
    op.create_check_constraint(
        op.f("ck_jurisdictions_retention_text"),
        "jurisdictions",
        "retention_text IN ('keep', 'blank')",
    )
    op.add_column("reports", sa.Column("anonymised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("retained_text", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_tickets_retained_text"), "tickets", "retained_text IN ('keep', 'blank')"
    )
    op.create_index(
        "ix_tickets_retention", "tickets", ["jurisdiction_id", "retained_text", "closed_at", "id"]
    )
    op.create_index("ix_memberships_report_id", "memberships", ["report_id"])
    op.create_index(op.f("ix_idempotency_keys_report_id"), "idempotency_keys", ["report_id"])
    op.create_index(op.f("ix_idempotency_keys_message_id"), "idempotency_keys", ["message_id"])
    op.create_index("ix_contacts_email", "contacts", ["jurisdiction_id", sa.text("lower(email)")])
    op.create_index(
        "ix_contacts_phone",
        "contacts",
        ["jurisdiction_id", sa.text("right(regexp_replace(phone, '[^0-9]', '', 'g'), 6)")],
    )
    op.create_table(
        "removals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_removals_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
        sa.UniqueConstraint("key", name=op.f("uq_removals_key")),
    )
    op.create_index(op.f("ix_removals_due_at"), "removals", ["due_at"])
    _make_audit()


def _make_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("thing_kind", sa.String(), nullable=False),
        sa.Column("thing_reference", sa.String(), nullable=True),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "actor IN ('person', 'workers', 'command')", name=op.f("ck_audit_entries_actor")
        ),
        sa.CheckConstraint(
            "(actor = 'person') = (person_id IS NOT NULL)", name=op.f("ck_audit_entries_person")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f("fk_audit_entries_jurisdiction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_audit_entries_jurisdiction_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_newest", "audit_entries", ["jurisdiction_id", "at", "id"])
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("removals")
    op.drop_index("ix_contacts_phone", table_name="contacts")
    op.drop_index("ix_contacts_email", table_name="contacts")
    op.drop_index(op.f("ix_idempotency_keys_message_id"), table_name="idempotency_keys")
    op.drop_index(op.f("ix_idempotency_keys_report_id"), table_name="idempotency_keys")
    op.drop_index("ix_memberships_report_id", table_name="memberships")
    op.drop_index("ix_tickets_retention", table_name="tickets")
    op.drop_constraint(op.f("ck_tickets_retained_text"), "tickets")
    op.drop_column("tickets", "retained_text")
    op.drop_column("reports", "anonymised_at")
    op.drop_constraint(op.f("ck_jurisdictions_retention_text"), "jurisdictions")
    op.drop_constraint(op.f("ck_jurisdictions_retention_months"), "jurisdictions")
    op.drop_column("jurisdictions", "retention_text")
    op.drop_column("jurisdictions", "retention_months")
