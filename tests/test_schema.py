"""The migrations: one head, and tables exactly as the code declares them."""

from __future__ import annotations

from pathlib import Path

import psycopg

from infra.embedded.cluster import Cluster
from tests.commands import alembic, try_module
from tests.conftest import copy_of
from tests.stack import environment


def test_migrations_have_one_head_and_match_the_code(
    cluster: Cluster, template: str, tmp_path: Path
) -> None:
    environ = environment(tmp_path, copy_of(cluster, template), "unix:///none", "smtp://none")
    heads = alembic(environ, "heads").split()
    assert heads.count("(head)") == 1
    assert "No new upgrade operations detected" in alembic(environ, "check")


def test_migrations_can_be_taken_back(cluster: Cluster, template: str, tmp_path: Path) -> None:
    environ = environment(tmp_path, copy_of(cluster, template), "unix:///none", "smtp://none")
    alembic(environ, "downgrade", "base")
    alembic(environ, "upgrade", "head")


_SHAPE = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO district_shapes (
        jurisdiction_id, layer_version_id, district_id, names, shape, whole
    )
    VALUES (
        1, 2, 3, '{}', 'SRID=4326;MULTIPOLYGON(((0 0,9 0,9 9,0 9,0 0),(1 1,2 1,2 2,1 1)))', true
    )
"""


def test_an_older_version_finds_the_pieces_that_it_looks_for(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create_database("whole")
    environ = environment(tmp_path, cluster.url("whole"), "unix:///none", "smtp://none")
    alembic(environ, "upgrade", "head")
    with psycopg.connect(cluster.url("whole")) as connection:
        connection.execute(_SHAPE)
    alembic(environ, "downgrade", "0018")
    alembic(environ, "upgrade", "head")
    with psycopg.connect(cluster.url("whole")) as connection:
        pieces = connection.execute("SELECT ST_Area(piece) FROM district_pieces").fetchall()
        assert pieces == [(80.5,)]
        edges = connection.execute("SELECT ST_NPoints(edge) FROM district_edges").fetchall()
        assert sorted(edges) == [(4,), (5,)]
        assert connection.execute("SELECT whole FROM district_shapes").fetchall() == [(False,)]


# As an older Vigie wrote it; what it refers to does not matter here.
_OLD_PHOTO = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO photos (
        jurisdiction_id, report_id, uuid, public_id, sha256, media_type, size_bytes, width, height,
        status, visibility, attempt, strikes, created_at, updated_at
    )
    VALUES (
        1, 7, '6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11', gen_random_uuid(), '\\x00ff', 'image/jpeg',
        1, 1, 1, 'ready', 'shown', 1, 0, now(), now()
    )
"""


def test_originals_of_an_older_version_stay_where_they_are(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create_database("older")
    environ = environment(tmp_path, cluster.url("older"), "unix:///none", "smtp://none")
    alembic(environ, "upgrade", "0005")
    with psycopg.connect(cluster.url("older")) as connection:
        connection.execute(_OLD_PHOTO)
    alembic(environ, "upgrade", "head")
    with psycopg.connect(cluster.url("older")) as connection:
        found = connection.execute("SELECT original FROM photos").fetchone()
        assert found == ("originals/7/6f0d1ad4-8f7f-4fc4-9d3e-6e2f8f7e4c11/00ff",)
    alembic(environ, "downgrade", "0005")
    alembic(environ, "upgrade", "head")
    with psycopg.connect(cluster.url("older")) as connection:
        connection.execute("UPDATE photos SET original = 'originals/7/one-of-its-own'")
    code, _, complaints = try_module(environ, "alembic", "downgrade", "0005")
    assert code != 0
    assert "originals an older version cannot find" in complaints
