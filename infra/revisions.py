"""Which migration a database stands at, and which this code brings it to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def head() -> str:
    """Return the newest migration that this code has."""
    newest = _scripts().get_current_head()
    return newest or ""


def is_known(revision: str) -> bool:
    """Tell whether this code has the migration."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


def lags(revision: str) -> bool:
    """Tell whether this code has migrations that a database at the revision lacks.

    One that is ahead does not lag: code has to run on while the next migration is brought in.
    """
    return revision == "" or (is_known(revision) and revision != head())


def current(connection: Connection) -> str:
    """Return the migration that the database stands at, or "" where none has run."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database still lacks, in one transaction that is committed."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    return Config(toml_file=_PROJECT)


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
