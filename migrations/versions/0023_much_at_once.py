"""Much at once: maps drawn once for all simulations, results and shapes checked together"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_OF_SIMULATION = "fk_simulated_changes_simulation_id"

# What foreign keys would hold for one row after the other, for all rows of a statement at once.
_CHECK_SHAPES = """
    CREATE FUNCTION check_district_shapes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM added
            LEFT JOIN layer_versions v ON v.jurisdiction_id = added.jurisdiction_id
                AND v.id = added.layer_version_id
            LEFT JOIN districts d ON d.jurisdiction_id = added.jurisdiction_id
                AND d.id = added.district_id
            WHERE v.id IS NULL OR d.id IS NULL
        ) THEN
            RAISE foreign_key_violation
                USING MESSAGE = 'a shape of another jurisdiction''s version or district';
        END IF;
        RETURN NULL;
    END $$
"""
_CHECK_OWNER = """
    CREATE FUNCTION check_{table}_unshaped() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM gone JOIN district_shapes s ON s.{column} = gone.id) THEN
            RAISE foreign_key_violation USING MESSAGE = 'there are shapes of it';
        END IF;
        RETURN NULL;
    END $$
"""
_OWNERS = {"layer_versions": "layer_version_id", "districts": "district_id"}


def _hold_shapes() -> None:
    op.execute(_CHECK_SHAPES)
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER check_{event.lower()} AFTER {event} ON district_shapes"
            " REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            " EXECUTE FUNCTION check_district_shapes()"
        )
    for table, column in _OWNERS.items():
        op.execute(_CHECK_OWNER.format(table=table, column=column))
        op.execute(
            f"CREATE TRIGGER check_unshaped AFTER DELETE ON {table}"
            " REFERENCING OLD TABLE AS gone FOR EACH STATEMENT"
            f" EXECUTE FUNCTION check_{table}_unshaped()"
        )
        op.drop_constraint(f"fk_district_shapes_jurisdiction_id_{column}", "district_shapes")


def _hold_shapes_one_by_one() -> None:
    for table, column in _OWNERS.items():
        op.execute(f"DROP TRIGGER check_unshaped ON {table}")
        op.execute(f"DROP FUNCTION check_{table}_unshaped()")
        op.create_foreign_key(
            f"fk_district_shapes_jurisdiction_id_{column}",
            "district_shapes",
            table,
            ["jurisdiction_id", column],
            ["jurisdiction_id", "id"],
            # The triggers have held it until now.
            postgresql_not_valid=True,
        )
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER check_{event} ON district_shapes")
    op.execute("DROP FUNCTION check_district_shapes()")


def upgrade() -> None:
    op.create_table(
        "district_rasters",
        sa.Column("layer_version_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("west", "south", "side_deg")),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("sizes", postgresql.JSONB(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_version_id"],
            ["layer_versions.jurisdiction_id", "layer_versions.id"],
            name=op.f("fk_district_rasters_jurisdiction_id_layer_version_id"),
        ),
        sa.PrimaryKeyConstraint("layer_version_id", name=op.f("pk_district_rasters")),
    )
    # Coordinates hardly get shorter, and reading them back from that takes longer than they save.
    op.execute("ALTER TABLE district_rasters ALTER COLUMN content SET STORAGE EXTERNAL")
    for name in ("fk_simulated_changes_jurisdiction_id_report_id", _OF_SIMULATION):
        op.drop_constraint(name, "simulated_changes")
    _hold_shapes()


def downgrade() -> None:
    _hold_shapes_one_by_one()
    op.create_foreign_key(
        _OF_SIMULATION,
        "simulated_changes",
        "simulations",
        ["simulation_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        "fk_simulated_changes_jurisdiction_id_report_id",
        "simulated_changes",
        "reports",
        ["jurisdiction_id", "report_id"],
        ["jurisdiction_id", "id"],
    )
    op.drop_table("district_rasters")
