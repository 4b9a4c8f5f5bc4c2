"""Keys of clients, and calendars by the API, which the deadlines of open tickets follow"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHANNELS = ("app", "phone", "counter", "sensor", "chat")


def upgrade() -> None:
    op.add_column("jurisdictions", sa.Column("reckoned_to", sa.BigInteger(), nullable=True))
    op.add_column(
        "jurisdictions", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    channels = ", ".join(f"'{channel}'" for channel in CHANNELS)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"channel IN ({channels})", name=op.f("ck_api_keys_channel")),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_keys_per_minute")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f("fk_api_keys_jurisdiction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_api_keys_jurisdiction_id_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.add_column("reports", sa.Column("api_key_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_reports_jurisdiction_id_api_key_id"),
        "reports",
        "api_keys",
        ["jurisdiction_id", "api_key_id"],
        ["jurisdiction_id", "id"],
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_reports_jurisdiction_id_api_key_id"), "reports")
    op.drop_column("reports", "api_key_id")
    op.drop_table("api_keys")
    op.drop_column("jurisdictions", "version")
    op.drop_column("jurisdictions", "reckoned_to")
