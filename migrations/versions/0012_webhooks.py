"""Webhooks, and the deliveries that a trigger owes them with every event"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Whatever writes an event owes it to the webhooks in the same transaction, without asking for them
# first. It runs before the commit, when the ticket is what the event made of it.
OWE = """
    CREATE FUNCTION owe_webhooks() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        INSERT INTO public.webhook_deliveries (
            jurisdiction_id, webhook_id, ticket_id, seq, kind, message_id, status, attempt,
            attempts_before, created_at, due_at
        )
        SELECT w.jurisdiction_id, w.id, NEW.ticket_id, NEW.seq, NEW.kind,
            'msg_' || replace(gen_random_uuid()::text, '-', ''), 'pending', 0, 0, now(), now()
        FROM public.webhooks w
        WHERE w.jurisdiction_id = NEW.jurisdiction_id
            AND w.retired_at IS NULL AND w.disabled_at IS NULL
            AND w.event_kinds ? NEW.kind
            AND (w.team_id IS NULL OR w.team_id = (
                SELECT t.team_id FROM public.tickets t WHERE t.id = NEW.ticket_id
            ));
        RETURN NULL;
    END
    $$
"""
TRIGGER = """
    CREATE CONSTRAINT TRIGGER owe_webhooks AFTER INSERT ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION owe_webhooks()
"""


def upgrade() -> None:
    _make_webhooks()
    _make_deliveries()
    op.execute(OWE)
    op.execute(TRIGGER)


def _make_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("event_kinds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("old_secret", sa.String(), nullable=True),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "disabled_reason IN ('administrator', 'gone', 'failing')",
            name=op.f("ck_webhooks_disabled_reason"),
        ),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_reason IS NULL)", name=op.f("ck_webhooks_disabled")
        ),
        sa.CheckConstraint(
            "(old_secret IS NULL) = (old_secret_until IS NULL)",
            name=op.f("ck_webhooks_old_secret"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_webhooks_jurisdiction_id_team_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_webhooks_jurisdiction_id_id")),
    )


def _make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempts_before", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'failed')", name=op.f("ck_webhook_deliveries_status")
        ),
        sa.CheckConstraint(
            "(ticket_id IS NULL) = (seq IS NULL)", name=op.f("ck_webhook_deliveries_event")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "webhook_id"],
            ["webhooks.jurisdiction_id", "webhooks.id"],
            name=op.f("fk_webhook_deliveries_jurisdiction_id_webhook_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id", "seq"],
            ["events.ticket_id", "events.seq"],
            name=op.f("fk_webhook_deliveries_ticket_id_seq"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_deliveries_message_id")),
    )
    op.create_index(
        "ix_webhook_deliveries_log", "webhook_deliveries", ["webhook_id", "created_at", "id"]
    )
    op.create_index(
        "ix_webhook_deliveries_pending",
        "webhook_deliveries",
        ["webhook_id", "due_at", "id"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER owe_webhooks ON events")
    op.execute("DROP FUNCTION owe_webhooks()")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
