"""Originals under keys of their own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The key was made of the row until now.
_AS_BEFORE = """
    UPDATE photos
    SET original = 'originals/' || report_id || '/' || uuid || '/' || encode(sha256, 'hex')
"""
# An older Vigie would take the originals that came since for leftovers, and remove them.
_REFUSE_TO_LOSE = """
    DO $$ BEGIN
        IF EXISTS (
            SELECT FROM photos
            WHERE original
                <> 'originals/' || report_id || '/' || uuid || '/' || encode(sha256, 'hex')
        ) THEN
            RAISE EXCEPTION 'there are photos whose originals an older version cannot find';
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("photos", sa.Column("original", sa.String(), nullable=True))
    op.execute(_AS_BEFORE)
    op.alter_column("photos", "original", nullable=False)


def downgrade() -> None:
    op.execute(_REFUSE_TO_LOSE)
    op.drop_column("photos", "original")
