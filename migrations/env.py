"""Runs the migrations over the connection that a caller gives, or to where DATABASE_URL leads."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

import city.account_models
import city.desk_models  # noqa: F401  (both declare their tables)
import geo.models  # noqa: F401  (declares its tables)
import reports.closings
import reports.decision_rows
import reports.desk.flags
import reports.desk_models
import reports.exchange_models
import reports.idempotency
import reports.link_models
import reports.models
import reports.privacy.removals
import reports.resident.supports
import reports.simulation_models
import reports.subscriptions
import reports.webhook_models  # noqa: F401  (all declare their own tables, and models those of city)
from infra.database import Base
from infra.settings import Settings

# PostGIS keeps tables of its own in the schema that ours live in.
EXTENSION_TABLES = {"spatial_ref_sys"}
LOCK_KEY = 0x7669676965


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out what belongs to an extension."""
    return not (kind == "table" and name in EXTENSION_TABLES)


def run(connection: Connection) -> None:
    """Migrate in one transaction, one migrating process at a time."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(Settings.from_env().database_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        run(connection)
    engine.dispose()
