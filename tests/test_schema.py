"""The migrations: one head, and tables exactly as the code declares them."""

from __future__ import annotations

from pathlib import Path

from infra.embedded.cluster import Cluster
from tests.commands import alembic
from tests.stack import environment


def test_migrations_have_one_head_and_match_the_code(cluster: Cluster, tmp_path: Path) -> None:
    cluster.create_database("migrated")
    environ = environment(tmp_path, cluster.url("migrated"), "unix:///none", "smtp://none")
    heads = alembic(environ, "heads").split()
    assert heads.count("(head)") == 1

    alembic(environ, "upgrade", "head")
    assert "No new upgrade operations detected" in alembic(environ, "check")


def test_migrations_can_be_taken_back(cluster: Cluster, tmp_path: Path) -> None:
    cluster.create_database("taken_back")
    environ = environment(tmp_path, cluster.url("taken_back"), "unix:///none", "smtp://none")
    alembic(environ, "upgrade", "head")
    alembic(environ, "downgrade", "base")
    alembic(environ, "upgrade", "head")
