"""Finding a report's notices, and whoever left a telephone number"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_notices_report_id", "notices", ["report_id"], unique=False)
    op.create_index(
        "ix_notices_failed",
        "notices",
        ["ticket_id"],
        unique=False,
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.drop_index("ix_notices_ticket_id", table_name="notices")
    op.drop_index("ix_contacts_phone", table_name="contacts")
    op.create_index(
        "ix_contacts_phone",
        "contacts",
        [
            "jurisdiction_id",
            sa.text(
                r"right(regexp_replace(regexp_replace(phone, '^([^0-9]*[0-9][^A-Za-z#]*).*$', '\1'),"
                " '[^0-9]', '', 'g'), 6)"
            ),
        ],
    )


def downgrade() -> None:
    op.drop_index("ix_contacts_phone", table_name="contacts")
    op.create_index(
        "ix_contacts_phone",
        "contacts",
        ["jurisdiction_id", sa.text("right(regexp_replace(phone, '[^0-9]', '', 'g'), 6)")],
    )
    op.create_index("ix_notices_ticket_id", "notices", ["ticket_id"], unique=False)
    op.drop_index("ix_notices_failed", table_name="notices")
    op.drop_index("ix_notices_report_id", table_name="notices")
