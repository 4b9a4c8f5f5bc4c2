"""Photos of the work, and what looks odd about them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# An older Vigie knows no photos without a report, and their originals would be nobody's.
_REFUSE_TO_LOSE = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM photos WHERE report_id IS NULL) THEN
            RAISE EXCEPTION 'there are photos of the work, which an older version cannot keep';
        END IF;
    END $$
"""

_UNIQUE = """
    ALTER TABLE photos ADD CONSTRAINT uq_photos_jurisdiction_id_id
    UNIQUE (jurisdiction_id, id) INCLUDE (perceptual_hash)
"""


def upgrade() -> None:
    op.alter_column("photos", "report_id", nullable=True)
    op.add_column("photos", sa.Column("ticket_id", sa.BigInteger(), nullable=True))
    op.add_column("photos", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.add_column("photos", sa.Column("purpose", sa.String(), nullable=True))
    for column, table in (("ticket_id", "tickets"), ("person_id", "people")):
        op.create_foreign_key(
            op.f(f"fk_photos_jurisdiction_id_{column}"),
            "photos",
            table,
            ["jurisdiction_id", column],
            ["jurisdiction_id", "id"],
        )
    op.execute(_UNIQUE)
    op.create_unique_constraint(op.f("uq_photos_ticket_id_uuid"), "photos", ["ticket_id", "uuid"])
    op.create_index("ix_photos_sha256", "photos", ["jurisdiction_id", "sha256"])
    for name, condition in (
        ("owner", "num_nonnulls(report_id, ticket_id) = 1"),
        ("work", "num_nulls(ticket_id, person_id, purpose) IN (0, 3)"),
        ("purpose", "purpose IN ('before', 'after')"),
    ):
        op.create_check_constraint(op.f(f"ck_photos_{name}"), "photos", condition)
    op.create_index(
        "ix_tickets_merged_into",
        "tickets",
        ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    _create_flags()


def _create_flags() -> None:
    op.create_table(
        "photo_flags",
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=True),
        sa.Column("other_ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "code IN ('far', 'seen_before', 'too_early')", name=op.f("ck_photo_flags_code")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["jurisdiction_id", column],
                [f"{table}.jurisdiction_id", f"{table}.id"],
                name=op.f(f"fk_photo_flags_jurisdiction_id_{column}"),
            )
            for column, table in (
                ("photo_id", "photos"),
                ("ticket_id", "tickets"),
                ("other_ticket_id", "tickets"),
                ("cleared_by", "people"),
            )
        ),
        sa.PrimaryKeyConstraint("photo_id", "code", name=op.f("pk_photo_flags")),
    )
    op.create_index(
        "ix_photo_flags_standing",
        "photo_flags",
        ["jurisdiction_id", "ticket_id"],
        postgresql_where=sa.text("cleared_at IS NULL"),
    )


def downgrade() -> None:
    op.execute(_REFUSE_TO_LOSE)
    op.drop_table("photo_flags")
    op.drop_index("ix_tickets_merged_into", table_name="tickets")
    op.drop_index("ix_photos_sha256", table_name="photos")
    op.drop_constraint(op.f("uq_photos_jurisdiction_id_id"), "photos")
    op.drop_column("photos", "purpose")
    op.drop_column("photos", "person_id")
    op.drop_column("photos", "ticket_id")
    op.alter_column("photos", "report_id", nullable=False)
