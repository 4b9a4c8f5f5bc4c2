"""Rules may ask for more than subject and district; drafts of rules; rules as one document each"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What decides about a report reads its rules with all that their sentences need.
_DOCUMENTS = """
    CREATE VIEW rule_documents AS
    SELECT r.ruleset_id, r.position, r.category_id, r.group_id,
        json_build_array(
            r.id, r.position, r.team_id, r.category_id, r.group_id, r.district_id,
            coalesce(c.names, g.names), d.names, r.conditions, t.code, t.names, t.calendar_id
        ) AS document
    FROM rules r
    JOIN teams t ON t.id = r.team_id
    LEFT JOIN categories c ON c.id = r.category_id
    LEFT JOIN category_groups g ON g.id = r.group_id
    LEFT JOIN districts d ON d.id = r.district_id
"""

_RENAME = (
    "ALTER TABLE rulesets RENAME CONSTRAINT uq_rulesets_jurisdiction_id_{old}"
    " TO uq_rulesets_jurisdiction_id_{new}"
)


def upgrade() -> None:
    op.alter_column("rulesets", "version", new_column_name="number")
    op.execute(_RENAME.format(old="version", new="number"))
    op.add_column(
        "rulesets", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "rules",
        sa.Column("conditions", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.execute(_DOCUMENTS)


def downgrade() -> None:
    op.execute("DROP VIEW rule_documents")
    # An older Vigie would apply a rule with conditions where they do not hold: drafts go, and what
    # was published keeps its rules without conditions alone.
    op.execute(
        "UPDATE decisions SET rule_id = NULL"
        " WHERE rule_id IN (SELECT id FROM rules WHERE conditions <> '{}')"
    )
    op.execute("DELETE FROM rules WHERE conditions <> '{}'")
    op.drop_column("rules", "conditions")
    op.drop_column("rulesets", "version")
    op.execute(_RENAME.format(old="number", new="version"))
    op.alter_column("rulesets", "number", new_column_name="version")
